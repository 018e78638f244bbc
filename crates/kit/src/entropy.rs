//! Randomness as something that is handed in.

use std::sync::{Arc, Mutex, PoisonError};

/// Where random bytes come from. What leaves the process as a secret must come from [`SystemEntropy`].
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number below `bound`, each equally likely. `bound` must not be zero.
    fn below(&self, bound: u32) -> u32 {
        debug_assert!(bound > 0, "a range needs at least one number");
        // Rejection: the highest multiple of `bound` that fits is the end of the fair range.
        let fair = u32::MAX - u32::MAX % bound;
        loop {
            let mut bytes = [0_u8; 4];
            self.fill(&mut bytes);
            let drawn = u32::from_le_bytes(bytes);
            if drawn < fair {
                return drawn % bound;
            }
        }
    }
}

/// An entropy source that many parts of one process share.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// Where the operating system cannot give random bytes: nothing that follows could be safe.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the operating system for randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Repeatable numbers for tests and simulations (SplitMix64). Never use it for secrets.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed| {
            let mut bytes = [0_u8; 21];
            SeededEntropy::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_drawn_number_is_below_its_bound_and_fair() {
        let entropy = SeededEntropy::new(1);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            seen[entropy.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (900..1_100).contains(count)), "{seen:?}");
    }
}
