use std::{fmt::Write as _, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_store::{PutMode, PutOptions, PutPayload, path::Path, signer::Method};
use upload_core::{
    ObjectKey,
    ports::{Part, Session, StoreError},
};

use super::{
    Sessions,
    markers::{self, random},
    not_so,
    xml::{Element, escaped},
};
use crate::object::{
    Ask, Provider,
    failed::{failed, refused},
};

/// Uncommitted blocks of an Azure blob.
///
/// Azure has no sessions: a blob has one heap of uncommitted blocks, a commit takes some of them and drops the others. So a
/// session is a marker, and a block is named after it: `<session><number, 16 hex digits><random>`, always 32 characters, as all
/// names of one blob must be equally long. The name is the part's tag; no two puts have the same, so nothing is ever replaced.
///
/// Uncommitted blocks go when an empty blob is put in their place, unless a blob is there (that keeps a completed
/// object out of reach), and it is removed again; what comes later, Azure removes after a week.
#[derive(Debug)]
pub(in crate::object) struct Blocks {
    pub(super) provider: Arc<Provider>,
}

/// The names of a blob's blocks and their bytes.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) committed: Vec<(String, u64)>,
    pub(super) uncommitted: Vec<(String, u64)>,
}

impl Blocks {
    pub(in crate::object) fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }

    pub(super) fn path(&self, key: &ObjectKey) -> Result<Path, StoreError> {
        self.provider.path(key.as_str())
    }

    pub(super) async fn blocks(&self, key: &ObjectKey) -> Result<Listing, StoreError> {
        let what = format!("listing the blocks of {key}");
        let path = self.path(key)?;
        let ask = Ask::new(Method::GET, Some(&path)).query("comp", "blocklist").query("blocklisttype", "all");
        let answer = self.provider.ask_again(ask).await?;
        if answer.status == 404 {
            return Ok(Listing::default());
        }
        if !answer.is_success() {
            return Err(refused(&what, &answer));
        }
        let document = Element::parse(&what, without_mark(&answer.body))?;
        let of = |name| -> Result<Vec<_>, StoreError> {
            let blocks = document.all(name).flat_map(|list| list.all("Block"));
            let named = |block: &Element| {
                // Blocks of other making are nobody's.
                let name =
                    STANDARD.decode(block.get("Name")).ok().and_then(|name| String::from_utf8(name).ok());
                Ok((name.unwrap_or_default(), block.number("Size")?))
            };
            blocks.map(named).collect()
        };
        Ok(Listing { committed: of("CommittedBlocks")?, uncommitted: of("UncommittedBlocks")? })
    }

    /// Removes uncommitted blocks, and only them.
    async fn drop_blocks(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let what = format!("dropping the blocks of {key}");
        let path = self.path(key)?;
        if self.blocks(key).await?.uncommitted.is_empty() {
            return Ok(());
        }
        let options = PutOptions::from(PutMode::Create);
        let made = match self.provider.store().put_opts(&path, PutPayload::new(), options).await {
            Ok(made) => made,
            // An object: it stays, and late blocks beside it are Azure's to remove.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                return Ok(());
            }
            Err(error) => return Err(failed(&what, error)),
        };
        // Only the empty blob of this call: a completion may have come in between.
        let mut ask = Ask::new(Method::DELETE, Some(&path));
        if let Some(tag) = &made.e_tag {
            ask = ask.header("if-match", tag)?;
        }
        let answer = self.provider.ask_again(ask).await?;
        match answer.status {
            200..300 | 404 | 412 => Ok(()),
            _ => Err(refused(&what, &answer)),
        }
    }
}

/// The name of a new block of this session.
fn block_name(session: &Session, number: u64) -> Result<String, StoreError> {
    Ok(format!("{session}{number:016x}{}", random()?))
}

/// The name of a block that is sent by a signed request: its number, by which its sender knows it.
pub(in crate::object) fn sent_name(number: u32) -> String {
    format!("{number:06}")
}

