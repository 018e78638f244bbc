//! One published track: its layers, and the streams made of it towards subscribers.

use std::time::{Duration, Instant};

use str0m::media::Mid;
use str0m::rtp::Ssrc;

use crate::allocate::{Level, Rates, TEMPORAL};
use crate::api::{DownSettings, MediaKind, PeerId, TrackId};
use crate::blank::BLANKS;
use crate::forward::{Arrival, Forwarder};
use crate::levels::AudioLevel;
use crate::peer::Format;
use crate::red::{History, RedTypes};
use crate::sender::{Sender, Ssrcs};

/// Layers of a track at most.
pub(crate) const LAYERS: usize = 4;

/// Between two keyframe requests for one layer. What is asked for in between is asked for afterwards, once.
pub(crate) const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// A layer of several that sends nothing for this long, while the others send this many packets, has stopped. A shared
/// screen that stands still sends little on all of them.
const LAYER_STOPPED: Duration = Duration::from_millis(1000);
const LAYER_STOPPED_PACKETS: u64 = 30;
/// After such a pause of all layers, those that come back count, whatever there was before. Longer than the second between
/// the pictures of a screen that stands still.
const PAUSED: Duration = Duration::from_millis(2500);

/// Bitrates are measured over this long.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// What layers are taken to bring until they are measured, and a picture that comes in one size only.
const USUAL_RATES: [u64; LAYERS] = [150_000, 500_000, 1_700_000, 1_700_000];
const USUAL_RATE: u64 = 500_000;

/// Audio streams that never got a packet are given silence this long after they were bound, so that a receiver that
/// announces a track at its first packet does so.
const SILENCE_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(300), Duration::from_millis(1000), Duration::from_millis(3000)];

/// One encoding of a track.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) ssrc: Option<Ssrc>,
    last_packet: Option<Instant>,
    /// What the track's packet count was at the last packet.
    last_count: u64,
    active: bool,
    last_request: Option<Instant>,
    requested: bool,
    rate: Rate,
}

/// What a layer brings, by temporal layer.
#[derive(Debug, Default)]
struct Rate {
    since: Option<Instant>,
    bytes: [u64; TEMPORAL],
    /// Bits per second up to each temporal layer; zeros until measured.
    bits: [u64; TEMPORAL],
}

impl Rate {
    fn saw(&mut self, now: Instant, temporal: u8, bytes: usize) {
        let elapsed = now.saturating_duration_since(*self.since.get_or_insert(now));
        let first = self.bits[TEMPORAL - 1] == 0;
        if elapsed >= if first { RATE_WINDOW / 2 } else { RATE_WINDOW } {
            let mut sum = 0;
            for (bits, bytes) in self.bits.iter_mut().zip(std::mem::take(&mut self.bytes)) {
                sum += bytes;
                let measured = (sum as f64 * 8.0 / elapsed.as_secs_f64()) as u64;
                *bits = if first { measured } else { (*bits + measured) / 2 };
            }
            self.since = Some(now);
        }
        self.bytes[usize::from(temporal).min(TEMPORAL - 1)] += bytes as u64;
    }
}

/// One published track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) kind: MediaKind,
    /// Who sends it, and on which section.
    pub(crate) publisher: Option<(usize, Mid)>,
    /// Names of the layers, lowest quality first; empty until known.
    rids: Vec<String>,
    pub(crate) layers: Vec<Layer>,
    packets: u64,
    pub(crate) muted: bool,
    /// A shared screen.
    pub(crate) screen: bool,
    /// What comes goes to other SFUs too.
    pub(crate) relayed: bool,
    /// What comes is from another SFU.
    pub(crate) remote: bool,
    /// End to end: receivers could not read what we add.
    pub(crate) encrypted: bool,
    pub(crate) downs: Vec<Down>,
    pub(crate) level: AudioLevel,
    /// Once redundant audio came: the frames that went out.
    pub(crate) red: Option<Box<History>>,
    /// Bits that it may bring now, as of then.
    allowance: Option<(f64, Instant)>,
}

/// A payload type, and that of what is sent again.
pub(crate) type PayloadType = (u8, Option<u8>);

