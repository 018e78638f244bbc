//! How often and how much one participant may make the room work.

use std::time::{Duration, Instant};

use kit::{Bucket, Rate};

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
