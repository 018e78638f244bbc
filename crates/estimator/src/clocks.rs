//! Two clocks that know nothing of each other: how long packets wait on their way is told apart from how far these differ.

use std::time::Duration;

/// The way's least delay is that of the last one to two of these: clocks drift, and ways change. Microseconds.
const MEMORY: u64 = 15_000_000;
/// How much longer a packet may seem to have waited than its round trip took, before a clock was set anew. Microseconds.
const DOUBT: u64 = 100_000;
/// Feedback's reference time: its unit in microseconds, and how far it counts.
const REFERENCE_UNIT: i64 = 64_000;
const REFERENCE_BITS: u32 = 24;
/// Unit of a packet's time in feedback, in microseconds; and the most that is believed (18 minutes).
const TICK: i64 = 250;
const MOST_TICKS: i64 = 1 << 22;

#[derive(Debug)]
pub(crate) struct Clocks {
    /// The last reference time as it came, and counted without wrapping.
    reference: Option<(u32, i64)>,
    /// Least difference between the time of arrival (their clock) and that of sending (ours): now and in the time before.
    least: [i64; 2],
    round_trip_least: [u64; 2],
    since: u64,
    /// Smoothed.
    round_trip: u64,
}

impl Clocks {
    pub(crate) fn new() -> Self {
        Self { reference: None, least: [i64::MAX; 2], round_trip_least: [u64::MAX; 2], since: 0, round_trip: 0 }
    }

    /// The reference time of a feedback in microseconds of their clock.
    pub(crate) fn reference(&mut self, reference: u32) -> i64 {
        let shift = 32 - REFERENCE_BITS;
        let whole = self.reference.map_or(0, |(last, whole)| {
            let step = (reference.wrapping_sub(last) << shift).cast_signed() >> shift;
            whole + i64::from(step)
        });
        self.reference = Some((reference, whole));
        whole.wrapping_mul(REFERENCE_UNIT)
    }

    pub(crate) fn arrival(reference: i64, ticks: i64) -> i64 {
        reference.wrapping_add(ticks.clamp(-MOST_TICKS, MOST_TICKS) * TICK)
    }

    /// How long a packet waited in queues, in microseconds: what it took beyond the least that any took.
    pub(crate) fn waited(&mut self, now: u64, sent: u64, arrival: i64) -> u64 {
        let age = now - self.since;
        if age > MEMORY {
            let fresh = age <= 2 * MEMORY;
            self.since = now;
            self.least = [i64::MAX, if fresh { self.least[0] } else { i64::MAX }];
            self.round_trip_least = [u64::MAX, if fresh { self.round_trip_least[0] } else { u64::MAX }];
        }
        let round_trip = now - sent;
        self.round_trip_least[0] = self.round_trip_least[0].min(round_trip);
        let least_round_trip = self.round_trip_least[0].min(self.round_trip_least[1]);
        let taken = arrival.wrapping_sub(sent.cast_signed());
        self.least[0] = self.least[0].min(taken);
        let waited = taken.wrapping_sub(self.least[0].min(self.least[1])).max(0).cast_unsigned();
        // Whoever waited, waited within the round trip. If not, their clock was set, or told us wrong before.
        if waited > round_trip - least_round_trip + DOUBT {
            self.least = [taken, i64::MAX];
            return 0;
        }
        waited
    }

    /// What waits all the time, however little is sent, is the way itself: it became longer by this.
    pub(crate) fn longer(&mut self, by: u64) {
        let least = self.least[0].min(self.least[1]).saturating_add(by.cast_signed());
        self.least = [least, i64::MAX];
    }

    /// The newest packet of a feedback came `round_trip` ago.
    pub(crate) fn saw_round_trip(&mut self, round_trip: u64) {
        self.round_trip = if self.round_trip == 0 { round_trip } else { (self.round_trip * 7 + round_trip) / 8 };
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        (self.round_trip > 0).then(|| Duration::from_micros(self.round_trip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_time_goes_on_where_its_bits_end() {
        let mut clocks = Clocks::new();
        let times = [0xff_fffe, 0xff_ffff, 0, 1, 0xff_ffff, 0x40_0000].map(|reference| clocks.reference(reference));
        let units = times.map(|time| time / REFERENCE_UNIT);
        assert_eq!(units, [0, 1, 2, 3, 1, 0x40_0002]);
    }
}
