//! One track: what kind, how large or how fast.

use super::super::details::Size;
use super::super::error::Result;
use super::super::reader::{Cost, Reader};
use super::boxes::{Boxes, Child};

const TRACK: &str = "tracks";

/// What adding up the durations of all samples may cost.
const TIMES: Cost = Cost { bytes: 16 << 20, reads: 512, calls: 3 << 20 };

#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) kind: [u8; 4],
    /// Ticks per second of all times below.
    pub(super) scale: u32,
    pub(super) duration: u64,
    /// Size in pixels as shown, before it is turned.
    shown: Size,
    turned: bool,
    stored: Size,
    pub(super) rate: u32,
    pub(super) channels: u32,
    pub(super) samples: u64,
    pub(super) ticks: u64,
    /// There were too many samples to add up.
    pub(super) unknown: bool,
    /// How long a sample of a fragment lasts unless the fragment says.
    pub(super) sample_duration: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl Track {
    pub(super) fn read(reader: &mut Reader<'_>, trak: &Child) -> Result<Self> {
        let mut track = Self::default();
        let mut boxes = Boxes::inside(trak, 0);
        while let Some(child) = boxes.next_fitting(reader)? {
            match &child.kind {
                b"tkhd" => track.header(reader, &child)?,
                b"mdia" => track.media(reader, &child)?,
                _ => {}
            }
        }
        Ok(track)
    }

    /// Its size as it is shown, if it has one.
    pub(super) fn size(&self) -> Option<Size> {
        let has_area = |size: &Size| size.width > 0 && size.height > 0;
        [self.shown, self.stored].into_iter().find(has_area).map(|size| size.turned(self.turned))
    }

    /// ISO/IEC 14496-12, section 8.3.2.
    fn header(&mut self, reader: &mut Reader<'_>, child: &Child) -> Result<()> {
        let (version, _) = child.open(reader)?;
        reader.skip(if version == 0 { 8 } else { 16 });
        self.id = reader.u32_be(TRACK)?;
        reader.skip(if version == 0 { 24 } else { 28 });
        let [a, b, _u, c, d] = [(); 5].map(|()| reader.array::<4>(TRACK));
        // A quarter turn exchanges the axes: nothing of x stays in x, nor of y in y.
        let zero = [0; 4];
        self.turned = a? == zero && d? == zero && b? != zero && c? != zero;
        reader.skip(16);
        // 16 bits before the point, 16 behind it.
        let side = |fixed: u32| ((u64::from(fixed) + 0x8000) >> 16) as u32;
        self.shown = Size::new(side(reader.u32_be(TRACK)?), side(reader.u32_be(TRACK)?));
        Ok(())
    }

    fn media(&mut self, reader: &mut Reader<'_>, mdia: &Child) -> Result<()> {
        let mut boxes = Boxes::inside(mdia, 0);
        let mut information = None;
        while let Some(child) = boxes.next_fitting(reader)? {
            match &child.kind {
                b"mdhd" => (self.scale, self.duration) = child.scale_and_duration(reader)?,
                b"hdlr" => {
                    child.open(reader)?;
                    reader.skip(4);
                    self.kind = reader.array(TRACK)?;
                }
                b"minf" => information = Some(child),
                _ => {}
            }
        }
        // Last, since reading a sample description needs the kind.
        let Some(minf) = information else { return Ok(()) };
        let mut boxes = Boxes::inside(&minf, 0);
        while let Some(child) = boxes.next_fitting(reader)? {
            if &child.kind == b"stbl" {
                self.samples(reader, &child)?;
            }
        }
        Ok(())
    }

    fn samples(&mut self, reader: &mut Reader<'_>, stbl: &Child) -> Result<()> {
        let mut boxes = Boxes::inside(stbl, 0);
        while let Some(child) = boxes.next_fitting(reader)? {
            match &child.kind {
                b"stsd" => self.description(reader, &child)?,
                b"stts" => {
                    child.open(reader)?;
                    let count = reader.u32_be(TRACK)?;
                    child.holds(reader, count, 8)?;
                    self.unknown = reader.within(TIMES, |reader| self.times(reader, count))?.is_none();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The first sample description (ISO/IEC 14496-12, sections 8.5.2, 12.1.3 and 12.2.3).
    fn description(&mut self, reader: &mut Reader<'_>, child: &Child) -> Result<()> {
        let Some(entry) = Boxes::inside(child, 8).next_fitting(reader)? else { return Ok(()) };
        // Six reserved bytes and a reference come first.
        reader.go(entry.start.saturating_add(8));
        match &self.kind {
            b"vide" => {
                reader.skip(16);
                self.stored = Size::new(reader.u16_be(TRACK)?.into(), reader.u16_be(TRACK)?.into());
            }
            b"soun" => {
                let version = reader.u16_be(TRACK)?;
                reader.skip(6);
                self.channels = reader.u16_be(TRACK)?.into();
                reader.skip(6);
                self.rate = reader.u32_be(TRACK)? >> 16;
                if version == 2 {
                    // QuickTime: the numbers above are fixed, the true ones follow.
                    reader.skip(4);
                    self.rate = f64::from_bits(reader.u64_be(TRACK)?) as u32;
                    self.channels = reader.u32_be(TRACK)?;
                }
                if self.rate == 0 {
                    self.rate = self.scale; // too high for 16 bits
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn times(&mut self, reader: &mut Reader<'_>, count: u32) -> Result<()> {
        for _ in 0..count {
            let (samples, ticks) = (reader.u32_be(TRACK)?, reader.u32_be(TRACK)?);
            self.add(samples, ticks);
        }
        Ok(())
    }

    /// So many samples more, each of so many ticks.
    pub(super) fn add(&mut self, samples: u32, ticks: u32) {
        self.samples = self.samples.saturating_add(samples.into());
        self.ticks = self.ticks.saturating_add(u64::from(samples) * u64::from(ticks));
    }

    /// Seconds that `ticks` last.
    pub(super) fn seconds(ticks: u64, scale: u32) -> Option<f64> {
        (ticks > 0 && scale > 0).then(|| ticks as f64 / f64::from(scale))
    }

    /// Frames per second, on average.
    pub(super) fn frame_rate(&self) -> Option<f64> {
        let seconds = Self::seconds(self.ticks, self.scale).filter(|_| !self.unknown && self.samples > 0)?;
        Some(self.samples as f64 / seconds)
    }
}
