//! Requests that are neither negotiation nor publishing nor subscribing.

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::request_response::Request as Echo;
use proto::signal_request::Message as Request;
use proto::signal_response::Message;
use proto::simulate_scenario::Scenario;

use super::{Context, Room};
use crate::bounds::merged_attributes_bytes;
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{MediaCommand, Output};

/// Signalling resumes that a client may ask to be cut, at most.
const DROPPED_RESUMES_MAX: u8 = 3;

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    NotAllowed,
    LimitExceeded,
    UnsupportedType,
}

/// Answers a request with the reason why it was not carried out.
pub(super) fn refuse(
    ctx: &mut Context<'_>,
    participant: &Participant,
    request_id: u32,
    refusal: Refusal,
    request: Option<Echo>,
) {
    use proto::request_response::Reason;
    let (reason, message) = match refusal {
        Refusal::NotFound => (Reason::NotFound, "not found"),
        Refusal::NotAllowed => (Reason::NotAllowed, "does not have permission"),
        Refusal::LimitExceeded => (Reason::LimitExceeded, "limit exceeded"),
        Refusal::UnsupportedType => (Reason::UnsupportedType, "unsupported"),
    };
    let response = proto::RequestResponse { request_id, reason: reason as i32, message: message.to_owned(), request };
    ctx.send(participant, Message::RequestResponse(response));
}

impl Room {
    pub(super) fn pong(&self, ctx: &mut Context<'_>, key: ParticipantKey, _timestamp: i64) {
        // Milliseconds: nanoseconds overflow a JavaScript number.
        let now = i64::try_from(ctx.unix_ms).unwrap_or_default();
        ctx.send(&self.participants[&key], Message::Pong(now));
    }

    pub(super) fn pong_response(&self, ctx: &mut Context<'_>, key: ParticipantKey, ping: &proto::Ping) {
        let timestamp = i64::try_from(ctx.unix_ms).unwrap_or_default();
        let pong = proto::Pong { last_ping_timestamp: ping.timestamp, timestamp };
        ctx.send(&self.participants[&key], Message::PongResp(pong));
    }

    pub(super) fn update_own_metadata(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        update: proto::UpdateParticipantMetadata,
    ) {
        let limits = &ctx.config.limits;
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let echo = || Some(Echo::UpdateMetadata(update.clone()));
        if !participant.permission.can_update_metadata {
            let response = proto::RequestResponse {
                request_id: update.request_id,
                reason: proto::request_response::Reason::NotAllowed as i32,
                message: "does not have permission to update own metadata".to_owned(),
                request: echo(),
            };
            return ctx.send(participant, Message::RequestResponse(response));
        }
        if update.name.chars().count() > limits.name_chars
            || update.metadata.len() > limits.metadata_bytes
            || merged_attributes_bytes(&participant.attributes, &update.attributes) > limits.attributes_bytes
        {
            return refuse(ctx, participant, update.request_id, Refusal::LimitExceeded, echo());
        }
        let request_id = update.request_id;
        apply_metadata(participant, &update.metadata, &update.name, update.attributes);
        let wants_answer = participant.client.info.protocol > 14;
        // The sender too: livekit-client's promise resolves when its own update shows the value. And before the answer:
        // the Rust core sends what it knows of itself with its next request, so it has to know the new value by then.
        self.announce(ctx, key);
        if let Some(participant) = self.participants.get(&key).filter(|_| wants_answer) {
            let response = proto::RequestResponse { request_id, ..proto::RequestResponse::default() };
            ctx.send(participant, Message::RequestResponse(response));
        }
    }

