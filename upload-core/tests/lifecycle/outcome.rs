//! What becomes an outcome, and content that is claimed for it.

use upload_checksum::Algorithm;
use upload_core::{
    Charge, Destinations, ErrorKind, Hour, Policy, StagingName, Visibility,
    lifecycle::{Begin, Command, Event, Unique, begin, decide},
    ports::Capabilities,
    record::Addressing,
};

use crate::support::{BEGUN, Fixed, digest, does, full_view, id, key, proof};

/// Content makes its claim while it is verified: before, it is not known; after, it is as it was.
#[test]
fn content_is_claimed_while_it_is_verified() {
    let claim = |n: u8| Command::Claim(format!("c/{n}"));
    let mut view = full_view();
    assert_eq!(decide(&view, BEGUN, claim(1)).unwrap_err().kind, ErrorKind::NotReady);
    does(&mut view, BEGUN, Command::Close { key: key(1) });
    assert_eq!(does(&mut view, BEGUN, claim(1)), [Event::Claimed("c/1".into())]);
    assert_eq!(does(&mut view, BEGUN, claim(1)), []);
    does(&mut view, BEGUN, Command::Commit { key: key(2), proof: proof(true, Some("image/png")) });
    for kind in [ErrorKind::Busy, ErrorKind::Conflict] {
        assert_eq!(does(&mut view, BEGUN, claim(1)), [], "another process went on");
        assert_eq!(decide(&view, BEGUN, claim(2)).unwrap_err().kind, kind);
        does(&mut view, BEGUN, Command::Complete);
    }
}

/// What an upload costs and what was found in it are in its outcome.
#[test]
fn an_outcome_has_charges_and_details() {
    let mut view = full_view();
    view.head.charges = vec![Charge::new("storing", 5), Charge::new("looking", u64::MAX)];
    view.head.policy.keep_content = false;
    let mut proof = proof(true, Some("image/png"));
    proof.details = [("probe".to_owned(), serde_json::json!(7))].into();
    does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof.clone() });
    let outcome = view.head.phase.outcome().unwrap();
    assert_eq!((&outcome.charges, &outcome.details), (&view.head.charges, &proof.details));
    assert!(outcome.content_removed);
    assert_eq!(Charge::sum(&outcome.charges), u64::MAX, "the most there is");
}

/// Unique content is refused at the beginning where no SHA-256 will be known, or in no such space.
#[test]
fn unique_content_needs_a_space_and_its_sha_256() {
    let try_begin = |space: &str, digests: Vec<Algorithm>, announced: bool| {
        let mut policy = Policy::new(100);
        policy.digests = digests;
        let destinations = Destinations::new().with("files", policy);
        let mut wanted = Begin::new("files", Addressing::Offsets, None);
        wanted.unique = Some(Unique::new(space, "any text / at all"));
        wanted.expected = announced.then(|| digest(b"right")).into_iter().collect();
        let staging = StagingName::random(Hour::new(1), &id(), &Fixed(3));
        let store = Capabilities::new("test");
        begin(BEGUN, wanted, destinations.get("files").unwrap(), &store, "", id(), staging)
            .map_err(|e| e.kind)
    };
    assert!(try_begin("wire", vec![Algorithm::Sha256], false).is_ok());
    assert!(try_begin("wire", vec![Algorithm::Md5], true).is_ok());
    assert_eq!(try_begin("wire", vec![Algorithm::Md5], false).unwrap_err(), ErrorKind::Unsupported);
    for space in ["", "Wire", "a/b", "seventeen-letters"] {
        assert_eq!(try_begin(space, vec![Algorithm::Sha256], false).unwrap_err(), ErrorKind::Internal);
    }
}

/// The upload's own visibility stands in its outcome, in place of the destination's.
#[test]
fn an_outcome_has_the_visibility_of_its_upload() {
    for own in [None, Some(Visibility::Support), Some(Visibility::Public)] {
        let mut view = full_view();
        view.head.visibility = own;
        does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof(true, Some("image/png")) });
        assert_eq!(view.head.phase.outcome().unwrap().visibility, own.unwrap_or(Visibility::Tenant));
    }
}
