//! Several clients around one server: who gets what.

use std::time::Duration;

use crate::common::Sim;
use sfu::{Channel, Event, MediaKind, TrackId};
use testkit::link::Conditions;

const CAMERA_AND_MICROPHONE: [(MediaKind, &[&str]); 2] = [(MediaKind::Audio, &[]), (MediaKind::Video, &[])];

/// Three clients, each with microphone and camera, each subscribed to both others.
fn three(sim: &mut Sim) {
    let tracks: Vec<Vec<TrackId>> = (0..3)
        .map(|_| {
            let member = sim.join();
            sim.publish(member, &CAMERA_AND_MICROPHONE)
        })
        .collect();
    for member in 0..3 {
        for other in (0..3).filter(|other| *other != member) {
            sim.subscribe(member, &[(tracks[other][0], MediaKind::Audio), (tracks[other][1], MediaKind::Video)]);
        }
    }
}

#[test]
fn three_clients_hear_and_see_exactly_the_others() {
    let seed = 1;
    let mut sim = Sim::new(seed, Conditions::PERFECT);
    three(&mut sim);
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(3));
    for member in 0..3 {
        for (mid, (kind, role)) in sim.members[member].roles.clone() {
            let sfu::SectionRole::Send { track } = role else {
                continue;
            };
            let heard = sim.heard(member, mid);
            assert!(heard.iter().all(|(from, _)| *from == track), "only the subscribed track");
            let counters: Vec<u64> = heard.iter().map(|(_, counter)| *counter).collect();
            let expected = if kind == MediaKind::Audio { 100 } else { 200 };
            assert!(counters.len() > expected, "{kind:?}: {} packets", counters.len());
            assert!(counters.windows(2).all(|pair| pair[1] == pair[0] + 1), "each packet once, in order");
        }
    }
    assert_eq!(sim.sfu.counters().unknown_datagrams, 0);
    assert_eq!(sim.sfu.counters().faults, 0);
}

#[test]
fn data_reaches_the_server_and_comes_back() {
    let mut sim = Sim::new(2, Conditions::PERFECT);
    let member = sim.join();
    sim.publish(member, &CAMERA_AND_MICROPHONE);
    sim.run_until_connected();
    sim.run_until(Duration::from_secs(5), "channels open", |sim| {
        [Channel::Reliable, Channel::Lossy, Channel::DataTrack].iter().all(|channel| sim.channel_open(0, *channel))
            && sim.members[0].client.channels.len() == 3
    });
    let peer = sim.members[0].peer;
    assert!(sim.members[0].client.send_data("_lossy", b"up"));
    assert!(sim.sfu.send_data(sim.now, peer, Channel::Reliable, b"down"));
    sim.run_until(Duration::from_secs(2), "both messages", |sim| {
        sim.has_event(&Event::Data(peer, Channel::Lossy, b"up".to_vec()))
            && sim.members[0].client.messages == [("_reliable".to_owned(), b"down".to_vec())]
    });
}

#[test]
fn negotiated_channels_need_no_opening() {
    let mut sim = Sim::new(3, Conditions::PERFECT);
    let options = sfu::PeerOptions { negotiated_channels: true, ice_lite: true, ..Default::default() };
    let member = sim.add(options);
    sim.negotiate(member, |api| {
        for (label, stream) in [("_reliable", 100), ("_lossy", 101), ("_data_track", 102)] {
            api.add_channel_with_config(str0m::channel::ChannelConfig {
                label: label.to_owned(),
                negotiated: Some(stream),
                ..Default::default()
            });
        }
    });
    sim.run_until_connected();
    sim.run_until(Duration::from_secs(3), "channels", |sim| {
        [Channel::Reliable, Channel::Lossy, Channel::DataTrack].iter().all(|channel| sim.channel_open(0, *channel))
            && sim.members[0].client.channels.len() == 3
    });
    let peer = sim.members[0].peer;
    assert!(sim.members[0].client.send_data("_data_track", b"up"));
    assert!(sim.sfu.send_data(sim.now, peer, Channel::DataTrack, b"down"));
    sim.run_until(Duration::from_secs(2), "both messages", |sim| {
        sim.has_event(&Event::Data(peer, Channel::DataTrack, b"up".to_vec()))
            && sim.members[0].client.messages == [("_data_track".to_owned(), b"down".to_vec())]
    });
}

#[test]
fn transport_feedback_is_asked_for_what_is_received_and_for_video() {
    // Some write descriptions without carriage returns, and parsers take them.
    for line_end in ["\r\n", "\n"] {
        let mut sim = Sim::new(4, Conditions::PERFECT);
        let member = sim.join();
        let (mids, offer) = sim.members[member].client.offer(|api| {
            let video = str0m::media::MediaKind::Video;
            let audio = str0m::media::MediaKind::Audio;
            let receivers = [testkit::client::add_receiver(api, audio), testkit::client::add_receiver(api, video)];
            let senders = [testkit::client::add_sender(api, audio, &[]), testkit::client::add_sender(api, video, &[])];
            [receivers, senders].concat()
        });
        let plan = |mid: &str, kind, role| sfu::SectionPlan { mid: mid.to_owned(), kind, role };
        let plan = [
            plan(&mids[0], MediaKind::Audio, sfu::SectionRole::Send { track: TrackId(1) }),
            plan(&mids[1], MediaKind::Video, sfu::SectionRole::Send { track: TrackId(2) }),
            plan(&mids[2], MediaKind::Audio, sfu::SectionRole::Receive { track: TrackId(3) }),
            plan(&mids[3], MediaKind::Video, sfu::SectionRole::Receive { track: TrackId(4) }),
        ];
        let facts =
            sim.sfu.accept_offer(sim.now, sim.members[member].peer, &offer.replace("\r\n", line_end), &plan).unwrap();
        let has =
            |index: usize| facts.sections[index].extensions.iter().any(|(_, uri)| uri.contains("transport-wide-cc"));
        assert_eq!([0, 1, 2, 3].map(has), [false, true, true, true]);
        assert!(!facts.sections[0].payload_types.is_empty() && facts.sections[0].ssrc.is_some());
    }
}

/// A plan may name one track for two sections, so that each offer binds both anew: every stream goes on with its own numbers. A
/// number used twice is a replay to the receiver, which drops the packet.
#[test]
fn no_stream_uses_a_number_twice() {
    let mut sim = Sim::new(5, Conditions::PERFECT);
    let publisher = sim.join();
    let track = sim.publish(publisher, &[(MediaKind::Audio, &[])])[0];
    let watcher = sim.join();
    let mids = sim.subscribe(watcher, &[(track, MediaKind::Audio), (track, MediaKind::Audio)]);
    sim.run_until_connected();
    for _ in 0..4 {
        sim.run_for(Duration::from_secs(1));
        sim.negotiate(watcher, |api| testkit::client::add_receiver(api, str0m::media::MediaKind::Video));
    }
    sim.run_for(Duration::from_secs(1));
    let heard = |mid| sim.heard(watcher, mid).into_iter().map(|(_, counter)| counter);
    let mut all: Vec<u64> = mids.iter().flat_map(|mid| heard(*mid)).collect();
    all.sort_unstable();
    assert!(all.len() > 200 && all.windows(2).all(|pair| pair[1] == pair[0] + 1), "each packet once: {all:?}");
}
