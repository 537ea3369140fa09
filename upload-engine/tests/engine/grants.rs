//! A grant does what it was made for, and nothing else.

use std::{sync::Arc, time::Duration};

use crate::support::{
    Script, World, block_on,
    check::{look, sound},
    client::{Client, completed, stored},
    content,
    signed::{LIFETIME, ask, begun, kind, manifest, md5, part, pass, put, token, whole},
    tenant,
    world::{other, somebody},
};
use bytes::Bytes;
use upload_core::{Access, Ask, ErrorKind, Grant, Principal, Role, UploadId, Visibility};
use upload_engine::{Engine, Pass, Secrets};

const ALL: [Access; 7] = [
    Access::Put,
    Access::BeginParts,
    Access::Part(1),
    Access::ListParts,
    Access::CommitParts,
    Access::AbortParts,
    Access::Read,
];

/// Everything that a pass can be asked for; which of it was forbidden.
fn everything(pass: &Pass, chunk: &Bytes) -> [Option<ErrorKind>; 6] {
    [
        kind(block_on(pass.put(Some(chunk.len() as u64), &mut Script::of(chunk)))),
        kind(block_on(pass.begin_parts())),
        kind(block_on(pass.parts())),
        kind(block_on(pass.commit_parts(&[]))),
        kind(block_on(pass.read())),
        kind(block_on(pass.abort_parts())),
    ]
}

/// Every access against every call: forbidden, but for its own.
#[test]
fn a_grant_can_do_nothing_but_what_it_was_made_for() {
    for complete in [false, true] {
        for access in ALL {
            if access == Access::Read && !complete {
                continue;
            }
            let world = World::new(1);
            let engine = world.engine();
            let mut client = Client::signed(&content(1, 4000), 2000);
            let id = begun(&engine, &client);
            let chunk = client.chunks.clone().unwrap()[0].clone();
            if complete {
                block_on(client.complete(&engine, &id)).unwrap();
            }
            let pass = block_on(pass(&engine, &client.who, &id, ask(access))).unwrap();
            let own = match access {
                Access::Put | Access::Part(_) => 0,
                Access::BeginParts => 1,
                Access::ListParts => 2,
                Access::CommitParts => 3,
                Access::Read => 4,
                _ => 5,
            };
            let before = look(&world);
            for (n, answer) in everything(&pass, &chunk).into_iter().enumerate() {
                assert_eq!(
                    answer == Some(ErrorKind::Forbidden),
                    n != own,
                    "{access:?}, call {n}: {answer:?}"
                );
            }
            let after = look(&world);
            let only_looks = matches!(access, Access::BeginParts | Access::ListParts | Access::Read);
            if only_looks || complete {
                assert_eq!(
                    (before.heads, before.rows),
                    (after.heads, after.rows),
                    "{access:?} changed something"
                );
            }
        }
    }
}

/// A part's token is for that part; a token of one upload touches no other, of no tenant.
#[test]
fn a_token_is_for_one_place_of_one_upload() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(1, 4000), 2000);
    let mut stranger = client.clone();
    stranger.who = somebody("other");
    let mut second = client.begin();
    second.claim = None;
    let (id, theirs) = (begun(&engine, &client), begun(&engine, &stranger));
    let ours = block_on(engine.begin(&client.who, second)).unwrap().id;
    let chunks = client.chunks.clone().unwrap();
    let sent = block_on(token(&engine, &client.who, &id, part(2, &chunks[1]))).unwrap();
    // Bytes of another part, though they would fit.
    let first = block_on(put(&engine, &sent, &chunks[0]));
    assert!(matches!(kind(first), Some(ErrorKind::DigestMismatch | ErrorKind::Busy)));
    stored(block_on(client.send_part(&engine, &id, 0)));
    assert_eq!(kind(block_on(put(&engine, &sent, &chunks[0]))), Some(ErrorKind::DigestMismatch));
    stored(block_on(put(&engine, &sent, &chunks[1])));
    let found = sound(&world);
    assert_eq!(found.rows[&id].len(), 2);
    assert!(!found.rows.contains_key(&theirs) && !found.rows.contains_key(&ours));
    // Nobody gets a grant for what is another tenant's: as if it were not.
    let none = UploadId::parse(&"z".repeat(UploadId::LEN)).unwrap();
    for access in ALL {
        let heard = |id| block_on(engine.grant(&client.who, id, ask(access))).unwrap_err();
        let (not_ours, not_there) = (heard(&theirs), heard(&none));
        assert_eq!((not_ours.kind, &not_ours.detail), (ErrorKind::NotFound, &not_there.detail));
    }
}

