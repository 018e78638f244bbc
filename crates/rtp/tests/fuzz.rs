//! Foreign bytes at the parsers, mutated from a committed corpus.

use std::path::{Path, PathBuf};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

#[test]
fn fuzz_rtcp() {
    testkit::fuzz::drive(&corpus("rtcp"), 16, 3_000_000, rtp::fuzz::rtcp);
}

#[test]
fn fuzz_srtcp() {
    testkit::fuzz::drive(&corpus("srtcp"), 17, 400_000, rtp::fuzz::srtcp);
}
