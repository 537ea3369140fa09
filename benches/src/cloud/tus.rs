//! The peer from npm: installing it, starting it, and uploading to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use upload_benches::{client::Client, figures::said};

use crate::content::Content;

/// What npm installs, of these versions.
pub(crate) const PACKAGES: [&str; 2] = ["@tus/server@2.4.5", "@tus/s3-store@2.0.7"];
const SERVER: &str = include_str!("tus-server.mjs");

/// The peer, installed.
pub(crate) struct Node {
    folder: PathBuf,
    /// Of Node.
    pub(crate) version: String,
}

impl Node {
    /// Installs it below `target/cloud`, beside what `.ci/cloud` keeps there, unless it is there already.
    pub(crate) fn install(bin: &Path) -> Result<Self, String> {
        let version = said(Command::new("node").arg("--version"));
        let version = version.ok_or("node cannot be run: version 20 or later is needed, with npm")?;
        let folder = bin.parent().unwrap_or(bin).join("cloud/tus");
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let (mark, wanted) = (folder.join("installed.txt"), PACKAGES.join(" "));
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { folder, version });
        }
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
        let out = npm.arg(&folder).args(PACKAGES).output().map_err(|e| format!("npm cannot be run: {e}"))?;
        if !out.status.success() {
            return Err(format!("npm install {wanted}: {}", String::from_utf8_lossy(&out.stderr).trim()));
        }
        fs::write(&mark, wanted).map_err(|e| format!("{}: {e}", mark.display()))?;
        Ok(Self { folder, version })
    }

    /// What starts it; parts that it has not sent yet lie in `scratch`.
    pub(crate) fn command(&self, scratch: &Path) -> Command {
        // Beside its packages, where Node looks for them.
        let server = self.folder.join("server.mjs");
        fs::write(&server, SERVER).unwrap();
        let mut command = Command::new("node");
        command.arg("--no-warnings").arg(server).env("TMPDIR", scratch).env("NODE_ENV", "production");
        command
    }
}

/// Uploads so many bytes in PATCHes of at most `patch`.
pub(crate) fn upload(client: &mut Client, content: &Content, length: u64, patch: u64) {
    const VERSION: &str = "tus-resumable: 1.0.0\r\n";
    let headers = format!("{VERSION}upload-length: {length}\r\n");
    let created = client.request("POST", "/files", &headers, &[]);
    assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    let location = created.location.expect("where it is");
    let path = location.find("/files/").map(|at| &location[at..]).expect("a path below /files/");
    let mut offset = 0;
    while offset < length {
        let bytes = patch.min(length - offset);
        let headers =
            format!("{VERSION}content-type: application/offset+octet-stream\r\nupload-offset: {offset}\r\n");
        let answer = client.request("PATCH", path, &headers, &content.pieces(offset, bytes));
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        offset += bytes;
    }
}
