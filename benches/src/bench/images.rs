//! Images of one length, each with bytes of its own.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use upload_benches::{client::Client, figures::noise};

/// An API that takes a whole file in one form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Api {
    Picomes,
    Wickson,
}

impl Api {
    /// Sends a whole image.
    pub(crate) fn send(self, client: &mut Client, data: &[u8]) {
        match self {
            Self::Picomes => assert!(client.single(data)["path"].is_string()),
            Self::Wickson => {
                let answer = client.file("/v1/media", data);
                assert!(answer["data"]["file_details"]["dimensions"].is_string(), "{answer}");
            }
        }
    }
}

/// Pixels of a row.
const WIDTH: u16 = 1280;
const QUALITY: u8 = 90;
/// Of a comment: its mark, its length, and a number in it.
const COMMENT: usize = 4 + NUMBER;
const NUMBER: usize = 16;
/// A comment is no longer than its two bytes of length can say, which count themselves.
const MOST_COMMENT: usize = 2 + u16::MAX as usize;

/// A JPEG with a number in a comment, which can be changed and nothing else.
#[derive(Clone)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    number: usize,
}

impl Image {
    /// Of exactly `length` bytes: noise that is cut off where it is long enough, and a comment that makes up the rest.
    pub(crate) fn new(length: usize) -> Self {
        let most = length - COMMENT;
        let tried = encoded(960);
        let mut height = (960 * most / tried.len()) as u16 / 8 * 8;
        let mut jpeg = encoded(height);
        while jpeg.len() > most {
            height -= 8;
            jpeg = encoded(height);
        }
        let comment = length - jpeg.len();
        assert!(comment <= MOST_COMMENT, "{} bytes are too far from {length}", jpeg.len());
        // Behind the two bytes that begin a JPEG, and its first segment, which must come first.
        let at = 4 + usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]]));
        let mut segment = vec![0xff, 0xfe];
        segment.extend(((comment - 2) as u16).to_be_bytes());
        segment.resize(comment, b'.');
        jpeg.splice(at..at, segment);
        let mut image = Self { bytes: jpeg, number: at + 4 };
        image.numbered(0);
        image
    }

    /// Its bytes with this number in them.
    pub(crate) fn numbered(&mut self, number: usize) -> &[u8] {
        let text = format!("{number:0width$}", width = NUMBER);
        self.bytes[self.number..self.number + NUMBER].copy_from_slice(text.as_bytes());
        &self.bytes
    }
}

/// A picture of so many rows, half of which is noise.
fn encoded(height: u16) -> Vec<u8> {
    let (width, rows) = (usize::from(WIDTH), usize::from(height));
    let mut pixels = noise(width * rows * 3);
    for (n, value) in pixels.iter_mut().enumerate() {
        let (x, y) = (n / 3 % width, n / 3 / width);
        *value = (*value >> 3) + ((x * 112 / width) + (y / 8 % 112)) as u8;
    }
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.encode(&pixels, WIDTH.into(), height.into(), ExtendedColorType::Rgb8).unwrap();
    jpeg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_valid_as_long_as_wanted_and_never_the_same() {
        let mut image = Image::new(1_000_000);
        let [one, two] = [1, usize::MAX >> 16].map(|number| image.numbered(number).to_vec());
        assert_eq!(one.len(), 1_000_000);
        assert_ne!(one, two);
        let decoded = image::load_from_memory(&one).unwrap();
        assert_eq!(decoded.width(), u32::from(WIDTH));
        assert_eq!(decoded, image::load_from_memory(&two).unwrap());
    }
}
