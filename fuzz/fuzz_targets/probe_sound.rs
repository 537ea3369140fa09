//! Any bytes as a sound, as each type of its family.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| upload_media::probe::check_family("probe_sound", data));
