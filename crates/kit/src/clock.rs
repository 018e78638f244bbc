//! Time as something that is handed in.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::UnixMillis;

/// Where the present comes from. Rules and stores take a `UnixMillis` or a `&dyn Clock`, never the operating system's clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall-clock time. May jump when the machine's clock is set.
    fn now(&self) -> UnixMillis;

    /// Monotonic time for timeouts and rates. Never goes back.
    fn instant(&self) -> Instant;
}

/// A clock that many parts of one process share.
pub type SharedClock = Arc<dyn Clock>;

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system for the time")]
    fn now(&self) -> UnixMillis {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system for the time")]
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until a test moves it. Wall time and monotonic time move together.
#[derive(Debug)]
pub struct MockClock {
    now_ms: AtomicI64,
    instant: Mutex<Instant>,
}

impl MockClock {
    /// A clock that stands at `now`.
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other origin; only differences are ever used")]
    pub fn at(now: UnixMillis) -> Arc<Self> {
        Arc::new(Self { now_ms: AtomicI64::new(now.0), instant: Mutex::new(Instant::now()) })
    }

    /// Lets `by` pass.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
        *self.instant.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for MockClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms.load(Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        *self.instant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mock_clock_moves_only_by_hand() {
        let clock = MockClock::at(UnixMillis(1_000));
        let started = clock.instant();
        assert_eq!(clock.now(), UnixMillis(1_000));
        clock.advance(Duration::from_millis(250));
        assert_eq!(clock.now(), UnixMillis(1_250));
        assert_eq!(clock.instant() - started, Duration::from_millis(250));
    }

    #[test]
    fn the_system_clock_is_after_the_year_2024() {
        assert!(SystemClock.now() > UnixMillis::from_seconds(1_704_067_200));
        assert!(SystemClock.instant() <= SystemClock.instant());
    }
}
