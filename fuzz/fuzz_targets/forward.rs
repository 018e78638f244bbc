//! Packets of several layers, through the forwarder.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu::fuzz::forward(testkit::origin(), bytes));
