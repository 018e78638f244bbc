//! A track whose subscribers are on several SFUs: its packets go from the publisher's SFU to the others, and what they ask
//! for comes back. Each SFU chooses layers, numbers and paces for its own subscribers, as if the publisher were its own.

use std::sync::Arc;
use std::time::Instant;

use str0m::rtp::Ssrc;

use crate::api::TrackId;
use crate::extensions::Forwarded;
use crate::forward::Arrival;
use crate::peer::Source;
use crate::sfu::Sfu;

/// A packet of a source, as much of it as its subscribers get. Copies share the payload.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) arrival: Arrival,
    pub(crate) marker: bool,
    pub(crate) extensions: Forwarded,
    pub(crate) payload: Arc<[u8]>,
}

/// A packet on its way to another SFU.
#[derive(Debug, Clone)]
pub struct HopPacket {
    pub(crate) track: TrackId,
    pub(crate) source: Source,
    pub(crate) incoming: Incoming,
}

impl HopPacket {
    /// The track that it belongs to.
    pub fn track(&self) -> TrackId {
        self.track
    }
}

/// What one SFU has for others.
#[derive(Debug, Clone)]
pub enum Hop {
    /// For every SFU that has subscribers of the track. It may be lost: they see a gap, as of a packet lost on the network.
    Packet(HopPacket),
    /// For the SFU of the track's publisher: subscribers wait for a keyframe of this layer.
    Keyframe { track: TrackId, layer: u8 },
}

impl Sfu {
    /// Hand what comes for a track that is published here to other SFUs too, or no longer. Track ids mean the same on all of
    /// them; layers, mute and the end of the track are told to each.
    pub fn set_relayed(&mut self, track: TrackId, relayed: bool) {
        if let Some(track) = self.track_mut(track) {
            track.relayed = relayed;
        }
    }

    /// The next thing for another SFU; `None` when there is nothing. Drain it as the outputs.
    pub fn poll_hop(&mut self) -> Option<Hop> {
        self.hops.pop_front()
    }

    /// What another SFU has handed over. [`Sfu::flush`] afterwards. A packet of a track that nobody gets here is dropped.
    pub fn receive_hop(&mut self, now: Instant, hop: Hop) {
        match hop {
            Hop::Packet(HopPacket { track, source, incoming }) => {
                let Some(index) = self.track_index(track) else { return };
                let Some(track) = self.tracks.get_mut(index).filter(|track| track.publisher.is_none()) else { return };
                track.remote = true;
                self.spread(now, &Source { track: index, ..source }, &incoming);
            }
            Hop::Keyframe { track, layer } => {
                self.counters.keyframes_wanted += 1;
                let Some(index) = self.track_index(track) else { return };
                if let Some(ssrc) = self.tracks.get_mut(index).and_then(|track| track.request_keyframe(layer, now)) {
                    self.ask_publisher(index, ssrc);
                }
            }
        }
    }

    /// Asks the SFU of the publisher for a keyframe. Each SFU spaces its requests, and so does that of the publisher with all
    /// of them together.
    pub(crate) fn ask_elsewhere(&mut self, track: usize, ssrc: Ssrc) {
        let Some(track) = self.tracks.get(track).filter(|track| track.remote) else { return };
        if let Some(layer) = track.layers.iter().position(|layer| layer.ssrc == Some(ssrc)) {
            self.counters.keyframes_asked += 1;
            self.hops.push_back(Hop::Keyframe { track: track.id, layer: layer as u8 });
        }
    }
}
