//! Records in a bucket, by conditional puts.
//!
//! ```text
//!   put(Absent)     ──> PUT if none match      ┐ one request each, never repeated unseen
//!   put(Version v)  ──> PUT if v matches       ├──> done │ refused ──> read ──> Won, Lost │ no answer ──> read ──> Won, Unknown
//!   delete(v)       ──> DELETE if v matches    ┘
//!   get, list       ──> GET, LIST               may be repeated
//! ```
//!
//! An object holds a line of its format and 16 random bytes, then the value. The random bytes are new for each put, so a store that
//! names contents by their digest, as S3 does, names no two puts alike: *versions never repeat*, and a put whose answer was
//! lost is recognised by reading.
//!
//! # Why every call is atomic
//! The store itself is a compare-and-swap register for each object, and reads in it are strongly consistent (S3 since 2020,
//! Azure and Google Cloud always). A put is *one* conditional request; the moment at which the store performs it is the put's.
//! `Won` is said when the store said so, or when a read shows our random bytes, which only that request can have stored. `Lost`
//! is said when the store refused the only request that was made, and shows what a read found afterwards: the put's moment is
//! that read's, at which the expectation was false, or it had been when the request was refused. A request that went without
//! an answer may still be performed: then nothing but `Unknown` is said, unless a read shows our bytes. It is made again only
//! if twice is as good as once: a put that names a version, and a delete, can succeed at most once, since versions never
//! repeat; a first put cannot be made again, as another may have deleted its record in between.
//!
//! Deletes name a version too, so none removes a record that came later. Where a store ignores the condition of a `DELETE`
//! (that is tried once, on an object of its own), a delete is a conditional put of *no bytes* instead, and such an object
//! counts as no record; it stays, for without the condition it could only be removed together with a record that has just
//! taken its place. A first put over it names its version.
//!
//! # Names
//! The record `u/abc/x/1` is the object `r/u-_abc-_x-_1`: see [`name`]. One flat folder, because file systems behind S3
//! gateways cannot hold both `u/abc` and `u/abc/x`, and list them in another order than that of bytes.

mod name;
mod store;
mod value;
mod write;

pub use store::ObjectRecords;
