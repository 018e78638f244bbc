//! A client loses its signalling connection and comes back: what happened meanwhile, and what was on its way.

use std::time::Duration;

use livekit_protocol as proto;
use node::token::{self, ApiKeys};
use proto::DisconnectReason as Reason;
use proto::leave_request::Action;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use proto::simulate_scenario::Scenario;
use str0m::media::MediaKind;
use testkit::link::{Conditions, Direction};

use crate::sim::{Mode, SECRET, Sent, SimRoom, claims};
use crate::{all_hear_all, forget_received, room_of};

/// A broken WebSocket is resumed: the client tells what it has and restarts ICE. Same sid, media goes on, nobody is told
/// that somebody left.
#[test]
fn resume_keeps_the_session() {
    let mut sim = room_of(5, Conditions::PERFECT, &[Mode::Single, Mode::Single, Mode::Dual]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    for index in [0, 2] {
        let (sid, ufrag) = (sim.clients[index].sid.clone(), ufrag_of(&mut sim, index));
        sim.clients[index].messages.clear();
        sim.resume(index);
        let reconnected = matches!(sim.clients[index].messages.first(), Some(Response::Reconnect(_)));
        assert!(reconnected, "the first message is the reconnect response");
        forget_received(&mut sim);
        sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 20));
        assert!(sim.clients[1].others.contains_key(&sid), "nobody was told that it left");
        assert_ne!(ufrag_of(&mut sim, index), ufrag, "ICE was restarted");
    }
    assert!(sim.webhooks.iter().all(|event| event.event != "participant_left"));
}

/// Everybody in the office changes from cable to Wi-Fi at once: new addresses, and each connection is made anew.
#[test]
fn fifty_change_their_network() {
    const PEOPLE: usize = 50;
    let mut sim = SimRoom::new(7, Conditions { loss: 0.02, ..Conditions::ROUGH });
    for index in 0..PEOPLE {
        sim.join(&format!("guest-{index}"), if index.is_multiple_of(2) { Mode::Single } else { Mode::Dual });
    }
    sim.publish(0, MediaKind::Audio, 1);
    sim.run(Duration::from_millis(200));
    let all_hear =
        |sim: &SimRoom| sim.clients[1..].iter().all(|client| client.hears(&sim.clients[0].sent[0].sid, 1, 1));
    sim.wait("all hear the speaker", all_hear);
    let sids: Vec<_> = sim.clients.iter().map(|client| client.sid.clone()).collect();
    for index in 0..PEOPLE {
        sim.lose_signal(index);
        let address = |port: u16| format!("10.99.{index}.1:{port}").parse().expect("an address");
        let client = &mut sim.clients[index];
        client.publisher.move_to(address(7000));
        if let Some(subscriber) = &mut client.subscriber {
            subscriber.move_to(address(7001));
        }
    }
    sim.run(Duration::from_millis(500));
    (0..PEOPLE).for_each(|index| sim.reconnect(index));
    forget_received(&mut sim);
    sim.wait_for("all hear the speaker again", Duration::from_millis(2_500), all_hear);
    assert!(sim.clients.iter().zip(sids).all(|(client, sid)| client.sid == sid && client.left.is_none()));
    assert!(sim.webhooks.iter().all(|event| event.event != "participant_left"));
}

fn ufrag_of(sim: &mut SimRoom, index: usize) -> String {
    let client = &mut sim.clients[index];
    let receiver = client.subscriber.as_mut().unwrap_or(&mut client.publisher);
    receiver.rtc.direct_api().local_ice_credentials().ufrag
}

/// While somebody is away others come, publish, unpublish and mute. All of it is known, heard and seen afterwards.
#[test]
fn what_happened_during_the_outage_is_made_up_for() {
    for mode in [Mode::Single, Mode::Dual] {
        for (seed, conditions) in [(50, Conditions::PERFECT), (51, Conditions::ROUGH)] {
            let mut sim = room_of(seed, conditions, &[mode, Mode::Single, Mode::Dual]);
            sim.signal_delay = Duration::from_millis(30);
            sim.wait("all hear all", |sim| all_hear_all(sim, 5));
            sim.lose_signal(0);
            sim.unpublish(1, 4);
            sim.publish(1, MediaKind::Video, 44);
            sim.mute(2, 5, true);
            sim.run(Duration::from_secs(2));
            let late = sim.join("late", Mode::Single);
            sim.publish(late, MediaKind::Audio, 45);
            sim.run(Duration::from_secs(3));
            sim.reconnect(0);
            sim.run(Duration::from_millis(500));
            forget_received(&mut sim);
            sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 10));
            let muted = sim.clients[0].others.values().flat_map(|other| &other.tracks).filter(|track| track.muted);
            assert_eq!(muted.count(), 1, "the mute is known");
            sim.mute(2, 5, false);
            sim.wait("the muted one is heard again", |sim| all_hear_all(sim, 10));
        }
    }
}

