//! PDF (ISO 32000-2): the pages of its page tree, and the words of their content.
//!
//! A reader of our own, since a whole document in memory costs whatever its author likes: 1 MiB of zeros in one
//! array, named by 100 entries of the cross-reference, makes a general library keep 6 GiB. Here objects are read
//! one by one, on demand, each within bounds, and the page tree of a large file costs a few ranges.
//!
//! ```text
//!   file ──► xref: where objects are ──► pages: the tree ──► words: content streams, fonts
//!    │                                     │                    │
//!    └──────── object: one at a time, from a place or an object stream, filters undone
//! ```

mod encoding;
mod file;
mod filter;
mod font;
mod object;
mod pages;
mod words;
mod xref;

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::{Cost, Reader};
use super::words::Words;
use file::File;
use object::{Dictionary, Object};
use xref::Places;

/// How far from the end its mark is looked for, in bytes.
const TAIL: u64 = 1 << 10;
/// What counting the words may cost.
const WORDS: Cost = Cost { bytes: 32 << 20, reads: 2048, calls: 2 << 20 };

pub(in super::super) fn pdf(reader: &mut Reader<'_>, words: &mut Words) -> Result<Details> {
    let mut details = Details::default();
    if !has_end(reader)? {
        details.warn("the document has no end mark: the file may have been cut");
    }
    let mut file = File::new(reader);
    let mut root = Dictionary::default();
    if let Some(places) = Places::read(&mut file)? {
        file.places = places;
        root = page_tree(&mut file)?;
    }
    if root == Dictionary::default() {
        if !file.reader.affords_all() {
            words.truncate();
            details.warn("the document's index is broken, and it is too large to make it anew");
            return Ok(details);
        }
        file.places = Places::rebuild(&mut file)?;
        root = page_tree(&mut file)?;
        if root == Dictionary::default() {
            return unreadable("the document has no page tree");
        }
        details.warn("the document's index is broken and was made anew");
    }
    file.encrypted = *file.places.trailer.get(b"Encrypt") != Object::Null;
    if runs_script(&mut file)? {
        details.warn("the document runs a script or program when it is opened");
    }
    let pages = pages::all(&mut file, &root)?;
    details.page_count = Some(pages.len() as u64);
    if file.encrypted {
        details.warn("the document is encrypted: its words cannot be read");
        words.truncate();
        return Ok(details);
    }
    let read = file.reader.within(WORDS, |reader| {
        let mut file = File::with(reader, std::mem::take(&mut file.places));
        words::read(&mut file, &pages, words)
    })?;
    let unknown = match read {
        Some(unknown) => unknown,
        None => Some("the document is too large to read all its words"),
    };
    match unknown {
        Some(why) => {
            words.truncate();
            details.warn(why);
        }
        None => details.word_count = Some(words.count),
    }
    Ok(details)
}

/// The root of the page tree, empty if there is none.
fn page_tree(file: &mut File<'_, '_>) -> Result<Dictionary> {
    let root = file.places.trailer.get(b"Root").clone();
    let catalog = file.follow_dictionary(&root)?;
    let tree = file.follow_dictionary(catalog.get(b"Pages"))?;
    Ok(if *tree.get(b"Kids") == Object::Null { Dictionary::default() } else { tree })
}

fn runs_script(file: &mut File<'_, '_>) -> Result<bool> {
    let root = file.places.trailer.get(b"Root").clone();
    let catalog = file.follow_dictionary(&root)?;
    let action = file.follow_dictionary(catalog.get(b"OpenAction"))?;
    let names = file.follow_dictionary(catalog.get(b"Names"))?;
    let kind = action.get(b"S").name();
    Ok(matches!(kind, Some(b"JavaScript" | b"Launch")) || *names.get(b"JavaScript") != Object::Null)
}

fn has_end(reader: &mut Reader<'_>) -> Result<bool> {
    let length = reader.length().min(TAIL);
    reader.go(reader.length() - length);
    Ok(reader.vec(length, "end")?.windows(5).any(|five| five == b"%%EOF"))
}
