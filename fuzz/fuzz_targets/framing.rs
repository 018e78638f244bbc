//! Datagrams framed on a TCP stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| livekit_server::fuzz::framing(bytes));
