//! Documents.

mod docx;
mod pdf;
mod text;
mod words;

pub(super) use self::{docx::docx, pdf::pdf, text::text};
pub(super) use words::Words;
