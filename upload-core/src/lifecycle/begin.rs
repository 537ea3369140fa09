//! How an upload begins.

use upload_checksum::Digest;
use upload_chunking::assembly::{Assembly, Limits};

use crate::{
    error::{Error, ErrorKind, Result},
    ids::{StagingName, UploadId},
    outcome::Extras,
    policy::Destination,
    ports::Capabilities,
    record::{Addressing, Head, Phase},
    time::Timestamp,
};

/// What a new upload is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Begin {
    /// The destination's name.
    pub destination: String,
    /// How its bytes are addressed.
    pub addressing: Addressing,
    /// Its whole length in bytes. Required for slots; offsets may fix it later.
    pub length: Option<u64>,
    /// Digests of the whole that must hold.
    pub expected: Vec<Digest>,
    /// The client's name for the file, as it came.
    pub file_name: Option<String>,
    /// The media type the client declares.
    pub declared_type: Option<String>,
    /// Facts of the wire format.
    pub extras: Extras,
}

impl Begin {
    /// An upload to this destination; the rest are public fields.
    pub fn new(destination: impl Into<String>, addressing: Addressing, length: Option<u64>) -> Self {
        Self {
            destination: destination.into(),
            addressing,
            length,
            expected: Vec::new(),
            file_name: None,
            declared_type: None,
            extras: Extras::new(),
        }
    }
}

/// Most bytes of a file name that is kept.
pub const MAX_FILE_NAME: usize = 1024;
/// Most bytes of a wire format's facts (as JSON) in a head.
pub const MAX_EXTRAS: usize = 64 * 1024;

/// The head of a new upload, or why it cannot be: over a limit, an impossible address form, too large for the store.
pub fn begin(
    now: Timestamp,
    begin: Begin,
    destination: &Destination,
    store: &Capabilities,
    owner: &str,
    id: UploadId,
    staging: StagingName,
) -> Result<Head> {
    let policy = destination.policy.clone();
    if let Some(length) = begin.length {
        policy.check_length(length)?;
        if length > store.max_object {
            return Err(Error::too_large("the upload", length, store.max_object));
        }
    } else if begin.addressing == Addressing::Slots {
        return Err(Error::invalid("an upload in chunks declares its whole length when it begins"));
    }
    if policy.max_length > store.max_position {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the destination {} allows more than the storage can hold", destination.name),
        ));
    }
    if let Some(n) = begin.file_name.as_ref().map(String::len).filter(|n| *n > MAX_FILE_NAME) {
        return Err(Error::too_large("the file name", n as u64, MAX_FILE_NAME as u64));
    }
    if !begin.extras.is_empty() {
        let n = serde_json::to_vec(&begin.extras).map_or(usize::MAX, |v| v.len());
        if n > MAX_EXTRAS {
            return Err(Error::too_large("the description of the upload", n as u64, MAX_EXTRAS as u64));
        }
    }
    let deadline = now.plus(policy.lifetime);
    Ok(Head {
        id,
        destination: destination.name.clone(),
        policy,
        owner: owner.to_owned(),
        addressing: begin.addressing,
        length: begin.length,
        expected: begin.expected,
        file_name: begin.file_name,
        declared_type: begin.declared_type,
        created: now,
        deadline,
        staging,
        extras: begin.extras,
        phase: Phase::Receiving,
    })
}

/// The empty assembly of an upload with this head.
pub fn assembly(head: &Head) -> Assembly {
    let limits = Limits::new(head.policy.max_length, head.policy.max_chunk, head.policy.max_chunks);
    match head.addressing {
        Addressing::Slots => Assembly::slots(head.length.unwrap_or(0), limits),
        Addressing::Offsets => Assembly::offsets(head.length, limits),
    }
}
