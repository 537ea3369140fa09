//! Random operations against the model. Every step also checks that a refused one changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use proptest::prelude::*;
use upload_chunking::assembly::{At, Key, Row, Shape, Sizing};
use upload_chunking::model::{Op, check};
use upload_chunking::range::{ByteRange, RangeSet};

/// Mostly what clients do, with a few wrong numbers.
fn total() -> impl Strategy<Value = u32> {
    prop_oneof![12 => Just(4_u32), 1 => 0..7_u32]
}

fn shape() -> impl Strategy<Value = Shape> {
    let sizing = prop_oneof![
        Just(None),
        Just(Some(Sizing::InOrder)),
        (1..8_u64).prop_map(|l| Some(Sizing::Uniform(l)))
    ];
    (total(), sizing).prop_map(|(total, sizing)| Shape { total, sizing })
}

fn any_attempt() -> impl Strategy<Value = Op> {
    let which = 0..6_usize;
    prop_oneof![
        6 => (which.clone(), 0..6_u64).prop_map(|(attempt, len)| Op::Grant { attempt, len }),
        6 => which.clone().prop_map(Op::Returned),
        5 => which.clone().prop_map(Op::Close),
        2 => which.clone().prop_map(Op::PutShape),
        3 => which.clone().prop_map(Op::Record),
        1 => which.clone().prop_map(Op::Extent),
        1 => which.clone().prop_map(Op::Abandon),
        2 => which.prop_map(Op::Reopen),
        2 => Just(Op::LearnStored),
    ]
}

fn slot_op() -> impl Strategy<Value = Op> {
    let open = (0..4_u32, total(), proptest::option::weighted(0.1, 0..9_u64))
        .prop_map(|(n, total, declared)| Op::Open { at: At::Slot { n, total }, declared });
    let row =
        (0..5_u32, 0..16_u64, 0..7_u64).prop_map(|(n, start, len)| Op::LearnRow(Row::slot(n, start, len)));
    prop_oneof![
        20 => any_attempt(),
        6 => open,
        1 => row,
        1 => shape().prop_map(Op::LearnShape),
    ]
}

fn offset_op() -> impl Strategy<Value = Op> {
    let open = (0..16_u64, proptest::option::weighted(0.1, 0..9_u64))
        .prop_map(|(offset, declared)| Op::Open { at: At::Offset(offset), declared });
    let row = (0..16_u64, 0..7_u64).prop_map(|(start, len)| Op::LearnRow(Row::extent(start, len)));
    prop_oneof![
        20 => any_attempt(),
        8 => open,
        1 => row,
        1 => (0..20_u64).prop_map(Op::SetLength),
        1 => Just(Op::Interrupt),
    ]
}

fn world(first: impl Strategy<Value = Op>, ops: impl Strategy<Value = Op>) -> impl Strategy<Value = Vec<Op>> {
    (first, prop::collection::vec(ops, 0..80)).prop_map(|(first, mut ops)| {
        ops.insert(0, first);
        ops
    })
}

fn slots() -> impl Strategy<Value = Op> {
    (0..16_u64, 1..9_u64).prop_map(|(length, chunk)| Op::Slots { length, chunk, slots: 5 })
}

fn offsets() -> impl Strategy<Value = Op> {
    (proptest::option::of(0..16_u64), 1..16_u64).prop_map(|(length, limit)| Op::Offsets { length, limit })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slots_agree_with_the_model(ops in world(slots(), slot_op())) {
        prop_assert!(check(&ops).is_ok(), "{}", check(&ops).unwrap_err());
    }

    #[test]
    fn offsets_agree_with_the_model(ops in world(offsets(), offset_op())) {
        prop_assert!(check(&ops).is_ok(), "{}", check(&ops).unwrap_err());
    }

    #[test]
    fn any_bytes_agree_with_the_model(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let ops = Op::decode(&data);
        prop_assert!(check(&ops).is_ok(), "{}", check(&ops).unwrap_err());
    }

    #[test]
    fn range_sets_agree_with_a_list_of_bytes(edits in prop::collection::vec((any::<bool>(), 0..40_u64, 0..12_u64), 0..40)) {
        let mut set = RangeSet::new();
        let mut bytes = [false; 64];
        for (add, start, len) in edits {
            let range = ByteRange::with_len(start, len).unwrap();
            if add { set.insert(range) } else { set.remove(range) }
            bytes[start as usize..(start + len) as usize].fill(add);
            prop_assert_eq!(set.total(), bytes.iter().filter(|&&b| b).count() as u64);
            prop_assert_eq!(set.iter().map(ByteRange::len).sum::<u64>(), set.total());
            for at in 0..52_usize {
                prop_assert_eq!(set.contains(at as u64), bytes[at]);
                let run = bytes[at..].iter().take_while(|&&b| b).count();
                prop_assert_eq!(set.contiguous_from(at as u64), (at + run) as u64);
                let within = ByteRange::new(at as u64, 52).unwrap();
                prop_assert_eq!(set.covers(within), bytes[at..52].iter().all(|&b| b));
                let missing: Vec<u64> = set.gaps(within).flat_map(|gap| gap.start()..gap.end()).collect();
                let expected: Vec<u64> = (at as u64..52).filter(|&i| !bytes[i as usize]).collect();
                prop_assert_eq!(missing, expected);
            }
            // Kept ranges neither overlap nor touch.
            let ranges: Vec<ByteRange> = set.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end() < pair[1].start()));
        }
    }
}

#[test]
fn keys_sort_as_places_do() {
    assert!(Key::Slot(2) < Key::Slot(10) && Key::Offset(2) < Key::Offset(10));
}
