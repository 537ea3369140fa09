//! What lies in a bucket, asked of the store itself; and what is left there when those who clean up have been.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use tokio::runtime::Runtime;
use upload_core::Timestamp;
use upload_core::ports::Clock;
use upload_engine::{Engine, Swept};
use upload_http_axum::TokioClock;
use upload_storage::object::{Ask, Kind, ObjectBlobs, ObjectRecords, Provider, ProviderSettings};

use super::client::sha;
use super::store::Store;
use super::xml::elements;

/// A day and two hours on: every upload that is not complete is past its deadline, and every name is old.
#[derive(Debug)]
struct Later(TokioClock);

#[async_trait]
impl Clock for Later {
    fn now(&self) -> Timestamp {
        self.0.now().plus(Duration::from_secs(26 * 3600))
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// The part of a store's bucket that the servers over one directory have.
pub struct Bucket {
    runtime: Runtime,
    provider: Arc<Provider>,
    engine: Engine,
}

impl Bucket {
    pub fn of(store: &Store, data: &Path) -> Self {
        let open = |settings: &ProviderSettings| {
            Arc::new(Provider::open(&store.url(data), store.variables(), settings).unwrap())
        };
        let runtime = Runtime::new().unwrap();
        let provider = open(&ProviderSettings::default());
        let records = ObjectRecords::new(open(&ProviderSettings::records()));
        let blobs = ObjectBlobs::new(Arc::clone(&provider));
        let clock = Arc::new(Later(TokioClock::new()));
        let engine = Engine::builder(Arc::new(blobs), Arc::new(records), clock).build();
        Self { runtime, provider, engine }
    }

    /// One sweep and one pass of the janitor, a day later. No server may be running: what is under way is nobody's by then.
    pub fn clean(&self) -> (Swept, Swept) {
        let passes =
            self.runtime.block_on(async { (self.engine.sweep().await, self.engine.janitor().await) });
        assert_eq!((passes.0.failed, passes.1.failed), (0, 0), "{passes:?}");
        passes
    }

    /// The store's answer, which is good.
    fn ask(&self, ask: Ask<'_>) -> Vec<u8> {
        let what = format!("{ask:?}");
        let answer = self.runtime.block_on(self.provider.ask(ask)).unwrap();
        assert!(answer.is_success(), "{what}: {}", answer.unexpected("listing"));
        answer.body.to_vec()
    }

    /// Pages of a listing, from the first on.
    fn pages(&self, query: &[(&'static str, &str)], markers: &[(&'static str, &str)]) -> Vec<String> {
        let (mut pages, mut next): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        loop {
            let mut ask = Ask::new(Method::GET, None).query("prefix", self.provider.prefix());
            for (name, value) in query {
                ask = ask.query(name, *value);
            }
            for ((name, _), value) in markers.iter().zip(&next) {
                ask = ask.query(name, value.as_str());
            }
            let page = String::from_utf8(self.ask(ask)).unwrap();
            next = markers.iter().filter_map(|(_, of)| elements(&page, of).pop()).collect();
            pages.push(page);
            if next.concat().is_empty() {
                return pages;
            }
        }
    }

    /// Names without the prefix.
    fn names(&self, pages: &[String], element: &str) -> BTreeSet<String> {
        let names = pages.iter().flat_map(|page| elements(page, element));
        let own = names.filter_map(|name| name.strip_prefix(self.provider.prefix()).map(str::to_owned));
        own.collect()
    }

    /// Every object.
    pub fn objects(&self) -> BTreeSet<String> {
        match self.provider.kind() {
            Kind::Azure => {
                let pages =
                    self.pages(&[("restype", "container"), ("comp", "list")], &[("marker", "NextMarker")]);
                self.names(&pages, "Name")
            }
            _ => {
                let token = ("continuation-token", "NextContinuationToken");
                self.names(&self.pages(&[("list-type", "2")], &[token]), "Key")
            }
        }
    }

    /// The objects that uploads in parts would become: of sessions that are open, or of blocks that are not committed.
    pub fn unfinished(&self) -> BTreeSet<String> {
        match self.provider.kind() {
            Kind::Azure => {
                let query = [("restype", "container"), ("comp", "list"), ("include", "uncommittedblobs")];
                let all = self.names(&self.pages(&query, &[("marker", "NextMarker")]), "Name");
                all.difference(&self.objects()).cloned().collect()
            }
            _ => {
                let markers = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")];
                self.names(&self.pages(&[("uploads", "")], &markers), "Key")
            }
        }
    }

    fn sha_of(&self, name: &str) -> String {
        let path = self.provider.path(name).unwrap();
        sha([&self.ask(Ask::new(Method::GET, Some(&path)))[..]])
    }

    /// That there are objects with these digests, each once, and beside them only records, none of which is a chunk's or a part's.
    pub fn holds_only(&self, expected: &[String]) {
        let (objects, others): (Vec<_>, Vec<_>) =
            self.objects().into_iter().partition(|name| name.starts_with("o/"));
        let mut found: Vec<_> = objects.iter().map(|name| self.sha_of(name)).collect();
        let mut expected = expected.to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{objects:?}");
        // A record below that of an upload has the name of the upload's, and more.
        let is_record = |name: &str| {
            let upload = name.strip_prefix("r/u-_");
            name == "conditional-delete"
                || upload.map_or(name.starts_with("r/"), |upload| !upload.contains("-_"))
        };
        let strange: Vec<_> = others.iter().filter(|name| !is_record(name)).collect();
        assert!(strange.is_empty(), "belongs to no upload: {strange:?}");
        let unfinished = self.unfinished();
        assert!(unfinished.is_empty(), "neither complete nor given up: {unfinished:?}");
    }
}
