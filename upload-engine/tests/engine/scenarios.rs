//! Short lives of uploads, for tests that end them anywhere.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
};

use bytes::Bytes;
use upload_core::{ErrorKind, Result, lifecycle::Begin, record::Addressing};
use upload_engine::{Engine, Limits};

use crate::support::{
    Script, World,
    client::{Client, offset},
    content, tenant,
    told::Told,
    world::HOUR,
};

pub type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// A way of using the engine, from its first call to its last.
pub struct Scenario {
    pub name: &'static str,
    client: fn() -> Client,
    run: for<'a> fn(&'a Engine, &'a World, &'a Told) -> Running<'a>,
}

impl Scenario {
    pub fn told(&self) -> Told {
        Told {
            client: (self.client)(),
            id: RefCell::default(),
            stored: Cell::default(),
            outcome: RefCell::default(),
            gives_up: Cell::default(),
            removes: Cell::default(),
        }
    }

    /// Whether its client asks for an end.
    pub fn ends(&self) -> bool {
        ["cancel", "expire", "remove", "never"].iter().any(|end| self.name.contains(end))
    }

    pub fn run<'a>(&self, engine: &'a Engine, world: &'a World, told: &'a Told) -> Running<'a> {
        (self.run)(engine, world, told)
    }
}

fn five_chunks() -> Client {
    Client::slots(&content(1, 5 * 1500 - 77), 1500)
}

