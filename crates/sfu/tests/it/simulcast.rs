//! Layers: which one a subscriber gets, and that it cannot tell where one ended and the next began.

use std::collections::HashSet;
use std::time::Duration;

use crate::common::{Sim, rid_of};
use sfu::{DownSettings, MediaKind, PeerId, TrackId};
use str0m::media::Mid;
use testkit::link::Conditions;

const LAYERS: (MediaKind, &[&str]) = (MediaKind::Video, &["q", "h", "f"]);

fn setup(sim: &mut Sim) -> (TrackId, Mid, PeerId) {
    let publisher = sim.join();
    let track = sim.publish(publisher, &[LAYERS])[0];
    let subscriber = sim.join();
    let mid = sim.subscribe(subscriber, &[(track, MediaKind::Video)])[0];
    sim.run_until_connected();
    (track, mid, sim.members[1].peer)
}

pub(crate) fn want(sim: &mut Sim, peer: PeerId, track: TrackId, max_layer: u8) {
    sim.sfu.set_down(sim.now, peer, track, DownSettings { max_layer: Some(max_layer), ..Default::default() });
}

/// Rids of the packets that arrived since `from`.
pub(crate) fn rids(sim: &Sim, from: usize) -> String {
    let mut rids: Vec<char> =
        sim.members[1].client.packets[from..].iter().filter_map(|(_, packet)| rid_of(&packet.payload)).collect();
    rids.dedup();
    rids.into_iter().collect()
}

/// One stream: numbers count up by one, a switch begins with a keyframe, time goes forward at the speed of time.
pub(crate) fn assert_one_stream(sim: &Sim, lossless: bool) {
    let packets: Vec<_> = sim.members[1].client.packets.iter().map(|(_, packet)| packet).collect();
    let mut last_rid = None;
    for (index, packet) in packets.iter().enumerate() {
        let rid = rid_of(&packet.payload);
        if rid != last_rid && lossless {
            assert_eq!(packet.payload[6] & 1, 0, "layer {rid:?} begins with a keyframe");
            assert_eq!(packet.payload[0] & 0x10, 0x10, "at its first packet");
        }
        last_rid = rid;
        let Some(before) = index.checked_sub(1).map(|index| packets[index]) else {
            continue;
        };
        if !lossless {
            continue;
        }
        assert_eq!(*packet.seq_no, *before.seq_no + 1, "sequence numbers");
        let ticks = packet.header.timestamp.wrapping_sub(before.header.timestamp) as i32;
        let picture = |packet: &str0m::rtp::RtpPacket| {
            (u16::from_be_bytes([packet.payload[2], packet.payload[3]]) & 0x7fff, packet.payload[4])
        };
        let ((id, tl0), (id_before, tl0_before)) = (picture(packet), picture(before));
        let new_picture = packet.payload[0] & 0x10 != 0;
        if new_picture {
            assert!((1..120_000).contains(&ticks), "time goes on: {ticks}");
            assert_eq!(id, (id_before + 1) & 0x7fff, "picture ids");
            assert!(tl0.wrapping_sub(tl0_before) <= 1, "tl0");
        } else {
            assert_eq!((ticks, id, tl0), (0, id_before, tl0_before), "one picture, one set of numbers");
        }
    }
}

#[test]
fn the_best_layer_is_sent_and_wishes_are_followed() {
    for seed in 40..43 {
        let mut sim = Sim::new(seed, Conditions::PERFECT);
        let (track, _, peer) = setup(&mut sim);
        sim.run_for(Duration::from_secs(3));
        let mut from = 0;
        assert!(rids(&sim, from).ends_with('f'), "{}", rids(&sim, from));
        for (layer, expected) in [(0, "fq"), (1, "qh"), (2, "hf"), (0, "fq"), (2, "qf")] {
            from = sim.members[1].client.packets.len();
            want(&mut sim, peer, track, layer);
            sim.run_for(Duration::from_secs(2));
            let seen = rids(&sim, from);
            assert!(seen == expected || seen == expected[1..], "wanted {layer}: {seen}");
        }
        assert_one_stream(&sim, true);
    }
}

/// A machine that is short of time sends smaller pictures, one layer less each second, and the best again when it has time.
#[test]
fn load_lowers_layers_and_nobody_sees_a_seam() {
    let mut sim = Sim::new(44, Conditions::PERFECT);
    setup(&mut sim);
    sim.run_for(Duration::from_secs(3));
    for (load, seconds, expected) in [(0.85, 2, 'h'), (0.85, 2, 'q'), (0.7, 6, 'q'), (0.5, 6, 'h'), (0.5, 6, 'f')] {
        sim.sfu.set_load(sim.now, load);
        sim.run_for(Duration::from_secs(seconds));
        assert!(rids(&sim, 0).ends_with(expected), "{load}: {}", rids(&sim, 0));
    }
    assert_one_stream(&sim, true);
}

