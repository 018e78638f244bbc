//! Foreign bytes at the ICE-TCP port and in the address of `/rtc`, mutated from a committed corpus.

use std::path::{Path, PathBuf};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

#[test]
fn fuzz_framing() {
    testkit::fuzz::drive(&corpus("framing"), 9, 4_000_000, livekit_server::fuzz::framing);
}

#[test]
fn fuzz_join_requests() {
    testkit::fuzz::drive(&corpus("join"), 12, 300_000, livekit_server::fuzz::join);
}
