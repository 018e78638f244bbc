//! A short burst that finds out whether the way carries more than was thought.

use crate::history::{Fate, Sent};

/// How long a probe lasts: usually, where packets are lost by chance and it takes more of them to tell, and where a policer lets
/// much pass before it says no. Microseconds.
const TIME: u64 = 160_000;
const LOSSY_TIME: u64 = 240_000;
const POLICED_TIME: u64 = 500_000;
/// Loss from which on it is lossy.
const LOSSY: f32 = 0.03;
/// After so long nothing more is heard of it. Microseconds.
const PATIENCE: u64 = 3_000_000;
/// Padding leaves in packets of so much time (microseconds), as far as such packets are neither too small nor too large; and
/// not more often than in the second of these times.
const PACKET_TIME: u64 = 13_000;
const SMALLEST: u64 = 250;
const LARGEST: u64 = 1_000;
const STEP: u64 = 5_000;
/// The fewest packets that say something, and the fewest of its end alone.
const FEWEST: u32 = 6;
const SAYING: u32 = 10;
/// Where packets wait so long at the end (microseconds), losses count: a short queue may have overflown.
const FULL: u64 = 15_000;
/// What comes through of what is sent where there is room; so much may be lost more than usual by chance.
const CLEAR: f32 = 0.9;
const CHANCE: f32 = 0.1;

/// What a probe found out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Finding {
    /// Bits a second that came through; `full`: more was sent.
    Carries { rate: f32, full: bool },
    /// Too little was sent, or came back.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Probe {
    /// Bits a second, pictures included.
    rate: u64,
    started: u64,
    time: u64,
    /// Numbers of its first packet, and of the first one after it, once it has ended.
    first: u64,
    policed: bool,
    end: Option<u64>,
    bytes: u64,
    /// What was told of its beginning, its middle and its end.
    thirds: [Third; 3],
}

#[derive(Debug, Clone, Copy)]
struct Third {
    told: u32,
    received: u32,
    /// The least that a packet waited, in microseconds.
    waited: u64,
}

impl Probe {
    /// `loss`: the way's own. `policed`: the way loses packets where it is full, and none waits.
    pub(crate) fn new(now: u64, first: u64, rate: u64, loss: f32, policed: bool) -> Self {
        Self {
            rate: rate.max(1),
            started: now,
            time: if policed {
                POLICED_TIME
            } else if loss > LOSSY {
                LOSSY_TIME
            } else {
                TIME
            },
            first,
            policed,
            end: None,
            bytes: 0,
            thirds: [Third { told: 0, received: 0, waited: u64::MAX }; 3],
        }
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        if self.end.is_none() {
            self.bytes += bytes as u64;
        }
    }

    /// Ends it when its time is over. `next`: the number of the next packet.
    pub(crate) fn pass_time(&mut self, now: u64, next: u64) {
        if self.end.is_none() && now >= self.started + self.time {
            self.end = Some(next);
        }
    }

    /// The fewest bytes of padding that are worth to leave.
    fn chunk(&self) -> u64 {
        let bytes = |time| self.rate * time / 8_000_000;
        bytes(PACKET_TIME).clamp(SMALLEST, LARGEST).max(bytes(STEP))
    }

    /// Bytes that may leave now beside what was sent.
    pub(crate) fn due(&self, now: u64) -> usize {
        if self.end.is_some() {
            return 0;
        }
        let chunk = self.chunk();
        let due = (self.rate * (now - self.started) / 8_000_000 + chunk).saturating_sub(self.bytes);
        if due < chunk { 0 } else { due as usize }
    }

    pub(crate) fn deadline(&self) -> u64 {
        if self.end.is_some() {
            return self.started + PATIENCE;
        }
        let step = (self.bytes * 8_000_000).div_ceil(self.rate);
        self.started + step.min(self.time)
    }

    /// What became of a packet; `waited`: in microseconds, if it arrived.
    pub(crate) fn told(&mut self, number: u64, sent: Sent, waited: Option<u64>) {
        if number < self.first || self.end.is_some_and(|end| number >= end) {
            return;
        }
        let part = ((sent.at.saturating_sub(self.started)) * 3 / self.time).min(2) as usize;
        let third = &mut self.thirds[part];
        if sent.fate == Fate::Unknown {
            third.told += 1;
        }
        if let Some(waited) = waited {
            third.received += 1;
            third.waited = third.waited.min(waited);
        }
    }

    /// What it found, once all of it was told of (all before `told`) or too much time has passed. `loss`: the way's own.
    pub(crate) fn finding(&self, now: u64, told: u64, loss: f32) -> Option<Finding> {
        let over = now >= self.started + PATIENCE;
        if !over && self.end.is_none_or(|end| told < end) {
            return None;
        }
        let packets: u32 = self.thirds.iter().map(|third| third.received).sum();
        let [beginning, _, end] = self.thirds;
        let sent = self.bytes.saturating_sub(self.chunk()) as f32 * 8e6 / self.time as f32;
        if sent < self.rate as f32 / 2.0 || packets < FEWEST || beginning.received == 0 || end.received == 0 {
            return Some(Finding::Nothing);
        }
        // The least wait of its end beyond that of its beginning is a queue that has grown; jitter does not reach it.
        let time = self.time as f32 * 2.0 / 3.0;
        let grown = end.waited.saturating_sub(beginning.waited) as f32;
        let mut through = time / (time + grown);
        if self.policed || end.waited > FULL {
            through *= self.through(loss);
        }
        let full = through < CLEAR;
        Some(Finding::Carries { rate: if full { sent * through } else { sent.min(self.rate as f32 * 2.0) }, full })
    }

    /// The part that came through of what the way does not lose by itself.
    fn through(&self, loss: f32) -> f32 {
        let part = |thirds: &[Third]| {
            let told: u32 = thirds.iter().map(|third| third.told).sum();
            let received: u32 = thirds.iter().map(|third| third.received).sum();
            (1.0 - received as f32 / told.max(1) as f32, told)
        };
        let (lost, _) = part(&self.thirds);
        // A policer lets the beginning pass.
        let lost = match part(&self.thirds[2..]) {
            (end, told) if told >= SAYING => lost.max(end),
            _ => lost,
        };
        if lost < loss + CHANCE { 1.0 } else { (1.0 - lost) / (1.0 - loss) }
    }
}
