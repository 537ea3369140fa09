//! Any bytes as the beginning of a file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| upload_media::check(data));
