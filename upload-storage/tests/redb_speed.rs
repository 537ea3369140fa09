//! How fast the record file is here; not run with the other tests, for times prove nothing:
//! `cargo test --release -p upload-storage --test redb_speed -- --ignored --nocapture`
#![cfg(feature = "redb")]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod disk_support;

use std::time::Instant;

use bytes::Bytes;
use disk_support::{Scratch, block_on};
use upload_core::ports::{Expected, Put, RecordStore};
use upload_storage::{Durability, redb::RedbRecords};

#[test]
#[ignore = "measures, proves nothing"]
fn puts_of_400_bytes() {
    for durability in [Durability::Request, Durability::None] {
        let dir = Scratch::new("records");
        let store = RedbRecords::open(dir.path().join("records"), durability).unwrap();
        for (threads, each) in [(1, 2000), (32, 500), (1, 2000), (32, 500)] {
            let begin = Instant::now();
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let store = &store;
                    scope.spawn(move || {
                        for i in 0..each {
                            let key = format!("u/{}/{thread}/{i}", begin.elapsed().as_nanos());
                            let put = store.put(&key, Bytes::from(vec![7u8; 400]), Expected::Absent);
                            assert!(matches!(block_on(put).unwrap(), Put::Won(_)));
                        }
                    });
                }
            });
            let seconds = begin.elapsed().as_secs_f64();
            let count = f64::from(threads * each);
            println!(
                "{threads} at once, {durability:?}: {:.0} us a put, {:.0}/s",
                seconds / count * 1e6,
                count / seconds
            );
        }
        let begin = Instant::now();
        for _ in 0..100_000 {
            block_on(store.get("u/1/0/0")).unwrap();
        }
        println!("a get: {:.2} us", begin.elapsed().as_secs_f64() * 10.0);
    }
}
