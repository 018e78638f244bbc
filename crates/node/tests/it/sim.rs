//! Many LiveKit clients, one node and a network in memory, all in stepped time.
//!
//! The clients speak the signalling protocol as livekit-client does and check, at each message, what must never happen:
//! an answer without offer or out of order, a description that names a track nobody was told of, a participant whose
//! version goes back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use node::token::{ApiKeys, Claims, VideoGrant};
use node::{
    ApiCall, ApiError, ApiReply, Candidate, ClientAddress, Config, ConnectRequest, ConnectionId, Datagram, Frame,
    Limits, Node, Output, Protocol, Reject, RoomDefaults, SignalPath,
};
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use testkit::client::{Client, Packet, add_channels};
use testkit::link::{Conditions, Link, Wire};

pub(crate) const SECRET: &str = "a-secret-that-is-long-enough-for-tests";
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7882);
/// A run that needs more steps than this has run away.
const STEPS_MAX: usize = 2_000_000;

/// How a client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Single,
    Dual,
}

/// A track that a client sends: packets carry the mark, so that a receiver can tell whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) cid: String,
    pub(crate) sid: String,
    kind: MediaKind,
    mid: Option<Mid>,
    mark: u8,
    sequence: u64,
    pub(crate) paused: bool,
}

/// One LiveKit client.
pub(crate) struct Participant {
    pub(crate) identity: String,
    mode: Mode,
    connection: Option<ConnectionId>,
    /// Sends; with one peer connection receives too.
    publisher: Client,
    subscriber: Option<Client>,
    pub(crate) sid: String,
    pub(crate) closed: bool,
    pub(crate) left: Option<proto::LeaveRequest>,
    offers: u32,
    awaits_answer: Option<u32>,
    wants_offer: bool,
    extra: [u32; 2],
    receivers: Vec<(Mid, MediaKind)>,
    pub(crate) sent: Vec<Sent>,
    /// Everybody this client was told of, and the tracks it was told of.
    pub(crate) others: BTreeMap<String, proto::ParticipantInfo>,
    announced: HashSet<String>,
    mids: HashMap<String, String>,
    /// Packets received by track sid: mark to count.
    pub(crate) received: BTreeMap<String, BTreeMap<u8, usize>>,
    pub(crate) data: Vec<proto::DataPacket>,
    pub(crate) messages: Vec<Response>,
    pub(crate) refresh_token: Option<String>,
    room: String,
}

pub(crate) struct SimRoom {
    pub(crate) node: Node,
    pub(crate) now: Instant,
    start: Instant,
    link: Link,
    pub(crate) clients: Vec<Participant>,
    next_connection: u64,
    pub(crate) webhooks: Vec<proto::WebhookEvent>,
    next_media: Instant,
    seed: u64,
}

fn server_config() -> Config {
    Config {
        node_id: "ND_test".into(),
        candidates: vec![Candidate { protocol: Protocol::Udp, advertised: SERVER, bound: SERVER }],
        ice_lite: true,
        ice_servers: Vec::new(),
        keys: Arc::new(ApiKeys::new(vec![("key".into(), SECRET.into())])),
        room: RoomDefaults {
            auto_create: true,
            empty_timeout_s: 300,
            departure_timeout_s: 20,
            max_participants: 0,
            enable_remote_unmute: false,
        },
        limits: Limits {
            rooms: 100,
            participants: 1_000,
            signal_message_bytes: 2 * 1024 * 1024,
            metadata_bytes: 64 * 1024,
            attributes_bytes: 64 * 1024,
            name_chars: 256,
            data_packets_per_second: 1_000,
            data_bytes_per_second: 8 * 1024 * 1024,
        },
        simulate_scenarios: true,
    }
}

pub(crate) fn claims(identity: &str, room: &str) -> Claims {
    Claims {
        iss: "key".into(),
        sub: identity.into(),
        name: format!("Name of {identity}"),
        exp: Some(4_000_000_000),
        video: Some(VideoGrant {
            room_join: true,
            room: room.into(),
            can_update_own_metadata: Some(true),
            ..VideoGrant::default()
        }),
        ..Claims::default()
    }
}

