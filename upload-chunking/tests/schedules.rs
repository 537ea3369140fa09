//! Well-behaved clients over a real (small) file, in any legal order: they always get done, and the file has
//! their bytes. Writes land as late as they may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use upload_chunking::assembly::{
    Assembly, At, AttemptId, Close, Grant, Key, Limits, Opened, Piece, Refused, Shape, Stopped, Target,
    Ticket,
};

/// What byte `position` of the object is.
fn byte(position: u64) -> u8 {
    (position * 31 + 7) as u8
}

#[derive(Default)]
struct File(BTreeMap<u64, u8>);

impl File {
    fn write(&mut self, pieces: &[Piece], mut from: u64) {
        for piece in pieces {
            for i in 0..piece.len {
                let at = piece.position + i;
                match piece.target {
                    Target::Compare => assert_eq!(self.0[&at], byte(from + i), "a recorded byte was lost"),
                    _ => drop(self.0.insert(at, byte(from + i))),
                }
            }
            from += piece.len;
        }
    }

    fn assert_object(&self, length: u64) {
        for at in 0..length {
            assert_eq!(self.0.get(&at), Some(&byte(at)), "byte {at} of {length}");
        }
    }
}

enum State {
    Start,
    Waiting(Ticket),
    Body { id: AttemptId, sent: u64 },
    Flying { id: AttemptId, sent: u64, grant: Grant },
    Asked { id: AttemptId, known: Option<Shape>, wanted: Shape },
    Moving { id: AttemptId, close: Close },
    Done,
}

/// One request for one chunk.
struct Request {
    n: u32,
    start: u64,
    len: u64,
    state: State,
    retries: usize,
}

struct Client {
    machine: Assembly,
    file: File,
    stored: Option<Shape>,
    total: u32,
    /// Writes whose request was cut: they still land.
    late: Vec<(AttemptId, Grant, u64)>,
}

impl Client {
    fn new(sizes: &[u64], chunk: u64) -> (Self, Vec<(u64, u64)>) {
        let length = sizes.iter().sum();
        let limits = Limits { length, chunk, slots: 64, alignment: 4 };
        let mut start = 0;
        let mut chunks = Vec::new();
        for &len in sizes {
            chunks.push((start, len));
            start += len;
        }
        let machine = Assembly::slots(length, limits);
        let client =
            Self { machine, file: File::default(), stored: None, total: sizes.len() as u32, late: vec![] };
        (client, chunks)
    }

    fn opened(&mut self, opened: Result<Opened, Refused>) -> State {
        match opened {
            Ok(Opened::Write { attempt, .. }) => State::Body { id: attempt, sent: 0 },
            Ok(Opened::Wait(ticket)) => State::Waiting(ticket),
            // Another request of ours has the chunk, or has brought it.
            Ok(Opened::Compare(_)) | Err(Refused::Displaced) => State::Done,
            Err(refused) => panic!("a legal request was refused: {refused}"),
        }
    }

    /// Lets a request make one step. `dice` decides how many bytes arrive, and whether it is cut.
    fn step(&mut self, request: &mut Request, dice: u8) {
        let cut = dice > 240 && request.retries < 3;
        request.state = match std::mem::replace(&mut request.state, State::Done) {
            State::Start => {
                let opened = self.machine.open(At::Slot { n: request.n, total: self.total }, None);
                self.opened(opened)
            }
            State::Waiting(ticket) => {
                let opened = self.machine.reopen(ticket);
                self.opened(opened)
            }
            State::Body { id, .. } if cut => {
                self.machine.abandon(id);
                request.retries += 1;
                State::Start
            }
            State::Body { id, sent } if sent < request.len => {
                let len = (u64::from(dice) % 5 + 1).min(request.len - sent);
                match self.machine.grant(id, len) {
                    Ok(grant) => State::Flying { id, sent, grant },
                    Err(Stopped::Ended(_)) => self.again(id, request),
                    Err(stopped) => panic!("a legal chunk was stopped: {stopped}"),
                }
            }
            State::Body { id, sent } => self.close(id, sent, request),
            State::Flying { id, sent, grant } if cut => {
                self.machine.abandon(id);
                self.late.push((id, grant, request.start + sent));
                request.retries += 1;
                State::Start
            }
            State::Flying { id, sent, grant } => {
                self.file.write(&grant.pieces, request.start + sent);
                self.machine.returned(id);
                State::Body { id, sent: sent + grant.pieces.iter().map(|piece| piece.len).sum::<u64>() }
            }
            State::Asked { id, known, wanted } => {
                if self.stored == known {
                    self.stored = Some(wanted);
                }
                self.machine.learn_shape(self.stored.unwrap()).unwrap();
                self.close(id, request.len, request)
            }
            State::Moving { id, close } => {
                let Close::Ready { moves, row } = close else { panic!("moving without a row") };
                assert_eq!((row.start, row.len), (request.start, request.len));
                if let Some(m) = moves {
                    for i in 0..m.len {
                        let byte = self.file.0[&(m.from + i)];
                        self.file.0.insert(m.to + i, byte);
                    }
                }
                assert_eq!(self.machine.record(id).row, Some(row));
                State::Done
            }
            State::Done => State::Done,
        };
        if dice % 3 == 0 {
            self.land();
        }
    }

    fn land(&mut self) {
        if let Some((id, grant, from)) = self.late.pop() {
            self.file.write(&grant.pieces, from);
            self.machine.returned(id);
        }
    }

