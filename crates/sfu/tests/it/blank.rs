//! A camera is switched off: whoever watches it sees black, not its last picture.

use std::time::Duration;

use crate::common::Sim;
use sfu::{DownSettings, MediaKind, TrackId};
use str0m::media::Mid;
use str0m::rtp::RtpPacket;
use testkit::link::Conditions;

/// A camera, somebody who watches it and somebody who does not.
fn room(seed: u64, h264: bool, conditions: Conditions) -> (Sim, TrackId, [Mid; 2]) {
    let mut sim = Sim::new(seed, conditions);
    let publisher = sim.join();
    let track = sim.publish(publisher, &[(MediaKind::Video, &[])])[0];
    sim.publishers[0].h264 = h264;
    let mids = [1, 2].map(|_| {
        let member = sim.join();
        sim.subscribe(member, &[(track, MediaKind::Video)])[0]
    });
    let hidden = DownSettings { paused: true, ..DownSettings::default() };
    sim.sfu.set_down(sim.now, sim.members[2].peer, track, hidden);
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(2));
    (sim, track, mids)
}

fn received(sim: &Sim, member: usize, mid: Mid) -> Vec<&RtpPacket> {
    sim.members[member].client.packets.iter().filter(|(on, _)| *on == mid).map(|(_, packet)| packet).collect()
}

/// Of our own making: too short to carry what the publishers write into theirs.
fn is_ours(packet: &RtpPacket) -> bool {
    packet.payload.len() < 60
}

/// The last picture before is complete, then black comes a few times, and what the publisher sends later begins with a
/// keyframe; all numbered as one stream.
#[test]
fn who_watches_sees_black_and_then_the_camera_again() {
    for h264 in [false, true] {
        let (mut sim, track, mids) = room(500, h264, Conditions::PERFECT);
        sim.sfu.set_track_muted(sim.now, track, true);
        sim.run_for(Duration::from_secs(2));
        sim.sfu.set_track_muted(sim.now, track, false);
        sim.run_for(Duration::from_secs(2));
        assert!(received(&sim, 2, mids[1]).is_empty(), "nobody looks there");
        let packets = received(&sim, 1, mids[0]);
        let ours: Vec<usize> = (0..packets.len()).filter(|at| is_ours(packets[*at])).collect();
        let pictures = if h264 { ours.chunks(3) } else { ours.chunks(1) };
        assert_eq!(pictures.len(), 5);
        for picture in pictures {
            let first = packets[picture[0]];
            let before = packets[picture[0] - 1];
            assert!(before.header.marker, "the one before is whole");
            let ticks = first.header.timestamp.wrapping_sub(before.header.timestamp);
            assert!((1..=90_000 / 5).contains(&ticks), "{ticks}: as time goes by");
            for (at, index) in picture.iter().enumerate() {
                let packet = packets[*index];
                assert_eq!(packet.header.timestamp, first.header.timestamp);
                assert_eq!(packet.header.marker, at + 1 == picture.len());
                if h264 {
                    assert_eq!(packet.payload[0] & 0x1f, [7, 8, 5][at], "parameter sets before the slice");
                } else {
                    let (head, key) = packet.payload.split_at(6);
                    assert_eq!((head[0], head[1]), (0x90, 0xe0), "the descriptor that the stream has");
                    assert_eq!((key[0] & 1, &key[3..10]), (0, &[0x9d, 1, 0x2a, 16, 0, 16, 0][..]));
                }
            }
        }
        for pair in packets.windows(2) {
            assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
        }
        if !h264 {
            let numbers = |packet: &RtpPacket| {
                let id = u16::from_be_bytes([packet.payload[2], packet.payload[3]]) & 0x7fff;
                (id, packet.payload[4])
            };
            for pair in packets.windows(2).filter(|pair| pair[0].header.marker) {
                let (before, after) = (numbers(pair[0]), numbers(pair[1]));
                let expected = ((before.0 + 1) & 0x7fff, before.1.wrapping_add(1));
                assert_eq!(after, expected, "picture id and temporal index count on");
            }
        }
        let again = packets[*ours.last().unwrap() + 1];
        let begins = if h264 { again.payload[0] == 0x65 } else { again.payload[6] & 1 == 0 };
        assert!(begins, "the camera begins with a keyframe");
    }
}

/// One in ten packets is lost, and nothing follows that would tell; black comes all the same.
#[test]
fn black_is_seen_where_packets_are_lost() {
    for seed in 501..521 {
        let lossy = Conditions { loss: 0.1, ..Conditions::PERFECT };
        let (mut sim, track, mids) = room(seed, false, lossy);
        sim.sfu.set_track_muted(sim.now, track, true);
        sim.run_for(Duration::from_secs(1));
        assert!(received(&sim, 1, mids[0]).iter().any(|packet| is_ours(packet)), "seed {seed}");
    }
}

/// Who switches it on again at once gets no black in between, and what is encrypted end to end is left alone.
#[test]
fn no_black_where_it_would_disturb() {
    let (mut sim, track, mids) = room(521, false, Conditions::PERFECT);
    let ours = |sim: &Sim| received(sim, 1, mids[0]).into_iter().filter(|packet| is_ours(packet)).count();
    sim.sfu.set_track_muted(sim.now, track, true);
    sim.run_for(Duration::from_millis(50));
    sim.sfu.set_track_muted(sim.now, track, false);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(ours(&sim), 1);
    sim.sfu.set_track_encrypted(track);
    sim.sfu.set_track_muted(sim.now, track, true);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(ours(&sim), 1);
}
