//! Any bytes as a form in frames, against the naive parser.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| upload_http_axum::multipart::check(data));
