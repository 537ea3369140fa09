//! The rules one by one, as an owner of attempts meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use upload_chunking::assembly::{
    Assembly, At, AttemptId, AttemptState, Close, Contradiction, Expected, Key, Limits, Move, Opened, Piece,
    Refused, Row, Shape, Sizing, Stop, Stopped, Target, Ticket,
};

const OVERFLOW: u64 = 4096;

fn limits(length: u64, chunk: u64) -> Limits {
    Limits::new(length, chunk, 10_000)
}

fn slot(n: u32, total: u32) -> At {
    At::Slot { n, total }
}

fn open(machine: &mut Assembly, at: At) -> AttemptId {
    match machine.open(at, None) {
        Ok(Opened::Write { attempt, .. }) => attempt,
        other => panic!("expected to write at {at:?}; got {other:?}"),
    }
}

fn wait(machine: &mut Assembly, at: At) -> Ticket {
    match machine.open(at, None) {
        Ok(Opened::Wait(ticket)) => ticket,
        other => panic!("expected to wait for {at:?}; got {other:?}"),
    }
}

fn write(machine: &mut Assembly, id: AttemptId, len: u64) -> Vec<(Target, u64, u64)> {
    let grant = machine.grant(id, len).unwrap();
    machine.returned(id);
    grant.pieces.into_iter().map(|Piece { target, position, len }| (target, position, len)).collect()
}

fn uniform(total: u32, size: u64) -> Shape {
    Shape { total, sizing: Some(Sizing::Uniform(size)) }
}

fn in_order(total: u32) -> Shape {
    Shape { total, sizing: Some(Sizing::InOrder) }
}

/// Sends a whole chunk that nothing stands in the way of.
fn send(machine: &mut Assembly, at: At, len: u64) -> Row {
    let id = open(machine, at);
    write(machine, id, len);
    loop {
        match machine.close(id).unwrap() {
            Close::NeedShape(shape) => machine.learn_shape(shape).unwrap(),
            Close::Ready { row, .. } => {
                machine.record(id);
                return row;
            }
            other => panic!("expected to be ready; got {other:?}"),
        }
    }
}

#[test]
fn before_the_size_is_known_only_the_first_slot_is_in_place() {
    let mut machine = Assembly::slots(110, limits(200, 60));
    let ids: Vec<_> = (0..3).map(|n| open(&mut machine, slot(n, 3))).collect();
    assert_eq!(write(&mut machine, ids[1], 30), [(Target::Overflow, OVERFLOW, 30)]);
    assert_eq!(write(&mut machine, ids[0], 30), [(Target::InPlace, 0, 30)]);
    assert_eq!(write(&mut machine, ids[2], 10), [(Target::Overflow, 2 * OVERFLOW, 10)]);
    // The one in overflow stays there also when the size is known, and moves once.
    assert_eq!(machine.close(ids[2]), Ok(Close::NeedShape(uniform(3, 50))));
    machine.learn_shape(uniform(3, 50)).unwrap();
    let moves = Some(Move { from: 2 * OVERFLOW, to: 100, len: 10 });
    assert_eq!(machine.close(ids[2]), Ok(Close::Ready { row: Row::slot(2, 100, 10), moves }));
    assert_eq!(write(&mut machine, ids[1], 20), [(Target::Overflow, OVERFLOW + 30, 20)]);
    assert_eq!(write(&mut machine, ids[0], 20), [(Target::InPlace, 30, 20)]);
    // Past its own place only the frontier's chunk may go, and not in place.
    assert_eq!(machine.grant(ids[1], 1), Err(Stopped::TooLong { most: 50, got: 51 }));
    assert_eq!(write(&mut machine, ids[0], 5), [(Target::Overflow, 3 * OVERFLOW, 5)]);
}