/// A track towards one subscriber.
#[derive(Debug)]
pub(crate) struct Down {
    pub(crate) peer: usize,
    pub(crate) peer_id: PeerId,
    pub(crate) mid: Mid,
    pub(crate) sender: Sender,
    pub(crate) forwarder: Forwarder,
    pub(crate) settings: DownSettings,
    /// How much of it the subscriber's line carries; `None` = nothing.
    pub(crate) allowed: Option<Level>,
    /// The subscriber's DTLS is up.
    pub(crate) live: bool,
    /// Payload type for the format seen last; `None` inside: the subscriber cannot take it.
    pub(crate) payload_type: Option<(Format, Option<PayloadType>)>,
    /// Redundant audio is sent as it comes.
    pub(crate) red: Option<RedTypes>,
    /// The caller was told that the subscriber cannot take it.
    pub(crate) refusal_told: bool,
    pub(crate) bound_at: Instant,
    pub(crate) silences: usize,
    /// So many black pictures are still to be sent.
    pub(crate) blanks: u8,
}

impl Track {
    pub(crate) fn new(id: TrackId, kind: MediaKind) -> Self {
        Self {
            id,
            kind,
            publisher: None,
            rids: Vec::new(),
            layers: Vec::new(),
            packets: 0,
            muted: false,
            screen: false,
            relayed: false,
            remote: false,
            encrypted: false,
            downs: Vec::new(),
            level: AudioLevel::new(),
            red: None,
            allowance: None,
        }
    }

    /// Name the layers, lowest first. Sources must be looked up again afterwards.
    pub(crate) fn set_rids(&mut self, rids: &[String]) {
        if self.rids == rids {
            return;
        }
        self.rids = rids.iter().take(LAYERS).cloned().collect();
        self.forget_sources();
    }

    /// The publisher's sources are to be discovered anew.
    pub(crate) fn forget_sources(&mut self) {
        self.layers.clear();
        self.retarget();
    }

    /// Index of the layer with this rid.
    pub(crate) fn layer_of(&self, rid: Option<&str>) -> u8 {
        let Some(rid) = rid else {
            return 0;
        };
        let named = self.rids.iter().position(|name| name == rid);
        let usual = match rid {
            "h" | "1" => 1,
            "f" | "0" => 2,
            _ => 0,
        };
        named.unwrap_or(usual) as u8
    }

    /// Whether a packet with so many bytes of payload may still come, at `bits_per_second` and a second's worth at once.
    pub(crate) fn admits(&mut self, now: Instant, bytes: usize, bits_per_second: u32) -> bool {
        let (rate, bits) = (f64::from(bits_per_second), bytes as f64 * 8.0);
        let (left, then) = self.allowance.unwrap_or((rate, now));
        let left = (left + now.saturating_duration_since(then).as_secs_f64() * rate).min(rate);
        let admitted = left >= bits;
        self.allowance = Some((if admitted { left - bits } else { left }, now));
        admitted
    }

    /// Notes a frame of redundant audio. False: it went out before, restored from another packet; its number must not be
    /// used again.
    pub(crate) fn is_first(&mut self, arrival: &Arrival) -> bool {
        let Some(history) = &mut self.red else {
            return true;
        };
        history.note(arrival.ssrc, arrival.sequence, arrival.timestamp)
    }

    /// The number of a lost frame that `arrival` repeats ([`History::missing`]).
    pub(crate) fn lost(&self, arrival: &Arrival, back: u64, timestamp: u32) -> Option<u64> {
        self.red.as_ref()?.missing(arrival.ssrc, arrival.sequence, back, timestamp)
    }

    /// Note a packet of a layer. True if the set of active layers changed.
    pub(crate) fn saw_packet(&mut self, layer: u8, temporal: u8, bytes: usize, ssrc: Ssrc, now: Instant) -> bool {
        self.packets += 1;
        let silent = |layer: &Layer| layer.last_packet.is_none_or(|last| now.saturating_duration_since(last) > PAUSED);
        if self.layers.iter().all(silent) {
            self.layers.iter_mut().for_each(|layer| layer.active = false);
        }
        let index = usize::from(layer);
        while self.layers.len() <= index && index < LAYERS {
            self.layers.push(Layer::default());
        }
        let Some(layer) = self.layers.get_mut(index) else {
            return false;
        };
        layer.ssrc = Some(ssrc);
        layer.last_packet = Some(now);
        layer.last_count = self.packets;
        if self.kind == MediaKind::Video {
            layer.rate.saw(now, temporal, bytes);
        }
        !std::mem::replace(&mut layer.active, true)
    }

