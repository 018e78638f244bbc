//! Coming in, and coming back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use livekit_protocol as proto;
use proto::participant_info::State;
use proto::signal_response::Message;

use super::{Context, Room, publish_codecs};
use crate::bounds;
use crate::pace::UpdatePace;
use crate::participant::{
    AskedSections, Client, DataState, Deadlines, Participant, ParticipantKey, ServerOffers, depends, kind_of,
    permission_of,
};
use crate::seam::{ConnectRequest, ConnectionId, MediaCommand, Output, PeerId, Reject, SignalPath};

/// The livekit-server version whose behaviour clients may expect; several SDKs parse it as a semantic version.
const COMPATIBLE_VERSION: &str = "1.13.11";
/// 18 would switch newer clients to pre-negotiated data channels in the join handshake.
const PROTOCOL: i32 = 17;
const PING_INTERVAL_S: i32 = 5;
const PING_TIMEOUT_S: i32 = 15;
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a resumed participant without transport has for its ICE restart.
const RESUME_TIMEOUT: Duration = Duration::from_secs(20);
/// `AddTrack` requests that a join request may carry.
const JOIN_TRACKS_MAX: usize = 20;

impl Room {
    /// Why `request` may not come in now, if so.
    pub(crate) fn refuses(&self, request: &ConnectRequest) -> Option<Reject> {
        let rejoins = self.by_identity(request.claims.identity()).is_some();
        let full = self.max_participants > 0 && self.counts().0 >= self.max_participants;
        let counts = !request.claims.grant().hidden && !depends(&request.claims);
        (full && counts && !rejoins).then(|| Reject::new(429, "room has exceeded its max participants"))
    }

    pub(crate) fn join(&mut self, ctx: &mut Context<'_>, connection: ConnectionId, request: ConnectRequest) {
        let identity = request.claims.identity().to_owned();
        if let Some(old) = self.by_identity(&identity).map(|participant| participant.key) {
            let reason = proto::DisconnectReason::DuplicateIdentity;
            self.remove_participant(ctx, old, reason, Some(proto::leave_request::Action::Disconnect));
        }
        let key = ParticipantKey(ctx.ids.number());
        let join = request.join.clone();
        let elsewhere = !request.address.0.is_loopback() && !request.address.0.is_unspecified();
        let participant = new_participant(ctx, key, connection, request);
        ctx.index.connections.insert(connection, (self.key, key));
        ctx.index.participants += 1;
        for peer in [participant.publisher, participant.subscriber].into_iter().flatten().collect::<BTreeSet<_>>() {
            ctx.index.peers.insert(peer, (self.key, key));
            let negotiated_channels =
                participant.client.single && participant.client.info.protocol >= 18 && PROTOCOL >= 18;
            let ice_lite = ctx.config.ice_lite && participant.client.takes_ice_lite;
            let may_pause = participant.client.may_pause;
            let receives = participant.subscriber == Some(peer);
            ctx.media(MediaCommand::AddPeer { peer, negotiated_channels, ice_lite, elsewhere, receives, may_pause });
        }
        if !participant.depends() {
            self.empty_since = None;
            self.ever_joined = true;
        }
        self.participants.insert(key, participant);
        self.counts_changed(ctx);
        self.send_join_response(ctx, key);
        self.broadcast_update(ctx, key, Some(key));
        self.reconcile_all(ctx, key);
        for add in join.add_track_requests.iter().take(JOIN_TRACKS_MAX) {
            self.add_track(ctx, key, add);
        }
        if let Some(offer) = &join.publisher_offer {
            self.client_offer(ctx, key, offer);
        }
    }

    fn send_join_response(&self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let others = self.participants.values().filter(|other| other.key != key && !other.hidden());
        let response = proto::JoinResponse {
            room: Some(self.info()),
            participant: Some(participant.info()),
            other_participants: others.map(Participant::info).collect(),
            server_version: COMPATIBLE_VERSION.to_owned(),
            ice_servers: ice_servers(ctx, &participant.sid),
            subscriber_primary: !participant.client.single && participant.permission.can_subscribe,
            ping_timeout: PING_TIMEOUT_S,
            ping_interval: PING_INTERVAL_S,
            server_info: Some(server_info(ctx)),
            sif_trailer: self.trailer.clone(),
            enabled_publish_codecs: publish_codecs(),
            fast_publish: participant.permission.can_publish,
            ..proto::JoinResponse::default()
        };
        ctx.send(participant, Message::Join(response));
    }

