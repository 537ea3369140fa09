//! Listings of a tenant's uploads.

use std::time::Duration;

use upload_core::{
    ErrorKind, Principal, Role, Stage, UploadId,
    lifecycle::{Begin, IndexEntry},
    ports::{Expected, RecordStore},
    record::{Addressing, IndexRecord, Nonce, encode, keys},
};
use upload_engine::{Engine, Limits, Listing, Page};
use upload_storage::Operation;

use crate::support::{
    Chaos, Course, Script, World, block_on,
    chaos::Fate,
    check::{clean, look, sound},
    client::Client,
    content,
    signed::{begun, kind, whole},
    tenant,
    world::{ATTACH_WITHIN, HOUR, other, somebody},
};

fn listed(label: &str, exclusive: bool) -> Begin {
    let mut begin = Begin::new("files", Addressing::Slots, Some(10));
    begin.exclusive = exclusive;
    begin.file_name = Some(format!("a file in {label}"));
    begin.listed = Some(IndexEntry::new(label, serde_json::json!({"label": label})));
    begin
}

fn ids(page: &Page) -> Vec<UploadId> {
    page.uploads.iter().map(|seen| seen.id.clone()).collect()
}

fn all(engine: &Engine, who: &Principal, label: &str) -> (usize, Vec<UploadId>) {
    let page = block_on(engine.list(who, Listing::new(label, 1000))).unwrap();
    (page.total, ids(&page))
}

/// Many, over several pages of the store: the newest first, whatever part is asked for.
#[test]
fn a_listing_shows_the_newest_first_by_offset_and_limit() {
    let world = World::new(1);
    let engine = world.engine();
    let who = somebody("acme");
    let mut newest_first = Vec::new();
    for n in 0..40 {
        // Others stand between, in another listing and in none.
        let begin = if n % 4 == 3 { listed("other", false) } else { listed("wire", n % 2 == 0) };
        let id = block_on(engine.begin(&who, begin)).unwrap().id;
        block_on(engine.begin(&who, Begin::new("files", Addressing::Slots, Some(10)))).unwrap();
        if n % 4 != 3 {
            newest_first.insert(0, id);
        }
        world.advance(Duration::from_millis(1 + n * n * 1000));
    }
    for engine in [&engine, &world.engine()] {
        assert_eq!(all(engine, &who, "wire"), (30, newest_first.clone()));
        assert_eq!(all(engine, &who, "other").0, 10);
        assert_eq!(all(engine, &who, "wir"), (0, vec![]));
        for offset in [0, 1, 7, 29, 30, 31, usize::MAX] {
            for limit in [0, 1, 10, 100] {
                let mut listing = Listing::new("wire", limit);
                listing.offset = offset;
                let page = block_on(engine.list(&who, listing)).unwrap();
                let expected: Vec<_> = newest_first.iter().skip(offset).take(limit).cloned().collect();
                assert_eq!((page.total, ids(&page)), (30, expected), "{limit} from {offset}");
            }
        }
        // Only some are wanted: they are counted, and no others.
        let wanted = |record: &IndexRecord| {
            assert_eq!((record.label.as_str(), record.owner.as_str()), ("wire", "key"));
            assert_eq!(record.file_name.as_deref(), Some("a file in wire"));
            record.facts["label"] == "wire" && record.exclusive
        };
        let mut listing = Listing::new("wire", 5);
        (listing.offset, listing.wanted) = (12, &wanted);
        let page = block_on(engine.list(&who, listing)).unwrap();
        assert_eq!((page.total, page.uploads.len()), (20, 5));
    }
}

/// Exclusive uploads are shown to their owner, support and admin; a tenant never sees another's.
#[test]
fn a_listing_shows_what_the_principal_may_act_on() {
    let world = World::new(1);
    let engine = world.engine();
    let (me, you) = (somebody("acme"), other("acme", [Role::Upload, Role::Read]));
    let begin = |who, exclusive| {
        world.advance(Duration::from_secs(1));
        block_on(engine.begin(who, listed("wire", exclusive))).unwrap().id
    };
    let mine = [begin(&me, true), begin(&me, false)];
    let yours = [begin(&you, true), begin(&you, false)];
    let [a, b, c, d] = [&mine[0], &mine[1], &yours[0], &yours[1]].map(Clone::clone);
    assert_eq!(all(&engine, &me, "wire"), (3, vec![d.clone(), b.clone(), a.clone()]));
    assert_eq!(all(&engine, &you, "wire"), (3, vec![d.clone(), c.clone(), b.clone()]));
    for role in [Role::Support, Role::Admin] {
        let everything = vec![d.clone(), c.clone(), b.clone(), a.clone()];
        assert_eq!(all(&engine, &other("acme", [role]), "wire"), (4, everything));
    }
    let blind = other("acme", [Role::Upload]);
    assert_eq!(kind(block_on(engine.list(&blind, Listing::new("wire", 9)))), Some(ErrorKind::Forbidden));
    // Strangers: one that never had an upload, and one that has.
    let stranger = somebody("other");
    assert_eq!(all(&engine, &stranger, "wire"), (0, vec![]));
    let theirs = block_on(engine.begin(&stranger, listed("wire", false))).unwrap().id;
    assert_eq!(all(&engine, &stranger, "wire"), (1, vec![theirs]));
    assert_eq!(all(&engine, &other("other", [Role::Admin]), "wire").0, 1);
    assert_eq!(all(&engine, &me, "wire").0, 3);
}

