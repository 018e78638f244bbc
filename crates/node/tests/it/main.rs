//! The node as its driver sees it: many LiveKit clients against one state machine, in stepped time, over a network that
//! loses, delays, doubles and reorders by a seed.
#![expect(clippy::disallowed_methods, reason = "the simulation starts at some instant and steps time itself")]

mod audio;
mod bandwidth;
mod behind;
mod churn;
mod dynacast;
mod fuzz;
mod limits;
mod media;
mod negotiation;
mod replay;
mod resume;
mod room_state;
mod sim;
mod turn;

use std::time::Duration;

use livekit_protocol as proto;
use node::{ApiCall, ApiReply};
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use sim::{Mode, SimRoom, claims};
use str0m::media::MediaKind;
use testkit::link::Conditions;

testkit::replayable!();

#[global_allocator]
static MEMORY: testkit::memory::Counted = testkit::memory::Counted;

/// Every client gets, of each track that it was told of and wants, the packets of its publisher and nothing else; and no
/// picture that it cannot decode.
fn all_hear_all(sim: &SimRoom, count: usize) -> bool {
    let open = || sim.clients.iter().filter(|client| client.is_in());
    open().all(|receiver| {
        open().filter(|sender| sender.identity != receiver.identity && !sender.hidden).all(|sender| {
            let mut sent = sender.sent.iter().filter(|sent| {
                !sent.paused && !sent.refused && receiver.wishes.get(&sent.sid).copied().unwrap_or(true)
            });
            sent.all(|sent| receiver.hears(&sent.sid, sent.mark, count))
        })
    })
}

/// Forgets what came until now.
fn forget_received(sim: &mut SimRoom) {
    for client in &mut sim.clients {
        client.received.clear();
    }
}

fn room_of(seed: u64, conditions: Conditions, modes: &[Mode]) -> SimRoom {
    let mut sim = SimRoom::new(seed, conditions);
    fill(&mut sim, modes);
    sim
}

/// Lets people in who each send sound and a picture.
fn fill(sim: &mut SimRoom, modes: &[Mode]) {
    for (index, mode) in modes.iter().enumerate() {
        sim.join(&format!("person-{index}"), *mode);
        let mark = u8::try_from(index).expect("few") * 2 + 1;
        sim.publish(index, MediaKind::Audio, mark);
        sim.publish(index, MediaKind::Video, mark + 1);
    }
}

/// Three people with one peer connection each hear and see each other, each on the track that was announced.
#[test]
fn three_people_with_one_peer_connection() {
    let mut sim = room_of(1, Conditions::PERFECT, &[Mode::Single; 3]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 20));
}

/// The same with two peer connections each, as mobile clients and the Go SDK have them.
#[test]
fn three_people_with_two_peer_connections() {
    let mut sim = room_of(2, Conditions::PERFECT, &[Mode::Dual; 3]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 20));
}

/// Both kinds of client in one room, over a network that loses and reorders, for several seeds.
#[test]
fn mixed_clients_over_a_rough_network() {
    for seed in 10..14 {
        let mut sim = room_of(seed, Conditions::ROUGH, &[Mode::Single, Mode::Dual, Mode::Single, Mode::Dual]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 20));
    }
}

/// More tracks than the client's first offer has sections for: it is asked for more, and gets everything.
#[test]
fn eight_people_need_more_sections_than_offered() {
    let mut sim = room_of(3, Conditions::PERFECT, &[Mode::Single; 8]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
}

/// A section is used again for another track; nobody gets the old one on it.
#[test]
fn sections_are_used_again() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = room_of(4, Conditions::PERFECT, &[mode, Mode::Single, mode]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        for round in 0..6u8 {
            let mark = 100 + round;
            let last = sim.clients[1].sent.last().expect("a video track");
            let (gone, old) = (last.sid.clone(), last.mark);
            sim.unpublish(1, old);
            sim.wait("the track is gone for the others", |sim| {
                let told = |client: &sim::Participant| {
                    client.others.values().all(|other| other.tracks.iter().all(|track| track.sid != gone))
                };
                sim.clients.iter().all(told)
            });
            sim.publish(1, MediaKind::Video, mark);
            sim.wait("all hear all again", |sim| all_hear_all(sim, 5));
        }
    }
}