/// The part that a block is, if it was sent by a signed request.
pub(super) fn sent_part((name, length): &(String, u64)) -> Option<Part> {
    let number: u32 = name.parse().ok()?;
    (sent_name(number) == *name).then(|| Part::new(number.into(), *length, name.as_str()))
}

/// Azure begins its documents with a byte order mark.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The part that a block is, if it is one of this session.
fn part_of(session: &Session, (name, length): &(String, u64)) -> Option<Part> {
    let rest = name.strip_prefix(session.as_str())?;
    let number = u64::from_str_radix(rest.get(..16)?, 16).ok()?;
    (rest.len() == 16 + markers::LEN).then(|| Part::new(number, *length, name.as_str()))
}

#[async_trait]
impl Sessions for Blocks {
    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        self.provider.mark_session(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        payload: PutPayload,
    ) -> Result<String, StoreError> {
        let path = self.path(key)?;
        let name = block_name(session, number)?;
        let ask = Ask::new(Method::PUT, Some(&path))
            .query("comp", "block")
            .query("blockid", STANDARD.encode(&name))
            .body(payload);
        let answer = self.provider.ask_again(ask).await?;
        if answer.is_success() { Ok(name) } else { Err(refused(&format!("part {number} of {key}"), &answer)) }
    }

    async fn list(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        self.provider.find_session(key, session).await?;
        let listing = self.blocks(key).await?;
        let mut parts: Vec<_> =
            listing.uncommitted.iter().filter_map(|block| part_of(session, block)).collect();
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        let what = format!("completing {key}");
        let path = self.path(key)?;
        // Its blocks may outlive a session that was given up.
        self.provider.find_session(key, session).await?;
        for part in parts {
            if part_of(session, &(part.tag.clone(), part.length)).is_none_or(|of| of.number != part.number) {
                return Err(not_so(key, format!("part {} is none of session {session}", part.number)));
            }
        }
        let mut xml = String::from("<BlockList>");
        for part in parts {
            // Writing to a string cannot fail.
            let _ = write!(xml, "<Uncommitted>{}</Uncommitted>", escaped(&STANDARD.encode(&part.tag)));
        }
        xml.push_str("</BlockList>");
        let ask = Ask::new(Method::PUT, Some(&path)).query("comp", "blocklist").body(xml);
        let answer = self.provider.ask_again(ask).await?;
        if (400..500).contains(&answer.status) {
            // Completed by somebody else, or not as listed?
            let committed = self.blocks(key).await?.committed;
            let same = committed.len() == parts.len()
                && committed.iter().zip(parts).all(|((name, _), part)| *name == part.tag);
            if !same {
                self.provider.find_session(key, session).await?;
                return Err(match answer.status {
                    400 | 404 => not_so(key, refused(&what, &answer)),
                    _ => refused(&what, &answer),
                });
            }
        } else if !answer.is_success() {
            return Err(refused(&what, &answer));
        }
        self.provider.unmark_session(key, session).await
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.provider.unmark_session(key, session).await?;
        // They are one heap with those of other sessions.
        if self.provider.has_sessions(key).await? {
            return Ok(());
        }
        self.drop_blocks(key).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.drop_blocks(key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_a_part_of_its_own_session_only() {
        let session = Session::new("0123abcd");
        let name = format!("0123abcd{:016x}89abcdef", u64::MAX);
        assert_eq!(part_of(&session, &(name.clone(), 7)), Some(Part::new(u64::MAX, 7, name.clone())));
        assert_eq!(part_of(&Session::new("0123abce"), &(name.clone(), 7)), None);
        for other in ["", "0123abcd", &name[..31], &format!("{name}0"), "0123abcdxxxxxxxxxxxxxxxx89abcdef"] {
            assert_eq!(part_of(&session, &(other.to_owned(), 7)), None, "{other}");
        }
    }
}
