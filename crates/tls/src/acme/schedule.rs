//! When a certificate is renewed, and when it is tried again.

use std::time::Duration;

use kit::UnixMillis;

use crate::pair::Facts;

/// The wait after the first failure; each further one triples it.
const FIRST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The same where the server was not reached and so counts nothing: a machine may start before its network.
const FIRST_RETRY_UNHEARD: Duration = Duration::from_secs(10);
/// The longest wait. Let's Encrypt bears five failed proofs of a name an hour.
const RETRY_MAX: Duration = Duration::from_secs(12 * 3_600);

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// Whether the server heard of the last one.
    pub(super) heard: bool,
}

/// When a certificate is renewed: after two thirds of its life, some a little earlier (`chance`, from 0 to 1), so that many
/// that were issued together are not renewed together.
pub(super) fn renewal(facts: &Facts, chance: f64) -> UnixMillis {
    let life_ms = facts.not_after.0.saturating_sub(facts.not_before.0).max(0);
    let early_ms = (life_ms as f64 / 20.0 * chance) as i64;
    UnixMillis(facts.not_before.0 + life_ms / 3 * 2 - early_ms)
}

/// How long to wait after at least one failure; half as much again by `chance`, from 0 to 1.
pub(super) fn retry(failures: Failures, chance: f64) -> Duration {
    let first = if failures.heard { FIRST_RETRY } else { FIRST_RETRY_UNHEARD };
    let factor = 3_u32.saturating_pow(failures.count.saturating_sub(1));
    first.saturating_mul(factor).min(RETRY_MAX).mul_f64(1.0 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn renewal_leaves_time_for_failures() {
        let check = |days: i64, chance: f64, expected_days: f64| {
            let facts = Facts { names: Vec::new(), not_before: UnixMillis(0), not_after: UnixMillis(days * DAY_MS) };
            let found = renewal(&facts, chance).0 as f64 / DAY_MS as f64;
            assert!((found - expected_days).abs() < 0.001, "{days} {chance}: {found}");
        };
        check(90, 0.0, 60.0);
        check(90, 1.0, 55.5);
        check(6, 0.0, 4.0);
        check(0, 1.0, 0.0);
        check(-1, 1.0, 0.0);
    }

    #[test]
    fn failures_wait_longer_and_longer() {
        let seconds = |count, heard, chance| retry(Failures { count, heard }, chance).as_secs();
        let waits: Vec<u64> = (1..=6).map(|count| seconds(count, true, 0.0) / 60).collect();
        assert_eq!(waits, [5, 15, 45, 135, 405, 720]);
        assert_eq!((seconds(1, true, 1.0), seconds(u32::MAX, true, 1.0), seconds(0, true, 0.0)), (450, 64_800, 300));
        let unheard: Vec<u64> = (1..=4).map(|count| seconds(count, false, 0.0)).collect();
        assert_eq!(unheard, [10, 30, 90, 270]);
        // An account may fail five times an hour.
        let in_an_hour = waits
            .iter()
            .scan(0, |sum, wait| {
                *sum += wait;
                Some(*sum)
            })
            .filter(|at| *at <= 60)
            .count()
            + 1;
        assert!(in_an_hour <= 5, "{in_an_hour}");
    }
}