    /// Notice layers that stopped. True if there were any; then targets were set again.
    pub(crate) fn sweep(&mut self, now: Instant) -> bool {
        if self.layers.len() < 2 {
            return false;
        }
        let mut changed = false;
        for layer in &mut self.layers {
            let silent = layer.last_packet.is_none_or(|last| now.saturating_duration_since(last) > LAYER_STOPPED);
            let stopped = silent && self.packets - layer.last_count >= LAYER_STOPPED_PACKETS;
            if layer.active && stopped {
                layer.active = false;
                changed = true;
            }
        }
        // All stopped: the publisher pauses, and each subscriber waits for the layer it had.
        if changed && self.layers.iter().any(|layer| layer.active) {
            self.retarget();
            return true;
        }
        false
    }

    /// Whoever is shown this track is owed a black picture once it is muted.
    pub(crate) fn plan_blanks(&mut self) {
        let blanks = if self.muted && self.kind == MediaKind::Video && !self.encrypted { BLANKS } else { 0 };
        for down in &mut self.downs {
            down.blanks = if down.forwarder.current().is_some() { blanks } else { 0 };
        }
    }

    /// Choose each subscriber's layer again.
    pub(crate) fn retarget(&mut self) {
        let mut active = 0u8;
        for (index, _) in self.layers.iter().enumerate().filter(|(_, layer)| layer.active) {
            active |= 1 << index;
        }
        for down in &mut self.downs {
            let settings = down.limited_settings();
            let target = choose_layer(active, &settings, self.muted);
            down.forwarder.set_max_temporal(settings.max_temporal);
            if down.forwarder.target() != target {
                down.forwarder.set_target(target);
            }
        }
    }

    /// Ask for a keyframe of a layer. The SSRC to ask, unless one was asked for a moment ago: then it is remembered.
    pub(crate) fn request_keyframe(&mut self, layer: u8, now: Instant) -> Option<Ssrc> {
        if self.kind != MediaKind::Video || self.muted {
            return None;
        }
        let layer = self.layers.get_mut(usize::from(layer))?;
        let throttled = layer.last_request.is_some_and(|last| now.saturating_duration_since(last) < KEYFRAME_INTERVAL);
        layer.requested = throttled;
        if throttled {
            return None;
        }
        layer.last_request = Some(now);
        layer.ssrc
    }

    /// A keyframe of this layer came: what was remembered is fulfilled.
    pub(crate) fn keyframe_came(&mut self, layer: u8) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer)) {
            layer.requested = false;
        }
    }

    /// A layer whose remembered request may be sent now.
    pub(crate) fn overdue_keyframe(&mut self, now: Instant) -> Option<Ssrc> {
        let index = self.layers.iter().position(|layer| {
            layer.requested
                && layer.last_request.is_none_or(|last| now.saturating_duration_since(last) >= KEYFRAME_INTERVAL)
        })?;
        self.request_keyframe(index as u8, now)
    }

    pub(crate) fn active_layers(&self) -> usize {
        self.layers.iter().rposition(|layer| layer.active).map_or(0, |top| top + 1)
    }

    /// Bits per second of what is sent to us.
    pub(crate) fn rates(&self) -> Rates {
        let mut rates = Rates::default();
        let alone = self.layers.len() < 2;
        for (index, layer) in self.layers.iter().enumerate().filter(|(_, layer)| layer.active) {
            let usual = if alone { USUAL_RATE } else { USUAL_RATES[index] };
            rates[index] = if layer.rate.bits[TEMPORAL - 1] > 0 { layer.rate.bits } else { [usual; TEMPORAL] };
        }
        rates
    }

    pub(crate) fn down_of(&mut self, peer: usize) -> Option<&mut Down> {
        self.downs.iter_mut().find(|down| down.peer == peer)
    }
}

