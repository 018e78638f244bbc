//! Offers, through signalling.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::offer(testkit::origin(), bytes));
