//! All rooms of a process.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use livekit_protocol as proto;
use proto::leave_request::Action;

use crate::bounds;
use crate::ids::Ids;
use crate::message;
use crate::participant::ParticipantKey;
use crate::room::{Context, Index, Room, RoomEnd, RoomKey};
use crate::seam::{
    AnswerFacts, ApiCall, ApiError, ApiErrorCode, ApiReply, Channel, Config, ConnectRequest, ConnectionId, Frame,
    MediaEvent, Offered, Output, PeerId, Reject, TrackId,
};

/// Rooms and participants of one process. See the crate documentation.
#[derive(Debug)]
pub struct Signal {
    config: Config,
    ids: Ids,
    index: Index,
    rooms: HashMap<RoomKey, Room>,
    names: HashMap<String, RoomKey>,
    /// When each room wants to be ticked, and the same by room.
    due: BTreeSet<(Instant, RoomKey)>,
    due_of: HashMap<RoomKey, Instant>,
    out: VecDeque<Output>,
    clock: (Instant, u64),
    draining: bool,
    /// Rooms and participants of the same server that others of its threads hold.
    elsewhere: (usize, usize),
}

impl Signal {
    /// `seed` feeds identifiers; `unix_ms` is the wall clock (milliseconds since 1970, UTC) at `now`.
    pub fn new(config: Config, seed: [u8; 32], now: Instant, unix_ms: u64) -> Self {
        Self {
            config,
            ids: Ids::new(seed),
            index: Index::default(),
            rooms: HashMap::new(),
            names: HashMap::new(),
            due: BTreeSet::new(),
            due_of: HashMap::new(),
            out: VecDeque::new(),
            clock: (now, unix_ms),
            draining: false,
            elsewhere: (0, 0),
        }
    }

    /// Re-anchors the wall clock.
    pub fn set_unix_ms(&mut self, now: Instant, unix_ms: u64) {
        self.clock = (now, unix_ms);
    }

