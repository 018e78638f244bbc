//! The miss budget: what makes guessing meeting codes hopeless.

use std::time::{Duration, Instant};

use kit::Network;

use super::{Buckets, Decision, Rate};

/// Most networks whose misses are remembered.
const NETWORKS_MAX: usize = 100_000;

/// Counts look-ups of codes that do not exist, and wrong passwords.
///
/// A network that used up its budget is refused before the database is asked, so that a hit and a miss look alike. While
/// there are more misses in all than `total` allows, so is every network with three misses in the last hour.
#[derive(Debug)]
pub struct MissBudget {
    network: Buckets<Network>,
    total: Buckets<()>,
    suspects: Buckets<Network>,
}

impl MissBudget {
    /// A budget for each network and one for all of them; `None` is unlimited.
    pub fn new(network: Option<Rate>, total: Option<Rate>) -> Self {
        let suspect = Rate { quota: 3, window: Duration::from_secs(3_600) };
        Self {
            network: Buckets::new("miss", network, NETWORKS_MAX),
            total: Buckets::new("miss_total", total, 1),
            suspects: Buckets::new("miss_suspect", total.map(|_| suspect), NETWORKS_MAX),
        }
    }

    /// The refusal, where `network` may not look up anything now. Callers who prove that they know the meeting (host key,
    /// ticket, participant token) need not ask.
    pub fn refusal(&self, network: Network, now: Instant) -> Option<Decision> {
        let refused = |decision: Option<Decision>| decision.filter(|decision| !decision.allowed);
        refused(self.network.look(&network, now)).or_else(|| {
            let flood = refused(self.total.look(&(), now))?;
            refused(self.suspects.look(&network, now)).map(|_| flood)
        })
    }

    /// Counts a look-up that found nothing.
    pub fn record(&self, network: Network, now: Instant) {
        self.network.take(&network, now);
        self.total.take(&(), now);
        self.suspects.take(&network, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::{Clock, MockClock, UnixMillis};

    fn network(last: u8) -> Network {
        Network::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    fn per_minute(quota: u32) -> Option<Rate> {
        Some(Rate { quota, window: Duration::from_secs(60) })
    }

    #[test]
    fn a_network_that_guesses_is_refused_and_others_are_not() {
        let clock = MockClock::at(UnixMillis(0));
        let budget = MissBudget::new(per_minute(20), per_minute(500));
        for _ in 0..20 {
            assert_eq!(budget.refusal(network(1), clock.instant()), None);
            budget.record(network(1), clock.instant());
        }
        assert!(budget.refusal(network(1), clock.instant()).is_some());
        assert_eq!(budget.refusal(network(2), clock.instant()), None);
        clock.advance(Duration::from_secs(61));
        assert_eq!(budget.refusal(network(1), clock.instant()), None);
    }

    #[test]
    fn under_a_distributed_attack_networks_with_three_misses_are_refused() {
        let clock = MockClock::at(UnixMillis(0));
        let budget = MissBudget::new(per_minute(20), per_minute(100));
        for last in 0..50 {
            budget.record(network(last), clock.instant());
            budget.record(network(last), clock.instant());
        }
        assert_eq!(budget.refusal(network(1), clock.instant()), None, "two misses are no suspicion");
        budget.record(network(1), clock.instant());
        assert!(budget.refusal(network(1), clock.instant()).is_some());
        assert_eq!(budget.refusal(network(200), clock.instant()), None, "who never missed goes on");
    }

    #[test]
    fn off_refuses_nobody() {
        let clock = MockClock::at(UnixMillis(0));
        let budget = MissBudget::new(None, None);
        for _ in 0..1_000 {
            budget.record(network(1), clock.instant());
        }
        assert_eq!(budget.refusal(network(1), clock.instant()), None);
    }
}
