//! Golden bodies of real clients, every way of cutting bodies into frames, and the form reader.

mod form;
mod golden;
mod splits;

use super::{Boundary, PartHead, boundary};

fn cut(name: &str) -> Boundary {
    boundary(&format!("multipart/form-data; boundary={name}")).unwrap()
}

fn head(name: &str, file_name: Option<&str>, content_type: Option<&str>) -> PartHead {
    PartHead {
        name: Some(name.into()),
        file_name: file_name.map(Into::into),
        content_type: content_type.map(Into::into),
    }
}
