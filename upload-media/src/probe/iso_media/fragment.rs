//! A fragment: more samples of some tracks (ISO/IEC 14496-12, section 8.8).

use super::super::error::Result;
use super::super::reader::Reader;
use super::Track;
use super::boxes::{Boxes, Child};

const FRAGMENT: &str = "fragments";

/// Adds the samples of a fragment to its tracks.
pub(super) fn read(reader: &mut Reader<'_>, moof: &Child, tracks: &mut [Track]) -> Result<()> {
    let mut boxes = Boxes::inside(moof, 0);
    while let Some(traf) = boxes.next_fitting(reader)? {
        if &traf.kind == b"traf" {
            of_track(reader, &traf, tracks)?;
        }
    }
    Ok(())
}

fn of_track(reader: &mut Reader<'_>, traf: &Child, tracks: &mut [Track]) -> Result<()> {
    // The track, and how long its samples last here; this comes before the runs.
    let mut header = None;
    let mut boxes = Boxes::inside(traf, 0);
    while let Some(child) = boxes.next_fitting(reader)? {
        match (&child.kind, &mut header) {
            (b"tfhd", _) => {
                let (_, flags) = child.open(reader)?;
                let id = reader.u32_be(FRAGMENT)?;
                reader.skip(if flags & 1 == 0 { 0 } else { 8 });
                reader.skip(if flags & 2 == 0 { 0 } else { 4 });
                let own = if flags & 8 == 0 { None } else { Some(reader.u32_be(FRAGMENT)?) };
                let track = tracks.iter_mut().find(|track| track.id == id);
                header = track.map(|track| (own.unwrap_or(track.sample_duration), track));
            }
            (b"trun", Some((ticks, track))) => run(reader, &child, *ticks, track)?,
            _ => {}
        }
    }
    Ok(())
}

/// Adds a run of samples, each of so many `ticks` unless it says itself.
fn run(reader: &mut Reader<'_>, trun: &Child, ticks: u32, track: &mut Track) -> Result<()> {
    const DURATION: u32 = 0x100;
    let (_, flags) = trun.open(reader)?;
    let count = reader.u32_be(FRAGMENT)?;
    for optional in [1, 4] {
        reader.skip(if flags & optional == 0 { 0 } else { 4 });
    }
    // Up to four numbers for each sample; the duration comes first.
    let size = 4 * u64::from((flags & 0xf00).count_ones());
    trun.holds(reader, count, size)?;
    if flags & DURATION == 0 {
        track.add(count, ticks);
        return Ok(());
    }
    for _ in 0..count {
        let ticks = reader.u32_be(FRAGMENT)?;
        track.add(1, ticks);
        reader.skip(size - 4);
    }
    Ok(())
}
