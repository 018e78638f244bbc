//! What crosses the wall between the driver and the node.

use std::net::SocketAddr;
use std::sync::Arc;

use kit::Secret;
use livekit_protocol as proto;
use sfu::{Candidate, Transmit};
use signal::IceServer;
use signal::seam::{ConnectionId, Frame, Limits, RoomDefaults};
use signal::token::ApiKeys;
use turn::StreamId;

/// How the node behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// `node_id` told to clients (`ND_…`).
    pub node_id: String,
    /// Addresses that clients are told to send media to, best first. The driver has sockets bound behind them.
    pub candidates: Vec<Candidate>,
    /// Answer ICE as an ICE-lite agent (RFC 8445 section 2.5): right for a server with a reachable address.
    pub ice_lite: bool,
    /// STUN and TURN servers named to clients when they join and when they resume, best first.
    pub ice_servers: Vec<IceServer>,
    /// Relay media for clients that have no way of their own to the media port. `None`: STUN is answered, TURN is not.
    pub turn: Option<TurnOptions>,
    /// Keys that sign refreshed tokens; the first is used.
    pub keys: Arc<ApiKeys>,
    pub room: RoomDefaults,
    pub limits: Limits,
    /// Estimate the bandwidth to each subscriber from its feedback, pace video by it and share it out.
    pub send_side_bwe: bool,
    /// Whether `SimulateScenario` requests are obeyed (tests only: a participant can end its own connection with it).
    pub simulate_scenarios: bool,
}

/// The TURN server on the media port.
#[derive(Debug, Clone)]
pub struct TurnOptions {
    /// What passwords follow from.
    pub secret: Secret,
    pub limits: turn::Limits,
}

/// How much there is of everything that grows with use. When everybody has left and the last room has ended, all are 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub connections: usize,
    pub participants: usize,
    pub rooms: usize,
    /// Rooms that wait for a point in time.
    pub deadlines: usize,
    /// Peer connections that signalling knows.
    pub peers: usize,
    /// Published tracks that signalling knows.
    pub tracks: usize,
    /// Peer connections and tracks of the media engine.
    pub media_peers: usize,
    pub media_tracks: usize,
    /// ICE user names and remote addresses by which datagrams find their peer connection.
    pub user_names: usize,
    pub addresses: usize,
    /// Deadlines of peer connections.
    pub timers: usize,
    /// Peer connections that have told what they want of a track.
    pub wishes: usize,
    /// TURN allocations.
    pub allocations: usize,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    Transmit(Transmit),
    /// Write one TURN message to the stream of a client.
    Stream(StreamId, SocketAddr, Vec<u8>),
    /// Write a signalling message. Order per connection is the order of these outputs.
    Frame(ConnectionId, Frame),
    /// Close the WebSocket with code 1000 after everything before it was written.
    Close(ConnectionId),
    /// Tell the webhook receivers. `id` and `created_at` are set.
    Webhook(Box<proto::WebhookEvent>),
    /// There is a room of this name now.
    RoomOpened(String),
    /// It is gone, with everything about it; the next one of this name may be made elsewhere.
    RoomEnded(String),
}
