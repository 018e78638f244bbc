//! Durations in buckets of 4 %.

use std::time::Duration;

/// Buckets per doubling.
const STEPS: f64 = 16.0;
/// Covers 1 us to more than an hour.
const BUCKETS: usize = 32 * 16;

/// How often durations occurred, exact to 4 %.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, duration: Duration) {
        let micros = duration.as_micros().max(1) as f64;
        let bucket = ((micros.log2() * STEPS) as usize).min(BUCKETS - 1);
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// Counts everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// What was counted since `earlier`, a former state of this histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.saturating_sub(*then)).collect();
        Self { counts, total: self.total.saturating_sub(earlier.total) }
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The duration that `share` (0..=1) of all do not exceed; `None` if nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_micros(((bucket as f64 + 1.0) / STEPS).exp2() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=1000).for_each(|ms| histogram.add(Duration::from_millis(ms)));
        for (share, expected_ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0), (0.0, 1.0)] {
            let found = histogram.quantile(share).unwrap().as_secs_f64() * 1e3;
            assert!((found / expected_ms - 1.0).abs() < 0.05, "{share}: {found}");
        }
        let mut both = Histogram::default();
        both.merge(&histogram);
        both.add(Duration::ZERO);
        both.add(Duration::from_secs(1_000_000));
        assert_eq!(both.total(), 1002);
        let since = both.since(&histogram);
        assert_eq!((since.total(), since.quantile(0.5)), (2, Some(Duration::from_micros(1))));
    }
}
