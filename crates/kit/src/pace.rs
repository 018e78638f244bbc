//! How often and how much somebody may do.

use std::time::Instant;

/// A bucket that fills steadily up to its size. What is larger than the whole bucket passes a full one.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    level: f64,
    filled_at: Instant,
}

/// Size of a bucket and how fast it fills, in the same unit.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

impl Bucket {
    /// A full one.
    pub fn new(now: Instant, rate: Rate) -> Self {
        Self { level: rate.burst, filled_at: now }
    }

    /// Whether `amount` may be taken now.
    pub fn has(&mut self, now: Instant, rate: Rate, amount: f64) -> bool {
        let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.level = (self.level + seconds * rate.per_second).min(rate.burst);
        self.filled_at = self.filled_at.max(now);
        self.level >= amount.min(rate.burst)
    }

    /// Takes `amount` if it is there.
    pub fn spend(&mut self, now: Instant, rate: Rate, amount: f64) -> bool {
        let has = self.has(now, rate, amount);
        if has {
            self.take(amount);
        }
        has
    }

    /// Takes `amount`; what is missing is owed.
    pub fn take(&mut self, amount: f64) {
        self.level -= amount;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATE: Rate = Rate { burst: 10.0, per_second: 2.0 };

    /// A burst passes, then the steady rate; something larger than the bucket passes a full one and is owed.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn bursts_then_the_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, RATE);
        let mut take = |seconds: u64, amount: f64| bucket.spend(start + Duration::from_secs(seconds), RATE, amount);
        assert!((0..10).all(|_| take(0, 1.0)));
        assert!(!take(0, 1.0));
        assert!(take(1, 2.0) && !take(1, 1.0));
        assert!(!take(5, 30.0) && take(6, 30.0), "only a full bucket lets it pass");
        assert!(!take(15, 1.0) && take(17, 1.0), "and it is owed");
    }
}
