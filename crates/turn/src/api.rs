//! What crosses the wall.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kit::Secret;

use crate::message::{self, Class, Message, attribute, method};

/// A stream of a client that speaks STUN and TURN without further framing (TCP, or TLS). Minted by the caller, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// How a client reaches us: what RFC 8656 calls the 5-tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    Udp {
        remote: SocketAddr,
        /// Address of ours that it sends to.
        local: SocketAddr,
    },
    /// A connection of ICE-TCP (RFC 4571). STUN is answered there, TURN is not spoken.
    Framed {
        remote: SocketAddr,
        local: SocketAddr,
    },
    Stream {
        id: StreamId,
        remote: SocketAddr,
    },
}

impl Path {
    /// The client's address.
    pub fn remote(&self) -> SocketAddr {
        match self {
            Self::Udp { remote, .. } | Self::Framed { remote, .. } | Self::Stream { remote, .. } => *remote,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { remote, local } => write!(formatter, "udp {remote} {local}"),
            Self::Framed { remote, local } => write!(formatter, "tcp {remote} {local}"),
            Self::Stream { id, remote } => write!(formatter, "stream {} {remote}", id.0),
        }
    }
}

/// How the server behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// What passwords follow from. `None`: there is no TURN, and STUN is answered all the same.
    pub secret: Option<Secret>,
    /// Addresses of our media port, as clients are told them. Data goes to these and permissions are given for these.
    pub peers: Vec<SocketAddr>,
    pub limits: Limits,
}

/// Numbers that bound what clients can make the server hold and do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Allocations at most; more are answered with 508.
    pub allocations: usize,
    /// Of one client network, and of one user; more are answered with 486. A browser makes one for each of its
    /// networks, of our addresses and of its peer connections.
    pub allocations_per_network: usize,
    pub allocations_per_user: usize,
    /// Bytes that one client may send through an allocation each second, and as many at once; more are dropped.
    pub bytes_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allocations: 8192,
            allocations_per_network: 2048,
            allocations_per_user: 16,
            bytes_per_second: 100_000_000 / 8,
        }
    }
}

/// Data that a client sent through its allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relayed<'a> {
    /// The address that stands for the client.
    pub from: SocketAddr,
    /// Which of [`Config::peers`] it goes to.
    pub to: SocketAddr,
    pub contents: &'a [u8],
}

/// An answer to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub path: Path,
    pub contents: Vec<u8>,
}

/// Counted since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Binding requests answered.
    pub bindings: u64,
    /// Requests without credentials that went unanswered, because their network asks too often over UDP.
    pub unanswered: u64,
    /// Allocations made, and refused for whatever reason but missing credentials.
    pub allocations: u64,
    pub allocations_refused: u64,
    /// Datagrams relayed from and to clients.
    pub relayed_in: u64,
    pub relayed_out: u64,
    /// Datagrams dropped: no permission, no such address of ours, or too many.
    pub relay_dropped: u64,
}

/// The address that stands for clients of one family: the IPv4 dummy address (RFC 7600), and one of the IPv6 block that
/// is discarded everywhere (RFC 6666). No packet comes from there or leaves for it.
pub fn relay_ip(ipv4: bool) -> IpAddr {
    if ipv4 { IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8)) } else { IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1)) }
}

/// Whether a datagram is for [`Server::receive`] and not for ICE, DTLS or media (RFC 7983): channel data, TURN, or a Binding
/// request that names nobody.
pub fn is_for_us(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(64..=79) => true,
        Some(0..=63) => match message::kind(bytes) {
            Some((method::BINDING, Class::Request)) => {
                Message::parse(bytes).is_some_and(|message| !message.has(attribute::USERNAME))
            }
            Some((method, _)) => method != method::BINDING,
            None => false,
        },
        _ => false,
    }
}
