//! MP4, QuickTime, M4A (ISO/IEC 14496-12; QuickTime File Format): boxes, of which only the index is read.
//!
//! ```text
//!   ftyp  mdat  moov ─ mvhd                          how long
//!                 ├─── trak ─ tkhd                   size as shown, turned or not
//!                 │      └─── mdia ─ mdhd, hdlr      time scale, kind
//!                 │             └─── minf ─ stbl ─ stsd, stts     size as stored or rate and channels; samples
//!                 └─── mvex ─ mehd, trex             of a film in fragments
//!         moof ─ traf ─ tfhd, trun                   a fragment
//! ```

mod boxes;
mod fragment;
mod movie;
mod track;

use super::details::Details;
use super::error::{Result, unreadable};
use super::reader::{Cost, Reader};
use boxes::{Boxes, Child};
use movie::Movie;
use track::Track;

/// What walking all fragments may cost; a film of two hours has some thousands.
const FRAGMENTS: Cost = Cost { bytes: 16 << 20, reads: 2048, calls: 1 << 20 };

/// A film, or a sound if `sound_only`: then a picture beside the sound is its cover.
pub(super) fn iso_media(reader: &mut Reader<'_>, sound_only: bool) -> Result<Details> {
    let mut details = Details::default();
    let mut movie = None;
    let mut top = Boxes::of_file(reader);
    while let Some(child) = top.next(reader)? {
        match &child.kind {
            b"moov" if movie.is_none() => movie = Some(Movie::read(reader, &child.fitting()?)?),
            b"moof" => {
                let Some(movie) = &mut movie else {
                    return unreadable("a fragment comes before the film's header (moov)");
                };
                let all = reader.within(FRAGMENTS, |reader| fragments(reader, top, child, movie))?;
                match all {
                    Some(true) => {}
                    Some(false) => details.warn("a fragment is cut off: the file may have been cut"),
                    None => {
                        movie.fragments_unknown = true;
                        details.warn("the film has too many fragments to add them up");
                    }
                }
                break;
            }
            _ if !child.fits => {
                details.warn(format!(
                    "the box {} claims more than the file has: the file may have been cut",
                    child.name()
                ));
                break;
            }
            _ => {}
        }
    }
    match movie {
        Some(movie) => movie.tell(sound_only, details),
        None => unreadable("the file has no film header (moov)"),
    }
}

/// Adds up the fragments from `first` on. Says whether the last one is whole.
fn fragments(reader: &mut Reader<'_>, mut top: Boxes, first: Child, movie: &mut Movie) -> Result<bool> {
    let mut next = Some(first);
    while let Some(child) = next {
        if !child.fits {
            return Ok(false);
        }
        if &child.kind == b"moof" {
            fragment::read(reader, &child, &mut movie.tracks)?;
        }
        next = top.next(reader)?;
    }
    Ok(true)
}
