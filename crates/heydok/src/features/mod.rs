//! The product's features. Inside a feature `http` takes requests apart, `service` loads, asks and saves, `rules` decides and is
//! pure, `store` has the SQL; `service` may use another feature's `service` and `store`.

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
pub mod selftest;
pub mod system;
