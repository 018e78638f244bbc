//! What crosses the wall between signalling and whoever drives it. `node` re-exports most of it to the driver.

use std::net::IpAddr;
use std::sync::Arc;

use livekit_protocol as proto;

use crate::ice_server::IceServer;
use crate::token::{ApiKeys, Claims};

/// How signalling behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// `node_id` told to clients (`ND_…`).
    pub node_id: String,
    /// Answer ICE as an ICE-lite agent (RFC 8445 section 2.5).
    pub ice_lite: bool,
    /// STUN and TURN servers named to clients, best first. None are needed while clients reach the advertised addresses;
    /// livekit-server names a public STUN server then, we ask no third party.
    pub ice_servers: Vec<IceServer>,
    /// Keys that sign refreshed tokens; the first is used.
    pub keys: Arc<ApiKeys>,
    pub room: RoomDefaults,
    pub limits: Limits,
    /// Whether `SimulateScenario` requests are obeyed.
    pub simulate_scenarios: bool,
}

/// Defaults of rooms made without a `CreateRoom` call, and rules for all rooms (livekit.yaml `room:`).
#[derive(Debug, Clone)]
pub struct RoomDefaults {
    /// Make a missing room when a participant joins it. Off: 404 "requested room does not exist".
    pub auto_create: bool,
    /// Seconds a room without any participant ever stays open.
    pub empty_timeout_s: u32,
    /// Seconds a room stays open after the last participant left.
    pub departure_timeout_s: u32,
    /// Participants at most; 0 = no limit.
    pub max_participants: u32,
    /// Whether `MutePublishedTrack` may also unmute.
    pub enable_remote_unmute: bool,
}

/// livekit-server's own.
impl Default for RoomDefaults {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout_s: 300,
            departure_timeout_s: 20,
            max_participants: 0,
            enable_remote_unmute: false,
        }
    }
}

/// Numbers that bound what the outside can make the node hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Rooms at most; more: 503.
    pub rooms: usize,
    /// Participants in all rooms at most; more: 503.
    pub participants: usize,
    /// Bytes of one signalling message, after decompression.
    pub signal_message_bytes: usize,
    /// Bytes of room or participant metadata (LiveKit: 512 KiB in a client's update).
    pub metadata_bytes: usize,
    /// Bytes of all attributes of a participant, names and values (LiveKit: 64 KiB).
    pub attributes_bytes: usize,
    /// Characters of identity, room and participant names.
    pub name_chars: usize,
    /// Data packets and bytes of them that one participant may send each second, four times as much at once; further
    /// ones are dropped.
    pub data_packets_per_second: u32,
    pub data_bytes_per_second: u32,
}

/// livekit-server's own, where it has them.
impl Default for Limits {
    fn default() -> Self {
        Self {
            rooms: 10_000,
            participants: 10_000,
            signal_message_bytes: 2 * 1024 * 1024,
            metadata_bytes: 512 * 1024,
            attributes_bytes: 64 * 1024,
            name_chars: 256,
            data_packets_per_second: 1_000,
            data_bytes_per_second: 8 * 1024 * 1024,
        }
    }
}

/// One signalling WebSocket, numbered by the driver, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which path, and so which peer connection mode, the client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalPath {
    /// `/rtc`: two peer connections, parameters in the query.
    V0,
    /// `/rtc/v1`: one peer connection, `join_request` mandatory.
    V1,
}

/// Where a client comes from, for logs and `ClientInfo`.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// A WebSocket upgrade that is about to be answered.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    /// Verified claims of the token.
    pub claims: Claims,
    pub path: SignalPath,
    /// The decoded `join_request`, or the query parameters of `/rtc` put into the same message
    /// (`client_info`, `connection_settings`, `reconnect`, `participant_sid`, `participant_attributes`).
    pub join: proto::JoinRequest,
    /// The `User-Agent` header; livekit-client names its browser only there.
    pub user_agent: String,
    pub address: ClientAddress,
}

/// Why an upgrade (or `validate`) is refused: an HTTP status and a plain text body, as livekit-server words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub status: u16,
    pub message: String,
}

impl Reject {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

/// One signalling message in the form the client uses: protobuf (binary frames) or proto-JSON (text frames).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Binary(Vec<u8>),
    Text(String),
}

