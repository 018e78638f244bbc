//! Who speaks, and how well each connection does.

use std::collections::BTreeSet;

use livekit_protocol as proto;
use proto::signal_response::Message;

use super::{Context, Room};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{PeerId, TrackId, TransportQuality};

impl Room {
    /// New loudness of some tracks of `key`: told as a change to itself and to those who receive it.
    pub(crate) fn audio_levels(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, levels: &[(TrackId, f32)]) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let before = loudest(participant);
        for (track, level) in levels {
            let muted = participant.track(*track).is_none_or(|track| track.info.muted);
            if *level > 0.0 && !muted {
                participant.levels.insert(*track, *level);
            } else {
                participant.levels.remove(track);
            }
        }
        let after = loudest(participant);
        #[expect(clippy::float_cmp, reason = "levels are quantised; equal means unchanged")]
        if before == after {
            return;
        }
        let speaker = proto::SpeakerInfo { sid: participant.sid.clone(), level: after, active: after > 0.0 };
        let message = Message::SpeakersChanged(proto::SpeakersChanged { speakers: vec![speaker] });
        for receiver in self.participants.values() {
            if receiver.key == key || receives_from(receiver, key) {
                ctx.send(receiver, message.clone());
            }
        }
    }

    /// Measured quality of one peer connection: told if the grade changed.
    pub(crate) fn transport_quality(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        peer: PeerId,
        quality: TransportQuality,
    ) {
        let Some(participant) = self.participants.get_mut(&key).filter(|participant| participant.owns_peer(peer))
        else {
            return;
        };
        let before = participant.worst_quality().map(|(grade, _)| grade);
        participant.qualities.insert(peer, grade(quality));
        if participant.worst_quality().map(|(grade, _)| grade) == before {
            return;
        }
        let receivers =
            self.participants.values().filter(|receiver| receiver.key == key || receives_from(receiver, key));
        for receiver in receivers.map(|receiver| receiver.key).collect::<Vec<_>>() {
            self.tell_qualities(ctx, receiver);
        }
    }

    /// Tells `key` the grades that it was not told yet, of itself and of those it receives.
    pub(super) fn tell_qualities(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(receiver) = self.participants.get(&key).filter(|receiver| receiver.connection.is_some()) else {
            return;
        };
        let subjects: BTreeSet<ParticipantKey> =
            receiver.subscriptions.values().map(|subscription| subscription.publisher).chain([key]).collect();
        let mut updates = Vec::new();
        let mut told = Vec::new();
        for subject in subjects.iter().filter_map(|subject| self.participants.get(subject)) {
            let Some((grade, score)) = subject.worst_quality() else { continue };
            if receiver.qualities_told.get(&subject.key) == Some(&grade) {
                continue;
            }
            told.push((subject.key, grade));
            let (participant_sid, quality) = (subject.sid.clone(), grade as i32);
            updates.push(proto::ConnectionQualityInfo { participant_sid, quality, score });
        }
        if updates.is_empty() {
            return;
        }
        ctx.send(receiver, Message::ConnectionQuality(proto::ConnectionQualityUpdate { updates }));
        if let Some(receiver) = self.participants.get_mut(&key) {
            receiver.qualities_told.extend(told);
        }
    }

    /// `receiver` no longer receives `publisher`: if it was told that it speaks, that is over.
    pub(super) fn clear_speaker(&self, ctx: &mut Context<'_>, receiver: ParticipantKey, publisher: ParticipantKey) {
        let (Some(receiver), Some(publisher)) = (self.participants.get(&receiver), self.participants.get(&publisher))
        else {
            return;
        };
        if loudest(publisher) > 0.0 && !receives_from(receiver, publisher.key) {
            let speaker = proto::SpeakerInfo { sid: publisher.sid.clone(), level: 0.0, active: false };
            ctx.send(receiver, Message::SpeakersChanged(proto::SpeakersChanged { speakers: vec![speaker] }));
        }
    }
}

fn receives_from(receiver: &Participant, publisher: ParticipantKey) -> bool {
    receiver.subscriptions.values().any(|subscription| subscription.publisher == publisher)
}

fn loudest(participant: &Participant) -> f32 {
    participant.levels.values().copied().fold(0.0, f32::max)
}

/// Loss and delay to a grade and a score of 0..=5. "Lost" is never said: a client that is muted or paused sends nothing,
/// and livekit-client starts over when it is told that it is lost.
fn grade(quality: TransportQuality) -> (proto::ConnectionQuality, f32) {
    let loss = quality.loss_up.max(quality.loss_down);
    let delay_ms = quality.round_trip_ms.unwrap_or(0.0);
    let score = (5.0 - loss * 20.0 - (delay_ms - 150.0).max(0.0) / 250.0).clamp(1.0, 5.0);
    let grade = match score {
        score if score > 4.1 => proto::ConnectionQuality::Excellent,
        score if score > 3.0 => proto::ConnectionQuality::Good,
        _ => proto::ConnectionQuality::Poor,
    };
    (grade, score)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grades fall with loss and with delay, each alone.
    #[test]
    fn grades() {
        use proto::ConnectionQuality::{Excellent, Good, Poor};
        for (loss, delay_ms, expected) in [
            (0.0, 20.0, Excellent),
            (0.03, 20.0, Excellent),
            (0.06, 20.0, Good),
            (0.15, 20.0, Poor),
            (0.0, 500.0, Good),
            (0.0, 900.0, Poor),
        ] {
            let quality = TransportQuality { round_trip_ms: Some(delay_ms), loss_up: loss, loss_down: 0.0 };
            assert_eq!(grade(quality).0, expected, "loss {loss}, delay {delay_ms}");
        }
    }
}
