//! Three servers over one bucket, without a database, a lock server or sticky sessions: a file is uploaded in chunks, each to
//! another server, while one of them is killed; then any of them gives it back.
//!
//! ```text
//!   export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=eu-west-1
//!   cargo build --bin upload-server --features cloud && cargo run --bin multi_node --features cloud -- s3://BUCKET/demo
//! ```
//! `az://` and `gs://` work the same. In production a load balancer stands where this program chooses: any rule does, as no request has
//! to find the server of the one before.

mod http;
mod node;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use serde_json::{Value, json};

use self::http::Answer;
use self::node::{Folder, Node};

/// Uploads a file through three servers over one bucket.
#[derive(Debug, Parser)]
#[command(name = "multi_node")]
struct Args {
    /// s3://BUCKET, az://CONTAINER or gs://BUCKET, and a prefix; its keys are in the environment
    store: String,

    /// The server program [default: upload-server beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,

    /// MiB to upload
    #[arg(long, default_value_t = 48, value_name = "N")]
    size: usize,
}

/// Bytes of a chunk.
const CHUNK: usize = 5 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let program = match args.server {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("upload-server"),
    };
    let folder = Folder::new()?;
    let mut nodes = Vec::new();
    for n in 0..3 {
        let node = Node::start(&program, &folder, n, &args.store)?;
        say(&format!("node {n} listens on {}", node.address))?;
        nodes.push(node);
    }

    // Bytes that differ by place.
    let whole: Vec<u8> =
        (0..(args.size << 20) as u64).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    let total = whole.len().div_ceil(CHUNK);
    let sha = node::sha256(&whole);
    let new = json!({ "destinationId": "any", "fileName": "demo.bin", "fileSize": whole.len(), "sha": sha });
    let begun = nodes.first().ok_or("no node")?.json("POST", "/uploads", &new)?;
    let id = text(&begun, "streamId")?;
    let mut last = Value::Null;
    for (n, chunk) in whole.chunks(CHUNK).enumerate() {
        if n == total / 2 && nodes.len() == 3 {
            let node = nodes.remove(1);
            say(&format!("kill -9 of {}; what it has acknowledged is in the bucket", node.address))?;
            node.kill()?;
        }
        let node = nodes.get(n % nodes.len()).ok_or("no node")?;
        last = node.chunk(&id, n, total, chunk)?.json()?;
        say(&format!("chunk {n} of {total} to {}", node.address))?;
    }
    let path = text(&last, "path")?;
    for node in &nodes {
        let Answer { status, body } = node.get(&path)?;
        let same = if status == 200 && body == whole { "the same bytes" } else { "NOT the same bytes" };
        say(&format!("read from {}: {status}, {} bytes, {same}", node.address, body.len()))?;
        if body != whole {
            return Err("what was read is not what was sent".into());
        }
    }
    for node in nodes {
        node.stop()?;
    }
    Ok(())
}

/// What an answer says under this name.
fn text(answer: &Value, name: &str) -> Result<String, String> {
    let text = answer.get(name).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no {name} in {answer}"))
}

/// Writes a line to standard output.
fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}
