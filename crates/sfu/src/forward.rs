//! The decision per packet and subscriber: send with which numbers, drop, or ask for a keyframe. Pure.
//!
//! A subscriber sees one stream: sequence numbers without gaps of ours, timestamps that never run backwards, VP8
//! picture ids that count up, however often the source behind it changes layer, pauses or restarts. Packets that
//! were lost on the way to us leave their gap, so that a late retransmission still fits in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::Vp8Fields;

/// How many packets dropped on purpose are remembered, to place late packets before them. Older ones are dropped.
const DROPS_REMEMBERED: usize = 64;

/// How far the capture clock may disagree with arrival times at a switch before arrival is believed instead.
const CAPTURE_TRUST: Duration = Duration::from_millis(500);

/// What the decision needs to know of one received packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) ssrc: u32,
    /// Simulcast layer, lowest first.
    pub(crate) layer: u8,
    /// Extended sequence number of the source.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// Capture time on our clock by the sender's reports, if there were any.
    pub(crate) captured: Option<Instant>,
    pub(crate) arrived: Instant,
    pub(crate) starts_keyframe: bool,
    /// Padding only.
    pub(crate) empty: bool,
    pub(crate) vp8: Option<Vp8Fields>,
}

/// VP8 descriptor values to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Vp8Numbers {
    pub(crate) picture_id: Option<u16>,
    pub(crate) tl0_pic_idx: Option<u8>,
    pub(crate) key_idx: Option<u8>,
}

impl Vp8Numbers {
    /// Of the picture after this one, a keyframe on the base layer.
    fn next(self) -> Self {
        Self {
            picture_id: self.picture_id.map(|id| (id + 1) & 0x7fff),
            tl0_pic_idx: self.tl0_pic_idx.map(|index| index.wrapping_add(1)),
            key_idx: self.key_idx.map(|index| (index + 1) & 0x1f),
        }
    }
}

/// Numbers of a picture of our own making; of its packets, the first's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// When it would have been captured, if that is known of the picture before it.
    pub(crate) captured: Option<Instant>,
    pub(crate) vp8: Vp8Numbers,
}

/// What to do with a packet for one subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Send {
        sequence: u64,
        timestamp: u32,
        vp8: Option<Vp8Numbers>,
    },
    Drop,
    /// Dropped; the wanted layer can only begin at a keyframe, which must be asked for.
    NeedKeyframe,
}

/// State of one stream towards one subscriber.
#[derive(Debug)]
pub(crate) struct Forwarder {
    clock_rate: u32,
    needs_keyframe: bool,
    /// Layer to send; `None` = nothing.
    target: Option<u8>,
    max_temporal: u8,
    temporal: u8,
    binding: Option<Binding>,
    /// Kept over pauses: a source that goes on counting keeps its timestamp offset, and with it lip sync.
    last_offset: Option<(u32, u32)>,
    next_sequence: u64,
    last: Option<LastSent>,
    last_picture: Vp8Numbers,
}

#[derive(Debug, Clone, Copy)]
struct LastSent {
    timestamp: u32,
    captured: Option<Instant>,
    arrived: Instant,
}

/// The source that is being sent, and how its numbers map to ours.
#[derive(Debug)]
struct Binding {
    ssrc: u32,
    layer: u8,
    /// Packets before the one we began with are not ours to send.
    first: u64,
    /// One past the newest source sequence number seen.
    next: u64,
    /// Source timestamp of the picture that is being sent: a picture is sent whole or not at all.
    sending: Option<u32>,
    sequence_offset: u64,
    timestamp_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
    key_offset: u8,
    drops: Drops,
}

/// Source packets dropped on purpose: their numbers are given to the packets after them.
#[derive(Debug, Default)]
struct Drops {
    /// Sequence number, and how many pictures had been dropped up to and including it.
    recent: VecDeque<(u64, u16)>,
    total: u64,
    pictures: u16,
    /// Source timestamp of the newest dropped picture.
    picture: Option<u32>,
}

impl Drops {
    fn push(&mut self, sequence: u64, picture: Option<u32>) {
        self.total += 1;
        if picture.is_some() && picture != self.picture {
            self.pictures = self.pictures.wrapping_add(1);
            self.picture = picture;
        }
        if self.recent.len() == DROPS_REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((sequence, self.pictures));
    }

    /// How many packets and pictures were dropped before a source packet. `None`: too old to know, or dropped itself.
    fn before(&self, sequence: u64) -> Option<(u64, u16)> {
        let mut after = 0;
        for &(dropped, pictures) in self.recent.iter().rev() {
            if dropped == sequence {
                return None;
            }
            if dropped < sequence {
                return Some((self.total - after, pictures));
            }
            after += 1;
        }
        (after == self.total).then_some((0, 0))
    }
}

