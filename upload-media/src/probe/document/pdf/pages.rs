//! The page tree (ISO 32000-2, section 7.7.3).

use std::collections::HashSet;

use super::file::File;
use super::object::{Dictionary, Object};
use super::{Result, unreadable};

/// How deep the tree may be.
const MAX_DEPTH: usize = 64;
/// How many children may wait to be looked at.
const MAX_WAITING: usize = 1_000_000;
/// From so many children on a node is believed that all of them are pages, if the first and the last one are.
const MANY: usize = 8;

/// The numbers of all pages, each once; a tree that holds itself ends.
pub(super) fn all(file: &mut File<'_, '_>, root: &Dictionary) -> Result<Vec<u32>> {
    let mut pages = Vec::new();
    let mut seen = HashSet::new();
    let mut levels = vec![children(file, root)?];
    while let Some(level) = levels.last_mut() {
        let Some(child) = level.next() else {
            levels.pop();
            continue;
        };
        if !seen.insert(child) {
            continue;
        }
        match look(file, child)? {
            Look::Page => pages.push(child),
            Look::Node(node) if levels.len() < MAX_DEPTH => {
                let children = children(file, &node)?;
                if only_pages(file, &node, children.as_slice())? {
                    let there = children.filter(|child| file.places.get(*child).is_some());
                    pages.extend(there.filter(|child| seen.insert(*child)));
                } else {
                    levels.push(children);
                    if levels.iter().map(ExactSizeIterator::len).sum::<usize>() > MAX_WAITING {
                        return unreadable("the document's page tree is too large");
                    }
                }
            }
            _ => {}
        }
    }
    Ok(pages)
}

enum Look {
    Page,
    Node(Dictionary),
    Nothing,
}

fn look(file: &mut File<'_, '_>, number: u32) -> Result<Look> {
    Ok(match file.get(number)? {
        Object::Dictionary(node) if *node.get(b"Kids") != Object::Null => Look::Node(node),
        // Some writers leave the type out.
        Object::Dictionary(page) if matches!(page.get(b"Type").name(), Some(b"Page") | None) => Look::Page,
        _ => Look::Nothing,
    })
}

fn children(file: &mut File<'_, '_>, node: &Dictionary) -> Result<std::vec::IntoIter<u32>> {
    let kids = file.follow(node.get(b"Kids"))?;
    let kids = kids.each().iter().filter_map(Object::reference).collect::<Vec<_>>();
    Ok(kids.into_iter())
}

/// Whether a node with many children has but pages: it says so itself, and the first and the last one are.
fn only_pages(file: &mut File<'_, '_>, node: &Dictionary, children: &[u32]) -> Result<bool> {
    let count = node.get(b"Count").integer();
    let (Some(first), Some(last)) = (children.first(), children.last()) else { return Ok(false) };
    if children.len() < MANY || count != Some(children.len() as u64) {
        return Ok(false);
    }
    for child in [*first, *last] {
        if !matches!(look(file, child)?, Look::Page) {
            return Ok(false);
        }
    }
    Ok(true)
}
