//! Offers and answers that cross each other on the way.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::sim::{Mode, Sent, SimRoom, claims, without_codec};
use crate::{all_hear_all, forget_received, room_of};

/// A track is dropped and wanted again before the client's next description, once and in a row, then with other changes
/// on the way: it is on one section and is heard and seen.
#[test]
fn dropped_and_wanted_again() {
    for mode in [Mode::Single, Mode::Dual] {
        for (seed, pause_ms) in [(70, 0), (71, 10), (72, 40), (73, 90)] {
            let mut sim = room_of(seed, Conditions::PERFECT, &[mode, Mode::Single]);
            sim.signal_delay = Duration::from_millis(30);
            sim.wait("all hear all", |sim| all_hear_all(sim, 5));
            for round in 0..4u8 {
                let sids: Vec<String> = sim.clients[1].sent.iter().map(|sent| sent.sid.clone()).collect();
                if round > 1 {
                    // Another negotiation is on its way.
                    sim.publish(1, MediaKind::Audio, 100 + round);
                    sim.run(Duration::from_millis(u64::from(round) * 20));
                }
                for sid in &sids {
                    sim.subscribe(0, sid, false);
                }
                sim.run(Duration::from_millis(pause_ms));
                for sid in &sids {
                    sim.subscribe(0, sid, true);
                }
                sim.run(Duration::from_secs(1));
                forget_received(&mut sim);
                sim.wait_for("all hear all again", Duration::from_secs(5), |sim| all_hear_all(sim, 20));
                sim.run(Duration::from_secs(1));
            }
        }
    }
}

/// The API lets person 0 receive, or no longer.
fn let_subscribe(sim: &mut SimRoom, can_subscribe: bool) {
    let permission = proto::ParticipantPermission {
        can_subscribe,
        can_publish: true,
        can_publish_data: true,
        ..proto::ParticipantPermission::default()
    };
    let request = proto::UpdateParticipantRequest {
        room: "room".into(),
        identity: "person-0".into(),
        permission: Some(permission),
        ..proto::UpdateParticipantRequest::default()
    };
    sim.api(node::ApiCall::UpdateParticipant(request)).expect("done");
}

/// The permission to receive is taken while the offer with a new track is on its way: the answer does not bring it back.
#[test]
fn permission_taken_during_an_offer() {
    let mut sim = room_of(69, Conditions::PERFECT, &[Mode::Dual, Mode::Single]);
    sim.signal_delay = Duration::from_millis(30);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    sim.publish(1, MediaKind::Audio, 9);
    sim.wait("the track is offered", |sim| {
        let sid = &sim.clients[1].sent[2].sid;
        let names = |offer: &proto::SessionDescription| offer.mid_to_track_id.values().any(|named| named == sid);
        sim.clients[0].messages.iter().any(|message| matches!(message, Response::Offer(offer) if names(offer)))
    });
    let_subscribe(&mut sim, false);
    sim.run(Duration::from_secs(1));
    forget_received(&mut sim);
    sim.run(Duration::from_secs(1));
    assert!(sim.clients[0].received.is_empty(), "it still receives {:?}", sim.clients[0].received);
    let_subscribe(&mut sim, true);
    sim.wait("all hear all again", |sim| all_hear_all(sim, 20));
}

/// The permission to receive is taken and given back at once.
#[test]
fn permission_taken_and_given_back() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = room_of(74, Conditions::PERFECT, &[mode, Mode::Single]);
        sim.signal_delay = Duration::from_millis(30);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        let_subscribe(&mut sim, false);
        let_subscribe(&mut sim, true);
        sim.run(Duration::from_secs(1));
        forget_received(&mut sim);
        sim.wait("all hear all again", |sim| all_hear_all(sim, 20));
    }
}

/// A client whose own offer crosses the request for more sections adds each section once.
#[test]
fn sections_are_asked_for_once() {
    let mut sim = SimRoom::new(75, Conditions::PERFECT);
    sim.signal_delay = Duration::from_millis(200);
    sim.join("watcher", Mode::Single);
    for index in 1..=8 {
        let index = sim.join(&format!("person-{index}"), Mode::Single);
        sim.publish(index, MediaKind::Video, u8::try_from(index).expect("few"));
    }
    for round in 0..10u8 {
        sim.publish(0, MediaKind::Audio, 50 + round);
        sim.run(Duration::from_millis(130));
    }
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    sim.run(Duration::from_secs(10));
    let videos = sim.clients[0].receivers.iter().filter(|(_, kind)| *kind == MediaKind::Video).count();
    assert_eq!(videos, 8, "as many sections as there are tracks");
}

/// A watcher, and more pictures than it has sections for.
fn crowd(seed: u64) -> SimRoom {
    let mut sim = SimRoom::new(seed, Conditions::PERFECT);
    sim.signal_delay = Duration::from_millis(30);
    sim.join("watcher", Mode::Single);
    sim.wait("the watcher is in", |sim| sim.clients[0].publisher.connected);
    for index in 1..=5 {
        let index = sim.join(&format!("person-{index}"), Mode::Single);
        sim.publish(index, MediaKind::Video, u8::try_from(index).expect("few"));
    }
    sim
}

