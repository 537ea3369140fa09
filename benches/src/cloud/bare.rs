//! The floor: object_store's put_multipart of bytes that are in memory. No server, no digest, no records.
//!
//! It runs in a process of its own, so that its cost is told from the bench's: it says `ready`, waits for a line, uploads, says
//! `done` and waits to be ended.

use std::{io::Read as _, process::Command, sync::Arc};

use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, aws::AmazonS3, path::Path};
use tokio::task::JoinSet;

use upload_benches::content::Content;

use crate::store::builder;

/// The argument that makes this program it.
pub(crate) const WORD: &str = "bare-put-multipart";
const PART: u64 = 8 << 20;

/// What starts it: `uploads` at once, each of `length` bytes with so many parts in flight.
pub(crate) fn command(uploads: usize, length: u64, in_flight: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([WORD, &uploads.to_string(), &length.to_string(), &in_flight.to_string()]);
    command.stdin(std::process::Stdio::piped());
    command
}

/// What the process does.
#[tokio::main]
pub(crate) async fn run(arguments: &[String]) {
    let number = |n: usize| arguments[n].parse::<u64>().expect("a number");
    let (uploads, length, in_flight) = (number(0), number(1), number(2) as usize);
    let store: AmazonS3 = builder(&std::env::var("AWS_BUCKET").unwrap()).build().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    let content = Arc::new(Content::default());
    store.put(&Path::from("warm"), PutPayload::from_static(b"warm")).await.unwrap();
    println!("ready");
    // Nothing else runs yet, so it may wait here.
    std::io::stdin().read_exact(&mut [0]).unwrap();
    let mut all = JoinSet::new();
    for n in 0..uploads {
        all.spawn(upload(Arc::clone(&store), n, length, in_flight, Arc::clone(&content)));
    }
    all.join_all().await;
    println!("done");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

async fn upload(store: Arc<dyn ObjectStore>, n: u64, length: u64, in_flight: usize, content: Arc<Content>) {
    let mut upload = store.put_multipart(&Path::from(format!("bare-{n}"))).await.unwrap();
    let mut running = JoinSet::<object_store::Result<()>>::new();
    let mut offset = 0;
    while offset < length {
        if running.len() == in_flight {
            running.join_next().await.unwrap().unwrap().unwrap();
        }
        let part = content.chunk(offset, PART.min(length - offset));
        offset += part.len() as u64;
        running.spawn(upload.put_part(PutPayload::from(part)));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap().unwrap();
    }
    upload.complete().await.unwrap();
}
