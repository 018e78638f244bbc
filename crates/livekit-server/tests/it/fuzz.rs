//! Foreign bytes at the ICE-TCP port, mutated from a committed corpus.

use std::path::Path;

#[test]
fn fuzz_framing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/framing");
    testkit::fuzz::drive(&corpus, 9, 4_000_000, livekit_server::fuzz::framing);
}
