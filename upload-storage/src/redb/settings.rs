use crate::durability::Durability;

/// How a record file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedbSettings {
    /// What an acknowledgement makes sure of.
    pub durability: Durability,
    /// Most bytes of memory that cache the file; 16 MiB.
    pub cache: usize,
}

impl RedbSettings {
    /// The defaults, with this durability.
    pub fn new(durability: Durability) -> Self {
        Self { durability, cache: 16 << 20 }
    }
}

impl Default for RedbSettings {
    fn default() -> Self {
        Self::new(Durability::default())
    }
}

impl From<Durability> for RedbSettings {
    fn from(durability: Durability) -> Self {
        Self::new(durability)
    }
}
