//! Clock, ids, secrets and bounded types; std only apart from randomness.