impl Forwarder {
    /// `first_sequence` must be below 65,536: SRTP receivers start with rollover counter 0 (RFC 3711 section 3.3.1).
    pub(crate) fn new(clock_rate: u32, needs_keyframe: bool, first_sequence: u16) -> Self {
        Self {
            clock_rate,
            needs_keyframe,
            target: None,
            max_temporal: u8::MAX,
            temporal: u8::MAX,
            binding: None,
            last_offset: None,
            next_sequence: u64::from(first_sequence),
            last: None,
            last_picture: Vp8Numbers::default(),
        }
    }

    /// Name the layer to send. The current one goes on until the new one has a keyframe; `None` stops at once.
    pub(crate) fn set_target(&mut self, target: Option<u8>) {
        self.target = target;
        if target.is_none() {
            self.unbind();
        }
    }

    /// Highest VP8 temporal layer to send.
    pub(crate) fn set_max_temporal(&mut self, max: Option<u8>) {
        self.max_temporal = max.unwrap_or(u8::MAX);
    }

    /// Layer that is being sent now.
    pub(crate) fn current(&self) -> Option<u8> {
        self.binding.as_ref().map(|binding| binding.layer)
    }

    /// Layer that shall be sent.
    pub(crate) fn target(&self) -> Option<u8> {
        self.target
    }

    pub(crate) fn has_sent(&self) -> bool {
        self.last.is_some()
    }

    /// What was sent last does not arrive: go on with a keyframe.
    pub(crate) fn begin_anew(&mut self) {
        self.unbind();
    }

    fn unbind(&mut self) {
        if let Some(binding) = self.binding.take() {
            self.last_offset = Some((binding.ssrc, binding.timestamp_offset));
        }
    }

    /// Numbers for a packet of our own making, `ticks` after the last one.
    pub(crate) fn insert(&mut self, now: Instant, ticks: u32) -> (u64, u32) {
        let timestamp = self.last.map_or(0, |last| last.timestamp.wrapping_add(ticks));
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.last = Some(LastSent { timestamp, captured: None, arrived: now });
        // The source's numbers no longer map the same way.
        self.unbind();
        (sequence, timestamp)
    }

