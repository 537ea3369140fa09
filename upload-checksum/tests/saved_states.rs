//! Saved states: old ones resume for ever, damaged and foreign ones are told apart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use serde::Deserialize;
use serde_json::{Value, json};
use upload_checksum::{Algorithm, Digest, Hasher, HasherSet, ResumeError, SavedSet, SavedState};

/// States saved by this version line at several positions of [`content`], and the digest of all of it as
/// another implementation computed it.
#[derive(Deserialize)]
struct Fixture {
    saved: SavedState,
    digest: Digest,
}

fn fixtures() -> Vec<Fixture> {
    serde_json::from_str(include_str!("fixtures/saved-states-1.json")).unwrap()
}

/// The content behind the fixtures: never change it.
fn content() -> Vec<u8> {
    (0..1000_u32).map(|i| (i * 7 + i / 256) as u8).collect()
}

fn hashed(algorithm: Algorithm, bytes: &[u8]) -> Hasher {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher
}

#[test]
fn states_saved_long_ago_resume() {
    let content = content();
    let fixtures = fixtures();
    for Fixture { saved, digest } in &fixtures {
        let mut hasher = Hasher::resume(saved).unwrap();
        let position = usize::try_from(hasher.position()).unwrap();
        assert_eq!(
            hashed(saved.algorithm(), &content[..position]).save(),
            *saved,
            "the form has not changed"
        );
        hasher.update(&content[position..]);
        assert_eq!(hasher.finish(), *digest);
    }
    for &algorithm in Algorithm::ALL {
        let positions: Vec<_> = fixtures
            .iter()
            .filter(|f| f.saved.algorithm() == algorithm)
            .map(|f| f.saved.position())
            .collect();
        assert_eq!(positions, [0, 1, 64, 100, 129, 777], "{algorithm}");
    }
}

/// The lines in the states are promises about the crates that are built in.
#[test]
fn lines_name_the_crates_of_the_lock_file() {
    let Ok(lock) = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")) else {
        return; // outside the workspace there is none
    };
    for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let saved = Hasher::new(algorithm).save();
        let (name, version) = saved.version().rsplit_once('-').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}.")), "{name} {version}");
    }
}

#[test]
fn another_line_is_told() {
    for &algorithm in Algorithm::ALL {
        let saved = hashed(algorithm, b"some bytes").save();
        let mut foreign = serde_json::to_value(&saved).unwrap();
        foreign["version"] = json!("sha2-0.99");
        let foreign: SavedState = serde_json::from_value(foreign).unwrap();
        let error = Hasher::resume(&foreign).unwrap_err();
        assert!(matches!(&error, ResumeError::Version { expected, got, .. }
            if *expected == saved.version() && got == "sha2-0.99"));
        assert!(error.to_string().contains("sha2-0.99") && error.to_string().contains(saved.version()));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let is_damaged = |value: &Value| {
        let saved: SavedState = serde_json::from_value(value.clone()).unwrap();
        matches!(Hasher::resume(&saved), Err(ResumeError::Damaged { .. }))
    };
    for &algorithm in Algorithm::ALL {
        let good = serde_json::to_value(hashed(algorithm, &content()).save()).unwrap();
        let state = base64.decode(good["state"].as_str().unwrap()).unwrap();
        let mut bad = good.clone();
        for bit in 0..8 * state.len() {
            let mut flipped = state.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            bad["state"] = json!(base64.encode(flipped));
            assert!(is_damaged(&bad), "{algorithm}: bit {bit}");
        }
        for len in 0..state.len() {
            bad["state"] = json!(base64.encode(&state[..len]));
            assert!(is_damaged(&bad), "{algorithm}: {len} bytes");
        }
        bad = good.clone();
        bad["position"] = json!(999);
        assert!(is_damaged(&bad), "{algorithm}: position");
        bad = good.clone();
        bad["state"] = json!(format!("{}\n", good["state"].as_str().unwrap()));
        assert!(serde_json::from_value::<SavedState>(bad).is_err(), "{algorithm}: not base64");
    }
    // One line saves both SHA-2 states, so only the seal tells whose it is.
    let mut other = serde_json::to_value(Hasher::new(Algorithm::Sha256).save()).unwrap();
    other["algorithm"] = json!("sha-512");
    assert!(is_damaged(&other));
}

#[test]
fn a_set_takes_only_states_that_belong_together() {
    let saved = |algorithms: &[Algorithm], bytes: &[u8]| {
        let mut set = HasherSet::new(algorithms.iter().copied());
        set.update(bytes);
        serde_json::to_value(set.save()).unwrap()
    };
    let resume = |value: Value| HasherSet::resume(&serde_json::from_value::<SavedSet>(value).unwrap());
    let good = saved(&[Algorithm::Md5, Algorithm::Crc32c], b"abc");
    assert_eq!(resume(good.clone()).unwrap().position(), 3);

    let mut elsewhere = good.clone();
    elsewhere["states"][1] = saved(&[Algorithm::Crc32c], b"abcd")["states"][0].clone();
    let mut repeated = good.clone();
    repeated["states"][1] = good["states"][0].clone();
    let mut disordered = good.clone();
    disordered["states"].as_array_mut().unwrap().reverse();
    let mut moved = good.clone();
    moved["position"] = json!(4);
    for bad in [elsewhere, repeated, disordered, moved] {
        assert!(matches!(resume(bad.clone()), Err(ResumeError::Set { .. })), "{bad}");
    }
    let mut foreign = good;
    foreign["states"][0]["version"] = json!("md-5-0.10");
    assert!(matches!(resume(foreign), Err(ResumeError::Version { algorithm: Algorithm::Md5, .. })));
}

#[test]
fn an_empty_set_still_counts() {
    let mut set = HasherSet::new([]);
    set.update(&[0; 5000]);
    let mut set = HasherSet::resume(&set.save()).unwrap();
    set.update(&[0; 5]);
    assert_eq!(set.position(), 5005);
    assert!(set.finish().is_empty());
}

#[test]
fn debug_shows_no_content() {
    let hasher = hashed(Algorithm::Sha256, b"secret");
    let mut set = HasherSet::new([Algorithm::Sha256]);
    set.update(b"secret");
    for shown in [
        format!("{hasher:?}"),
        format!("{:?}", hasher.save()),
        format!("{set:?}"),
        format!("{:?}", set.save()),
    ] {
        assert!(shown.contains("Sha256") && shown.contains('6'), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("115, 101"), "{shown}");
    }
}
