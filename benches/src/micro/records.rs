//! Record commits: alone, and 32 at once, under both durabilities.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use upload_core::ports::{Expected, Put, RecordStore};
use upload_storage::{Durability, redb::RedbRecords};

pub(crate) fn measure() {
    let dir = std::env::temp_dir().join(format!("upload-micro-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for durability in [Durability::Request, Durability::None] {
        let store =
            Arc::new(RedbRecords::open(dir.join(format!("{durability:?}.redb")), durability).unwrap());
        for (writers, puts) in [(1, 2_000), (32, 20_000)] {
            let micros = run(&store, writers, puts);
            let how = if writers == 1 { "alone" } else { "32 writers at once" };
            super::row(
                &format!("record commit, durability {durability:?}, {how}"),
                &format!("{micros:.1} µs"),
            );
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

fn run(store: &Arc<RedbRecords>, writers: u64, puts: u64) -> f64 {
    static KEY: AtomicU64 = AtomicU64::new(0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let value = Bytes::from(vec![b'x'; 120]);
    let start = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..writers)
            .map(|_| {
                let (store, value) = (Arc::clone(store), value.clone());
                tokio::spawn(async move {
                    for _ in 0..puts / writers {
                        let key = format!("u/{:033}/x/0000000000", KEY.fetch_add(1, Ordering::Relaxed));
                        let put = store.put(&key, value.clone(), Expected::Absent).await;
                        assert!(matches!(put, Ok(Put::Won(_))));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    start.elapsed().as_secs_f64() * 1e6 / puts as f64
}
