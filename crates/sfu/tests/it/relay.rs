//! One room on two SFUs: the publisher is on the first, subscribers are on both.

use std::time::Duration;

use crate::common::Sim;
use crate::simulcast::{assert_one_stream, rids, want};
use sfu::{DownSettings, Hop, MediaKind, PeerId, TrackId};
use str0m::media::Mid;
use testkit::link::Conditions;
use testkit::random::Random;

const STEP: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Of each Sim the member that is watched.
const SUBSCRIBER: usize = 1;

/// Two SFUs with what passes between them.
struct Pair {
    first: Sim,
    second: Sim,
    random: Random,
    /// Packets of a hundred that get lost between the two.
    loss: u64,
    packets: u64,
    requests: u64,
}

impl Pair {
    fn new(seed: u64, conditions: Conditions) -> Self {
        let (mut first, second) = (Sim::new(seed, conditions), Sim::new(seed + 1000, conditions));
        first.run_for(second.now - first.now);
        Self { first, second, random: Random::new(seed), loss: 0, packets: 0, requests: 0 }
    }

    fn run_for(&mut self, duration: Duration) {
        let end = self.first.now + duration;
        while self.first.now < end {
            self.first.run_for(STEP);
            while let Some(hop) = self.first.sfu.poll_hop() {
                assert!(matches!(hop, Hop::Packet(_)), "nobody asks the subscribers' SFU");
                self.packets += 1;
                if self.random.below(100) >= self.loss {
                    self.second.sfu.receive_hop(self.second.now, hop);
                }
            }
            self.second.run_for(STEP);
            while let Some(hop) = self.second.sfu.poll_hop() {
                assert!(matches!(hop, Hop::Keyframe { .. }), "nothing goes back but what is asked for");
                self.requests += 1;
                self.first.sfu.receive_hop(self.first.now, hop);
            }
        }
    }
}

/// A publisher of three layers on the first SFU, a subscriber on each. On the second, member 0 only fills the place.
fn watched(seed: u64, conditions: Conditions) -> (Pair, TrackId, [(PeerId, Mid); 2]) {
    let mut pair = Pair::new(seed, conditions);
    let publisher = pair.first.join();
    let track = pair.first.publish(publisher, &[(MediaKind::Video, &["q", "h", "f"])])[0];
    let bystander = pair.second.join();
    pair.second.subscribe(bystander, &[]);
    let watch = |sim: &mut Sim| {
        let member = sim.join();
        assert_eq!(member, SUBSCRIBER);
        let mid = sim.subscribe(member, &[(track, MediaKind::Video)])[0];
        sim.run_until_connected();
        (sim.members[member].peer, mid)
    };
    let here = watch(&mut pair.first);
    let there = watch(&mut pair.second);
    let ahead = pair.first.now.max(pair.second.now);
    for sim in [&mut pair.first, &mut pair.second] {
        sim.run_for(ahead - sim.now);
    }
    pair.first.sfu.set_relayed(track, true);
    (pair, track, [here, there])
}

/// Subscribers cannot tell which SFU the publisher is on: layers, keyframes and numbers are as on its own.
#[test]
fn subscribers_on_another_sfu_get_the_same_stream() {
    for seed in 600..603 {
        let (mut pair, track, [_, (peer, mid)]) = watched(seed, Conditions::PERFECT);
        pair.run_for(3 * SECOND);
        for sim in [&pair.first, &pair.second] {
            assert!(rids(sim, 0).ends_with('f'), "{}", rids(sim, 0));
        }
        for (layer, expected) in [(0, "fq"), (2, "qf"), (1, "fh")] {
            let from = pair.second.members[SUBSCRIBER].client.packets.len();
            let here = pair.first.members[SUBSCRIBER].client.packets.len();
            want(&mut pair.second, peer, track, layer);
            pair.run_for(2 * SECOND);
            let seen = rids(&pair.second, from);
            assert!(seen == expected || seen == expected[1..], "wanted {layer}: {seen}");
            assert_eq!(rids(&pair.first, here), "f", "the other's wish is its own");
        }
        for sim in [&pair.first, &pair.second] {
            assert_one_stream(sim, true);
        }
        // Whatever is asked for there, the publisher is asked at most twice a second for each layer.
        let before = pair.first.publishers[1].keyframes;
        for _ in 0..20 {
            pair.second.members[SUBSCRIBER].client.ask_keyframe(mid);
            pair.run_for(SECOND / 10);
        }
        let asked = pair.first.publishers[1].keyframes - before;
        assert!((3..=5).contains(&asked), "{asked} keyframes in 2 s, by {} requests", pair.requests);
    }
}

