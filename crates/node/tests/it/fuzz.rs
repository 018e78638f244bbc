//! Foreign bytes at every door of the node, mutated from a committed corpus: it must survive, and nobody else in the
//! room may be harmed.

use std::path::{Path, PathBuf};
use std::time::Instant;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

#[test]
fn fuzz_signal_frames() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("signal_frame"), 1, |bytes| node::fuzz::signal_frame(now, bytes));
}

#[test]
fn fuzz_offers() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("offer"), 2, |bytes| node::fuzz::offer(now, bytes));
}

#[test]
fn fuzz_datagrams() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("datagram"), 3, |bytes| node::fuzz::datagram(now, bytes));
}

#[test]
fn fuzz_tokens() {
    testkit::fuzz::drive(&corpus("token"), 4, node::fuzz::token);
}
