//! RoomService calls that concern one room.

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_response::Message;

use super::requests::apply_metadata;
use super::{Context, Room};
use crate::bounds::{self, merged_attributes_bytes};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{ApiError, ApiErrorCode, TrackId};

/// Bytes of one `SendData` call at most.
const DATA_BYTES_MAX: usize = 60 * 1024;

fn no_participant() -> ApiError {
    ApiError::new(ApiErrorCode::NotFound, "participant does not exist")
}

impl Room {
    pub(crate) fn list_participants(&self) -> Vec<proto::ParticipantInfo> {
        self.participants.values().map(Participant::info).collect()
    }

    fn key_of(&self, identity: &str) -> Result<ParticipantKey, ApiError> {
        self.by_identity(identity).map(|participant| participant.key).ok_or_else(no_participant)
    }

    pub(crate) fn get_participant(&self, identity: &str) -> Result<proto::ParticipantInfo, ApiError> {
        self.by_identity(identity).map(Participant::info).ok_or_else(no_participant)
    }

    pub(crate) fn api_remove(&mut self, ctx: &mut Context<'_>, identity: &str) -> Result<(), ApiError> {
        let key = self.key_of(identity)?;
        self.remove_participant(ctx, key, proto::DisconnectReason::ParticipantRemoved, Some(Action::Disconnect));
        Ok(())
    }

    pub(crate) fn api_mute(
        &mut self,
        ctx: &mut Context<'_>,
        request: &proto::MuteRoomTrackRequest,
    ) -> Result<proto::TrackInfo, ApiError> {
        let key = self.key_of(&request.identity)?;
        let participant = &self.participants[&key];
        let track = participant
            .track_by_sid(&request.track_sid)
            .ok_or_else(|| ApiError::new(ApiErrorCode::NotFound, "track is not found"))?
            .id;
        if !request.muted && !ctx.config.room.enable_remote_unmute {
            return Err(ApiError::new(ApiErrorCode::FailedPrecondition, "remote unmute not enabled"));
        }
        let mute = proto::MuteTrackRequest { sid: request.track_sid.clone(), muted: request.muted };
        ctx.send(participant, Message::Mute(mute));
        self.set_muted(ctx, key, track, request.muted);
        let track = self.participants[&key].track(track).map(|track| track.info.clone());
        track.ok_or_else(|| ApiError::new(ApiErrorCode::NotFound, "track is not found"))
    }

    pub(crate) fn api_update_participant(
        &mut self,
        ctx: &mut Context<'_>,
        request: proto::UpdateParticipantRequest,
    ) -> Result<proto::ParticipantInfo, ApiError> {
        let key = self.key_of(&request.identity)?;
        let participant = self.participants.get_mut(&key).ok_or_else(no_participant)?;
        let limits = &ctx.config.limits;
        if request.metadata.len() > limits.metadata_bytes
            || request.name.chars().count() > limits.name_chars
            || merged_attributes_bytes(&participant.attributes, &request.attributes) > limits.attributes_bytes
        {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "metadata, name or attributes exceed the limit"));
        }
        apply_metadata(participant, &request.metadata, &request.name, request.attributes);
        if let Some(permission) = request.permission {
            self.change_permission(ctx, key, permission);
        }
        self.broadcast_update(ctx, key, None);
        self.send_refreshed_token(ctx, key);
        self.participants.get(&key).map(Participant::info).ok_or_else(no_participant)
    }

    fn change_permission(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        permission: proto::ParticipantPermission,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let was_hidden = participant.hidden();
        participant.permission = bounds::permission(permission);
        let hidden_changed = participant.hidden() != was_hidden;
        let forbidden: Vec<(TrackId, String)> = participant
            .tracks
            .iter()
            .filter(|track| !participant.may_publish(track.info.source))
            .map(|track| (track.id, track.sid().to_owned()))
            .collect();
        for (track, track_sid) in forbidden {
            let told = Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid });
            ctx.send(&self.participants[&key], told);
            self.unpublish(ctx, key, track);
        }
        self.reconcile_all(ctx, key);
        if hidden_changed {
            self.apply_subscription_permission(ctx, key);
            self.counts_changed(ctx);
        }
    }

    pub(crate) fn api_update_subscriptions(
        &mut self,
        ctx: &mut Context<'_>,
        request: &proto::UpdateSubscriptionsRequest,
    ) -> Result<(), ApiError> {
        let key = self.key_of(&request.identity)?;
        let update = proto::UpdateSubscription {
            track_sids: request.track_sids.clone(),
            subscribe: request.subscribe,
            participant_tracks: request.participant_tracks.clone(),
        };
        self.update_subscription(ctx, key, &update);
        Ok(())
    }

    pub(crate) fn api_send_data(
        &mut self,
        ctx: &mut Context<'_>,
        request: proto::SendDataRequest,
    ) -> Result<(), ApiError> {
        if !request.nonce.is_empty() && request.nonce.len() != 16 {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "nonce should be 16 bytes or empty"));
        }
        if request.data.len() > DATA_BYTES_MAX {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "data exceeds the limit of 60 KiB"));
        }
        self.server_data(ctx, request);
        Ok(())
    }

    pub(crate) fn api_update_metadata(
        &mut self,
        ctx: &mut Context<'_>,
        metadata: String,
    ) -> Result<proto::Room, ApiError> {
        if metadata.len() > ctx.config.limits.metadata_bytes {
            return Err(ApiError::new(ApiErrorCode::InvalidArgument, "metadata exceeds the limit"));
        }
        self.metadata = metadata;
        self.tell_room(ctx);
        Ok(self.info())
    }
}
