//! Why there is no model.

use std::io;
use std::path::PathBuf;

/// Why a model could not be loaded. All of it is the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file of the model could not be read.
    #[error("the model's file {} could not be read: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not the configured one.
    #[error("the model's file {} has the SHA-256 {found}, the configuration expects {expected}", path.display())]
    Digest {
        /// Which one.
        path: PathBuf,
        /// In hexadecimal digits.
        expected: String,
        /// In hexadecimal digits.
        found: String,
    },
    /// The files are no MiniLM that this crate computes with.
    #[error("{0}")]
    Unfit(String),
}
