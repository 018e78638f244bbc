//! The two migration folders: equal numbers, resulting columns compared by a test.

use sqlx::migrate::Migrator;

pub(crate) static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// The number of the newest migration that this program knows.
pub const SCHEMA_VERSION: i64 = 1;