/// The same identity joins again: the first one is put out with a reason, the others see one person only.
#[test]
fn duplicate_identity_replaces() {
    let mut sim = room_of(7, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let second = sim.join("person-0", Mode::Single);
    let leave = sim.clients[0].left.as_ref().expect("a leave");
    assert_eq!(leave.reason, proto::DisconnectReason::DuplicateIdentity as i32);
    sim.publish(second, MediaKind::Audio, 50);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let watched = &sim.clients[1].others;
    assert_eq!(watched.values().filter(|other| other.identity == "person-0").count(), 1);
}

/// Somebody who vanishes is removed after the transport times out; nothing of them is left behind.
#[test]
fn vanished_client_is_cleaned_up() {
    let mut sim = room_of(8, Conditions::PERFECT, &[Mode::Single, Mode::Single]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let gone = sim.clients[0].sid.clone();
    sim.vanish(0);
    sim.wait("the other is told", |sim| !sim.clients[1].others.contains_key(&gone));
    sim.request(1, Request::Leave(proto::LeaveRequest::default()));
    sim.clients[1].closed = true;
    sim.run(Duration::from_secs(30));
    let events: Vec<&str> = sim.webhooks.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(events.first(), Some(&"room_started"));
    assert_eq!(events.last(), Some(&"room_finished"));
}

/// Data packets go to those named, carry the true sender, and never go back to the sender.
#[test]
fn data_is_routed_and_stamped() {
    let mut sim = room_of(9, Conditions::PERFECT, &[Mode::Single, Mode::Dual, Mode::Single]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let packet = |text: &str, to: &[&str], sequence| proto::DataPacket {
        participant_identity: "somebody else".into(),
        destination_identities: to.iter().map(|name| (*name).to_owned()).collect(),
        sequence,
        value: Some(proto::data_packet::Value::User(proto::UserPacket {
            payload: text.as_bytes().to_vec(),
            ..proto::UserPacket::default()
        })),
        ..proto::DataPacket::default()
    };
    assert!(sim.clients[0].send_data("_reliable", &packet("to all", &[], 1)));
    assert!(sim.clients[0].send_data("_reliable", &packet("to all", &[], 1)), "a replay, to be dropped");
    assert!(sim.clients[0].send_data("_lossy", &packet("to one", &["person-2"], 0)));
    sim.wait("person 2 has both", |sim| sim.clients[2].data.len() == 2);
    sim.wait("person 1 has one", |sim| sim.clients[1].data.len() == 1);
    sim.run(Duration::from_secs(1));
    assert!(sim.clients[0].data.is_empty());
    assert_eq!((sim.clients[1].data.len(), sim.clients[2].data.len()), (1, 2));
    for packet in sim.clients.iter().flat_map(|client| &client.data) {
        assert_eq!(packet.participant_identity, "person-0");
        assert_eq!(packet.participant_sid, sim.clients[0].sid);
    }
    let send = proto::SendDataRequest { room: "room".into(), data: b"from the server".to_vec(), ..Default::default() };
    assert!(matches!(sim.api(ApiCall::SendData(send)), Ok(ApiReply::DataSent(_))));
    sim.wait("everybody has it", |sim| {
        [1, 2, 3] == [sim.clients[0].data.len(), sim.clients[1].data.len(), sim.clients[2].data.len()]
    });
}

/// The speaker is named to those who hear it, and no longer once it stops.
#[test]
fn speakers_are_told() {
    let mut sim = room_of(16, Conditions::PERFECT, &[Mode::Single, Mode::Single]);
    let speaking = |sim: &SimRoom, active: bool| {
        let speaker = &sim.clients[0].sid;
        sim.clients[1].messages.iter().any(|message| match message {
            Response::SpeakersChanged(changed) => {
                changed.speakers.iter().any(|info| info.sid == *speaker && info.active == active)
            }
            _ => false,
        })
    };
    sim.wait("the speaker is told", |sim| speaking(sim, true));
    sim.clients[1].messages.clear();
    sim.clients[0].sent[0].paused = true;
    sim.wait("silence is told", |sim| speaking(sim, false));
}

/// What the API may do to a participant, and that it is done at once.
#[test]
fn api_moderates() {
    let mut sim = room_of(17, Conditions::PERFECT, &[Mode::Single, Mode::Single]);
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    let track_sid = sim.clients[0].sent[0].sid.clone();
    let mute = |muted| proto::MuteRoomTrackRequest {
        room: "room".into(),
        identity: "person-0".into(),
        track_sid: track_sid.clone(),
        muted,
    };
    assert!(sim.api(ApiCall::MutePublishedTrack(mute(true))).is_ok());
    assert!(sim.clients[0].messages.iter().any(|message| matches!(message, Response::Mute(mute) if mute.muted)));
    assert!(sim.api(ApiCall::MutePublishedTrack(mute(false))).is_err(), "nobody can open another's microphone");
    let remove =
        proto::RoomParticipantIdentity { room: "room".into(), identity: "person-0".into(), ..Default::default() };
    assert!(sim.api(ApiCall::RemoveParticipant(remove)).is_ok());
    let leave = sim.clients[0].left.as_ref().expect("a leave");
    assert_eq!(leave.reason, proto::DisconnectReason::ParticipantRemoved as i32);
    assert!(sim.clients[1].others.values().all(|other| other.identity != "person-0"));
    let delete = proto::DeleteRoomRequest { room: "room".into() };
    assert!(sim.api(ApiCall::DeleteRoom(delete.clone())).is_ok());
    assert!(sim.clients[1].left.is_some());
    assert!(sim.api(ApiCall::DeleteRoom(delete)).is_err());
}

/// Who may not publish is refused with a reason, who may not come in gets an HTTP status.
#[test]
fn permissions_are_kept() {
    let mut sim = SimRoom::new(18, Conditions::PERFECT);
    let mut viewer = claims("viewer", "room");
    let grant = viewer.video.as_mut().expect("a grant");
    grant.can_publish = Some(false);
    let viewer = sim.join_as(viewer, Mode::Single).expect("admitted");
    sim.publish(viewer, MediaKind::Audio, 1);
    let refused = |message: &Response| {
        matches!(message, Response::RequestResponse(response)
        if response.reason == proto::request_response::Reason::NotAllowed as i32)
    };
    assert!(sim.clients[viewer].messages.iter().any(refused));
    let mut stranger = claims("stranger", "room");
    stranger.video.as_mut().expect("a grant").room_join = false;
    assert_eq!(sim.join_as(stranger, Mode::Single).expect_err("no grant").status, 401);
    assert_eq!(sim.join_as(claims("", "room"), Mode::Single).expect_err("no identity").status, 400);
}

/// A server that goes down tells everybody to come back.
#[test]
fn shutdown_asks_to_reconnect() {
    let mut sim = room_of(19, Conditions::PERFECT, &[Mode::Single, Mode::Dual]);
    sim.node.shut_down(sim.now);
    sim.run(Duration::from_millis(100));
    for client in &sim.clients {
        let leave = client.left.as_ref().expect("a leave");
        assert_eq!(leave.action, proto::leave_request::Action::Reconnect as i32);
    }
    let rejected = sim.join_as(claims("late", "room"), Mode::Single).expect_err("draining");
    assert_eq!(rejected.status, 503);
    assert!(sim.clients.iter().all(|client| !client.is_in()));
}
