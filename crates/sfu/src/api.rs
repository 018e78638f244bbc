//! What crosses the wall between the node and the SFU: plain data, no str0m type.

use std::net::SocketAddr;

use thiserror::Error;

/// One peer connection. Minted by the caller, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// One published track. Minted by the caller, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// What a section or a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Audio,
    Video,
}

/// How a datagram travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Udp,
    /// ICE-TCP, passive side (RFC 6544); datagrams are already unframed (RFC 4571).
    TcpPassive,
}

/// A local ICE candidate of type host, given to every peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub protocol: Protocol,
    /// The address as clients reach it (advertised).
    pub advertised: SocketAddr,
    /// The address as the driver's socket is bound, as it appears in [`Datagram::local`].
    pub bound: SocketAddr,
}

/// How the SFU behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// Host candidates of every peer, best first.
    pub candidates: Vec<Candidate>,
    /// Numbers that bound what the outside can make the SFU hold.
    pub limits: Limits,
}

/// Numbers that bound what one peer can make the SFU hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Peers at most; `add_peer` beyond it is refused.
    pub peers: usize,
    /// Media sections of one peer at most, inactive ones included. str0m walks them on each drain: cost is linear.
    pub sections_per_peer: usize,
    /// Bytes of one session description at most.
    pub sdp_bytes: usize,
    /// Bytes of one data message at most, both ways (told to clients as `a=max-message-size`).
    pub message_bytes: usize,
    /// Bytes buffered towards one slow reader of data channels at most.
    pub data_buffer_bytes: usize,
    /// Remote ICE candidates kept per peer and ICE generation at most.
    pub remote_candidates: usize,
    /// Remote addresses remembered per peer at most.
    pub addresses_per_peer: usize,
    /// Payload bits that one published track may bring each second, all its layers together, and as many at once for
    /// pictures that are large; what is beyond is dropped.
    pub track_bits_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers: 10_000,
            sections_per_peer: 512,
            sdp_bytes: 512 * 1024,
            message_bytes: 65_536,
            data_buffer_bytes: 1024 * 1024,
            remote_candidates: 32,
            addresses_per_peer: 8,
            track_bits_per_second: 30_000_000,
        }
    }
}

/// Fixed when a peer is added.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerOptions {
    /// Pre-negotiated SCTP streams 100/101/102 instead of in-band channels (client protocol >= 18 in single-PC mode).
    pub negotiated_channels: bool,
    /// Answer ICE as an ICE-lite agent (RFC 8445 section 2.5).
    pub ice_lite: bool,
    /// The client is on another machine: it is told no loopback address, unless there is no other.
    pub elsewhere: bool,
    /// Media goes to this peer, the bandwidth towards it is to be estimated, and what is sent paced by the estimate.
    pub receives: bool,
    /// Pictures may cease where the line does not even carry the lowest layer of all; the client is told.
    pub may_pause: bool,
}

/// One m= section of an offer, as the signalling side decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionPlan {
    pub mid: String,
    pub kind: MediaKind,
    pub role: SectionRole,
}

/// What a section of an offer is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionRole {
    /// The client sends this track to us (the same again after an ICE restart or re-offer).
    Receive {
        track: TrackId,
    },
    /// We send this published track to the client.
    Send {
        track: TrackId,
    },
    Inactive,
}

/// What the answer's text needs to know. The text itself is a filtered mirror of the offer, written by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFacts {
    pub ice_ufrag: String,
    pub ice_pwd: String,
    pub ice_lite: bool,
    /// `sha-256 AB:CD:…`
    pub fingerprint: String,
    /// `candidate:…` attribute values, without `a=`.
    pub candidates: Vec<String>,
    /// In the order of the offer's media sections, the application section excluded.
    pub sections: Vec<SectionFacts>,
    /// The m=application section as negotiated, CRLF lines, if the offer had one.
    pub application: Option<String>,
}

/// One media section as negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionFacts {
    pub mid: String,
    /// Accepted payload types with their RTX and RED, the offer's numbers.
    pub payload_types: Vec<u8>,
    /// Accepted header extensions: the offer's ids and URIs.
    pub extensions: Vec<(u8, String)>,
    /// SSRC of the stream we send, if the role is `Send`.
    pub ssrc: Option<u32>,
    /// SSRC of its retransmissions.
    pub rtx_ssrc: Option<u32>,
}

/// A track to add to a server offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedTrack {
    pub track: TrackId,
    pub kind: MediaKind,
    /// First token of `a=msid`: at most 64 characters.
    pub stream_id: String,
    /// Second token of `a=msid`.
    pub track_id: String,
}

/// What a server offer changes (dual peer connection, subscriber side).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferChange {
    pub add: Vec<AddedTrack>,
    pub remove: Vec<TrackId>,
    pub ice_restart: bool,
    /// Add the three data channels (once).
    pub add_channels: bool,
}

/// A server offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub sdp: String,
    /// Every track this peer is sent, with its section.
    pub mids: Vec<(TrackId, String)>,
}

/// The data channels by label: `_reliable`, `_lossy`, `_data_track`. Others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    Reliable,
    Lossy,
    DataTrack,
}