/// A RoomService call whose grants have been checked already by the Twirp layer.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one call at a time, never kept")]
pub enum ApiCall {
    CreateRoom(proto::CreateRoomRequest),
    ListRooms(proto::ListRoomsRequest),
    DeleteRoom(proto::DeleteRoomRequest),
    ListParticipants(proto::ListParticipantsRequest),
    GetParticipant(proto::RoomParticipantIdentity),
    RemoveParticipant(proto::RoomParticipantIdentity),
    MutePublishedTrack(proto::MuteRoomTrackRequest),
    UpdateParticipant(proto::UpdateParticipantRequest),
    UpdateSubscriptions(proto::UpdateSubscriptionsRequest),
    SendData(proto::SendDataRequest),
    UpdateRoomMetadata(proto::UpdateRoomMetadataRequest),
}

impl ApiCall {
    /// Name of the room that it is about; `None` = of all rooms.
    pub fn room(&self) -> Option<&str> {
        match self {
            Self::CreateRoom(request) => Some(&request.name),
            Self::ListRooms(_) => None,
            Self::DeleteRoom(request) => Some(&request.room),
            Self::ListParticipants(request) => Some(&request.room),
            Self::GetParticipant(request) | Self::RemoveParticipant(request) => Some(&request.room),
            Self::MutePublishedTrack(request) => Some(&request.room),
            Self::UpdateParticipant(request) => Some(&request.room),
            Self::UpdateSubscriptions(request) => Some(&request.room),
            Self::SendData(request) => Some(&request.room),
            Self::UpdateRoomMetadata(request) => Some(&request.room),
        }
    }
}

/// The answer to an [`ApiCall`], of the message type of the call.
#[derive(Debug, Clone)]
pub enum ApiReply {
    Room(Box<proto::Room>),
    Rooms(proto::ListRoomsResponse),
    Participants(proto::ListParticipantsResponse),
    Participant(Box<proto::ParticipantInfo>),
    TrackMuted(Box<proto::MuteRoomTrackResponse>),
    DeletedRoom(proto::DeleteRoomResponse),
    Removed(proto::RemoveParticipantResponse),
    SubscriptionsUpdated(proto::UpdateSubscriptionsResponse),
    DataSent(proto::SendDataResponse),
}

/// A Twirp error code (Twirp specification, "Error codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorCode {
    InvalidArgument,
    NotFound,
    FailedPrecondition,
    ResourceExhausted,
    Unimplemented,
    Internal,
}

/// A refused RoomService call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub code: ApiErrorCode,
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(code: ApiErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// One peer connection of one participant; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// One published track; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Audio,
    Video,
}

/// The three data channels of LiveKit clients, by label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `_reliable`: ordered, reliable.
    Reliable,
    /// `_lossy`: unordered, not retransmitted.
    Lossy,
    /// `_data_track`: unordered, not retransmitted, not protobuf.
    DataTrack,
}

/// One media section (`m=`) of an offer, as signalling decided its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionPlan {
    pub mid: String,
    pub kind: MediaKind,
    pub role: SectionRole,
}

/// What a media section is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionRole {
    /// The client sends this track to us.
    Receive {
        track: TrackId,
    },
    /// We send this published track to the client.
    Send {
        track: TrackId,
    },
    Inactive,
}

/// What the answer text needs to know from the media engine; the text itself is a filtered mirror of the offer.
#[derive(Debug, Clone, Default)]
pub struct AnswerFacts {
    pub ice_ufrag: String,
    pub ice_pwd: String,
    pub ice_lite: bool,
    /// `sha-256 AB:CD:…`
    pub fingerprint: String,
    /// `candidate:…` attribute values without `a=`.
    pub candidates: Vec<String>,
    /// In order of the offer's media sections, application excluded.
    pub sections: Vec<SectionFacts>,
    /// The engine's own `m=application` section, which carries SCTP parameters we do not interpret.
    pub application: Option<String>,
}

/// Facts of one media section of an accepted offer.
#[derive(Debug, Clone, Default)]
pub struct SectionFacts {
    pub mid: String,
    /// Payload types kept, in the offer's numbers, retransmission types included.
    pub payload_types: Vec<u8>,
    /// Header extensions kept: the offer's id and URI.
    pub extensions: Vec<(u8, String)>,
    /// Synchronisation source of what we send, and of its retransmissions (RFC 4588).
    pub ssrc: Option<u32>,
    pub rtx_ssrc: Option<u32>,
}

