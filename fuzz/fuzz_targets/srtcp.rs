//! SRTCP of whoever sends to a port, and what we send.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtp::fuzz::srtcp(bytes));
