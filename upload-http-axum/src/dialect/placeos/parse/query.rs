//! Queries, and what the list and links read from them.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use upload_core::record::IndexRecord;

use super::{Failure, Result};
use crate::dialect::placeos::wire::{LINK_MINUTES, MOST_MINUTES, MOST_ROWS, ROWS};
use crate::request::query_pairs;

/// A query's parameters.
#[derive(Debug, Default)]
pub(in crate::dialect::placeos) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of a request's query.
    pub(in crate::dialect::placeos) fn new(query: Option<&str>) -> Self {
        Self(query_pairs(query).collect())
    }

    /// The first parameter of this name.
    pub(in crate::dialect::placeos) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text that has no spaces: there one stands for a `+` that was not escaped.
    pub(in crate::dialect::placeos) fn plain(&self, name: &str) -> Option<String> {
        Some(self.get(name)?.trim().replace(' ', "+"))
    }

    /// A part's MD5, which an old client escapes twice.
    pub(super) fn file_id(&self) -> Option<String> {
        let text = self.plain("file_id")?;
        Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
    }

    /// A whole number from 0 on.
    fn number(&self, name: &'static str) -> Result<Option<u64>> {
        let Some(text) = self.get(name).map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        digits(text).map(Some).ok_or_else(|| Failure::value(name, "Int32"))
    }
}

/// Digits only; a number too large for the type is as good as the largest one.
pub(super) fn digits(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Which page of the list is wanted.
#[derive(Debug, PartialEq)]
pub(in crate::dialect::placeos) struct Listing {
    pub(in crate::dialect::placeos) search: Option<String>,
    pub(in crate::dialect::placeos) tags: Vec<String>,
    pub(in crate::dialect::placeos) limit: usize,
    pub(in crate::dialect::placeos) offset: usize,
}

impl Listing {
    /// Whether an upload belongs to it.
    pub(in crate::dialect::placeos) fn wants(&self, record: &IndexRecord) -> bool {
        let named = |search: &String| record.file_name.as_ref().is_some_and(|name| name.contains(search));
        let tags = record.facts.get("tags").and_then(Value::as_array);
        let tagged = |tag: &String| tags.is_some_and(|tags| tags.iter().any(|known| known == tag));
        self.search.iter().all(named) && self.tags.iter().all(tagged)
    }
}

/// The query of the list.
pub(in crate::dialect::placeos) fn list(query: &Query) -> Result<Listing> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let tags = query.get("tags").unwrap_or_default().split(',').map(str::trim).filter(|tag| !tag.is_empty());
    Ok(Listing {
        search: query.get("file_search").filter(|text| !text.is_empty()).map(str::to_owned),
        tags: tags.map(str::to_owned).collect(),
        limit: query.number("limit")?.map_or(ROWS, size).min(MOST_ROWS),
        offset: query.number("offset")?.map_or(0, size),
    })
}

/// How many minutes a link is to be good.
pub(in crate::dialect::placeos) fn link(query: &Query) -> Result<u64> {
    let minutes = query.number("expiry")?.unwrap_or(LINK_MINUTES);
    if minutes == 0 { Err(Failure::value("expiry", "Int32")) } else { Ok(minutes.min(MOST_MINUTES)) }
}
