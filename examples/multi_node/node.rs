//! A server of its own process, and requests to it.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use upload_checksum::{Algorithm, Hasher};

use super::http::{self, Answer};

/// The key of the example's only client.
const KEY: &str = "the-key-of-the-example";

const BOUNDARY: &str = "multi-node";

/// What all servers share beside the bucket: the secret and the configuration. Removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("multi_node-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        fs::write(folder.secret(), "a secret that the servers of this example share")?;
        fs::set_permissions(folder.secret(), fs::Permissions::from_mode(0o600))?;
        fs::write(folder.config(), "[destinations.any]\nmax_length = 10_737_418_240\n")?;
        Ok(folder)
    }

    fn secret(&self) -> PathBuf {
        self.0.join("secret")
    }

    fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the temporary directory harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server; killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: String,
}

impl Node {
    /// Starts number `n` over the bucket.
    pub(crate) fn start(
        program: &Path,
        folder: &Folder,
        n: usize,
        store: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--api-key", KEY, "--store", store]);
        command.arg("--data").arg(folder.0.join(n.to_string()));
        command.arg("--secret-file").arg(folder.secret()).arg("--config").arg(folder.config());
        command.env("UPLOAD_LOG", "error");
        let started = command.stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|e| format!("{}: {e}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on http://").map(str::to_owned);
        match address {
            Some(address) => Ok(Self { child, address }),
            None => Err(format!("the server does not serve: {line:?}").into()),
        }
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let headers = [("x-pico-api-org", KEY), ("content-type", "application/json")];
        http::request(&self.address, method, path, &headers, body.to_string().as_bytes())?.json()
    }

    /// Sends chunk `n` of a stream.
    pub(crate) fn chunk(&self, id: &str, n: usize, total: usize, chunk: &[u8]) -> io::Result<Answer> {
        let mut form = Vec::with_capacity(chunk.len() + 512);
        for (name, value) in [("chunkIndex", n), ("totalChunks", total)] {
            let field =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.extend_from_slice(field.as_bytes());
        }
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"chunk\"";
        form.extend_from_slice(format!("--{BOUNDARY}\r\n{file}\r\n\r\n").as_bytes());
        form.extend_from_slice(chunk);
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("x-pico-api-org", KEY), ("content-type", content_type.as_str())];
        http::request(&self.address, "PATCH", &format!("/uploads/{id}"), &headers, &form)
    }

    pub(crate) fn get(&self, path: &str) -> io::Result<Answer> {
        http::request(&self.address, "GET", path, &[("x-pico-api-org", KEY)], b"")
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// As a service manager does.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait().map(drop)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Also when the example fails; of one that has ended there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.finish().to_hex()
}
