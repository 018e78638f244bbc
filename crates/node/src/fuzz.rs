//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::Secret;
use livekit_protocol as proto;

use crate::token::{ApiKeys, Claims, VideoGrant};
use crate::{
    Candidate, ClientAddress, Config, ConnectRequest, ConnectionId, Datagram, Frame, Limits, Node, Output, Protocol,
    RoomDefaults, SignalPath, StreamId, TurnLimits, TurnOptions,
};

pub use signal::fuzz::data_packet;

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7882);
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5000);
/// As of a client that wants data channels only; candidates follow.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:fuzz\r\n\
    a=ice-pwd:fuzzfuzzfuzzfuzzfuzzfuzz\r\na=fingerprint:sha-256 \
    01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:65536\r\n";
const VICTIM: ConnectionId = ConnectionId(1);
const ATTACKER: ConnectionId = ConnectionId(2);

/// A signalling frame of a participant, once as protobuf and once as JSON. Another participant must not be harmed.
pub fn signal_frame(now: Instant, bytes: &[u8]) {
    let mut node = node_with_two(now);
    node.frame(now, ATTACKER, &Frame::Binary(bytes.to_vec()));
    node.frame(now, ATTACKER, &Frame::Text(String::from_utf8_lossy(bytes).into_owned()));
    settle(&mut node, now);
    // Nobody but a moderator can end another's session.
    let names = list(&mut node, now);
    assert!(names.iter().any(|name| name == "victim"), "the other participant is gone: {names:?}");
}

/// An offer, in the join request and afterwards.
pub fn offer(now: Instant, bytes: &[u8]) {
    let sdp = String::from_utf8_lossy(bytes).into_owned();
    let description = proto::SessionDescription { r#type: "offer".into(), sdp, id: 1, ..Default::default() };
    let mut node = node_with_two(now);
    let mut request = connect_request("third");
    request.join.publisher_offer = Some(description);
    // A refusal is an answer too.
    let _refused = node.connect(now, ConnectionId(3), request);
    settle(&mut node, now);
    assert!(list(&mut node, now).iter().any(|name| name == "victim"));
}

/// A datagram from nowhere, and from where a client that is about to connect was said to be.
pub fn datagram(now: Instant, bytes: &[u8]) {
    let mut node = node_with_two(now);
    let offer = format!("{OFFER}a=candidate:1 1 udp 2130706431 {} {} typ host\r\n", CLIENT.ip(), CLIENT.port());
    let mut request = connect_request("third");
    request.join.publisher_offer =
        Some(proto::SessionDescription { r#type: "offer".into(), sdp: offer, id: 1, ..Default::default() });
    request.join.connection_settings =
        Some(proto::ConnectionSettings { disable_ice_lite: true, ..proto::ConnectionSettings::default() });
    let admitted = node.connect(now, ConnectionId(3), request);
    let later = now + Duration::from_millis(100);
    node.handle_timeout(later);
    settle(&mut node, later);
    assert!(admitted.is_ok() && node.sizes().addresses == 1, "the client is not asked whether it is there");
    for remote in [CLIENT, SocketAddr::new(CLIENT.ip(), CLIENT.port() + 1)] {
        node.receive(later, Datagram { protocol: Protocol::Udp, remote, local: SERVER, contents: bytes });
        node.flush(later);
        settle(&mut node, later);
    }
    assert_eq!(node.sizes().addresses, 1, "an address was learned from bytes that nobody signed");
    assert_eq!(node.counters().panics, 0, "str0m broke");
}

/// A STUN or TURN message of somebody without credentials, over UDP and over a stream.
/// Nobody gets an allocation who has not signed, and no answer is much larger than its question.
pub fn turn(now: Instant, bytes: &[u8]) {
    let mut node = node_with_two(now);
    let path = Datagram { protocol: Protocol::Udp, remote: CLIENT, local: SERVER, contents: bytes };
    node.receive(now, path);
    node.receive_stream(now, StreamId(1), CLIENT, bytes);
    node.flush(now);
    while let Some(output) = node.poll_output() {
        let answer = match output {
            Output::Transmit(transmit) => transmit.contents,
            Output::Stream(_, _, contents) => contents,
            _ => continue,
        };
        assert!(answer.len() <= 68.max(bytes.len()), "{} bytes for {}", answer.len(), bytes.len());
    }
    assert_eq!(node.sizes().allocations, 0, "nobody signed this");
    assert_eq!(node.counters().panics, 0, "str0m broke");
}

/// An access token.
pub fn token(bytes: &[u8]) {
    let keys = ApiKeys::new(vec![("key".into(), "secret".into())]);
    let text = String::from_utf8_lossy(bytes);
    let accepted = crate::token::verify(&text, &keys, 1_700_000_000).is_ok();
    assert!(!accepted, "nobody signed this");
}

fn list(node: &mut Node, now: Instant) -> Vec<String> {
    let call = crate::ApiCall::ListParticipants(proto::ListParticipantsRequest { room: "room".into() });
    match node.api(now, call) {
        Ok(crate::ApiReply::Participants(list)) => list.participants.into_iter().map(|info| info.identity).collect(),
        _ => Vec::new(),
    }
}

/// Takes all outputs and lets a second pass.
fn settle(node: &mut Node, now: Instant) {
    while node.poll_output().is_some() {}
    node.handle_timeout(now + Duration::from_secs(1));
    while node.poll_output().is_some() {}
}

fn connect_request(identity: &str) -> ConnectRequest {
    let video = VideoGrant {
        room_join: true,
        room: "room".into(),
        can_update_own_metadata: Some(true),
        ..VideoGrant::default()
    };
    ConnectRequest {
        claims: Claims { sub: identity.into(), exp: Some(4_000_000_000), video: Some(video), ..Claims::default() },
        path: SignalPath::V1,
        join: proto::JoinRequest::default(),
        user_agent: String::new(),
        address: ClientAddress(CLIENT.ip()),
    }
}

fn node_with_two(now: Instant) -> Node {
    let config = Config {
        node_id: "ND_fuzz".into(),
        candidates: vec![Candidate { protocol: Protocol::Udp, advertised: SERVER, bound: SERVER }],
        ice_lite: true,
        ice_servers: Vec::new(),
        turn: Some(TurnOptions { secret: Secret::new("north"), limits: TurnLimits::default() }),
        keys: Arc::new(ApiKeys::new(vec![("key".into(), "a-secret-of-sufficient-length".into())])),
        room: RoomDefaults::default(),
        limits: Limits { rooms: 10, participants: 10, metadata_bytes: 64 * 1024, ..Limits::default() },
        send_side_bwe: true,
        simulate_scenarios: true,
    };
    let mut node = Node::new(config, [7; 32], now, 1_700_000_000_000);
    for (connection, identity) in [(VICTIM, "victim"), (ATTACKER, "attacker")] {
        let admitted = node.connect(now, connection, connect_request(identity));
        assert!(admitted.is_ok(), "an empty room admits");
    }
    while node.poll_output().is_some() {}
    node
}
