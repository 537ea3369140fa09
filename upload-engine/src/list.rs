//! Listings of a tenant's uploads.

use upload_core::{
    Action, ErrorKind, Inspection, Principal, Result, Role,
    lifecycle::{IndexEntry, View},
    ports::Subject,
    record::{Head, IndexRecord, decode, keys},
};

use crate::{change::given_up, engine::Engine};

/// What of a listing is wanted.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Listing<'a> {
    /// The listing.
    pub label: &'a str,
    /// How many uploads to pass over.
    pub offset: usize,
    /// Most uploads to give.
    pub limit: usize,
    /// Which uploads count.
    pub wanted: &'a (dyn Fn(&IndexRecord) -> bool + Sync),
}

impl std::fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { label, offset, limit, .. } = self;
        write!(f, "Listing {{ label: {label:?}, offset: {offset}, limit: {limit} }}")
    }
}

impl<'a> Listing<'a> {
    /// The first `limit` uploads of a listing.
    pub fn new(label: &'a str, limit: usize) -> Self {
        Self { label, offset: 0, limit, wanted: &|_| true }
    }
}

/// A page of a listing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page {
    /// How many uploads the listing has in all.
    pub total: usize,
    /// Those of the page, the newest first. Of one that is not complete only what its head knows is told.
    pub uploads: Vec<Inspection>,
}

impl Engine {
    /// A page of the tenant's uploads in a listing, the newest first; of exclusive uploads only those that the principal may
    /// act on. Reads the whole listing's index each time.
    ///
    /// # Errors
    /// `Forbidden` for a principal that may not list.
    pub async fn list(&self, who: &Principal, listing: Listing<'_>) -> Result<Page> {
        self.authorizer().authorize(who, Action::List, Subject::new("", None)).await?;
        let mut page = Page { total: 0, uploads: Vec::new() };
        let Some(handle) = self.handle(&who.tenant).await? else { return Ok(page) };
        let all = who.roles.has(Role::Support);
        let mut ids = Vec::new();
        self.records()
            .each(&keys::index_of(&handle), self.settings().page, |key, stored| {
                let (_, record) = decode::<IndexRecord>(key, &stored.value)?;
                let seen = all || !record.exclusive || record.owner == who.id;
                if seen && record.label == listing.label && (listing.wanted)(&record) {
                    let on_it = page.total >= listing.offset && ids.len() < listing.limit;
                    ids.extend(keys::index_parts(key).filter(|_| on_it).map(|(_, id)| id));
                    page.total += 1;
                }
                Ok(())
            })
            .await?;
        for id in ids {
            match self.head(&id).await {
                Ok(head) if !given_up(&head.phase) => page.uploads.push(self.inspection(&View::new(head))),
                // It goes with the next sweep.
                Ok(_) => page.total -= 1,
                Err(e) if e.kind == ErrorKind::NotFound => page.total -= 1,
                Err(e) => return Err(e),
            }
        }
        Ok(page)
    }

    /// Puts a new upload into its listing.
    pub(crate) async fn list_it(&self, head: &Head, entry: Option<IndexEntry>) -> Result<()> {
        let Some((entry, key)) = entry.zip(keys::index(&head.id, head.created)) else { return Ok(()) };
        let mut record = IndexRecord::new(entry.label, head.owner.clone());
        record.exclusive = head.exclusive;
        record.file_name = head.file_name.clone();
        record.facts = entry.facts;
        self.records().put_once(&key, &record).await
    }
}
