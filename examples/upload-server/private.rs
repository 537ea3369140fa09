//! Files of one line that only their owner may read, made when they are not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use upload_core::ports::Ids as _;
use upload_engine::OsIds;

/// Random bytes of a generated line.
const BYTES: usize = 24;

/// Why such a file cannot be used; `what` it holds comes first.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateError {
    /// It cannot be read or made.
    #[error("{0} {1} cannot be {2}: {3}")]
    File(&'static str, PathBuf, &'static str, io::Error),
    /// Others may read it.
    #[error("{0} {1} has mode {2:03o}, so others may know it; expected 600: remove it to get a new one")]
    Exposed(&'static str, PathBuf, u32),
    /// It holds no line.
    #[error("{0} {1} is no line of visible ASCII; remove it to get a new one")]
    Empty(&'static str, PathBuf),
}

/// The line in the file, which is made with a random one if it is not there.
pub(crate) fn private_line(what: &'static str, path: &Path) -> Result<String, PrivateError> {
    let failed = |doing| move |e| PrivateError::File(what, path.to_owned(), doing, e);
    match File::open(path) {
        Ok(file) => {
            let mode = file.metadata().map_err(failed("examined"))?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(PrivateError::Exposed(what, path.to_owned(), mode));
            }
            let line = io::read_to_string(file).map_err(failed("read"))?.trim().to_owned();
            let usable = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_graphic());
            if usable { Ok(line) } else { Err(PrivateError::Empty(what, path.to_owned())) }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => generate(path).map_err(failed("made")),
        Err(e) => Err(failed("opened")(e)),
    }
}

/// Makes a new line beside its place and puts it there when it is complete: a sudden end leaves none or a whole one.
fn generate(path: &Path) -> io::Result<String> {
    let line = random_hex(BYTES);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}-{}", random_hex(8)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(line)
}

fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    OsIds::default().fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
