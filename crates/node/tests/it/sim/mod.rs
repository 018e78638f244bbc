//! Many LiveKit clients, one node and a network in memory, all in stepped time.
//!
//! Each client checks, at each message, what must never happen (`client.rs`). When a run is over, `SimRoom` checks what
//! must be true then: nobody waits for an answer, everybody knows exactly who is there and what they publish, nothing
//! broke inside, and nothing of anybody is left behind once all have gone.

mod client;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::Secret;
use livekit_protocol as proto;
use node::token::{ApiKeys, Claims, VideoGrant};
use node::{
    ApiCall, ApiError, ApiReply, Candidate, ClientAddress, Config, ConnectRequest, ConnectionId, Datagram, Frame,
    IceLogin, IceServer, Limits, Node, Output, Protocol, Reject, Relay, RoomDefaults, Route, SignalPath, Sizes,
    TurnLimits, TurnOptions,
};
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::{Conditions, Direction, Link, Wire};
use testkit::random::Seed;
use testkit::turn::{Step, TurnClient};

pub(crate) use client::{Mode, Participant, Sent, without_codec};

pub(crate) const SECRET: &str = "a-secret-that-is-long-enough-for-tests";
/// The wall clock at the start.
const UNIX_MS: u64 = 1_700_000_000_000;
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7882);
const SERVER_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)), 7882);
/// A run that needs more steps than this has run away.
const STEPS_MAX: usize = 2_000_000;
/// After this time without anything new, every exchange has ended, and whoever vanished has been given up.
const SETTLE: Duration = Duration::from_secs(60);
/// Transport that vanished is noticed, resumes are waited for, and the room outlives its last participant.
const CLEAN: Duration = Duration::from_secs(120);

/// A signalling message on its way.
#[expect(clippy::large_enum_variant, reason = "a few at a time")]
enum Signal {
    ToServer(ConnectionId, Request),
    ToClient(ConnectionId, Response),
    Closed(ConnectionId),
}

/// What stands before a node that is one of several: the relay, and what the node has said is for it.
struct Front {
    relay: Relay,
    names: HashSet<String>,
    addresses: HashSet<(Protocol, SocketAddr)>,
    unknown: u64,
}

impl Front {
    fn learn(&mut self, route: Route) {
        match route {
            Route::Name(name) => assert!(self.names.insert(name), "told twice"),
            Route::NameGone(name) => assert!(self.names.remove(&name), "never told"),
            Route::Address(protocol, remote) | Route::Expected(protocol, remote) => {
                self.addresses.insert((protocol, remote));
            }
            Route::AddressGone(protocol, remote) => {
                assert!(self.addresses.remove(&(protocol, remote)), "never told");
            }
        }
    }

    /// What is for the node.
    fn receive<'a>(&mut self, now: Instant, datagram: Datagram<'a>) -> Option<Datagram<'a>> {
        let datagram = self.relay.receive(now, datagram)?;
        let name = node::is_stun(datagram.contents).then(|| node::local_ufrag(datagram.contents)).flatten();
        let known = name.is_some_and(|name| self.names.contains(name))
            || self.addresses.contains(&(datagram.protocol, datagram.remote));
        self.unknown += u64::from(!known);
        known.then_some(datagram)
    }
}

pub(crate) struct SimRoom {
    pub(crate) node: Node,
    front: Option<Front>,
    server: SocketAddr,
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) link: Link,
    pub(crate) clients: Vec<Participant>,
    /// How long a signalling message is on its way. Messages of one direction stay in order, as TCP keeps them.
    pub(crate) signal_delay: Duration,
    signals: VecDeque<(Instant, Signal)>,
    next_connection: u64,
    pub(crate) webhooks: Vec<proto::WebhookEvent>,
    next_media: Instant,
    /// Whether those who join have redundant audio.
    pub(crate) red: bool,
    /// Datagrams of clients, if they are to be kept.
    pub(crate) record: Option<Vec<Wire>>,
    /// Clients whose every datagram goes through TURN, by address.
    pub(crate) relayed: HashMap<SocketAddr, TurnClient>,
    pub(crate) seed: u64,
    _seed: Seed,
    /// How many clients there have been: each has an address of its own.
    came: usize,
}