/// A client that has not done what it was asked for is asked again.
#[test]
fn who_adds_no_sections_is_asked_again() {
    let mut sim = crowd(80);
    sim.clients[0].adds_no_sections = true;
    sim.run(Duration::from_secs(4));
    let asked = sim.clients[0].messages.iter().any(|message| matches!(message, Response::MediaSectionsRequirement(_)));
    assert!(asked && !all_hear_all(&sim, 1), "it has too few sections and was told");
    sim.clients[0].adds_no_sections = false;
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
}

/// What a client was asked for before its connection broke, it has never heard: it is asked at once when it is back.
#[test]
fn sections_are_asked_for_again_after_a_resume() {
    let mut sim = crowd(81);
    sim.clients[0].adds_no_sections = true;
    sim.run(Duration::from_secs(1));
    sim.clients[0].adds_no_sections = false;
    sim.resume(0);
    let sections =
        |sim: &SimRoom| sim.clients[0].receivers.iter().filter(|(_, kind)| *kind == MediaKind::Video).count();
    sim.wait_for("it has a section for each", Duration::from_secs(2), |sim| sections(sim) == 5);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
}

/// The section of a refused track carries no other track, neither one announced after it nor one before it.
#[test]
fn a_refused_track_is_no_other() {
    let mut sim = SimRoom::new(76, Conditions::PERFECT);
    let mut screen_only = claims("screen only", "room");
    screen_only.video.as_mut().expect("a grant").can_publish_sources = vec!["screen_share".into()];
    sim.join_as(screen_only, Mode::Single).expect("admitted");
    sim.join("watcher", Mode::Single);
    let shown = |sim: &SimRoom| sim.clients[1].others.values().any(|other| !other.tracks.is_empty());
    sim.publish(0, MediaKind::Video, 1);
    sim.run(Duration::from_secs(1));
    let camera = &sim.clients[0].sent[0];
    assert!(camera.refused && camera.mid.is_some(), "refused, and offered all the same");
    let screen = Sent::new(0, MediaKind::Video, 2, &[]);
    let source = proto::TrackSource::ScreenShare as i32;
    sim.request(0, Request::AddTrack(proto::AddTrackRequest { source, ..screen.announcement() }));
    sim.run(Duration::from_secs(1));
    assert!(!shown(&sim), "the camera is shown as the screen");
    sim.publish(0, MediaKind::Video, 3);
    sim.run(Duration::from_secs(1));
    assert!(sim.clients[0].sent[1].refused && !shown(&sim), "another camera is shown as the screen");
    sim.clients[0].sent.push(screen);
    sim.request(0, Request::AddTrack(proto::AddTrackRequest { source, ..sim.clients[0].sent[2].announcement() }));
    sim.clients[0].wants_offer = true;
    let sid = sim.clients[0].sent[2].sid.clone();
    sim.wait("the screen is seen", |sim| sim.clients[1].hears(&sid, 2, 10));
}

