use std::time::{Duration, Instant};

/// What may leave at once after a pause, in time at the pacer's rate.
const BURST: Duration = Duration::from_millis(40);
/// The pacer's rate for an estimate, in tenths: pictures come in bursts, and wait no longer than they must.
const TENTHS: u64 = 25;

/// Paces what is sent: a token bucket of 2.5 times the estimate, or of the estimate itself where more is sent than the line
/// carries, so that it is here and not on the line that packets wait. It never holds anything where no limit is known.
#[derive(Debug)]
pub struct Pacer {
    /// Bits a second; `None` = no limit.
    rate: Option<u64>,
    /// When all that was sent has gone through at the rate. A packet leaves from then on; up to [`BURST`] before now.
    free_at: Instant,
    /// More is sent than fits.
    over: bool,
}

impl Pacer {
    /// A pacer that holds nothing.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { rate: None, free_at: now, over: false }
    }

    /// Whether more is sent than the line carries. It counts from the next [`Self::set_rate`] on.
    pub fn set_over(&mut self, over: bool) {
        self.over = over;
    }

    /// The estimate, in bits a second.
    pub fn set_rate(&mut self, now: Instant, estimate: Option<u64>) {
        let pace = |bits: u64| if self.over { bits } else { bits.saturating_mul(TENTHS) / 10 };
        let rate = estimate.map(|bits| pace(bits).max(1_000));
        if rate == self.rate {
            return;
        }
        // What goes through still does so at the new rate.
        let owed = self.free_at.saturating_duration_since(now);
        self.free_at = match (self.rate, rate) {
            (Some(before), Some(rate)) if owed > Duration::ZERO => now + owed.mul_f64(before as f64 / rate as f64),
            (None, _) => now.checked_sub(BURST).unwrap_or(now),
            _ => self.free_at,
        };
        self.rate = rate;
    }

    /// Whether a packet may leave now; then it is taken to have left.
    ///
    /// It leaves as soon as all before it went through, however large it is: the next one waits for it.
    pub fn may_send(&mut self, now: Instant, bytes: usize) -> bool {
        let Some(rate) = self.rate else { return true };
        if now < self.free_at {
            return false;
        }
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let time = bytes.min(0xffff) as u64 * 8_000_000_000 / rate;
        self.free_at = self.free_at.max(earliest) + Duration::from_nanos(time);
        true
    }

    /// When the next packet may leave, of any size.
    #[must_use]
    pub fn next(&self, now: Instant, _bytes: usize) -> Instant {
        if self.rate.is_some() { self.free_at.max(now) } else { now }
    }
}
