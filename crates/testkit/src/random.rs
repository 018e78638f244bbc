//! Seeded randomness: the same seed gives the same run.

/// Makes what str0m draws on this thread (SSRCs, first sequence numbers, ICE names) follow from `seed`. The keys of DTLS are
/// drawn elsewhere and stay different in each run.
pub fn seed_str0m(seed: u64) {
    fastrand::seed(seed);
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast, good enough to place losses.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator with a seed; print the seed when a test fails.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A random number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (0 if `bound` is 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// True with this probability (0..=1).
    pub fn chance(&mut self, probability: f64) -> bool {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64 <= probability && probability > 0.0
    }
}