/// Who publishes in the very moment in which its connection breaks: the offer, or only its answer, is lost.
#[test]
fn an_offer_or_its_answer_is_lost() {
    for mode in [Mode::Single, Mode::Dual] {
        for after_ms in [5, 35, 65] {
            let mut sim = room_of(52, Conditions::PERFECT, &[mode, Mode::Single]);
            sim.signal_delay = Duration::from_millis(30);
            sim.wait("all hear all", |sim| all_hear_all(sim, 5));
            sim.publish(0, MediaKind::Audio, 60);
            sim.wait("the track has its sid", |sim| sim.clients[0].sent.iter().all(|sent| !sent.sid.is_empty()));
            sim.run(Duration::from_millis(after_ms));
            sim.resume(0);
            sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 20));
        }
    }
}

/// The server's offer, or only the answer to it, is lost with the connection (two peer connections): it is told again,
/// and the client gets what it named without starting afresh.
#[test]
fn a_server_offer_or_its_answer_is_lost() {
    for after_ms in [40, 60, 80, 100, 120] {
        let mut sim = room_of(53, Conditions::PERFECT, &[Mode::Dual, Mode::Single]);
        sim.signal_delay = Duration::from_millis(30);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        sim.publish(1, MediaKind::Audio, 61);
        sim.publish(1, MediaKind::Video, 62);
        sim.run(Duration::from_millis(after_ms));
        sim.lose_signal(0);
        sim.run(Duration::from_secs(1));
        sim.unpublish(1, 62);
        sim.run(Duration::from_secs(1));
        sim.reconnect(0);
        sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 20));
        assert!(sim.clients[0].left.is_none(), "{after_ms} ms: it was told to start afresh");
    }
}

