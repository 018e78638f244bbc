//! The server offers: the subscriber's side of two peer connections.

use std::time::Duration;

use crate::common::Sim;
use sfu::{AddedTrack, Channel, Event, MediaKind, OfferChange, PeerId, SfuError, TrackId};
use testkit::link::Conditions;

const MEDIA: [(MediaKind, &[&str]); 2] = [(MediaKind::Audio, &[]), (MediaKind::Video, &[])];

fn added(track: TrackId, kind: MediaKind) -> AddedTrack {
    AddedTrack { track, kind, stream_id: format!("PA_a|TR_{}", track.0), track_id: format!("TR_{}", track.0) }
}

fn both(tracks: &[TrackId]) -> Vec<AddedTrack> {
    vec![added(tracks[0], MediaKind::Audio), added(tracks[1], MediaKind::Video)]
}

/// One round of offer and answer. The sections of all tracks sent, and the offer's text.
fn renegotiate(sim: &mut Sim, member: usize, change: OfferChange) -> (Vec<(TrackId, String)>, String) {
    let peer = sim.members[member].peer;
    let offered = sim.sfu.create_offer(sim.now, peer, change).unwrap().expect("a change");
    sim.sfu.flush(sim.now);
    assert_eq!(sim.sfu.create_offer(sim.now, peer, OfferChange::default()), Err(SfuError::OfferPending));
    let answer = sim.members[member].client.accept_offer(&offered.sdp);
    sim.sfu.accept_answer(sim.now, peer, &answer).unwrap();
    sim.sfu.flush(sim.now);
    (offered.mids, offered.sdp)
}

fn heard(sim: &Sim, member: usize, mids: &[(TrackId, String)], track: TrackId) -> (usize, bool) {
    let mid = &mids.iter().find(|(known, _)| *known == track).unwrap().1;
    let heard = sim.heard(member, mid.as_str().into());
    (heard.len(), heard.iter().all(|(from, _)| *from == track))
}

#[test]
fn tracks_come_and_go_and_sections_are_used_again() {
    let mut sim = Sim::new(90, Conditions::PERFECT);
    let first = sim.join();
    let a = sim.publish(first, &MEDIA);
    let second = sim.join();
    let b = sim.publish(second, &MEDIA);
    let subscriber = sim.join();
    let (mids, sdp) =
        renegotiate(&mut sim, subscriber, OfferChange { add: both(&a), add_channels: true, ..Default::default() });
    assert!(sdp.contains(&format!("a=msid:PA_a|TR_{0} TR_{0}\r\n", a[0].0)), "{sdp}");
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(2));
    assert!(matches!(heard(&sim, subscriber, &mids, a[0]), (90.., true)));
    assert!(matches!(heard(&sim, subscriber, &mids, a[1]), (150.., true)));
    let (mut mids, _) = renegotiate(&mut sim, subscriber, OfferChange { add: both(&b), ..Default::default() });
    assert_eq!(mids.len(), 4);
    sim.run_for(Duration::from_secs(2));
    assert!(matches!(heard(&sim, subscriber, &mids, b[1]), (150.., true)));
    // Ten rounds of leaving and coming: the description does not grow.
    let mut length = 0;
    for round in 0..10 {
        renegotiate(&mut sim, subscriber, OfferChange { remove: a.clone(), ..Default::default() });
        sim.run_for(Duration::from_millis(300));
        let (again, sdp) = renegotiate(&mut sim, subscriber, OfferChange { add: both(&a), ..Default::default() });
        let sections = sdp.matches("\r\nm=").count();
        assert!(round == 0 || sections == length, "{sections} sections after {round} rounds");
        length = sections;
        sim.members[subscriber].client.packets.clear();
        sim.run_for(Duration::from_secs(1));
        mids = again;
        for track in a.iter().chain(&b) {
            let (count, only) = heard(&sim, subscriber, &mids, *track);
            assert!(count >= 40 && only, "round {round} {track:?}: {count} {only}");
        }
    }
    assert_eq!(length, 5);
    // Another track on a section that carried one before is named after the new one.
    renegotiate(&mut sim, subscriber, OfferChange { remove: vec![a[1]], ..Default::default() });
    let third = sim.join();
    let c = sim.publish(third, &[(MediaKind::Video, &[])]);
    let (again, sdp) = renegotiate(
        &mut sim,
        subscriber,
        OfferChange { add: vec![added(c[0], MediaKind::Video)], ..Default::default() },
    );
    assert_eq!(mids.iter().find(|(t, _)| *t == a[1]).unwrap().1, again.iter().find(|(t, _)| *t == c[0]).unwrap().1);
    assert!(sdp.contains(&format!("a=msid:PA_a|TR_{0} TR_{0}\r\n", c[0].0)));
    assert!(!sdp.contains(&format!(" TR_{}\r\n", a[1].0)), "the old name is gone: {sdp}");
    sim.members[subscriber].client.packets.clear();
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(2));
    assert!(matches!(heard(&sim, subscriber, &again, c[0]), (100.., true)));
    assert_eq!(sim.sfu.counters().faults, 0);
}

