//! What is measured.

use std::fmt;

use serde::{Serialize, Serializer};

/// Technical details of a file, measured from its bytes. What could not be measured is `None` and is left out when
/// serialised; nothing is taken from a name, and nothing is guessed without a warning.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Details {
    /// Pages of a PDF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_count: Option<u64>,
    /// Words of a document: runs of what is no white space. Of a PDF it is an estimate, since a PDF places glyphs, not
    /// words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_count: Option<u64>,
    /// Of an image its size in pixels as it is shown, of a model its extent along x, y and z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Colour channels of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color_mode: Option<ColorMode>,
    /// Seconds that a film, a sound or a moving image lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Size in pixels of a film as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Size>,
    /// Frames per second of a film, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<f64>,
    /// Samples per second of a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Channels of a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Vertices of a model: each stored position once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vertex_count: Option<u64>,
    /// Materials that a model has (GLB) or names (OBJ).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub material_count: Option<u64>,
    /// What is odd about the file, and why something is absent: sentences that may be shown outside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Details {
    /// More warnings are not kept.
    const WARNINGS: usize = 16;

    /// Adds a warning, once.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < Self::WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// A size in pixels; its text is `WIDTHxHEIGHT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// A size in pixels.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Turned by a quarter, if `quarter`.
    pub(crate) fn turned(self, quarter: bool) -> Self {
        if quarter { Self { width: self.height, height: self.width } } else { self }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The dimensions of an image or of a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Dimensions {
    /// Of an image.
    Pixels(Size),
    /// Of a model, along x, y and z, in its own unit.
    Space([f64; 3]),
}

/// The colour channels of an image, under the usual names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum ColorMode {
    /// Red, green, blue.
    #[serde(rename = "RGB")]
    Rgb,
    /// Red, green, blue, opacity.
    #[serde(rename = "RGBA")]
    Rgba,
    /// Grey.
    #[serde(rename = "L")]
    Grey,
    /// Grey, opacity.
    #[serde(rename = "LA")]
    GreyAlpha,
    /// Numbers of colours in a palette.
    #[serde(rename = "P")]
    Palette,
    /// Cyan, magenta, yellow, black.
    #[serde(rename = "CMYK")]
    Cmyk,
}
