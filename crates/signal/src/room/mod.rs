//! One room: who is in it and what each of them is to be told. The only writer of its state.

mod announce;
mod api;
mod data;
mod departures;
mod dynacast;
mod join;
mod leave;
mod negotiate;
mod publish;
mod requests;
mod speakers;
mod subscribe;
mod time;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use livekit_protocol as proto;
use proto::signal_response::Message;

use crate::ids::Ids;
use crate::message;
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{Config, ConnectionId, MediaCommand, Output, PeerId, TrackId};
use data::RecentPackets;
use departures::Departures;

pub(crate) use dynacast::{Dynacast, Repeat};
pub(crate) use leave::leave_message;

/// Number of a room within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RoomKey(pub(crate) u64);

/// Where things that the outside names by number belong.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) connections: HashMap<ConnectionId, (RoomKey, ParticipantKey)>,
    pub(crate) peers: HashMap<PeerId, (RoomKey, ParticipantKey)>,
    pub(crate) tracks: HashMap<TrackId, (RoomKey, ParticipantKey)>,
    pub(crate) participants: usize,
}

/// What a room may use while it works on one input.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) unix_ms: u64,
    pub(crate) config: &'a Config,
    pub(crate) ids: &'a mut Ids,
    pub(crate) index: &'a mut Index,
    pub(crate) out: &'a mut VecDeque<Output>,
}

impl Context<'_> {
    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.out.push_back(Output::Media(command));
    }

    /// Writes a message to a participant; silent while it has no signalling connection.
    pub(crate) fn send(&mut self, participant: &Participant, message: Message) {
        if let Some(connection) = participant.connection {
            let frame = message::encode(message, participant.client.text);
            self.out.push_back(Output::Frame(connection, frame));
        }
    }
}

/// Why a room ended, for the webhook (`RoomEndReason` of livekit-protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomEnd {
    ApiDelete,
    Idle,
    Shutdown,
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) key: RoomKey,
    pub(crate) sid: String,
    pub(crate) name: String,
    metadata: String,
    created_ms: u64,
    empty_timeout_s: u32,
    departure_timeout_s: u32,
    max_participants: u32,
    trailer: Vec<u8>,
    /// When it became empty (or was made), and whether anybody was ever in it.
    empty_since: Option<Instant>,
    ever_joined: bool,
    participants: BTreeMap<ParticipantKey, Participant>,
    /// Reliable packets of the last seconds, replayed to those who reconnect.
    recent: RecentPackets,
    /// Who left in the last minute, for those who reconnect.
    departures: Departures,
    /// Participants and publishers as everybody was told last, and when they are told again.
    counts_told: (u32, u32),
    counts_due: Option<Instant>,
    /// Tracks of which somebody may want something else than before.
    changed_wishes: BTreeSet<(ParticipantKey, TrackId)>,
    /// Set when the room is over; whoever holds the map removes it.
    pub(crate) ended: bool,
}

impl Room {
    pub(crate) fn new(
        ctx: &mut Context<'_>,
        key: RoomKey,
        name: &str,
        request: Option<&proto::CreateRoomRequest>,
    ) -> Self {
        let defaults = &ctx.config.room;
        let or_default = |asked: Option<u32>, default: u32| asked.filter(|asked| *asked > 0).unwrap_or(default);
        let room = Self {
            key,
            sid: ctx.ids.sid("RM_"),
            name: name.to_owned(),
            metadata: request.map(|request| request.metadata.clone()).unwrap_or_default(),
            created_ms: ctx.unix_ms,
            empty_timeout_s: or_default(request.map(|request| request.empty_timeout), defaults.empty_timeout_s),
            departure_timeout_s: or_default(
                request.map(|request| request.departure_timeout),
                defaults.departure_timeout_s,
            ),
            max_participants: or_default(request.map(|request| request.max_participants), defaults.max_participants),
            trailer: ctx.ids.trailer(),
            empty_since: Some(ctx.now),
            ever_joined: false,
            participants: BTreeMap::new(),
            recent: RecentPackets::default(),
            departures: Departures::default(),
            counts_told: (0, 0),
            counts_due: None,
            changed_wishes: BTreeSet::new(),
            ended: false,
        };
        room.webhook(ctx, "room_started", None, None);
        room
    }

    /// `CreateRoom` for a room that exists: its settings are updated.
    pub(crate) fn update(&mut self, ctx: &mut Context<'_>, request: &proto::CreateRoomRequest) {
        let before = self.info();
        for (asked, current) in [
            (request.empty_timeout, &mut self.empty_timeout_s),
            (request.departure_timeout, &mut self.departure_timeout_s),
            (request.max_participants, &mut self.max_participants),
        ] {
            if asked > 0 {
                *current = asked;
            }
        }
        if !request.metadata.is_empty() {
            self.metadata.clone_from(&request.metadata);
        }
        if self.info() != before {
            self.tell_room(ctx);
        }
    }

