//! What a call survives: loss, a new network, an ICE restart, a peer that breaks, a reader that does not read.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::Sim;
use sfu::{Channel, DownSettings, Event, Limits, MediaKind, PeerId, PeerOptions, SectionRole, TrackId};
use str0m::media::Mid;
use testkit::link::Conditions;

const AUDIO: (MediaKind, &[&str]) = (MediaKind::Audio, &[]);
const VIDEO: (MediaKind, &[&str]) = (MediaKind::Video, &[]);

/// A publisher (member 0) and a subscriber (member 1), connected.
fn two(sim: &mut Sim, lite: bool) -> (Vec<TrackId>, Vec<Mid>) {
    let options = PeerOptions { ice_lite: lite, ..Default::default() };
    let publisher = sim.add(options);
    let tracks = sim.publish(publisher, &[AUDIO, VIDEO]);
    let subscriber = sim.add(options);
    let mids = sim.subscribe(subscriber, &[(tracks[0], MediaKind::Audio), (tracks[1], MediaKind::Video)]);
    if !lite {
        trickle(sim);
    }
    sim.run_until_connected();
    (tracks, mids)
}

/// Tell the server where its clients are, as browsers do.
fn trickle(sim: &mut Sim) {
    for member in &sim.members {
        let candidate = str0m::Candidate::host(member.client.address, "udp").unwrap().to_sdp_string();
        sim.sfu.add_remote_candidate(sim.now, member.peer, &candidate);
    }
}

fn counters(sim: &Sim, member: usize, mid: Mid) -> Vec<u64> {
    sim.heard(member, mid).into_iter().map(|(_, counter)| counter).collect()
}

#[test]
fn lost_video_is_sent_again_on_both_ways() {
    for seed in 10..14 {
        let mut sim = Sim::new(seed, Conditions::PERFECT);
        let (_, mids) = two(&mut sim, true);
        sim.run_for(Duration::from_secs(1));
        sim.link.conditions = Conditions::ROUGH;
        sim.run_for(Duration::from_secs(10));
        sim.link.conditions = Conditions::PERFECT;
        sim.run_for(Duration::from_secs(1));
        let mut video = counters(&sim, 1, mids[1]);
        let arrived = video.len();
        video.sort_unstable();
        video.dedup();
        assert_eq!(arrived, video.len(), "nothing twice");
        let expected = video.last().unwrap() - video.first().unwrap() + 1;
        // 5 % lost twice on the way: about 10 % would be missing.
        assert!(video.len() as u64 * 1000 >= expected * 995, "{} of {expected}", video.len());
        let audio = counters(&sim, 1, mids[0]);
        assert!(audio.len() > 400, "audio goes on: {}", audio.len());
    }
}

#[test]
fn without_ice_lite_it_connects_too() {
    let mut sim = Sim::new(20, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, false);
    sim.run_for(Duration::from_secs(2));
    assert!(counters(&sim, 1, mids[1]).len() > 100);
}

