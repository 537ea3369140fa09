//! The parts of a glTF's JSON that are looked at (glTF 2.0, section 5), each list with an end.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A list of at most [`List::MOST`] entries: a list costs more in memory than in the file.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> List<T> {
    const MOST: usize = 50_000;

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.0.get(usize::try_from(index).ok()?)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = entries.next_element()? {
                    if list.len() == List::<T>::MOST {
                        return Err(A::Error::custom(format_args!(
                            "a list has more than {} entries",
                            List::<T>::MOST
                        )));
                    }
                    list.push(entry);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Gltf {
    pub(super) scene: u32,
    pub(super) scenes: List<Scene>,
    pub(super) nodes: List<Node>,
    pub(super) meshes: List<Mesh>,
    pub(super) accessors: List<Accessor>,
    pub(super) buffer_views: List<BufferView>,
    pub(super) buffers: List<Buffer>,
    pub(super) images: List<Linked>,
    pub(super) materials: List<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scene {
    pub(super) nodes: List<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) mesh: Option<u32>,
    pub(super) children: List<u32>,
    pub(super) matrix: Option<Box<[f64; 16]>>,
    pub(super) translation: Option<[f64; 3]>,
    pub(super) rotation: Option<[f64; 4]>,
    pub(super) scale: Option<[f64; 3]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mesh {
    pub(super) primitives: List<Primitive>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Primitive {
    pub(super) attributes: Attributes,
    pub(super) extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    #[serde(rename = "POSITION")]
    pub(super) position: Option<u32>,
}

/// Whether the vertices are compressed, and stand in no accessor's buffer view.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extensions {
    #[serde(rename = "KHR_draco_mesh_compression")]
    pub(super) draco: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Accessor {
    pub(super) buffer_view: Option<u32>,
    pub(super) byte_offset: u64,
    pub(super) component_type: u32,
    pub(super) count: u64,
    /// Of a position; other kinds of accessors have other lengths, and are of no interest.
    pub(super) min: Option<Corner>,
    pub(super) max: Option<Corner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BufferView {
    pub(super) buffer: u32,
    pub(super) byte_offset: u64,
    pub(super) byte_length: u64,
    pub(super) byte_stride: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Buffer {
    pub(super) byte_length: u64,
    pub(super) uri: Option<Link>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Linked {
    pub(super) uri: Option<Link>,
}

/// Where a URI leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// It holds the data itself.
    Inside,
    /// Out of the file; it is never followed.
    Outside,
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Uri;
        impl Visitor<'_> for Uri {
            type Value = Link;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URI")
            }

            fn visit_str<E: Error>(self, uri: &str) -> Result<Link, E> {
                let is_data = uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
                Ok(if is_data { Link::Inside } else { Link::Outside })
            }
        }
        deserializer.deserialize_str(Uri)
    }
}

/// The first three of some numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corner(pub(super) Option<[f64; 3]>);

impl<'de> Deserialize<'de> for Corner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Corner;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Corner, A::Error> {
                let mut first = [None; 3];
                for number in &mut first {
                    *number = numbers.next_element::<f64>()?;
                }
                while numbers.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Corner(match first {
                    [Some(x), Some(y), Some(z)] => Some([x, y, z]),
                    _ => None,
                }))
            }
        }
        deserializer.deserialize_seq(Numbers)
    }
}
