//! Blobs and records in memory: for tests, examples and servers whose uploads may end with the process.

mod blobs;
mod extents;
mod records;

pub use blobs::MemoryBlobs;
pub use records::MemoryRecords;