    fn close(&mut self, id: AttemptId, sent: u64, request: &mut Request) -> State {
        match self.machine.close(id) {
            Ok(Close::NeedShape(wanted)) => State::Asked { id, known: self.machine.shape(), wanted },
            Ok(Close::Wait) => State::Body { id, sent },
            Ok(close) => State::Moving { id, close },
            Err(Refused::Ended(_)) => self.again(id, request),
            Err(refused) => panic!("a legal chunk could not close: {refused}"),
        }
    }

    /// Told to stop. A displaced request leaves it to its successor; one in the way sends again.
    fn again(&mut self, id: AttemptId, request: &mut Request) -> State {
        self.machine.abandon(id);
        request.retries += 1;
        assert!(request.retries < 20, "sent again and again");
        if self.machine.is_open(Key::Slot(request.n)) { State::Done } else { State::Start }
    }

    /// Runs all requests, as the dice say and then in turns, until they are done.
    fn run(&mut self, mut requests: Vec<Request>, dice: &[u8]) {
        for pair in dice.chunks_exact(2) {
            let which = usize::from(pair[0]) % requests.len();
            self.step(&mut requests[which], pair[1]);
        }
        for _ in 0..500 {
            for request in &mut requests {
                self.step(request, 1);
            }
            self.land();
            if requests.iter().all(|request| matches!(request.state, State::Done)) {
                return;
            }
        }
        panic!("requests that never end: {:#?}", self.machine);
    }
}

fn request(n: usize, chunk: (u64, u64)) -> Request {
    Request { n: n as u32, start: chunk.0, len: chunk.1, state: State::Start, retries: 0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_of_one_size_in_any_order_at_once_and_twice(
        size in 1..9_u64,
        last in 0..9_u64,
        others in 0..6_usize,
        extra in prop::collection::vec(0..6_usize, 0..4),
        dice in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut sizes = vec![size; others];
        sizes.push(if others == 0 { last } else { last.max(1) });
        let (mut client, chunks) = Client::new(&sizes, 9);
        let mut requests: Vec<_> = chunks.iter().enumerate().map(|(n, &chunk)| request(n, chunk)).collect();
        requests.extend(extra.iter().filter(|&&n| n < chunks.len()).map(|&n| request(n, chunks[n])));
        client.run(requests, &dice);
        // A request that was displaced by one that was cut is sent again, as clients do.
        for (n, &chunk) in chunks.iter().enumerate() {
            client.run(vec![request(n, chunk)], &[]);
        }
        prop_assert!(client.machine.is_complete());
        client.file.assert_object(sizes.iter().sum());
    }

    #[test]
    fn chunks_of_any_size_in_order(
        sizes in prop::collection::vec(0..9_u64, 1..7),
        last_first in any::<bool>(),
        dice in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        // As many chunks as bytes at most: more than that is no upload.
        prop_assume!(sizes.iter().sum::<u64>().max(1) >= sizes.len() as u64);
        let (mut client, chunks) = Client::new(&sizes, 9);
        let mut order: Vec<_> = (0..chunks.len()).collect();
        // The last one may come before the others, unless it would promise them a size they do not have.
        let others = chunks.len() as u64 - 1;
        let rest = sizes[..sizes.len() - 1].iter().sum::<u64>();
        if last_first && others > 0 && (rest % others != 0 || sizes[..sizes.len() - 1].iter().all(|&s| s == sizes[0])) {
            order.rotate_right(1);
        }
        for n in order {
            client.run(vec![request(n, chunks[n])], &dice);
        }
        prop_assert!(client.machine.is_complete(), "{:?}", client.machine);
        client.file.assert_object(sizes.iter().sum());
    }

    #[test]
    fn appends_cut_and_continued(
        length in 0..60_u64,
        deferred in any::<bool>(),
        dice in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let limits = Limits { length: 64, chunk: 64, slots: 0, alignment: 4 };
        let mut machine = Assembly::offsets((!deferred).then_some(length), limits);
        let mut file = File::default();
        let mut dice = dice.into_iter().chain(std::iter::repeat_n(6, 200));
        if deferred {
            prop_assert_eq!(machine.set_length(length), Ok(()));
        }
        while !machine.is_complete() {
            let offset = machine.frontier();
            let Ok(Opened::Write { attempt: mut id, .. }) = machine.open(At::Offset(offset), None) else {
                panic!("the frontier was refused");
            };
            let (mut at, mut before) = (offset, machine.frontier());
            loop {
                let die = dice.next().expect("enough requests to get done");
                let len = u64::from(die % 7).min(length - at);
                let grant = machine.grant(id, len).unwrap();
                if die % 11 == 3 {
                    // A newer request continues; the older one's write lands, and what arrived is recorded.
                    let Ok(Opened::Wait(ticket)) = machine.open(At::Offset(offset), None) else {
                        panic!("a continuation was not told to wait");
                    };
                    file.write(&grant.pieces, at);
                    machine.returned(id);
                    if let Ok(Close::Ready { .. }) = machine.close(id) {
                        machine.record(id);
                    }
                    let Ok(Opened::Write { attempt, start, compare_until }) = machine.reopen(ticket) else {
                        panic!("a continuation did not go on");
                    };
                    prop_assert_eq!((start, compare_until), (offset, machine.frontier()));
                    (id, at) = (attempt, offset);
                    continue;
                }
                file.write(&grant.pieces, at);
                machine.returned(id);
                at += len;
                if die % 5 == 1 && machine.close_extent(id).unwrap().is_some() {
                    machine.record(id);
                }
                prop_assert!(machine.frontier() >= before);
                before = machine.frontier();
                if at == length || die % 13 == 5 {
                    break;
                }
            }
            if let Ok(Close::Ready { .. }) = machine.close(id) {
                machine.record(id);
            }
        }
        file.assert_object(length);
    }
}
