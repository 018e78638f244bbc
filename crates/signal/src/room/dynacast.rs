//! Dynacast: a publisher sends no encoding that nobody wants.
//!
//! What counts is what subscribers ask for, not what their lines can carry: that changes by the second.

use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::VideoQuality;
use proto::signal_response::Message;

use super::{Context, Room};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{MediaKind, TrackId};
use crate::track::Track;

/// So long must nobody want an encoding before its publisher is told: who scrolls through a gallery comes back.
const LOWER_AFTER: Duration = Duration::from_secs(5);
/// Applying an answer may enable all encodings again, so clients are told once more: so long after the last answer, and
/// so long after the first one at the latest.
const REPEAT_AFTER: Duration = Duration::from_secs(2);
const REPEAT_AFTER_MAX: Duration = Duration::from_secs(8);

/// The best that anybody wants of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    Nothing,
    Low,
    Medium,
    High,
}

impl Wanted {
    fn of(quality: i32) -> Self {
        match VideoQuality::try_from(quality) {
            Ok(VideoQuality::Low) => Self::Low,
            Ok(VideoQuality::Medium) => Self::Medium,
            Ok(VideoQuality::Off) => Self::Nothing,
            Ok(VideoQuality::High) | Err(_) => Self::High,
        }
    }

    fn covers(self, quality: VideoQuality) -> bool {
        quality != VideoQuality::Off && Self::of(quality as i32) <= self
    }
}

/// What a publisher was told of one track.
#[derive(Debug)]
pub(crate) struct Dynacast {
    /// Nothing is told until less than everything is wanted.
    told: Wanted,
    ever_told: bool,
    /// When less is told.
    lower_at: Option<Instant>,
}

impl Dynacast {
    pub(crate) fn new() -> Self {
        Self { told: Wanted::High, ever_told: false, lower_at: None }
    }

    /// This is wanted now. True if the publisher is to be told: more at once, less after a while.
    fn weigh(&mut self, now: Instant, wanted: Wanted) -> bool {
        if wanted < self.told {
            let lower_at = *self.lower_at.get_or_insert(now + LOWER_AFTER);
            if now < lower_at {
                return false;
            }
        }
        self.lower_at = None;
        let changed = std::mem::replace(&mut self.told, wanted) != wanted;
        self.ever_told |= changed;
        changed
    }
}

/// When the state is told again after answers.
#[derive(Debug, Default)]
pub(crate) struct Repeat {
    first_answer: Option<Instant>,
    due: Option<Instant>,
}