#[test]
fn a_region_is_free_again_when_its_attempt_is_gone() {
    let mut machine = Assembly::slots(110, limits(200, 60));
    let (a, b) = (open(&mut machine, slot(1, 3)), open(&mut machine, slot(2, 3)));
    machine.grant(a, 1).unwrap();
    machine.abandon(a);
    assert_eq!(write(&mut machine, b, 1), [(Target::Overflow, 2 * OVERFLOW, 1)]);
    machine.returned(a);
    let c = open(&mut machine, slot(1, 3));
    assert_eq!(write(&mut machine, c, 1), [(Target::Overflow, OVERFLOW, 1)]);
}

#[test]
fn the_newest_request_has_a_slot_once_the_older_write_has_returned() {
    let mut machine = Assembly::slots(100, limits(100, 50));
    let old = open(&mut machine, slot(0, 2));
    machine.grant(old, 10).unwrap();
    let (first, second) = (wait(&mut machine, slot(0, 2)), wait(&mut machine, slot(0, 2)));
    assert_eq!(machine.attempt_state(old), AttemptState::Ended(Stop::Displaced));
    assert_eq!(machine.grant(old, 1), Err(Stopped::Ended(Stop::Displaced)));
    let Ok(Opened::Wait(first)) = machine.reopen(first) else { panic!("the write has not returned") };
    machine.returned(old);
    assert!(!machine.is_open(Key::Slot(0)));
    let Ok(Opened::Write { attempt, .. }) = machine.reopen(second) else { panic!("the place is free") };
    assert_eq!(machine.reopen(first), Err(Refused::Displaced));
    assert_eq!(machine.attempt_state(attempt), AttemptState::Running);
}

#[test]
fn a_request_that_closes_is_waited_for() {
    let mut machine = Assembly::slots(100, limits(100, 50));
    let old = open(&mut machine, slot(0, 2));
    write(&mut machine, old, 50);
    assert_eq!(machine.close(old), Ok(Close::NeedShape(uniform(2, 50))));
    let ticket = wait(&mut machine, slot(0, 2));
    machine.learn_shape(uniform(2, 50)).unwrap();
    assert_eq!(machine.close(old), Ok(Close::Ready { row: Row::slot(0, 0, 50), moves: None }));
    machine.record(old);
    assert_eq!(machine.reopen(ticket), Ok(Opened::Compare(Row::slot(0, 0, 50))));
}

#[test]
fn whoever_wrote_where_another_chunk_belongs_is_ended_and_waited_for() {
    let mut machine = Assembly::slots(110, limits(110, 80));
    let (long, right) = (open(&mut machine, slot(0, 3)), open(&mut machine, slot(1, 3)));
    write(&mut machine, long, 55);
    machine.grant(long, 5).unwrap();
    write(&mut machine, right, 50);
    assert_eq!(machine.close(right), Ok(Close::NeedShape(uniform(3, 50))));
    machine.learn_shape(uniform(3, 50)).unwrap();
    assert_eq!(machine.close(right), Ok(Close::Wait));
    assert_eq!(machine.attempt_state(long), AttemptState::Ended(Stop::InTheWay));
    assert_eq!(machine.close(right), Ok(Close::Wait));
    machine.returned(long);
    let moves = Some(Move { from: OVERFLOW, to: 50, len: 50 });
    assert_eq!(machine.close(right), Ok(Close::Ready { row: Row::slot(1, 50, 50), moves }));
}

