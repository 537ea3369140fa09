//! The peer from npm: installing it and starting it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::figures::said;

const SERVER: &str = include_str!("tus-server.mjs");

/// Where `@tus/server` keeps what it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeps {
    /// In the bucket that the environment names.
    S3,
    /// In a directory.
    Files,
}

impl Keeps {
    /// What npm installs, of these versions.
    pub fn packages(self) -> [&'static str; 2] {
        let store = match self {
            Self::S3 => "@tus/s3-store@2.0.7",
            Self::Files => "@tus/file-store@2.1.1",
        };
        ["@tus/server@2.4.5", store]
    }
}

/// The peer, installed.
pub struct Node {
    folder: PathBuf,
    keeps: Keeps,
    /// Of Node.
    pub version: String,
}

impl Node {
    /// Installs it in `folder`, unless it is there already.
    pub fn install(folder: PathBuf, keeps: Keeps) -> Result<Self, String> {
        let version = said(Command::new("node").arg("--version"));
        let version = version.ok_or("node cannot be run: version 20 or later is needed, with npm")?;
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let (mark, wanted) = (folder.join("installed.txt"), keeps.packages().join(" "));
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { folder, keeps, version });
        }
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
        let out = npm.arg(&folder).args(keeps.packages()).output();
        let out = out.map_err(|e| format!("npm cannot be run: {e}"))?;
        if !out.status.success() {
            return Err(format!("npm install {wanted}: {}", String::from_utf8_lossy(&out.stderr).trim()));
        }
        fs::write(&mark, wanted).map_err(|e| format!("{}: {e}", mark.display()))?;
        Ok(Self { folder, keeps, version })
    }

    /// What starts it: what it is sent, or what it has not passed on yet, lies in `data`.
    pub fn command(&self, data: &Path) -> Command {
        // Beside its packages, where Node looks for them.
        let server = self.folder.join("server.mjs");
        fs::write(&server, SERVER).unwrap();
        let mut command = Command::new("node");
        command.arg("--no-warnings").arg(server).env("TMPDIR", data).env("NODE_ENV", "production");
        match self.keeps {
            Keeps::S3 => command.arg("s3"),
            Keeps::Files => command.arg("file").arg(data.join("files")),
        };
        command
    }
}
