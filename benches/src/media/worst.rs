//! The worst of the hostile files, against what each of them may cost.

use std::time::{Duration, Instant};

use bytes::Bytes;
use upload_core::ports::Sniffer;
use upload_media::ContentSniffer;
use upload_media::probe::{Cost, Limits, has_text, measure_counted, measures, text_of};

use crate::{grouped, hostile, named, support};

/// What each file may take: telling its type, measuring it, and reading its text if it has one.
const GOAL: Duration = Duration::from_secs(2);
/// The median of so many turns.
const TURNS: usize = 3;

/// One of the counts.
type Count = fn(&Cost) -> u64;

struct Found {
    name: String,
    time: Duration,
    cost: Cost,
}

/// Prints the table.
pub(crate) fn table() {
    let found: Vec<_> =
        files().into_iter().map(|(name, of, content)| handle(name, of.as_deref(), &content)).collect();
    let (count, limits) = (found.len(), Limits::default());
    println!(
        "{count} hostile files: made to be refused, or to cost as much as they can. The time is that of telling the type, \
         measuring the details and reading the text, where there are any; the counts are those of the details.\n"
    );
    println!("| the worst by | which | it | may | |\n|---|---|---|---|---|");
    let row = |what: &str, worst: &Found, it: String, may: String, within: bool| {
        let verdict = if within { "met" } else { "**missed**" };
        println!("| {what} | {} | {it} | {may} | {verdict} |", worst.name);
    };
    let slowest = found.iter().max_by_key(|found| found.time).unwrap();
    let (it, may) = (seconds(slowest.time), seconds(GOAL));
    row("time", slowest, it, may, slowest.time <= GOAL);
    let counts: [(&str, Count, u64); 3] = [
        ("bytes read", |cost| cost.bytes, limits.bytes),
        ("ranges read", |cost| cost.reads, limits.reads),
        ("calls", |cost| cost.calls, limits.calls),
    ];
    for (what, count, most) in counts {
        let worst = found.iter().max_by_key(|found| count(&found.cost)).unwrap();
        let it = count(&worst.cost);
        row(what, worst, grouped(it), grouped(most), it <= most);
    }
    let slow: Vec<_> =
        found.iter().filter(|found| found.time > GOAL).map(|found| found.name.as_str()).collect();
    let verdict =
        if slow.is_empty() { "met".to_owned() } else { format!("**missed** by {}", slow.join("; ")) };
    println!("\nAll {count} under {}: {verdict}.", seconds(GOAL));
}

/// Those that the tests make, and those that are stored and not among them; each with what it seems to be, if it is
/// anything that is measured.
fn files() -> Vec<(String, Option<String>, Bytes)> {
    let made = hostile::hostile().into_iter();
    let mut files: Vec<_> = made
        .map(|(name, of, content, _)| (format!("{}: {name}", named(of)), Some(of.to_owned()), content.into()))
        .collect();
    for name in support::names("hostile") {
        let content = support::read("hostile", &name);
        if !files.iter().any(|(_, _, known)| *known == content) {
            let of = support::sniffed(&content).filter(|of| measures(of));
            files.push((name, of, content));
        }
    }
    files
}

/// Everything that is done to a file of this type.
fn handle(name: String, of: Option<&str>, content: &Bytes) -> Found {
    let (limits, mut cost) = (Limits::default(), Cost::default());
    let head = &content[..content.len().min(<dyn Sniffer>::HEAD)];
    let mut once = || {
        let begun = Instant::now();
        drop(ContentSniffer.sniff(head, head.len() == content.len()));
        if let Some(of) = of {
            cost = measure_counted(of, &mut content.clone(), &limits).1;
            if has_text(of) {
                drop(text_of(of, &mut content.clone(), &limits));
            }
        }
        begun.elapsed()
    };
    let mut times: Vec<_> = (0..TURNS).map(|_| once()).collect();
    times.sort();
    Found { name, time: times[TURNS / 2], cost }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
