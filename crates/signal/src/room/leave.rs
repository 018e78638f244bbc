//! Going away, by whatever cause.

use std::time::Duration;

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::participant_info::State;
use proto::signal_response::Message;

use super::{Context, Room, RoomEnd};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{ConnectionId, MediaCommand, Output, PeerId};

/// How long a participant without transport is kept for a resume.
const RESUME_GRACE: Duration = Duration::from_secs(5);
/// How long a participant without signalling but with live transport is kept: clients try for about 40 s.
const SIGNAL_GRACE: Duration = Duration::from_secs(45);

/// The message that ends a connection.
pub(crate) fn leave_message(reason: proto::DisconnectReason, action: Action) -> Message {
    Message::Leave(proto::LeaveRequest {
        can_reconnect: action != Action::Disconnect,
        reason: reason as i32,
        action: action as i32,
        regions: None,
    })
}

impl Room {
    /// Takes a participant out of the room. With `told` it is sent a `Leave` with that action first.
    pub(crate) fn remove_participant(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        reason: proto::DisconnectReason,
        told: Option<Action>,
    ) {
        let Some(mut participant) = self.participants.remove(&key) else {
            return;
        };
        if let Some(action) = told {
            ctx.send(&participant, leave_message(reason, action));
        }
        if let Some(connection) = participant.connection {
            ctx.index.connections.remove(&connection);
            ctx.out.push_back(Output::Close(connection));
        }
        ctx.index.participants = ctx.index.participants.saturating_sub(1);
        for (track, subscription) in &participant.subscriptions {
            self.note_wish(subscription.publisher, *track);
        }
        self.drop_media_of(ctx, &participant);
        participant.state = State::Disconnected;
        participant.touch();
        let mut info = participant.info();
        info.disconnect_reason = reason as i32;
        // Clients find out by themselves that an identity has a new sid; the old one must not be declared dead.
        // And of a room that ends, everybody is told by an own `Leave`.
        if !participant.hidden() && reason != proto::DisconnectReason::DuplicateIdentity && !self.ended {
            self.departures.note(ctx.now, &info);
            self.broadcast(ctx, &Message::Update(proto::ParticipantUpdate { participants: vec![info.clone()] }));
        }
        for track in participant.tracks.iter().filter(|track| track.published) {
            self.webhook(ctx, "track_unpublished", Some(info.clone()), Some(track.info.clone()));
        }
        let event = if participant.joined_told { "participant_left" } else { "participant_connection_aborted" };
        self.webhook(ctx, event, Some(info), None);
        if self.participants.values().all(Participant::depends) {
            self.empty_since.get_or_insert(ctx.now);
        }
        self.counts_changed(ctx);
    }

    /// Ends its peer connections and everybody's subscriptions to its tracks.
    fn drop_media_of(&mut self, ctx: &mut Context<'_>, participant: &Participant) {
        for track in &participant.tracks {
            ctx.index.tracks.remove(&track.id);
            for other in self.participants.values_mut().filter(|_| !self.ended) {
                Self::forget_track(ctx, other, track);
            }
            ctx.media(MediaCommand::RemoveTrack { track: track.id });
        }
        for other in self.participants.values_mut() {
            other.qualities_told.remove(&participant.key);
        }
        for peer in [participant.publisher, participant.subscriber].into_iter().flatten() {
            if ctx.index.peers.remove(&peer).is_some() {
                ctx.media(MediaCommand::RemovePeer { peer });
            }
        }
    }

    /// The WebSocket is gone. The participant stays while its media flows, so that it can resume.
    pub(crate) fn signal_lost(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, connection: ConnectionId) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if participant.connection != Some(connection) {
            return;
        }
        participant.connection = None;
        ctx.index.connections.remove(&connection);
        if participant.state == State::Active {
            let grace = if participant.connected.is_empty() { RESUME_GRACE } else { SIGNAL_GRACE };
            participant.deadlines.resume.get_or_insert(ctx.now + grace);
        } else {
            self.remove_participant(ctx, key, proto::DisconnectReason::SignalClose, None);
        }
    }

    /// Transport of one peer is up.
    pub(crate) fn peer_connected(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, peer: PeerId) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.connected.insert(peer);
        if participant.connection.is_some() {
            participant.deadlines.resume = None;
        }
        if participant.state != State::Joined || participant.primary_peer() != Some(peer) {
            return;
        }
        participant.state = State::Active;
        participant.deadlines.join = None;
        participant.joined_told = true;
        participant.touch();
        let info = participant.info();
        self.broadcast_update(ctx, key, None);
        self.send_refreshed_token(ctx, key);
        self.webhook(ctx, "participant_joined", Some(info), None);
        // The others are told of a crowd at once, a little later (`counts_changed`).
        let room = Message::RoomUpdate(proto::RoomUpdate { room: Some(self.info()) });
        ctx.send(&self.participants[&key], room);
        self.tell_qualities(ctx, key);
    }

    /// Transport of one peer is down: the client is asked to resume, and removed if it does not.
    pub(crate) fn peer_disconnected(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, peer: PeerId) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.connected.remove(&peer);
        if participant.state != State::Active {
            return;
        }
        participant.deadlines.resume = Some(ctx.now + RESUME_GRACE);
        let Some(connection) = participant.connection.take() else {
            return;
        };
        ctx.index.connections.remove(&connection);
        let frame = crate::message::encode(
            leave_message(proto::DisconnectReason::ConnectionTimeout, Action::Resume),
            participant.client.text,
        );
        ctx.out.push_back(Output::Frame(connection, frame));
        ctx.out.push_back(Output::Close(connection));
    }

    /// A peer broke inside the engine: its client starts afresh, nobody else notices.
    pub(crate) fn peer_fault(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        self.remove_participant(ctx, key, proto::DisconnectReason::StateMismatch, Some(Action::Reconnect));
    }

    /// Ends the room for everybody.
    pub(crate) fn end(&mut self, ctx: &mut Context<'_>, end: RoomEnd) {
        if self.ended {
            return;
        }
        self.ended = true;
        let (reason, action) = match end {
            RoomEnd::ApiDelete => (proto::DisconnectReason::RoomDeleted, Action::Disconnect),
            RoomEnd::Idle => (proto::DisconnectReason::RoomClosed, Action::Disconnect),
            // The server comes back at once in most cases, so clients are told to try.
            RoomEnd::Shutdown => (proto::DisconnectReason::ServerShutdown, Action::Reconnect),
        };
        for key in self.participants.keys().copied().collect::<Vec<_>>() {
            self.remove_participant(ctx, key, reason, Some(action));
        }
        let room_end_reason = match end {
            RoomEnd::ApiDelete => proto::RoomEndReason::RoomEndApiDelete,
            RoomEnd::Idle => proto::RoomEndReason::RoomEndIdleTimeout,
            RoomEnd::Shutdown => proto::RoomEndReason::RoomEndServerShutdown,
        };
        let event = self.webhook_event(ctx, "room_finished", None, None);
        let event = proto::WebhookEvent { room_end_reason: room_end_reason as i32, ..event };
        ctx.out.push_back(Output::Webhook(Box::new(event)));
    }
}
