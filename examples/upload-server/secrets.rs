//! The secrets that signed requests are sealed with: those of a file, or the one of the data directory.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use upload_core::Error;
use upload_engine::Secrets;

use crate::private::{PrivateError, private_line};

/// The file of the generated secret in the data directory.
pub(crate) const FILE: &str = "secret";

/// Why there are no usable secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The given file cannot be read.
    #[error("the secrets {0} cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
    /// It has no line.
    #[error("the secrets {0}: expected a secret a line, the one that seals first; the file is empty")]
    Empty(PathBuf),
    /// A line cannot be used.
    #[error("the secrets {0}, line {1}: {2}")]
    Line(PathBuf, usize, Error),
    /// The generated one cannot be used.
    #[error(transparent)]
    Generated(#[from] PrivateError),
}

/// The secrets of this file, or else the one of the data directory, made if it is not there.
pub(crate) fn secrets(given: Option<&Path>, data: &Path) -> Result<Secrets, SecretError> {
    let (path, text) = match given {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            // No refusal: the secrets that orchestrators mount are often so.
            if std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o044 != 0) {
                tracing::warn!("the secrets {} can be read by others: mode 600 keeps them", path.display());
            }
            (path.to_owned(), text.map_err(|e| SecretError::Unreadable(path.to_owned(), e))?)
        }
        None => {
            let path = data.join(FILE);
            let line = private_line("the secret", &path)?;
            (path, line)
        }
    };
    let mut secrets: Option<Secrets> = None;
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    for (n, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let read = match secrets {
            None => Secrets::new(line.as_bytes()),
            Some(before) => before.and_old(line.as_bytes()),
        };
        secrets = Some(read.map_err(|e| SecretError::Line(path.clone(), n, e))?);
    }
    secrets.ok_or(SecretError::Empty(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_secrets_is_read_line_by_line_and_bad_ones_are_named() {
        let path = std::env::temp_dir().join(format!("upload-secrets-{}", std::process::id()));
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            secrets(Some(&path), Path::new("/nowhere"))
        };
        assert!(read("a-new-secret-of-some-length\n\n  an-old-secret-of-some-length \n").is_ok());
        let e = read("a-new-secret-of-some-length\nshort\n").unwrap_err().to_string();
        assert!(e.contains("line 2") && !e.contains("short\n"), "{e}");
        assert!(matches!(read("\n \n"), Err(SecretError::Empty(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(secrets(Some(&path), Path::new("/nowhere")), Err(SecretError::Unreadable(..))));
    }
}