/// Within the tenant: exclusive uploads are their owner's and support's, and roles bind.
#[test]
fn grants_are_given_as_the_calls_themselves_are() {
    let world = World::new(1);
    let engine = world.engine();
    let mut client = Client::signed(&content(1, 2000), 2000);
    let id = begun(&engine, &client);
    let grant = |who: &Principal, access| kind(block_on(engine.grant(who, &id, ask(access))));
    let forbidden = Some(ErrorKind::Forbidden);
    for access in ALL.into_iter().filter(|access| *access != Access::Read) {
        assert_eq!(grant(&client.who, access), None);
        assert_eq!(grant(&other("acme", [Role::Support]), access), None);
        assert_eq!(grant(&other("acme", [Role::Upload, Role::Read]), access), forbidden);
        assert_eq!(grant(&other("acme", [Role::Read]), access), forbidden);
    }
    assert_eq!(grant(&client.who, Access::Read), Some(ErrorKind::NotFound), "there is nothing to read yet");
    block_on(client.complete(&engine, &id)).unwrap();
    assert_eq!(grant(&other("acme", [Role::Read]), Access::Read), None);
    assert_eq!(grant(&other("acme", [Role::Upload]), Access::Read), forbidden);
    let mut long = ask(Access::Read);
    long.file_name = Some("x".repeat(100_000));
    assert_eq!(kind(block_on(engine.grant(&client.who, &id, long))), Some(ErrorKind::TooLarge));
}

/// Who may read by a grant is who may read; the holder needs nothing but the token, and the name it carries is its own.
#[test]
fn grants_to_read_follow_visibility() {
    let may: [(Option<Visibility>, &[Role], bool); 9] = [
        (None, &[Role::Read], true),
        (Some(Visibility::Tenant), &[Role::Read], true),
        (Some(Visibility::Public), &[Role::Read], true),
        (Some(Visibility::Support), &[Role::Read], false),
        (Some(Visibility::Support), &[Role::Support], true),
        (Some(Visibility::Support), &[Role::Admin], true),
        (Some(Visibility::Admin), &[Role::Read], false),
        (Some(Visibility::Admin), &[Role::Support], false),
        (Some(Visibility::Admin), &[Role::Admin], true),
    ];
    for (visibility, roles, may) in may {
        let world = World::new(1);
        let engine = world.engine();
        let mut client = Client::signed(&content(1, 2000), 2000);
        let mut begin = client.begin();
        begin.visibility = visibility;
        let seen = block_on(engine.begin(&client.who, begin)).unwrap();
        assert_eq!(seen.visibility, visibility.unwrap_or_default());
        block_on(client.complete(&engine, &seen.id)).unwrap();
        let mut asked = ask(Access::Read);
        (asked.file_name, asked.content_type) = (Some("a name".into()), Some("image/png".into()));
        let pass = block_on(pass(&engine, &other("acme", roles.iter().copied()), &seen.id, asked));
        assert_eq!(pass.is_ok(), may, "{visibility:?} by {roles:?}");
        let Ok(pass) = pass else {
            assert_eq!(kind(pass), Some(ErrorKind::Forbidden));
            continue;
        };
        assert_eq!((pass.file_name(), pass.content_type()), (Some("a name"), Some("image/png")));
        let reading = block_on(pass.read()).unwrap();
        assert_eq!(block_on(reading.range(0..2000)).unwrap(), client.whole);
        // Removed: the link is dead at once.
        block_on(engine.remove(&client.who, &seen.id)).unwrap();
        assert_eq!(kind(block_on(pass.read())), Some(ErrorKind::NotFound));
    }
}

