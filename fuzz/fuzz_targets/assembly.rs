//! Any bytes as operations on an assembly, against the naive model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use upload_chunking::model::{Op, check};

fuzz_target!(|data: &[u8]| {
    if let Err(disagreement) = check(&Op::decode(data)) {
        panic!("{disagreement}");
    }
});
