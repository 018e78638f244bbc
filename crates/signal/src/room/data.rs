//! Data packets between participants.

use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use prost::Message as _;

use super::{Context, Room};
use crate::data_packet::{self, Stamped};
use crate::participant::{Participant, ParticipantKey};
use crate::seam::{Channel, MediaCommand};

/// How long reliable packets are kept for those who reconnect, and how many bytes of them per room.
const RECENT_TIME: Duration = Duration::from_secs(10);
const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one packet at most: what the data channels take.
const PACKET_BYTES_MAX: usize = 65_535;

/// A reliable packet, kept for replay.
#[derive(Debug)]
pub(super) struct Recent {
    at: Instant,
    sender_sid: String,
    sequence: u32,
    payload: Arc<[u8]>,
    receivers: Vec<ParticipantKey>,
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
            let Some(peer) = receiver.data_peer() else {
                continue;
            };
            if receiver.data.is_open(channel) {
                ctx.media(MediaCommand::SendData { peer, channel, payload: Arc::clone(&payload) });
            } else if channel == Channel::Reliable {
                receiver.data.wait(Arc::clone(&payload));
            }
        }
        if let (Some(sender), Channel::Reliable, true) = (sender, channel, packet.sequence > 0) {
            let sender_sid = self.participants.get(&sender).map(|sender| sender.sid.clone()).unwrap_or_default();
            self.remember(
                ctx.now,
                Recent { at: ctx.now, sender_sid, sequence: packet.sequence, payload, receivers: keys },
            );
        }
    }

    fn remember(&mut self, now: Instant, packet: Recent) {
        self.recent_bytes += packet.payload.len();
        self.recent.push_back(packet);
        while let Some(oldest) = self.recent.front() {
            if self.recent_bytes <= RECENT_BYTES_MAX && now.duration_since(oldest.at) <= RECENT_TIME {
                break;
            }
            self.recent_bytes -= oldest.payload.len();
            self.recent.pop_front();
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
        let (Some(peer), Channel::Reliable) = (participant.data_peer(), channel) else {
            return;
        };
        participant.data.waiting_bytes = 0;
        for payload in std::mem::take(&mut participant.data.waiting) {
            ctx.media(MediaCommand::SendData { peer, channel, payload });
        }
    }

    /// Sends again what a resumed client has not received, by the last sequence it has of each sender.
    pub(super) fn replay_data(
        &self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        states: &[proto::DataChannelReceiveState],
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let Some(peer) = participant.data_peer() else {
            return;
        };
        for packet in &self.recent {
            let last =
                states.iter().find(|state| state.publisher_sid == packet.sender_sid).map_or(0, |state| state.last_seq);
            if packet.receivers.contains(&key) && packet.sequence > last {
                let payload = Arc::clone(&packet.payload);
                ctx.media(MediaCommand::SendData { peer, channel: Channel::Reliable, payload });
            }
        }
    }
}
