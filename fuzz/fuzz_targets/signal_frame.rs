//! Frames on the signalling WebSocket, as protobuf and as JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node::fuzz::signal_frame(testkit::origin(), bytes));