#[test]
fn another_size_at_the_frontier_makes_it_in_order() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    send(&mut machine, slot(0, 4), 30);
    assert_eq!(machine.shape(), Some(uniform(4, 30)));
    let (odd, ahead, last) =
        (open(&mut machine, slot(1, 4)), open(&mut machine, slot(2, 4)), open(&mut machine, slot(3, 4)));
    write(&mut machine, odd, 20);
    assert_eq!(write(&mut machine, ahead, 20), [(Target::InPlace, 60, 20)]);
    assert_eq!(machine.close(odd), Ok(Close::NeedShape(in_order(4))));
    machine.learn_shape(in_order(4)).unwrap();
    assert_eq!(machine.attempt_state(ahead), AttemptState::Ended(Stop::InTheWay));
    assert_eq!(machine.attempt_state(last), AttemptState::Running);
    assert_eq!(machine.close(odd), Ok(Close::Ready { row: Row::slot(1, 30, 20), moves: None }));
    machine.record(odd);
    assert_eq!(write(&mut machine, last, 15), [(Target::Overflow, OVERFLOW, 15)]);
    let moves = Some(Move { from: OVERFLOW, to: 85, len: 15 });
    assert_eq!(machine.close(last), Ok(Close::Ready { row: Row::slot(3, 85, 15), moves }));
    machine.record(last);
    // Exactly one size is left for the gap.
    let gap = open(&mut machine, slot(2, 4));
    assert_eq!(machine.grant(gap, 36), Err(Stopped::TooLong { most: 35, got: 36 }));
    write(&mut machine, gap, 34);
    let expected = Expected::Exactly(35);
    assert_eq!(machine.close(gap), Err(Refused::WrongSize { slot: 2, got: 34, expected }));
    write(&mut machine, gap, 1);
    assert_eq!(machine.close(gap), Ok(Close::Ready { row: Row::slot(2, 50, 35), moves: None }));
    assert!(machine.record(gap).complete);
}

#[test]
fn another_size_is_refused_when_a_later_chunk_is_recorded() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    send(&mut machine, slot(1, 4), 30);
    let odd = open(&mut machine, slot(0, 4));
    write(&mut machine, odd, 20);
    let before = machine.clone();
    let expected = Expected::Exactly(30);
    assert_eq!(machine.close(odd), Err(Refused::WrongSize { slot: 0, got: 20, expected }));
    assert_eq!(machine, before);
    assert_eq!(machine.grant(odd, 11), Err(Stopped::TooLong { most: 30, got: 31 }));
}

#[test]
fn what_closes_ahead_waits_while_the_frontier_asks_to_go_in_order() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    send(&mut machine, slot(0, 4), 30);
    let (odd, ahead) = (open(&mut machine, slot(1, 4)), open(&mut machine, slot(2, 4)));
    write(&mut machine, odd, 20);
    write(&mut machine, ahead, 30);
    assert_eq!(machine.close(odd), Ok(Close::NeedShape(in_order(4))));
    // Its row would stand where it does not belong as soon as that shape is stored.
    assert_eq!(machine.close(ahead), Ok(Close::Wait));
    machine.learn_shape(in_order(4)).unwrap();
    assert_eq!(machine.close(ahead), Err(Refused::OutOfOrder { expected: 1, got: 2 }));
    assert!(matches!(machine.close(odd), Ok(Close::Ready { .. })));
}

#[test]
fn a_first_chunk_that_fits_no_plan_is_refused_unless_it_is_the_first() {
    let mut machine = Assembly::slots(100, limits(100, 30));
    let (first, second) = (open(&mut machine, slot(0, 4)), open(&mut machine, slot(1, 4)));
    write(&mut machine, first, 10);
    write(&mut machine, second, 10);
    let expected = Expected::Between { least: 24, most: 30 };
    assert_eq!(machine.close(second), Err(Refused::WrongSize { slot: 1, got: 10, expected }));
    assert_eq!(machine.close(first), Ok(Close::NeedShape(in_order(4))));
}

#[test]
fn a_last_chunk_of_a_size_that_does_not_divide_makes_it_in_order() {
    let mut machine = Assembly::slots(110, limits(110, 60));
    assert_eq!(send(&mut machine, slot(2, 3), 11), Row::slot(2, 99, 11));
    assert_eq!(machine.shape(), Some(in_order(3)));
    assert_eq!(machine.open(slot(1, 3), None), Err(Refused::OutOfOrder { expected: 0, got: 1 }));
}