#[test]
fn an_ice_restart_by_the_server_keeps_media() {
    let mut sim = Sim::new(91, Conditions::PERFECT);
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &MEDIA);
    let subscriber = sim.join();
    let (mids, before) =
        renegotiate(&mut sim, subscriber, OfferChange { add: both(&tracks), add_channels: true, ..Default::default() });
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(1));
    let (_, after) = renegotiate(&mut sim, subscriber, OfferChange { ice_restart: true, ..Default::default() });
    let ufrag = |sdp: &str| sdp.lines().find(|line| line.starts_with("a=ice-ufrag")).unwrap().to_owned();
    assert_ne!(ufrag(&before), ufrag(&after));
    let address = "10.8.8.8:7000".parse().unwrap();
    sim.members[subscriber].client.address = address;
    sim.run_for(Duration::from_secs(6));
    let (count, only) = heard(&sim, subscriber, &mids, tracks[0]);
    assert!(count > 300 && only, "{count}");
}

#[test]
fn channels_of_the_server_open() {
    let mut sim = Sim::new(92, Conditions::PERFECT);
    let subscriber = sim.join();
    renegotiate(&mut sim, subscriber, OfferChange { add_channels: true, ..Default::default() });
    sim.run_until_connected();
    sim.run_until(Duration::from_secs(3), "channels", |sim| {
        [Channel::Reliable, Channel::Lossy, Channel::DataTrack].iter().all(|channel| sim.channel_open(0, *channel))
            && sim.members[0].client.channels.len() == 3
    });
    let peer = sim.members[0].peer;
    for channel in [Channel::Reliable, Channel::Lossy, Channel::DataTrack] {
        assert!(sim.sfu.send_data(sim.now, peer, channel, b"hello"));
    }
    sim.run_until(Duration::from_secs(2), "messages", |sim| sim.members[0].client.messages.len() == 3);
    assert!(sim.has_event(&Event::Connected(peer)));
}

#[test]
fn wrong_order_is_an_error_not_a_fault() {
    let mut sim = Sim::new(93, Conditions::PERFECT);
    let subscriber = sim.join();
    let peer = sim.members[subscriber].peer;
    assert_eq!(sim.sfu.accept_answer(sim.now, peer, "v=0"), Err(SfuError::NoOfferPending));
    assert_eq!(sim.sfu.create_offer(sim.now, peer, OfferChange::default()), Ok(None));
    assert_eq!(sim.sfu.create_offer(sim.now, PeerId(77), OfferChange::default()), Err(SfuError::UnknownPeer));
    let change = OfferChange { add_channels: true, ..Default::default() };
    sim.sfu.create_offer(sim.now, peer, change).unwrap().unwrap();
    assert!(matches!(sim.sfu.accept_answer(sim.now, peer, "nonsense"), Err(SfuError::Sdp(_))));
    assert!(matches!(sim.sfu.accept_offer(sim.now, peer, "nonsense", &[]), Err(SfuError::Sdp(_))));
    assert!(matches!(sim.sfu.accept_offer(sim.now, peer, &"x".repeat(600_000), &[]), Err(SfuError::Limit(_))));
    assert_eq!(sim.sfu.counters().faults, 0);
}

/// An answer in which one number stands for two codecs is refused before str0m sees it, and the true one still counts.
#[test]
fn an_answer_that_maps_a_number_twice_is_refused() {
    let mut sim = Sim::new(94, Conditions::PERFECT);
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &MEDIA);
    let subscriber = sim.join();
    let peer = sim.members[subscriber].peer;
    let change = OfferChange { add: both(&tracks), add_channels: true, ..Default::default() };
    let offered = sim.sfu.create_offer(sim.now, peer, change).unwrap().expect("a change");
    let answer = sim.members[subscriber].client.accept_offer(&offered.sdp);
    let line = answer.lines().find(|line| line.ends_with(" VP8/90000")).expect("VP8 is taken");
    let twice = answer.replace(line, &format!("{line}\r\n{}", line.replace("VP8", "VP9")));
    assert!(matches!(sim.sfu.accept_answer(sim.now, peer, &twice), Err(SfuError::Sdp(_))));
    sim.sfu.flush(sim.now);
    assert_eq!((sim.sfu.counters().faults, sim.sfu.counters().panics), (0, 0));
    assert_eq!(sim.sfu.accept_answer(sim.now, peer, &answer), Ok(()));
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(1));
    assert!(matches!(heard(&sim, subscriber, &offered.mids, tracks[0]), (20.., true)));
}

/// A section that is used again has another stream: what its receiver reported on the one before says nothing about it.
#[test]
fn a_section_used_again_is_measured_afresh() {
    let mut sim = Sim::new(95, Conditions::PERFECT);
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &[(MediaKind::Audio, &[])]);
    let subscriber = sim.join();
    let audio = || vec![added(tracks[0], MediaKind::Audio)];
    renegotiate(&mut sim, subscriber, OfferChange { add: audio(), add_channels: true, ..Default::default() });
    sim.run_until_connected();
    for _ in 0..8 {
        sim.run_for(Duration::from_secs(21));
        renegotiate(&mut sim, subscriber, OfferChange { remove: tracks.clone(), ..Default::default() });
        renegotiate(&mut sim, subscriber, OfferChange { add: audio(), ..Default::default() });
    }
    sim.run_for(Duration::from_secs(21));
    let counters = sim.sfu.counters();
    assert!(counters.packets_reported > 1_000, "reports came: {counters:?}");
    assert!(counters.packets_reported <= counters.forwarded, "more than was sent: {counters:?}");
}
