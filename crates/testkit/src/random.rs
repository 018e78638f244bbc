//! Seeded randomness: the same seed gives the same run.
//!
//! What a simulated run draws comes from three places: [`Random`] and what str0m draws (SSRCs, first sequence numbers, ICE
//! names) follow from the [`Seed`]; the keys of hash maps, and what SCTP and DTLS draw for themselves (tags, first numbers,
//! timers), come from the operating system, and are the same in each run of a test binary that is [`replayable`](crate::replayable).
//!
//! Not the same in each run are keys and signatures of DTLS, so that its datagrams differ by a few bytes
//! ([`crate::link`] counts all of them alike); and where the
//! simulated clock stands within a microsecond, so that measured round-trip times differ by as much as they are rounded.
//! With `--test-threads=1` hash maps also depend on the tests that ran before.

/// The seed of one simulated run. A test that fails while it lives says how to repeat the run.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The test's own seed, unless `HEYDOK_SEED` names another. From now on what str0m draws on this thread follows from it.
    ///
    /// # Panics
    ///
    /// If `HEYDOK_SEED` is no number.
    #[must_use]
    pub fn new(own: u64) -> Self {
        let seed = std::env::var("HEYDOK_SEED").map_or(own, |text| text.parse().expect("HEYDOK_SEED is a number"));
        fastrand::seed(seed);
        Self(seed)
    }

    /// The number itself.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("a simulated run with seed {0}: HEYDOK_SEED={0} repeats it", self.0);
        }
    }
}

/// Takes from a test binary what the operating system would bring in by chance: hash maps are walked in the same order in
/// each run, and timers that are drawn are the same. For binaries whose tests run in memory only; it is no source of secrets.
#[macro_export]
macro_rules! replayable {
    () => {
        /// In place of libc's, which the standard library and `rand` ask.
        ///
        /// # Safety
        ///
        /// `buffer` must have room for `length` bytes, as for libc's.
        #[allow(unsafe_code, reason = "the one way to keep chance out of the hash maps of dependencies")]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
            for index in 0..length {
                // SAFETY: the caller has room for so many bytes.
                unsafe { buffer.add(index).write((index as u8).wrapping_mul(0x6d) ^ 0x5a) };
            }
            length as isize
        }
    };
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
