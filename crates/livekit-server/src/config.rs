//! Settings of the embedded server as plain values.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use node::token::ApiKeys;
use node::{IceServer, Limits, RoomDefaults};

/// Everything the embedded server is told; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// Keys that clients' and servers' tokens are signed with.
    pub keys: Arc<ApiKeys>,
    pub rtc: RtcConfig,
    pub room: RoomDefaults,
    pub limits: Limits,
    pub webhook: WebhookConfig,
    /// Signalling connections that one client network (IPv4 address, IPv6 /64) may have open at once; this machine's own are
    /// not counted.
    pub connections_per_address: usize,
    /// Obey `SimulateScenario` requests (tests only).
    pub simulate_scenarios: bool,
}

/// The media socket and what clients are told about it.
#[derive(Debug, Clone)]
pub struct RtcConfig {
    /// UDP port of all media; 0 lets the system choose.
    pub udp_port: u16,
    /// TCP port for clients that cannot send UDP (ICE-TCP, RFC 6544); 0 lets the system choose, `None` = none.
    pub tcp_port: Option<u16>,
    /// Ports that clients are told where others are forwarded to the bound ones; `None` = the bound ones.
    pub advertised_udp_port: Option<u16>,
    pub advertised_tcp_port: Option<u16>,
    /// Addresses told to clients; empty = those of this machine's interfaces.
    pub node_ips: Vec<IpAddr>,
    /// Whether clients on this machine are told its loopback address.
    pub loopback: bool,
    /// Answer ICE as an ICE-lite agent.
    pub ice_lite: bool,
    /// Estimate what each subscriber's line carries from its feedback, pace video by it and share it out. Off by default, as in
    /// livekit-server: on a line that loses a tenth of everything it shows far fewer pictures, and it costs as much again.
    pub send_side_bwe: bool,
    /// Relay media for clients that cannot reach the media ports in another way (TURN over the same ports), and tell them.
    pub turn: bool,
    /// Name and port at which clients reach [`Handle::serve_turn_stream`](crate::Handle::serve_turn_stream) over TLS, with a
    /// certificate for that name; or a TLS proxy that forwards to the TCP port.
    pub turn_tls: Option<(String, u16)>,
    /// Connections of one client network to the TCP port, and its streams of TURN over TLS.
    pub tcp_connections_per_network: usize,
    /// STUN and TURN servers of others, named to clients.
    pub ice_servers: Vec<IceServer>,
    /// Which of this machine's addresses are found where `node_ips` names none.
    pub interfaces: InterfaceFilter,
    /// Threads that carry media, each with rooms of its own, up to [`MEDIA_THREADS_MAX`]; 0 = one less than there are
    /// processors, but one at least. From two on, one more thread reads the ports for them.
    pub media_threads: usize,
}

/// Media threads at most; more are not started.
pub const MEDIA_THREADS_MAX: usize = 16;

/// Which interfaces and addresses of this machine clients are told of. Where both of a pair are given, the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceFilter {
    /// Names of interfaces: only these, or all but these.
    pub only: Vec<String>,
    pub except: Vec<String>,
    /// Addresses, each with the bits that count: only these, or all but these.
    pub only_ips: Vec<(IpAddr, u8)>,
    pub except_ips: Vec<(IpAddr, u8)>,
}

/// Who is told about rooms and participants.
#[derive(Debug, Clone, Default)]
pub struct WebhookConfig {
    /// Receivers, absolute `http` or `https` addresses.
    pub urls: Vec<String>,
    /// Name of the key that signs; `None` = the first one.
    pub api_key: Option<String>,
}

impl RtcConfig {
    /// How many media threads that is on this machine.
    pub fn threads(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wanted = if self.media_threads == 0 { processors.saturating_sub(1) } else { self.media_threads };
        wanted.clamp(1, MEDIA_THREADS_MAX)
    }
}

impl Config {
    /// livekit-server's own defaults with the given keys.
    pub fn new(keys: Arc<ApiKeys>) -> Self {
        Self {
            keys,
            rtc: RtcConfig::default(),
            room: RoomDefaults::default(),
            limits: Limits::default(),
            webhook: WebhookConfig::default(),
            connections_per_address: usize::MAX,
            simulate_scenarios: false,
        }
    }
}

impl Default for RtcConfig {
    fn default() -> Self {
        Self {
            udp_port: 7882,
            tcp_port: Some(7881),
            advertised_udp_port: None,
            advertised_tcp_port: None,
            node_ips: Vec::new(),
            loopback: true,
            ice_lite: true,
            send_side_bwe: true,
            turn: true,
            turn_tls: None,
            tcp_connections_per_network: 256,
            ice_servers: Vec::new(),
            interfaces: InterfaceFilter::default(),
            media_threads: 0,
        }
    }
}
