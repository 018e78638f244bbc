//! A run follows from its seed. What chance remains stands at `testkit::random`.

use std::net::SocketAddr;
use std::time::Duration;

use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::sim::{Mode, SimRoom};

/// When each datagram was sent, from where, to where, and its length.
type Trace = Vec<(Duration, SocketAddr, SocketAddr, u64)>;

/// People of all kinds come, talk, show, mute and leave, while the network does what it can.
fn run(seed: u64) -> Trace {
    let rough = Conditions { rate: 4_000_000, burst: 2.0, ..Conditions::ROUGH };
    let mut sim = if seed.is_multiple_of(2) { SimRoom::estimating(seed, rough) } else { SimRoom::new(seed, rough) };
    sim.link.trace = Some(Vec::new());
    for (index, mode) in [Mode::Single, Mode::Dual, Mode::Single, Mode::Single].into_iter().enumerate() {
        sim.red = index % 2 == 0;
        sim.join(&format!("person-{index}"), mode);
        let mark = u8::try_from(index).expect("few") * 5 + 1;
        sim.publish(index, MediaKind::Audio, mark);
        sim.publish_layers(index, MediaKind::Video, mark + 1, &["q", "h", "f"]);
    }
    sim.run(Duration::from_secs(10));
    sim.mute(1, 7, true);
    sim.vanish(3);
    sim.run(Duration::from_secs(5));
    sim.mute(1, 7, false);
    sim.resume(0);
    sim.run(Duration::from_secs(10));
    let start = sim.start;
    let trace = sim.link.trace.take().expect("kept");
    trace.into_iter().map(|(at, from, to, length)| (at - start, from, to, length)).collect()
}

/// On threads of their own, as each test has one: hash maps begin anew there.
#[test]
fn a_seed_repeats_a_run() {
    let run = |seed| std::thread::spawn(move || run(seed)).join().expect("a run");
    for seed in [500, 501] {
        let (one, other) = (run(seed), run(seed));
        assert!(one.len() > 10_000, "{} datagrams", one.len());
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        assert_eq!(differs.map(|at| (at, one[at], other[at])), None, "of {}, seed {seed}", one.len());
        assert_eq!(one.len(), other.len());
    }
    assert_ne!(run(502).len(), run(503).len());
}
