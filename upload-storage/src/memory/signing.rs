use async_trait::async_trait;
use bytes::Bytes;
use upload_checksum::{Digest, Hasher};
use upload_core::{
    Access, ObjectKey, SignedRequest, Verb,
    ports::{Binding, Part, Session, SignFor, Signer, StoreError},
};

use super::{
    MemoryParts,
    parts::{State, no_session, not_so},
};
use crate::shared::lock;

/// The session of parts that belong to none.
const NONE: &str = "";

impl MemoryParts {
    /// Signs requests too, which hold whoever [sends](Self::send) them to this. They never expire.
    #[must_use]
    pub fn with_signing(mut self, binding: Binding) -> Self {
        self.binding = Some(binding);
        self
    }

    /// Does what a signed request says, as the store would for whoever sends it with this body; the session, if it begins one.
    /// The body of a commit names the parts, as `1 2 3`.
    ///
    /// # Errors
    /// `Corrupt` for a body or a list that the request is not for, or an object that may not be replaced, `NotFound` for a
    /// session that is not there, `Unsupported` for what is no request of this store's.
    pub fn send(&self, request: &SignedRequest, body: Bytes) -> Result<Option<Session>, StoreError> {
        let unknown = || StoreError::unsupported(&format!("do {}", request.url), "memory, in parts");
        let mut told = request.url.strip_prefix("memory:").ok_or_else(unknown)?.splitn(6, '|');
        let mut next = || told.next().ok_or_else(unknown);
        let (what, key, number) = (next()?, ObjectKey::parse(next()?).ok_or_else(unknown)?, next()?);
        let (length, digest, session) = (next()?, next()?, Session::new(next()?));
        let binding = self.binding.ok_or_else(unknown)?;
        let mut state = lock(&self.inner);
        match what {
            "put" => {
                let wrong = body.len().to_string() != length || !same(&body, digest);
                if wrong || (binding.keeps_put && state.objects.contains_key(&key)) {
                    return Err(not_so(&key, format!("{} bytes are refused", body.len())));
                }
                state.objects.insert(key, body);
            }
            "begin" => return Ok(Some(state.open(&key))),
            "part" => {
                let number = number.parse().map_err(|_| unknown())?;
                if !binding.sessions {
                    state.sessions.entry((key.clone(), NONE.to_owned())).or_default();
                }
                state.put_part(&self.rules, &key, &session, number, body)?;
            }
            "commit" => {
                let listed = numbers(&state, &key, &session, &body)?;
                let kept = binding.keeps_parts && state.objects.contains_key(&key);
                if kept {
                    return Err(not_so(&key, "it is there"));
                }
                state.complete(&self.rules, &key, &session, &listed)?;
            }
            "abort" => drop(state.sessions.remove(&(key, session.as_str().to_owned()))),
            _ => return Err(unknown()),
        }
        Ok(None)
    }
}

/// Whether the bytes have the digest, if one is told.
fn same(bytes: &[u8], digest: &str) -> bool {
    if digest.is_empty() {
        return true;
    }
    digest.parse::<Digest>().is_ok_and(|digest| {
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(bytes);
        hasher.finish() == digest
    })
}

/// The parts that a list names.
fn numbers(state: &State, key: &ObjectKey, session: &Session, body: &[u8]) -> Result<Vec<Part>, StoreError> {
    let stored = state.listed(key, session)?;
    let part = |number: &str| {
        let found = stored.iter().find(|part| part.number.to_string() == number);
        found.cloned().ok_or_else(|| not_so(key, format!("part {number:.20} is not stored")))
    };
    String::from_utf8_lossy(body).split_ascii_whitespace().map(part).collect()
}

#[async_trait]
impl Signer for MemoryParts {
    fn binding(&self) -> Binding {
        self.binding.unwrap_or(Binding::nothing())
    }

    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        let binding = self.binding();
        let (verb, what, number) = match ask.access {
            Access::Put => (Verb::Put, "put", 0),
            Access::BeginParts => (Verb::Post, "begin", 0),
            Access::Part(number) => (Verb::Put, "part", number),
            Access::CommitParts => (Verb::Post, "commit", 0),
            Access::AbortParts => (Verb::Delete, "abort", 0),
            Access::Read => (Verb::Get, "read", 0),
            _ => (Verb::Get, "list", 0),
        };
        let key = ask.key.cloned().unwrap_or_else(|| ObjectKey::of(ask.staging));
        let of_session = !matches!(ask.access, Access::Put | Access::BeginParts | Access::Read);
        let session = match ask.session {
            Some(session) => session.as_str(),
            None if of_session && binding.sessions => {
                return Err(no_session(&key, &Session::new(NONE)));
            }
            None => NONE,
        };
        let bound = ask.digest.filter(|digest| binding.digests.contains(&digest.algorithm()));
        let bound = bound.filter(|_| ask.access == Access::Put).map(ToString::to_string).unwrap_or_default();
        let length = ask.length.unwrap_or_default();
        let mut request =
            SignedRequest::new(verb, format!("memory:{what}|{key}|{number}|{length}|{bound}|{session}"));
        if ask.access == Access::CommitParts && !binding.sessions {
            let numbers: Vec<String> = ask.parts.iter().map(|part| part.number.to_string()).collect();
            request.body = Some(numbers.join(" "));
        }
        Ok(request)
    }

    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        let state = lock(&self.inner);
        let none = Session::new(NONE);
        state.listed(key, session.unwrap_or(&none))
    }

    async fn copy_once(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), StoreError> {
        let mut state = lock(&self.inner);
        if state.objects.contains_key(to) {
            return Ok(());
        }
        let object = state.objects.get(from).cloned();
        let object = object.ok_or_else(|| StoreError::not_found(format!("no object {from}")))?;
        state.objects.insert(to.clone(), object);
        Ok(())
    }
}
