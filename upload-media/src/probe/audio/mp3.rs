//! MP3, through `symphonia`, which is given the first frames only.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use symphonia_bundle_mp3::MpaReader;
use symphonia_core::errors::Error;
use symphonia_core::formats::{FormatOptions, FormatReader};
use symphonia_core::io::{MediaSource, MediaSourceStream};

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;

/// How much of the sound is looked at: 17 frames of the usual kind, then of the largest kind, perhaps behind junk.
const HEADS: [u64; 2] = [16 << 10, 128 << 10];

/// No frame is coded at less than 8,000 bits per second, so one byte lasts at most a millisecond.
const BYTES_PER_SECOND: f64 = 1000.0;

pub(in super::super) fn mp3(reader: &mut Reader<'_>) -> Result<Details> {
    let (sound, end) = (behind_tags(reader)?, before_tags(reader)?);
    if sound >= end {
        return unreadable("the file has tags and no sound behind them");
    }
    let mut result = unreadable("no frame of sound was found");
    for head in HEADS {
        reader.go(sound);
        let bytes = reader.vec(head.min(end - sound), "first frames")?;
        let whole = bytes.len() as u64 == end - sound;
        result = frames(bytes, end - sound, whole);
        if whole || matches!(&result, Ok(details) if details.duration.is_some()) {
            break;
        }
    }
    result
}

/// Where the sound begins: ID3v2 tags (id3.org, ID3v2.4 section 3.1), of which there may be several, come first.
fn behind_tags(reader: &mut Reader<'_>) -> Result<u64> {
    const TAG: &str = "ID3 tag";
    let mut at = 0;
    for _ in 0..8 {
        reader.go(at);
        if reader.left() < 10 || reader.array(TAG)? != *b"ID3" {
            return Ok(at);
        }
        let [_major, _minor, flags, size @ ..] = reader.array::<7>(TAG)?;
        let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at += 10 + size + footer;
        if at > reader.length() {
            return unreadable(format!("its ID3 tag claims {size} bytes, more than the file has"));
        }
    }
    Ok(at)
}

/// Where the sound ends: an ID3v1 tag comes last.
fn before_tags(reader: &mut Reader<'_>) -> Result<u64> {
    let Some(at) = reader.length().checked_sub(128) else { return Ok(reader.length()) };
    reader.go(at);
    Ok(if reader.array("last bytes")? == *b"TAG" { at } else { reader.length() })
}

/// What the first frames say; `head` begins a sound of `length` bytes, and is `whole` or not.
fn frames(head: Vec<u8>, length: u64, whole: bool) -> Result<Details> {
    let mut details = Details::default();
    let source =
        MediaSourceStream::new(Box::new(Head { bytes: Cursor::new(head), length }), Default::default());
    let mut frames = match MpaReader::try_new(source, FormatOptions::default()) {
        Ok(frames) => frames,
        Err(Error::IoError(_)) => return unreadable("no frame of sound was found"),
        Err(error) => return unreadable(format!("the MP3 cannot be read: {error}")),
    };
    let Some(track) = frames.tracks().first() else { return unreadable("the MP3 has no sound") };
    let sound = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let mut samples = track.num_frames;
    details.sample_rate = sound.and_then(|sound| sound.sample_rate).filter(|rate| *rate > 0);
    details.channels =
        sound.and_then(|sound| sound.channels.as_ref()).and_then(|channels| channels.count().try_into().ok());
    if samples.is_none() && whole {
        // Too few frames to tell from their average.
        let mut counted = 0_u64;
        while let Ok(Some(packet)) = frames.next_packet() {
            counted = counted.saturating_add(packet.dur.get());
        }
        samples = Some(counted);
    }
    let duration = samples.zip(details.sample_rate).map(|(samples, rate)| samples as f64 / f64::from(rate));
    match duration {
        Some(duration) if duration > length as f64 / BYTES_PER_SECOND + 1.0 => details
            .warn(format!("the file claims {duration} seconds, more than {length} bytes of sound can last")),
        Some(duration) => details.duration = Some(duration),
        None => details.warn("the frames do not tell how long the sound is"),
    }
    Ok(details)
}

/// The first bytes of a sound whose length is known.
struct Head {
    bytes: Cursor<Vec<u8>>,
    length: u64,
}

impl MediaSource for Head {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

impl Read for Head {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into)
    }
}

impl Seek for Head {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
