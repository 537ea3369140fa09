//! The film's header, and what it tells.

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;
use super::Track;
use super::boxes::{Boxes, Child};

/// More tracks are not believed.
const TRACKS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Movie {
    scale: u32,
    duration: u64,
    /// The duration of all fragments, if it is told beforehand.
    fragments: u64,
    pub(super) fragments_unknown: bool,
    pub(super) tracks: Vec<Track>,
}

impl Movie {
    pub(super) fn read(reader: &mut Reader<'_>, moov: &Child) -> Result<Self> {
        let mut movie = Self::default();
        let mut extends = None;
        let mut boxes = Boxes::inside(moov, 0);
        while let Some(child) = boxes.next_fitting(reader)? {
            match &child.kind {
                b"mvhd" => (movie.scale, movie.duration) = child.scale_and_duration(reader)?,
                b"trak" if movie.tracks.len() == TRACKS => {
                    return unreadable(format!("the film has more than {TRACKS} tracks"));
                }
                b"trak" => movie.tracks.push(Track::read(reader, &child)?),
                b"mvex" => extends = Some(child),
                b"cmov" => return unreadable("the film's header is compressed, which is not supported"),
                _ => {}
            }
        }
        if let Some(mvex) = extends {
            movie.extends(reader, &mvex)?;
        }
        if movie.tracks.is_empty() {
            return unreadable("the film has no tracks");
        }
        Ok(movie)
    }

    /// ISO/IEC 14496-12, sections 8.8.2 and 8.8.3.
    fn extends(&mut self, reader: &mut Reader<'_>, mvex: &Child) -> Result<()> {
        let mut boxes = Boxes::inside(mvex, 0);
        while let Some(child) = boxes.next_fitting(reader)? {
            match &child.kind {
                b"mehd" => {
                    let (version, _) = child.open(reader)?;
                    self.fragments = Child::time(reader, version)?;
                }
                b"trex" => {
                    child.open(reader)?;
                    let id = reader.u32_be("fragment defaults")?;
                    reader.skip(4);
                    let ticks = reader.u32_be("fragment defaults")?;
                    if let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) {
                        track.sample_duration = ticks;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Fills in what the film and its first picture and sound are.
    pub(super) fn tell(self, sound_only: bool, mut details: Details) -> Result<Details> {
        let first = |kind: &[u8; 4]| self.tracks.iter().find(|track| &track.kind == kind);
        let (picture, sound) = (first(b"vide").filter(|_| !sound_only), first(b"soun"));
        if picture.is_none() && sound.is_none() {
            return unreadable("the film has neither picture nor sound");
        }
        details.duration = self.seconds(picture.or(sound));
        if details.duration.is_none() {
            details.warn("the film's duration cannot be told");
        }
        if let Some(picture) = picture {
            details.resolution = picture.size();
            details.frame_rate = picture.frame_rate().filter(|_| !self.fragments_unknown);
            if details.resolution.is_none() || details.frame_rate.is_none() {
                details.warn("the picture's size or frame rate cannot be told");
            }
        } else if !sound_only {
            details.warn("the film has no picture");
        }
        if let Some(sound) = sound {
            details.sample_rate = Some(sound.rate).filter(|rate| *rate > 0);
            details.channels = Some(sound.channels).filter(|channels| *channels > 0);
        }
        Ok(details)
    }

    /// The header knows best: it leaves out what an encoder put before and behind.
    fn seconds(&self, main: Option<&Track>) -> Option<f64> {
        let in_fragments = || {
            let all = main.filter(|_| !self.fragments_unknown)?;
            Track::seconds(all.ticks, all.scale)
        };
        let of_tracks =
            || self.tracks.iter().filter_map(|t| Track::seconds(t.duration, t.scale)).reduce(f64::max);
        Track::seconds(self.duration, self.scale)
            .or_else(|| Track::seconds(self.fragments, self.scale))
            .or_else(in_fragments)
            .or_else(of_tracks)
    }
}