#[test]
fn totals_are_refused_with_their_numbers() {
    let mut machine = Assembly::slots(5, Limits::new(100, 50, 4));
    assert_eq!(machine.open(slot(0, 0), None), Err(Refused::BadTotal { total: 0, most: 4 }));
    assert_eq!(machine.open(slot(0, 5), None), Err(Refused::BadTotal { total: 5, most: 4 }));
    assert_eq!(machine.open(slot(2, 2), None), Err(Refused::NoSuchSlot { n: 2, total: 2 }));
    assert_eq!(machine.open(At::Offset(0), None), Err(Refused::OtherKind));
    send(&mut machine, slot(0, 2), 3);
    assert_eq!(machine.open(slot(0, 3), None), Err(Refused::TotalChanged { expected: 2, got: 3 }));
}

#[test]
fn an_attempt_with_another_total_ends_when_the_total_is_fixed() {
    let mut machine = Assembly::slots(5, limits(100, 50));
    let other = open(&mut machine, slot(2, 3));
    send(&mut machine, slot(0, 2), 3);
    let stop = Stop::TotalChanged { expected: 2, got: 3 };
    assert_eq!(machine.attempt_state(other), AttemptState::Ended(stop));
    assert_eq!(machine.grant(other, 1), Err(Stopped::Ended(stop)));
}

#[test]
fn a_declared_size_refuses_early_and_places_nothing() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    assert_eq!(machine.open(slot(0, 2), Some(61)), Err(Refused::TooLong { most: 60, got: 61 }));
    send(&mut machine, slot(0, 2), 60);
    let expected = Expected::Exactly(40);
    let refused = Refused::WrongSize { slot: 1, got: 39, expected };
    assert_eq!(machine.open(slot(1, 2), Some(39)), Err(refused));
    assert!(matches!(machine.open(slot(1, 2), Some(40)), Ok(Opened::Write { start: 60, .. })));
}

#[test]
fn one_slot_has_the_whole_length_and_nothing_is_complete_at_once() {
    let mut machine = Assembly::slots(7, limits(100, 60));
    assert_eq!(send(&mut machine, slot(0, 1), 7), Row::slot(0, 0, 7));
    assert_eq!(machine.shape(), Some(Shape { total: 1, sizing: None }));
    assert!(machine.is_complete());
    let mut empty = Assembly::slots(0, limits(100, 60));
    assert!(empty.is_complete());
    assert_eq!(send(&mut empty, slot(0, 1), 0), Row::slot(0, 0, 0));
    assert!(empty.is_complete() && Assembly::offsets(Some(0), limits(100, 60)).is_complete());
}

#[test]
fn an_offset_attempt_is_continued_from_its_start_and_ended_by_nobody_else() {
    let mut machine = Assembly::offsets(Some(100), limits(100, 100));
    let old = open(&mut machine, At::Offset(0));
    write(&mut machine, old, 30);
    assert_eq!(machine.close_extent(old), Ok(Some(Row::extent(0, 30))));
    machine.record(old);
    machine.grant(old, 10).unwrap();
    let conflict = Refused::OffsetConflict { expected: 30, got: 30 };
    assert_eq!(machine.open(At::Offset(30), None), Err(conflict));
    assert_eq!(machine.attempt_state(old), AttemptState::Running);
    let ticket = wait(&mut machine, At::Offset(0));
    assert_eq!(machine.close(old), Err(Refused::NotSettled));
    machine.returned(old);
    // It was told to stop, and what arrived counts all the same.
    let row = Row::extent(30, 10);
    assert_eq!(machine.close(old), Ok(Close::Ready { row, moves: None }));
    machine.record(old);
    let Ok(Opened::Write { attempt, compare_until: 40, start: 0 }) = machine.reopen(ticket) else {
        panic!("expected to go on");
    };
    let pieces = write(&mut machine, attempt, 50);
    assert_eq!(pieces, [(Target::Compare, 0, 40), (Target::InPlace, 40, 10)]);
    assert_eq!(machine.close(attempt), Ok(Close::Ready { row: Row::extent(40, 10), moves: None }));
    machine.record(attempt);
    // With nobody running, behind the frontier is a conflict.
    assert!(matches!(
        machine.open(At::Offset(0), None),
        Err(Refused::OffsetConflict { expected: 50, got: 0 })
    ));
}

