//! A short burst that finds out whether the way carries more than was thought.

use crate::history::{Fate, Sent};

/// How long a probe lasts; longer where it would be too few bytes to judge by, up to a limit. Microseconds.
const TIME: u64 = 150_000;
const BYTES: u64 = 12_000;
const LONGEST: u64 = 400_000;
/// A policer lets much pass at once before it says no.
const POLICED: u64 = 500_000;
const LOSSY: f32 = 0.03;
/// After so long nothing more is heard of it.
const PATIENCE: u64 = 3_000_000;
/// Padding leaves in packets of about this size, and not more often than in this time (microseconds).
const PACKET: u64 = 1_000;
const STEP: u64 = 5_000;
/// The fewest packets that say something, and the fewest of its end alone.
const FEWEST: u32 = 6;
const SAYING: u32 = 10;
/// Where a queue grows by so much (microseconds), losses count: it may have overflown.
const GROWN: f32 = 15_000.0;
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
        // Where packets are lost by chance, it takes more of them to tell.
        let bytes = if loss > LOSSY { BYTES * 3 / 2 } else { BYTES };
        Self {
            rate: rate.max(1),
            started: now,
            time: (bytes * 8_000_000 / rate.max(1))
                .clamp(if policed { POLICED } else { TIME }, if policed { POLICED } else { LONGEST }),
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

    /// Bytes that may leave now beside what was sent.
    pub(crate) fn due(&self, now: u64) -> usize {
        if self.end.is_some() {
            return 0;
        }
        let chunk = PACKET.max(self.rate * STEP / 8_000_000);
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
        let sent = self.bytes.saturating_sub(PACKET) as f32 * 8e6 / self.time as f32;
        if sent < self.rate as f32 / 2.0 || packets < FEWEST || beginning.received == 0 || end.received == 0 {
            return Some(Finding::Nothing);
        }
        // The least wait of its end beyond that of its beginning is a queue that has grown; jitter does not reach it.
        let time = self.time as f32 * 2.0 / 3.0;
        let grown = end.waited.saturating_sub(beginning.waited) as f32;
        let mut through = time / (time + grown);
        if self.policed || grown > GROWN {
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
