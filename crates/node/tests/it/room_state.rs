//! What participants are told of the room and of each other, and when.

use std::time::Duration;

use livekit_protocol as proto;
use node::token::{Claims, VideoGrant};
use node::{ApiCall, ApiReply};
use proto::participant_info::State;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::sim::{Mode, SimRoom, claims};

fn speakers_of(seed: u64, modes: &[Mode]) -> SimRoom {
    let mut sim = SimRoom::new(seed, Conditions::PERFECT);
    for (index, mode) in modes.iter().enumerate() {
        sim.join(&format!("person-{index}"), *mode);
        sim.publish(index, MediaKind::Audio, u8::try_from(index).expect("few") + 1);
    }
    sim.wait("all hear all", |sim| {
        let heard = |receiver: usize, sender: usize| {
            let mark = u8::try_from(sender).expect("few") + 1;
            receiver == sender || sim.clients[receiver].hears(&sim.clients[sender].sent[0].sid, mark, 5)
        };
        (0..modes.len()).all(|receiver| (0..modes.len()).all(|sender| heard(receiver, sender)))
    });
    sim
}

fn leave(sim: &mut SimRoom, index: usize) {
    sim.request(index, Request::Leave(proto::LeaveRequest::default()));
}

fn disconnected(message: &Response) -> Vec<&str> {
    let Response::Update(update) = message else { return Vec::new() };
    let gone = update.participants.iter().filter(|info| info.state == State::Disconnected as i32);
    gone.map(|info| info.identity.as_str()).collect()
}

/// Who left while a client was away is named to it when it is back, before the state of the others; who came back too
/// is not, because clients remove by identity.
#[test]
fn departures_of_an_outage_are_told_at_the_resume() {
    let mut sim = speakers_of(50, &[Mode::Single, Mode::Single, Mode::Single, Mode::Single]);
    sim.lose_signal(0);
    leave(&mut sim, 1);
    leave(&mut sim, 2);
    sim.join("person-2", Mode::Single);
    sim.run(Duration::from_secs(20));
    sim.clients[0].messages.clear();
    sim.come_back(0, None);
    let messages = &sim.clients[0].messages;
    assert!(matches!(messages[0], Response::Reconnect(_)));
    assert_eq!(disconnected(&messages[1]), ["person-1"]);
    assert!(matches!(&messages[2], Response::Update(update) if update.participants.len() == 3));
    let mut known: Vec<&str> = sim.clients[0].others.values().map(|other| other.identity.as_str()).collect();
    known.sort_unstable();
    known.retain(|identity| *identity != "person-0");
    assert_eq!(known, ["person-2", "person-3"]);
}

fn user_packet(sequence: u32) -> proto::DataPacket {
    let user = proto::UserPacket { payload: vec![7], ..proto::UserPacket::default() };
    proto::DataPacket { sequence, value: Some(proto::data_packet::Value::User(user)), ..Default::default() }
}

/// Reliable packets are repeated to a resumed client if they are young: it has forgotten what it got long ago. The state
/// that a join request carries counts as much as one sent afterwards.
#[test]
fn only_young_packets_are_repeated() {
    for (away_s, repeated) in [(3, 2), (12, 1), (40, 1)] {
        let mut sim = speakers_of(51, &[Mode::Single, Mode::Single]);
        sim.clients[0].send_data("_reliable", &user_packet(1));
        sim.wait("it arrives", |sim| sim.clients[1].data.len() == 1);
        sim.lose_signal(1);
        sim.run(Duration::from_secs(away_s));
        sim.come_back(1, Some(proto::SyncState::default()));
        sim.run(Duration::from_secs(1));
        assert_eq!(sim.clients[1].data.len(), repeated, "after {away_s} s");
    }
}

