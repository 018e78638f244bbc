//! Data packets between participants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{Bucket, Rate};
use livekit_protocol as proto;
use prost::Message as _;

use super::{Context, Room};
use crate::data_packet::{self, Stamped};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{Channel, MediaCommand};

/// How long reliable packets are kept for those who reconnect, and how many bytes of them per room, with what is noted
/// about each. Receivers know a repeated packet for 30 s only.
const RECENT_TIME: Duration = Duration::from_secs(10);
const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How much later than that they are thrown away if nothing else happens, so that it is done for many at once.
const RECENT_SWEEP: Duration = Duration::from_secs(5);
/// How much more than in a second a participant may send at once.
const BURST_SECONDS: f64 = 4.0;
/// Bytes of one packet at most: what the data channels take.
const PACKET_BYTES_MAX: usize = 65_535;

/// A reliable packet, kept for replay.
#[derive(Debug)]
struct Recent {
    at: Instant,
    sender_sid: Arc<str>,
    sequence: u32,
    payload: Arc<[u8]>,
    receivers: Vec<ParticipantKey>,
}

impl Recent {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.sender_sid.len() + self.payload.len() + size_of_val(self.receivers.as_slice())
    }
}

/// The reliable packets of the last seconds, the latest last.
#[derive(Debug, Default)]
pub(super) struct RecentPackets {
    packets: VecDeque<Recent>,
    bytes: usize,
}

impl RecentPackets {
    fn remember(&mut self, packet: Recent) {
        self.forget(packet.at);
        self.bytes += packet.bytes();
        self.packets.push_back(packet);
        while self.bytes > RECENT_BYTES_MAX {
            self.drop_oldest();
        }
    }

    /// Throws away what is too old to be replayed.
    pub(super) fn forget(&mut self, now: Instant) {
        while self.packets.front().is_some_and(|oldest| now.saturating_duration_since(oldest.at) > RECENT_TIME) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.packets.pop_front() {
            self.bytes -= oldest.bytes();
        }
    }

    /// When [`RecentPackets::forget`] has something to do, at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.packets.front().map(|oldest| oldest.at + RECENT_TIME + RECENT_SWEEP)
    }
}

impl Room {
    /// A packet from a client.
    pub(crate) fn client_data(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, channel: Channel, payload: &[u8]) {
        let Some(sender) = self.participants.get_mut(&key) else {
            return;
        };
        if !sender.permission.can_publish_data || channel == Channel::DataTrack || payload.len() > PACKET_BYTES_MAX {
            return;
        }
        if !within_pace(ctx, sender, payload.len()) {
            if !std::mem::replace(&mut sender.data.warned, true) {
                tracing::warn!(participant = %sender.sid, "sends more data packets than allowed; some are dropped");
            }
            return;
        }
        let (sid, identity) = if sender.hidden() { ("", "") } else { (sender.sid.as_str(), sender.identity.as_str()) };
        let Ok(stamped) = data_packet::stamp(payload, sid, identity, channel == Channel::Lossy) else {
            return;
        };
        if channel == Channel::Reliable && stamped.sequence != 0 {
            if stamped.sequence <= sender.data.last_sequence {
                // Replayed after a resume; it was delivered already.
                return;
            }
            sender.data.last_sequence = stamped.sequence;
        }
        let is_agent = sender.kind == proto::participant_info::Kind::Agent as i32;
        if stamped.is_transcription && !is_agent {
            return;
        }
        self.route(ctx, Some(key), channel, stamped);
    }

    /// A packet of the `SendData` call; it has no sender.
    pub(super) fn server_data(&mut self, ctx: &mut Context<'_>, request: proto::SendDataRequest) {
        let lossy = request.kind == proto::data_packet::Kind::Lossy as i32;
        let user = proto::UserPacket {
            payload: request.data,
            topic: request.topic,
            nonce: request.nonce,
            ..proto::UserPacket::default()
        };
        let mut packet = proto::DataPacket {
            destination_identities: request.destination_identities.clone(),
            value: Some(proto::data_packet::Value::User(user)),
            ..proto::DataPacket::default()
        };
        #[expect(deprecated, reason = "older clients read the kind here")]
        {
            packet.kind = request.kind;
        }
        #[expect(deprecated, reason = "older server SDKs name receivers by sid")]
        let sids = request.destination_sids;
        let stamped = Stamped {
            bytes: packet.encode_to_vec(),
            destination_identities: request.destination_identities,
            destination_sids: sids,
            ..Stamped::default()
        };
        self.route(ctx, None, if lossy { Channel::Lossy } else { Channel::Reliable }, stamped);
    }

