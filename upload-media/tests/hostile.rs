//! Hostile files: refused or measured, never more than that, in little memory. A binary of its own: its allocator
//! counts.
#![cfg(feature = "probe")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/make.rs"]
mod make;
mod support;

use hostile::{Becomes, hostile};
use serde_json::Value;
use support::{EVERY_TYPE, names, read, sniffed};
use upload_media::probe::{Limits, ProbeError, check, measure, measure_counted, text_of};

use Becomes::{Measured, Refused};

/// Details without their warnings, or the reason.
fn told(content_type: &str, content: Vec<u8>) -> Result<Value, ProbeError> {
    let details = measure(content_type, &mut bytes::Bytes::from(content), &Limits::default())?;
    let mut details = serde_json::to_value(details).unwrap();
    details.as_object_mut().unwrap().remove("warnings");
    Ok(details)
}

#[test]
fn hostile_files_are_refused_or_measured() {
    let mut wrong = Vec::new();
    for (name, content_type, content, becomes) in hostile() {
        match (told(content_type, content), becomes) {
            (Ok(details), Measured(wanted)) if details == wanted => {}
            (Err(error), Refused(why)) if error.to_string().contains(why) => {}
            (is, Measured(wanted)) => {
                wrong.push(format!("{content_type} {name}: expected {wanted}, got {is:?}"))
            }
            (is, Refused(why)) => {
                wrong.push(format!("{content_type} {name}: expected \"{why}\", got {is:?}"))
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the sniffer or the probe refuses.
#[test]
fn what_is_not_what_it_seems_passes_as_nothing() {
    let refused = [
        "box_4g.mp4",
        "box_large64.mp4",
        "box_size7.mp4",
        "child_size0.mp4",
        "chunk_len.png",
        "elf_named.mp4",
        "empty.jpg",
        "exe_named.jpg",
        "fmt_huge.wav",
        "ftyp_only.mp4",
        "html_named.png",
        "json_len_4g.glb",
        "php_named.gif",
        "svg_named.png",
    ];
    for name in refused {
        let content = read("hostile", name);
        let passes = sniffed(&content).is_some_and(|known| {
            EVERY_TYPE.contains(&known.as_str())
                && measure(&known, &mut content.clone(), &Limits::default()).is_ok()
        });
        assert!(!passes, "{name}");
    }
}

/// Their counts end at the budgets, also those of what was refused because a budget was spent.
#[test]
fn no_file_costs_more_than_its_budgets() {
    let limits = Limits::default();
    let (mut most_bytes, mut most_calls) = (0, 0);
    for (name, content_type, content, _) in hostile() {
        let (_, cost) = measure_counted(content_type, &mut bytes::Bytes::from(content), &limits);
        let within = cost.bytes <= limits.bytes && cost.reads <= limits.reads && cost.calls <= limits.calls;
        assert!(within, "{content_type} {name}: {cost:?}");
        most_bytes = most_bytes.max(cost.bytes);
        most_calls = most_calls.max(cost.calls);
    }
    assert!(most_bytes > limits.bytes - (64 << 10), "one of them wants all: {most_bytes}");
    assert_eq!(most_calls, limits.calls, "one of them wants all");
}

fn bytes_at_most(content_type: &str, content: &bytes::Bytes) -> u64 {
    let memory = allocation_counter::measure(|| {
        drop(measure(content_type, &mut content.clone(), &Limits::default()));
        drop(text_of(content_type, &mut content.clone(), &Limits::default()));
    });
    memory.bytes_max
}

/// 64 MiB beside the file at most: what was made here as what it seems to be, the stored files as anything.
#[test]
fn no_file_takes_more_memory_than_64_mib() {
    let mut taken = Vec::new();
    for (name, content_type, content, _) in hostile() {
        taken.push((bytes_at_most(content_type, &content.into()), format!("{name} as {content_type}")));
    }
    for (folder, name) in
        ["ok", "hostile"].iter().flat_map(|folder| names(folder).into_iter().map(move |name| (folder, name)))
    {
        let content = read(folder, &name);
        taken.extend(EVERY_TYPE.map(|of| (bytes_at_most(of, &content), format!("{name} as {of}"))));
    }
    taken.sort();
    let (most, what) = taken.last().unwrap();
    println!("most memory: {most} bytes for {what}");
    assert!(*most <= 64 << 20, "{most} bytes for {what}");
    assert!(*most > 1 << 20, "nothing was counted");
}

/// Cut anywhere, read as anything.
#[test]
fn cut_files_are_bounded() {
    for name in names("ok") {
        let content = read("ok", &name);
        let known = sniffed(&content).unwrap();
        for cut in [0, 1, 24, content.len() / 3, content.len() / 2, content.len() - 1] {
            check(&known, &content[..cut.min(content.len())]);
        }
        for content_type in EVERY_TYPE {
            check(content_type, &content);
        }
    }
}