/// Tracks that are announced and never offered make room again, and the client is told.
#[test]
fn announced_tracks_that_never_come_expire() {
    let mut sim = room_of(77, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    for mark in 0..20 {
        let sent = Sent::new(0, MediaKind::Audio, 100 + mark, &[]);
        sim.request(0, Request::AddTrack(sent.announcement()));
    }
    let told = |sim: &SimRoom| {
        let gone = sim.clients[0].messages.iter().filter(|message| matches!(message, Response::TrackUnpublished(_)));
        gone.count()
    };
    sim.run(Duration::from_secs(29));
    assert_eq!(told(&sim), 0, "too early");
    sim.run(Duration::from_secs(2));
    assert_eq!(told(&sim), 20);
    sim.publish(0, MediaKind::Audio, 130);
    sim.wait("another track is published", |sim| all_hear_all(sim, 5));
    // One of them comes after all: it carries nothing, and is taken for no other that is announced now.
    sim.clients[0].sent.push(Sent::new(0, MediaKind::Audio, 100, &[]));
    sim.clients[0].wants_offer = true;
    sim.run(Duration::from_secs(1));
    sim.request(0, Request::AddTrack(Sent::new(0, MediaKind::Audio, 131, &[]).announcement()));
    sim.run(Duration::from_secs(1));
    let known = sim.clients[1].others.values().find(|other| other.identity == "person-0").expect("known");
    assert_eq!(known.tracks.len(), 3, "microphone, camera and the one that was announced in time");
}

/// Who cannot do with an ICE-lite server, or asks for none, gets one that checks; all others get ICE-lite.
#[test]
fn ice_lite_only_for_those_who_take_it() {
    let mut sim = SimRoom::new(78, Conditions::PERFECT);
    for (index, (browser, user_agent, protocol, disabled, mode, lite)) in [
        ("", "", 17, false, Mode::Single, true),
        ("", "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0 Safari/537.36", 17, false, Mode::Single, true),
        ("", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", 17, false, Mode::Single, false),
        ("Firefox", "", 17, false, Mode::Dual, false),
        ("firefox mobile", "", 17, false, Mode::Dual, false),
        ("chrome", "", 17, true, Mode::Single, false),
        ("safari", "", 17, true, Mode::Dual, false),
        ("", "", 6, false, Mode::Dual, true),
        ("", "", 5, false, Mode::Dual, false),
    ]
    .into_iter()
    .enumerate()
    {
        let joined = sim.connect_with(claims(&format!("person-{index}"), "room"), mode, |request| {
            request.user_agent = user_agent.into();
            let info = request.join.client_info.as_mut().expect("info");
            info.browser = browser.into();
            info.protocol = protocol;
            request.join.connection_settings.as_mut().expect("settings").disable_ice_lite = disabled;
        });
        let index = joined.expect("admitted");
        sim.publish(index, MediaKind::Audio, u8::try_from(index).expect("few") + 1);
        sim.run(Duration::from_millis(500));
        let told = sim.clients[index].messages.iter().find_map(|message| match message {
            Response::Answer(description) | Response::Offer(description) => {
                Some(description.sdp.contains("a=ice-lite"))
            }
            _ => None,
        });
        assert_eq!(told, Some(lite), "{browser:?} {user_agent:?} {protocol} {disabled}");
    }
    sim.wait("all hear all", |sim| all_hear_all(sim, 10));
}

/// A track that is carried under another id than it was announced with is found by its kind, if it is the only one.
#[test]
fn a_track_under_another_id_is_found_by_its_kind() {
    let mut sim = SimRoom::new(79, Conditions::PERFECT);
    sim.join("sender", Mode::Single);
    sim.join("watcher", Mode::Single);
    let announced =
        proto::AddTrackRequest { cid: "announced".into(), ..Sent::new(0, MediaKind::Video, 5, &[]).announcement() };
    let mut sent = Sent::new(0, MediaKind::Video, 5, &[]);
    sent.cid = "announced".into();
    sim.clients[0].sent.push(sent);
    sim.request(0, Request::AddTrack(announced));
    sim.clients[0].sent[0].cid = "offered".into();
    sim.clients[0].wants_offer = true;
    let sid = sim.clients[0].sent[0].sid.clone();
    sim.wait("it is seen", |sim| sim.clients[1].hears(&sid, 5, 10));
}

/// Where several tracks or several sections of a kind are without a partner, none is taken for another: nobody is shown the
/// wrong picture.
#[test]
fn a_kind_alone_decides_nothing_among_several() {
    let mut sim = SimRoom::new(82, Conditions::PERFECT);
    for sender in ["announces first", "offers first"] {
        sim.join(sender, Mode::Single);
    }
    sim.join("watcher", Mode::Single);
    let announce = |sim: &mut SimRoom, index: usize, cid: &str| {
        let add =
            proto::AddTrackRequest { cid: cid.into(), ..Sent::new(index, MediaKind::Video, 1, &[]).announcement() };
        sim.request(index, Request::AddTrack(add));
    };
    let offer = |sim: &mut SimRoom, index: usize, marks: &[u8]| {
        let client = &mut sim.clients[index];
        client.sent.extend(marks.iter().map(|mark| Sent::new(index, MediaKind::Video, *mark, &[])));
        client.wants_offer = true;
        sim.run(Duration::from_secs(1));
    };
    announce(&mut sim, 0, "one");
    announce(&mut sim, 0, "two");
    offer(&mut sim, 0, &[5]);
    offer(&mut sim, 1, &[6, 7]);
    announce(&mut sim, 1, "three");
    sim.run(Duration::from_secs(1));
    assert!(sim.clients[2].others.values().all(|other| other.tracks.is_empty()), "somebody guessed");
}

/// Who takes none of the codecs that a track comes in is told so, once, instead of waiting for a picture.
#[test]
fn who_cannot_decode_a_track_is_told() {
    let mut sim = SimRoom::new(83, Conditions::PERFECT);
    sim.join("sender", Mode::Single);
    let watcher = sim.connect_with(claims("watcher", "room"), Mode::Single, |request| {
        let offer = request.join.publisher_offer.as_mut().expect("an offer");
        offer.sdp = without_codec(&offer.sdp, "VP8");
    });
    let watcher = watcher.expect("admitted");
    sim.clients[watcher].lacks_codec = Some("VP8");
    sim.publish(0, MediaKind::Audio, 1);
    sim.publish(0, MediaKind::Video, 2);
    sim.wait("the sound is heard", |sim| sim.clients[watcher].hears(&sim.clients[0].sent[0].sid, 1, 50));
    let told = sim.clients[watcher].messages.iter().filter_map(|message| match message {
        Response::SubscriptionResponse(response) => Some((response.track_sid.as_str(), response.err)),
        _ => None,
    });
    let unsupported = proto::SubscriptionError::SeCodecUnsupported as i32;
    assert_eq!(told.collect::<Vec<_>>(), [(sim.clients[0].sent[1].sid.as_str(), unsupported)]);
}