/// What was given up, has expired or was removed is not shown; what is complete is, for ever.
#[test]
fn a_listing_forgets_what_has_ended_and_keeps_what_is_complete() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(1, 2000), 2000);
    let who = &client.who;
    let begin = |destination: &str| {
        let mut begin = client.begin();
        (begin.claim, begin.destination) = (None, destination.to_owned());
        block_on(engine.begin(who, begin)).unwrap().id
    };
    let [open, cancelled, removed, complete] = ["files"; 4].map(begin);
    let unattached = begin("kept");
    for id in [&removed, &complete, &unattached] {
        block_on(client.clone().complete(&engine, id)).unwrap();
    }
    assert_eq!(all(&engine, who, "wire").0, 5);
    let shown = || {
        let mut shown = all(&engine, who, "wire").1;
        shown.sort();
        shown
    };
    let sorted = |ids: &[&UploadId]| {
        let mut ids: Vec<_> = ids.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    block_on(engine.cancel(who, &cancelled)).unwrap();
    block_on(engine.remove(who, &removed)).unwrap();
    assert_eq!(shown(), sorted(&[&open, &complete, &unattached]), "at once");
    let page = block_on(engine.list(who, Listing::new("wire", 9))).unwrap();
    let seen = page.uploads.iter().find(|seen| seen.id == complete).unwrap();
    assert!(matches!(seen.stage, Stage::Completed(_)) && seen.length == Some(2000));
    world.advance(ATTACH_WITHIN + HOUR);
    block_on(engine.sweep());
    assert_eq!(shown(), sorted(&[&open, &complete]));
    world.advance(26 * HOUR);
    block_on(engine.sweep());
    assert_eq!(shown(), sorted(&[&complete]));
    for _ in 0..3 {
        world.advance(26 * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
        clean(&world);
    }
    assert_eq!(shown(), sorted(&[&complete]));
}

/// A place in a listing without an upload, as a crash leaves it, is passed over, and goes with the janitor.
#[test]
fn a_listing_passes_over_what_is_not_there() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    let engine = world.troubled(&chaos);
    let who = somebody("acme");
    let before = block_on(engine.begin(&who, listed("wire", false))).unwrap().id;
    world.advance(Duration::from_secs(1));
    let handle = before.handle().unwrap();
    let lost = UploadId::parse(&format!("{handle}{}", "0".repeat(25))).unwrap();
    let key = keys::index(&lost, world.clock_now()).unwrap();
    let record =
        encode(&Nonce::random(&upload_engine::OsIds::default()), &IndexRecord::new("wire", "key")).unwrap();
    block_on(world.records.put(&key, record, Expected::Absent)).unwrap();
    world.advance(Duration::from_secs(1));
    let after = block_on(engine.begin(&who, listed("wire", false))).unwrap().id;
    assert_eq!(all(&engine, &who, "wire"), (2, vec![after.clone(), before.clone()]));
    // A head may be about to be put.
    block_on(engine.janitor());
    assert_eq!(look(&world).listed.len(), 3);
    world.advance(world.settings.grace + Duration::from_secs(1));
    block_on(engine.janitor());
    assert_eq!(look(&world).listed.len(), 2);
    assert_eq!(all(&engine, &who, "wire"), (2, vec![after, before]));
}

/// An upload in one request stands in a listing as well, and is removed if nobody attaches it; it makes no claim.
#[test]
fn an_upload_in_one_request_is_listed_and_attended_to() {
    let world = World::new(1);
    let engine = world.engine();
    let who = somebody("acme");
    let receive = || block_on(engine.receive(Limits::new(100), &mut Script::of(&content(1, 10)))).unwrap();
    let mut begin = listed("wire", true);
    begin.destination = "kept".into();
    let outcome = block_on(engine.settle(&who, receive(), begin.clone())).unwrap();
    assert_eq!(all(&engine, &who, "wire"), (1, vec![outcome.id.clone()]));
    clean(&world);
    let mut claiming = begin.clone();
    claiming.claim = Some(upload_core::lifecycle::Claim::new("wire", "one"));
    assert_eq!(kind(block_on(engine.settle(&who, receive(), claiming))), Some(ErrorKind::Unsupported));
    let kept = block_on(engine.settle(&who, receive(), begin)).unwrap();
    block_on(engine.attach(&tenant(), &engine.signed_id(&kept.id).unwrap())).unwrap();
    for _ in 0..3 {
        world.advance(26 * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
        clean(&world);
    }
    assert_eq!(all(&engine, &who, "wire"), (1, vec![kept.id]));
    assert_eq!(sound(&world).objects.len(), 1);
}
