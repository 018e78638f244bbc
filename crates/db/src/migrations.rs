//! The two migration folders: equal numbers, resulting columns compared by a test.

use sqlx::migrate::Migrator;

pub(crate) static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// The number of the newest migration that this program knows.
pub const SCHEMA_VERSION: i64 = 2;

/// The SQL of all migrations, for the engine that `url` names.
pub fn schema_sql(url: &str) -> String {
    let migrator = if url.starts_with("sqlite:") { &SQLITE } else { &POSTGRES };
    let texts =
        migrator.iter().map(|step| format!("-- {:04} {}\n{}", step.version, step.description, step.sql.as_str()));
    texts.collect::<Vec<_>>().join("\n")
}
