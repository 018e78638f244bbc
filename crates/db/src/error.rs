//! The one error type of this crate.

/// Why a statement or a transaction failed. "Not found" is an `Option`, a constraint that is expected to bite is
/// `ON CONFLICT … DO NOTHING` and a count of rows; so what arrives here is a fault of the system or of the program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine, the network or the file system failed.
    #[error("database: {0}")]
    Engine(#[from] sqlx::Error),
    /// The schema in the database is newer than this program, or a migration failed.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// `DATABASE_URL` names no engine that we speak.
    #[error("DATABASE_URL must begin with sqlite: or postgresql://")]
    Url,
    /// Other writers won more often than a transaction is retried.
    #[error("the database is too busy")]
    Busy,
    /// SQLite's own examination found damage: what it says of the first.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// A stored value has another form than the program wrote.
    #[error("column {column}: {reason}")]
    Stored { column: &'static str, reason: String },
}

impl Error {
    /// Whether there is only too much to do, so that the same call may succeed a little later.
    pub fn overloaded(&self) -> bool {
        matches!(self, Self::Busy | Self::Engine(sqlx::Error::PoolTimedOut))
    }

    /// What is damaged, if that is why.
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Corrupt(what) => Some(what.clone()),
            // SQLite: SQLITE_CORRUPT and SQLITE_NOTADB.
            Self::Engine(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("11" | "26")) => {
                Some(error.message().to_owned())
            }
            _ => None,
        }
    }

    /// Whether another writer won and the same transaction may succeed when it is run again.
    pub(crate) fn lost_race(&self) -> bool {
        let Self::Engine(sqlx::Error::Database(error)) = self else {
            return false;
        };
        match error.code().as_deref() {
            // PostgreSQL: serialization_failure, deadlock_detected.
            Some("40001" | "40P01") => true,
            // SQLite: SQLITE_BUSY and its extended codes BUSY_RECOVERY, BUSY_SNAPSHOT.
            Some("5" | "261" | "517") => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No free connection in time is no fault of the program.
    #[test]
    fn what_passes_by_itself_is_told_apart() {
        assert!(Error::Engine(sqlx::Error::PoolTimedOut).overloaded() && Error::Busy.overloaded());
        assert!(!Error::Engine(sqlx::Error::PoolClosed).overloaded() && !Error::Url.overloaded());
    }
}
