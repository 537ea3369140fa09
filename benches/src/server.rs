//! Servers under measurement.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::Process;

/// What upload-server is told to seal with, so that tokens can be made outside it.
pub const SECRET: &str = "the secret of a bench, known to all";

const CONFIG: &str = r#"
[destinations.bench]
max_length = 8589934592
prefix = "/bench"

[destinations.placeos]
max_length = 8589934592

[destinations.direct]
max_length = 8589934592

# As it is without a configuration, for what is sent here.
[destinations.wickson]
max_length = 524288000
max_single = 524288000
types = ["image/jpeg", "image/png", "text/plain"]
process = ["file_details", "content_summary"]
keep_content = false
"#;

/// A server in a process of its own, with a directory of its own below `BENCH_DIR`; both go with this value.
pub struct Server {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    // After the process, which uses it.
    folder: Folder,
}

impl Server {
    /// Starts what `command` makes of the directory and waits for its first line, `listening on http://ADDRESS`.
    pub fn start(command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = Folder::new();
        let (process, address) = listening(command(&folder.0));
        Self { process, address, folder }
    }

    /// Kills it and starts this over what it has left.
    pub fn restart(&mut self, command: impl FnOnce(&Path) -> Command) {
        self.process.kill();
        (self.process, self.address) = listening(command(&self.folder.0));
    }
}

/// Starts a server and waits until it says where it listens.
fn listening(mut command: Command) -> (Process, SocketAddr) {
    let mut process = Process::start(command.env("RUST_LOG", "warn"));
    let first = process.line();
    let address = first.strip_prefix("listening on http://").expect("its address").parse().unwrap();
    process.forget_lines();
    (process, address)
}

/// `upload-server`, found in `bin`, with the key `bench-key` and all its data in `folder`; its store and durability are for the
/// caller to name, and what its configuration has beside the destinations of all.
pub fn upload_server(bin: &Path, folder: &Path, more: &str) -> Command {
    fs::write(folder.join("bench.toml"), format!("{CONFIG}{more}")).unwrap();
    // As a server wants it: for its owner alone.
    let mut secret = OpenOptions::new();
    let mut secret =
        secret.write(true).create(true).truncate(true).mode(0o600).open(folder.join("secret")).unwrap();
    secret.write_all(SECRET.as_bytes()).unwrap();
    let mut command = Command::new(bin.join("upload-server"));
    command.args(["--listen", "127.0.0.1:0", "--api-key", "bench-key", "--data"]).arg(folder.join("d"));
    command.arg("--config").arg(folder.join("bench.toml"));
    command.arg("--secret-file").arg(folder.join("secret"));
    command
}

/// Where servers keep their data.
pub fn base() -> PathBuf {
    std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into)
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = base().join(format!("upload-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