impl Repeat {
    pub(crate) fn answered(&mut self, now: Instant) {
        let first = *self.first_answer.get_or_insert(now);
        self.due = Some((now + REPEAT_AFTER).min(first + REPEAT_AFTER_MAX));
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Room {
    /// What somebody wants of a track may have changed. Looked at when the input is through: one input may change much.
    pub(super) fn note_wish(&mut self, publisher: ParticipantKey, track: TrackId) {
        self.changed_wishes.insert((publisher, track));
    }

    /// Tells publishers what is wanted more than before, and notes what is wanted less.
    pub(crate) fn settle_wishes(&mut self, ctx: &mut Context<'_>) {
        for (publisher, track) in std::mem::take(&mut self.changed_wishes) {
            self.weigh(ctx, publisher, track);
        }
    }

    fn weigh(&mut self, ctx: &mut Context<'_>, publisher: ParticipantKey, id: TrackId) {
        let Some(wanted) = self.wanted(publisher, id) else {
            return;
        };
        let Some(participant) = self.participants.get_mut(&publisher) else {
            return;
        };
        let tell = participant.track_mut(id).is_some_and(|track| track.dynacast.weigh(ctx.now, wanted));
        participant.deadlines.lower_quality =
            participant.tracks.iter().filter_map(|track| track.dynacast.lower_at).min();
        if tell && let Some(track) = participant.track(id) {
            ctx.send(participant, update(track));
        }
    }

    /// The best that any subscriber wants. `None` for what is no published picture.
    fn wanted(&self, publisher: ParticipantKey, id: TrackId) -> Option<Wanted> {
        let track = self.participants.get(&publisher)?.track(id)?;
        if track.kind != MediaKind::Video || !track.published {
            return None;
        }
        let receivers = self.participants.values().filter(|receiver| receiver.subscriptions.contains_key(&id));
        Some(receivers.map(|receiver| wanted_by(receiver, track)).max().unwrap_or(Wanted::Nothing))
    }

    /// Nobody has wanted some encodings of `key` for long enough, perhaps.
    pub(super) fn lower_qualities(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let due = |track: &&Track| track.dynacast.lower_at.is_some_and(|at| at <= ctx.now);
        for track in participant.tracks.iter().filter(due).map(|track| track.id).collect::<Vec<_>>() {
            self.weigh(ctx, key, track);
        }
    }

    pub(super) fn repeat_qualities(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.deadlines.repeat_quality = Repeat::default();
        for track in participant.tracks.iter().filter(|track| track.dynacast.ever_told) {
            ctx.send(participant, update(track));
        }
    }
}

fn wanted_by(receiver: &Participant, track: &Track) -> Wanted {
    if receiver.records() {
        return Wanted::High;
    }
    let settings = track.down_settings(receiver.settings.get(track.sid()), receiver.client.adaptive_stream);
    match settings.max_layer {
        _ if settings.paused => Wanted::Nothing,
        None => Wanted::High,
        Some(layer) => Wanted::of(track.quality_of(layer)),
    }
}

/// Each codec by itself, and the same once for clients that know no codecs. The first codec is the one that everybody gets.
fn update(track: &Track) -> Message {
    let qualities = |wanted: Wanted| {
        let all = [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High];
        let quality = all.map(|quality| (quality as i32, wanted.covers(quality)));
        quality.map(|(quality, enabled)| proto::SubscribedQuality { quality, enabled }).to_vec()
    };
    let codecs = track.info.codecs.iter().enumerate().map(|(index, codec)| proto::SubscribedCodec {
        codec: codec.mime_type.rsplit('/').next().unwrap_or_default().to_ascii_lowercase(),
        qualities: qualities(if index == 0 { track.dynacast.told } else { Wanted::Nothing }),
    });
    #[expect(deprecated, reason = "older clients read only this list")]
    let update = proto::SubscribedQualityUpdate {
        track_sid: track.info.sid.clone(),
        subscribed_qualities: qualities(track.dynacast.told),
        subscribed_codecs: codecs.filter(|codec| !codec.codec.is_empty()).collect(),
    };
    Message::SubscribedQualityUpdate(update)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "some instant to count from")]
mod tests {
    use super::*;

    /// Seconds, what is wanted then, and what the publisher is told then.
    #[test]
    fn more_is_told_at_once_and_less_after_a_while() {
        use Wanted::{High, Low, Medium, Nothing};
        let start = Instant::now();
        let mut dynacast = Dynacast::new();
        for (second, wanted, told) in [
            (0, High, None),
            (1, Nothing, None),
            (5, Low, None),
            (6, Low, Some(Low)),
            (7, Low, None),
            (8, High, Some(High)),
            (9, Nothing, None),
            (10, High, None),
            (14, Nothing, None),
            (18, Nothing, None),
            (19, Nothing, Some(Nothing)),
            (20, Medium, Some(Medium)),
        ] {
            let tell = dynacast.weigh(start + Duration::from_secs(second), wanted);
            assert_eq!(tell.then_some(dynacast.told), told, "second {second}");
        }
    }

    #[test]
    fn answers_are_followed_by_the_state() {
        let start = Instant::now();
        let mut repeat = Repeat::default();
        for (answer, due) in [(0, 2), (1, 3), (5, 7), (7, 8), (9, 8)] {
            repeat.answered(start + Duration::from_secs(answer));
            assert_eq!(repeat.due(), Some(start + Duration::from_secs(due)), "answer at {answer}");
        }
    }

    #[test]
    fn qualities_are_covered_up_to_what_is_wanted() {
        let all = [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High, VideoQuality::Off];
        for (wanted, covered) in [
            (Wanted::Nothing, [false, false, false, false]),
            (Wanted::Low, [true, false, false, false]),
            (Wanted::Medium, [true, true, false, false]),
            (Wanted::High, [true, true, true, false]),
        ] {
            assert_eq!(all.map(|quality| wanted.covers(quality)), covered, "{wanted:?}");
        }
    }
}
