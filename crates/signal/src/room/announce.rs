//! What everybody is told of a participant or of the room, and how often.

use std::time::Duration;

use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_response::Message;

use super::{Context, Room};
use crate::participant::ParticipantKey;

/// How long a change of the number of participants may wait, so that a crowd that comes or goes is one message.
const COUNTS_DEBOUNCE: Duration = Duration::from_secs(5);

impl Room {
    pub(super) fn broadcast(&self, ctx: &mut Context<'_>, message: &Message) {
        for receiver in self.participants.values() {
            ctx.send(receiver, message.clone());
        }
    }

    /// Tells everybody (except `except`) the current state of `key`. Hidden participants are told to themselves only.
    pub(super) fn broadcast_update(&self, ctx: &mut Context<'_>, key: ParticipantKey, except: Option<ParticipantKey>) {
        let Some(subject) = self.participants.get(&key) else {
            return;
        };
        let update = Message::Update(proto::ParticipantUpdate { participants: vec![subject.info()] });
        for receiver in self.participants.values() {
            if Some(receiver.key) == except || (subject.hidden() && receiver.key != key) {
                continue;
            }
            ctx.send(receiver, update.clone());
        }
    }

    /// The same for a change that a client can make as often as it likes: it learns of each at once, the others of the
    /// latest after a pause, once there were too many. Their queues are bounded, and one must not be able to fill them.
    pub(super) fn announce(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        if self.may_announce(ctx, key, 1) {
            return self.broadcast_update(ctx, key, None);
        }
        if let Some(participant) = self.participants.get(&key) {
            let update = proto::ParticipantUpdate { participants: vec![participant.info()] };
            ctx.send(participant, Message::Update(update));
        }
    }

    /// Whether a change of `key` may be told at once, in `messages`; if not, [`Room::tell_deferred`] comes later.
    pub(super) fn may_announce(&mut self, ctx: &Context<'_>, key: ParticipantKey, messages: usize) -> bool {
        let Some(participant) = self.participants.get_mut(&key) else {
            return false;
        };
        if participant.deadlines.update.is_some() {
            return false;
        }
        let bytes = participant.info().encoded_len();
        match participant.updates.admit(ctx.now, messages, bytes) {
            Ok(()) => true,
            Err(pause) => {
                participant.deadlines.update = Some(ctx.now + pause);
                false
            }
        }
    }

    /// The pause is over: the others learn what `key` became meanwhile.
    pub(super) fn tell_deferred(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        if let Some(participant) = self.participants.get_mut(&key) {
            participant.deadlines.update = None;
        }
        self.broadcast_update(ctx, key, Some(key));
        self.publish_settled(ctx, key);
        self.apply_subscription_permission(ctx, key);
    }

    /// Tells everybody the state of the room.
    pub(super) fn tell_room(&mut self, ctx: &mut Context<'_>) {
        self.counts_told = self.counts();
        self.counts_due = None;
        self.broadcast(ctx, &Message::RoomUpdate(proto::RoomUpdate { room: Some(self.info()) }));
    }

    /// Somebody came, went, or began or stopped to publish: everybody is told a little later.
    pub(super) fn counts_changed(&mut self, ctx: &Context<'_>) {
        if self.counts() == self.counts_told {
            self.counts_due = None;
        } else {
            self.counts_due.get_or_insert(ctx.now + COUNTS_DEBOUNCE);
        }
    }
}
