//! Starting a server, and reading off the kernel what it cost.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::rows::Peer;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    data: std::path::PathBuf,
}

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

impl Server {
    /// Starts the peer in a fresh directory and waits until it says where it listens.
    pub(crate) fn start(bin: &Path, peer: Peer) -> Self {
        let base = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
        let data = base.join(format!("upload-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).unwrap();
        let ours = matches!(peer, Peer::OursNone | Peer::OursRequest);
        let mut command = Command::new(bin.join(if ours { "upload-server" } else { "bare-server" }));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data.join("d"));
        if ours {
            fs::write(data.join("bench.toml"), CONFIG).unwrap();
            let durability = if peer == Peer::OursNone { "none" } else { "request" };
            // As a server wants it: for its owner alone.
            let mut secret = OpenOptions::new();
            let mut secret =
                secret.write(true).create_new(true).mode(0o600).open(data.join("secret")).unwrap();
            secret.write_all(crate::signed::SECRET.as_bytes()).unwrap();
            command
                .arg("--config")
                .arg(data.join("bench.toml"))
                .arg("--secret-file")
                .arg(data.join("secret"));
            command.args(["--api-key", "bench-key", "--durability", durability]);
        } else if peer == Peer::BareDurable {
            command.arg("--durable");
        }
        let mut child =
            command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("a first line").unwrap();
        let address = first.strip_prefix("listening on http://").expect("its address").parse().unwrap();
        // The rest is read so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, data }
    }

    /// User and system seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after = stat.rsplit(')').next().unwrap();
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        ticks as f64 / 100.0
    }

    /// Most memory it ever had resident.
    pub(crate) fn peak_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