    /// What the client still has after a resume; anything we do not have means a full reconnect.
    pub(super) fn sync_state(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, state: &proto::SyncState) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let unknown = state.publish_tracks.iter().any(|published| {
            published.track.as_ref().is_none_or(|track| participant.track_by_sid(&track.sid).is_none())
        });
        if unknown {
            let reason = proto::DisconnectReason::StateMismatch;
            return self.remove_participant(ctx, key, reason, Some(Action::Reconnect));
        }
        for sid in state.track_sids_disabled.iter().take(1_000) {
            if let Some(settings) = participant.settings_of(sid) {
                settings.disabled = true;
            }
        }
        if let Some(subscription) = &state.subscription {
            self.update_subscription(ctx, key, subscription);
        }
        self.replay_data(ctx, key, &state.datachannel_receive_states);
    }

    /// Test hook of the client SDKs. Each scenario concerns the asking participant only.
    pub(super) fn simulate(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, simulate: &proto::SimulateScenario) {
        if !ctx.config.simulate_scenarios {
            return;
        }
        match &simulate.scenario {
            Some(Scenario::SpeakerUpdate(_)) => {
                let participant = &self.participants[&key];
                let speaker = proto::SpeakerInfo { sid: participant.sid.clone(), level: 0.9, active: true };
                self.broadcast(ctx, &Message::SpeakersChanged(proto::SpeakersChanged { speakers: vec![speaker] }));
            }
            Some(Scenario::NodeFailure(_)) => {
                self.remove_participant(ctx, key, proto::DisconnectReason::ServerShutdown, None);
            }
            Some(Scenario::ServerLeave(_)) => {
                self.remove_participant(ctx, key, proto::DisconnectReason::ServerShutdown, Some(Action::Disconnect));
            }
            Some(Scenario::LeaveRequestFullReconnect(_)) => {
                self.remove_participant(ctx, key, proto::DisconnectReason::StateMismatch, Some(Action::Reconnect));
            }
            Some(Scenario::Migration(_)) => self.drop_signal(ctx, key, Some(Action::Resume)),
            Some(Scenario::DisconnectSignalOnResume(_) | Scenario::DisconnectSignalOnResumeNoMessages(_)) => {
                if let Some(participant) = self.participants.get_mut(&key) {
                    participant.drop_resumes = (participant.drop_resumes + 1).min(DROPPED_RESUMES_MAX);
                }
                self.drop_signal(ctx, key, None);
            }
            Some(Scenario::SubscriberBandwidth(bits)) => {
                let bits_per_second = u64::try_from(*bits).ok().filter(|bits| *bits > 0);
                if let Some(peer) = self.participants.get(&key).and_then(|participant| participant.subscriber) {
                    ctx.media(MediaCommand::Cap { peer, bits_per_second });
                }
            }
            // The client asks for a way (TCP or TLS), connects anew by itself, and takes what ICE finds.
            Some(Scenario::SwitchCandidateProtocol(_)) | None => {}
        }
    }

    /// Closes the signalling connection and keeps the participant.
    fn drop_signal(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, told: Option<Action>) {
        let Some(connection) = self.participants.get(&key).and_then(|participant| participant.connection) else {
            return;
        };
        if let Some(action) = told {
            let leave = super::leave::leave_message(proto::DisconnectReason::Migration, action);
            ctx.send(&self.participants[&key], leave);
        }
        ctx.out.push_back(Output::Close(connection));
        self.signal_lost(ctx, key, connection);
    }

    /// Data tracks and blobs are not built: say so instead of letting the client wait.
    pub(super) fn refuse_unsupported(&self, ctx: &mut Context<'_>, key: ParticipantKey, request: &Request) {
        let echo = match request {
            Request::PublishDataTrackRequest(request) => Some(Echo::PublishDataTrack(request.clone())),
            Request::UnpublishDataTrackRequest(request) => Some(Echo::UnpublishDataTrack(*request)),
            Request::StoreDataBlobRequest(_) | Request::GetDataBlobRequest(_) => None,
            _ => return,
        };
        refuse(ctx, &self.participants[&key], 0, Refusal::UnsupportedType, echo);
    }
}

/// Empty texts mean "not changed"; an attribute with an empty value is deleted.
pub(super) fn apply_metadata(
    participant: &mut Participant,
    metadata: &str,
    name: &str,
    attributes: std::collections::HashMap<String, String>,
) {
    if !metadata.is_empty() {
        metadata.clone_into(&mut participant.metadata);
    }
    if !name.is_empty() {
        name.clone_into(&mut participant.name);
    }
    for (name, value) in attributes {
        if value.is_empty() {
            participant.attributes.remove(&name);
        } else {
            participant.attributes.insert(name, value);
        }
    }
    participant.touch();
}
