//! What a room does because time has passed.

use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_response::Message;

use super::{Context, Room, RoomEnd};
use crate::participant::ParticipantKey;
use crate::token;

/// How often clients get a fresh token for later reconnects, and how long it is valid at least.
const TOKEN_REFRESH: Duration = Duration::from_secs(5 * 60);
const TOKEN_LIFE_S_MIN: u64 = 10 * 60;

impl Room {
    /// When [`Room::tick`] has something to do, at the latest.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let participants = self.participants.values().filter_map(|participant| participant.deadlines.next());
        participants.chain(self.idle_due()).chain(self.recent.due()).chain(self.counts_due).min()
    }

    fn idle_due(&self) -> Option<Instant> {
        let seconds = if self.ever_joined { self.departure_timeout_s } else { self.empty_timeout_s };
        self.empty_since.map(|since| since + Duration::from_secs(u64::from(seconds)))
    }

    pub(crate) fn tick(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now;
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if due(self.idle_due()) {
            self.end(ctx, RoomEnd::Idle);
            return;
        }
        if due(self.recent.due()) {
            self.recent.forget(ctx.now);
        }
        if due(self.counts_due) {
            self.tell_room(ctx);
        }
        let keys = self.participants.values().filter(|participant| due(participant.deadlines.next()));
        for key in keys.map(|participant| participant.key).collect::<Vec<_>>() {
            self.tick_participant(ctx, key);
        }
    }

    fn tick_participant(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= ctx.now);
        let deadlines = &participant.deadlines;
        let (join, resume, refresh) = (due(deadlines.join), due(deadlines.resume), due(deadlines.refresh_token));
        let update = due(deadlines.update);
        let (lower, repeat) = (due(deadlines.lower_quality), due(deadlines.repeat_quality.due()));
        let (answer, pending_track) = (due(deadlines.answer), due(deadlines.pending_track));
        let negotiate = due(deadlines.negotiate_due());
        if join {
            self.remove_participant(ctx, key, proto::DisconnectReason::JoinFailure, Some(Action::Disconnect));
        } else if resume {
            self.remove_participant(ctx, key, proto::DisconnectReason::ConnectionTimeout, Some(Action::Reconnect));
        } else {
            if negotiate {
                self.negotiate(ctx, key);
            }
            if refresh {
                self.send_refreshed_token(ctx, key);
            }
            if update {
                self.tell_deferred(ctx, key);
            }
            if lower {
                self.lower_qualities(ctx, key);
            }
            if repeat {
                self.repeat_qualities(ctx, key);
            }
            if pending_track {
                self.give_up_pending_tracks(ctx, key);
            }
            if answer {
                self.answer_overdue(ctx, key);
            }
        }
    }

    /// Sends a token with the participant's present grants. Never an empty one: clients would keep it and fail later.
    pub(super) fn send_refreshed_token(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.deadlines.refresh_token = Some(ctx.now + TOKEN_REFRESH);
        let Some((api_key, secret)) = ctx.config.keys.signer() else {
            return;
        };
        let unix_s = ctx.unix_ms / 1000;
        let claims = token::Claims {
            iss: api_key.to_owned(),
            sub: participant.identity.clone(),
            name: participant.name.clone(),
            exp: Some(participant.claims.exp.unwrap_or(0).max(unix_s + TOKEN_LIFE_S_MIN)),
            nbf: Some(unix_s.saturating_sub(1)),
            metadata: participant.metadata.clone(),
            attributes: participant.attributes.clone(),
            video: Some(participant.grant(&self.name)),
            ..participant.claims.clone()
        };
        let token = token::sign(&claims, secret);
        ctx.send(&self.participants[&key], Message::RefreshToken(token));
    }
}
