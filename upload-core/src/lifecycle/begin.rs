//! How an upload begins.

use serde::{Deserialize, Serialize};
use upload_checksum::{Algorithm, Digest};
use upload_chunking::assembly::{Assembly, Limits};

use crate::{
    error::{Error, ErrorKind, Result},
    ids::{StagingName, UploadId},
    outcome::{Charge, Extras},
    policy::{Destination, TypeRule, Visibility},
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
    /// Who may read the result, in place of what the destination says.
    pub visibility: Option<Visibility>,
    /// Only the principal that begins it, and those with the role support or admin, may write to it, look at it or give it
    /// up.
    pub exclusive: bool,
    /// Its content comes in one body, for which the limit of the whole holds and not that of a chunk.
    pub whole: bool,
    /// It is not complete before its parts were committed by whoever sends them.
    pub holder_commits: bool,
    /// Its bytes come by grants only, and by no key.
    pub by_grant: bool,
    /// How it stands in listings; `None`: it does not.
    pub listed: Option<IndexEntry>,
    /// While the upload that has this claim lives, beginning another one gives that one.
    pub claim: Option<Claim>,
    /// Its content may be there only once; its SHA-256 must be among the policy's digests or those expected.
    pub unique: Option<Unique>,
    /// What it costs once it is complete.
    pub charges: Vec<Charge>,
    /// It is a part of wholes that will be [composed](Self::parts). Nobody reads it by itself: its type is not checked, only
    /// announced digests are computed, nobody is told of it; and when it has been complete for as long as its destination keeps
    /// unfinished uploads, it goes.
    pub partial: bool,
    /// It is composed of these uploads, one after the other: of copies, once all of them are complete. Its length is not
    /// announced, and no bytes come for it. The same upload may stand here several times.
    pub parts: Vec<UploadId>,
}

/// That the same content (by SHA-256) may be there only once, within a tenant and a scope. Of many such uploads one is
/// completed; the others fail as `Duplicate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unique {
    /// Whose scopes these are: 1 to 16 of `[a-z-]`.
    pub space: String,
    /// Within what.
    pub scope: String,
    /// It takes the place of the one that is there, which is removed once this one is complete.
    #[serde(default)]
    pub replace: bool,
}

impl Unique {
    /// Only once within this scope.
    pub fn new(space: impl Into<String>, scope: impl Into<String>) -> Self {
        Self { space: space.into(), scope: scope.into(), replace: false }
    }
}

/// How an upload stands in listings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The listing.
    pub label: String,
    /// Small facts to choose by.
    pub facts: serde_json::Value,
}

impl IndexEntry {
    /// An entry of the listing `label`.
    pub fn new(label: impl Into<String>, facts: serde_json::Value) -> Self {
        Self { label: label.into(), facts }
    }
}

/// A claim of one upload to be the only one of its kind, within its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// Whose names these are: 1 to 16 of `[a-z-]`.
    pub space: String,
    /// What is claimed; of any length, only its SHA-256 is kept.
    pub text: String,
    /// What else must be the same for the claim's holder to be given; if it is not, that is a `Conflict`.
    pub same: Option<String>,
    /// Whether a completed upload still has it.
    pub completed_counts: bool,
}

impl Claim {
    /// A claim that ends with the upload's completion.
    pub fn new(space: impl Into<String>, text: impl Into<String>) -> Self {
        Self { space: space.into(), text: text.into(), same: None, completed_counts: false }
    }
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
            visibility: None,
            exclusive: false,
            whole: false,
            holder_commits: false,
            by_grant: false,
            listed: None,
            claim: None,
            unique: None,
            charges: Vec::new(),
            partial: false,
            parts: Vec::new(),
        }
    }
}

/// Most bytes of a file name that is kept.
pub const MAX_FILE_NAME: usize = 1024;
/// Most bytes of a wire format's facts (as JSON) in a head.
pub const MAX_EXTRAS: usize = 64 * 1024;
/// Most uploads that one is composed of.
pub const MAX_PARTS: usize = 1000;

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
    let mut policy = destination.policy.clone();
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
    let charges = serde_json::to_vec(&begin.charges).map_or(usize::MAX, |v| v.len());
    if charges > MAX_EXTRAS {
        return Err(Error::too_large("the list of charges", charges as u64, MAX_EXTRAS as u64));
    }
    if let Some(unique) = &begin.unique {
        let plain = unique.space.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if !plain || !(1..=16).contains(&unique.space.len()) {
            return Err(Error::internal(format!("unique content in {:?}", unique.space)));
        }
        let announced = begin.expected.iter().map(Digest::algorithm);
        if !policy.digests.iter().copied().chain(announced).any(|a| a == Algorithm::Sha256) {
            let text =
                format!("the destination {} knows no SHA-256, by which content is unique", destination.name);
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
    }
    composition(&begin)?;
    if begin.partial {
        (policy.types, policy.digests) = (TypeRule::Any, Vec::new());
        policy.attach_within = Some(policy.lifetime);
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
        visibility: begin.visibility,
        exclusive: begin.exclusive,
        whole: begin.whole,
        holder_commits: begin.holder_commits,
        by_grant: begin.by_grant,
        direct: None,
        listed: begin.listed.is_some(),
        claim: None,
        unique: begin.unique,
        content_claim: None,
        charges: begin.charges,
        partial: begin.partial,
        parts: begin.parts,
        sources: Vec::new(),
        parts_committed: None,
        attached: None,
        phase: Phase::Receiving,
    })
}

/// Refuses what can be no composition.
fn composition(begin: &Begin) -> Result<()> {
    if begin.parts.is_empty() {
        return Ok(());
    }
    if begin.parts.len() > MAX_PARTS {
        return Err(Error::too_large("the number of parts", begin.parts.len() as u64, MAX_PARTS as u64));
    }
    if begin.partial {
        return Err(Error::invalid("an upload is composed of others or a part of others, not both"));
    }
    if begin.length.is_some() || begin.addressing != Addressing::Offsets || begin.by_grant {
        return Err(Error::internal("a composed upload with bytes of its own"));
    }
    Ok(())
}

/// The empty assembly of an upload with this head.
pub fn assembly(head: &Head) -> Assembly {
    let policy = &head.policy;
    let chunk = if head.whole { policy.max_length } else { policy.max_chunk };
    let limits = Limits::new(policy.max_length, chunk, policy.max_chunks);
    match head.addressing {
        Addressing::Slots => Assembly::slots(head.length.unwrap_or(0), limits),
        Addressing::Offsets => Assembly::offsets(head.length, limits),
    }
}
