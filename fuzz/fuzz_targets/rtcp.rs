//! Compounds of RTCP packets, after they were authenticated.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtp::fuzz::rtcp(bytes));
