//! What crosses the wall between the driver and the node.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use livekit_protocol as proto;
use signal::token::{ApiKeys, Claims};

/// How the node behaves; fixed for its life.
#[derive(Debug, Clone)]
pub struct Config {
    /// `node_id` told to clients (`ND_…`).
    pub node_id: String,
    /// Addresses that clients are told to send media to, best first. The driver has sockets bound behind them.
    pub candidates: Vec<Candidate>,
    /// Answer ICE as an ICE-lite agent (RFC 8445 section 2.5): right for a server with a reachable address.
    pub ice_lite: bool,
    /// ICE servers named to clients in the join response. At least one entry is always sent.
    pub ice_servers: Vec<proto::IceServer>,
    /// Keys that sign refreshed tokens; the first is used.
    pub keys: Arc<ApiKeys>,
    pub room: RoomDefaults,
    pub limits: Limits,
    /// Whether `SimulateScenario` requests are obeyed (tests only: a participant can end its own connection with it).
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
    /// Characters of identity, room and participant names.
    pub name_chars: usize,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Udp,
    /// ICE-TCP, passive side (RFC 6544); datagrams are already unframed (RFC 4571).
    TcpPassive,
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

/// One signalling message in the form the client uses: protobuf (binary frames) or proto-JSON (text frames).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Binary(Vec<u8>),
    Text(String),
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

/// A RoomService call whose grants have been checked already by `token::Claims` in the Twirp layer.
#[derive(Debug, Clone)]
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

/// A Twirp error code (twitchtv.github.io/twirp, "Error codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorCode {
    InvalidArgument,
    NotFound,
    FailedPrecondition,
    ResourceExhausted,
    Unimplemented,
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub code: ApiErrorCode,
    pub message: String,
}
