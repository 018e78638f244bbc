//! Test support: seeded clock and randomness, simulated links, test servers.
