//! The state machine.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use sfu::{Counters, Datagram, OfferChange, PeerOptions, Route, Sfu};
use signal::Signal;
use signal::seam::{self, MediaCommand, MediaEvent};
use turn::StreamId;

use crate::api::{Config, Output, Sizes};
use crate::convert;
use crate::relay::Relay;
use crate::{ApiCall, ApiError, ApiReply, ConnectRequest, ConnectionId, Frame, Reject};

/// Rooms and media of one process. See the crate documentation for the contract.
#[derive(Debug)]
pub struct Node {
    signal: Signal,
    sfu: Sfu,
    /// `None` where it stands before several nodes.
    relay: Option<Relay>,
    /// Outputs of signalling that wait for the driver; those of media are taken from `sfu` directly.
    out: VecDeque<Output>,
    /// So many readings in a row said that the media thread was too busy.
    overloaded: u32,
    send_side_bwe: bool,
}

/// Above this load, in so many readings in a row, nobody new is let in: a wave of joins alone is no reason to refuse it.
const LOAD_MAX: f64 = 0.9;
const OVERLOADED: u32 = 5;

impl Node {
    /// `seed` feeds identifiers; `unix_ms` is the wall clock (milliseconds since 1970, UTC) at `now`.
    pub fn new(config: Config, seed: [u8; 32], now: Instant, unix_ms: u64) -> Self {
        let relay = Relay::new(&config.candidates, config.turn.as_ref(), now, unix_ms);
        Self::with_relay(Some(relay), config, seed, now, unix_ms)
    }

    /// One of several nodes of a server that share its port. A [`Relay`] stands before them: what it lets through is handed
    /// to the node that named the datagram's destination in [`Node::poll_route`], and transmits to [`Relay::is_behind`] are
    /// to go back to it.
    pub fn behind_relay(config: Config, seed: [u8; 32], now: Instant, unix_ms: u64) -> Self {
        let mut node = Self::with_relay(None, config, seed, now, unix_ms);
        node.sfu.tell_routes();
        node
    }

    fn with_relay(relay: Option<Relay>, config: Config, seed: [u8; 32], now: Instant, unix_ms: u64) -> Self {
        let media = sfu::Config { candidates: config.candidates, limits: media_limits(&config.limits) };
        let signalling = signal::Config {
            node_id: config.node_id,
            ice_lite: config.ice_lite,
            ice_servers: config.ice_servers,
            keys: config.keys,
            room: config.room,
            limits: config.limits,
            simulate_scenarios: config.simulate_scenarios,
        };
        let signal = Signal::new(signalling, seed, now, unix_ms);
        Self {
            signal,
            sfu: Sfu::new(media, now),
            relay,
            out: VecDeque::new(),
            overloaded: 0,
            send_side_bwe: config.send_side_bwe,
        }
    }

    /// Re-anchors the wall clock, which drifts against the monotonic one. Call it about once a minute.
    pub fn set_unix_ms(&mut self, now: Instant, unix_ms: u64) {
        self.signal.set_unix_ms(now, unix_ms);
        if let Some(relay) = &mut self.relay {
            relay.set_unix_ms(now, unix_ms);
        }
    }

    /// Rooms and participants that the other nodes of this server hold: the limits are those of all together.
    pub fn set_elsewhere(&mut self, rooms: usize, participants: usize) {
        self.signal.set_elsewhere(rooms, participants);
    }

    /// How busy the media thread was, 0 to 1; to be told about once a second. Above 0.8 pictures become smaller step by step,
    /// above 0.9 for five readings new participants are refused.
    pub fn set_load(&mut self, now: Instant, load: f64) {
        self.overloaded = if load > LOAD_MAX { self.overloaded.saturating_add(1) } else { 0 };
        self.sfu.set_load(now, load);
    }

    /// Who was in a room a moment ago may come back, be it by a resume or by a new session; for others there is no room while
    /// the machine is at its limit.
    fn has_room(&self, request: &ConnectRequest) -> Result<(), Reject> {
        if self.overloaded >= OVERLOADED && !request.join.reconnect && !self.signal.knows(request) {
            return Err(Reject { status: 503, message: "the media server is at the limit of its processor".into() });
        }
        Ok(())
    }

    /// Whether [`Node::connect`] would admit these claims: what `/rtc/validate` answers.
    pub fn validate(&self, _now: Instant, request: &ConnectRequest) -> Result<(), Reject> {
        self.has_room(request)?;
        self.signal.validate(request)
    }

    /// Starts (or resumes) a session before the WebSocket is upgraded. Its first message is in the outputs already.
    pub fn connect(&mut self, now: Instant, connection: ConnectionId, request: ConnectRequest) -> Result<(), Reject> {
        self.has_room(&request)?;
        let result = self.signal.connect(now, connection, request);
        self.carry_out(now);
        result
    }