/// Expired, changed, of another secret, of no grant: one answer for all.
#[test]
fn what_is_no_valid_token_of_a_grant_is_forbidden() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(1, 2000), 2000);
    let id = begun(&engine, &client);
    let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
    assert!(sent.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{sent}");
    let signed_id = engine.signed_id(&id).unwrap();
    let refused = |text: &str| {
        let e = engine.redeem(text).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Forbidden, "{text}");
        e.detail
    };
    let says = refused("");
    for n in 0..sent.len() {
        let mut changed = sent.clone().into_bytes();
        changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
        assert_eq!(refused(&String::from_utf8(changed).unwrap()), says, "byte {n}");
    }
    refused(&signed_id);
    assert_eq!(kind(engine.identify(&sent)), Some(ErrorKind::NotFound));
    assert_eq!(kind(block_on(engine.resolve(&tenant(), &sent))), Some(ErrorKind::NotFound));
    assert_eq!(kind(block_on(engine.attach(&tenant(), &sent))), Some(ErrorKind::NotFound));
    world.advance(LIFETIME - Duration::from_millis(1));
    assert!(engine.redeem(&sent).is_ok());
    world.advance(Duration::from_millis(1));
    assert_eq!(refused(&sent), says);
    // A signed id is for ever.
    assert_eq!(engine.identify(&signed_id).unwrap(), id);
}

/// A new secret seals; an old one still opens, for as long as it is given.
#[test]
fn secrets_rotate() {
    let mut world = World::new(1);
    let client = Client::signed(&content(1, 2000), 2000);
    let old = world.engine();
    let id = begun(&old, &client);
    let sent = block_on(token(&old, &client.who, &id, whole(&client.whole))).unwrap();
    let signed_id = old.signed_id(&id).unwrap();
    let before = world.secrets.clone();
    world.secrets = Secrets::new(b"a later secret of this world").unwrap();
    let stranger = world.engine();
    assert_eq!(kind(stranger.redeem(&sent)), Some(ErrorKind::Forbidden));
    assert_eq!(kind(stranger.identify(&signed_id)), Some(ErrorKind::NotFound));
    world.secrets = world.secrets.clone().and_old(b"the secret of the test world").unwrap();
    let rotated = world.engine();
    assert_eq!(rotated.identify(&signed_id).unwrap(), id);
    completed(block_on(put(&rotated, &sent, &client.whole)));
    // What it seals itself, only those with the new one open.
    let new = rotated.signed_id(&id).unwrap();
    assert!(stranger.identify(&new).is_ok() && old.identify(&new).is_err());
    drop(before);
}

/// Without secrets nothing is granted, and everything else works.
#[test]
fn without_secrets_no_grant_is_given() {
    let world = World::new(1);
    let engine = world.builder(Arc::new(world.blobs.clone()), Arc::new(world.records.clone())).build();
    let client = Client::slots(&content(1, 2000), 1000);
    let id = begun(&engine, &client);
    let unsupported = Some(ErrorKind::Unsupported);
    assert_eq!(kind(block_on(engine.grant(&client.who, &id, ask(Access::Put)))), unsupported);
    assert_eq!(kind(engine.redeem("a.b.c")), unsupported);
    assert_eq!(kind(engine.signed_id(&id)), unsupported);
    assert_eq!(kind(engine.identify("a.b.c")), unsupported);
    block_on(client.clone().complete(&engine, &id)).unwrap();
}

/// A name that is all escapes still has room in a token; what has none is refused when it is asked for.
#[test]
fn every_grant_that_is_given_can_be_redeemed() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), Client::signed(&content(1, 10), 10));
    let id = begun(&engine, &client);
    let mut asked = whole(&client.whole);
    asked.content_type = Some("x".repeat(255));
    asked.file_name = Some("\u{1}".repeat(1024));
    assert!(block_on(pass(&engine, &client.who, &id, asked.clone())).is_ok());
    asked.content_type = Some("x".repeat(256));
    assert_eq!(kind(block_on(token(&engine, &client.who, &id, asked))), Some(ErrorKind::TooLarge));
    // What an upload never takes is not granted.
    let offsets = block_on(engine.begin(&client.who, Client::offsets(&content(1, 10)).begin())).unwrap().id;
    let asked = whole(&client.whole);
    assert_eq!(kind(block_on(token(&engine, &client.who, &offsets, asked))), Some(ErrorKind::Misplaced));
}
