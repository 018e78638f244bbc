//! How often one network is answered over UDP that has not shown who it is: its address may be forged.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use kit::{Bucket, Network, Rate};

/// Answers that one network gets at once, and each second: an office that joins at the same time is one network.
const RATE: Rate = Rate { burst: 1000.0, per_second: 200.0 };
/// Networks remembered at most; while there are as many, others are not answered.
const NETWORKS_MAX: usize = 8192;
/// After this long without a question a bucket is full again, and forgotten.
const FULL_AFTER: Duration = Duration::from_secs(5);

/// A bucket for each network that asked in the last seconds.
#[derive(Debug)]
pub(crate) struct Sources {
    buckets: HashMap<Network, (Bucket, Instant)>,
    swept_at: Instant,
}

impl Sources {
    pub(crate) fn new(now: Instant) -> Self {
        Self { buckets: HashMap::new(), swept_at: now }
    }

    /// Whether one more answer may go to `address`.
    pub(crate) fn admit(&mut self, now: Instant, address: IpAddr) -> bool {
        if now.saturating_duration_since(self.swept_at) >= FULL_AFTER {
            self.swept_at = now;
            self.buckets.retain(|_, (_, asked_at)| now.saturating_duration_since(*asked_at) < FULL_AFTER);
        }
        let network = Network::of(address);
        if self.buckets.len() >= NETWORKS_MAX && !self.buckets.contains_key(&network) {
            return false;
        }
        let (bucket, asked_at) = self.buckets.entry(network).or_insert_with(|| (Bucket::new(now, RATE), now));
        *asked_at = now;
        bucket.spend(now, RATE, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn a_network_is_answered_in_measure_and_others_all_the_same() {
        let start = Instant::now();
        let mut sources = Sources::new(start);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let answered = (0..5000).filter(|_| sources.admit(start, one)).count();
        assert_eq!(answered, RATE.burst as usize);
        assert!(sources.admit(start, "192.0.2.2".parse().unwrap()));
        let later = start + Duration::from_secs(1);
        let answered = (0..1000).filter(|_| sources.admit(later, one)).count();
        assert_eq!(answered, RATE.per_second as usize);
    }

    /// Forged addresses fill the memory to its bound, and seconds later it is free again.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn forged_addresses_do_not_fill_the_memory() {
        let start = Instant::now();
        let mut sources = Sources::new(start);
        for number in 0..100_000_u32 {
            sources.admit(start, IpAddr::V4(number.into()));
        }
        assert_eq!(sources.buckets.len(), NETWORKS_MAX);
        assert!(sources.admit(start + FULL_AFTER, "198.51.100.1".parse().unwrap()));
        assert_eq!(sources.buckets.len(), 1);
    }
}
