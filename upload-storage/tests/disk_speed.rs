//! How fast the disk store is here; not run with the other tests, for times prove nothing:
//! `cargo test --release -p upload-storage --test disk_speed -- --ignored --nocapture --test-threads 1`
#![cfg(feature = "disk")]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod disk_support;

use std::time::{Instant, SystemTime};

use bytes::Bytes;
use disk_support::{Scratch, block_on, names_of, permit};
use upload_core::{
    Hour,
    ports::{BlobStore, Publication},
};
use upload_storage::{
    Durability,
    disk::{DiskBlobs, DiskSettings},
};

/// Processor time of this process so far, in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields.iter().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// An hour that no run has used: ext4 is slow to make files where many were removed within minutes, and lays the
/// files of different hours elsewhere.
fn fresh_hour() -> Hour {
    Hour::new(
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64 % 99_999_999,
    )
}

fn singles(settings: DiskSettings, threads: u32, each: u32) {
    let (dir, hour) = (Scratch::new("singles"), fresh_hour());
    let durability = settings.durability;
    let store = DiskBlobs::open(dir.path(), settings).unwrap();
    let bytes = Bytes::from(vec![7u8; 64 << 10]);
    let (begin, before) = (Instant::now(), cpu());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..each {
                    let (staging, key) = names_of(hour);
                    let publication = Publication::new(staging.clone(), key, bytes.len() as u64);
                    block_on(async {
                        store.stage(&staging, Some(bytes.len() as u64)).await.unwrap();
                        store.write(&staging, 0, vec![bytes.clone()], permit()).await.unwrap();
                        store.publish(&publication).await.unwrap();
                    });
                }
            });
        }
    });
    let count = f64::from(threads * each);
    let (rate, micros) = (count / begin.elapsed().as_secs_f64(), (cpu() - before) / count * 1e6);
    println!("64 KiB singles, {threads} at once, {durability:?}: {rate:.0}/s, {micros:.0} us CPU each");
}

#[test]
#[ignore = "measures, proves nothing"]
fn singles_of_64_kib() {
    for durability in [Durability::Request, Durability::None] {
        for (threads, each) in [(32, 300), (32, 300), (1, 1000)] {
            singles(DiskSettings::new(durability), threads, each);
        }
    }
}

#[test]
#[ignore = "measures, proves nothing"]
fn streams_of_256_mib() {
    for (streams, mib) in [(1u64, 1024u64), (8, 256), (1, 1024), (8, 256)] {
        let (dir, hour) = (Scratch::new("streams"), fresh_hour());
        let store = DiskBlobs::open(dir.path(), DiskSettings::default()).unwrap();
        let bytes = Bytes::from(vec![7u8; 1 << 20]);
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..streams {
                scope.spawn(|| {
                    let (staging, key) = names_of(hour);
                    block_on(async {
                        store.stage(&staging, Some(mib << 20)).await.unwrap();
                        for i in 0..mib {
                            let pieces = (0..16).map(|p| bytes.slice(p << 16..(p + 1) << 16)).collect();
                            store.write(&staging, i << 20, pieces, permit()).await.unwrap();
                            if i % 5 == 4 {
                                store.sync(&staging).await.unwrap();
                            }
                        }
                        store.publish(&Publication::new(staging, key, mib << 20)).await.unwrap();
                    });
                });
            }
        });
        let rate = ((streams * mib) << 20) as f64 / begin.elapsed().as_secs_f64() / 1e9;
        println!("{streams} x {mib} MiB, 1 MiB writes, a sync every 5 MiB: {rate:.2} GB/s");
    }
}
