//! From a request to a command: pure and synchronous.

mod json;
mod whole;

use http::{HeaderMap, header};
use serde_json::{Map, Number, Value};
use upload_checksum::{Algorithm, Digest};
use upload_core::lifecycle::{Begin, Claim, MAX_FILE_NAME};
use upload_core::record::Addressing;
use upload_core::{Error, Policy, Principal, Result};

use self::json::{Json, Unread};
use self::whole::Whole;
use super::wire::{
    AtLeast, BLOB, BODY, BYTE_SIZE, CHECKSUM, CONTENT_TYPE, FILENAME, Fault, IDEMPOTENCY_KEY, Kept, METADATA,
    NAME, OURS, Step,
};
use crate::request::{essence, shown};

/// Most bytes of a content type.
const MAX_CONTENT_TYPE: usize = 255;
/// Most levels of a file's metadata.
const MAX_METADATA_DEPTH: usize = 16;
/// Most bytes of a file's metadata, as JSON.
const MAX_METADATA: usize = 16 << 10;
/// Most bytes of an Idempotency-Key.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Why a body describes no file.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// This is wrong with it, in the order of the fields.
    Faults(Vec<Fault>),
    /// It cannot be read at all.
    Unreadable,
}

/// A file to come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blob {
    pub(super) filename: String,
    pub(super) content_type: String,
    pub(super) byte_size: u64,
    /// As it came.
    pub(super) checksum: String,
    pub(super) digest: Digest,
    pub(super) metadata: Map<String, Value>,
}

impl Blob {
    /// The command; `named` is the client's own name for this request, and `kept` what the answer is made of.
    pub(super) fn begin(
        &self,
        who: &Principal,
        destination: &str,
        named: Option<&str>,
        kept: &Kept,
    ) -> Begin {
        let mut begin = Begin::new(destination, Addressing::Slots, Some(self.byte_size));
        begin.expected = vec![self.digest];
        begin.file_name = Some(self.filename.clone()).filter(|name| !name.is_empty());
        begin.declared_type = Some(self.content_type.clone());
        begin.exclusive = true;
        begin.by_grant = true;
        begin.whole = true;
        begin.claim = Some(self.claim(who, named));
        begin.extras.extend(serde_json::to_value(kept).ok().map(|kept| (NAME.to_owned(), kept)));
        begin
    }

    /// What makes a second request the same as the first. A claimed checksum never leads to what somebody else has sent, so
    /// the owner is part of it; and as one can make two files of one MD5, a stored file is only found again by its SHA-256,
    /// or by a name that the client has given to the request itself.
    fn claim(&self, who: &Principal, named: Option<&str>) -> Claim {
        let size = self.byte_size.to_string();
        let file = texts(&["file", &who.id, &self.filename, &self.content_type, &size, &self.checksum]);
        let (text, same) = match named {
            Some(name) => (texts(&["name", &who.id, name]), Some(file)),
            None => (file, None),
        };
        let mut claim = Claim::new(NAME, text);
        claim.completed_counts = same.is_some() || self.digest.algorithm() == Algorithm::Sha256;
        claim.same = same;
        claim
    }
}

/// Several texts as one that no others make.
fn texts(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{}:{text}", text.len())).collect()
}

/// The file that a body describes, for a destination with this policy.
pub(super) fn blob(headers: &HeaderMap, body: &[u8], policy: &Policy) -> std::result::Result<Blob, Refusal> {
    const NO_OBJECT: (&str, &str) =
        ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
    let alone = |fault| Refusal::Faults(vec![fault]);
    if body.is_empty() {
        return Err(alone(missing(&[])));
    }
    if !is_json(headers) {
        return Err(alone(fault(&[], NO_OBJECT)));
    }
    let value = json::read(body).map_err(|unread| match unread {
        Unread::At(offset) => {
            let mut fault = fault(&[], ("json_invalid", "JSON decode error"));
            fault.loc.push(Step::Offset(offset));
            alone(fault)
        }
        Unread::Beyond => Refusal::Unreadable,
    })?;
    let Json::Map(request) = value else { return Err(alone(fault(&[], NO_OBJECT))) };
    let fields = match member(&request, BLOB) {
        Some(Json::Map(fields)) => fields,
        Some(_) => return Err(alone(fault(&[BLOB], NO_OBJECT))),
        None => return Err(alone(missing(&[BLOB]))),
    };
    of_fields(fields, policy).map_err(Refusal::Faults)
}