/// Packets that get lost between the two are a gap for who is behind, and for nobody else; pictures go on.
#[test]
fn losses_between_sfus_are_survived() {
    for seed in 610..613 {
        let (mut pair, track, [_, (peer, mid)]) = watched(seed, Conditions::ROUGH);
        pair.run_for(2 * SECOND);
        pair.loss = 3;
        for round in 0..6u8 {
            want(&mut pair.second, peer, track, round % 3);
            let from = pair.second.members[SUBSCRIBER].client.packets.len();
            pair.run_for(SECOND);
            // A decoder that misses something asks for a keyframe.
            pair.second.members[SUBSCRIBER].client.ask_keyframe(mid);
            pair.run_for(2 * SECOND);
            let name = ['q', 'h', 'f'][usize::from(round % 3)];
            assert!(rids(&pair.second, from).ends_with(name), "round {round}: {}", rids(&pair.second, from));
        }
        let arrived = |sim: &Sim| {
            let packets = &sim.members[SUBSCRIBER].client.packets;
            let numbers: std::collections::HashSet<u64> = packets.iter().map(|(_, packet)| *packet.seq_no).collect();
            assert_eq!(numbers.len(), packets.len(), "no number twice");
            let span = numbers.iter().max().unwrap() - numbers.iter().min().unwrap() + 1;
            numbers.len() as f64 / span as f64
        };
        let (here, there) = (arrived(&pair.first), arrived(&pair.second));
        assert!(here > 0.98 && (0.94..0.99).contains(&there), "{here} {there}");
    }
}

/// Nothing passes before it is asked for, or once nobody wants it; a picture that comes back begins anew.
#[test]
fn relaying_begins_and_ends() {
    let (mut pair, track, [_, (peer, _)]) = watched(620, Conditions::PERFECT);
    let pause = |pair: &mut Pair, paused: bool| {
        let settings = DownSettings { paused, ..DownSettings::default() };
        pair.second.sfu.set_down(pair.second.now, peer, track, settings);
    };
    let got = |pair: &Pair| pair.second.members[SUBSCRIBER].client.packets.len();
    pair.first.sfu.set_relayed(track, false);
    pair.run_for(SECOND);
    assert_eq!((pair.packets, got(&pair)), (0, 0));
    for _ in 0..2 {
        pause(&mut pair, false);
        pair.first.sfu.set_relayed(track, true);
        let before = got(&pair);
        pair.run_for(2 * SECOND);
        assert!(got(&pair) - before > 100, "{}", got(&pair) - before);
        pause(&mut pair, true);
        pair.run_for(SECOND / 10);
        pair.first.sfu.set_relayed(track, false);
        let before = (pair.packets, got(&pair));
        pair.run_for(SECOND);
        assert_eq!((pair.packets, got(&pair)), before);
    }
    assert_one_stream(&pair.second, true);
    pause(&mut pair, false);
    // A publisher that mutes sends nothing on, on either side.
    pair.first.sfu.set_relayed(track, true);
    for sim in [&mut pair.first, &mut pair.second] {
        sim.sfu.set_track_muted(sim.now, track, true);
    }
    pair.run_for(SECOND / 10);
    let before = got(&pair);
    pair.run_for(SECOND);
    assert_eq!(got(&pair), before);
    for sim in [&mut pair.first, &mut pair.second] {
        sim.sfu.remove_track(sim.now, track);
    }
    pair.run_for(SECOND);
    assert_eq!([&pair.first, &pair.second].map(|sim| sim.sfu.sizes()[1]), [0, 0], "nothing is left of the track");
}
