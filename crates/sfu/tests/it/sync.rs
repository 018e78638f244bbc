//! Lips and voice: what was captured at one time is played at one time (RFC 3550 section 6.4.1).

use std::time::{Duration, SystemTime};

use crate::common::{Sim, sent_ms};
use sfu::{DownSettings, MediaKind};
use str0m::media::Mid;
use str0m::rtp::RtpPacket;
use testkit::link::Conditions;

/// Who watches does not notice less, in milliseconds.
const APART_MAX: f64 = 45.0;

/// When a receiver takes a frame to be captured, by the last report of its stream: milliseconds on the sender's clock.
fn reckoned_ms(packet: &RtpPacket, clock_rate: f64) -> Option<f64> {
    let report = packet.last_sender_info.as_ref()?;
    let since = packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32) as i32;
    let wallclock = report.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(wallclock.as_secs_f64() * 1000.0 + f64::from(since) / clock_rate * 1000.0)
}

/// How far the receiver's reckoning is from the truth, for each frame of a stream.
fn errors(sim: &Sim, watcher: usize, mid: Mid, clock_rate: f64, delay_ms: u64) -> Vec<f64> {
    let packets = sim.members[watcher].client.packets.iter().filter(|(on, _)| *on == mid);
    packets
        .filter_map(|(_, packet)| Some(reckoned_ms(packet, clock_rate)? - sent_ms(&packet.payload)? + delay_ms as f64))
        .collect()
}

/// Microphone and camera have clocks of their own, one of them too fast, and the camera's frames leave late; the network
/// delays both unevenly. Layers change meanwhile. In the receiver's reckoning they never come apart.
#[test]
fn lips_and_voice_stay_together() {
    let cases = [(1, 0, 0, 0.02, 10), (2, 120, 0, 0.02, 10), (3, 40, 200, 0.02, 10), (4, 0, 200, 0.02, 10)];
    // Here what the mapping of clocks begins with is lost and sent again.
    let rough = (40..44).map(|seed| (seed, 90, 0, 0.05, 40));
    for (seed, delay_ms, drift, loss, jitter_ms) in cases.into_iter().chain(rough) {
        let jitter = Duration::from_millis(jitter_ms);
        let network = Conditions { duplicate: 0.0, loss, jitter, ..Conditions::ROUGH };
        let mut sim = Sim::new(seed, network);
        let publisher = sim.join();
        let media: [(MediaKind, &[&str]); 2] = [(MediaKind::Audio, &[]), (MediaKind::Video, &["q", "h"])];
        let tracks = sim.publish(publisher, &media);
        for stream in sim.publishers.iter_mut() {
            (stream.drift, stream.delay) = match stream.kind {
                MediaKind::Audio => (drift, Duration::ZERO),
                MediaKind::Video => (0, Duration::from_millis(delay_ms)),
            };
        }
        let watcher = sim.join();
        let mids = sim.subscribe(watcher, &[(tracks[0], MediaKind::Audio), (tracks[1], MediaKind::Video)]);
        sim.run_until_connected();
        sim.run_for(Duration::from_secs(15));
        let peer = sim.members[watcher].peer;
        let (mut voice, mut lips) = (Vec::new(), Vec::new());
        for layer in [0, 1, 0, 1] {
            let settings = DownSettings { max_layer: Some(layer), ..DownSettings::default() };
            sim.sfu.set_down(sim.now, peer, tracks[1], settings);
            // A layer that begins with a picture which was sent again is some pictures late until the next report.
            sim.run_for(Duration::from_secs(3));
            sim.members[watcher].client.packets.clear();
            sim.run_for(Duration::from_secs(5));
            voice.extend(errors(&sim, watcher, mids[0], 48_000.0, 0));
            lips.extend(errors(&sim, watcher, mids[1], 90_000.0, delay_ms));
        }
        assert!(voice.len() > 850 && lips.len() > 1_500, "seed {seed}: {} and {} packets", voice.len(), lips.len());
        let all = || voice.iter().chain(&lips).copied();
        let apart = all().fold(f64::MIN, f64::max) - all().fold(f64::MAX, f64::min);
        assert!(apart < APART_MAX, "seed {seed}: {apart} ms apart");
    }
}

/// Nothing is sent for a while, so nothing is reported; afterwards the receiver is told how the clocks run again.
#[test]
fn reports_go_on_after_a_pause() {
    let mut sim = Sim::new(50, Conditions::PERFECT);
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &[(MediaKind::Audio, &[])]);
    let watcher = sim.join();
    sim.subscribe(watcher, &[(tracks[0], MediaKind::Audio)]);
    sim.run_until_connected();
    let reported = |sim: &Sim| {
        let last = sim.members[watcher].client.packets.last();
        last.and_then(|(_, packet)| packet.last_sender_info.as_ref()).map(|report| report.ntp_time)
    };
    sim.run_for(Duration::from_secs(3));
    let before = reported(&sim).expect("a report");
    sim.publishers[0].paused = true;
    sim.run_for(Duration::from_secs(15));
    sim.publishers[0].paused = false;
    sim.run_for(Duration::from_secs(2));
    let after = reported(&sim).expect("a report");
    assert!(after.duration_since(before).expect("later") > Duration::from_secs(14));
}
