//! What is stored: one *head* an upload, one *row* a chunk, and a few small records beside them.
//!
//! Every value is an envelope of JSON, `{"v":1,"n":NONCE,"d":{…}}`: `v` is the version of the form, `n` is fresh for
//! each put (so an unknown put is settled by reading again), `d` the record. Fixtures of every version are kept
//! in `tests/fixtures` and read back by a test for ever.
//!
//! | key | record | changes |
//! |---|---|---|
//! | `t/<tenant>` | [`TenantRecord`] | never |
//! | `th/<handle>` | [`HandleRecord`] | never |
//! | `u/<id>` | [`Head`] | a handful of compare-and-swaps in its life |
//! | `u/<id>/s` | [`ShapeRecord`] | until the chunks' size is known |
//! | `u/<id>/x/<place>` | [`RowRecord`] | never |
//! | `u/<id>/h` | [`DigestRecord`] | a cache of digest states, thrown away on any mismatch |
//! | `u/<id>/e/<format>/<n>` | [`NoteRecord`] | as the wire format that owns it wants |
//! | `u/<id>/p` | [`SessionRecord`] | never |
//! | `u/<id>/a/<number>` | [`AttemptRecord`] | never |
//! | `u/<id>/f/<cell>` | [`FoldRecord`] | never |
//! | `u/<id>/c` | [`CopiedRecord`] | as a composition goes on |
//! | `k/<hour>/<id>` | [`OwnerRecord`] | never; goes with its upload |
//! | `i/<handle>/<reversed time>/<id>` | [`IndexRecord`] | never; goes with its upload |
//! | `c/<handle>/<space>/<digest>` | [`ClaimRecord`] | by compare-and-swap, when the upload that had it no longer counts |
//! | `l/<handle>/<hour>/<id>` | [`LedgerRecord`] | never |
//! | `b/<handle>` | [`BalanceRecord`] | a cache of the ledger's sum, by compare-and-swap |
//! | `n/<id>` | [`NoticeRecord`] | each attempt to deliver it; removed when that was done |
//! | `u/<id>/t` | [`ToldRecord`] | never |
//! | `due/<hour>/<id>` | [`DueRecord`] | never; removed when done |

mod envelope;
mod head;
pub mod keys;
mod parts;
mod small;

pub use envelope::{Nonce, VERSION, decode, encode};
pub use head::{Addressing, Direct, Failure, FailureKind, Head, Phase, Source};
pub use parts::{AttemptRecord, FoldRecord, Lies, OwnerRecord, Segment, SessionRecord};
pub use small::{
    BalanceRecord, ClaimRecord, CopiedRecord, DigestRecord, DueRecord, HandleRecord, IndexRecord,
    LedgerRecord, NoteRecord, NoticeRecord, RowRecord, ShapeRecord, TenantRecord, ToldRecord,
};
