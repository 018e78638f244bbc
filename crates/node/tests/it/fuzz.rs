//! Foreign bytes at every door of the node, mutated from a committed corpus: it must survive, and nobody else in the
//! room may be harmed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::link::Conditions;
use testkit::random::Random;

use crate::sim::Mode;
use crate::{all_hear_all, forget_received, room_of};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

#[test]
fn fuzz_signal_frames() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("signal_frame"), 1, 2_000, |bytes| node::fuzz::signal_frame(now, bytes));
}

#[test]
fn fuzz_offers() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("offer"), 2, 1_200, |bytes| node::fuzz::offer(now, bytes));
}

#[test]
fn fuzz_datagrams() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("datagram"), 3, 1_300, |bytes| node::fuzz::datagram(now, bytes));
}

#[test]
fn fuzz_turn() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("turn"), 5, 2_000, |bytes| node::fuzz::turn(now, bytes));
}

#[test]
fn fuzz_turn_messages() {
    let now = Instant::now();
    testkit::fuzz::drive(&corpus("turn"), 6, 150_000, |bytes| turn::fuzz::messages(now, bytes));
}

/// Anybody can send from (or as if from) the address of a client in a call: true packets with some bytes changed, cut
/// short, or sent again, in the midst of its own. The call goes on, and nothing breaks inside.
///
/// The SSRC of media packets stays: str0m 0.25 gives a section's stream to an unknown SSRC before it has authenticated
/// the packet, so that whoever can send in the name of a client can stop its streams.
#[test]
fn tampered_datagrams_of_a_connected_client() {
    let mut sim = room_of(90, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
    sim.record = Some(Vec::new());
    sim.wait("all hear all", |sim| all_hear_all(sim, 20));
    let recorded = sim.record.take().expect("recorded");
    assert!(recorded.len() > 100, "handshakes and media");
    let mut random = Random::new(sim.seed);
    let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).expect("below a usize");
    for round in 0..4_000 {
        let mut wire = recorded[below(recorded.len())].clone();
        for _ in 0..below(4) {
            let at = below(wire.bytes.len());
            let media = (128..192).contains(&wire.bytes[0]);
            if !(media && (8..12).contains(&at)) {
                wire.bytes[at] ^= 1 << below(8);
            }
        }
        if below(8) == 0 {
            wire.bytes.truncate(1 + below(wire.bytes.len()));
        }
        sim.inject(&wire);
        if round % 40 == 0 {
            sim.run(Duration::from_millis(20));
        }
    }
    forget_received(&mut sim);
    sim.wait("all hear all afterwards", |sim| all_hear_all(sim, 20));
}

#[test]
fn fuzz_data_packets() {
    testkit::fuzz::drive(&corpus("data_packet"), 13, 1_000_000, node::fuzz::data_packet);
}

#[test]
fn fuzz_tokens() {
    testkit::fuzz::drive(&corpus("token"), 4, 7_000_000, node::fuzz::token);
}
