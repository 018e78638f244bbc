//! Pictures that can be decoded: late joiners, mute, layers.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::sim::{Mode, SimRoom, claims};
use crate::{all_hear_all, forget_received, room_of};

/// Encoders make keyframes only when asked: somebody who comes late sees a picture at once all the same.
#[test]
fn a_late_joiner_sees_a_picture() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = room_of(60, Conditions::PERFECT, &[mode, Mode::Single]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        sim.run(Duration::from_secs(5));
        sim.join("late", mode);
        sim.wait_for("the late one sees all", Duration::from_secs(2), |sim| all_hear_all(sim, 5));
        assert_eq!(
            sim.clients.iter().map(|client| client.undecodable).sum::<usize>(),
            0,
            "a picture without beginning"
        );
    }
}

/// Mute stops the packets and tells everybody; unmute brings them back, a picture with a keyframe.
#[test]
fn mute_stops_forwarding() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = room_of(61, Conditions::PERFECT, &[mode, mode]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        for mark in [1, 2] {
            let sid = sim.clients[0].sent[usize::from(mark) - 1].sid.clone();
            let told = |sim: &SimRoom, muted: bool| {
                let tracks = sim.clients[1].others.values().flat_map(|other| &other.tracks);
                tracks.clone().any(|track| track.sid == sid && track.muted == muted)
            };
            // The publisher goes on sending: what is muted is not forwarded, whatever comes.
            let request = |muted| Request::Mute(proto::MuteTrackRequest { sid: sid.clone(), muted });
            sim.request(0, request(true));
            sim.wait("the other is told", |sim| told(sim, true));
            sim.run(Duration::from_secs(1));
            forget_received(&mut sim);
            sim.run(Duration::from_secs(1));
            assert!(!sim.clients[1].received.contains_key(&sid), "packets of a muted track were forwarded");
            assert_eq!(sim.clients[1].blanks.contains_key(&sid), mark == 2, "a picture ends black");
            sim.request(0, request(false));
            sim.wait_for("it is back", Duration::from_secs(1), |sim| sim.clients[1].hears(&sid, mark, 5));
        }
        assert_eq!(sim.clients[1].undecodable, 0, "a picture without beginning");
    }
}

/// Nothing of ours is put into what only the clients can read.
#[test]
fn an_encrypted_picture_does_not_end_black() {
    let mut sim = SimRoom::new(62, Conditions::PERFECT);
    for identity in ["watcher", "sender"] {
        sim.join(identity, Mode::Single);
    }
    for (mark, encryption) in [(1, proto::encryption::Type::None), (2, proto::encryption::Type::Gcm)] {
        sim.publish_with(1, MediaKind::Video, mark, |add| add.encryption = encryption as i32);
        sim.wait("it is seen", |sim| all_hear_all(sim, 5));
        sim.mute(1, mark, true);
        sim.run(Duration::from_secs(1));
        let sid = &sim.clients[1].sent[usize::from(mark) - 1].sid;
        assert_eq!(sim.clients[0].blanks.contains_key(sid), mark == 1);
    }
}

/// Of simulcast encodings each subscriber gets the one it asked for, and changes over without a broken picture.
#[test]
fn layers_follow_the_wish() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = SimRoom::new(62, Conditions::PERFECT);
        sim.join("sender", mode);
        sim.join("watcher", mode);
        sim.join("other watcher", Mode::Single);
        sim.publish_layers(0, MediaKind::Video, 70, &["q", "h", "f"]);
        let sees = |sim: &SimRoom, watcher: usize, layer: u8| {
            let sid = &sim.clients[0].sent[0].sid;
            sim.clients[watcher].count(sid, 70 + layer) >= 10
        };
        sim.wait("both see the best", |sim| sees(sim, 1, 2) && sees(sim, 2, 2));
        for layer in [0u8, 2, 1] {
            let settings = proto::UpdateTrackSettings {
                track_sids: vec![sim.clients[0].sent[0].sid.clone()],
                quality: i32::from(layer),
                ..proto::UpdateTrackSettings::default()
            };
            sim.request(1, Request::TrackSetting(settings));
            sim.run(Duration::from_secs(1));
            forget_received(&mut sim);
            sim.wait("each sees its layer", |sim| sees(sim, 1, layer) && sees(sim, 2, 2));
            let kinds =
                |watcher: usize| sim.clients[watcher].received.values().map(std::collections::BTreeMap::len).sum();
            assert_eq!((kinds(1), kinds(2)), (1usize, 1usize), "one layer each");
        }
        assert_eq!(
            sim.clients.iter().map(|client| client.undecodable).sum::<usize>(),
            0,
            "a picture without beginning"
        );
    }
}

