//! The product's features. Inside a feature `http` and `jobs` use `store` and `rules`; `rules` is pure; features meet only
//! through what their `mod.rs` lets out.

pub mod chat;
pub mod housekeeping;
pub mod installation;
pub mod instances;
pub mod jobs;
pub mod join;
pub mod livekit;
pub mod meetings;
pub mod participants;
pub mod record;
pub mod retention;
pub mod system;