/// A client that resumes with tracks that we do not have starts afresh, also if it says so in its join request.
#[test]
fn a_resume_with_unknown_tracks_is_told_to_reconnect() {
    let mut sim = speakers_of(52, &[Mode::Single]);
    sim.lose_signal(0);
    let track = Some(proto::TrackInfo { sid: "TR_unknown".into(), ..proto::TrackInfo::default() });
    let published = proto::TrackPublishedResponse { cid: "cid".into(), track };
    sim.come_back(0, Some(proto::SyncState { publish_tracks: vec![published], ..Default::default() }));
    let leave = sim.clients[0].left.as_ref().expect("a leave");
    assert_eq!(leave.action, proto::leave_request::Action::Reconnect as i32);
}

/// Longer than it takes to be told what is known, and shorter than it takes to measure anything.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Whether `index` was told how good the connection of `other` is.
fn knows_quality(sim: &SimRoom, index: usize, other: usize) -> bool {
    let sid = &sim.clients[other].sid;
    sim.clients[index].messages.iter().any(|message| match message {
        Response::ConnectionQuality(update) => update.updates.iter().any(|info| info.participant_sid == *sid),
        _ => false,
    })
}

/// Somebody who comes later, or comes back, learns how good the others' connections are, though nothing changes.
#[test]
fn a_newcomer_learns_the_connection_quality() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = speakers_of(53, &[Mode::Single, Mode::Dual]);
        sim.run(Duration::from_secs(20));
        let newcomer = sim.join("newcomer", mode);
        let knows_both = |sim: &SimRoom| knows_quality(sim, newcomer, 0) && knows_quality(sim, newcomer, 1);
        sim.wait_for("it is told of both", AT_ONCE, knows_both);
        sim.run(Duration::from_secs(20));
        sim.lose_signal(newcomer);
        sim.clients[newcomer].messages.clear();
        sim.reconnect(newcomer);
        sim.wait_for("it is told of both again", AT_ONCE, knows_both);
    }
}

/// So does who begins to receive somebody that was there all the time.
#[test]
fn a_new_subscription_brings_the_connection_quality() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = speakers_of(64, &[mode]);
        let quiet = sim.join("quiet", Mode::Single);
        sim.run(Duration::from_secs(20));
        assert!(knows_quality(&sim, quiet, quiet) && !knows_quality(&sim, 0, quiet));
        sim.publish(quiet, MediaKind::Audio, 9);
        sim.wait_for("it is told", AT_ONCE, |sim| knows_quality(sim, 0, quiet));
    }
}

/// The last word about a speaker: (level, active).
fn last_speaker(sim: &SimRoom, listener: usize, speaker: usize) -> Option<(f32, bool)> {
    let sid = &sim.clients[speaker].sid;
    let mut changes = sim.clients[listener].messages.iter().filter_map(|message| match message {
        Response::SpeakersChanged(changed) => changed.speakers.iter().find(|info| info.sid == *sid),
        _ => None,
    });
    changes.next_back().map(|info| (info.level, info.active))
}

/// Somebody who stops publishing in the middle of a word speaks no longer, for nobody.
#[test]
fn who_unpublishes_speaks_no_longer() {
    let mut sim = speakers_of(54, &[Mode::Single, Mode::Single]);
    sim.wait("the speaker is told", |sim| last_speaker(sim, 1, 0).is_some_and(|(_, active)| active));
    sim.unpublish(0, 1);
    sim.run(Duration::from_secs(1));
    for listener in [0, 1] {
        assert_eq!(last_speaker(&sim, listener, 0), Some((0.0, false)), "listener {listener}");
    }
}

/// Nor for somebody who no longer listens.
#[test]
fn who_unsubscribes_is_told_that_the_speaker_is_silent() {
    let mut sim = speakers_of(55, &[Mode::Single, Mode::Single]);
    sim.wait("the speaker is told", |sim| last_speaker(sim, 1, 0).is_some_and(|(_, active)| active));
    let track_sids = vec![sim.clients[0].sent[0].sid.clone()];
    let update = proto::UpdateSubscription { track_sids, subscribe: false, participant_tracks: Vec::new() };
    sim.request(1, Request::Subscription(update));
    assert_eq!(last_speaker(&sim, 1, 0), Some((0.0, false)));
}