impl SimRoom {
    pub(crate) fn new(seed: u64, conditions: Conditions) -> Self {
        let now = Instant::now();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            node: Node::new(server_config(), bytes, now, 1_700_000_000_000),
            now,
            start: now,
            link: Link::new(seed, conditions),
            clients: Vec::new(),
            next_connection: 1,
            webhooks: Vec::new(),
            next_media: now,
            seed,
        }
    }

    fn connection(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        connection
    }

    /// A client comes in; returns its index.
    pub(crate) fn join(&mut self, identity: &str, mode: Mode) -> usize {
        self.join_as(claims(identity, "room"), mode).expect("admitted")
    }

    pub(crate) fn join_as(&mut self, claims: Claims, mode: Mode) -> Result<usize, Reject> {
        self.join_with(claims, mode, |_| {})
    }

    /// The same, with a join request of its own.
    pub(crate) fn join_with(
        &mut self,
        claims: Claims,
        mode: Mode,
        adjust: impl FnOnce(&mut proto::JoinRequest),
    ) -> Result<usize, Reject> {
        let index = self.clients.len();
        let room = claims.grant().room;
        let mut client = Participant::new(self.now, index, claims.identity(), mode, room);
        let connection = self.connection();
        client.connection = Some(connection);
        let publisher_offer = (mode == Mode::Single).then(|| client.first_offer());
        self.clients.push(client);
        let mut request = connect_request(claims, mode, publisher_offer, None);
        adjust(&mut request.join);
        self.node.connect(self.now, connection, request)?;
        self.drain_node();
        Ok(index)
    }

    /// The client's WebSocket breaks and it comes back with `reconnect`.
    pub(crate) fn resume(&mut self, index: usize) {
        self.lose_signal(index);
        self.come_back(index, None);
    }

    /// The client's WebSocket breaks; its media goes on.
    pub(crate) fn lose_signal(&mut self, index: usize) {
        let old = self.clients[index].connection.take().expect("connected");
        self.node.disconnected(self.now, old);
        self.drain_node();
    }

    /// The client comes back with `reconnect`.
    pub(crate) fn come_back(&mut self, index: usize, sync_state: Option<proto::SyncState>) {
        let connection = self.connection();
        let client = &mut self.clients[index];
        client.connection = Some(connection);
        client.closed = false;
        let mut request =
            connect_request(claims(&client.identity, &client.room), client.mode, None, Some(client.sid.clone()));
        request.join.sync_state = sync_state;
        self.node.connect(self.now, connection, request).expect("resumed");
        self.drain_node();
    }

    /// The client is gone without a word: no signalling, no datagrams.
    pub(crate) fn vanish(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.closed = true;
        if let Some(connection) = client.connection.take() {
            self.node.disconnected(self.now, connection);
        }
        self.drain_node();
    }

    pub(crate) fn request(&mut self, index: usize, message: Request) {
        let Some(connection) = self.clients[index].connection else { return };
        let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
        self.node.frame(self.now, connection, &Frame::Binary(bytes));
        self.drain_node();
    }

    pub(crate) fn api(&mut self, call: ApiCall) -> Result<ApiReply, ApiError> {
        let reply = self.node.api(self.now, call);
        self.drain_node();
        reply
    }

    /// Announces and sends a track; `mark` is in each packet.
    pub(crate) fn publish(&mut self, index: usize, kind: MediaKind, mark: u8) {
        self.publish_with(index, kind, mark, |_| {});
    }

    /// The same, announced in its own way.
    pub(crate) fn publish_with(
        &mut self,
        index: usize,
        kind: MediaKind,
        mark: u8,
        adjust: impl FnOnce(&mut proto::AddTrackRequest),
    ) {
        let cid = format!("cid-{index}-{mark}");
        let (track_type, source) = match kind {
            MediaKind::Audio => (proto::TrackType::Audio, proto::TrackSource::Microphone),
            MediaKind::Video => (proto::TrackType::Video, proto::TrackSource::Camera),
        };
        let mut add = proto::AddTrackRequest {
            cid: cid.clone(),
            name: format!("track {mark}"),
            r#type: track_type as i32,
            source: source as i32,
            ..proto::AddTrackRequest::default()
        };
        adjust(&mut add);
        let client = &mut self.clients[index];
        client.sent.push(Sent { cid, sid: String::new(), kind, mid: None, mark, sequence: 1, paused: false });
        client.wants_offer = true;
        self.request(index, Request::AddTrack(add));
    }

    /// Stops sending a track, as removing the sender in a browser does.
    pub(crate) fn unpublish(&mut self, index: usize, mark: u8) {
        let client = &mut self.clients[index];
        let position = client.sent.iter().position(|sent| sent.mark == mark).expect("published");
        let sent = client.sent.remove(position);
        client.stop_sending(sent.mid.expect("negotiated"));
    }

    /// Lets simulated time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
    }

    /// Runs until `done`, at most for a simulated minute, and says what it waited for if that never comes.
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(60);
        assert!(self.run_until(end, &done), "seed {}: never happened: {what}\n{}", self.seed, self.report());
    }

    /// What each client sees, for failing tests.
    fn report(&self) -> String {
        let line = |client: &Participant| {
            let sent: Vec<_> = client.sent.iter().map(|sent| (&sent.sid, sent.mark, sent.mid, sent.sequence)).collect();
            format!(
                "{} connected {} left {:?} mids {:?}\n  sends {sent:?}\n  received {:?}\n  counters {:?}\n",
                client.identity,
                client.publisher.connected,
                client.left,
                client.mids,
                client.received,
                self.node.counters(),
            )
        };
        self.clients.iter().map(line).collect()
    }

    fn run_until(&mut self, end: Instant, done: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..STEPS_MAX {
            if done(self) {
                return true;
            }
            let due = self.next_due().map_or(end, |due| due.max(self.now));
            if due >= end {
                self.now = end;
                return done(self);
            }
            self.now = due;
            self.step();
        }
        panic!("seed {}: {STEPS_MAX} steps in {:?}", self.seed, self.now - self.start);
    }

    fn next_due(&mut self) -> Option<Instant> {
        let clients = self.clients.iter().filter(|client| !client.closed).map(Participant::due);
        clients.chain(self.link.next()).chain(self.node.poll_timeout()).chain([self.next_media]).min()
    }

    fn step(&mut self) {
        let mut arrived = false;
        while let Some(wire) = self.link.receive(self.now) {
            if wire.to == SERVER {
                arrived = true;
                let datagram =
                    Datagram { protocol: Protocol::Udp, remote: wire.from, local: SERVER, contents: &wire.bytes };
                self.node.receive(self.now, datagram);
            } else if let Some(client) = self.clients.iter_mut().find(|client| !client.closed && client.owns(wire.to)) {
                client.transport(wire.to).receive(self.now, &wire);
            }
        }
        if arrived {
            self.node.flush(self.now);
        }
        if self.node.poll_timeout().is_some_and(|due| due <= self.now) {
            self.node.handle_timeout(self.now);
        }
        if self.next_media <= self.now {
            self.next_media = self.now + Duration::from_millis(20);
            for client in self.clients.iter_mut().filter(|client| !client.closed) {
                client.send_media(self.now, self.now - self.start);
            }
        }
        self.drain_node();
        self.drain_clients();
    }

    fn drain_node(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    let wire = Wire { from: transmit.local, to: transmit.remote, bytes: transmit.contents };
                    self.link.send(self.now, wire);
                }
                Output::Frame(connection, Frame::Binary(bytes)) => {
                    let response = proto::SignalResponse::decode(bytes.as_slice()).expect("a signal response");
                    let client = self.clients.iter_mut().find(|client| client.connection == Some(connection));
                    if let (Some(client), Some(message)) = (client, response.message) {
                        client.signal(message, &self.seed);
                    }
                }
                Output::Frame(..) => panic!("text frame to a client that speaks protobuf"),
                Output::Close(connection) => {
                    if let Some(client) = self.clients.iter_mut().find(|client| client.connection == Some(connection)) {
                        client.connection = None;
                        client.closed = client.left.is_some();
                    }
                }
                Output::Webhook(event) => self.webhooks.push(*event),
            }
        }
    }

    fn drain_clients(&mut self) {
        for index in 0..self.clients.len() {
            if self.clients[index].closed {
                continue;
            }
            for wire in self.clients[index].poll(self.now) {
                self.link.send(self.now, wire);
            }
            for request in self.clients[index].pending_requests() {
                self.request(index, request);
            }
        }
    }
}