/// Wish of one subscriber for one track; `None` = as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DownSettings {
    pub paused: bool,
    /// Highest spatial layer: index into the track's layers, lowest first.
    pub max_layer: Option<u8>,
    /// Highest temporal layer (VP8 only; other codecs are forwarded whole).
    pub max_temporal: Option<u8>,
    /// How large the picture is seen; 0 = not known. Larger ones come first where the line does not carry all.
    pub pixels: u32,
    /// What the client said comes first (higher = earlier); 0 = nothing: a shared screen before cameras.
    pub priority: u32,
}

/// A datagram that arrived. The SFU copies what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    pub protocol: Protocol,
    pub remote: SocketAddr,
    /// The bound address it arrived at: [`Candidate::bound`].
    pub local: SocketAddr,
    pub contents: &'a [u8],
}

/// A datagram to send. Those to one destination come in a row.
#[derive(Debug)]
pub struct Transmit {
    pub protocol: Protocol,
    /// The bound address to send from: [`Candidate::bound`].
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub contents: Vec<u8>,
}

/// Which datagrams are for this SFU, where several share a port ([`Sfu::tell_routes`](crate::Sfu::tell_routes)): changes
/// in the order in which they happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// STUN for this ICE user name.
    Name(String),
    NameGone(String),
    /// Whatever comes from there: somebody has shown a password there, whoever had the address before.
    Address(Protocol, SocketAddr),
    /// What comes from there and is nobody else's: we have asked there.
    Expected(Protocol, SocketAddr),
    AddressGone(Protocol, SocketAddr),
}

/// What the caller has to do.
#[derive(Debug)]
pub enum Output {
    Transmit(Transmit),
    Event(Event),
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// ICE and DTLS are up (again).
    Connected(PeerId),
    /// ICE failed (about 15 s without an answer) or the remote closed.
    Disconnected(PeerId),
    ChannelOpen(PeerId, Channel),
    /// A binary message.
    Data(PeerId, Channel, Vec<u8>),
    /// The peer takes none of the codecs that the track comes in. Told once per stream.
    CodecRefused(PeerId, TrackId),
    /// Smoothed levels 0.0..=1.0 (0 = silent) of tracks whose level changed, every 400 ms at most.
    AudioLevels(Vec<(TrackId, f32)>),
    /// Tracks that cease to be sent to the peer because its line does not carry them (true), or are sent again.
    StreamState(PeerId, Vec<(TrackId, bool)>),
    /// Every 5 s per connected peer.
    PeerStats(PeerId, PeerStats),
    /// The peer broke inside (panic or fatal error); it is removed already, with its tracks.
    Fault(PeerId),
}

/// What one peer's connection was like since the last [`Event::PeerStats`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PeerStats {
    /// Round-trip time in milliseconds, if measured.
    pub rtt_ms: Option<f32>,
    /// Share of packets lost on the way to us, 0..1.
    pub loss_up: f32,
    /// Share of packets lost on the way to the peer, 0..1 (its receiver reports).
    pub loss_down: f32,
    /// Bits per second of media received.
    pub bitrate_up: u64,
    /// Bits per second of media sent.
    pub bitrate_down: u64,
    /// RTP packets received.
    pub packets_up: u64,
    /// RTP packets sent.
    pub packets_down: u64,
    /// Bits per second that the way to the peer is taken to carry beside the sound, if that is estimated.
    pub estimate: Option<u64>,
}

/// Counters since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that belong to no peer.
    pub unknown_datagrams: u64,
    /// RTP packets handed to a subscriber's sender.
    pub forwarded: u64,
    /// RTP packets received from publishers.
    pub received: u64,
    /// Audio frames that were lost on the way to us and taken out of a later packet (RFC 2198).
    pub restored: u64,
    /// RTP packets dropped because their track brought more than it may.
    pub excessive: u64,
    /// Data messages refused because the reader was slow or the channel not open.
    pub data_refused: u64,
    /// Requests for lost packets (NACK) that came from subscribers, and that went to publishers.
    pub nacks_received: u64,
    pub nacks_sent: u64,
    /// Keyframe requests (PLI, FIR) that came from subscribers, and those that went on to publishers.
    pub keyframes_wanted: u64,
    pub keyframes_asked: u64,
    /// Packets that subscribers reported on (RTCP receiver reports), and those of them that never arrived.
    pub packets_reported: u64,
    pub packets_lost: u64,
    /// Estimates of the bandwidth towards a subscriber.
    pub estimates: u64,
    /// Pictures that a subscriber's line, or the load, made smaller; that ceased; and that were dropped to the next keyframe
    /// because they waited too long.
    pub lowered: u64,
    pub paused: u64,
    pub held_back: u64,
    /// Peers removed because of a panic or fatal error.
    pub faults: u64,
    /// Those of them that were panics: bugs, where a fatal error may be the remote's doing.
    pub panics: u64,
}

/// Why a call failed. The peer stays as it was, except for [`SfuError::Fault`].
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SfuError {
    #[error("no such peer")]
    UnknownPeer,
    #[error("an offer is waiting for its answer")]
    OfferPending,
    #[error("no offer is waiting for an answer")]
    NoOfferPending,
    #[error("session description refused: {0}")]
    Sdp(String),
    #[error("limit exceeded: {0}")]
    Limit(&'static str),
    /// str0m panicked or broke; the peer has been removed and [`Event::Fault`] follows.
    #[error("the peer broke and was removed")]
    Fault,
}