/// What `index` was told of its permission for a track, in order.
fn permissions(sim: &SimRoom, index: usize, track_sid: &str) -> Vec<bool> {
    let told = sim.clients[index].messages.iter().filter_map(|message| match message {
        Response::SubscriptionPermissionUpdate(update) if update.track_sid == track_sid => Some(update.allowed),
        _ => None,
    });
    told.collect()
}

/// Each change of what somebody may receive is told once, also of tracks that come after the policy; who does not want a
/// track is not told of it.
#[test]
fn subscription_permissions_are_told_once() {
    let mut sim = speakers_of(56, &[Mode::Single, Mode::Single, Mode::Single]);
    let first = sim.clients[0].sent[0].sid.clone();
    let unsubscribe =
        proto::UpdateSubscription { track_sids: vec![first.clone()], subscribe: false, participant_tracks: vec![] };
    sim.request(2, Request::Subscription(unsubscribe));
    let policy = |all_participants| {
        let policy = proto::SubscriptionPermission { all_participants, track_permissions: Vec::new() };
        Request::SubscriptionPermission(policy)
    };
    sim.request(0, policy(true));
    sim.request(0, policy(true));
    assert_eq!((permissions(&sim, 1, &first), permissions(&sim, 2, &first)), (vec![], vec![]));
    sim.request(0, policy(false));
    sim.request(0, policy(false));
    sim.publish(0, MediaKind::Audio, 9);
    sim.wait("the second track is known", |sim| sim.clients[1].others.values().any(|other| other.tracks.len() == 2));
    let second = sim.clients[0].sent[1].sid.clone();
    sim.run(Duration::from_secs(1));
    assert_eq!((permissions(&sim, 1, &first), permissions(&sim, 1, &second)), (vec![false], vec![false]));
    assert_eq!((permissions(&sim, 2, &first), permissions(&sim, 2, &second)), (vec![], vec![false]));
    assert!(!sim.clients[1].received.contains_key(&second), "it was forwarded all the same");
    sim.request(0, policy(true));
    sim.request(0, policy(true));
    assert_eq!((permissions(&sim, 1, &first), permissions(&sim, 1, &second)), (vec![false, true], vec![false, true]));
    sim.wait("it is heard", |sim| sim.clients[1].hears(&second, 9, 5));
}

/// When a room ends, each gets its own leave and no word of the others'.
#[test]
fn the_end_of_a_room_tells_nobody_of_the_others() {
    let mut sim = speakers_of(57, &[Mode::Single, Mode::Dual, Mode::Single]);
    for client in &mut sim.clients {
        client.messages.clear();
    }
    assert!(sim.api(ApiCall::DeleteRoom(proto::DeleteRoomRequest { room: "room".into() })).is_ok());
    for client in &sim.clients {
        assert!(client.left.is_some());
        assert!(client.messages.iter().all(|message| disconnected(message).is_empty()), "{}", client.identity);
    }
    assert_eq!(sim.node.sizes(), node::Sizes::default());
    let last = sim.webhooks.last().expect("events");
    assert_eq!(
        (last.event.as_str(), last.room_end_reason),
        ("room_finished", proto::RoomEndReason::RoomEndApiDelete as i32)
    );
}

fn last_counts(sim: &SimRoom, index: usize) -> Option<(u32, u32)> {
    let mut updates = sim.clients[index].messages.iter().filter_map(|message| match message {
        Response::RoomUpdate(update) => update.room.as_ref(),
        _ => None,
    });
    updates.next_back().map(|room| (room.num_participants, room.num_publishers))
}