/// A section to be added to a server offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSection {
    pub track: TrackId,
    pub kind: MediaKind,
    pub stream_id: String,
    pub track_id: String,
}

/// A server offer made by the media engine.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    pub sdp: String,
    pub mids: Vec<(TrackId, String)>,
}

/// What one subscriber wants of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DownSettings {
    pub paused: bool,
    /// Highest spatial layer, 0 = lowest; `None` = as much as possible.
    pub max_layer: Option<u8>,
    /// Highest temporal layer, 0 = base; `None` = all.
    pub max_temporal: Option<u8>,
    /// How large the picture is seen, in pixels; 0 = not known.
    pub pixels: u32,
    /// What the client wants first, higher = earlier; 0 = it did not say.
    pub priority: u32,
}

/// A numbered order to the media engine, to be carried out in order.
#[derive(Debug, Clone)]
pub enum MediaCommand {
    AddPeer {
        peer: PeerId,
        negotiated_channels: bool,
        ice_lite: bool,
        /// The client is on another machine, which cannot reach our loopback addresses.
        elsewhere: bool,
        /// Tracks are sent on it.
        receives: bool,
        /// The client understands that pictures cease where its line does not carry them.
        may_pause: bool,
    },
    RemovePeer {
        peer: PeerId,
    },
    /// Answer with [`crate::Signal::offer_accepted`].
    AcceptOffer {
        peer: PeerId,
        sdp: String,
        plan: Vec<SectionPlan>,
    },
    /// Answer with [`crate::Signal::offer_created`].
    CreateOffer {
        peer: PeerId,
        add: Vec<NewSection>,
        remove: Vec<TrackId>,
        ice_restart: bool,
        add_channels: bool,
    },
    /// Answer with [`crate::Signal::answer_accepted`].
    AcceptAnswer {
        peer: PeerId,
        sdp: String,
    },
    RemoteCandidate {
        peer: PeerId,
        candidate: String,
    },
    RemoveTrack {
        track: TrackId,
    },
    MuteTrack {
        track: TrackId,
        muted: bool,
    },
    TrackLayers {
        track: TrackId,
        rids: Vec<String>,
        /// A shared screen.
        screen: bool,
        /// End to end, so that nothing can be added to it.
        encrypted: bool,
    },
    /// What the peer is sent, beside the sound, is limited; `None` = to what its line carries.
    Cap {
        peer: PeerId,
        bits_per_second: Option<u64>,
    },
    Unbind {
        peer: PeerId,
        track: TrackId,
    },
    SetDown {
        peer: PeerId,
        track: TrackId,
        settings: DownSettings,
    },
    SendData {
        peer: PeerId,
        channel: Channel,
        payload: Arc<[u8]>,
    },
}

/// What the media engine reports.
#[derive(Debug, Clone)]
pub enum MediaEvent {
    /// ICE and DTLS are up (again).
    Connected(PeerId),
    /// ICE failed or the client closed the transport.
    Disconnected(PeerId),
    ChannelOpen(PeerId, Channel),
    Data(PeerId, Channel, Vec<u8>),
    /// Smoothed loudness, 0.0..=1.0, of tracks that changed; 0 = stopped.
    AudioLevels(Vec<(TrackId, f32)>),
    /// How well the transport did in the last interval.
    Quality(PeerId, TransportQuality),
    /// Tracks that cease to be sent because the line does not carry them (true), or are sent again.
    StreamState(PeerId, Vec<(TrackId, bool)>),
    /// The peer takes none of the codecs that the track comes in.
    CodecRefused(PeerId, TrackId),
    /// The peer broke internally and is gone already.
    Fault(PeerId),
}

/// Measured transport quality of one peer over some seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct TransportQuality {
    pub round_trip_ms: Option<f32>,
    /// Share of packets lost, 0.0..=1.0, from and to the client.
    pub loss_up: f32,
    pub loss_down: f32,
}

/// What is to be done after an input.
#[derive(Debug)]
pub enum Output {
    Frame(ConnectionId, Frame),
    Close(ConnectionId),
    Media(MediaCommand),
    Webhook(Box<proto::WebhookEvent>),
    /// There is a room of this name now.
    RoomOpened(String),
    /// It is gone, with everything about it; the next one of this name is another room.
    RoomEnded(String),
}