    /// The participant that `request` wants to resume, if it is still here.
    pub(crate) fn resumable(&self, request: &ConnectRequest) -> Option<ParticipantKey> {
        self.by_identity(request.claims.identity())
            .filter(|participant| participant.sid == request.join.participant_sid)
            .map(|participant| participant.key)
    }

    /// A new signalling connection for a participant that is still here (livekit-client's "resume").
    pub(crate) fn resume(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        connection: ConnectionId,
        request: ConnectRequest,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let sync_state = request.join.sync_state;
        if let Some(old) = participant.connection.replace(connection) {
            ctx.index.connections.remove(&old);
            ctx.out.push_back(Output::Close(old));
        }
        ctx.index.connections.insert(connection, (self.key, key));
        participant.client.text = false;
        participant.claims = request.claims;
        participant.deadlines.resume = participant.connected.is_empty().then_some(ctx.now + RESUME_TIMEOUT);
        participant.deadlines.requirement = None;
        participant.asked_sections = AskedSections::default();
        if participant.drop_resumes > 0 {
            participant.drop_resumes -= 1;
            participant.connection = None;
            ctx.index.connections.remove(&connection);
            ctx.out.push_back(Output::Close(connection));
            return;
        }
        let response = proto::ReconnectResponse {
            ice_servers: ice_servers(ctx, &participant.sid),
            server_info: Some(server_info(ctx)),
            last_message_seq: participant.data.last_sequence,
            ..proto::ReconnectResponse::default()
        };
        participant.qualities_told.clear();
        ctx.send(participant, Message::Reconnect(response));
        self.send_departures(ctx, key);
        let participant = &self.participants[&key];
        let everybody = self.participants.values().filter(|other| other.key == key || !other.hidden());
        let update = proto::ParticipantUpdate { participants: everybody.map(Participant::info).collect() };
        ctx.send(participant, Message::Update(update));
        ctx.send(participant, Message::RoomUpdate(proto::RoomUpdate { room: Some(self.info()) }));
        self.send_refreshed_token(ctx, key);
        if self.participants.get(&key).is_some_and(|participant| participant.client.single) {
            self.want_negotiation(ctx, key);
        } else {
            self.offer_after_resume(ctx, key);
        }
        self.tell_qualities(ctx, key);
        if let Some(state) = sync_state {
            self.sync_state(ctx, key, &state);
        }
    }

    /// Tells a resumed client who left meanwhile. Clients remove by identity, so those who are back are not named.
    fn send_departures(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let present: HashSet<&str> = self.participants.values().map(|other| other.identity.as_str()).collect();
        let gone = self.departures.recent(ctx.now).filter(|gone| !present.contains(gone.identity.as_str()));
        let gone: Vec<_> = gone.cloned().collect();
        if !gone.is_empty() {
            ctx.send(participant, Message::Update(proto::ParticipantUpdate { participants: gone }));
        }
    }
}

fn server_info(ctx: &Context<'_>) -> proto::ServerInfo {
    proto::ServerInfo {
        edition: proto::server_info::Edition::Standard as i32,
        version: COMPATIBLE_VERSION.to_owned(),
        protocol: PROTOCOL,
        node_id: ctx.config.node_id.clone(),
        debug_info: concat!("heydok ", env!("CARGO_PKG_VERSION")).to_owned(),
        ..proto::ServerInfo::default()
    }
}

