#![no_main]

use std::time::Instant;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu::fuzz::forward(Instant::now(), bytes));