fn of_fields(fields: &[(String, Json<'_>)], policy: &Policy) -> std::result::Result<Blob, Vec<Fault>> {
    let filename = text(fields, FILENAME).and_then(file_name);
    let content_type = text(fields, CONTENT_TYPE).and_then(|text| content_type(text, policy));
    let byte_size = byte_size(fields, policy);
    let checksum = text(fields, CHECKSUM).and_then(|text| Ok((digest(&text)?, text)));
    let metadata = metadata(member(fields, METADATA));
    match (filename, content_type, byte_size, checksum, metadata) {
        (Ok(filename), Ok(content_type), Ok(byte_size), Ok((digest, checksum)), Ok(metadata)) => {
            Ok(Blob { filename, content_type, byte_size, checksum, digest, metadata })
        }
        (filename, content_type, byte_size, checksum, metadata) => {
            let faults =
                [filename.err(), content_type.err(), byte_size.err(), checksum.err(), metadata.err()];
            Err(faults.into_iter().flatten().collect())
        }
    }
}

/// The member of this name; of several the last.
fn member<'a, 'b>(members: &'a [(String, Json<'b>)], name: &str) -> Option<&'a Json<'b>> {
    members.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn text(fields: &[(String, Json<'_>)], name: &'static str) -> std::result::Result<String, Fault> {
    match member(fields, name) {
        None => Err(missing(&[BLOB, name])),
        Some(Json::Text(text)) => Ok(text.clone()),
        Some(Json::Broken(_)) => Err(fault(&[BLOB, name], whole::NO_UNICODE)),
        Some(_) => Err(fault(&[BLOB, name], ("string_type", "Input should be a valid string"))),
    }
}

fn file_name(name: String) -> std::result::Result<String, Fault> {
    if name.len() <= MAX_FILE_NAME {
        return Ok(name);
    }
    let text = format!("the file name has {} bytes; at most {MAX_FILE_NAME} are allowed", name.len());
    Err(ours(FILENAME, &text))
}

fn content_type(declared: String, policy: &Policy) -> std::result::Result<String, Fault> {
    if !is_media_type(&declared) {
        let text = format!("{} is no media type such as image/png", shown(&declared));
        return Err(ours(CONTENT_TYPE, &text));
    }
    // The content itself is looked at when it comes.
    match policy.types.check(Some(&essence(&declared))) {
        Ok(()) => Ok(declared),
        Err(refused) => Err(ours(CONTENT_TYPE, &refused.detail)),
    }
}

fn byte_size(fields: &[(String, Json<'_>)], policy: &Policy) -> std::result::Result<u64, Fault> {
    let value = member(fields, BYTE_SIZE).ok_or_else(|| missing(&[BLOB, BYTE_SIZE]))?;
    match whole::whole(value).map_err(|refusal| fault(&[BLOB, BYTE_SIZE], refusal))? {
        Whole::Negative => {
            let refusal = ("greater_than_equal", "Input should be greater than or equal to 0");
            Err(Fault { ctx: Some(AtLeast { ge: 0 }), ..fault(&[BLOB, BYTE_SIZE], refusal) })
        }
        Whole::Is(size) => policy.check_length(size).map(|()| size).map_err(|over| too_large(&over)),
        Whole::Huge => Err(too_large(&Error::too_large("the upload", u64::MAX, policy.max_length))),
    }
}

/// That a file is larger than may be.
pub(super) fn too_large(error: &Error) -> Fault {
    match error.facts.expected {
        Some(most) => ours(BYTE_SIZE, &format!("a file may have at most {most} bytes")),
        None => ours(BYTE_SIZE, &error.detail),
    }
}

/// That a content of no bytes is not of an accepted type.
pub(super) fn type_refused(error: &Error) -> Fault {
    ours(CONTENT_TYPE, &error.detail)
}

/// An MD5 or a SHA-256 in canonical Base64, told apart by their length, or by what stands before them.
fn digest(checksum: &str) -> std::result::Result<Digest, Fault> {
    let (algorithm, base64) = match checksum.split_once(':') {
        Some(("md5", base64)) => (Algorithm::Md5, base64),
        Some(("sha256", base64)) => (Algorithm::Sha256, base64),
        _ if checksum.len() == 24 => (Algorithm::Md5, checksum),
        _ => (Algorithm::Sha256, checksum),
    };
    Digest::from_base64(algorithm, base64).map_err(|_| {
        let text = "expected the Base64 of an MD5 (24 characters) or of a SHA-256 (44 characters); got ";
        ours(CHECKSUM, &format!("{text}{}", shown(checksum)))
    })
}

/// What the client says about its file, without what only the server can know. What is no object says nothing.
fn metadata(value: Option<&Json<'_>>) -> std::result::Result<Map<String, Value>, Fault> {
    let refused = |text: &str| Err(ours(METADATA, text));
    let Some(Json::Map(members)) = value else { return Ok(Map::new()) };
    let Some(mut kept) = plain_map(members, MAX_METADATA_DEPTH) else {
        return refused(&format!("metadata may have at most {MAX_METADATA_DEPTH} levels"));
    };
    kept.retain(|name, _| !OURS.contains(&name.as_str()));
    match serde_json::to_vec(&kept) {
        Ok(json) if json.len() <= MAX_METADATA => Ok(kept),
        _ => refused(&format!("metadata may have at most {MAX_METADATA} bytes")),
    }
}

fn plain_map(members: &[(String, Json<'_>)], depth: usize) -> Option<Map<String, Value>> {
    members.iter().map(|(name, value)| Some((name.clone(), plain(value, depth)?))).collect()
}

/// The value as every reader of JSON takes it; `None` with more levels than `depth`.
fn plain(value: &Json<'_>, depth: usize) -> Option<Value> {
    let below = depth.checked_sub(1)?;
    Some(match value {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Int(digits) => number(digits),
        Json::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Json::Text(text) | Json::Broken(text) => Value::String(text.clone()),
        Json::List(items) => items.iter().map(|item| plain(item, below)).collect::<Option<_>>()?,
        Json::Map(members) => Value::Object(plain_map(members, below)?),
    })
}

fn number(digits: &str) -> Value {
    let float = || digits.parse().ok().and_then(Number::from_f64);
    let exact = digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
    exact.ok().or_else(float).map_or(Value::Null, Value::Number)
}

/// A fault of a rule that is ours and not the form's.
fn ours(field: &'static str, text: &str) -> Fault {
    let mut fault = fault(&[BLOB, field], ("value_error", "Value error, "));
    fault.msg.push_str(text);
    fault
}

fn missing(way: &[&'static str]) -> Fault {
    fault(way, ("missing", "Field required"))
}

fn fault(way: &[&'static str], (kind, msg): whole::Refusal) -> Fault {
    let loc = [BODY].iter().chain(way).map(|name| Step::Name(name)).collect();
    Fault { loc, msg: msg.to_owned(), kind, ctx: None }
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = essence(declared);
    essence.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

/// Whether a text is a media type that can be sent as one: `type/subtype`, maybe with parameters.
fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(sign)
    };
    let essence = essence(text);
    let plain = text.len() <= MAX_CONTENT_TYPE && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    plain && essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// The client's own name for its request.
///
/// # Errors
/// `Invalid` for what is no such name.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let name = value.to_str().ok().filter(|name| (1..=MAX_IDEMPOTENCY_KEY).contains(&name.len()));
    let wrong = || {
        Error::invalid(format!("an Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"))
    };
    name.map(Some).ok_or_else(wrong)
}
