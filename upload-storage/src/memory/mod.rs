//! Blobs and records in memory: for tests, examples and servers whose uploads may end with the process.

mod blobs;
mod extents;
mod page;
mod parts;
mod records;
mod signing;

pub use blobs::MemoryBlobs;
pub use parts::MemoryParts;
pub use records::MemoryRecords;