    pub(crate) fn info(&self) -> proto::Room {
        let (num_participants, num_publishers) = self.counts();
        proto::Room {
            sid: self.sid.clone(),
            name: self.name.clone(),
            empty_timeout: self.empty_timeout_s,
            departure_timeout: self.departure_timeout_s,
            max_participants: self.max_participants,
            creation_time: i64::try_from(self.created_ms / 1000).unwrap_or_default(),
            creation_time_ms: i64::try_from(self.created_ms).unwrap_or_default(),
            enabled_codecs: publish_codecs(),
            metadata: self.metadata.clone(),
            num_participants,
            num_publishers,
            ..proto::Room::default()
        }
    }

    /// Participants and publishers, without those who serve them.
    fn counts(&self) -> (u32, u32) {
        let counted = || self.participants.values().filter(|participant| participant.counts());
        let publishers = counted().filter(|participant| participant.tracks.iter().any(|track| track.published));
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        (number(counted().count()), number(publishers.count()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    pub(crate) fn participant(&self, key: ParticipantKey) -> Option<&Participant> {
        self.participants.get(&key)
    }

    /// Whether data for `key` is sent on `peer`.
    pub(crate) fn receives_data_on(&self, key: ParticipantKey, peer: PeerId) -> bool {
        self.participants.get(&key).is_some_and(|participant| participant.primary_peer() == Some(peer))
    }

    pub(crate) fn by_identity(&self, identity: &str) -> Option<&Participant> {
        self.participants.values().find(|participant| participant.identity == identity)
    }

    fn webhook(
        &self,
        ctx: &mut Context<'_>,
        event: &str,
        participant: Option<proto::ParticipantInfo>,
        track: Option<proto::TrackInfo>,
    ) {
        let event = self.webhook_event(ctx, event, participant, track);
        ctx.out.push_back(Output::Webhook(Box::new(event)));
    }

    fn webhook_event(
        &self,
        ctx: &mut Context<'_>,
        event: &str,
        participant: Option<proto::ParticipantInfo>,
        track: Option<proto::TrackInfo>,
    ) -> proto::WebhookEvent {
        proto::WebhookEvent {
            event: event.to_owned(),
            room: Some(self.info()),
            participant,
            track,
            id: ctx.ids.sid("EV_"),
            created_at: i64::try_from(ctx.unix_ms / 1000).unwrap_or_default(),
            ..proto::WebhookEvent::default()
        }
    }

    /// A client's request. Requests of connections that were replaced never get here.
    pub(crate) fn request(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        request: proto::SignalRequest,
        text: bool,
    ) {
        use proto::signal_request::Message as Request;
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.client.text = text;
        let Some(message) = request.message else {
            return;
        };
        match message {
            Request::Offer(offer) => self.client_offer(ctx, key, &offer),
            Request::Answer(answer) => self.client_answer(ctx, key, answer),
            Request::Trickle(trickle) => self.trickle(ctx, key, &trickle),
            Request::AddTrack(add) => self.add_track(ctx, key, &add),
            Request::Mute(mute) => self.mute_by_client(ctx, key, &mute),
            Request::Subscription(update) => self.update_subscription(ctx, key, &update),
            Request::TrackSetting(settings) => self.track_settings(ctx, key, &settings),
            Request::Leave(_) => {
                self.remove_participant(ctx, key, proto::DisconnectReason::ClientInitiated, None);
            }
            Request::SubscriptionPermission(permission) => self.set_subscription_permission(ctx, key, permission),
            Request::SyncState(state) => self.sync_state(ctx, key, &state),
            Request::Simulate(simulate) => self.simulate(ctx, key, &simulate),
            Request::Ping(timestamp) => self.pong(ctx, key, timestamp),
            Request::PingReq(ping) => self.pong_response(ctx, key, &ping),
            Request::UpdateMetadata(update) => self.update_own_metadata(ctx, key, update),
            Request::UpdateAudioTrack(update) => self.update_audio_track(ctx, key, &update),
            Request::UpdateVideoTrack(update) => self.update_video_track(ctx, key, &update),
            other => self.refuse_unsupported(ctx, key, &other),
        }
    }
}

/// Codecs that clients may publish, the preferred one first; all video before all audio (a Flutter client relies on it).
pub(crate) fn publish_codecs() -> Vec<proto::Codec> {
    ["video/VP8", "video/H264", "video/VP9", "video/AV1", "audio/opus", "audio/red"]
        .into_iter()
        .map(|mime| proto::Codec { mime: mime.to_owned(), fmtp_line: String::new() })
        .collect()
}
