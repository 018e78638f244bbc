//! Datagrams and their payloads, at the SFU.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu::fuzz::datagram(testkit::origin(), bytes));
