//! Who receives what.

use std::collections::HashSet;

use livekit_protocol as proto;
use proto::signal_response::Message;

use super::{Context, Room};
use crate::bounds::{self, is_sid};
use crate::participant::{Participant, ParticipantKey, WISHES_MAX};
use crate::seam::{MediaCommand, TrackId};
use crate::track::{Subscription, Track};

impl Room {
    /// Makes every subscription of `key` what it should be: of a newcomer, or after its permission changed.
    pub(super) fn reconcile_all(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        for (publisher, track) in self.published_tracks(key) {
            self.reconcile(ctx, key, publisher, track);
        }
        self.want_negotiation(ctx, key);
    }

    /// A new track: everybody else.
    pub(super) fn subscribe_everybody(&mut self, ctx: &mut Context<'_>, publisher: ParticipantKey, track: TrackId) {
        let others: Vec<ParticipantKey> =
            self.participants.keys().copied().filter(|other| *other != publisher).collect();
        for other in others {
            self.reconcile(ctx, other, publisher, track);
            self.want_negotiation(ctx, other);
        }
    }

    fn published_tracks(&self, except: ParticipantKey) -> Vec<(ParticipantKey, TrackId)> {
        let others = self.participants.values().filter(|other| other.key != except);
        others
            .flat_map(|other| other.tracks.iter().filter(|track| track.published).map(|track| (other.key, track.id)))
            .collect()
    }

    /// Makes one subscription what wishes, permissions and policies say it should be.
    fn reconcile(&mut self, ctx: &mut Context<'_>, subscriber: ParticipantKey, publisher: ParticipantKey, id: TrackId) {
        let (Some(receiver), Some(sender)) = (self.participants.get(&subscriber), self.participants.get(&publisher))
        else {
            return;
        };
        let Some(track) = sender.track(id).filter(|track| track.published) else {
            return;
        };
        // Nobody was told of a hidden participant's tracks, so no description may name them.
        let desired = receiver.wishes.get(track.sid()).copied().unwrap_or(receiver.client.auto_subscribe)
            && receiver.permission.can_subscribe
            && !sender.hidden();
        let allowed = receiver.records() || sender.lets_subscribe(receiver, track.sid());
        let has = receiver.subscriptions.contains_key(&id);
        let denied_told = receiver.denied_told.contains(&id);
        if desired && allowed == denied_told {
            let update = proto::SubscriptionPermissionUpdate {
                participant_sid: sender.sid.clone(),
                track_sid: track.sid().to_owned(),
                allowed,
            };
            ctx.send(receiver, Message::SubscriptionPermissionUpdate(update));
        }
        if desired && allowed && !has {
            let subscription = Subscription {
                publisher,
                kind: track.kind,
                sid: track.sid().to_owned(),
                stream_id: track.stream_id(&sender.sid, receiver.client.synchronises),
                mid: None,
            };
            if let Some(receiver) = self.participants.get_mut(&subscriber) {
                receiver.subscriptions.insert(id, subscription);
            }
            self.note_wish(publisher, id);
        } else if has
            && !(desired && allowed)
            && let Some(receiver) = self.participants.get_mut(&subscriber)
        {
            Self::drop_subscription(ctx, receiver, id);
            self.note_wish(publisher, id);
            self.clear_speaker(ctx, subscriber, publisher);
        }
        if let Some(receiver) = self.participants.get_mut(&subscriber).filter(|_| desired) {
            if allowed {
                receiver.denied_told.remove(&id);
            } else {
                receiver.denied_told.insert(id);
            }
        }
    }

    /// Stops sending `track` to `receiver`; its section is freed at the next negotiation.
    fn drop_subscription(ctx: &mut Context<'_>, receiver: &mut Participant, track: TrackId) {
        let Some(subscription) = receiver.subscriptions.remove(&track) else {
            return;
        };
        let (Some(peer), true) = (receiver.subscriber, subscription.mid.is_some()) else {
            return;
        };
        if receiver.client.single {
            receiver.deadlines.negotiate.get_or_insert(ctx.now);
        } else {
            receiver.server_offers.remove.push(track);
            receiver.deadlines.negotiate.get_or_insert(ctx.now);
        }
        ctx.media(MediaCommand::Unbind { peer, track });
    }

    /// `track` is gone for good: nothing is kept about it, so that it takes no room from others.
    pub(super) fn forget_track(ctx: &mut Context<'_>, receiver: &mut Participant, track: &Track) {
        Self::drop_subscription(ctx, receiver, track.id);
        receiver.denied_told.remove(&track.id);
        receiver.wishes.remove(track.sid());
        receiver.settings.remove(track.sid());
    }

    pub(super) fn update_subscription(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        update: &proto::UpdateSubscription,
    ) {
        let listed = update.participant_tracks.iter().flat_map(|tracks| &tracks.track_sids);
        let sids: Vec<String> = update.track_sids.iter().chain(listed).take(WISHES_MAX).cloned().collect();
        self.set_wishes(ctx, key, &sids, update.subscribe);
    }

