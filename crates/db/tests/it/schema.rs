use db::testing::{postgres, sqlite};
use db::{Db, Engine, sql};

/// Table, column, whether it may be NULL.
async fn columns(db: &Db) -> Vec<(String, String, bool)> {
    let query = match db.engine() {
        Engine::Sqlite => sql("SELECT m.name AS t, c.name AS c, CASE WHEN c.\"notnull\" = 1 THEN 'NO' ELSE 'YES' END AS n
                               FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2"),
        Engine::Postgres => sql("SELECT table_name::text AS t, column_name::text AS c, is_nullable::text AS n FROM information_schema.columns
                                 WHERE table_schema = 'public' ORDER BY table_name::text COLLATE \"C\", column_name::text COLLATE \"C\""),
    };
    let rows = db.read().await.unwrap().all(query).await.unwrap();
    let rows = rows.iter().map(|row| (row.text("t").unwrap(), row.text("c").unwrap(), row.text("n").unwrap() == "YES"));
    // The writers' lock is PostgreSQL's own, and each engine keeps its own list of migrations.
    rows.filter(|(table, ..)| !["one_writer", "_sqlx_migrations", "sqlite_sequence"].contains(&table.as_str()))
        .collect()
}

/// Both migration folders lead to the same tables and columns.
#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let lite = sqlite().await;
    let sqlite_columns = columns(&lite).await;
    assert!(sqlite_columns.len() > 100, "{}", sqlite_columns.len());
    if let Some(pg) = postgres().await {
        assert_eq!(columns(&pg).await, sqlite_columns);
        pg.remove().await;
    }
    lite.remove().await;
}

/// An examination tells the schema, changes nothing, and sees damage.
#[tokio::test]
async fn an_examination_changes_nothing() {
    let lite = sqlite().await;
    let before = columns(&lite).await;
    assert_eq!(lite.examine().await.unwrap(), Some(db::SCHEMA_VERSION));
    assert_eq!(columns(&lite).await, before);
    if let Some(pg) = postgres().await {
        assert_eq!(pg.examine().await.unwrap(), Some(db::SCHEMA_VERSION));
        assert_eq!(columns(&pg).await, before);
        pg.remove().await;
    }
    lite.remove().await;
    let empty = Db::connect(&db::Options { url: "sqlite::memory:".into(), connections_max: 1 }).await.unwrap();
    assert_eq!(empty.examine().await.unwrap(), None);
}
