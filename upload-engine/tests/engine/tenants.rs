//! I10: another tenant's upload cannot be told from one that never was.

use upload_core::{
    ErrorKind, Principal, Role, Roles, TenantName, UploadId, lifecycle::Begin, record::Addressing,
};
use upload_engine::{Engine, Limits, Write};

use crate::support::{
    Script, World, block_on,
    check::sound,
    client::{Client, offset, slot},
    content,
    world::somebody,
};

/// Every call that names an upload, as this principal: what it answers.
fn everything(engine: &Engine, who: &Principal, id: &UploadId) -> Vec<(&'static str, ErrorKind, String)> {
    let bytes = content(1, 1000);
    let write = |at: Write| block_on(engine.write(who, id, at, &mut Script::of(&bytes))).map(drop);
    let received = block_on(engine.receive(Limits::new(4000), &mut Script::of(&bytes))).unwrap();
    let answers = [
        ("write a slot", write(slot(0, 2))),
        ("write at an offset", write(offset(0))),
        ("write nonsense", write(slot(7, 2))),
        ("settle a chunk", block_on(engine.settle_chunk(who, id, slot(0, 2), received)).map(drop)),
        ("finish", block_on(engine.finish(who, id)).map(drop)),
        ("cancel", block_on(engine.cancel(who, id))),
        ("inspect", block_on(engine.inspect(who, id)).map(drop)),
        ("halt", block_on(engine.halt(who, id)).map(drop)),
        ("fix the length", block_on(engine.fix_length(who, id, 2000)).map(drop)),
        ("read", block_on(engine.read(Some(who), id)).map(drop)),
        ("read as nobody", block_on(engine.read(None, id)).map(drop)),
        ("note", block_on(engine.note(who, id, "wire", 1, 7.into()))),
        ("notes", block_on(engine.notes(who, id, "wire")).map(drop)),
    ];
    let refused = answers.into_iter().map(|(call, answer)| {
        let e = answer.expect_err(call);
        (call, e.kind, format!("{e} {:?}", e.facts))
    });
    refused.collect()
}

/// Running, complete, cancelled: all the same to strangers, whether their tenant ever had an upload or not.
#[test]
fn a_stranger_hears_exactly_what_is_said_of_no_upload() {
    let world = World::new(1);
    let engine = world.engine();
    let (new, old) = (somebody("new"), somebody("old"));
    block_on(engine.begin(&old, Begin::new("files", Addressing::Slots, Some(10)))).unwrap();
    let mut client = Client::slots(&content(1, 2000), 1000);
    let (running, complete, cancelled) = (
        block_on(engine.begin(&client.who, client.begin())).unwrap().id,
        block_on(engine.begin(&client.who, client.begin())).unwrap().id,
        block_on(engine.begin(&client.who, client.begin())).unwrap().id,
    );
    let (write, chunk) = client.slot(1);
    block_on(engine.write(&client.who, &running, write, &mut Script::of(&chunk))).unwrap();
    block_on(client.complete(&engine, &complete)).unwrap();
    block_on(engine.cancel(&client.who, &cancelled)).unwrap();
    for engine in [engine, world.engine()] {
        for who in [&new, &old] {
            let nothing = UploadId::parse(&"z".repeat(UploadId::LEN)).unwrap();
            let expected = everything(&engine, who, &nothing);
            assert!(expected.iter().all(|(_, kind, _)| *kind == ErrorKind::NotFound), "{expected:?}");
            for id in [&running, &complete, &cancelled] {
                assert_eq!(everything(&engine, who, id), expected);
            }
        }
    }
    let engine = world.engine();
    assert_eq!(
        block_on(engine.inspect(&client.who, &running)).unwrap().received,
        1000,
        "nothing was touched"
    );
    block_on(client.complete(&engine, &running)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &running)).unwrap(), client.whole);
    sound(&world);
}

/// Within a tenant a key does what its roles say, and hears so.
#[test]
fn within_a_tenant_roles_decide() {
    let world = World::new(1);
    let engine = world.engine();
    let mut client = Client::slots(&content(1, 2000), 1000);
    let id = block_on(client.start(&engine)).unwrap();
    let tenant = || TenantName::new("acme").unwrap();
    let reader = Principal::new(tenant(), "reader", Roles::new([Role::Read]));
    let writer = Principal::new(tenant(), "writer", Roles::new([Role::Upload]));
    let kind = |e: upload_core::Error| e.kind;
    assert_eq!(
        block_on(engine.begin(&reader, client.begin())).map_err(kind).unwrap_err(),
        ErrorKind::Forbidden
    );
    assert_eq!(block_on(engine.inspect(&reader, &id)).map_err(kind).unwrap_err(), ErrorKind::Forbidden);
    assert_eq!(block_on(engine.cancel(&reader, &id)).map_err(kind).unwrap_err(), ErrorKind::Forbidden);
    client.who = writer.clone();
    block_on(client.complete(&engine, &id)).unwrap();
    assert_eq!(
        block_on(engine.read(Some(&writer), &id)).map(drop).map_err(kind).unwrap_err(),
        ErrorKind::Forbidden
    );
    assert!(block_on(engine.read(Some(&reader), &id)).is_ok());
}

/// Two tenants' first uploads at once: each keeps one handle for good.
#[test]
fn a_tenant_that_begins_many_uploads_at_once_has_one_handle() {
    for seed in 0..50 {
        let world = World::new(seed);
        let chaos = crate::support::Chaos::new(crate::support::Course::slow(seed, 3));
        let engine = world.troubled(&chaos);
        let ids = std::cell::RefCell::new(Vec::new());
        let mut sim = crate::support::Sim::new(seed);
        for n in 0..8 {
            let (engine, ids) = (&engine, &ids);
            sim.spawn(format!("client {n}"), async move {
                let who = somebody(if n % 2 == 0 { "one" } else { "two" });
                let begin = Begin::new("files", Addressing::Slots, Some(10));
                let id = engine.begin(&who, begin).await.unwrap().id;
                ids.borrow_mut().push((who, id));
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        let engine = world.engine();
        for (who, id) in ids.borrow().iter() {
            assert!(block_on(engine.inspect(who, id)).is_ok());
            let other = somebody(if who.tenant.as_str() == "one" { "two" } else { "one" });
            assert_eq!(block_on(engine.inspect(&other, id)).unwrap_err().kind, ErrorKind::NotFound);
        }
    }
}