#[test]
fn an_ice_restart_keeps_media_and_numbers() {
    let mut sim = Sim::new(21, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    for member in [0, 1] {
        let before = sim.sfu.sizes();
        sim.negotiate(member, |api| api.ice_restart(true));
        assert_eq!(sim.sfu.sizes()[2], before[2], "the old user name is forgotten");
        sim.run_for(Duration::from_secs(5));
    }
    for mid in mids {
        let counters = counters(&sim, 1, mid);
        let gaps = counters.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert_eq!(gaps, 0, "not a packet is missing");
        assert!(counters.len() > 300);
    }
    assert_eq!(sim.sfu.counters().faults, 0);
}

#[test]
fn a_new_address_is_learned() {
    let mut sim = Sim::new(22, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    // The NAT in front of the subscriber forgets its mapping: same user name, another address.
    let moved: SocketAddr = "10.9.9.9:6000".parse().unwrap();
    sim.members[1].client.address = moved;
    sim.run_for(Duration::from_secs(1));
    let before = counters(&sim, 1, mids[0]).len();
    sim.negotiate(1, |api| api.ice_restart(true));
    sim.run_for(Duration::from_secs(8));
    let after = counters(&sim, 1, mids[0]).len();
    assert!(after > before + 200, "media follows: {before} -> {after}");
    assert!(sim.sfu.counters().unknown_datagrams < 20, "only what came before the new address was proven");
}

/// Without an ICE restart, and long before the old path counts as dead.
#[test]
fn media_follows_a_client_whose_port_changes() {
    let mut sim = Sim::new(24, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    let before = counters(&sim, 1, mids[0]).len();
    sim.members[1].client.address.set_port(6001);
    sim.run_for(Duration::from_secs(5));
    let heard = counters(&sim, 1, mids[0]).len() - before;
    assert!(heard > 100, "at most one ping's time is missing: {heard} of 250 packets");
}

/// UDP dies in the middle of a call and the client goes over to ICE-TCP; later UDP works again.
#[test]
fn media_follows_a_client_from_udp_to_tcp_and_back() {
    let mut sim = Sim::new(25, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    let over_tcp: SocketAddr = "10.9.9.9:6000".parse().unwrap();
    sim.over_tcp.insert(over_tcp);
    for (way, address) in [("TCP", over_tcp), ("UDP", "10.9.9.9:6001".parse().unwrap())] {
        let before = counters(&sim, 1, mids[0]).len();
        sim.members[1].client.address = address;
        sim.run_for(Duration::from_secs(5));
        let heard = counters(&sim, 1, mids[0]).len() - before;
        assert!(heard > 100, "{way}: at most one ping's time is missing: {heard} of 250 packets");
    }
}

#[test]
fn a_client_that_vanishes_is_reported() {
    let mut sim = Sim::new(23, Conditions::PERFECT);
    two(&mut sim, true);
    sim.run_for(Duration::from_secs(1));
    sim.members[1].client.rtc.disconnect();
    let (peer, since) = (sim.members[1].peer, sim.now);
    let sent = |sim: &Sim| sim.media_sent.get(&sim.members[1].client.address).copied().unwrap_or_default();
    assert!(sent(&sim) > 0);
    sim.run_until(Duration::from_secs(40), "the disconnect is noticed", |sim| {
        sim.has_event(&Event::Disconnected(peer))
    });
    let took = sim.now - since;
    assert!((8..20).contains(&took.as_secs()), "{took:?}");
    assert!(!sim.has_event(&Event::Disconnected(sim.members[0].peer)));
    let until_then = sent(&sim);
    sim.run_for(Duration::from_secs(3));
    assert_eq!(sent(&sim), until_then, "nothing more is sent to who does not answer");
}

#[test]
fn a_forged_user_name_does_not_take_over_a_call() {
    let mut sim = Sim::new(24, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(1));
    // A STUN request with the right name, from elsewhere, without knowing the password.
    let ufrag = sim.members[1].client.rtc.direct_api().local_ice_credentials().ufrag;
    let mut names: Vec<String> = Vec::new();
    names.push(format!("{}:{ufrag}", server_ufrag(&mut sim)));
    for name in names {
        let mut stun = vec![0u8, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.extend([7; 12]);
        stun.extend([0, 6]);
        stun.extend((name.len() as u16).to_be_bytes());
        stun.extend(name.as_bytes());
        stun.resize(stun.len().next_multiple_of(4), 0);
        let length = (stun.len() - 20) as u16;
        stun[2..4].copy_from_slice(&length.to_be_bytes());
        let before = sim.sfu.sizes();
        sim.sfu.receive(
            sim.now,
            sfu::Datagram {
                protocol: sfu::Protocol::Udp,
                remote: "192.0.2.66:666".parse().unwrap(),
                local: "0.0.0.0:7882".parse().unwrap(),
                contents: &stun,
            },
        );
        assert_eq!(sim.sfu.sizes(), before, "no address is learned");
    }
    sim.run_for(Duration::from_secs(1));
    assert!(counters(&sim, 1, mids[0]).len() > 80);
    assert_eq!(sim.sfu.counters().faults, 0);
}

/// The server's ICE user name for the subscriber, from a renegotiation.
fn server_ufrag(sim: &mut Sim) -> String {
    let member = &mut sim.members[1];
    let (_, offer) = member.client.offer(|api| {
        api.add_media(str0m::media::MediaKind::Audio, str0m::media::Direction::RecvOnly, None, None, None)
    });
    let plan: Vec<sfu::SectionPlan> = Vec::new();
    let facts = sim.sfu.accept_offer(sim.now, member.peer, &offer, &plan).unwrap();
    facts.ice_ufrag
}

#[test]
fn a_slow_reader_is_bounded_and_harms_nobody() {
    let mut sim = Sim::new(25, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_until(Duration::from_secs(5), "channels", |sim| {
        sim.channel_open(0, Channel::Reliable) && sim.channel_open(1, Channel::Reliable)
    });
    // The publisher stops reading: nothing that is sent to it is acknowledged any more.
    let deaf = sim.members[0].peer;
    let message = vec![1u8; 60_000];
    sim.link.conditions.loss = 0.0;
    let mut accepted = 0usize;
    for _ in 0..200 {
        accepted += usize::from(sim.sfu.send_data(sim.now, deaf, Channel::Reliable, &message)) * message.len();
    }
    assert!(accepted <= 1024 * 1024, "{accepted} bytes held");
    assert!(accepted >= 512 * 1024, "a burst is held: {accepted}");
    let lossy = (0..200).filter(|_| sim.sfu.send_data(sim.now, deaf, Channel::Lossy, &[2; 1000])).count();
    assert!(lossy <= 66, "unreliable messages do not pile up: {lossy}");
    assert!(!sim.sfu.send_data(sim.now, deaf, Channel::Reliable, &vec![0; 65_537]), "too big");
    assert!(!sim.sfu.send_data(sim.now, PeerId(999), Channel::Reliable, b"x"), "no such peer");
    let before = counters(&sim, 1, mids[0]).len();
    sim.run_for(Duration::from_secs(3));
    assert!(counters(&sim, 1, mids[0]).len() > before + 120);
    assert!(sim.members[0].client.messages.len() > 8, "and it arrives in the end");
}

#[test]
fn muting_stops_and_unmuting_begins_with_a_keyframe() {
    let mut sim = Sim::new(26, Conditions::PERFECT);
    let (tracks, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    for track in &tracks {
        sim.sfu.set_track_muted(sim.now, *track, true);
    }
    sim.run_for(Duration::from_secs(1));
    let before = sim.members[1].client.packets.len();
    sim.run_for(Duration::from_secs(2));
    assert_eq!(sim.members[1].client.packets.len(), before, "nothing while muted, once black was shown");
    for track in &tracks {
        sim.sfu.set_track_muted(sim.now, *track, false);
    }
    sim.run_for(Duration::from_secs(2));
    let packets = &sim.members[1].client.packets[before..];
    let video: Vec<_> = packets.iter().filter(|(mid, _)| *mid == mids[1]).collect();
    assert!(video.len() > 100);
    assert_eq!(video[0].1.payload[6] & 1, 0, "a keyframe first");
    for mid in mids {
        assert_continuous(&sim, mid);
    }
}

#[test]
fn a_paused_subscriber_gets_nothing_until_it_wants_again() {
    let mut sim = Sim::new(27, Conditions::PERFECT);
    let (tracks, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(2));
    let peer = sim.members[1].peer;
    sim.sfu.set_down(sim.now, peer, tracks[1], DownSettings { paused: true, ..Default::default() });
    sim.run_for(Duration::from_millis(100));
    let before = counters(&sim, 1, mids[1]).len();
    sim.run_for(Duration::from_secs(2));
    assert_eq!(counters(&sim, 1, mids[1]).len(), before);
    sim.sfu.set_down(sim.now, peer, tracks[1], DownSettings::default());
    sim.run_for(Duration::from_secs(2));
    assert!(counters(&sim, 1, mids[1]).len() > before + 100);
    assert_continuous(&sim, mids[1]);
}

/// Sequence numbers count up without a gap, timestamps never run backwards.
fn assert_continuous(sim: &Sim, mid: Mid) {
    let packets: Vec<_> = sim.members[1].client.packets.iter().filter(|(on, _)| *on == mid).collect();
    for pair in packets.windows(2) {
        let (a, b) = (&pair[0].1, &pair[1].1);
        assert_eq!(*b.seq_no, *a.seq_no + 1, "sequence on {mid}");
        assert!((b.header.timestamp.wrapping_sub(a.header.timestamp) as i32) >= 0, "timestamps on {mid}");
    }
}

#[test]
fn a_section_is_used_again_for_another_track() {
    let mut sim = Sim::new(28, Conditions::PERFECT);
    let (tracks, mids) = two(&mut sim, true);
    let third = sim.join();
    let others = sim.publish(third, &[AUDIO, VIDEO]);
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(2));
    for round in 0..4 {
        let wanted = if round % 2 == 0 { others[1] } else { tracks[1] };
        sim.members[1].roles.insert(mids[1], (MediaKind::Video, SectionRole::Send { track: wanted }));
        sim.negotiate(1, |api| {
            api.add_media(str0m::media::MediaKind::Audio, str0m::media::Direction::RecvOnly, None, None, None)
        });
        sim.members[1].client.packets.clear();
        sim.run_for(Duration::from_secs(3));
        let heard = sim.heard(1, mids[1]);
        assert!(heard.len() > 150, "round {round}: {}", heard.len());
        let wrong = heard.iter().filter(|(track, _)| *track != wanted).count();
        assert!(wrong < 10, "round {round}: {wrong} packets of the other track");
    }
}

#[test]
fn a_republished_section_carries_the_new_track() {
    let mut sim = Sim::new(29, Conditions::PERFECT);
    let (tracks, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(1));
    sim.sfu.remove_track(sim.now, tracks[1]);
    for member in &mut sim.members {
        member.roles.retain(|_, (_, role)| !matches!(role, SectionRole::Receive { track, .. } | SectionRole::Send { track } if *track == tracks[1]));
    }
    sim.run_for(Duration::from_secs(1));
    let before = counters(&sim, 1, mids[1]).len();
    let again = sim.publish(0, &[VIDEO]);
    let fresh = sim.subscribe(1, &[(again[0], MediaKind::Video)]);
    sim.run_for(Duration::from_secs(2));
    assert_eq!(counters(&sim, 1, mids[1]).len(), before, "the removed track is silent");
    assert!(counters(&sim, 1, fresh[0]).len() > 100);
}

#[test]
fn audio_that_never_came_is_announced_by_silence() {
    let mut sim = Sim::new(30, Conditions::PERFECT);
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &[AUDIO]);
    sim.publishers[0].paused = true;
    let subscriber = sim.join();
    let mids = sim.subscribe(subscriber, &[(tracks[0], MediaKind::Audio)]);
    sim.run_until_connected();
    sim.run_for(Duration::from_secs(5));
    let silence: Vec<_> = sim.members[1].client.packets.iter().map(|(_, packet)| packet.payload.to_vec()).collect();
    assert_eq!(silence, vec![vec![0xf8, 0xff, 0xfe]; 4]);
    sim.publishers[0].paused = false;
    sim.run_for(Duration::from_secs(2));
    assert!(counters(&sim, 1, mids[0]).len() > 90);
    assert_continuous(&sim, mids[0]);
}

#[test]
fn speakers_are_heard_and_their_silence_too() {
    let mut sim = Sim::new(31, Conditions::PERFECT);
    let (tracks, _) = two(&mut sim, true);
    sim.publishers[0].level = 10;
    sim.run_for(Duration::from_secs(2));
    let levels = |sim: &Sim| -> Vec<f32> {
        sim.events
            .iter()
            .filter_map(|event| match event {
                Event::AudioLevels(levels) => levels.iter().find(|(track, _)| *track == tracks[0]).map(|(_, l)| *l),
                _ => None,
            })
            .collect()
    };
    assert!(levels(&sim).iter().any(|level| *level > 0.2), "{:?}", levels(&sim));
    sim.publishers[0].level = 100;
    sim.run_for(Duration::from_secs(1));
    assert_eq!(levels(&sim).last(), Some(&0.0));
}

#[test]
fn statistics_tell_rate_and_loss() {
    let mut sim = Sim::new(32, Conditions::PERFECT);
    two(&mut sim, true);
    sim.link.conditions = Conditions { duplicate: 0.0, ..Conditions::ROUGH };
    sim.run_for(Duration::from_secs(62));
    let stats = |member: usize| -> Vec<sfu::PeerStats> {
        let peer = sim.members[member].peer;
        let all = sim.events.iter().filter_map(|event| match event {
            Event::PeerStats(id, stats) if *id == peer => Some(*stats),
            _ => None,
        });
        all.collect()
    };
    let (up, down) = (stats(0), stats(1));
    assert_eq!((up.len(), down.len()), (12, 12), "every 5 s");
    assert!(up[2].packets_up > 500 && up[2].bitrate_up > 50_000, "{up:?}");
    assert!(down[2].packets_down > 500 && down[2].bitrate_down > 50_000, "{down:?}");
    // Each report is of its own interval.
    assert!(up[0].loss_up > 0.0, "{up:?}");
    // Video that was sent again is not lost.
    assert!(up.iter().any(|up| (0.01..0.2).contains(&up.loss_up)), "{up:?}");
    assert!(down.iter().any(|down| (0.01..0.2).contains(&down.loss_down)), "{down:?}");
    assert!(down[2].rtt_ms.is_some_and(|rtt| (40.0..80.0).contains(&rtt)), "{down:?}");
    let total = sim.sfu.counters();
    let lost = total.packets_lost as f32 / total.packets_reported as f32;
    assert!(total.packets_reported > 5_000 && (0.001..0.2).contains(&lost), "{total:?}");
    assert!(total.nacks_received > 10 && total.nacks_sent > 10, "{total:?}");
}

/// Keyframes are counted where they are wanted and where they are asked for: many who want one are one request.
#[test]
fn keyframe_requests_are_counted() {
    let mut sim = Sim::new(35, Conditions::PERFECT);
    let (_, mids) = two(&mut sim, true);
    sim.run_for(Duration::from_secs(5));
    let before = sim.sfu.counters();
    for _ in 0..3 {
        sim.members[1].client.ask_keyframe(mids[1]);
        sim.run_for(Duration::from_millis(50));
    }
    sim.run_for(Duration::from_secs(2));
    let after = sim.sfu.counters();
    assert!(after.keyframes_wanted > before.keyframes_wanted, "{after:?}");
    assert!(after.keyframes_asked > before.keyframes_asked, "{after:?}");
}

/// A track that brings more than it may is thinned; one that does not is not touched, nor are the others.
#[test]
fn a_track_above_its_bitrate_is_thinned() {
    let heard = |track_bits_per_second: u32| {
        let limits = Limits { track_bits_per_second, ..Limits::default() };
        let mut sim = Sim::limited(34, Conditions::PERFECT, limits);
        let (_, mids) = two(&mut sim, true);
        sim.run_for(Duration::from_secs(10));
        let video = sim.heard(1, mids[1]).len();
        (sim.heard(1, mids[0]).len(), video, sim.sfu.counters().excessive)
    };
    let (audio, video, excessive) = heard(30_000_000);
    assert_eq!(excessive, 0);
    let (audio_limited, video_limited, excessive) = heard(26_000);
    assert_eq!(audio_limited, audio);
    assert!(video_limited * 4 < video * 3 && excessive > 100, "{video_limited} of {video}, {excessive}");
}

#[test]
fn a_thousand_joins_and_leaves_leave_nothing() {
    let mut sim = Sim::new(33, Conditions::PERFECT);
    let empty = sim.sfu.sizes();
    let publisher = sim.join();
    let tracks = sim.publish(publisher, &[AUDIO, VIDEO]);
    sim.run_until_connected();
    for round in 0..1000 {
        let member = sim.join();
        sim.subscribe(member, &[(tracks[0], MediaKind::Audio), (tracks[1], MediaKind::Video)]);
        let own = sim.publish(member, &[AUDIO]);
        sim.sfu.set_down(sim.now, sim.members[member].peer, TrackId(1 << 40), DownSettings::default());
        // Some leave at once, some when they are connected.
        if round % 50 == 0 {
            sim.run_until_connected();
            sim.run_for(Duration::from_millis(300));
        }
        sim.sfu.remove_peer(sim.now, sim.members[member].peer);
        sim.sfu.remove_track(sim.now, own[0]);
        sim.members.truncate(1);
        sim.publishers.truncate(2);
        sim.run_for(Duration::from_millis(10));
        sim.events.clear();
    }
    sim.sfu.remove_peer(sim.now, sim.members[0].peer);
    sim.members.clear();
    sim.publishers.clear();
    sim.sfu.handle_timeout(sim.now + Duration::from_secs(3600));
    assert_eq!(sim.sfu.sizes(), empty);
}
