//! Foreign bytes at every parser of the SFU, mutated from a committed corpus.

use std::path::{Path, PathBuf};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

#[test]
fn fuzz_datagrams() {
    testkit::fuzz::drive(&corpus("datagram"), 5, 2_000, |bytes| sfu::fuzz::datagram(testkit::origin(), bytes));
}

#[test]
fn fuzz_payloads() {
    testkit::fuzz::drive(&corpus("payload"), 14, 4_000_000, sfu::fuzz::payload);
}

#[test]
fn fuzz_offers() {
    testkit::fuzz::drive(&corpus("offer"), 6, 2_800, |bytes| {
        sfu::fuzz::offer(testkit::origin(), &String::from_utf8_lossy(bytes));
    });
}

#[test]
fn fuzz_answers() {
    testkit::fuzz::drive(&corpus("answer"), 10, 3_200, |bytes| {
        sfu::fuzz::answer(testkit::origin(), &String::from_utf8_lossy(bytes));
    });
}

#[test]
fn fuzz_candidates() {
    testkit::fuzz::drive(&corpus("candidate"), 7, 4_400, |bytes| {
        sfu::fuzz::candidate(testkit::origin(), &String::from_utf8_lossy(bytes));
    });
}

#[test]
fn fuzz_forwarding() {
    testkit::fuzz::drive(&corpus("forward"), 8, 1_000_000, |bytes| sfu::fuzz::forward(testkit::origin(), bytes));
}

#[test]
fn fuzz_redundant_audio() {
    testkit::fuzz::drive(&corpus("red"), 11, 1_000_000, |bytes| sfu::fuzz::red(testkit::origin(), bytes));
}