fn connect_request(
    claims: Claims,
    mode: Mode,
    publisher_offer: Option<proto::SessionDescription>,
    resumes: Option<String>,
) -> ConnectRequest {
    ConnectRequest {
        claims,
        path: if mode == Mode::Single { SignalPath::V1 } else { SignalPath::V0 },
        join: proto::JoinRequest {
            client_info: Some(proto::ClientInfo { protocol: 17, client_protocol: 2, ..Default::default() }),
            connection_settings: Some(proto::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
            publisher_offer,
            reconnect: resumes.is_some(),
            participant_sid: resumes.unwrap_or_default(),
            ..proto::JoinRequest::default()
        },
        user_agent: String::new(),
        address: ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    }
}

impl Participant {
    fn new(now: Instant, index: usize, identity: &str, mode: Mode, room: String) -> Self {
        let host = u8::try_from(index % 200).expect("small") + 1;
        let net = u8::try_from(index / 200).expect("small") + 1;
        let address = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, net, host)), port);
        Self {
            identity: identity.to_owned(),
            mode,
            connection: None,
            publisher: Client::new(now, address(5000)),
            subscriber: (mode == Mode::Dual).then(|| Client::new(now, address(6000))),
            sid: String::new(),
            closed: false,
            left: None,
            offers: 0,
            awaits_answer: None,
            wants_offer: false,
            extra: [0, 0],
            receivers: Vec::new(),
            sent: Vec::new(),
            others: BTreeMap::new(),
            announced: HashSet::new(),
            mids: HashMap::new(),
            received: BTreeMap::new(),
            data: Vec::new(),
            messages: Vec::new(),
            refresh_token: None,
            room,
        }
    }

    /// As livekit-client: three data channels, three audio and three video sections that receive.
    fn first_offer(&mut self) -> proto::SessionDescription {
        self.extra = [3, 3];
        self.offer(true).expect("something to offer")
    }

    fn offer(&mut self, with_channels: bool) -> Option<proto::SessionDescription> {
        self.wants_offer = false;
        let (receivers, sent) = (&mut self.receivers, &mut self.sent);
        let extra = std::mem::take(&mut self.extra);
        // A section that was answered inactive goes on offering to receive, as a browser's transceiver does.
        let idle: Vec<Mid> = receivers
            .iter()
            .filter(|(mid, _)| {
                self.publisher.rtc.media(*mid).is_some_and(|media| media.direction() == Direction::Inactive)
            })
            .map(|(mid, _)| *mid)
            .collect();
        let ((), sdp) = self.publisher.offer(|api| {
            if with_channels {
                add_channels(api);
            }
            for (kind, count) in [(MediaKind::Audio, extra[0]), (MediaKind::Video, extra[1])] {
                for _ in 0..count {
                    receivers.push((api.add_media(kind, Direction::RecvOnly, None, None, None), kind));
                }
            }
            for mid in idle {
                api.set_direction(mid, Direction::RecvOnly);
            }
            for track in sent.iter_mut().filter(|track| track.mid.is_none()) {
                let stream = Some("stream".to_owned());
                track.mid = Some(api.add_media(track.kind, Direction::SendOnly, stream, Some(track.cid.clone()), None));
            }
        });
        self.offers += 1;
        self.awaits_answer = Some(self.offers);
        Some(proto::SessionDescription { r#type: "offer".into(), sdp, id: self.offers, ..Default::default() })
    }

    fn stop_sending(&mut self, mid: Mid) {
        let ((), sdp) = self.publisher.offer(|api| api.set_direction(mid, Direction::Inactive));
        self.offers += 1;
        self.awaits_answer = Some(self.offers);
        let description =
            proto::SessionDescription { r#type: "offer".into(), sdp, id: self.offers, ..Default::default() };
        self.messages.push(Response::Offer(description));
    }

    /// Requests that the client wants to make now.
    fn pending_requests(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        // `stop_sending` leaves its offer here.
        let own: Vec<usize> = (0..self.messages.len())
            .filter(|index| matches!(&self.messages[*index], Response::Offer(offer) if offer.id == self.offers && self.mode == Mode::Single))
            .collect();
        for index in own.into_iter().rev() {
            if let Response::Offer(offer) = self.messages.remove(index) {
                requests.push(Request::Offer(offer));
            }
        }
        if self.wants_offer && self.awaits_answer.is_none() {
            let first = self.mode == Mode::Dual && self.offers == 0;
            requests.extend(self.offer(first).map(Request::Offer));
        }
        for message in std::mem::take(&mut self.messages) {
            match message {
                Response::Offer(offer) => requests.extend(self.answer(&offer)),
                other => self.messages.push(other),
            }
        }
        requests
    }

    fn answer(&mut self, offer: &proto::SessionDescription) -> Option<Request> {
        let subscriber = self.subscriber.as_mut()?;
        let sdp = subscriber.accept_offer(&offer.sdp);
        Some(Request::Answer(proto::SessionDescription {
            r#type: "answer".into(),
            sdp,
            id: offer.id,
            ..Default::default()
        }))
    }

    fn signal(&mut self, message: Response, seed: &u64) {
        match &message {
            Response::Join(join) => {
                assert!(self.messages.is_empty(), "seed {seed}: something came before the join response");
                self.sid = join.participant.as_ref().expect("own info").sid.clone();
                assert!(self.sid.starts_with("PA_"));
                for info in &join.other_participants {
                    self.learn(info.clone(), seed);
                }
            }
            Response::Update(update) => {
                for info in &update.participants {
                    self.learn(info.clone(), seed);
                }
            }
            Response::Answer(answer) => {
                let expected = self.awaits_answer.take();
                assert_eq!(expected, Some(answer.id), "seed {seed}: answer without offer, or out of order");
                self.check_announced(answer, seed);
                self.mids = answer.mid_to_track_id.clone();
                self.publisher.accept_answer(&answer.sdp);
            }
            Response::Offer(offer) => {
                assert_eq!(self.mode, Mode::Dual, "seed {seed}: server offer to a client with one peer connection");
                self.check_announced(offer, seed);
                self.mids.extend(offer.mid_to_track_id.clone());
            }
            Response::MediaSectionsRequirement(requirement) => {
                self.extra[0] += requirement.num_audios;
                self.extra[1] += requirement.num_videos;
                self.wants_offer = true;
            }
            Response::TrackPublished(published) => {
                let track = published.track.as_ref().expect("track info");
                let sent = self.sent.iter_mut().find(|sent| sent.cid == published.cid).expect("own track");
                sent.sid.clone_from(&track.sid);
            }
            Response::RefreshToken(token) => {
                assert!(!token.is_empty());
                self.refresh_token = Some(token.clone());
            }
            Response::Leave(leave) => self.left = Some(leave.clone()),
            _ => {}
        }
        self.messages.push(message);
    }

    fn learn(&mut self, info: proto::ParticipantInfo, seed: &u64) {
        self.announced.extend(info.tracks.iter().map(|track| track.sid.clone()));
        if let Some(known) = self.others.get(&info.sid) {
            assert!(known.version <= info.version, "seed {seed}: version of {} goes back", info.identity);
        }
        if info.state == proto::participant_info::State::Disconnected as i32 {
            self.others.remove(&info.sid);
        } else {
            self.others.retain(|_, known| known.identity != info.identity || known.sid == info.sid);
            self.others.insert(info.sid.clone(), info);
        }
    }

    /// The invariant: no description names a track that the client has not been told of.
    fn check_announced(&self, description: &proto::SessionDescription, seed: &u64) {
        for sid in description.mid_to_track_id.values() {
            assert!(self.announced.contains(sid), "seed {seed}: {} was never told of {sid}", self.identity);
        }
        for line in description.sdp.lines().filter(|line| line.starts_with("a=msid:PA_")) {
            let sid = line.split(' ').nth(1).expect("track id");
            assert!(self.announced.contains(sid), "seed {seed}: {} was never told of {sid}", self.identity);
        }
    }

    fn owns(&self, address: SocketAddr) -> bool {
        self.publisher.address == address || self.subscriber.as_ref().is_some_and(|client| client.address == address)
    }

    fn transport(&mut self, address: SocketAddr) -> &mut Client {
        match &mut self.subscriber {
            Some(subscriber) if subscriber.address == address => subscriber,
            _ => &mut self.publisher,
        }
    }

    fn due(&self) -> Instant {
        let subscriber = self.subscriber.as_ref().map(Client::timeout);
        subscriber.into_iter().chain([self.publisher.timeout()]).min().expect("one at least")
    }

    fn poll(&mut self, now: Instant) -> Vec<Wire> {
        let mut wires = Vec::new();
        for client in [Some(&mut self.publisher), self.subscriber.as_mut()].into_iter().flatten() {
            if client.timeout() <= now {
                wires.extend(client.poll(now));
            }
            for (mid, packet) in client.packets.drain(..) {
                let Some(sid) = self.mids.get(&mid.to_string()) else { continue };
                let mark = packet.payload.last().copied().unwrap_or(0);
                *self.received.entry(sid.clone()).or_default().entry(mark).or_default() += 1;
            }
            for (_, bytes) in client.messages.drain(..) {
                self.data.push(proto::DataPacket::decode(bytes.as_slice()).expect("a data packet"));
            }
        }
        wires
    }

    fn send_media(&mut self, now: Instant, elapsed: Duration) {
        let publisher = &mut self.publisher;
        if !publisher.connected {
            return;
        }
        for sent in self.sent.iter_mut().filter(|sent| !sent.paused) {
            let Some(mid) = sent.mid else { continue };
            let audio = sent.kind == MediaKind::Audio;
            let clock = if audio { 48 } else { 90 };
            // VP8: a payload descriptor that starts a partition, then a frame header with the keyframe bit clear
            // (RFC 7741 sections 4.2 and 4.3).
            let video = [0x10, 0x00, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, sent.mark];
            let payload: &[u8] = if audio { &[0xf8, 0x00, sent.mark] } else { &video };
            let packet = Packet {
                codec: if audio { Codec::Opus } else { Codec::Vp8 },
                rid: None,
                sequence: sent.sequence,
                timestamp: u32::try_from(elapsed.as_millis() * clock % u128::from(u32::MAX)).expect("in range"),
                marker: true,
                level: audio.then_some(20),
                payload,
            };
            if publisher.send(now, mid, &packet) {
                sent.sequence += 1;
            }
        }
    }

    pub(crate) fn send_data(&mut self, label: &str, packet: &proto::DataPacket) -> bool {
        self.publisher.send_data(label, &packet.encode_to_vec())
    }

    /// Whether at least `count` packets of the track `sid` came, all of them with `mark`.
    pub(crate) fn hears(&self, sid: &str, mark: u8, count: usize) -> bool {
        let Some(marks) = self.received.get(sid) else { return false };
        // 0xfe ends the packet of silence that opens a track.
        let crossed: Vec<&u8> = marks.keys().filter(|found| **found != mark && **found != 0xfe).collect();
        assert!(crossed.is_empty(), "{} got packets of {crossed:?} on {sid}, not {mark}", self.identity);
        marks.get(&mark).is_some_and(|have| *have >= count)
    }
}