/// Who loses its connection between announcing a track and offering it publishes it when it is back, however long that takes.
#[test]
fn an_announced_track_waits_for_its_client() {
    let mut sim = room_of(55, Conditions::PERFECT, &[Mode::Single, Mode::Single]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let sent = Sent::new(0, MediaKind::Audio, 64, &[]);
    let announcement = sent.announcement();
    sim.clients[0].sent.push(sent);
    sim.request(0, Request::AddTrack(announcement));
    sim.lose_signal(0);
    sim.run(Duration::from_secs(40));
    sim.reconnect(0);
    sim.wait("it is heard", |sim| all_hear_all(sim, 10));
    assert!(sim.clients[0].left.is_none(), "it was told to start afresh");
}

/// A client that is connected and does not answer an offer is told to start afresh after 15 s, not left without media.
#[test]
fn an_unanswered_offer_ends_the_session() {
    let mut sim = room_of(54, Conditions::PERFECT, &[Mode::Dual, Mode::Single]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    sim.clients[0].ignores_offers = true;
    sim.publish(1, MediaKind::Audio, 63);
    sim.run(Duration::from_secs(14));
    assert!(sim.clients[0].left.is_none(), "too early");
    sim.wait_for("it is told", Duration::from_secs(2), |sim| sim.clients[0].left.is_some());
    let leave = sim.clients[0].left.as_ref().expect("a leave");
    assert_eq!(leave.action, Action::Reconnect as i32);
}

/// A resume of somebody the server does not know ends in an order to start afresh, not in an HTTP error.
#[test]
fn unknown_resume_is_told_to_reconnect() {
    let mut sim = room_of(6, Conditions::PERFECT, &[Mode::Single]);
    sim.clients[0].sid = "PA_unknown".into();
    sim.resume(0);
    let leave = sim.clients[0].left.as_ref().expect("a leave");
    assert_eq!(leave.action, Action::Reconnect as i32);
}

/// What a client was told when it had to go.
fn told(sim: &SimRoom, index: usize) -> Option<(Reason, Action)> {
    sim.clients[index].left.as_ref().map(|leave| (leave.reason(), leave.action()))
}

/// A call lasts longer than the token that it began with: a new one comes in time, and a resume is let in with it.
#[test]
fn a_short_token_is_renewed_in_a_long_call() {
    const BEGIN_S: u64 = 1_700_000_000;
    const LENGTH_S: u64 = 11 * 60;
    let keys = ApiKeys::new(vec![("key".into(), SECRET.into())]);
    let mut sim = SimRoom::new(60, Conditions::PERFECT);
    let mut claims = claims("anna", "room");
    claims.exp = Some(BEGIN_S + 60);
    claims.attributes.insert("seat".into(), "7".into());
    let first = token::sign(&claims, SECRET);
    let anna = sim.join_as(token::verify(&first, &keys, BEGIN_S).expect("good"), Mode::Single).expect("admitted");
    sim.join("bert", Mode::Dual);
    sim.publish(anna, MediaKind::Audio, 1);
    sim.wait("it is heard", |sim| all_hear_all(sim, 5));
    sim.run(Duration::from_secs(LENGTH_S));
    assert!(token::verify(&first, &keys, BEGIN_S + LENGTH_S).is_err(), "the first has expired");
    let renewed = sim.clients[anna].refresh_token.clone().expect("a token");
    let renewed = token::verify(&renewed, &keys, BEGIN_S + LENGTH_S).expect("good");
    assert_eq!((renewed.identity(), &renewed.name, &renewed.attributes), ("anna", &claims.name, &claims.attributes));
    assert_eq!((renewed.grant().room.as_str(), renewed.grant().can_update_own_metadata), ("room", Some(true)));
    sim.lose_signal(anna);
    sim.reconnect_as(anna, renewed);
    forget_received(&mut sim);
    sim.wait("it is heard again", |sim| all_hear_all(sim, 5));
}

/// Who is let in and gets no media connection is sent away after a minute.
#[test]
fn who_never_connects_is_sent_away() {
    let mut sim = SimRoom::new(61, Conditions { loss: 1.0, ..Conditions::PERFECT });
    let index = sim.join("somebody", Mode::Single);
    sim.publish(index, MediaKind::Audio, 1);
    sim.run(Duration::from_secs(59));
    assert_eq!(told(&sim, index), None);
    sim.run(Duration::from_secs(2));
    assert_eq!(told(&sim, index), Some((Reason::JoinFailure, Action::Disconnect)));
}

/// Whose media breaks while its WebSocket holds is told to resume, and has five seconds for it.
#[test]
fn whose_media_breaks_is_told_to_resume() {
    for resumes in [true, false] {
        let mut sim = room_of(62, Conditions::PERFECT, &[Mode::Single, Mode::Single]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        let sid = sim.clients[0].sid.clone();
        let shape = |sim: &mut SimRoom, loss| {
            for direction in [Direction::Up, Direction::Down] {
                sim.shape(0, direction, Conditions { loss, ..Conditions::PERFECT });
            }
        };
        shape(&mut sim, 1.0);
        sim.wait_for("it is told", Duration::from_secs(20), |sim| told(sim, 0).is_some());
        assert_eq!(told(&sim, 0), Some((Reason::ConnectionTimeout, Action::Resume)));
        sim.run(Duration::from_secs(4));
        assert!(sim.clients[1].others.contains_key(&sid), "it may still come back");
        if resumes {
            shape(&mut sim, 0.0);
            sim.reconnect(0);
            forget_received(&mut sim);
            sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 20));
        } else {
            sim.run(Duration::from_secs(2));
            assert!(!sim.clients[1].others.contains_key(&sid), "it is gone");
        }
    }
}

/// The test hooks of the client SDKs: what whoever asks is told, whether it keeps its WebSocket, and whether it stays in the
/// room; who stays comes back by so many resumes.
#[test]
fn each_scenario_does_what_its_name_says() {
    type Case = (Scenario, Option<(Reason, Action)>, bool, Option<usize>);
    let cases: [Case; 9] = [
        (Scenario::SpeakerUpdate(3), None, true, Some(0)),
        (Scenario::SubscriberBandwidth(1_000_000), None, true, Some(0)),
        (Scenario::SwitchCandidateProtocol(1), None, true, Some(0)),
        (Scenario::Migration(true), Some((Reason::Migration, Action::Resume)), false, Some(1)),
        (Scenario::DisconnectSignalOnResume(true), None, false, Some(2)),
        (Scenario::DisconnectSignalOnResumeNoMessages(true), None, false, Some(2)),
        (Scenario::NodeFailure(true), None, false, None),
        (Scenario::ServerLeave(true), Some((Reason::ServerShutdown, Action::Disconnect)), false, None),
        (Scenario::LeaveRequestFullReconnect(true), Some((Reason::StateMismatch, Action::Reconnect)), false, None),
    ];
    for (scenario, leave, stays_connected, resumes) in cases {
        let mut sim = room_of(63, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        let sid = sim.clients[0].sid.clone();
        sim.clients[1].messages.clear();
        sim.request(0, Request::Simulate(proto::SimulateScenario { scenario: Some(scenario) }));
        assert_eq!(told(&sim, 0), leave, "{scenario:?}");
        assert_eq!(sim.clients[0].connection.is_some(), stays_connected, "{scenario:?}");
        assert_eq!(sim.clients[1].others.contains_key(&sid), resumes.is_some(), "{scenario:?}");
        let named = |message: &Response| match message {
            Response::SpeakersChanged(changed) => changed.speakers.iter().any(|speaker| speaker.sid == sid),
            _ => false,
        };
        assert_eq!(sim.clients[1].messages.iter().any(named), scenario == Scenario::SpeakerUpdate(3), "{scenario:?}");
        let mut tried = 0;
        while sim.clients[0].connection.is_none() && resumes.is_some() {
            tried += 1;
            sim.reconnect(0);
        }
        assert_eq!(tried, resumes.unwrap_or(0), "{scenario:?}");
        sim.clients[0].closed = resumes.is_none();
        forget_received(&mut sim);
        sim.wait("who is there hears all others", |sim| all_hear_all(sim, 10));
    }
}
