//! However bytes are cut, saved and resumed, the result is that of one piece.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use upload_checksum::{
    Algorithm, Digest, Digests, Fingerprint, Fingerprinter, Hasher, HasherSet, SavedSet, SavedState,
};

fn one_shot(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// The bytes cut at the given places.
fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    select(Algorithm::ALL)
}

fn any_algorithms() -> impl Strategy<Value = Vec<Algorithm>> {
    subsequence(Algorithm::ALL, 0..=Algorithm::ALL.len()).prop_shuffle()
}

/// Lengths around the block and slice sizes, 64 bytes to 16 KiB.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..400), 1 => vec(any::<u8>(), 16_000..40_000)]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_digest(
        algorithm in any_algorithm(), bytes in any_bytes(), cuts in vec(any::<Index>(), 0..6),
    ) {
        let mut hasher = Hasher::new(algorithm);
        for piece in pieces(&bytes, &cuts) {
            hasher.update(piece);
        }
        prop_assert_eq!(hasher.position(), bytes.len() as u64);
        prop_assert_eq!(hasher.finish(), one_shot(algorithm, &bytes));
    }

    #[test]
    fn saved_anywhere_and_resumed_from_json_equals_one_piece(
        algorithm in any_algorithm(), bytes in any_bytes(), cuts in vec(any::<Index>(), 1..4),
    ) {
        let mut hasher = Hasher::new(algorithm);
        for piece in pieces(&bytes, &cuts) {
            let saved: SavedState = serde_json::from_str(&serde_json::to_string(&hasher.save())?)?;
            prop_assert_eq!((saved.algorithm(), saved.position()), (algorithm, hasher.position()));
            hasher = Hasher::resume(&saved)?;
            hasher.update(piece);
        }
        prop_assert_eq!(hasher.position(), bytes.len() as u64);
        prop_assert_eq!(hasher.finish(), one_shot(algorithm, &bytes));
    }

    #[test]
    fn a_set_computes_what_its_members_would_also_when_saved_between(
        algorithms in any_algorithms(), bytes in any_bytes(), cuts in vec(any::<Index>(), 0..4), repeat in any::<bool>(),
    ) {
        let twice = if repeat { algorithms.clone() } else { Vec::new() };
        let mut set = HasherSet::new(algorithms.iter().copied().chain(twice));
        for piece in pieces(&bytes, &cuts) {
            let saved: SavedSet = serde_json::from_str(&serde_json::to_string(&set.save())?)?;
            prop_assert!(saved.algorithms().eq(set.algorithms()));
            set = HasherSet::resume(&saved)?;
            set.update(piece);
        }
        prop_assert_eq!(set.position(), bytes.len() as u64);
        let expected: Digests = algorithms.iter().map(|&algorithm| one_shot(algorithm, &bytes)).collect();
        prop_assert_eq!(set.clone().finish(), expected.clone());
        prop_assert_eq!(serde_json::from_str::<Digests>(&serde_json::to_string(&expected)?)?, expected);
    }

    #[test]
    fn a_clone_goes_its_own_way(algorithm in any_algorithm(), a in any_bytes(), b in any_bytes()) {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&a);
        let copy = hasher.clone();
        hasher.update(&b);
        prop_assert_eq!(copy.finish(), one_shot(algorithm, &a));
        prop_assert_eq!(hasher.finish(), one_shot(algorithm, &[a, b].concat()));
    }

    #[test]
    fn fingerprints_of_pieces_combine_to_that_of_the_whole(
        bytes in any_bytes(), cuts in vec(any::<Index>(), 0..6),
    ) {
        let whole = Fingerprint::of(&bytes);
        let parts: Vec<_> = pieces(&bytes, &cuts).into_iter().map(Fingerprint::of).collect();
        prop_assert_eq!(parts.iter().copied().collect::<Fingerprint>(), whole);
        // From the right as well: combining is associative.
        prop_assert_eq!(parts.iter().rev().fold(Fingerprint::EMPTY, |right, left| left.combine(right)), whole);

        let mut resumed = Fingerprinter::new();
        for piece in pieces(&bytes, &cuts) {
            resumed = Fingerprinter::resume(resumed.finish());
            resumed.update(piece);
        }
        prop_assert_eq!(resumed.len(), bytes.len() as u64);
        prop_assert_eq!(resumed.finish(), whole);
    }

    #[test]
    fn every_fingerprint_reads_back(len in any::<u64>(), crc64 in any::<u64>()) {
        let fingerprint = Fingerprint { len, crc64 };
        prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        prop_assert_eq!(serde_json::from_str::<Fingerprint>(&serde_json::to_string(&fingerprint)?)?, fingerprint);
    }

    #[test]
    fn every_digest_reads_back_from_each_form(algorithm in any_algorithm(), bytes in vec(any::<u8>(), 64)) {
        let bytes = &bytes[..algorithm.output_len()];
        let digest = Digest::from_bytes(algorithm, bytes)?;
        prop_assert_eq!(digest.as_bytes(), bytes);
        prop_assert_eq!(Digest::from_hex(algorithm, &digest.to_hex()), Ok(digest));
        prop_assert_eq!(Digest::from_hex(algorithm, &digest.to_hex().to_uppercase()), Ok(digest));
        prop_assert_eq!(Digest::from_base64(algorithm, &digest.to_base64()), Ok(digest));
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest)?)?, digest);
        prop_assert_eq!(format!("{digest:?}"), format!("{}:{}", algorithm.name(), digest.to_hex()));
    }

    /// Whatever is read is the canonical form, or differs from it only in the case of hex digits.
    #[test]
    fn nothing_but_the_canonical_form_is_read(
        algorithm in any_algorithm(), bytes in vec(any::<u8>(), 64), at in any::<Index>(), new in any::<char>(),
        kind in 0..3,
    ) {
        let digest = Digest::from_bytes(algorithm, &bytes[..algorithm.output_len()])?;
        for (canonical, is_hex) in [(digest.to_hex(), true), (digest.to_base64(), false)] {
            let mut text: Vec<char> = canonical.chars().collect();
            match kind {
                0 => text[at.index(canonical.len())] = new,
                1 => text.insert(at.index(canonical.len() + 1), new),
                _ => drop(text.remove(at.index(canonical.len()))),
            }
            let text: String = text.into_iter().collect();
            if is_hex {
                if let Ok(read) = Digest::from_hex(algorithm, &text) {
                    prop_assert_eq!(read.to_hex(), text.to_ascii_lowercase());
                }
            } else if let Ok(read) = Digest::from_base64(algorithm, &text) {
                prop_assert_eq!(read.to_base64(), text);
            }
        }
    }
}