#[test]
fn when_a_layer_stops_the_next_lower_takes_over_and_it_comes_back() {
    let mut sim = Sim::new(50, Conditions::PERFECT);
    setup(&mut sim);
    sim.run_for(Duration::from_secs(3));
    for (paused, expected) in [(2, 'h'), (1, 'q')] {
        sim.publishers[paused].paused = true;
        sim.run_for(Duration::from_secs(4));
        assert!(rids(&sim, 0).ends_with(expected), "{}", rids(&sim, 0));
    }
    sim.publishers[2].paused = false;
    sim.run_for(Duration::from_secs(2));
    assert!(rids(&sim, 0).ends_with('f'), "{}", rids(&sim, 0));
    assert_one_stream(&sim, true);
    let packets = &sim.members[1].client.packets;
    let span = packets.last().unwrap().1.header.timestamp.wrapping_sub(packets[0].1.header.timestamp);
    let seconds = f64::from(span) / 90_000.0;
    assert!((11.0..14.5).contains(&seconds), "13 s of pictures last {seconds} s");
}

#[test]
fn switching_under_loss_never_freezes_for_long() {
    for seed in 60..64 {
        let mut sim = Sim::new(seed, Conditions::PERFECT);
        let (track, _, peer) = setup(&mut sim);
        sim.run_for(Duration::from_secs(2));
        sim.link.conditions = Conditions::ROUGH;
        for round in 0..10u8 {
            want(&mut sim, peer, track, round % 3);
            let from = sim.members[1].client.packets.len();
            sim.run_for(Duration::from_secs(2));
            let name = ['q', 'h', 'f'][usize::from(round % 3)];
            assert!(rids(&sim, from).ends_with(name), "seed {seed} round {round}: {}", rids(&sim, from));
        }
        let numbers: Vec<u64> = sim.members[1].client.packets.iter().map(|(_, packet)| *packet.seq_no).collect();
        let distinct: HashSet<u64> = numbers.iter().copied().collect();
        assert_eq!(numbers.len(), distinct.len(), "no number twice");
        let span = numbers.iter().max().unwrap() - numbers.iter().min().unwrap() + 1;
        assert!(distinct.len() as u64 * 100 >= span * 98, "{} of {span} arrived", distinct.len());
    }
}

#[test]
fn keyframes_are_asked_at_most_twice_a_second_per_layer() {
    let mut sim = Sim::new(70, Conditions::PERFECT);
    let (track, mid, _) = setup(&mut sim);
    for _ in 0..15 {
        let member = sim.join();
        sim.subscribe(member, &[(track, MediaKind::Video)]);
    }
    sim.run_until_connected();
    let before: Vec<u64> = sim.publishers.iter().map(|publisher| publisher.keyframes).collect();
    for _ in 0..20 {
        for member in 1..sim.members.len() {
            sim.members[member].client.ask_keyframe(mid);
            for mid in sim.members[member].roles.keys().copied().collect::<Vec<_>>() {
                sim.members[member].client.ask_keyframe(mid);
            }
        }
        sim.run_for(Duration::from_millis(100));
    }
    for (publisher, before) in sim.publishers.iter().zip(before) {
        assert!(publisher.keyframes - before <= 5, "{} keyframes in 2 s", publisher.keyframes - before);
    }
    let best = &sim.publishers[2];
    assert!(best.keyframes >= 3, "but they are asked for: {}", best.keyframes);
}

#[test]
fn temporal_layers_are_dropped_without_a_trace() {
    let mut sim = Sim::new(80, Conditions::PERFECT);
    let publisher = sim.join();
    let track = sim.publish(publisher, &[(MediaKind::Video, &[])])[0];
    sim.publishers[0].temporal = true;
    let subscriber = sim.join();
    sim.subscribe(subscriber, &[(track, MediaKind::Video)]);
    sim.run_until_connected();
    let peer = sim.members[1].peer;
    let per_second = |sim: &mut Sim| {
        let before = sim.members[1].client.packets.len();
        sim.run_for(Duration::from_secs(2));
        (sim.members[1].client.packets.len() - before) / 2
    };
    sim.run_for(Duration::from_secs(1));
    assert!((85..95).contains(&per_second(&mut sim)));
    sim.sfu.set_down(sim.now, peer, track, DownSettings { max_temporal: Some(0), ..Default::default() });
    assert!((42..50).contains(&per_second(&mut sim)));
    sim.sfu.set_down(sim.now, peer, track, DownSettings::default());
    assert!((83..95).contains(&per_second(&mut sim)));
    assert_one_stream(&sim, true);
}
