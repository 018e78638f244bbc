//! Pools, dialect, migrations, transactions and the job queue: one SQL text for SQLite and PostgreSQL.
//!
//! The whole crate is [`Db`] (open, read, write), [`Conn`] (run a [`Query`]), [`Row`] (typed columns) and [`jobs`]. Statements are
//! in the common subset of both engines, with `$1` placeholders; ids are text, times are integer milliseconds since 1970 (UTC).

mod conn;
mod error;
pub mod jobs;
mod migrations;
mod pool;
mod value;

pub use conn::Conn;
pub use error::Error;
pub use migrations::SCHEMA_VERSION;
pub use pool::{Db, Engine, Options};
pub use value::{Query, Row, Value, sql};
