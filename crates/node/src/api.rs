//! What crosses the wall between the driver and the node.

use std::net::SocketAddr;
use std::sync::Arc;

use livekit_protocol as proto;
use signal::seam::{ConnectionId, Frame, Limits, RoomDefaults};
use signal::token::ApiKeys;

/// How the node behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// `node_id` told to clients (`ND_…`).
    pub node_id: String,
    /// Addresses that clients are told to send media to, best first. The driver has sockets bound behind them.
    pub candidates: Vec<Candidate>,
    /// Answer ICE as an ICE-lite agent (RFC 8445 section 2.5): right for a server with a reachable address.
    pub ice_lite: bool,
    /// ICE servers named to clients in the join response.
    pub ice_servers: Vec<proto::IceServer>,
    /// Keys that sign refreshed tokens; the first is used.
    pub keys: Arc<ApiKeys>,
    pub room: RoomDefaults,
    pub limits: Limits,
    /// Whether `SimulateScenario` requests are obeyed (tests only: a participant can end its own connection with it).
    pub simulate_scenarios: bool,
}

/// A local ICE candidate of type host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub protocol: Protocol,
    /// The address as clients reach it (advertised).
    pub advertised: SocketAddr,
    /// The address as the driver's socket is bound, as it will appear in [`Datagram::local`].
    pub bound: SocketAddr,
}

/// How a datagram travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Udp,
    /// ICE-TCP, passive side (RFC 6544); datagrams are already unframed (RFC 4571).
    TcpPassive,
}

/// A datagram that arrived. The node copies what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    pub protocol: Protocol,
    pub remote: SocketAddr,
    /// The bound address it arrived at: [`Candidate::bound`].
    pub local: SocketAddr,
    pub contents: &'a [u8],
}

/// A datagram to send. Those to one destination come in a row, so that the driver can join equal sizes into one
/// segmented send (GSO).
#[derive(Debug)]
pub struct Transmit {
    pub protocol: Protocol,
    /// The bound address to send from: [`Candidate::bound`].
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub contents: Vec<u8>,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    Transmit(Transmit),
    /// Write a signalling message. Order per connection is the order of these outputs.
    Frame(ConnectionId, Frame),
    /// Close the WebSocket with code 1000 after everything before it was written.
    Close(ConnectionId),
    /// Tell the webhook receivers. `id` and `created_at` are set.
    Webhook(Box<proto::WebhookEvent>),
}
