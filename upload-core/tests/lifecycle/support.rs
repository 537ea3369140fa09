//! Views of an upload at the points where tests begin.

use std::time::Duration;

use upload_checksum::{Algorithm, Digest, HasherSet};
use upload_chunking::assembly::{Row, Shape, Sizing};
use upload_core::{
    Destination, Destinations, Handle, Hour, ObjectKey, Policy, StagingName, Timestamp, TypeRule, UploadId,
    lifecycle::{Begin, Command, Event, Proof, View, apply, begin, decide},
    ports::{Capabilities, Ids},
    record::Addressing,
};

#[derive(Debug)]
pub struct Fixed(pub u8);

impl Ids for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

pub fn id() -> UploadId {
    UploadId::random(&Handle::random(&Fixed(1)), &Fixed(2))
}

pub fn key(n: u8) -> ObjectKey {
    ObjectKey::random(Hour::new(1), &id(), &Fixed(n))
}

pub fn digest(bytes: &[u8]) -> Digest {
    let mut hashers = HasherSet::new([Algorithm::Sha256]);
    hashers.update(bytes);
    *hashers.finish().get(Algorithm::Sha256).unwrap()
}

pub const BEGUN: Timestamp = Timestamp::from_millis(1_000_000);
pub const LIFETIME: Duration = Duration::from_secs(3600);
pub const LENGTH: u64 = 12;

/// An upload of four chunks or extents of three bytes, with a digest and a type that must hold.
pub fn view(addressing: Addressing, known: bool) -> View {
    let mut policy = Policy::new(100).accept(TypeRule::only(["image/png"]));
    policy.lifetime = LIFETIME;
    let destinations = Destinations::new().with("photos", policy);
    let destination: &Destination = destinations.get("photos").unwrap();
    let mut wanted =
        Begin::new("photos", addressing, (known || addressing == Addressing::Slots).then_some(LENGTH));
    wanted.expected = vec![digest(b"right")];
    let staging = StagingName::random(Hour::new(1), &id(), &Fixed(3));
    let head =
        begin(BEGUN, wanted, destination, &Capabilities::new("test"), "somebody", id(), staging).unwrap();
    let mut view = View::new(head);
    if addressing == Addressing::Slots {
        view.rows.learn_shape(Shape { total: 4, sizing: Some(Sizing::Uniform(3)) }).unwrap();
    }
    view
}

pub fn proof(right: bool, kind: Option<&str>) -> Proof {
    let bytes: &[u8] = if right { b"right" } else { b"wrong" };
    Proof::new([digest(bytes)].into_iter().collect(), kind.map(str::to_owned))
}

/// All rows are there.
pub fn full_view() -> View {
    let mut view = view(Addressing::Slots, true);
    for n in 0..4 {
        apply(&mut view, &Event::Recorded(Row::slot(n, u64::from(n) * 3, 3)));
    }
    view
}

pub fn does(view: &mut View, now: Timestamp, command: Command) -> Vec<Event> {
    let events = decide(view, now, command).unwrap();
    events.iter().for_each(|event| apply(view, event));
    events
}

pub fn completed_view() -> View {
    let mut view = full_view();
    does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof(true, Some("image/png")) });
    does(&mut view, BEGUN, Command::Complete);
    view
}
