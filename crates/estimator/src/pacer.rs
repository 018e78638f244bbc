use std::time::{Duration, Instant};

/// What may leave at once after a pause, in time at the pacer's rate.
const BURST: Duration = Duration::from_millis(40);
/// The pacer's rate for an estimate, in tenths: pictures come in bursts, and wait no longer than they must.
const TENTHS: u64 = 25;

/// Paces what is sent: a token bucket of 2.5 times the estimate. It never holds anything where no limit is known.
#[derive(Debug)]
pub struct Pacer {
    /// Bits a second; `None` = no limit.
    rate: Option<u64>,
    /// What may leave, in bits; what was sent beyond is owed.
    level: i64,
    filled: Instant,
}

impl Pacer {
    /// A pacer that holds nothing.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { rate: None, level: 0, filled: now }
    }

    /// The estimate, in bits a second.
    pub fn set_rate(&mut self, now: Instant, estimate: Option<u64>) {
        let rate = estimate.map(|bits| bits.saturating_mul(TENTHS).div_euclid(10).clamp(1, u64::from(u32::MAX)));
        if rate == self.rate {
            return;
        }
        self.fill(now);
        let fresh = self.rate.is_none();
        self.rate = rate;
        (self.level, self.filled) = (if fresh { self.most() } else { self.level.min(self.most()) }, now);
    }

    /// What the bucket holds, in bits.
    fn most(&self) -> i64 {
        (self.rate.unwrap_or(0) as f64 * BURST.as_secs_f64()) as i64
    }

    /// What comes into it until `now`.
    fn income(&self, now: Instant) -> i64 {
        let passed = now.saturating_duration_since(self.filled).min(Duration::from_secs(10)).as_micros() as u64;
        (self.rate.unwrap_or(0) * passed / 1_000_000).cast_signed()
    }

    fn fill(&mut self, now: Instant) {
        let income = self.income(now);
        // A bit takes some microseconds: whoever asks more often must not lose them.
        if income > 0 {
            self.level = (self.level + income).min(self.most());
            self.filled = now;
        }
    }

    /// Whether a packet may leave now; then it is taken to have left.
    ///
    /// A packet leaves as soon as nothing is owed, however large it is: the next one waits for both.
    pub fn may_send(&mut self, now: Instant, bytes: usize) -> bool {
        if self.rate.is_none() {
            return true;
        }
        self.fill(now);
        let may = self.level >= 0;
        if may {
            self.level -= (bytes.min(0xffff) * 8) as i64;
        }
        may
    }

    /// When the next packet may leave, of any size.
    #[must_use]
    pub fn next(&self, now: Instant, _bytes: usize) -> Instant {
        let Some(rate) = self.rate else { return now };
        let owed = -(self.level + self.income(now)).min(0);
        now + Duration::from_micros((owed.cast_unsigned() * 1_000_000).div_ceil(rate))
    }
}