    /// Numbers for a picture of our own making, which comes as long after the last one as it does on the clock.
    pub(crate) fn insert_picture(&mut self, now: Instant, packets: usize) -> Inserted {
        let last = self.last;
        let elapsed = last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last.arrived));
        let captured = last.and_then(|last| last.captured).map(|captured| captured + elapsed);
        let (sequence, timestamp) = self.insert(now, self.ticks(elapsed));
        self.next_sequence = sequence + packets as u64;
        self.last = Some(LastSent { timestamp, captured, arrived: now });
        self.last_picture = self.last_picture.next();
        Inserted { sequence, timestamp, captured, vp8: self.last_picture }
    }

    /// A picture must not share its timestamp with the one before it.
    fn ticks(&self, elapsed: Duration) -> u32 {
        ((elapsed.as_micros() * u128::from(self.clock_rate) / 1_000_000) as u32).max(1)
    }

    /// Decide about one packet.
    pub(crate) fn decide(&mut self, arrival: &Arrival) -> Decision {
        let Some(target) = self.target else {
            return Decision::Drop;
        };
        let bound = self.binding.as_ref().is_some_and(|b| b.ssrc == arrival.ssrc && b.layer == arrival.layer);
        if bound {
            return self.decide_bound(arrival);
        }
        if arrival.layer != target || arrival.empty {
            return Decision::Drop;
        }
        if self.needs_keyframe && !arrival.starts_keyframe {
            return Decision::NeedKeyframe;
        }
        self.bind(arrival);
        self.decide_bound(arrival)
    }

    fn decide_bound(&mut self, arrival: &Arrival) -> Decision {
        let Some(binding) = self.binding.as_mut() else {
            return Decision::Drop;
        };
        if arrival.sequence < binding.first {
            return Decision::Drop;
        }
        let in_order = arrival.sequence >= binding.next;
        let admitted = !arrival.empty && binding.admits(&mut self.temporal, self.max_temporal, arrival, in_order);
        if !admitted {
            if in_order {
                binding.next = arrival.sequence + 1;
                binding.drops.push(arrival.sequence, (!arrival.empty).then_some(arrival.timestamp));
            }
            return Decision::Drop;
        }
        let (dropped, pictures) = if in_order {
            binding.next = arrival.sequence + 1;
            binding.sending = Some(arrival.timestamp);
            (binding.drops.total, binding.drops.pictures)
        } else {
            match binding.drops.before(arrival.sequence) {
                Some(before) => before,
                None => return Decision::Drop,
            }
        };
        let sequence = arrival.sequence.wrapping_sub(binding.sequence_offset).wrapping_sub(dropped);
        let timestamp = arrival.timestamp.wrapping_sub(binding.timestamp_offset);
        let vp8 = arrival.vp8.map(|fields| binding.number_picture(&fields, pictures));
        // Not the same as in order: a late packet is the newest that was sent if those after it were dropped.
        if sequence >= self.next_sequence {
            self.next_sequence = sequence + 1;
            if let Some(numbers) = vp8 {
                self.last_picture = numbers;
            }
        }
        if self.last.is_none_or(|last| !is_before(timestamp, last.timestamp)) {
            self.last = Some(LastSent { timestamp, captured: arrival.captured, arrived: arrival.arrived });
        }
        Decision::Send { sequence, timestamp, vp8 }
    }

    /// Begin to send this packet's source.
    fn bind(&mut self, arrival: &Arrival) {
        self.unbind();
        self.temporal = self.max_temporal;
        let next = self.last_picture;
        let fields = arrival.vp8.unwrap_or_default();
        let started = self.last.is_some();
        let after = |last: Option<u16>, source: u16, modulus: u16| match last {
            Some(last) if started => source.wrapping_sub(last.wrapping_add(1)) & (modulus - 1),
            _ => 0,
        };
        self.binding = Some(Binding {
            ssrc: arrival.ssrc,
            layer: arrival.layer,
            first: arrival.sequence,
            next: arrival.sequence,
            sending: None,
            sequence_offset: arrival.sequence.wrapping_sub(self.next_sequence),
            timestamp_offset: arrival.timestamp.wrapping_sub(self.aligned_timestamp(arrival)),
            picture_offset: after(next.picture_id, fields.picture_id.map_or(0, |(id, _)| id), 0x8000),
            tl0_offset: after(next.tl0_pic_idx.map(u16::from), u16::from(fields.tl0_pic_idx.unwrap_or(0)), 0x100) as u8,
            key_offset: after(next.key_idx.map(u16::from), u16::from(fields.key_idx.unwrap_or(0)), 0x20) as u8,
            drops: Drops::default(),
        });
    }

    /// The timestamp that the first packet of a new source gets.
    fn aligned_timestamp(&self, arrival: &Arrival) -> u32 {
        let Some(last) = self.last else {
            return arrival.timestamp;
        };
        if let Some((ssrc, offset)) = self.last_offset
            && ssrc == arrival.ssrc
        {
            let same = arrival.timestamp.wrapping_sub(offset);
            if is_before(last.timestamp, same) {
                return same;
            }
        }
        let by_arrival = arrival.arrived.saturating_duration_since(last.arrived);
        let elapsed = match (arrival.captured, last.captured) {
            (Some(now), Some(then)) => {
                let by_capture = now.saturating_duration_since(then);
                if by_capture.abs_diff(by_arrival) <= CAPTURE_TRUST { by_capture } else { by_arrival }
            }
            _ => by_arrival,
        };
        last.timestamp.wrapping_add(self.ticks(elapsed))
    }
}

impl Binding {
    /// Whether a packet's temporal layer is sent. Going up waits for a frame that depends on the base layer only.
    fn admits(&self, current: &mut u8, max: u8, arrival: &Arrival, in_order: bool) -> bool {
        let Some(fields) = arrival.vp8 else {
            return true;
        };
        if !in_order {
            return fields.temporal <= *current;
        }
        if self.sending == Some(arrival.timestamp) {
            return true;
        }
        if self.drops.picture == Some(arrival.timestamp) {
            return false;
        }
        *current = max.min(*current);
        if fields.temporal > *current && fields.temporal <= max && fields.layer_sync {
            *current = fields.temporal;
        }
        fields.temporal <= *current
    }

    fn number_picture(&self, fields: &Vp8Fields, dropped: u16) -> Vp8Numbers {
        Vp8Numbers {
            picture_id: fields.picture_id.map(|(id, wide)| {
                let mask = if wide { 0x7fff } else { 0x7f };
                id.wrapping_sub(self.picture_offset).wrapping_sub(dropped) & mask
            }),
            tl0_pic_idx: fields.tl0_pic_idx.map(|index| index.wrapping_sub(self.tl0_offset)),
            key_idx: fields.key_idx.map(|index| index.wrapping_sub(self.key_offset) & 0x1f),
        }
    }
}

/// Whether RTP timestamp `a` lies before `b`, modulo 2^32.
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests;