/// How many are in the room and how many publish is told when somebody leaves or stops too, a little later and once.
#[test]
fn counts_follow_those_who_leave() {
    let mut sim = speakers_of(58, &[Mode::Single, Mode::Single, Mode::Single]);
    sim.run(Duration::from_secs(6));
    assert_eq!(last_counts(&sim, 0), Some((3, 3)));
    sim.clients[0].messages.clear();
    let told_once = |sim: &mut SimRoom, counts| {
        sim.run(Duration::from_secs(6));
        assert_eq!(last_counts(sim, 0), Some(counts));
        let told = sim.clients[0].messages.iter().filter(|message| matches!(message, Response::RoomUpdate(_))).count();
        assert_eq!(told, 1);
        sim.clients[0].messages.clear();
    };
    sim.unpublish(1, 2);
    told_once(&mut sim, (3, 2));
    leave(&mut sim, 2);
    told_once(&mut sim, (2, 1));
    sim.publish(1, MediaKind::Audio, 9);
    sim.run(Duration::from_secs(1));
    leave(&mut sim, 1);
    told_once(&mut sim, (1, 1));
}

/// A client that names no codec sends the first one agreed on, and that is what the others read.
#[test]
fn the_codec_is_known_without_being_named() {
    let mut sim = SimRoom::new(59, Conditions::PERFECT);
    for (index, mode) in [Mode::Single, Mode::Dual].into_iter().enumerate() {
        sim.join(&format!("person-{index}"), mode);
        sim.publish(index, MediaKind::Video, u8::try_from(index).expect("few") + 1);
    }
    let known = |sim: &SimRoom, index: usize| {
        let tracks = sim.clients[index].others.values().flat_map(|other| &other.tracks);
        let mut tracks = tracks.filter(|track| track.sid == sim.clients[1 - index].sent[0].sid);
        tracks.next().map(|track| (track.mime_type.clone(), track.codecs[0].mime_type.clone()))
    };
    sim.wait("both are published", |sim| known(sim, 0).is_some() && known(sim, 1).is_some());
    let vp8 = || Some(("video/vp8".to_owned(), "video/vp8".to_owned()));
    assert_eq!((known(&sim, 0), known(&sim, 1)), (vp8(), vp8()));
}

/// Nobody is told of a hidden participant, so nobody gets its tracks, until it is shown.
#[test]
fn tracks_of_the_hidden_are_not_forwarded() {
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = speakers_of(60, &[mode]);
        let mut hidden = claims("hidden", "room");
        hidden.video.as_mut().expect("a grant").hidden = true;
        let hidden = sim.join_as(hidden, mode).expect("admitted");
        sim.publish(hidden, MediaKind::Audio, 9);
        sim.wait("the hidden one hears", |sim| sim.clients[hidden].hears(&sim.clients[0].sent[0].sid, 1, 5));
        sim.run(Duration::from_secs(2));
        let sid = sim.clients[hidden].sent[0].sid.clone();
        assert!(!sid.is_empty() && !sim.clients[0].received.contains_key(&sid));
        let permission = proto::ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            ..proto::ParticipantPermission::default()
        };
        let shown = proto::UpdateParticipantRequest {
            room: "room".into(),
            identity: "hidden".into(),
            permission: Some(permission),
            ..proto::UpdateParticipantRequest::default()
        };
        assert!(sim.api(ApiCall::UpdateParticipant(shown)).is_ok());
        sim.wait("it is heard", |sim| sim.clients[0].hears(&sid, 9, 5));
    }
}

