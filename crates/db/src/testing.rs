//! Databases for tests: a fresh one for each test, on both engines. Not for anything else.

use std::ops::Deref;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{Db, Options};

/// Variable with the address of a PostgreSQL server on which tests may make databases.
pub const POSTGRES_URL: &str = "HEYDOK_TEST_POSTGRES_URL";

/// A fresh database with the newest schema.
pub struct TestDb {
    db: Db,
    /// Removed with its folder.
    folder: Option<std::path::PathBuf>,
    /// Server address and name, dropped at the end.
    postgres: Option<(String, String)>,
    /// What DATABASE_URL would say.
    pub url: String,
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

fn name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("heydok_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A fresh SQLite database in a file of its own.
///
/// # Panics
/// Where it cannot be made.
pub async fn sqlite() -> TestDb {
    let folder = std::env::temp_dir().join(name());
    std::fs::create_dir_all(&folder).expect("tests can write to the temporary folder");
    let url = format!("sqlite://{}", folder.join("test.db").display());
    let address = url.clone();
    let db = Db::open(&Options { url, connections_max: 4 }).await.expect("a fresh SQLite database opens");
    TestDb { db, folder: Some(folder), postgres: None, url: address }
}

/// A fresh PostgreSQL database, or `None` where [`POSTGRES_URL`] is not set.
///
/// # Panics
/// Where it is not set in CI, or the server cannot be used.
pub async fn postgres() -> Option<TestDb> {
    let Ok(server) = std::env::var(POSTGRES_URL) else {
        assert!(std::env::var("CI").is_err(), "{POSTGRES_URL} must be set in CI: no store test is skipped there");
        return None;
    };
    let name = name();
    execute(&server, &format!("CREATE DATABASE {name}")).await;
    let mut url = server.clone();
    let path = url.find("://").map_or(0, |at| at + 3);
    match url[path..].find(['/', '?']) {
        Some(at) if url[path + at..].starts_with('/') => {
            let end = url[path + at..].find('?').map_or(url.len(), |query| path + at + query);
            url.replace_range(path + at..end, &format!("/{name}"));
        }
        Some(at) => url.insert_str(path + at, &format!("/{name}")),
        None => url.push_str(&format!("/{name}")),
    }
    let address = url.clone();
    let db = Db::open(&Options { url, connections_max: 8 }).await.expect("a fresh PostgreSQL database opens");
    Some(TestDb { db, folder: None, postgres: Some((server, name)), url: address })
}

async fn execute(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server).await.expect("the PostgreSQL server of the tests answers");
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("tests may make databases");
}

/// Runs `test` on a fresh database of each engine.
pub async fn each_engine(test: impl AsyncFn(&TestDb)) {
    for db in [Some(sqlite().await), postgres().await].into_iter().flatten() {
        test(&db).await;
        db.remove().await;
    }
}

impl TestDb {
    /// Closes and removes it.
    pub async fn remove(self) {
        self.db.close().await;
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
        if let Some((server, name)) = &self.postgres {
            execute(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}
