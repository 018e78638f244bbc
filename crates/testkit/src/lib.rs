//! Test support: seeded randomness, simulated links, str0m clients, a fuzz driver, a count of what is allocated.

pub mod client;
pub mod fuzz;
pub mod link;
pub mod memory;
pub mod random;
pub mod turn;

/// Where simulated time begins. Which moment that is makes no difference; tests only add to it.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "an Instant can only be had from the operating system")]
pub fn origin() -> std::time::Instant {
    std::time::Instant::now() + std::time::Duration::from_secs(10_000)
}
