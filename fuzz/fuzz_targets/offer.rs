#![no_main]

use std::time::Instant;

libfuzzer_sys::fuzz_target!(|text: &str| sfu::fuzz::offer(Instant::now(), text));
