//! Listing: the hours in order, and of each only as many names as fit the page.

use std::collections::BTreeSet;

use rustix::io::Errno;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{Listed, StoreError},
};

use super::{io::failed, store::Inner};

/// One page of what carries `until` or an earlier hour, after `after`; objects first, as their names are.
pub(super) fn list(
    inner: &Inner,
    until: Hour,
    after: Option<&Listed>,
    limit: usize,
) -> Result<Vec<Listed>, StoreError> {
    let (object, staged) = match after {
        None => (Some(""), None),
        Some(Listed::Object(key)) => (Some(key.as_str()), None),
        Some(Listed::Staged(name)) => (None, Some(name)),
        Some(other) => return Err(StoreError::unsupported(&format!("list after {other:?}"), "disk")),
    };
    let mut page = Vec::new();
    if let Some(after) = object {
        let names = kind(inner, ObjectKey::PREFIX, until, after, limit)?;
        page.extend(names.iter().filter_map(|name| ObjectKey::parse(name)).map(Listed::Object));
    }
    let room = limit.saturating_sub(page.len());
    if room > 0 {
        let mut names =
            kind(inner, StagingName::PREFIX, until, staged.map_or("", StagingName::as_str), room)?;
        // Those that have no file yet, or one without a name.
        let ours = inner.table.names(staged, room);
        names.extend(ours.iter().filter(|name| name.hour() <= until).map(|name| name.as_str().to_owned()));
        page.extend(names.iter().filter_map(|name| StagingName::parse(name)).map(Listed::Staged).take(room));
    }
    Ok(page)
}

/// At most `limit` names of one kind (`s/` or `o/`), in order.
fn kind(
    inner: &Inner,
    prefix: &str,
    until: Hour,
    after: &str,
    limit: usize,
) -> Result<BTreeSet<String>, StoreError> {
    let parse = |name: &str| {
        if prefix == ObjectKey::PREFIX {
            ObjectKey::parse(name).is_some()
        } else {
            StagingName::parse(name).is_some()
        }
    };
    let mut hours = BTreeSet::new();
    each_name(inner, prefix, |name| hours.extend(Hour::parse(name).filter(|hour| *hour <= until)))?;
    let mut page = BTreeSet::new();
    for hour in hours {
        let dir = format!("{prefix}{hour}");
        // Text order is time order: this hour lies before the place where the page begins.
        if after.get(..dir.len()).is_some_and(|begins| dir.as_str() < begins) {
            continue;
        }
        let (mut empty, room) = (true, limit - page.len());
        let mut of_hour = BTreeSet::new();
        each_name(inner, &dir, |leaf| {
            empty = false;
            let name = format!("{dir}/{leaf}");
            if name.as_str() > after && parse(&name) {
                of_hour.insert(name);
                if of_hour.len() > room {
                    of_hour.pop_last();
                }
            }
        })?;
        if empty && hour < until {
            inner.layout.remove_hour(&dir);
        }
        page.append(&mut of_hour);
        if page.len() >= limit {
            break;
        }
    }
    Ok(page)
}

/// Calls `see` with every name in a directory, in no order; a directory that is not there has none.
fn each_name(inner: &Inner, dir: &str, mut see: impl FnMut(&str)) -> Result<(), StoreError> {
    let scan = match inner.layout.scan(dir) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        scan => scan.map_err(|e| failed("listing", dir, e))?,
    };
    for entry in scan {
        let entry = entry.map_err(|e| failed("listing", dir, e))?;
        // Names that are not text are not ours.
        if let Ok(name) = entry.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            see(name);
        }
    }
    Ok(())
}
