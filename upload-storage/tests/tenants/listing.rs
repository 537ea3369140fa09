//! The stores' names as one listing.

use std::sync::Arc;

use upload_core::{
    Hour, ObjectKey,
    ports::{BlobStore, Listed, PartRules, Parts},
};
use upload_storage::{
    Counted, Operation, TenantBlobs,
    conformance::block_on,
    memory::{MemoryBlobs, MemoryParts},
};

use super::{HOUR, TENANTS, double::Double, handle, names, over};

/// All pages of this size, until an empty one.
async fn walk(store: &dyn BlobStore, until: u64, limit: usize) -> Vec<Listed> {
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let page = store.list(Hour::new(until), all.last(), limit).await.unwrap();
        assert!(page.len() <= limit, "{} names of {limit}", page.len());
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Every page size gives these names, in this order.
fn lists(store: &dyn BlobStore, until: u64, expected: &[Listed]) {
    for limit in [1, 2, 7, 1000] {
        assert_eq!(block_on(walk(store, until, limit)), expected, "pages of {limit}");
    }
    assert_eq!(block_on(store.list(Hour::new(until), None, 0)).unwrap(), []);
}

/// The keys of every tenant in three hours, in order.
fn keys(each: usize) -> Vec<ObjectKey> {
    let hours = HOUR..HOUR + 3;
    let of_hour = |hour| TENANTS.into_iter().flat_map(move |t| (0..each).map(move |n| names(t, hour, n).1));
    let mut keys: Vec<_> = hours.flat_map(of_hour).collect();
    keys.sort();
    keys
}

#[test]
fn a_listing_is_merged() {
    let stores = [(); 3].map(|()| Arc::new(MemoryParts::new(PartRules::s3())));
    let tenants = over(&stores);
    let keys = keys(5);
    block_on(async {
        for key in &keys {
            tenants.put_object(key, vec![]).await.unwrap();
            tenants.open(key).await.unwrap();
        }
    });
    let staged = keys.iter().map(|key| Listed::Staged(upload_core::StagingName::of(key)));
    let all: Vec<_> = keys.iter().cloned().map(Listed::Object).chain(staged).collect();
    assert_eq!(all.len(), 90);
    lists(&tenants, HOUR + 2, &all);
    let early: Vec<_> = all.into_iter().filter(|name| hour(name) < HOUR + 2).collect();
    assert_eq!(early.len(), 60);
    lists(&tenants, HOUR + 1, &early);
    lists(&tenants, HOUR - 1, &[]);
}

fn hour(name: &Listed) -> u64 {
    let hours = HOUR..HOUR + 3;
    let of = |name: &str| hours.clone().find(|hour| name.contains(&format!("/{}/", Hour::new(*hour))));
    match name {
        Listed::Staged(name) => of(name.as_str()),
        Listed::Object(key) => of(key.as_str()),
        other => panic!("{other:?}"),
    }
    .unwrap()
}

async fn stage(store: &dyn BlobStore, tenant: &str, count: usize) -> Vec<Listed> {
    let mut staged = Vec::new();
    for number in 0..count {
        let name = names(tenant, HOUR, number).0;
        store.stage(&name, None).await.unwrap();
        staged.push(Listed::Staged(name));
    }
    staged
}

/// What lies in a store of another tenant is neither listed nor in the way of what follows.
#[test]
fn names_in_a_store_they_do_not_belong_to_are_passed_over() {
    let stores = [(); 3].map(|()| Arc::new(MemoryBlobs::new()));
    let [acmes, zetas, common] = &stores;
    let [acme, zeta, many] = TENANTS;
    let expected = block_on(async {
        stage(&**common, acme, 20).await;
        stage(&**zetas, acme, 20).await;
        stage(&**acmes, zeta, 20).await;
        stage(&**zetas, many, 20).await;
        let mut expected = stage(&**acmes, acme, 3).await;
        expected.extend(stage(&**common, many, 3).await);
        expected.extend(stage(&**zetas, zeta, 3).await);
        expected
    });
    lists(&over(&stores), HOUR, &expected);
}

#[test]
fn one_store_given_to_all_lists_each_name_once() {
    let store = Arc::new(MemoryBlobs::new());
    let all = [Arc::clone(&store), Arc::clone(&store), Arc::clone(&store)];
    let expected = block_on(async {
        let [acme, zeta, many] = TENANTS;
        let mut expected = stage(&*store, acme, 10).await;
        expected.extend(stage(&*store, many, 10).await);
        expected.extend(stage(&*store, zeta, 10).await);
        expected
    });
    lists(&over(&all), HOUR, &expected);
}

/// Only an empty page ends the listing of a store.
#[test]
fn short_pages_of_a_store_are_not_its_last() {
    let short = |page| Arc::new(Double { page, ..Double::new("short") });
    let stores = [short(1), short(3), short(2)];
    let expected = block_on(async {
        let [acme, zeta, many] = TENANTS;
        let mut expected = stage(&*stores[0], acme, 10).await;
        expected.extend(stage(&*stores[2], many, 10).await);
        expected.extend(stage(&*stores[1], zeta, 10).await);
        expected
    });
    let tenants = over(&stores);
    lists(&tenants, HOUR, &expected);
    // Where there is more, a page is full.
    assert_eq!(block_on(tenants.list(Hour::new(HOUR), None, 25)).unwrap(), expected[..25]);
}

/// A page that is full asks each store once.
#[test]
fn a_page_asks_each_store_once() {
    let stores = [(); 3].map(|()| Arc::new(Counted::new(Arc::new(MemoryBlobs::new()))));
    let tenants = over(&stores);
    block_on(async {
        for tenant in TENANTS {
            stage(&tenants, tenant, 10).await;
        }
        assert_eq!(tenants.list(Hour::new(HOUR), None, 10).await.unwrap().len(), 10);
    });
    assert_eq!(stores.map(|store| store.counts().calls(Operation::List)), [1, 1, 1]);
}

#[test]
fn a_store_that_does_not_list_fails_the_listing() {
    use upload_core::ports::StoreErrorKind::Unavailable;
    use upload_storage::{Fault, Faulty, Plan};
    let plan = Plan::none().script(Operation::List, 1, Fault::Before(Unavailable));
    let faulty = Arc::new(Faulty::new(Arc::new(MemoryBlobs::new()), plan));
    let tenants = TenantBlobs::new(Arc::new(MemoryBlobs::new())).with(handle(TENANTS[0]), faulty).unwrap();
    block_on(async {
        stage(&tenants, TENANTS[2], 3).await;
        let page = tenants.list(Hour::new(HOUR), None, 2).await;
        assert_eq!(page.unwrap_err().kind, Unavailable);
    });
}