#[test]
fn an_offset_attempt_that_is_interrupted_keeps_what_arrived() {
    let mut machine = Assembly::offsets(None, limits(100, 100));
    let id = open(&mut machine, At::Offset(0));
    write(&mut machine, id, 20);
    machine.interrupt();
    assert_eq!(machine.grant(id, 1), Err(Stopped::Ended(Stop::Interrupted)));
    let next = wait(&mut machine, At::Offset(20));
    assert_eq!(machine.close(id), Ok(Close::Ready { row: Row::extent(0, 20), moves: None }));
    machine.record(id);
    assert!(matches!(machine.reopen(next), Ok(Opened::Write { start: 20, compare_until: 20, .. })));
}

#[test]
fn a_length_may_come_late_and_never_change() {
    let mut machine = Assembly::offsets(None, limits(100, 100));
    let id = open(&mut machine, At::Offset(0));
    write(&mut machine, id, 20);
    assert_eq!(machine.grant(id, 81), Err(Stopped::TooLong { most: 100, got: 101 }));
    assert_eq!(machine.set_length(19), Err(Refused::LengthTooShort { received: 20, got: 19 }));
    assert_eq!(machine.set_length(101), Err(Refused::TooLong { most: 100, got: 101 }));
    assert_eq!(machine.set_length(20), Ok(()));
    assert_eq!(machine.set_length(20), Ok(()));
    assert_eq!(machine.set_length(21), Err(Refused::LengthChanged { expected: 20, got: 21 }));
    machine.close(id).unwrap();
    assert!(machine.record(id).complete);
}

#[test]
fn facts_are_taken_twice_and_never_against_what_is_known() {
    let mut machine = Assembly::slots(110, limits(110, 60));
    assert_eq!(machine.learn_row(Row::slot(0, 0, 50)), Err(Contradiction::NoShape(Row::slot(0, 0, 50))));
    assert_eq!(machine.learn_shape(uniform(3, 56)), Err(Contradiction::BadShape(uniform(3, 56))));
    for _ in 0..2 {
        machine.learn_shape(uniform(3, 50)).unwrap();
        machine.learn_row(Row::slot(1, 50, 50)).unwrap();
    }
    assert_eq!(machine.rows_len(), 1);
    let (known, got) = (Sizing::Uniform(50), Sizing::Uniform(40));
    assert_eq!(machine.learn_shape(uniform(3, 40)), Err(Contradiction::Sizing { known, got }));
    assert_eq!(machine.learn_shape(uniform(4, 30)), Err(Contradiction::Total { known: 3, got: 4 }));
    let (known, got) = (Row::slot(1, 50, 50), Row::slot(1, 50, 49));
    assert_eq!(machine.learn_row(got), Err(Contradiction::Known { known, got }));
    let astray = Row::slot(2, 90, 20);
    assert_eq!(machine.learn_row(astray), Err(Contradiction::Misplaced(astray)));
    // An attempt that another process was faster than has to be given up first.
    let id = open(&mut machine, slot(0, 3));
    assert_eq!(machine.learn_row(Row::slot(0, 0, 50)), Err(Contradiction::Attempt(id)));
    machine.abandon(id);
    assert_eq!(machine.learn_row(Row::slot(0, 0, 50)), Ok(()));
    // In order is what became of uniform: the older fact changes nothing.
    machine.learn_shape(in_order(3)).unwrap();
    assert_eq!(machine.learn_shape(uniform(3, 50)), Ok(()));
    assert_eq!(machine.shape(), Some(in_order(3)));
}

