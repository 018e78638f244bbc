//! Token buckets, one for each key, in a map that cannot grow without bound.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Most that may come at once, and in one window.
    pub quota: u32,
    /// Time in which an empty bucket fills again.
    pub window: Duration,
}

impl Rate {
    /// Time in which one more is allowed.
    fn interval(self) -> Duration {
        self.window / self.quota.max(1)
    }

    /// In words, as `10 per 1 minute`.
    pub fn in_words(self) -> String {
        let seconds = self.window.as_secs();
        let (count, unit) = match seconds {
            s if s % 86_400 == 0 => (s / 86_400, "day"),
            s if s % 3_600 == 0 => (s / 3_600, "hour"),
            s if s % 60 == 0 => (s / 60, "minute"),
            s => (s, "second"),
        };
        format!("{} per {count} {unit}", self.quota)
    }
}

/// What one limit said about one call: enough for the headers and for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Name of the limit, as in the headers.
    pub name: &'static str,
    /// The limit.
    pub rate: Rate,
    /// Whether the call may go on.
    pub allowed: bool,
    /// Calls left right now.
    pub remaining: u32,
    /// Time until the bucket is full again.
    pub full_in: Duration,
    /// Time until the next call may go on; zero where it may now.
    pub retry_after: Duration,
}

impl Decision {
    /// `RateLimit-Policy`, as `"join";q=30;w=60`.
    pub fn policy_header(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.rate.quota, self.rate.window.as_secs())
    }

    /// `RateLimit`, as `"join";r=29;t=41`.
    pub fn limit_header(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, seconds_up(self.full_in))
    }

    /// `Retry-After`, in whole seconds, at least one.
    pub fn retry_after_seconds(&self) -> u64 {
        seconds_up(self.retry_after).max(1)
    }

    /// `X-RateLimit-Reset` counts from now, in whole seconds.
    pub fn reset_seconds(&self) -> u64 {
        seconds_up(self.full_in)
    }

    /// The sentence of a 429, as `Rate limit exceeded: 10 per 1 minute`.
    pub fn error_text(&self) -> String {
        format!("Rate limit exceeded: {}", self.rate.in_words())
    }

    /// The one that leaves least: a refusal before an allowance, then the fewest calls left.
    pub fn tighter(self, other: Self) -> Self {
        let key = |decision: &Self| (decision.allowed, decision.remaining, std::cmp::Reverse(decision.retry_after));
        if key(&other) < key(&self) { other } else { self }
    }
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Buckets of one limit, one for each key.
///
/// Each key costs one moment: the time at which its bucket would be full again (GCRA). At the bound, keys whose bucket is
/// full are forgotten; if none is, a new key is allowed and not remembered, so that a flood of addresses cannot lock
/// others out.
#[derive(Debug)]
pub struct Buckets<K> {
    name: &'static str,
    rate: Option<Rate>,
    keys_max: usize,
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Buckets for the limit `name`. Without a rate everything is allowed. About 50 bytes for each of at most `keys_max` keys.
    pub fn new(name: &'static str, rate: Option<Rate>, keys_max: usize) -> Self {
        Self { name, rate, keys_max, full_at: Mutex::new(HashMap::new()) }
    }

    /// Takes one from the bucket of `key`, if there is one. `None` where the limit is off.
    pub fn take(&self, key: &K, now: Instant) -> Option<Decision> {
        self.decide(key, now, true)
    }

    /// What [`Buckets::take`] would say, without taking.
    pub fn look(&self, key: &K, now: Instant) -> Option<Decision> {
        self.decide(key, now, false)
    }

