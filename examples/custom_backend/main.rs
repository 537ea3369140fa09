//! A back end of your own, and the conformance suite that says whether it keeps the ports' promises.
//!
//! ```text
//! cargo run -p upload-examples --bin custom_backend
//! ```
#![allow(clippy::indexing_slicing)]

mod shelf;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use shelf::Shelf;
use upload_storage::conformance::{self, Profile, Report, block_on};

fn check() -> [Report; 2] {
    // What it cannot do; everything else is the default.
    let profile = Profile::new().reopen(false).mover(false).copier(false).far(shelf::FAR / 2);
    let blobs = conformance::blobs(async |_| Ok::<_, io::Error>(Shelf::default()), &profile);
    let records = conformance::records(async |_| Ok::<_, io::Error>(Shelf::default()), &profile);
    [block_on(blobs), block_on(records)]
}

fn main() -> io::Result<ExitCode> {
    let reports = check();
    let mut out = io::stdout().lock();
    for (name, report) in ["blobs", "records"].iter().zip(&reports) {
        writeln!(out, "{name}\n{report}\n")?;
    }
    Ok(if reports.iter().all(Report::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_back_end_conforms() {
        super::check().into_iter().for_each(|report| report.assert());
    }
}
