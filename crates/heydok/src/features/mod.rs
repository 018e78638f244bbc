//! The product's features. Inside a feature `http` and `jobs` use `store` and `rules`; `rules` is pure; features meet only
//! through what their `mod.rs` lets out.

pub mod join;
pub mod livekit;
pub mod meetings;
pub mod system;