    fn route(&mut self, ctx: &mut Context<'_>, sender: Option<ParticipantKey>, channel: Channel, packet: Stamped) {
        let everybody = packet.destination_identities.is_empty() && packet.destination_sids.is_empty();
        let named = |participant: &Participant| {
            packet.destination_identities.contains(&participant.identity)
                || packet.destination_sids.contains(&participant.sid)
        };
        let receivers = self.participants.values_mut().filter(|participant| {
            let wanted = if packet.is_metrics {
                participant.permission.can_subscribe_metrics
            } else {
                everybody || named(participant)
            };
            Some(participant.key) != sender && wanted
        });
        let payload: Arc<[u8]> = packet.bytes.into();
        let mut keys = Vec::new();
        for receiver in receivers {
            keys.push(receiver.key);
            let Some(peer) = receiver.primary_peer() else {
                continue;
            };
            if receiver.data.is_open(channel) {
                ctx.media(MediaCommand::SendData { peer, channel, payload: Arc::clone(&payload) });
            } else if channel == Channel::Reliable {
                receiver.data.wait(Arc::clone(&payload));
            }
        }
        if let (Some(sender), Channel::Reliable, true) = (sender, channel, packet.sequence > 0) {
            let sender_sid = self.participants.get(&sender).map_or("", |sender| sender.sid.as_str()).into();
            self.recent.remember(Recent {
                at: ctx.now,
                sender_sid,
                sequence: packet.sequence,
                payload,
                receivers: keys,
            });
        }
    }

    pub(crate) fn channel_open(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, channel: Channel) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        match channel {
            Channel::Reliable => participant.data.reliable_open = true,
            Channel::Lossy => participant.data.lossy_open = true,
            Channel::DataTrack => return,
        }
        let (Some(peer), Channel::Reliable) = (participant.primary_peer(), channel) else {
            return;
        };
        participant.data.waiting_bytes = 0;
        for payload in std::mem::take(&mut participant.data.waiting) {
            ctx.media(MediaCommand::SendData { peer, channel, payload });
        }
    }

    /// Sends again what a resumed client has not received, by the last sequence it has of each sender.
    pub(super) fn replay_data(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        states: &[proto::DataChannelReceiveState],
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let Some(peer) = participant.primary_peer() else {
            return;
        };
        self.recent.forget(ctx.now);
        for packet in &self.recent.packets {
            let last = states.iter().find(|state| *state.publisher_sid == *packet.sender_sid);
            let last = last.map_or(0, |state| state.last_seq);
            if packet.receivers.contains(&key) && packet.sequence > last {
                let payload = Arc::clone(&packet.payload);
                ctx.media(MediaCommand::SendData { peer, channel: Channel::Reliable, payload });
            }
        }
    }
}

/// Whether `sender` may send another packet of `bytes` now.
fn within_pace(ctx: &Context<'_>, sender: &mut Participant, bytes: usize) -> bool {
    let limits = &ctx.config.limits;
    let rate = |per_second: u32| Rate { burst: f64::from(per_second) * BURST_SECONDS, per_second: per_second.into() };
    let (packet_rate, byte_rate) = (rate(limits.data_packets_per_second), rate(limits.data_bytes_per_second));
    let (packets, volume) =
        sender.data.pace.get_or_insert_with(|| (Bucket::new(ctx.now, packet_rate), Bucket::new(ctx.now, byte_rate)));
    let allowed = packets.has(ctx.now, packet_rate, 1.0) && volume.has(ctx.now, byte_rate, bytes as f64);
    if allowed {
        packets.take(1.0);
        volume.take(bytes as f64);
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept for replay is bounded by all it takes, not by payloads alone, and by age.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn recent_packets_are_bounded() {
        let start = Instant::now();
        let packet = |at: Instant| Recent {
            at,
            sender_sid: "PA_1".into(),
            sequence: 1,
            payload: Arc::from([7u8; 2].as_slice()),
            receivers: vec![ParticipantKey(1); 500],
        };
        let mut recent = RecentPackets::default();
        for _ in 0..10_000 {
            recent.remember(packet(start));
        }
        assert!(recent.packets.len() * 4_000 <= RECENT_BYTES_MAX, "{} packets", recent.packets.len());
        assert!(recent.packets.len() * 5_000 > RECENT_BYTES_MAX, "{} packets", recent.packets.len());
        recent.remember(packet(start + RECENT_TIME));
        recent.forget(start + RECENT_TIME + Duration::from_millis(1));
        assert_eq!((recent.packets.len(), recent.bytes), (1, packet(start).bytes()));
        assert_eq!(recent.due(), Some(start + RECENT_TIME * 2 + RECENT_SWEEP));
        recent.forget(start + RECENT_TIME * 2 + RECENT_SWEEP);
        assert_eq!((recent.packets.len(), recent.bytes, recent.due()), (0, 0, None));
    }
}