fn server_config() -> Config {
    Config {
        node_id: "ND_test".into(),
        candidates: vec![Candidate { protocol: Protocol::Udp, advertised: SERVER, bound: SERVER }],
        ice_lite: true,
        ice_servers: vec![IceServer {
            urls: vec![format!("turn:{SERVER}?transport=udp")],
            login: IceLogin::Derived { secret: Secret::new(SECRET), seconds: 60 },
        }],
        turn: Some(TurnOptions { secret: Secret::new(SECRET), limits: TurnLimits::default() }),
        keys: Arc::new(ApiKeys::new(vec![("key".into(), SECRET.into())])),
        room: RoomDefaults::default(),
        limits: Limits { rooms: 100, participants: 1_000, metadata_bytes: 64 * 1024, ..Limits::default() },
        send_side_bwe: false,
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
        Self::with(server_config(), seed, conditions)
    }

    /// The same where the bandwidth to subscribers is estimated.
    pub(crate) fn estimating(seed: u64, conditions: Conditions) -> Self {
        Self::with(Config { send_side_bwe: true, ..server_config() }, seed, conditions)
    }

    /// The same where the node is one of several that share a port.
    pub(crate) fn behind(seed: u64, conditions: Conditions) -> Self {
        let mut sim = Self::new(seed, conditions);
        let config = server_config();
        let relay = Relay::new(&config.candidates, config.turn.as_ref(), sim.now, UNIX_MS);
        sim.front = Some(Front { relay, names: HashSet::new(), addresses: HashSet::new(), unknown: 0 });
        sim.node = Node::behind_relay(config, [7; 32], sim.now, UNIX_MS);
        sim
    }

    /// The same in a network that has IPv6 alone.
    pub(crate) fn over_ipv6(seed: u64, conditions: Conditions) -> Self {
        let candidates = vec![Candidate { protocol: Protocol::Udp, advertised: SERVER_V6, bound: SERVER_V6 }];
        Self::with(Config { candidates, ..server_config() }, seed, conditions)
    }

    fn with(config: Config, seed: u64, conditions: Conditions) -> Self {
        let chosen = Seed::new(seed);
        let seed = chosen.number();
        let now = Instant::now();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            server: config.candidates[0].bound,
            node: Node::new(config, bytes, now, UNIX_MS),
            front: None,
            now,
            start: now,
            link: Link::new(seed, conditions),
            clients: Vec::new(),
            signal_delay: Duration::ZERO,
            signals: VecDeque::new(),
            next_connection: 1,
            webhooks: Vec::new(),
            next_media: now,
            red: false,
            record: None,
            relayed: HashMap::new(),
            seed,
            _seed: chosen,
            came: 0,
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
        self.connect_with(claims, mode, |_| {})
    }

    /// The same, with a join request of its own.
    pub(crate) fn join_with(
        &mut self,
        claims: Claims,
        mode: Mode,
        adjust: impl FnOnce(&mut proto::JoinRequest),
    ) -> Result<usize, Reject> {
        self.connect_with(claims, mode, |request| adjust(&mut request.join))
    }

    /// The same, with a request that differs in anything.
    pub(crate) fn connect_with(
        &mut self,
        claims: Claims,
        mode: Mode,
        adjust: impl FnOnce(&mut ConnectRequest),
    ) -> Result<usize, Reject> {
        let index = self.clients.len();
        let mut client = Participant::new(self.now, self.came, &claims, mode, (self.red, self.server.is_ipv6()));
        self.came += 1;
        let connection = self.connection();
        client.connection = Some(connection);
        let publisher_offer = (mode == Mode::Single).then(|| client.first_offer());
        let mut request = connect_request(claims, mode, publisher_offer, None);
        adjust(&mut request);
        let admitted = self.node.connect(self.now, connection, request);
        client.closed = admitted.is_err();
        client.refused = admitted.is_err();
        self.clients.push(client);
        self.drain_node();
        admitted.map(|()| index)
    }

    /// The client's WebSocket breaks; what was on its way on it is lost.
    pub(crate) fn lose_signal(&mut self, index: usize) {
        let old = self.clients[index].connection.take().expect("connected");
        self.signals.retain(|(_, signal)| match signal {
            Signal::ToServer(connection, _) | Signal::ToClient(connection, _) | Signal::Closed(connection) => {
                *connection != old
            }
        });
        self.node.disconnected(self.now, old);
        self.drain_node();
    }

    /// The client comes back with `reconnect`, after [`SimRoom::lose_signal`], and does what livekit-client does then.
    pub(crate) fn reconnect(&mut self, index: usize) {
        let claims = self.claims_of(index);
        self.reconnect_as(index, claims);
    }

    /// The same with a token that says something else.
    pub(crate) fn reconnect_as(&mut self, index: usize, claims: Claims) {
        self.connect_again(index, claims, None);
        self.drain_clients();
    }

    fn claims_of(&self, index: usize) -> Claims {
        claims(&self.clients[index].identity, &self.clients[index].room)
    }

    /// The client comes back and says what it has in its request, if anything.
    pub(crate) fn come_back(&mut self, index: usize, sync_state: Option<proto::SyncState>) {
        self.clients[index].tells_its_state = false;
        self.connect_again(index, self.claims_of(index), sync_state);
        self.clients[index].tells_its_state = true;
    }

    fn connect_again(&mut self, index: usize, claims: Claims, sync_state: Option<proto::SyncState>) {
        let connection = self.connection();
        let client = &mut self.clients[index];
        client.connection = Some(connection);
        client.left = None;
        client.closed = false;
        let mut request = connect_request(claims, client.mode, None, Some(client.sid.clone()));
        request.join.sync_state = sync_state;
        self.node.connect(self.now, connection, request).expect("resumed");
        self.drain_node();
    }

    /// The client's WebSocket breaks and it comes back at once.
    pub(crate) fn resume(&mut self, index: usize) {
        self.lose_signal(index);
        self.reconnect(index);
    }

    /// The client is gone without a word: no signalling, no datagrams.
    pub(crate) fn vanish(&mut self, index: usize) {
        self.clients[index].closed = true;
        if self.clients[index].connection.is_some() {
            self.lose_signal(index);
        }
    }

    pub(crate) fn request(&mut self, index: usize, message: Request) {
        let Some(connection) = self.clients[index].connection else { return };
        if matches!(message, Request::Leave(_)) {
            self.clients[index].closed = true;
        }
        self.signal(Signal::ToServer(connection, message));
        self.drain_node();
    }

    fn signal(&mut self, signal: Signal) {
        if self.signal_delay.is_zero() {
            return self.arrive(signal);
        }
        self.signals.push_back((self.now + self.signal_delay, signal));
    }

    /// A signalling message arrives.
    fn arrive(&mut self, signal: Signal) {
        match signal {
            Signal::ToServer(connection, message) => {
                let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
                self.node.frame(self.now, connection, &Frame::Binary(bytes));
            }
            Signal::ToClient(connection, message) => {
                let seed = self.seed;
                if let Some(client) = self.clients.iter_mut().find(|client| client.connection == Some(connection)) {
                    client.signal(message, seed);
                }
            }
            Signal::Closed(connection) => {
                if let Some(client) = self.clients.iter_mut().find(|client| client.connection == Some(connection)) {
                    client.connection = None;
                    client.closed |= client.left.is_some();
                }
            }
        }
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
        self.announce(index, Sent::new(index, kind, mark, &[]), adjust);
    }

    /// The same with simulcast encodings, lowest first: the packets of each carry the mark plus its number.
    pub(crate) fn publish_layers(&mut self, index: usize, kind: MediaKind, mark: u8, rids: &[&'static str]) {
        self.announce(index, Sent::new(index, kind, mark, rids), |_| {});
    }

    pub(crate) fn announce(&mut self, index: usize, sent: Sent, adjust: impl FnOnce(&mut proto::AddTrackRequest)) {
        let mut add = sent.announcement();
        adjust(&mut add);
        let client = &mut self.clients[index];
        client.sent.push(sent);
        client.wants_offer = true;
        self.request(index, Request::AddTrack(add));
    }

    /// Stops sending a track, as removing the sender in a browser does.
    pub(crate) fn unpublish(&mut self, index: usize, mark: u8) {
        let client = &mut self.clients[index];
        let position = client.sent.iter().position(|sent| sent.mark == mark).expect("published");
        let sent = client.sent.remove(position);
        client.stops.push(sent.mid.expect("negotiated"));
        client.wants_offer = true;
    }

    /// Mutes a track and stops sending it, as livekit-client does with a camera; or the other way round.
    pub(crate) fn mute(&mut self, index: usize, mark: u8, muted: bool) {
        let sent = self.clients[index].sent.iter_mut().find(|sent| sent.mark == mark).expect("published");
        sent.paused = muted;
        let request = proto::MuteTrackRequest { sid: sent.sid.clone(), muted };
        self.request(index, Request::Mute(request));
    }

    /// Wants a track, or does not want it.
    pub(crate) fn subscribe(&mut self, index: usize, sid: &str, subscribe: bool) {
        self.clients[index].wishes.insert(sid.to_owned(), subscribe);
        let update = proto::UpdateSubscription { track_sids: vec![sid.to_owned()], subscribe, ..Default::default() };
        self.request(index, Request::Subscription(update));
    }

    /// From now on the client reaches the server through TURN only, with the credentials that it was told.
    pub(crate) fn relay(&mut self, index: usize) {
        let told = self.clients[index].ice_server().expect("told at the join");
        let mut turn = TurnClient::new(&told.username, &told.credential, self.server);
        let from = self.clients[index].publisher.address;
        self.link.send(self.now, Wire { from, to: self.server, bytes: turn.allocate() });
        self.relayed.insert(from, turn);
    }

    /// Such a client goes away in order.
    pub(crate) fn release(&mut self, index: usize) {
        let from = self.clients[index].publisher.address;
        if let Some(turn) = self.relayed.get_mut(&from) {
            let bytes = turn.release();
            self.link.send(self.now, Wire { from, to: self.server, bytes });
        }
    }

    /// What a client sees of what arrives for it: a relayed one sees what is inside.
    fn arriving(&mut self, wire: Wire) -> Option<Wire> {
        let Some(turn) = self.relayed.get_mut(&wire.to) else { return Some(wire) };
        match turn.receive(&wire.bytes) {
            Step::Send(bytes) => {
                self.link.send(self.now, Wire { from: wire.to, to: self.server, bytes });
                None
            }
            Step::Data(bytes) => Some(Wire { bytes, ..wire }),
            Step::Nothing => None,
        }
    }

    /// What a client's datagram looks like on the way; a relayed one can send nothing before it has its channel.
    fn leaving(&self, wire: Wire) -> Option<Wire> {
        match self.relayed.get(&wire.from) {
            Some(turn) => turn.ready.then(|| Wire { bytes: turn.wrap(&wire.bytes), ..wire }),
            None => Some(wire),
        }
    }

    /// The way between one client and the server is like this from now on.
    pub(crate) fn shape(&mut self, index: usize, direction: Direction, conditions: Conditions) {
        let client = self.clients[index].publisher.address.ip();
        self.link.set(direction, client, conditions);
    }

    /// A datagram that no client has sent arrives at the server.
    pub(crate) fn inject(&mut self, wire: &Wire) {
        self.receive(wire);
        self.node.flush(self.now);
        self.drain_node();
    }

    fn receive(&mut self, wire: &Wire) {
        let datagram =
            Datagram { protocol: Protocol::Udp, remote: wire.from, local: self.server, contents: &wire.bytes };
        let datagram = match &mut self.front {
            Some(front) => front.receive(self.now, datagram),
            None => Some(datagram),
        };
        if let Some(datagram) = datagram {
            self.node.receive(self.now, datagram);
        }
    }

    /// The TURN server's counters and allocations, wherever it stands.
    pub(crate) fn turn(&self) -> (node::TurnCounters, usize) {
        match &self.front {
            Some(front) => (front.relay.counters(), front.relay.allocations()),
            None => (self.node.turn_counters(), self.node.sizes().allocations),
        }
    }

    /// Datagrams that belong to nobody.
    pub(crate) fn unknown_datagrams(&self) -> u64 {
        self.node.counters().unknown_datagrams + self.front.as_ref().map_or(0, |front| front.unknown)
    }

    /// Lets simulated time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
    }

    /// Runs until `done`, at most for a simulated minute, and says what it waited for if that never comes.
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        self.wait_for(what, Duration::from_secs(60), done);
    }

    /// The same for another time.
    pub(crate) fn wait_for(&mut self, what: &str, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        assert!(self.run_until(end, &done), "seed {}: never happened: {what}\n{}", self.seed, self.report());
    }

    /// What each client sees, for failing tests.
    fn report(&self) -> String {
        let clients: String = self.clients.iter().map(Participant::report).collect();
        format!("{clients}{:?}", self.node.counters())
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
        let open = self.clients.iter().filter(|client| !client.closed);
        let media = open.clone().next().map(|_| self.next_media);
        let signal = self.signals.front().map(|(at, _)| *at);
        let link = self.link.next();
        open.map(Participant::due).chain(link).chain(signal).chain(self.node.poll_timeout()).chain(media).min()
    }

    fn step(&mut self) {
        while self.signals.front().is_some_and(|(at, _)| *at <= self.now) {
            let (_, signal) = self.signals.pop_front().expect("there is one");
            self.arrive(signal);
            self.drain_node();
        }
        let mut arrived = false;
        while let Some(wire) = self.link.receive(self.now) {
            if wire.to == self.server {
                arrived = true;
                self.receive(&wire);
            } else if let Some(wire) = self.arriving(wire)
                && let Some(client) = self.clients.iter_mut().find(|client| !client.closed && client.owns(wire.to))
            {
                client.transport(wire.to).receive(self.now, &wire);
            }
        }
        if arrived {
            self.node.flush(self.now);
        }
        if self.node.poll_timeout().is_some_and(|due| due <= self.now) {
            self.node.handle_timeout(self.now);
        }
        if let Some(front) = &mut self.front {
            front.relay.handle_timeout(self.now);
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

    /// Does what the node wants done, through what stands before it.
    fn drain_node(&mut self) {
        let Some(front) = &mut self.front else {
            while let Some(output) = self.node.poll_output() {
                self.carry_out(output);
            }
            return;
        };
        while let Some(route) = self.node.poll_route() {
            front.learn(route);
        }
        let mut outputs: Vec<_> = std::iter::from_fn(|| front.relay.poll_output()).collect();
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Transmit(transmit) if Relay::is_behind(transmit.remote) => {
                    outputs.extend(front.relay.wrap(self.now, transmit));
                }
                other => outputs.push(other),
            }
        }
        outputs.into_iter().for_each(|output| self.carry_out(output));
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                let wire = Wire { from: transmit.local, to: transmit.remote, bytes: transmit.contents };
                self.link.send(self.now, wire);
            }
            Output::Frame(connection, Frame::Binary(bytes)) => {
                let response = proto::SignalResponse::decode(bytes.as_slice()).expect("a signal response");
                let message = response.message.expect("a message that this client knows");
                self.signal(Signal::ToClient(connection, message));
            }
            Output::Frame(..) => panic!("text frame to a client that speaks protobuf"),
            Output::Close(connection) => self.signal(Signal::Closed(connection)),
            Output::Stream(..) => panic!("no client has opened a stream"),
            Output::Webhook(event) => self.webhooks.push(*event),
            Output::RoomOpened(_) | Output::RoomEnded(_) => {}
        }
    }

    fn drain_clients(&mut self) {
        for index in 0..self.clients.len() {
            if self.clients[index].closed {
                continue;
            }
            let now = self.now;
            for wire in self.clients[index].poll(now) {
                if let Some(record) = &mut self.record {
                    record.push(wire.clone());
                }
                if let Some(wire) = self.leaving(wire) {
                    self.link.send(self.now, wire);
                }
            }
            for request in self.clients[index].pending_requests() {
                self.request(index, request);
            }
        }
    }

    /// Each offer has its answer, and everybody knows who is there and what they publish: nothing more, nothing less.
    fn settled(&self) -> bool {
        let open: Vec<&Participant> = self.clients.iter().filter(|client| client.is_in()).collect();
        let quiet = open.iter().all(|client| client.awaits_answer.is_none() && !client.wants_offer);
        quiet && open.iter().all(|client| client.knows() == self.present_for(client))
    }

    /// Who is there besides `client`, with the tracks they publish, by sid.
    fn present_for(&self, client: &Participant) -> BTreeSet<(String, BTreeSet<String>)> {
        let tracks = |other: &Participant| {
            let published = other.sent.iter().filter(|sent| !sent.refused && !sent.sid.is_empty());
            published.map(|sent| sent.sid.clone()).collect()
        };
        let others = self
            .clients
            .iter()
            .filter(|other| other.is_in() && other.sid != client.sid && !other.hidden && other.room == client.room);
        others.map(|other| (other.sid.clone(), tracks(other))).collect()
    }

    /// The end of every run.
    fn finish(&mut self) {
        let end = self.now + SETTLE;
        let settled = self.run_until(end, Self::settled);
        let differences: Vec<_> = self
            .clients
            .iter()
            .filter(|client| client.is_in())
            .map(|client| (&client.identity, client.awaits_answer, client.knows(), self.present_for(client)))
            .collect();
        assert!(settled, "seed {}: not settled: {differences:#?}\n{}", self.seed, self.report());
        let counters = self.node.counters();
        assert_eq!((counters.faults, counters.panics), (0, 0), "seed {}: something broke inside", self.seed);
        for index in 0..self.clients.len() {
            self.request(index, Request::Leave(proto::LeaveRequest::default()));
            self.clients[index].closed = true;
        }
        self.run(CLEAN);
        assert_eq!(self.node.sizes(), Sizes::default(), "seed {}: something is left behind", self.seed);
        if let Some(front) = &self.front {
            let left = (front.names.len(), front.addresses.len(), front.relay.allocations());
            assert_eq!(left, (0, 0, 0), "seed {}: the front remembers somebody", self.seed);
        }
    }
}

impl Drop for SimRoom {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.finish();
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