/// `CreateRoom` for a room that exists tells those in it what it changed, and nothing if it changed nothing.
#[test]
fn a_changed_room_is_told() {
    let mut sim = speakers_of(61, &[Mode::Single]);
    sim.run(Duration::from_secs(6));
    sim.clients[0].messages.clear();
    for _ in 0..2 {
        let request = proto::CreateRoomRequest { name: "room".into(), metadata: "new".into(), ..Default::default() };
        assert!(matches!(sim.api(ApiCall::CreateRoom(request)), Ok(ApiReply::Room(_))));
    }
    let updates: Vec<_> = sim.clients[0]
        .messages
        .iter()
        .filter_map(|message| match message {
            Response::RoomUpdate(update) => update.room.as_ref().map(|room| room.metadata.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(updates, ["new"]);
}

/// Agents and recorders do not keep a room open that everybody else has left.
#[test]
fn a_room_of_agents_only_ends() {
    let mut sim = speakers_of(62, &[Mode::Single]);
    let agent = Claims { kind: "agent".into(), ..claims("agent", "room") };
    let mut granted = claims("agent by its grant", "room");
    granted.video.as_mut().expect("a grant").agent = true;
    let mut recorder = claims("recorder", "room");
    recorder.video.as_mut().expect("a grant").recorder = true;
    let late = Claims { kind: "agent".into(), ..claims("late agent", "room") };
    for helper in [agent, granted, recorder] {
        sim.join_as(helper, Mode::Single).expect("admitted");
    }
    sim.run(Duration::from_secs(60));
    assert!(sim.clients.iter().all(|client| client.left.is_none()), "somebody is here");
    leave(&mut sim, 0);
    sim.run(Duration::from_secs(10));
    sim.join_as(late, Mode::Single).expect("admitted");
    sim.run(Duration::from_secs(11));
    for helper in &sim.clients[1..] {
        let reason = helper.left.as_ref().expect("a leave").reason;
        assert_eq!(reason, proto::DisconnectReason::RoomClosed as i32);
    }
    let last = sim.webhooks.last().expect("events");
    assert_eq!(
        (last.event.as_str(), last.room_end_reason),
        ("room_finished", proto::RoomEndReason::RoomEndIdleTimeout as i32)
    );
}

/// Those who do not count towards the limit of a room are let into a full one.
#[test]
fn a_full_room_lets_helpers_in() {
    let mut sim = SimRoom::new(63, Conditions::PERFECT);
    let request = proto::CreateRoomRequest { name: "room".into(), max_participants: 1, ..Default::default() };
    assert!(matches!(sim.api(ApiCall::CreateRoom(request)), Ok(ApiReply::Room(_))));
    let mut of_kind_agent = claims("agent by kind", "room");
    of_kind_agent.kind = "agent".into();
    let mut egress = claims("egress", "room");
    egress.kind = "egress".into();
    let helper = |identity: &str, adjust: fn(&mut VideoGrant)| {
        let mut claims = claims(identity, "room");
        adjust(claims.video.as_mut().expect("a grant"));
        claims
    };
    let helpers = [
        of_kind_agent,
        egress,
        helper("agent by grant", |grant| grant.agent = true),
        helper("recorder", |grant| grant.recorder = true),
        helper("hidden", |grant| grant.hidden = true),
    ];
    sim.join("person-0", Mode::Single);
    for helper in helpers {
        let identity = helper.identity().to_owned();
        assert!(sim.join_as(helper, Mode::Single).is_ok(), "{identity}");
    }
    assert_eq!(sim.join_as(claims("person-1", "room"), Mode::Single).expect_err("full").status, 429);
}

/// A crowd that comes is one message for those who are here, and each newcomer is told at once.
#[test]
fn a_crowd_that_comes_is_one_message() {
    let mut sim = speakers_of(64, &[Mode::Single]);
    sim.run(Duration::from_secs(6));
    sim.clients[0].messages.clear();
    for index in 1..=6 {
        let newcomer = sim.join(&format!("person-{index}"), Mode::Single);
        sim.run(Duration::from_millis(500));
        assert!(last_counts(&sim, newcomer).is_some(), "a newcomer is told");
    }
    sim.run(Duration::from_secs(6));
    let told = sim.clients[0].messages.iter().filter(|message| matches!(message, Response::RoomUpdate(_))).count();
    assert_eq!((told, last_counts(&sim, 0)), (1, Some((7, 1))));
}
