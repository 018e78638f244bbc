//! Who left lately: a client that was away meanwhile removes only those it is told of.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use livekit_protocol as proto;

/// How long a departure is kept: longer than anybody can be away and still resume.
const KEPT: Duration = Duration::from_secs(60);
/// Departures of one room at most, the latest ones.
const KEPT_MAX: usize = 1_000;

/// The departures of a room, the latest last.
#[derive(Debug, Default)]
pub(super) struct Departures(VecDeque<(Instant, proto::ParticipantInfo)>);

impl Departures {
    /// Notes that somebody left, as the others were told.
    pub(super) fn note(&mut self, now: Instant, info: &proto::ParticipantInfo) {
        self.forget(now);
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        // What a client needs to remove it, and no more: metadata and tracks may be large.
        let info = proto::ParticipantInfo {
            sid: info.sid.clone(),
            identity: info.identity.clone(),
            state: info.state,
            version: info.version,
            joined_at: info.joined_at,
            joined_at_ms: info.joined_at_ms,
            disconnect_reason: info.disconnect_reason,
            kind: info.kind,
            ..proto::ParticipantInfo::default()
        };
        self.0.push_back((now, info));
    }

    fn forget(&mut self, now: Instant) {
        while self.0.front().is_some_and(|(left_at, _)| now.saturating_duration_since(*left_at) > KEPT) {
            self.0.pop_front();
        }
    }

    /// Those who left in the last minute.
    pub(super) fn recent(&mut self, now: Instant) -> impl Iterator<Item = &proto::ParticipantInfo> {
        self.forget(now);
        self.0.iter().map(|(_, info)| info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Departures are forgotten after a while, and bounded in number.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn departures_are_bounded() {
        let start = Instant::now();
        let mut departures = Departures::default();
        let info = |number: usize| proto::ParticipantInfo {
            sid: format!("PA_{number}"),
            metadata: "x".repeat(1_000),
            ..proto::ParticipantInfo::default()
        };
        for number in 0..KEPT_MAX + 5 {
            departures.note(start, &info(number));
        }
        let kept: Vec<_> = departures.recent(start + KEPT).cloned().collect();
        assert_eq!((kept.len(), kept[0].sid.as_str(), kept[0].metadata.as_str()), (KEPT_MAX, "PA_5", ""));
        assert_eq!(departures.recent(start + KEPT + Duration::from_millis(1)).count(), 0);
    }
}
