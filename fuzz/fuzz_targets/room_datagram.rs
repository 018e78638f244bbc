//! Datagrams, through the node.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::datagram(testkit::origin(), bytes));
