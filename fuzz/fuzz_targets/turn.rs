//! STUN and TURN of strangers, through the node.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::turn(testkit::origin(), bytes));
