//! STUN and TURN of a client that has an allocation.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| turn::fuzz::messages(testkit::origin(), bytes));
