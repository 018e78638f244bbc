//! Packets of redundant audio, in any order.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu::fuzz::red(testkit::origin(), bytes));
