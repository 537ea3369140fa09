//! What a client tells of an upload in parts, and what it wants to know next.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use upload_checksum::Digest;

use super::query::Query;
use super::{Failure, Result, md5, not_md5, short, text};
use crate::dialect::placeos::wire::{PartData, Progress};
use crate::store::{MAX_PARTS, part_number};

/// What a client wants to know next.
#[derive(Debug, PartialEq)]
pub(in crate::dialect::placeos) enum Next {
    /// Where this part goes.
    Part(u32, Digest),
    /// Nothing: it only told of its progress.
    Nothing,
    /// How to finish.
    Finish,
}

/// What `PATCH` asks, by its query first.
pub(in crate::dialect::placeos) fn patch(query: &Query, object: &Map<String, Value>) -> Result<Next> {
    if let (Some(part), Some(file_id)) = (query.get("part"), query.file_id()) {
        return part_of(part, &file_id);
    }
    if !matches!(object.get("part_update"), None | Some(Value::Null | Value::Bool(false))) {
        return Ok(Next::Nothing);
    }
    let part = match object.get("part") {
        None | Some(Value::Null) => return Ok(Next::Finish),
        Some(Value::String(part)) => part.clone(),
        Some(part) => part.to_string(),
    };
    match text(object, "file_id")? {
        Some(file_id) => part_of(&part, &file_id),
        None => Ok(Next::Finish),
    }
}

/// What `GET …/edit` asks.
pub(in crate::dialect::placeos) fn edit(query: &Query) -> Result<Next> {
    let part = query.get("part").ok_or_else(|| Failure::missing("part", "String"))?;
    if part.trim() == "finish" {
        return Ok(Next::Finish);
    }
    part_of(part, &query.file_id().ok_or_else(|| Failure::missing("file_id", "String"))?)
}

fn part_of(part: &str, file_id: &str) -> Result<Next> {
    let number =
        part_number(part.trim()).ok_or_else(|| Failure::value("part", "a number from 1 to 10000"))?;
    Ok(Next::Part(number, md5(file_id).ok_or_else(not_md5)?))
}

/// What a body tells of an upload in parts.
pub(in crate::dialect::placeos) fn progress(object: &Map<String, Value>) -> Result<Progress> {
    let resumable_id = text(object, "resumable_id")?.filter(|id| !id.is_empty());
    let resumable_id = resumable_id.map(|id| short(id, "resumable_id")).transpose()?;
    let wrong = || Failure::value("part_list", "Array(Int32)");
    let part_list = match object.get("part_list") {
        None | Some(Value::Null) => None,
        Some(Value::Array(parts)) => {
            let parts: Option<Vec<u32>> = parts.iter().map(number).collect();
            Some(parts.filter(|parts| parts.len() <= MAX_PARTS as usize).ok_or_else(wrong)?)
        }
        Some(_) => return Err(wrong()),
    };
    let mut part_data = BTreeMap::new();
    match object.get("part_data") {
        None | Some(Value::Null) => {}
        Some(Value::Array(parts)) => {
            for part in parts {
                part_data.extend(data(part, None)?);
            }
        }
        Some(Value::Object(parts)) => {
            for (key, part) in parts {
                part_data.extend(data(part, part_number(key))?);
            }
        }
        Some(_) => return Err(not_parts()),
    }
    // Its manifests need it in hex.
    let announced = object.get("part").and_then(number);
    let digest = object.get("file_id").and_then(Value::as_str).and_then(md5);
    let announced = announced.zip(digest).map(|(part, digest)| PartData { md5: digest.to_hex(), part });
    Ok(Progress { resumable_id, part_list, part_data, announced })
}

/// Whether a `PUT` tells of progress, and not of completion.
pub(in crate::dialect::placeos) fn tells_progress(object: &Map<String, Value>) -> bool {
    let told = |name: &&str| !matches!(object.get(*name), None | Some(Value::Null | Value::Bool(false)));
    ["part_list", "resumable_id", "part_update"].iter().any(told)
}

/// One part's data; `None` of a part whose MD5 is not known yet.
fn data(value: &Value, key: Option<u32>) -> Result<Option<(u32, PartData)>> {
    let object = value.as_object().ok_or_else(not_parts)?;
    let part = match object.get("part") {
        None | Some(Value::Null) => key,
        Some(part) => number(part),
    };
    let part = part.ok_or_else(not_parts)?;
    match object.get("md5") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if md5(text).is_some() => {
            Ok(Some((part, PartData { md5: text.trim().to_owned(), part })))
        }
        Some(_) => Err(not_parts()),
    }
}

fn not_parts() -> Failure {
    Failure::value("part_data", "Array(PartInfo)")
}

/// A part's number, as a number or in digits.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => part_number(&number.to_string()),
        Value::String(text) => part_number(text.trim()),
        _ => None,
    }
}
