//! Why there are no details.

/// Why a probe gave no [`Details`](super::Details).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The content is not what its type says, or is broken. The sentence holds nothing secret and may be shown outside.
    #[error("{0}")]
    Unreadable(String),
    /// Reading its structure costs more than the [`Limits`](super::Limits) allow, and would again.
    #[error("{0}")]
    TooCostly(String),
    /// No details are measured of this type.
    #[error("no details are measured of {0}")]
    Unsupported(String),
    /// The source of the bytes failed, or the time was over: it may work another time. The text is for logs.
    #[error("{0}")]
    Failed(String),
}

pub(crate) type Result<T> = std::result::Result<T, ProbeError>;

/// An [`ProbeError::Unreadable`] with this sentence.
pub(crate) fn unreadable<T>(sentence: impl Into<String>) -> Result<T> {
    Err(ProbeError::Unreadable(sentence.into()))
}