/// Over a bad network, with people who come and go, everybody who is there sees and hears the others.
#[test]
fn coming_and_going_over_a_rough_network() {
    for seed in 63..66 {
        let mut sim = room_of(seed, Conditions::ROUGH, &[Mode::Single, Mode::Dual]);
        sim.signal_delay = Duration::from_millis(25);
        for round in 0..3u8 {
            let mode = if round % 2 == 0 { Mode::Dual } else { Mode::Single };
            let index = sim.join(&format!("guest-{round}"), mode);
            sim.publish(index, MediaKind::Video, 90 + round);
            sim.wait("all hear all", |sim| all_hear_all(sim, 10));
            sim.request(index, Request::Leave(proto::LeaveRequest::default()));
            sim.run(Duration::from_millis(30));
            sim.clients[index].closed = true;
        }
        sim.wait("all hear all", |sim| all_hear_all(sim, 10));
    }
}

/// Somebody hidden is in nobody's list and receives everything.
#[test]
fn a_hidden_participant_watches() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = room_of(67, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
        let mut hidden = claims("hidden", "room");
        hidden.video.as_mut().expect("a grant").hidden = true;
        let hidden = sim.join_as(hidden, mode).expect("admitted");
        sim.wait("all hear all", |sim| all_hear_all(sim, 10));
        sim.resume(hidden);
        sim.publish(0, MediaKind::Audio, 80);
        sim.wait("all hear all", |sim| all_hear_all(sim, 10));
        let sid = sim.clients[hidden].sid.clone();
        let told = sim.clients[..2].iter().any(|client| client.others.contains_key(&sid));
        assert!(!told, "somebody was told of who is hidden");
    }
}

/// Fifty people come within ten seconds. Each sees a picture soon, no publisher is asked for more than two keyframes a second
/// and encoding, and whoever watched before goes on watching: at most half a second without a picture.
#[test]
fn a_storm_of_joins_asks_for_few_keyframes() {
    const LAYERS: [&str; 3] = ["q", "h", "f"];
    let mut sim = SimRoom::new(68, Conditions { loss: 0.0, ..Conditions::ROUGH });
    sim.join("sender", Mode::Single);
    sim.join("watcher", Mode::Single);
    sim.publish_layers(0, MediaKind::Video, 70, &LAYERS);
    let sid = sim.clients[0].sent[0].sid.clone();
    let seen = |sim: &SimRoom, client: usize| (0..3).map(|layer| sim.clients[client].count(&sid, 70 + layer)).sum();
    sim.wait("a picture", |sim| seen(sim, 1) > 10);
    let (asked_before, start) = (sim.node.counters().keyframes_asked, sim.now);
    let mut last: usize = seen(&sim, 1);
    for guest in 0..50 {
        let mode = if guest % 2 == 0 { Mode::Single } else { Mode::Dual };
        let index = sim.join(&format!("guest-{guest}"), mode);
        // Some want a small picture.
        let quality = [proto::VideoQuality::Low, proto::VideoQuality::Medium, proto::VideoQuality::High][guest % 3];
        let settings = proto::UpdateTrackSettings {
            track_sids: vec![sid.clone()],
            quality: quality as i32,
            ..proto::UpdateTrackSettings::default()
        };
        sim.request(index, Request::TrackSetting(settings));
        sim.run(Duration::from_millis(200));
        if guest % 2 == 1 {
            let now = seen(&sim, 1);
            assert!(now > last, "nothing for 400 ms when guest {guest} came");
            last = now;
        }
    }
    sim.wait_for("all see", Duration::from_secs(3), |sim| (1..52).all(|client| seen(sim, client) > 0));
    let asked = sim.node.counters().keyframes_asked - asked_before;
    let most = (2.0 * (sim.now - start).as_secs_f64() + 1.0) * LAYERS.len() as f64;
    assert!(asked as f64 <= most, "{asked} keyframes, {most} are allowed");
    assert!(asked >= 10, "{asked} are too few to have served all");
}
