//! How often and how much one participant may make the room work.

use std::time::{Duration, Instant};

/// A bucket that fills steadily up to its size. What is larger than the whole bucket passes a full one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    level: f64,
    filled_at: Instant,
}

/// Size of a bucket and how fast it fills, in the same unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) burst: f64,
    pub(crate) per_second: f64,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(now: Instant, rate: Rate) -> Self {
        Self { level: rate.burst, filled_at: now }
    }

    /// Whether `amount` may be taken now.
    pub(crate) fn has(&mut self, now: Instant, rate: Rate, amount: f64) -> bool {
        let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.level = (self.level + seconds * rate.per_second).min(rate.burst);
        self.filled_at = self.filled_at.max(now);
        self.level >= amount.min(rate.burst)
    }

    /// Takes `amount`; what is missing is owed.
    pub(crate) fn take(&mut self, amount: f64) {
        self.level -= amount;
    }
}

/// Messages and bytes for each other participant that one may cause: what it changes about itself goes to everybody, and
/// their queues are bounded.
const UPDATES: Rate = Rate { burst: 30.0, per_second: 10.0 };
const UPDATE_BYTES: Rate = Rate { burst: 256.0 * 1024.0, per_second: 128.0 * 1024.0 };
/// Between two changes that are told once the bucket is empty.
const UPDATE_PAUSE: Duration = Duration::from_millis(250);

/// Paces what one participant makes everybody be told.
#[derive(Debug)]
pub(crate) struct UpdatePace {
    messages: Bucket,
    bytes: Bucket,
}

impl UpdatePace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { messages: Bucket::new(now, UPDATES), bytes: Bucket::new(now, UPDATE_BYTES) }
    }

    /// Whether `messages` with `bytes` in all may go to everybody now; `Err` = how long to wait.
    pub(crate) fn admit(&mut self, now: Instant, messages: usize, bytes: usize) -> Result<(), Duration> {
        let (messages, bytes) = (messages as f64, bytes as f64);
        if self.messages.has(now, UPDATES, messages) && self.bytes.has(now, UPDATE_BYTES, bytes) {
            self.messages.take(messages);
            self.bytes.take(bytes);
            return Ok(());
        }
        Err(UPDATE_PAUSE + Duration::from_secs_f64(bytes / UPDATE_BYTES.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 10.0, per_second: 2.0 };

    /// A burst passes, then the steady rate; something larger than the bucket passes a full one and is owed.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn bursts_then_the_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, RATE);
        let mut take = |seconds: u64, amount: f64| {
            let allowed = bucket.has(start + Duration::from_secs(seconds), RATE, amount);
            if allowed {
                bucket.take(amount);
            }
            allowed
        };
        assert!((0..10).all(|_| take(0, 1.0)));
        assert!(!take(0, 1.0));
        assert!(take(1, 2.0) && !take(1, 1.0));
        assert!(!take(5, 30.0) && take(6, 30.0), "only a full bucket lets it pass");
        assert!(!take(15, 1.0) && take(17, 1.0), "and it is owed");
    }
}
