//! What signalling keeps and passes on, seen from inside; sessions as clients see them are simulated with the node.
#![expect(clippy::disallowed_methods, reason = "some instant to count from")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;

use super::*;
use crate::bounds::SID_BYTES_MAX;
use crate::participant::{Participant, WISHES_MAX};
use crate::seam::{ClientAddress, Limits, MediaCommand, RoomDefaults, SignalPath, TransportQuality};
use crate::token::{ApiKeys, Claims, VideoGrant};

const ANNA: ConnectionId = ConnectionId(1);
const BEN: ConnectionId = ConnectionId(2);

fn config() -> Config {
    Config {
        node_id: "ND_test".into(),
        ice_lite: true,
        ice_servers: Vec::new(),
        keys: Arc::new(ApiKeys::new(vec![("key".into(), "a-secret-of-sufficient-length".into())])),
        room: RoomDefaults::default(),
        limits: Limits {
            rooms: 10,
            participants: 10,
            metadata_bytes: 64 * 1024,
            data_packets_per_second: 100,
            data_bytes_per_second: 100_000,
            ..Limits::default()
        },
        simulate_scenarios: false,
    }
}

fn joins(identity: &str, path: SignalPath) -> ConnectRequest {
    let video = VideoGrant { room_join: true, room: "room".into(), ..VideoGrant::default() };
    ConnectRequest {
        claims: Claims { sub: identity.into(), exp: Some(4_000_000_000), video: Some(video), ..Claims::default() },
        path,
        join: proto::JoinRequest {
            connection_settings: Some(proto::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
            ..proto::JoinRequest::default()
        },
        user_agent: String::new(),
        address: ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    }
}

/// Anna and Ben in one room.
fn two(now: Instant, path: SignalPath) -> Signal {
    let mut signal = Signal::new(config(), [1; 32], now, 1_700_000_000_000);
    for (connection, identity) in [(ANNA, "anna"), (BEN, "ben")] {
        signal.connect(now, connection, joins(identity, path)).unwrap();
    }
    drain(&mut signal);
    signal
}

fn drain(signal: &mut Signal) -> Vec<Output> {
    std::iter::from_fn(|| signal.poll_output()).collect()
}

fn participant(signal: &Signal, connection: ConnectionId) -> &Participant {
    let (room, key) = signal.index.connections[&connection];
    signal.rooms[&room].participant(key).unwrap()
}

fn request(signal: &mut Signal, now: Instant, connection: ConnectionId, message: Request) {
    let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
    signal.frame(now, connection, &Frame::Binary(bytes));
}

/// Wishes and settings are kept for so many sids of a sane length, whoever names them and how.
#[test]
fn wishes_and_settings_are_bounded() {
    let now = Instant::now();
    let mut signal = two(now, SignalPath::V1);
    let short: Vec<String> = (0..WISHES_MAX + 10).map(|number| format!("TR_{number}")).collect();
    let long: Vec<String> = (0..10).map(|number| format!("{number}{}", "x".repeat(SID_BYTES_MAX))).collect();
    for sids in [long, short] {
        let subscription = proto::UpdateSubscription { track_sids: sids.clone(), ..Default::default() };
        let settings = proto::UpdateTrackSettings { track_sids: sids.clone(), ..Default::default() };
        let state = proto::SyncState { track_sids_disabled: sids, ..Default::default() };
        request(&mut signal, now, ANNA, Request::SyncState(state));
        request(&mut signal, now, ANNA, Request::Subscription(subscription));
        request(&mut signal, now, ANNA, Request::TrackSetting(settings));
    }
    let anna = participant(&signal, ANNA);
    assert_eq!((anna.wishes.len(), anna.settings.len()), (WISHES_MAX, WISHES_MAX));
    let keys = anna.wishes.keys().chain(anna.settings.keys());
    assert!(keys.map(String::len).max().unwrap() <= SID_BYTES_MAX);
    let policy = proto::SubscriptionPermission {
        track_permissions: vec![proto::TrackPermission {
            participant_sid: "x".repeat(1_000_000),
            ..Default::default()
        }],
        ..proto::SubscriptionPermission::default()
    };
    request(&mut signal, now, ANNA, Request::SubscriptionPermission(policy));
    let kept = participant(&signal, ANNA).subscription_permission.as_ref().unwrap();
    assert!(!kept.all_participants && kept.track_permissions.is_empty());
}

/// Data packets beyond the allowed rate and volume are dropped; after a pause they pass again.
#[test]
fn data_is_paced() {
    let start = Instant::now();
    for (bytes, at_once, per_second) in [(10, 400, 100), (10_000, 40, 10)] {
        let mut signal = two(start, SignalPath::V1);
        let (anna, ben) = (participant(&signal, ANNA).publisher.unwrap(), participant(&signal, BEN).publisher.unwrap());
        signal.media(start, MediaEvent::ChannelOpen(ben, Channel::Lossy));
        let user = proto::UserPacket { payload: vec![7; bytes - 10], ..Default::default() };
        let value = Some(proto::data_packet::Value::User(user));
        let packet = proto::DataPacket { value, ..Default::default() }.encode_to_vec();
        let mut passed = |seconds: u64| {
            for _ in 0..1_000 {
                let now = start + Duration::from_secs(seconds);
                signal.media(now, MediaEvent::Data(anna, Channel::Lossy, packet.clone()));
            }
            let sent = |output: &Output| matches!(output, Output::Media(MediaCommand::SendData { .. }));
            drain(&mut signal).iter().filter(|output| sent(output)).count()
        };
        assert!(passed(0).abs_diff(at_once) <= 2, "{bytes} bytes each, at once");
        assert!(passed(1).abs_diff(per_second) <= 2, "{bytes} bytes each, a second later");
    }
}

/// With two peer connections the worse one counts: the grade does not swing between them.
#[test]
fn quality_is_that_of_the_worse_peer() {
    let now = Instant::now();
    let mut signal = two(now, SignalPath::V0);
    let anna = participant(&signal, ANNA);
    let (publisher, subscriber) = (anna.publisher.unwrap(), anna.subscriber.unwrap());
    let mut grades = Vec::new();
    for loss_up in [0.0, 0.0, 0.15, 0.15, 0.0, 0.0] {
        for (peer, loss_up) in [(publisher, 0.0), (subscriber, loss_up)] {
            let quality = TransportQuality { round_trip_ms: Some(20.0), loss_up, loss_down: 0.0 };
            signal.media(now, MediaEvent::Quality(peer, quality));
        }
        for output in drain(&mut signal) {
            let Output::Frame(ANNA, Frame::Binary(bytes)) = output else { continue };
            let message = proto::SignalResponse::decode(bytes.as_slice()).unwrap().message;
            if let Some(Response::ConnectionQuality(update)) = message {
                grades.extend(update.updates.iter().map(proto::ConnectionQualityInfo::quality));
            }
        }
    }
    use proto::ConnectionQuality::{Excellent, Poor};
    assert_eq!(grades, [Excellent, Poor, Excellent]);
}

/// Nobody would read an offer that is made while its client is away: it waits until the client is back.
#[test]
fn no_offer_is_made_for_who_is_away() {
    let now = Instant::now();
    let mut signal = two(now, SignalPath::V0);
    let subscriber_of = |signal: &Signal, connection| participant(signal, connection).subscriber.unwrap();
    let (anna, ben) = (subscriber_of(&signal, ANNA), subscriber_of(&signal, BEN));
    signal.media(now, MediaEvent::Connected(anna));
    signal.disconnected(now, ANNA);
    signal.handle_timeout(now);
    let offered: Vec<PeerId> = drain(&mut signal)
        .iter()
        .filter_map(|output| match output {
            Output::Media(MediaCommand::CreateOffer { peer, .. }) => Some(*peer),
            _ => None,
        })
        .collect();
    assert_eq!(offered, [ben]);
}

/// A reliable packet is thrown away once it is too old to be repeated, though nothing else happens in the room.
#[test]
fn old_packets_wake_the_room_once() {
    let start = Instant::now();
    let mut signal = two(start, SignalPath::V1);
    let at = start + Duration::from_secs(10);
    // What is due by itself is done before.
    signal.handle_timeout(at);
    let idle = signal.poll_timeout().unwrap();
    let anna = participant(&signal, ANNA).publisher.unwrap();
    let value = Some(proto::data_packet::Value::User(proto::UserPacket { payload: vec![7], ..Default::default() }));
    let packet = proto::DataPacket { value, sequence: 1, ..Default::default() }.encode_to_vec();
    signal.media(at, MediaEvent::Data(anna, Channel::Reliable, packet));
    let due = at + Duration::from_secs(15);
    assert_eq!(signal.poll_timeout(), Some(due));
    assert!(idle > due);
    signal.handle_timeout(due);
    assert_eq!(signal.poll_timeout(), Some(idle), "nothing is left of it");
}

/// What no data channel takes is passed on to nobody.
#[test]
fn giant_packets_are_dropped() {
    let now = Instant::now();
    let mut signal = two(now, SignalPath::V1);
    let (anna, ben) = (participant(&signal, ANNA).publisher.unwrap(), participant(&signal, BEN).publisher.unwrap());
    signal.media(now, MediaEvent::ChannelOpen(ben, Channel::Lossy));
    for (bytes, passed) in [(65_000, 1), (65_536, 0)] {
        let user = proto::UserPacket { payload: vec![7; bytes], ..Default::default() };
        let value = Some(proto::data_packet::Value::User(user));
        let packet = proto::DataPacket { value, ..Default::default() }.encode_to_vec();
        signal.media(now, MediaEvent::Data(anna, Channel::Lossy, packet));
        let sent = |output: &Output| matches!(output, Output::Media(MediaCommand::SendData { .. }));
        assert_eq!(drain(&mut signal).iter().filter(|output| sent(output)).count(), passed, "{bytes} bytes");
    }
}

/// The media engine hears which clients are on another machine; of whom no address is known is taken to be on this one.
#[test]
fn clients_elsewhere_are_told_apart() {
    let now = Instant::now();
    for (address, expected) in
        [("203.0.113.9", true), ("2001:db8::9", true), ("127.0.0.1", false), ("::1", false), ("0.0.0.0", false)]
    {
        let mut signal = Signal::new(config(), [1; 32], now, 1_700_000_000_000);
        let request =
            ConnectRequest { address: ClientAddress(address.parse().unwrap()), ..joins("anna", SignalPath::V1) };
        signal.connect(now, ANNA, request).unwrap();
        let told = drain(&mut signal).into_iter().find_map(|output| match output {
            Output::Media(MediaCommand::AddPeer { elsewhere, .. }) => Some(elsewhere),
            _ => None,
        });
        assert_eq!(told, Some(expected), "{address}");
    }
}