impl Down {
    pub(crate) fn new(peer: usize, peer_id: PeerId, mid: Mid, ssrcs: Ssrcs, kind: MediaKind, now: Instant) -> Self {
        let video = kind == MediaKind::Video;
        let clock_rate = if video { 90_000 } else { 48_000 };
        // Any number below 2^15 leaves half the space before the first rollover.
        let first_sequence = (ssrcs.media & 0x7fff) as u16;
        Self {
            peer,
            peer_id,
            mid,
            sender: Sender::new(ssrcs, mid, clock_rate),
            forwarder: Forwarder::new(clock_rate, video, first_sequence),
            settings: DownSettings::default(),
            allowed: Some(Level::TOP),
            live: false,
            payload_type: None,
            red: None,
            refusal_told: false,
            bound_at: now,
            silences: 0,
            blanks: 0,
        }
    }

    /// The wish, as far as the line carries it.
    fn limited_settings(&self) -> DownSettings {
        let Some(allowed) = self.allowed else {
            return DownSettings { paused: true, ..self.settings };
        };
        let least = |wish: Option<u8>, allowed: u8, top: u8| {
            if allowed < top { Some(wish.map_or(allowed, |wish| wish.min(allowed))) } else { wish }
        };
        DownSettings {
            max_layer: least(self.settings.max_layer, allowed.layer, Level::TOP.layer),
            max_temporal: least(self.settings.max_temporal, allowed.temporal, Level::TOP.temporal),
            ..self.settings
        }
    }

    /// Whether a silence packet is due: nothing came from the publisher since the stream was bound.
    pub(crate) fn wants_silence(&mut self, now: Instant) -> bool {
        if !self.live || self.silences >= SILENCE_AFTER.len() {
            return false;
        }
        if self.forwarder.current().is_some() || (self.forwarder.has_sent() && self.silences == 0) {
            self.silences = SILENCE_AFTER.len();
            return false;
        }
        if now.saturating_duration_since(self.bound_at) < SILENCE_AFTER[self.silences] {
            return false;
        }
        self.silences += 1;
        true
    }
}

/// The best active layer within the subscriber's wish; if all are above it, the lowest active one.
pub(crate) fn choose_layer(active: u8, settings: &DownSettings, muted: bool) -> Option<u8> {
    if settings.paused || muted {
        return None;
    }
    if active == 0 {
        return Some(settings.max_layer.unwrap_or(0).min(LAYERS as u8 - 1));
    }
    let wanted = settings.max_layer.unwrap_or(7).min(7);
    let within = active & (u8::MAX >> (7 - wanted));
    Some(if within != 0 { 7 - within.leading_zeros() as u8 } else { active.trailing_zeros() as u8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_active_layer_within_the_wish_is_chosen() {
        let wish = |max_layer| DownSettings { max_layer, ..Default::default() };
        let cases = [
            (0b111, None, Some(2)),
            (0b011, None, Some(1)),
            (0b111, Some(1), Some(1)),
            (0b111, Some(0), Some(0)),
            (0b100, Some(0), Some(2)),
            (0b101, Some(1), Some(0)),
            (0b001, Some(2), Some(0)),
            (0b111, Some(200), Some(2)),
        ];
        for (active, max, expected) in cases {
            assert_eq!(choose_layer(active, &wish(max), false), expected, "{active:b} {max:?}");
        }
        assert_eq!(choose_layer(0b111, &wish(None), true), None);
        assert_eq!(choose_layer(0b111, &DownSettings { paused: true, ..Default::default() }, false), None);
    }

    #[test]
    fn keyframe_requests_are_spaced_and_not_lost() {
        let start = testkit::origin();
        let mut track = Track::new(TrackId(1), MediaKind::Video);
        track.saw_packet(0, 0, 100, 7.into(), start);
        assert_eq!(track.request_keyframe(0, start), Some(7.into()));
        assert_eq!(track.request_keyframe(0, start + KEYFRAME_INTERVAL / 2), None);
        assert_eq!(track.overdue_keyframe(start + KEYFRAME_INTERVAL / 2), None);
        assert_eq!(track.overdue_keyframe(start + KEYFRAME_INTERVAL), Some(7.into()));
        assert_eq!(track.overdue_keyframe(start + KEYFRAME_INTERVAL * 3), None);
        assert_eq!(track.request_keyframe(3, start), None, "unknown layer");
    }
}