    /// How many rooms and participants count for the limits besides those in here.
    pub fn set_elsewhere(&mut self, rooms: usize, participants: usize) {
        self.elsewhere = (rooms, participants);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Signal::handle_timeout`] wants to be called next, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Whether who asks is in the room, as far as we know: its connection may have broken a moment ago.
    pub fn knows(&self, request: &ConnectRequest) -> bool {
        let room = self.names.get(&request.claims.grant().room).and_then(|key| self.rooms.get(key));
        room.is_some_and(|room| room.by_identity(request.claims.identity()).is_some())
    }

    /// Whether the request would be admitted.
    pub fn validate(&self, request: &ConnectRequest) -> Result<(), Reject> {
        let grant = request.claims.grant();
        if !grant.room_join {
            return Err(Reject::new(401, "permissions denied"));
        }
        let identity = request.claims.identity();
        if identity.is_empty() {
            return Err(Reject::new(400, "identity cannot be empty"));
        }
        if grant.room.is_empty() {
            return Err(Reject::new(400, "room name cannot be empty"));
        }
        let chars_max = self.config.limits.name_chars;
        if identity.chars().count() > chars_max || grant.room.chars().count() > chars_max {
            return Err(Reject::new(400, "identity or room name is too long"));
        }
        let changes_metadata = !request.join.metadata.is_empty() || !request.join.participant_attributes.is_empty();
        if changes_metadata && !grant.can_update_own_metadata.unwrap_or(false) {
            return Err(Reject::new(401, "does not have permission to update own metadata"));
        }
        if request.join.metadata.len() > self.config.limits.metadata_bytes {
            return Err(Reject::new(400, "metadata is too long"));
        }
        let attributes = &request.join.participant_attributes;
        if bounds::merged_attributes_bytes(&request.claims.attributes, attributes) > self.config.limits.attributes_bytes
        {
            return Err(Reject::new(400, "attributes are too long"));
        }
        if self.draining {
            return Err(Reject::new(503, "server is shutting down"));
        }
        let room = self.names.get(&grant.room).and_then(|key| self.rooms.get(key));
        if request.join.reconnect {
            return Ok(());
        }
        match room {
            Some(room) => match room.refuses(request) {
                Some(reject) => Err(reject),
                None => self.capacity(false),
            },
            None if !self.config.room.auto_create && !grant.room_create => {
                Err(Reject::new(404, "requested room does not exist"))
            }
            None => self.capacity(true),
        }
    }

    fn capacity(&self, new_room: bool) -> Result<(), Reject> {
        let participants = self.index.participants + self.elsewhere.1;
        if participants >= self.config.limits.participants || (new_room && !self.takes_rooms()) {
            return Err(Reject::new(503, "server is at capacity"));
        }
        Ok(())
    }

    fn takes_rooms(&self) -> bool {
        self.rooms.len() + self.elsewhere.0 < self.config.limits.rooms
    }

    /// Starts or resumes a session; the first message for the client is in the outputs afterwards.
    pub fn connect(&mut self, now: Instant, connection: ConnectionId, request: ConnectRequest) -> Result<(), Reject> {
        self.validate(&request)?;
        let name = request.claims.grant().room;
        if request.join.reconnect {
            let found =
                self.names.get(&name).copied().and_then(|key| Some((key, self.rooms.get(&key)?.resumable(&request)?)));
            let Some((room, participant)) = found else {
                // An HTTP error would cost the client its whole backoff schedule.
                let leave = crate::room::leave_message(proto::DisconnectReason::StateMismatch, Action::Reconnect);
                self.out.push_back(Output::Frame(connection, message::encode(leave, false)));
                self.out.push_back(Output::Close(connection));
                return Ok(());
            };
            self.with_room(now, room, |room, ctx| room.resume(ctx, participant, connection, request));
            return Ok(());
        }
        let key = self.open_room(now, &name, room_configuration(&request).as_ref());
        self.with_room(now, key, |room, ctx| room.join(ctx, connection, request));
        Ok(())
    }

    /// The room `name`, made if it is missing.
    fn open_room(&mut self, now: Instant, name: &str, request: Option<&proto::CreateRoomRequest>) -> RoomKey {
        if let Some(key) = self.names.get(name) {
            return *key;
        }
        let key = RoomKey(self.ids.number());
        let mut ctx = Context {
            now,
            unix_ms: unix_ms(self.clock, now),
            config: &self.config,
            ids: &mut self.ids,
            index: &mut self.index,
            out: &mut self.out,
        };
        let room = Room::new(&mut ctx, key, name, request);
        self.rooms.insert(key, room);
        self.names.insert(name.to_owned(), key);
        self.out.push_back(Output::RoomOpened(name.to_owned()));
        self.reschedule(key);
        key
    }

    /// Runs `work` on a room, then removes it if it ended and notes when it is due next.
    fn with_room<T>(
        &mut self,
        now: Instant,
        key: RoomKey,
        work: impl FnOnce(&mut Room, &mut Context<'_>) -> T,
    ) -> Option<T> {
        let mut ctx = Context {
            now,
            unix_ms: unix_ms(self.clock, now),
            config: &self.config,
            ids: &mut self.ids,
            index: &mut self.index,
            out: &mut self.out,
        };
        let room = self.rooms.get_mut(&key)?;
        let result = work(room, &mut ctx);
        room.settle_wishes(&mut ctx);
        if room.ended && room.is_empty() {
            let name = room.name.clone();
            self.rooms.remove(&key);
            self.names.remove(&name);
            self.out.push_back(Output::RoomEnded(name));
        }
        self.reschedule(key);
        Some(result)
    }

    fn reschedule(&mut self, key: RoomKey) {
        let due = self.rooms.get(&key).and_then(Room::next_due);
        let before = match due {
            Some(due) => self.due_of.insert(key, due),
            None => self.due_of.remove(&key),
        };
        if before == due {
            return;
        }
        if let Some(before) = before {
            self.due.remove(&(before, key));
        }
        if let Some(due) = due {
            self.due.insert((due, key));
        }
    }

    /// A message of a client. Malformed ones are dropped.
    pub fn frame(&mut self, now: Instant, connection: ConnectionId, frame: &Frame) {
        let Some((room, participant)) = self.index.connections.get(&connection).copied() else {
            return;
        };
        let Ok(request) = message::decode(frame, self.config.limits.signal_message_bytes) else {
            return;
        };
        let text = matches!(frame, Frame::Text(_));
        self.with_room(now, room, |room, ctx| {
            if room.participant(participant).is_some() {
                room.request(ctx, participant, request, text);
            }
        });
    }

    /// The WebSocket is gone.
    pub fn disconnected(&mut self, now: Instant, connection: ConnectionId) {
        if let Some((room, participant)) = self.index.connections.get(&connection).copied() {
            self.with_room(now, room, |room, ctx| room.signal_lost(ctx, participant, connection));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((due, key)) = self.due.first().copied() {
            if due > now {
                return;
            }
            self.with_room(now, key, Room::tick);
            if self.due_of.get(&key) == Some(&due) {
                // A tick that moves nothing would spin: look again a little later.
                self.due.remove(&(due, key));
                let later = now + std::time::Duration::from_millis(50);
                self.due_of.insert(key, later);
                self.due.insert((later, key));
            }
        }
    }

    /// A report of the media engine.
    pub fn media(&mut self, now: Instant, event: MediaEvent) {
        match event {
            MediaEvent::Connected(peer) => {
                self.with_peer(now, peer, |room, ctx, key| room.peer_connected(ctx, key, peer));
            }
            MediaEvent::Disconnected(peer) => {
                self.with_peer(now, peer, |room, ctx, key| room.peer_disconnected(ctx, key, peer));
            }
            MediaEvent::ChannelOpen(peer, channel) => self.with_peer(now, peer, |room, ctx, key| {
                if room.receives_data_on(key, peer) {
                    room.channel_open(ctx, key, channel);
                }
            }),
            MediaEvent::Data(peer, channel, payload) => self.data(now, peer, channel, &payload),
            MediaEvent::AudioLevels(levels) => self.audio_levels(now, &levels),
            MediaEvent::Quality(peer, quality) => {
                self.with_peer(now, peer, |room, ctx, key| room.transport_quality(ctx, key, peer, quality));
            }
            MediaEvent::StreamState(peer, states) => {
                self.with_peer(now, peer, |room, ctx, key| room.stream_state(ctx, key, &states));
            }
            MediaEvent::CodecRefused(peer, track) => {
                self.with_peer(now, peer, |room, ctx, key| room.codec_refused(ctx, key, track));
            }
            MediaEvent::Fault(peer) => self.with_peer(now, peer, |room, ctx, key| room.peer_fault(ctx, key)),
        }
    }

    fn data(&mut self, now: Instant, peer: PeerId, channel: Channel, payload: &[u8]) {
        self.with_peer(now, peer, |room, ctx, key| room.client_data(ctx, key, channel, payload));
    }

    fn audio_levels(&mut self, now: Instant, levels: &[(TrackId, f32)]) {
        let mut grouped: HashMap<(RoomKey, ParticipantKey), Vec<(TrackId, f32)>> = HashMap::new();
        for (track, level) in levels {
            if let Some(owner) = self.index.tracks.get(track) {
                grouped.entry(*owner).or_default().push((*track, *level));
            }
        }
        for ((room, participant), levels) in grouped {
            self.with_room(now, room, |room, ctx| room.audio_levels(ctx, participant, &levels));
        }
    }

    fn with_peer(
        &mut self,
        now: Instant,
        peer: PeerId,
        work: impl FnOnce(&mut Room, &mut Context<'_>, ParticipantKey),
    ) {
        if let Some((room, participant)) = self.index.peers.get(&peer).copied() {
            self.with_room(now, room, |room, ctx| work(room, ctx, participant));
        }
    }

    /// The engine's answer to [`crate::seam::MediaCommand::AcceptOffer`].
    pub fn offer_accepted(&mut self, now: Instant, peer: PeerId, facts: Result<AnswerFacts, String>) {
        self.with_peer(now, peer, |room, ctx, key| room.offer_accepted(ctx, key, facts));
    }

    /// The engine's answer to [`crate::seam::MediaCommand::CreateOffer`].
    pub fn offer_created(&mut self, now: Instant, peer: PeerId, offered: Result<Option<Offered>, String>) {
        self.with_peer(now, peer, |room, ctx, key| room.offer_created(ctx, key, offered));
    }

    /// The engine's answer to [`crate::seam::MediaCommand::AcceptAnswer`].
    pub fn answer_accepted(&mut self, now: Instant, peer: PeerId, result: Result<(), String>) {
        self.with_peer(now, peer, |room, ctx, key| room.answer_accepted(ctx, key, result));
    }

    /// Every client is told to reconnect and is let go; nobody comes in any more.
    pub fn shut_down(&mut self, now: Instant) {
        self.draining = true;
        for key in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.with_room(now, key, |room, ctx| room.end(ctx, RoomEnd::Shutdown));
        }
    }

    /// One RoomService call.
    pub fn api(&mut self, now: Instant, call: ApiCall) -> Result<ApiReply, ApiError> {
        match call {
            ApiCall::CreateRoom(request) => self.create_room(now, &request),
            ApiCall::ListRooms(request) => {
                let named = |room: &&Room| request.names.is_empty() || request.names.contains(&room.name);
                let rooms = self.rooms.values().filter(named).map(Room::info).collect();
                Ok(ApiReply::Rooms(proto::ListRoomsResponse { rooms }))
            }
            ApiCall::DeleteRoom(request) => self.in_room(now, &request.room, |room, ctx| {
                room.end(ctx, RoomEnd::ApiDelete);
                Ok(ApiReply::DeletedRoom(proto::DeleteRoomResponse {}))
            }),
            ApiCall::ListParticipants(request) => {
                let room = self.names.get(&request.room).and_then(|key| self.rooms.get(key));
                let participants = room.map(Room::list_participants).unwrap_or_default();
                Ok(ApiReply::Participants(proto::ListParticipantsResponse { participants }))
            }
            ApiCall::GetParticipant(request) => self.in_room(now, &request.room, |room, _| {
                room.get_participant(&request.identity).map(|info| ApiReply::Participant(Box::new(info)))
            }),
            ApiCall::RemoveParticipant(request) => self.in_room(now, &request.room, |room, ctx| {
                room.api_remove(ctx, &request.identity)?;
                Ok(ApiReply::Removed(proto::RemoveParticipantResponse {}))
            }),
            ApiCall::MutePublishedTrack(request) => self.in_room(now, &request.room, |room, ctx| {
                let track = Some(room.api_mute(ctx, &request)?);
                Ok(ApiReply::TrackMuted(Box::new(proto::MuteRoomTrackResponse { track })))
            }),
            ApiCall::UpdateParticipant(request) => {
                let name = request.room.clone();
                self.in_room(now, &name, |room, ctx| {
                    room.api_update_participant(ctx, request).map(|info| ApiReply::Participant(Box::new(info)))
                })
            }
            ApiCall::UpdateSubscriptions(request) => self.in_room(now, &request.room, |room, ctx| {
                room.api_update_subscriptions(ctx, &request)?;
                Ok(ApiReply::SubscriptionsUpdated(proto::UpdateSubscriptionsResponse {}))
            }),
            ApiCall::SendData(request) => {
                let name = request.room.clone();
                self.in_room(now, &name, |room, ctx| {
                    room.api_send_data(ctx, request)?;
                    Ok(ApiReply::DataSent(proto::SendDataResponse {}))
                })
            }
            ApiCall::UpdateRoomMetadata(request) => self.in_room(now, &request.room, |room, ctx| {
                room.api_update_metadata(ctx, request.metadata).map(|room| ApiReply::Room(Box::new(room)))
            }),
        }
    }

    fn create_room(&mut self, now: Instant, request: &proto::CreateRoomRequest) -> Result<ApiReply, ApiError> {
        let limits = &self.config.limits;
        if request.name.is_empty() || request.name.chars().count() > limits.name_chars {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "room name is empty or too long"));
        }
        if request.metadata.len() > limits.metadata_bytes {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "metadata exceeds the limit"));
        }
        let exists = self.names.contains_key(&request.name);
        if !exists && !self.takes_rooms() {
            return Err(ApiError::new(ApiErrorCode::ResourceExhausted, "server is at capacity"));
        }
        let key = self.open_room(now, &request.name, Some(request));
        let info = self.with_room(now, key, |room, ctx| {
            if exists {
                room.update(ctx, request);
            }
            room.info()
        });
        let info = info.ok_or_else(|| ApiError::new(ApiErrorCode::Internal, "room is gone"))?;
        Ok(ApiReply::Room(Box::new(info)))
    }

    fn in_room(
        &mut self,
        now: Instant,
        name: &str,
        work: impl FnOnce(&mut Room, &mut Context<'_>) -> Result<ApiReply, ApiError>,
    ) -> Result<ApiReply, ApiError> {
        let missing = || ApiError::new(ApiErrorCode::NotFound, "requested room does not exist");
        let key = self.names.get(name).copied().ok_or_else(missing)?;
        self.with_room(now, key, work).ok_or_else(missing)?
    }

    /// Sizes of everything that grows with use: connections, peers, tracks, participants, rooms, rooms that wait for
    /// something. All return to where they were when everybody has left.
    pub fn sizes(&self) -> [usize; 6] {
        let index = &self.index;
        let rooms = self.rooms.len().max(self.names.len());
        let waiting = self.due.len().max(self.due_of.len());
        [index.connections.len(), index.peers.len(), index.tracks.len(), index.participants, rooms, waiting]
    }
}

/// The wall clock at `now`, by its anchor.
fn unix_ms((anchor, unix_ms): (Instant, u64), now: Instant) -> u64 {
    unix_ms + u64::try_from(now.saturating_duration_since(anchor).as_millis()).unwrap_or(0)
}

/// `roomConfig` of the token that makes a room, as the request it stands for.
fn room_configuration(request: &ConnectRequest) -> Option<proto::CreateRoomRequest> {
    let configuration: proto::RoomConfiguration = serde_json::from_value(request.claims.room_config.clone()?).ok()?;
    Some(proto::CreateRoomRequest {
        empty_timeout: configuration.empty_timeout,
        departure_timeout: configuration.departure_timeout,
        max_participants: configuration.max_participants,
        metadata: configuration.metadata,
        ..proto::CreateRoomRequest::default()
    })
}

#[cfg(test)]
mod tests;
