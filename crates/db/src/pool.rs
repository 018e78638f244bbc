//! Opening the database, reading, and writing in transactions that are run again when another writer wins.

use std::ops::ControlFlow;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::conn::Inner;
use crate::{Conn, Error, migrations};

/// How often a transaction is run before it fails with [`Error::Busy`].
const ATTEMPTS_MAX: u32 = 8;
/// How long a connection is waited for, and how long SQLite waits for another process's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which engine is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// How to open the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite://path`, `sqlite::memory:`, `postgresql://…` or `postgres://…`.
    pub url: String,
    /// Connections at most (SQLite: readers; there is always exactly one writer).
    pub connections_max: u32,
}

/// How one pool of connections is used right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// `readers` and `writer` (SQLite), or `all`.
    pub name: &'static str,
    /// Open connections, and those of them that nobody uses.
    pub open: u32,
    pub idle: u32,
    pub max: u32,
}

impl PoolUse {
    fn of<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> Self {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        Self { name, open: pool.size(), idle, max: pool.options().get_max_connections() }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
}

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database and brings its schema up to date.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        let db = Self::connect(options).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens the database as it is.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        let pools = if options.url.starts_with("sqlite:") {
            open_sqlite(options).await?
        } else if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            let connect = PgConnectOptions::from_str(&options.url)?.application_name("heydok");
            let pool = PgPoolOptions::new().max_connections(options.connections_max.max(2)).acquire_timeout(PATIENCE);
            Pools::Postgres(pool.connect_with(connect).await?)
        } else {
            return Err(Error::Url);
        };
        Ok(Self { pools })
    }

    /// Runs the migrations that the database has not seen. A schema newer than this program is an error.
    pub async fn migrate(&self) -> Result<(), Error> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => migrations::SQLITE.run(writer).await?,
            Pools::Postgres(pool) => migrations::POSTGRES.run(pool).await?,
        }
        Ok(())
    }

    /// Looks at the database and changes nothing: reads a SQLite file through, and writes without keeping where there is a schema.
    /// Returns the schema's version; `None` where there is no schema.
    pub async fn examine(&self) -> Result<Option<i64>, Error> {
        const VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
        let version: Option<i64> = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(readers).await?;
                if found != "ok" {
                    return Err(Error::Corrupt(found));
                }
                let known = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
                match sqlx::query_scalar(known).fetch_one(readers).await? {
                    0_i64 => None,
                    _ => sqlx::query_scalar(VERSION).fetch_one(readers).await?,
                }
            }
            Pools::Postgres(pool) => {
                let known = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
                match sqlx::query_scalar(known).fetch_one(pool).await? {
                    false => None,
                    true => sqlx::query_scalar(VERSION).fetch_one(pool).await?,
                }
            }
        };
        if version.is_some() {
            // Dropped with its transaction, which is rolled back.
            self.begin().await?.execute(crate::sql("CREATE TABLE examined_by_doctor (n INTEGER)")).await?;
        }
        Ok(version)
    }

    /// How the connections are used.
    pub fn pools(&self) -> Vec<PoolUse> {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                vec![PoolUse::of("writer", writer), PoolUse::of("readers", readers)]
            }
            Pools::Postgres(pool) => vec![PoolUse::of("all", pool)],
        }
    }

    /// The engine behind it.
    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// A connection to read with. Give it back (drop it) before writing: it may be the only one (`sqlite::memory:`).
    pub async fn read(&self) -> Result<Conn, Error> {
        Ok(Conn::new(match &self.pools {
            Pools::Sqlite { readers, .. } => Inner::SqliteRead(readers.acquire().await?),
            Pools::Postgres(pool) => Inner::PostgresRead(pool.acquire().await?),
        }))
    }

    /// Begins attempt number `attempt` of a writing transaction: use [`crate::write!`].
    #[doc(hidden)]
    pub async fn begin_attempt(&self, attempt: u32) -> Result<Option<Conn>, Error> {
        if attempt > 0 {
            // Not synchronisation: it spreads the retries of writers that collided.
            tokio::time::sleep(Duration::from_millis(2 << attempt)).await;
        }
        match self.begin().await {
            Ok(conn) => Ok(Some(conn)),
            Err(error) if error.lost_race() && attempt + 1 < ATTEMPTS_MAX => Ok(None),
            Err(error) if error.lost_race() => Err(Error::Busy),
            Err(error) => Err(error),
        }
    }

    /// Commits or rolls back, or asks for another attempt: use [`crate::write!`].
    #[doc(hidden)]
    pub async fn settle<T, E: From<Error>>(
        conn: Conn,
        result: Result<T, E>,
        attempt: u32,
    ) -> ControlFlow<Result<T, E>> {
        let result = match result {
            Ok(value) => match conn.commit().await {
                (Ok(()), _) => return ControlFlow::Break(Ok(value)),
                (Err(_), true) => None,
                (Err(error), false) => Some(Err(error.into())),
            },
            Err(_) if conn.lost_race => None,
            Err(error) => Some(Err(error)),
        };
        match result {
            Some(result) => ControlFlow::Break(result),
            None if attempt + 1 >= ATTEMPTS_MAX => ControlFlow::Break(Err(Error::Busy.into())),
            None => ControlFlow::Continue(()),
        }
    }

    async fn begin(&self) -> Result<Conn, Error> {
        Ok(Conn::new(match &self.pools {
            Pools::Sqlite { writer, .. } => Inner::SqliteWrite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => {
                let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
                // Before any other statement, so that the snapshot is taken after the lock is held.
                sqlx::query("LOCK TABLE one_writer IN EXCLUSIVE MODE").execute(&mut *transaction).await?;
                Inner::PostgresWrite(transaction)
            }
        }))
    }

    /// Closes all connections after the statements in progress; SQLite then folds its write-ahead log back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(options: &Options) -> Result<Pools, Error> {
    let memory = options.url.contains(":memory:");
    let connect = SqliteConnectOptions::from_str(&options.url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .journal_mode(if memory { SqliteJournalMode::Memory } else { SqliteJournalMode::Wal })
        .synchronous(SqliteSynchronous::Normal);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE * 2)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(connect.clone())
        .await?;
    // A database in memory lives in its one connection, which then reads too.
    let readers = if memory {
        writer.clone()
    } else {
        let pool = SqlitePoolOptions::new().max_connections(options.connections_max.max(1)).acquire_timeout(PATIENCE);
        pool.connect_with(connect.pragma("query_only", "ON")).await?
    };
    Ok(Pools::Sqlite { writer, readers })
}