fn new_participant(
    ctx: &mut Context<'_>,
    key: ParticipantKey,
    connection: ConnectionId,
    request: ConnectRequest,
) -> Participant {
    let grant = request.claims.grant();
    let permission = permission_of(&grant);
    // Present on `/rtc` too, a join request with an offer means one peer connection.
    let single = request.path == SignalPath::V1 || request.join.publisher_offer.is_some();
    let publisher = PeerId(ctx.ids.number());
    let subscriber = if single { publisher } else { PeerId(ctx.ids.number()) };
    let settings = request.join.connection_settings.unwrap_or_default();
    let mut attributes: BTreeMap<String, String> = request.claims.attributes.clone();
    attributes.extend(request.join.participant_attributes.into_iter().filter(|(_, value)| !value.is_empty()));
    let metadata =
        if request.join.metadata.is_empty() { request.claims.metadata.clone() } else { request.join.metadata };
    let mut info = bounds::client_info(request.join.client_info.unwrap_or_default());
    info.address = request.address.0.to_string();
    if info.browser.is_empty() {
        browser_of(&request.user_agent).clone_into(&mut info.browser);
    }
    Participant {
        key,
        sid: ctx.ids.sid("PA_"),
        identity: request.claims.identity().to_owned(),
        name: request.claims.name.clone(),
        metadata,
        attributes,
        kind: kind_of(&request.claims.kind),
        permission,
        state: State::Joined,
        joined_at_ms: ctx.unix_ms,
        version: 1,
        client: client_of(info, &settings, single),
        claims: request.claims,
        connection: Some(connection),
        publisher: Some(publisher),
        subscriber: Some(subscriber),
        connected: BTreeSet::new(),
        tracks: Vec::new(),
        sections: Vec::new(),
        pending_answers: VecDeque::new(),
        answer_version: 0,
        server_offers: ServerOffers { next_id: 1, ..ServerOffers::default() },
        asked_sections: AskedSections::default(),
        refused_cids: VecDeque::new(),
        subscriptions: BTreeMap::new(),
        wishes: HashMap::new(),
        settings: HashMap::new(),
        subscription_permission: None,
        deadlines: Deadlines {
            join: Some(ctx.now + JOIN_TIMEOUT),
            // Two peer connections: the server's first offer, with the data channels, follows the join response.
            negotiate: (!single).then_some(ctx.now),
            ..Deadlines::default()
        },
        data: DataState::default(),
        levels: HashMap::new(),
        qualities: BTreeMap::new(),
        qualities_told: HashMap::new(),
        denied_told: BTreeSet::new(),
        updates: UpdatePace::new(ctx.now),
        joined_told: false,
        drop_resumes: 0,
    }
}

fn client_of(info: proto::ClientInfo, settings: &proto::ConnectionSettings, single: bool) -> Client {
    Client {
        auto_subscribe: settings.auto_subscribe,
        adaptive_stream: settings.adaptive_stream,
        may_pause: settings.subscriber_allow_pause.unwrap_or(false),
        takes_ice_lite: takes_ice_lite(&info) && !settings.disable_ice_lite,
        synchronises: single && synchronises(&info),
        info,
        single,
        text: false,
    }
}

/// The servers a participant is told, with credentials that are good from now on.
fn ice_servers(ctx: &Context<'_>, sid: &str) -> Vec<proto::IceServer> {
    ctx.config.ice_servers.iter().map(|server| server.told(sid, ctx.unix_ms / 1000)).collect()
}

/// Whether the client does right with a server that is an ICE-lite agent. Firefox nominates several pairs in turn even
/// then, and may end on another one than the server (livekit-server turns it off for the same reason); protocol 5 and
/// older cannot.
fn takes_ice_lite(client: &proto::ClientInfo) -> bool {
    !is_firefox(client) && client.protocol > 5
}

/// Whether the client may get several tracks in one stream, which browsers play in step. livekit-client then finds each by
/// `mid_to_track_id` (since protocol 10); other SDKs, and Firefox, need the track's sid in the name of the stream.
fn synchronises(client: &proto::ClientInfo) -> bool {
    client.sdk() == proto::client_info::Sdk::Js && client.protocol > 9 && !is_firefox(client)
}

fn is_firefox(client: &proto::ClientInfo) -> bool {
    client.browser.to_ascii_lowercase().starts_with("firefox")
}

/// Name of the browser in a `User-Agent`, as far as rules depend on it.
fn browser_of(user_agent: &str) -> &'static str {
    for (mark, name) in [("Firefox/", "firefox"), ("Edg/", "edge"), ("Chrome/", "chrome"), ("Safari/", "safari")] {
        if user_agent.contains(mark) {
            return name;
        }
    }
    ""
}
