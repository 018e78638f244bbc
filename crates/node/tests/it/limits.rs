//! What one participant can do to the others by asking for much, or for what we do not know.

use std::time::Duration;

use livekit_protocol as proto;
use node::{ApiCall, ApiReply};
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::all_hear_all;
use crate::sim::{Mode, SimRoom, claims};

fn list(sim: &mut SimRoom) -> proto::ListParticipantsResponse {
    match sim.api(ApiCall::ListParticipants(proto::ListParticipantsRequest { room: "room".into() })) {
        Ok(ApiReply::Participants(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn refusals(sim: &SimRoom, index: usize, reason: proto::request_response::Reason) -> usize {
    let refused =
        |message: &&Response| matches!(message, Response::RequestResponse(answer) if answer.reason == reason as i32);
    sim.clients[index].messages.iter().filter(refused).count()
}

/// What everybody is told of a guest stays small, whatever it says about itself and its tracks.
#[test]
fn a_guest_cannot_make_itself_large() {
    let mut sim = SimRoom::new(40, Conditions::PERFECT);
    let guest = sim.join_with(claims("guest", "room"), Mode::Single, |join| {
        let info = join.client_info.get_or_insert_default();
        info.capabilities = vec![1; 1_000_000];
        info.other_sdks = "x".repeat(100_000);
    });
    let guest = guest.expect("admitted");
    sim.publish(guest, MediaKind::Audio, 1);
    sim.wait("it is published", |sim| !sim.clients[guest].sent[0].sid.is_empty());
    sim.publish_with(guest, MediaKind::Video, 2, |add| {
        add.layers = vec![proto::VideoLayer { width: 1, ..proto::VideoLayer::default() }; 100_000];
    });
    sim.publish_with(guest, MediaKind::Video, 3, |add| add.stream = "x".repeat(1_900_000));
    let told = sim.clients[guest].messages.iter().map(|message| match message {
        Response::TrackPublished(published) => published.encoded_len(),
        _ => 0,
    });
    assert!(told.max().expect("messages") < 2_000, "a track is small");
    assert_eq!(refusals(&sim, guest, proto::request_response::Reason::LimitExceeded), 1);
    let features =
        proto::UpdateLocalAudioTrack { track_sid: sim.clients[guest].sent[0].sid.clone(), features: vec![1; 500_000] };
    sim.request(guest, Request::UpdateAudioTrack(features));
    assert!(list(&mut sim).participants[0].encoded_len() < 2_000);
}

/// Attributes of a join request count against the same limit as later ones.
#[test]
fn attributes_of_a_join_request_are_bounded() {
    let mut sim = SimRoom::new(41, Conditions::PERFECT);
    let join = |sim: &mut SimRoom, bytes: usize| {
        sim.join_with(claims("guest", "room"), Mode::Single, |join| {
            join.participant_attributes.insert("a".into(), "x".repeat(bytes));
        })
    };
    assert_eq!(join(&mut sim, 64 * 1024).expect_err("too much").status, 400);
    assert!(join(&mut sim, 64 * 1024 - 1).is_ok());
}

/// Somebody who changes without pause reaches the others as a few messages; the last state arrives.
#[test]
fn a_flood_of_changes_is_a_few_messages_for_the_others() {
    let mut sim = SimRoom::new(42, Conditions::PERFECT);
    for name in ["loud", "quiet"] {
        let index = sim.join(name, Mode::Single);
        sim.publish(index, MediaKind::Audio, u8::try_from(index).expect("few") + 1);
    }
    let sid = |sim: &SimRoom| sim.clients[0].sent[0].sid.clone();
    sim.wait("they hear each other", |sim| sim.clients[1].hears(&sid(sim), 1, 5));
    for client in &mut sim.clients {
        client.messages.clear();
    }
    for round in 0..500 {
        let metadata = format!("{round}");
        sim.request(0, Request::UpdateMetadata(proto::UpdateParticipantMetadata { metadata, ..Default::default() }));
        let mute = proto::MuteTrackRequest { sid: sid(&sim), muted: round % 2 == 0 };
        sim.request(0, Request::Mute(mute));
    }
    let updates = |sim: &SimRoom, index: usize| {
        let client = &sim.clients[index];
        client.messages.iter().filter(|message| matches!(message, Response::Update(_))).count()
    };
    assert_eq!(updates(&sim, 0), 1_000, "it sees each of its own");
    assert!(updates(&sim, 1) <= 30, "{} at once", updates(&sim, 1));
    sim.run(Duration::from_secs(2));
    assert!(updates(&sim, 1) <= 40, "{} in all", updates(&sim, 1));
    let known = sim.clients[1].others.values().find(|other| other.identity == "loud").expect("known");
    assert_eq!((known.metadata.as_str(), known.tracks[0].muted), ("499", false));
    // A track published in the middle of a flood comes too, after it was told of.
    for round in 0..100 {
        let metadata = format!("again {round}");
        sim.request(0, Request::UpdateMetadata(proto::UpdateParticipantMetadata { metadata, ..Default::default() }));
    }
    sim.publish(0, MediaKind::Audio, 9);
    sim.run(Duration::from_millis(50));
    let known = sim.clients[1].others.values().find(|other| other.identity == "loud").expect("known");
    assert_eq!(known.tracks.len(), 1, "it is told with the rest of the flood");
    sim.wait("the new track is heard", |sim| {
        let track = &sim.clients[0].sent[1].sid;
        !track.is_empty() && sim.clients[1].hears(track, 9, 5)
    });
}

/// A policy concerns everybody, so it waits for its turn like any other change, and the last one counts.
#[test]
fn a_flood_of_policies_is_a_few_messages_for_the_others() {
    let mut sim = SimRoom::new(44, Conditions::PERFECT);
    for name in ["loud", "quiet"] {
        let index = sim.join(name, Mode::Single);
        sim.publish(index, MediaKind::Audio, u8::try_from(index).expect("few") + 1);
    }
    sim.wait("they hear each other", |sim| sim.clients[1].hears(&sim.clients[0].sent[0].sid, 1, 5));
    let told = |sim: &SimRoom| -> Vec<bool> {
        let updates = sim.clients[1].messages.iter().filter_map(|message| match message {
            Response::SubscriptionPermissionUpdate(update) => Some(update.allowed),
            _ => None,
        });
        updates.collect()
    };
    let set = |sim: &mut SimRoom, all_participants: bool| {
        let policy = proto::SubscriptionPermission { all_participants, track_permissions: Vec::new() };
        sim.request(0, Request::SubscriptionPermission(policy));
    };
    // The same flood twice, so that at least one of the last words differs from what was carried out at once.
    for last in [true, false] {
        sim.run(Duration::from_secs(10));
        sim.clients[1].messages.clear();
        for round in 0..500 {
            set(&mut sim, round % 2 == 1);
        }
        set(&mut sim, last);
        assert!(told(&sim).len() <= 31, "{} at once", told(&sim).len());
        sim.run(Duration::from_secs(2));
        assert_eq!(told(&sim).last(), Some(&last));
    }
}

/// However many requests they come in, all attributes together have one limit.
#[test]
fn attributes_are_limited_in_all() {
    let mut sim = SimRoom::new(45, Conditions::PERFECT);
    let guest = sim.join("guest", Mode::Single);
    let limited = |sim: &SimRoom| refusals(sim, guest, proto::request_response::Reason::LimitExceeded);
    for (name, bytes, refused) in
        [("a", 40_000, 0), ("b", 40_000, 1), ("a", 60_000, 1), ("b", 4_000, 1), ("c", 4_000, 2)]
    {
        let attributes = std::iter::once((name.to_owned(), "x".repeat(bytes))).collect();
        let update = proto::UpdateParticipantMetadata { attributes, ..Default::default() };
        sim.request(guest, Request::UpdateMetadata(update));
        assert_eq!(limited(&sim), refused, "{name} with {bytes} bytes");
    }
}

/// Values newer than this build are left out: events and answers in JSON can be written all the same.
#[test]
fn unknown_enum_values_do_not_reach_json() {
    let mut sim = SimRoom::new(43, Conditions::PERFECT);
    let guest = sim.join_with(claims("guest", "room"), Mode::Single, |join| {
        join.client_info.get_or_insert_default().capabilities = vec![99, 1];
    });
    let guest = guest.expect("admitted");
    sim.publish_with(guest, MediaKind::Audio, 1, |add| {
        let layer = proto::VideoLayer { quality: 99, ..proto::VideoLayer::default() };
        let (codec, cid) = ("opus".to_owned(), add.cid.clone());
        let layers = vec![layer.clone()];
        add.simulcast_codecs = vec![proto::SimulcastCodec { codec, cid, layers, video_layer_mode: 99 }];
        add.layers = vec![layer];
        (add.source, add.encryption, add.backup_codec_policy) = (99, 99, 99);
        add.audio_features = vec![99, 1];
        add.packet_trailer_features = vec![99];
    });
    let told = |sim: &SimRoom, name: &str| sim.webhooks.iter().any(|event| event.event == name);
    sim.wait("it is here", |sim| told(sim, "track_published") && told(sim, "participant_joined"));
    let update =
        |features| proto::UpdateLocalAudioTrack { track_sid: sim.clients[guest].sent[0].sid.clone(), features };
    let update = update(vec![99, 2]);
    sim.request(guest, Request::UpdateAudioTrack(update));
    let permission =
        proto::ParticipantPermission { can_publish: true, can_publish_sources: vec![99, 2, 0], ..Default::default() };
    let update = proto::UpdateParticipantRequest {
        room: "room".into(),
        identity: "guest".into(),
        permission: Some(permission),
        ..proto::UpdateParticipantRequest::default()
    };
    assert!(sim.api(ApiCall::UpdateParticipant(update)).is_ok());
    let participants = list(&mut sim);
    let guest = &participants.participants[0];
    assert_eq!((guest.capabilities.as_slice(), guest.tracks[0].audio_features.as_slice()), (&[1][..], &[2][..]));
    serde_json::to_string(&participants).expect("the list can be written");
    sim.request(0, Request::Leave(proto::LeaveRequest::default()));
    assert!(told(&sim, "participant_left"));
    for event in &sim.webhooks {
        serde_json::to_string(event).unwrap_or_else(|error| panic!("{}: {error}", event.event));
    }
}

/// What somebody wanted of a track that is gone takes no room from what it wants of later ones.
#[test]
fn wishes_go_with_their_track() {
    let mut sim = SimRoom::new(47, Conditions::PERFECT);
    for identity in ["watcher", "sender"] {
        sim.join(identity, Mode::Single);
    }
    // Room for one wish is left.
    let track_sids = (0..3_999).map(|number| format!("TR_{number}")).collect();
    let update = proto::UpdateSubscription { track_sids, subscribe: true, ..Default::default() };
    sim.request(0, Request::Subscription(update));
    for mark in 1..=3 {
        sim.publish(1, MediaKind::Audio, mark);
        sim.wait("all hear all", |sim| all_hear_all(sim, 5));
        let sid = sim.clients[1].sent[0].sid.clone();
        sim.subscribe(0, &sid, false);
        sim.run(Duration::from_secs(1));
        sim.clients[0].received.clear();
        sim.run(Duration::from_secs(1));
        assert_eq!(sim.clients[0].count(&sid, mark), 0, "track {mark} is not wanted");
        sim.unpublish(1, mark);
        sim.run(Duration::from_secs(1));
    }
}