    /// A message of the client. Malformed ones are dropped.
    pub fn frame(&mut self, now: Instant, connection: ConnectionId, frame: &Frame) {
        self.signal.frame(now, connection, frame);
        self.carry_out(now);
    }

    /// The WebSocket is gone (closed by either side, or broken).
    pub fn disconnected(&mut self, now: Instant, connection: ConnectionId) {
        self.signal.disconnected(now, connection);
        self.carry_out(now);
    }

    /// One RoomService call, carried out at once.
    pub fn api(&mut self, now: Instant, call: ApiCall) -> Result<ApiReply, ApiError> {
        let result = self.signal.api(now, call);
        self.carry_out(now);
        result
    }

    /// A datagram from the network. Call [`Node::flush`] after the last one of a batch.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Some(relay) = &mut self.relay else {
            return self.sfu.receive(now, datagram);
        };
        if let Some(datagram) = relay.receive(now, datagram) {
            self.sfu.receive(now, datagram);
        }
        self.take_relay();
    }

    /// One STUN or TURN message of a stream that a client has opened.
    pub fn receive_stream(&mut self, now: Instant, id: StreamId, remote: SocketAddr, contents: &[u8]) {
        let Some(relay) = &mut self.relay else { return };
        if let Some(datagram) = relay.receive_stream(now, id, remote, contents) {
            self.sfu.receive(now, datagram);
        }
        self.take_relay();
    }

    /// Whether a stream carries an allocation: then it is to stay open.
    pub fn has_allocation(&self, id: StreamId, remote: SocketAddr) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.has_allocation(id, remote))
    }

    /// A stream is gone.
    pub fn stream_closed(&mut self, id: StreamId, remote: SocketAddr) {
        if let Some(relay) = &mut self.relay {
            relay.stream_closed(id, remote);
        }
    }

    fn take_relay(&mut self) {
        while let Some(output) = self.relay.as_mut().and_then(Relay::poll_output) {
            self.out.push_back(output);
        }
    }

    /// The next change of which datagrams are for this node, if it is one of several. Drain it to `None` before outputs are
    /// carried out.
    pub fn poll_route(&mut self) -> Option<Route> {
        self.sfu.poll_route()
    }

    /// Takes back the memory of a datagram that has been sent.
    pub fn recycle(&mut self, contents: Vec<u8>) {
        self.sfu.recycle(contents);
    }

    /// Drains every peer touched since the last call into the outputs, grouped by destination.
    pub fn flush(&mut self, now: Instant) {
        self.sfu.flush(now);
        self.take_media(now);
    }

    /// When [`Node::handle_timeout`] wants to be called next, at the latest.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let relay = self.relay.as_ref().and_then(Relay::poll_timeout);
        [self.signal.poll_timeout(), self.sfu.poll_timeout(), relay].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.signal.handle_timeout(now);
        self.sfu.handle_timeout(now);
        if let Some(relay) = &mut self.relay {
            relay.handle_timeout(now);
        }
        self.carry_out(now);
    }

    /// The next thing to do. Drain it to `None` after each call above.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// The server goes down: every client is told to reconnect (`Leave{RECONNECT}`) and every connection is closed.
    pub fn shut_down(&mut self, now: Instant) {
        self.signal.shut_down(now);
        self.carry_out(now);
    }

    /// How much there is of everything that grows with use.
    pub fn sizes(&self) -> Sizes {
        let [connections, peers, tracks, participants, rooms, deadlines] = self.signal.sizes();
        let [media_peers, media_tracks, user_names, addresses, timers, wishes] = self.sfu.sizes();
        Sizes {
            connections,
            participants,
            rooms,
            deadlines,
            peers,
            tracks,
            media_peers,
            media_tracks,
            user_names,
            addresses,
            timers,
            wishes,
            allocations: self.relay.as_ref().map_or(0, Relay::allocations),
        }
    }

    /// Counters of the media engine since start.
    pub fn counters(&self) -> Counters {
        self.sfu.counters()
    }

    /// Counters of the TURN server since start.
    pub fn turn_counters(&self) -> turn::Counters {
        self.relay.as_ref().map(Relay::counters).unwrap_or_default()
    }

    /// Carries out what signalling ordered, then lets the media engine speak.
    fn carry_out(&mut self, now: Instant) {
        self.take_signal(now);
        self.sfu.flush(now);
        self.take_media(now);
    }

    /// Orders to the media engine are carried out at once and in order: their answers go back into signalling before
    /// anything else happens, so no input ever sees a half-done negotiation.
    fn take_signal(&mut self, now: Instant) {
        while let Some(output) = self.signal.poll_output() {
            match output {
                seam::Output::Frame(connection, frame) => self.out.push_back(Output::Frame(connection, frame)),
                seam::Output::Close(connection) => self.out.push_back(Output::Close(connection)),
                seam::Output::Webhook(event) => self.out.push_back(Output::Webhook(event)),
                seam::Output::Media(command) => self.command(now, command),
                seam::Output::RoomOpened(name) => self.out.push_back(Output::RoomOpened(name)),
                seam::Output::RoomEnded(name) => self.out.push_back(Output::RoomEnded(name)),
            }
        }
    }

    /// Events of the media engine may lead to orders, which lead to further events; both queues are drained.
    fn take_media(&mut self, now: Instant) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                sfu::Output::Transmit(transmit) => self.out.extend(match &mut self.relay {
                    Some(relay) => relay.wrap(now, transmit),
                    None => Some(Output::Transmit(transmit)),
                }),
                sfu::Output::Event(event) => {
                    self.signal.media(now, convert::event(event));
                    self.take_signal(now);
                    self.sfu.flush(now);
                }
            }
        }
    }

    fn command(&mut self, now: Instant, command: MediaCommand) {
        match command {
            MediaCommand::AddPeer { peer, negotiated_channels, ice_lite, elsewhere, receives, may_pause } => {
                let receives = receives && self.send_side_bwe;
                let options = PeerOptions { negotiated_channels, ice_lite, elsewhere, receives, may_pause };
                if let Err(error) = self.sfu.add_peer(now, convert::peer(peer), options) {
                    tracing::warn!(%error, "no peer connection could be made");
                    self.signal.media(now, MediaEvent::Fault(peer));
                }
            }
            MediaCommand::RemovePeer { peer } => self.sfu.remove_peer(now, convert::peer(peer)),
            MediaCommand::AcceptOffer { peer, sdp, plan } => {
                let facts = self.sfu.accept_offer(now, convert::peer(peer), &sdp, &convert::plan(plan));
                self.signal.offer_accepted(now, peer, facts.map(convert::facts).map_err(|error| error.to_string()));
            }
            MediaCommand::CreateOffer { peer, add, remove, ice_restart, add_channels } => {
                let change = OfferChange {
                    add: add.into_iter().map(convert::added).collect(),
                    remove: remove.into_iter().map(convert::track).collect(),
                    ice_restart,
                    add_channels,
                };
                let offered = self.sfu.create_offer(now, convert::peer(peer), change);
                let offered = offered.map(|offered| offered.map(convert::offered)).map_err(|error| error.to_string());
                self.signal.offer_created(now, peer, offered);
            }
            MediaCommand::AcceptAnswer { peer, sdp } => {
                let result = self.sfu.accept_answer(now, convert::peer(peer), &sdp).map_err(|error| error.to_string());
                self.signal.answer_accepted(now, peer, result);
            }
            MediaCommand::RemoteCandidate { peer, candidate } => {
                self.sfu.add_remote_candidate(now, convert::peer(peer), &candidate);
            }
            MediaCommand::RemoveTrack { track } => self.sfu.remove_track(now, convert::track(track)),
            MediaCommand::MuteTrack { track, muted } => self.sfu.set_track_muted(now, convert::track(track), muted),
            MediaCommand::TrackLayers { track, rids, screen, encrypted } => {
                self.sfu.set_track_layers(convert::track(track), &rids, screen);
                if encrypted {
                    self.sfu.set_track_encrypted(convert::track(track));
                }
            }
            MediaCommand::Cap { peer, bits_per_second } => self.sfu.set_cap(convert::peer(peer), bits_per_second),
            MediaCommand::Unbind { peer, track } => {
                self.sfu.unbind_down(now, convert::peer(peer), convert::track(track));
            }
            MediaCommand::SetDown { peer, track, settings } => {
                self.sfu.set_down(now, convert::peer(peer), convert::track(track), convert::settings(settings));
            }
            MediaCommand::SendData { peer, channel, payload } => {
                // A refused packet is counted by the engine; a slow reader must not slow the room.
                let _sent = self.sfu.send_data(now, convert::peer(peer), convert::channel(channel), &payload);
            }
        }
    }
}

/// What the media engine must hold for the participants that signalling admits: two peer connections each at most.
fn media_limits(limits: &seam::Limits) -> sfu::Limits {
    sfu::Limits { peers: limits.participants.saturating_mul(2), ..sfu::Limits::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody who is admitted is refused by the media engine.
    #[test]
    fn admitted_participants_get_their_peers() {
        let limits = seam::Limits { participants: 10_000, ..seam::Limits::default() };
        assert_eq!(media_limits(&limits).peers, 20_000);
    }
}