#[test]
fn extents_of_others_are_learned_in_order() {
    let mut machine = Assembly::offsets(Some(100), limits(100, 100));
    machine.learn_row(Row::extent(0, 10)).unwrap();
    machine.learn_row(Row::extent(10, 10)).unwrap();
    // Folded rows say nothing new.
    assert_eq!(machine.learn_row(Row::extent(0, 20)), Ok(()));
    let (known, got) = (Row::extent(10, 10), Row::extent(10, 9));
    assert_eq!(machine.learn_row(got), Err(Contradiction::Known { known, got }));
    let far = Row::extent(30, 10);
    assert_eq!(machine.learn_row(far), Err(Contradiction::Gap { expected: 20, got: far }));
    let id = open(&mut machine, At::Offset(20));
    // Nothing has arrived yet: what the other process recorded is compared.
    machine.learn_row(Row::extent(20, 5)).unwrap();
    assert_eq!(write(&mut machine, id, 8), [(Target::Compare, 20, 5), (Target::InPlace, 25, 3)]);
    assert_eq!(machine.learn_row(Row::extent(25, 5)), Err(Contradiction::Attempt(id)));
}

#[test]
fn all_attempts_end_and_one_that_is_ready_may_still_be_recorded() {
    let mut machine = Assembly::slots(100, limits(100, 50));
    let (ready, other) = (open(&mut machine, slot(0, 2)), open(&mut machine, slot(1, 2)));
    write(&mut machine, ready, 50);
    machine.close(ready).unwrap();
    machine.learn_shape(uniform(2, 50)).unwrap();
    machine.close(ready).unwrap();
    machine.end_all();
    assert_eq!(machine.attempt_state(other), AttemptState::Ended(Stop::AllEnded));
    assert!(machine.is_open(Key::Slot(0)) && !machine.is_open(Key::Slot(1)));
    assert_eq!(machine.record(ready).row, Some(Row::slot(0, 0, 50)));
}

#[test]
fn ten_thousand_chunks_in_order_are_one_run_in_memory() {
    let mut machine = Assembly::slots(80_000, limits(80_000, 8));
    let mut sizes = Vec::new();
    for n in 0..10_000 {
        send(&mut machine, slot(n, 10_000), 8);
        if n == 9 || n == 9_999 {
            sizes.push(format!("{machine:?}").len());
        }
    }
    assert!(machine.is_complete() && machine.rows_len() == 10_000);
    assert!(sizes[1] < sizes[0] + 40, "what is remembered grew from {} to {} letters", sizes[0], sizes[1]);
}

#[test]
fn sizes_do_not_change_while_a_later_row_is_being_put() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    send(&mut machine, slot(0, 4), 30);
    let (odd, ahead) = (open(&mut machine, slot(1, 4)), open(&mut machine, slot(2, 4)));
    write(&mut machine, odd, 20);
    write(&mut machine, ahead, 30);
    assert!(matches!(machine.close(ahead), Ok(Close::Ready { .. })));
    assert_eq!(machine.close(odd), Ok(Close::Wait));
    machine.record(ahead);
    let expected = Expected::Exactly(30);
    assert_eq!(machine.close(odd), Err(Refused::WrongSize { slot: 1, got: 20, expected }));
}

#[test]
fn in_order_the_gap_before_the_last_chunk_is_never_left_open() {
    let mut machine = Assembly::slots(100, limits(100, 60));
    machine.learn_shape(in_order(2)).unwrap();
    let (first, last) = (open(&mut machine, slot(0, 2)), open(&mut machine, slot(1, 2)));
    write(&mut machine, first, 50);
    write(&mut machine, last, 40);
    assert!(matches!(machine.close(first), Ok(Close::Ready { .. })));
    assert_eq!(machine.close(last), Ok(Close::Wait));
    machine.record(first);
    let expected = Expected::Exactly(50);
    assert_eq!(machine.close(last), Err(Refused::WrongSize { slot: 1, got: 40, expected }));
}