    /// Keys that are remembered.
    pub fn len(&self) -> usize {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn decide(&self, key: &K, now: Instant, take: bool) -> Option<Decision> {
        let rate = self.rate?;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = full_at.get(key).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let after = missing + rate.interval();
        let allowed = after <= rate.window;
        let counted = if allowed && take { after } else { missing };
        if allowed && take {
            make_room(&mut full_at, key, self.keys_max, now);
            if full_at.len() < self.keys_max || full_at.contains_key(key) {
                full_at.insert(key.clone(), now + after);
            }
        }
        Some(Decision {
            name: self.name,
            rate,
            allowed,
            remaining: left(rate, counted),
            full_in: counted,
            retry_after: if allowed { Duration::ZERO } else { after.saturating_sub(rate.window) },
        })
    }
}

fn left(rate: Rate, missing: Duration) -> u32 {
    let free = rate.window.saturating_sub(missing).as_nanos();
    u32::try_from(free / rate.interval().as_nanos().max(1)).unwrap_or(u32::MAX).min(rate.quota)
}

fn make_room<K: Eq + Hash>(full_at: &mut HashMap<K, Instant>, key: &K, keys_max: usize, now: Instant) {
    if full_at.len() >= keys_max && !full_at.contains_key(key) {
        full_at.retain(|_, at| *at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::{Clock, MockClock, UnixMillis};

    fn rate(quota: u32, seconds: u64) -> Option<Rate> {
        Some(Rate { quota, window: Duration::from_secs(seconds) })
    }

    #[test]
    fn a_bucket_gives_its_quota_then_one_each_interval() {
        let clock = MockClock::at(UnixMillis(0));
        let buckets = Buckets::new("join", rate(30, 60), 100);
        for left in (0..30).rev() {
            let decision = buckets.take(&"a", clock.instant()).unwrap();
            assert!(decision.allowed);
            assert_eq!(decision.remaining, left);
        }
        let refused = buckets.take(&"a", clock.instant()).unwrap();
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after_seconds(), 2);
        assert_eq!(refused.error_text(), "Rate limit exceeded: 30 per 1 minute");
        assert!(buckets.take(&"b", clock.instant()).unwrap().allowed, "another key has its own bucket");
        clock.advance(Duration::from_secs(2));
        assert!(buckets.take(&"a", clock.instant()).unwrap().allowed);
        assert!(!buckets.take(&"a", clock.instant()).unwrap().allowed);
    }

    #[test]
    fn headers_say_policy_and_state() {
        let clock = MockClock::at(UnixMillis(0));
        let buckets = Buckets::new("join", rate(30, 60), 100);
        let decision = buckets.take(&1, clock.instant()).unwrap();
        assert_eq!(decision.policy_header(), "\"join\";q=30;w=60");
        assert_eq!(decision.limit_header(), "\"join\";r=29;t=2");
        assert_eq!(buckets.look(&1, clock.instant()).unwrap().remaining, 29, "looking takes nothing");
    }

    #[test]
    fn memory_is_bounded_and_a_flood_locks_nobody_out() {
        let clock = MockClock::at(UnixMillis(0));
        let buckets = Buckets::new("other", rate(1, 60), 10);
        for key in 0..1_000 {
            assert!(buckets.take(&key, clock.instant()).unwrap().allowed);
        }
        assert_eq!(buckets.len(), 10);
        assert!(!buckets.take(&3, clock.instant()).unwrap().allowed, "who is remembered stays limited");
        clock.advance(Duration::from_secs(61));
        assert!(buckets.take(&5_000, clock.instant()).unwrap().allowed);
        assert_eq!(buckets.len(), 1, "full buckets are forgotten");
    }

    #[test]
    fn off_is_no_limit() {
        let clock = MockClock::at(UnixMillis(0));
        assert_eq!(Buckets::new("chat", None, 10).take(&1, clock.instant()), None);
    }

    #[test]
    fn the_tighter_of_two_decisions_is_shown() {
        let clock = MockClock::at(UnixMillis(0));
        let minute = Buckets::new("create", rate(2, 60), 10).take(&1, clock.instant()).unwrap();
        let day = Buckets::new("create_day", rate(100, 86_400), 10).take(&1, clock.instant()).unwrap();
        assert_eq!(day.tighter(minute).name, "create");
        let refused = Decision { allowed: false, ..day };
        assert_eq!(minute.tighter(refused).name, "create_day");
    }

    #[test]
    fn rates_in_words() {
        for (quota, seconds, words) in [
            (10, 60, "10 per 1 minute"),
            (100, 86_400, "100 per 1 day"),
            (5, 900, "5 per 15 minute"),
            (1, 7, "1 per 7 second"),
        ] {
            assert_eq!(rate(quota, seconds).unwrap().in_words(), words);
        }
    }
}
