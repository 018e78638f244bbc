//! The query of `/rtc`, and join requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| livekit_server::fuzz::join(bytes));
