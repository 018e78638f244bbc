//! Packets of the data channels.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::data_packet(bytes));
