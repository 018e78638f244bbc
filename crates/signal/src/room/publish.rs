//! Publishing: announce, match, publish, mute, unpublish.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_response::Message;

use super::requests::{Refusal, refuse};
use super::{Context, Room};
use crate::bounds;
use crate::participant::{ParticipantKey, SectionState};
use crate::seam::{MediaCommand, MediaKind, TrackId};
use crate::track::Track;

/// Announced tracks without a media section at most, per participant.
const PENDING_TRACKS_MAX: usize = 20;
/// An announced track without a media section is given up after this time. Clients offer it within their own 10 s.
const PENDING_TRACK_LIFE: Duration = Duration::from_secs(30);
/// Tracks of one participant at most.
const TRACKS_MAX: usize = 100;

impl Room {
    pub(super) fn add_track(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, request: &proto::AddTrackRequest) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Ok(request) = &bounds::add_track(request) else {
            participant.refuse_cid(&request.cid);
            return refuse(ctx, participant, 0, Refusal::LimitExceeded, None);
        };
        if request.sid.is_empty() {
            // Announced again: what was said of it before no longer counts, and a refusal below notes it again.
            participant.refused_cids.retain(|cid| *cid != request.cid);
        }
        let refusal = proto::request_response::Request::AddTrack(request.clone());
        let kind = match proto::TrackType::try_from(request.r#type) {
            Ok(proto::TrackType::Audio) => MediaKind::Audio,
            Ok(proto::TrackType::Video) => MediaKind::Video,
            _ => return refuse(ctx, participant, 0, Refusal::UnsupportedType, Some(refusal)),
        };
        if !participant.may_publish(request.source) {
            participant.refuse_cid(&request.cid);
            return refuse(ctx, participant, 0, Refusal::NotAllowed, Some(refusal));
        }
        let known = participant.tracks.iter_mut().find(|track| {
            (!request.sid.is_empty() && track.info.sid == request.sid)
                || (track.mid.is_none() && track.cids.contains(&request.cid))
        });
        if let Some(track) = known {
            // The same again, or a further codec of the same track.
            if !track.cids.contains(&request.cid) && track.cids.len() < 8 {
                track.cids.push(request.cid.clone());
            }
            let response = proto::TrackPublishedResponse { cid: request.cid.clone(), track: Some(track.info.clone()) };
            return ctx.send(&self.participants[&key], Message::TrackPublished(response));
        }
        if !request.sid.is_empty() {
            return refuse(ctx, participant, 0, Refusal::NotFound, Some(refusal));
        }
        let pending = participant.tracks.iter().filter(|track| track.mid.is_none()).count();
        if pending >= PENDING_TRACKS_MAX || participant.tracks.len() >= TRACKS_MAX {
            participant.refuse_cid(&request.cid);
            return refuse(ctx, participant, 0, Refusal::LimitExceeded, Some(refusal));
        }
        let mut track = Track::from_request(request, kind, ctx.ids);
        track.expires = Some(ctx.now + PENDING_TRACK_LIFE);
        let response = proto::TrackPublishedResponse { cid: request.cid.clone(), track: Some(track.info.clone()) };
        let adopted = self.adopt_section(key, &mut track);
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.tracks.push(track);
        participant.deadlines.pending_track.get_or_insert(ctx.now + PENDING_TRACK_LIFE);
        ctx.send(participant, Message::TrackPublished(response));
        if adopted {
            self.settle_publications(ctx, key);
        }
    }

    /// The offer came before the announcement: a section carries the track already, under a number of its own.
    fn adopt_section(&mut self, key: ParticipantKey, track: &mut Track) -> bool {
        let Some(participant) = self.participants.get(&key) else {
            return false;
        };
        if !participant.pending_answers.is_empty() {
            return false;
        }
        let named = |section: &&SectionState| section.msid_track.as_ref().is_some_and(|cid| track.cids.contains(cid));
        let by_cid = participant.unannounced_sections(track.kind).find(named);
        let unclaimed: Vec<&SectionState> = participant.unclaimed_sections(track.kind).collect();
        // By kind as in an offer: one section, and no other track that it could be.
        let others = participant.tracks.iter().any(|other| other.mid.is_none() && other.kind == track.kind);
        let by_kind = (unclaimed.len() == 1 && !others).then(|| unclaimed[0]);
        let Some(section) = by_cid.or(by_kind) else {
            return false;
        };
        track.settle_in(section);
        true
    }

    /// Announced tracks that no section carried in time make room for others. The client is told, and a section that
    /// comes with one later carries nothing.
    pub(super) fn give_up_pending_tracks(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if participant.connection.is_none() {
            // Its offer may be on its way as soon as it is back.
            participant.deadlines.pending_track = Some(ctx.now + PENDING_TRACK_LIFE);
            return;
        }
        let expired = |track: &Track| track.mid.is_none() && track.expires.is_some_and(|expires| expires <= ctx.now);
        let (gone, kept) = std::mem::take(&mut participant.tracks).into_iter().partition(expired);
        participant.tracks = kept;
        let pending = participant.tracks.iter().filter(|track| track.mid.is_none());
        participant.deadlines.pending_track = pending.filter_map(|track| track.expires).min();
        let gone: Vec<Track> = gone;
        for track in gone {
            track.cids.iter().for_each(|cid| participant.refuse_cid(cid));
            let track_sid = track.info.sid;
            ctx.send(participant, Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid }));
        }
    }

    /// Tracks whose section is negotiated become visible to the others.
    pub(super) fn settle_publications(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        if participant.tracks.iter().any(|track| participant.settled_in(track).is_some())
            && self.may_announce(ctx, key, 1)
        {
            self.publish_settled(ctx, key);
        }
    }

    /// The same without regard to how often.
    pub(super) fn publish_settled(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let settled = participant.tracks.iter().map(|track| participant.settled_in(track).cloned());
        let settled: Vec<_> = settled.collect();
        let mut fresh = Vec::new();
        for (track, section) in participant.tracks.iter_mut().zip(settled) {
            let Some(section) = section else { continue };
            track.publish(&section);
            fresh.push((track.id, track.rids.clone(), track.info.clone()));
        }
        if fresh.is_empty() {
            return;
        }
        participant.touch();
        let info = participant.info();
        for (track, rids, track_info) in &fresh {
            ctx.index.tracks.insert(*track, (self.key, key));
            self.changed_wishes.insert((key, *track));
            let screen = track_info.source() == proto::TrackSource::ScreenShare;
            let encrypted = track_info.encryption() != proto::encryption::Type::None;
            ctx.media(MediaCommand::TrackLayers { track: *track, rids: rids.clone(), screen, encrypted });
            if track_info.muted {
                ctx.media(MediaCommand::MuteTrack { track: *track, muted: true });
            }
        }
        // Everybody is told of the track before any description names it.
        self.broadcast_update(ctx, key, None);
        self.counts_changed(ctx);
        for (track, _, track_info) in fresh {
            self.webhook(ctx, "track_published", Some(info.clone()), Some(track_info));
            self.subscribe_everybody(ctx, key, track);
        }
    }

    /// The client stopped sending a track, or may not send it any longer.
    pub(super) fn unpublish(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, track: TrackId) {
        // While it is still subscribed to, so that those who were told that it speaks hear that it stopped.
        self.audio_levels(ctx, key, &[(track, 0.0)]);
        ctx.media(MediaCommand::RemoveTrack { track });
        ctx.index.tracks.remove(&track);
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(position) = participant.tracks.iter().position(|known| known.id == track) else {
            return;
        };
        let removed = participant.tracks.remove(position);
        if !removed.published {
            return;
        }
        participant.touch();
        let info = participant.info();
        let others: Vec<ParticipantKey> = self.participants.keys().copied().filter(|other| *other != key).collect();
        for other in others {
            if let Some(other) = self.participants.get_mut(&other) {
                Self::forget_track(ctx, other, &removed);
            }
            self.want_negotiation(ctx, other);
        }
        self.announce(ctx, key);
        self.counts_changed(ctx);
        self.webhook(ctx, "track_unpublished", Some(info), Some(removed.info));
    }

    pub(super) fn mute_by_client(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        request: &proto::MuteTrackRequest,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let Some(track) = participant.track_by_sid(&request.sid).map(|track| track.id) else {
            let refusal = proto::request_response::Request::Mute(request.clone());
            return refuse(ctx, participant, 0, Refusal::NotFound, Some(refusal));
        };
        self.set_muted(ctx, key, track, request.muted);
    }

    pub(super) fn set_muted(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, id: TrackId, muted: bool) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(track) = participant.track_mut(id) else {
            return;
        };
        if track.info.muted == muted {
            return;
        }
        track.info.muted = muted;
        let published = track.published;
        ctx.media(MediaCommand::MuteTrack { track: id, muted });
        if muted {
            self.audio_levels(ctx, key, &[(id, 0.0)]);
        }
        if let Some(participant) = self.participants.get_mut(&key).filter(|_| published) {
            participant.touch();
            self.announce(ctx, key);
        }
    }

    /// Tells the publisher, once, that somebody receives the track.
    pub(super) fn tell_subscribed(&mut self, ctx: &mut Context<'_>, publisher: ParticipantKey, id: TrackId) {
        let Some(participant) = self.participants.get_mut(&publisher) else {
            return;
        };
        let Some(track) = participant.track_mut(id).filter(|track| !track.subscribed_told) else {
            return;
        };
        track.subscribed_told = true;
        let message = Message::TrackSubscribed(proto::TrackSubscribed { track_sid: track.info.sid.clone() });
        ctx.send(&self.participants[&publisher], message);
    }

    pub(super) fn update_audio_track(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        update: &proto::UpdateLocalAudioTrack,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(track) = participant.tracks.iter_mut().find(|track| track.info.sid == update.track_sid) else {
            return;
        };
        track.info.audio_features = bounds::known::<proto::AudioTrackFeature>(&update.features);
        participant.touch();
        self.announce(ctx, key);
    }

    pub(super) fn update_video_track(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        update: &proto::UpdateLocalVideoTrack,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(track) = participant.tracks.iter_mut().find(|track| track.info.sid == update.track_sid) else {
            return;
        };
        track.info.width = update.width;
        track.info.height = update.height;
        participant.touch();
        self.announce(ctx, key);
    }
}