/// Sizes of their own, so that chunks come in order.
fn odd_chunks() -> Client {
    let mut client = five_chunks();
    let whole = client.whole.clone();
    let cuts = [0, 700, 2900, 3000, 5000, whole.len()];
    client.chunks = Some(cuts.windows(2).map(|w| whole.slice(w[0]..w[1])).collect());
    client
}

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "single",
        client: || Client::offsets(&content(2, 3000)),
        run: |engine, _, told| {
            Box::pin(async move {
                let policy = &engine.destinations().get("files")?.policy;
                let mut body =
                    Script::of(&told.client.whole.slice(..1000)).data(&told.client.whole.slice(1000..));
                let received = engine.receive(Limits::single(policy), &mut body).await?;
                let outcome = engine.settle(&told.client.who, received, told.client.begin()).await?;
                *told.id.borrow_mut() = Some(outcome.id.clone());
                *told.outcome.borrow_mut() = Some(outcome);
                Ok(())
            })
        },
    },
    Scenario {
        name: "chunks in order",
        client: five_chunks,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in 0..5 {
                    told.slot(engine, &id, n, true).await?;
                }
                Ok(())
            })
        },
    },
    Scenario {
        name: "chunks out of order, sizes unknown",
        client: five_chunks,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in [3, 0, 4, 4, 2, 1] {
                    told.slot(engine, &id, n, true).await?;
                }
                Ok(())
            })
        },
    },
    Scenario {
        name: "chunks of many sizes",
        client: odd_chunks,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in 0..5 {
                    told.slot(engine, &id, n, true).await?;
                }
                Ok(())
            })
        },
    },
    Scenario {
        name: "offsets with checkpoints, cut",
        client: || Client::offsets(&content(3, 9000)),
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                let whole = &told.client.whole;
                let mut body = Script::of(&whole.slice(..2500))
                    .data(&whole.slice(2500..4100))
                    .fail(ErrorKind::Interrupted);
                let cut = engine.write(&told.client.who, &id, offset(0), &mut body).await;
                assert_eq!(cut.unwrap_err().kind, ErrorKind::Interrupted);
                let seen = engine.halt(&told.client.who, &id).await?;
                assert_eq!(seen.frontier, 4100, "what arrived is kept");
                told.stored.set(4100);
                let mut body = Script::of(&whole.slice(4100..));
                told.wrote(engine.write(&told.client.who, &id, offset(4100), &mut body).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "offsets, length known late",
        client: || Client::offsets(&content(4, 5000)),
        run: |engine, _, told| {
            Box::pin(async move {
                let begin = Begin::new("files", Addressing::Offsets, None);
                let id = engine.begin(&told.client.who, begin).await?.id;
                let mut body = Script::of(&told.client.whole);
                told.wrote(engine.write(&told.client.who, &id, offset(0), &mut body).await?);
                engine.fix_length(&told.client.who, &id, 5000).await?;
                // From here on the client can go on by itself.
                *told.id.borrow_mut() = Some(id.clone());
                *told.outcome.borrow_mut() = Some(engine.finish(&told.client.who, &id).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "finish",
        client: five_chunks,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in [1, 0, 2, 3, 4] {
                    told.slot(engine, &id, n, false).await?;
                }
                *told.outcome.borrow_mut() = Some(engine.finish(&told.client.who, &id).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "a chunk whose place is named after it",
        client: || Client::slots(&content(5, 2000), 1200),
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in [1, 0] {
                    let (write, chunk) = told.client.slot(n);
                    let received = engine.receive(Limits::new(4000), &mut Script::of(&chunk)).await?;
                    told.wrote(engine.settle_chunk(&told.client.who, &id, write, received).await?);
                }
                Ok(())
            })
        },
    },
    Scenario {
        name: "nothing at all",
        client: || Client::offsets(&Bytes::new()),
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                *told.outcome.borrow_mut() = Some(engine.finish(&told.client.who, &id).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "cancel",
        client: five_chunks,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.slot(engine, &id, 2, true).await?;
                told.slot(engine, &id, 0, true).await?;
                told.gives_up.set(true);
                engine.cancel(&told.client.who, &id).await
            })
        },
    },
    Scenario {
        name: "expire",
        client: five_chunks,
        run: |engine, world, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.slot(engine, &id, 0, true).await?;
                told.gives_up.set(true);
                world.advance(26 * HOUR);
                engine.sweep().await;
                engine.janitor().await;
                Ok(())
            })
        },
    },
    Scenario {
        name: "the whole by token",
        client: || Client::signed(&content(6, 2500), 2500),
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.part(engine, &id, 0).await
            })
        },
    },
    Scenario {
        name: "parts by token, committed and finished",
        client: five_parts,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                for n in [0, 3, 1, 4, 2] {
                    told.part(engine, &id, n).await?;
                }
                told.client.commit(engine, &id).await?;
                *told.outcome.borrow_mut() = Some(engine.finish(&told.client.who, &id).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "begun twice with one claim",
        client: || Client::signed(&content(6, 2500), 2500),
        run: |engine, _, told| {
            Box::pin(async move {
                let first = told.begin(engine).await?;
                let second = told.begin(engine).await?;
                assert_eq!(first, second);
                told.part(engine, &second, 0).await
            })
        },
    },
    Scenario {
        name: "a claim that was given up and is taken over",
        client: || Client::signed(&content(6, 2500), 2500),
        run: |engine, _, told| {
            Box::pin(async move {
                let first = engine.begin(&told.client.who, told.client.begin()).await?.id;
                engine.cancel(&told.client.who, &first).await?;
                let second = told.begin(engine).await?;
                assert_ne!(first, second);
                told.part(engine, &second, 0).await
            })
        },
    },
    Scenario {
        name: "attach",
        client: || Client { attaches: true, ..Client::signed(&content(6, 2500), 2500).to("kept") },
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.part(engine, &id, 0).await?;
                *told.outcome.borrow_mut() = Some(engine.attach(&tenant(), &engine.signed_id(&id)?).await?);
                Ok(())
            })
        },
    },
    Scenario {
        name: "never attached",
        client: || Client { attaches: true, ..Client::signed(&content(6, 2500), 2500).to("kept") },
        run: |engine, world, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.part(engine, &id, 0).await?;
                told.gives_up.set(true);
                told.removes.set(true);
                world.advance(8 * HOUR);
                engine.sweep().await;
                engine.janitor().await;
                Ok(())
            })
        },
    },
    Scenario {
        name: "remove what is complete",
        client: || Client::signed(&content(6, 2500), 2500),
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.part(engine, &id, 0).await?;
                *told.outcome.borrow_mut() = None;
                told.gives_up.set(true);
                told.removes.set(true);
                engine.remove(&told.client.who, &id).await
            })
        },
    },
    Scenario {
        name: "remove what is not complete",
        client: five_parts,
        run: |engine, _, told| {
            Box::pin(async move {
                let id = told.begin(engine).await?;
                told.part(engine, &id, 0).await?;
                told.part(engine, &id, 2).await?;
                told.gives_up.set(true);
                told.removes.set(true);
                engine.remove(&told.client.who, &id).await
            })
        },
    },
];

fn five_parts() -> Client {
    Client::signed(&content(7, 5 * 1500 - 77), 1500)
}