    /// Notes explicit wishes and follows them. Tracks that do not exist yet are remembered.
    pub(super) fn set_wishes(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, sids: &[String], subscribe: bool) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        for sid in sids.iter().filter(|sid| is_sid(sid)) {
            if participant.wishes.len() < WISHES_MAX || participant.wishes.contains_key(sid) {
                participant.wishes.insert(sid.clone(), subscribe);
            }
        }
        let sids: HashSet<&str> = sids.iter().map(String::as_str).collect();
        let named: Vec<(ParticipantKey, TrackId)> = self
            .published_tracks(key)
            .into_iter()
            .filter(|(publisher, track)| {
                let track = self.participants[publisher].track(*track);
                track.is_some_and(|track| sids.contains(track.sid()))
            })
            .collect();
        for (publisher, track) in named {
            self.reconcile(ctx, key, publisher, track);
        }
        self.want_negotiation(ctx, key);
    }

    pub(super) fn track_settings(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        settings: &proto::UpdateTrackSettings,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let kept = proto::UpdateTrackSettings { track_sids: Vec::new(), ..settings.clone() };
        for sid in settings.track_sids.iter().take(WISHES_MAX) {
            if let Some(settings) = participant.settings_of(sid) {
                settings.clone_from(&kept);
            }
        }
        let tracks: Vec<TrackId> = participant
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.mid.is_some() && settings.track_sids.contains(&subscription.sid))
            .map(|(track, _)| *track)
            .collect();
        for track in tracks {
            self.send_down_settings(ctx, key, track);
        }
    }

    pub(super) fn send_down_settings(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, id: TrackId) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let (Some(peer), Some(subscription)) = (participant.subscriber, participant.subscriptions.get(&id)) else {
            return;
        };
        let Some(track) = self.participants.get(&subscription.publisher).and_then(|sender| sender.track(id)) else {
            return;
        };
        let wish = participant.settings.get(&subscription.sid);
        let settings = track.down_settings(wish, participant.client.adaptive_stream);
        ctx.media(MediaCommand::SetDown { peer, track: id, settings });
        self.note_wish(subscription.publisher, id);
    }

    /// The subscriber cannot decode the track: it would wait for a picture that never comes.
    pub(crate) fn codec_refused(&self, ctx: &mut Context<'_>, key: ParticipantKey, id: TrackId) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let Some(subscription) = participant.subscriptions.get(&id) else {
            return;
        };
        tracing::warn!(participant = %participant.sid, track = %subscription.sid, "no codec in common, nothing is sent");
        let response = proto::SubscriptionResponse {
            track_sid: subscription.sid.clone(),
            err: proto::SubscriptionError::SeCodecUnsupported as i32,
        };
        ctx.send(participant, Message::SubscriptionResponse(response));
    }

    /// The subscriber's line does not carry some tracks, or does so again.
    pub(crate) fn stream_state(&self, ctx: &mut Context<'_>, key: ParticipantKey, states: &[(TrackId, bool)]) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let state = |(id, paused): &(TrackId, bool)| {
            let subscription = participant.subscriptions.get(id)?;
            let publisher = self.participants.get(&subscription.publisher)?;
            let state = if *paused { proto::StreamState::Paused } else { proto::StreamState::Active };
            Some(proto::StreamStateInfo {
                participant_sid: publisher.sid.clone(),
                track_sid: subscription.sid.clone(),
                state: state as i32,
            })
        };
        let stream_states: Vec<_> = states.iter().filter_map(state).collect();
        if !stream_states.is_empty() {
            ctx.send(participant, Message::StreamStateUpdate(proto::StreamStateUpdate { stream_states }));
        }
    }

    /// A publisher decides who may receive its tracks.
    pub(super) fn set_subscription_permission(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        permission: proto::SubscriptionPermission,
    ) {
        let Some(publisher) = self.participants.get_mut(&key) else {
            return;
        };
        publisher.subscription_permission = Some(bounds::subscription_permission(permission));
        let tracks = publisher.tracks.iter().filter(|track| track.published).count();
        if self.may_announce(ctx, key, tracks) {
            self.apply_subscription_permission(ctx, key);
        }
    }

    /// What others receive of `key` becomes what its policy says.
    pub(super) fn apply_subscription_permission(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(publisher) = self.participants.get(&key) else {
            return;
        };
        let tracks: Vec<TrackId> =
            publisher.tracks.iter().filter(|track| track.published).map(|track| track.id).collect();
        let others: Vec<ParticipantKey> = self.participants.keys().copied().filter(|other| *other != key).collect();
        for other in others {
            for track in &tracks {
                self.reconcile(ctx, other, key, *track);
            }
            self.want_negotiation(ctx, other);
        }
    }
}
