//! Access tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::token(bytes));
