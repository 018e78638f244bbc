//! A connection: the only thing that runs statements, inside a transaction or outside.

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::{Error, Query, Row};

/// A connection to one of the two engines, lent by [`crate::Db::read`] or by [`crate::write!`].
pub struct Conn {
    pub(crate) inner: Inner,
    /// Set when a statement failed because another writer won; [`crate::Db::write`] then runs the transaction again.
    pub(crate) lost_race: bool,
}

pub(crate) enum Inner {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

impl Conn {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner, lost_race: false }
    }

    fn note<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            let error = Error::from(error);
            self.lost_race |= error.lost_race();
            error
        })
    }

    /// Runs a statement and returns the number of rows it changed.
    pub async fn execute(&mut self, query: Query) -> Result<u64, Error> {
        let result = match &mut self.inner {
            Inner::SqliteRead(conn) => query.sqlite().execute(&mut **conn).await.map(|done| done.rows_affected()),
            Inner::SqliteWrite(conn) => query.sqlite().execute(&mut **conn).await.map(|done| done.rows_affected()),
            Inner::PostgresRead(conn) => query.postgres().execute(&mut **conn).await.map(|done| done.rows_affected()),
            Inner::PostgresWrite(conn) => query.postgres().execute(&mut **conn).await.map(|done| done.rows_affected()),
        };
        self.note(result)
    }

    /// Runs a statement and returns all rows. Callers bound them with `LIMIT` or by what the row belongs to.
    pub async fn all(&mut self, query: Query) -> Result<Vec<Row>, Error> {
        let result = match &mut self.inner {
            Inner::SqliteRead(conn) => query.sqlite().fetch_all(&mut **conn).await.map(wrap_sqlite),
            Inner::SqliteWrite(conn) => query.sqlite().fetch_all(&mut **conn).await.map(wrap_sqlite),
            Inner::PostgresRead(conn) => query.postgres().fetch_all(&mut **conn).await.map(wrap_postgres),
            Inner::PostgresWrite(conn) => query.postgres().fetch_all(&mut **conn).await.map(wrap_postgres),
        };
        self.note(result)
    }

    /// Runs a statement and returns its first row, if there is one.
    pub async fn optional(&mut self, query: Query) -> Result<Option<Row>, Error> {
        let result = match &mut self.inner {
            Inner::SqliteRead(conn) => query.sqlite().fetch_optional(&mut **conn).await.map(|row| row.map(Row::Sqlite)),
            Inner::SqliteWrite(conn) => {
                query.sqlite().fetch_optional(&mut **conn).await.map(|row| row.map(Row::Sqlite))
            }
            Inner::PostgresRead(conn) => {
                query.postgres().fetch_optional(&mut **conn).await.map(|row| row.map(Row::Postgres))
            }
            Inner::PostgresWrite(conn) => {
                query.postgres().fetch_optional(&mut **conn).await.map(|row| row.map(Row::Postgres))
            }
        };
        self.note(result)
    }

    /// Runs a statement that always has one row (an aggregate).
    pub async fn one(&mut self, query: Query) -> Result<Row, Error> {
        self.optional(query).await?.ok_or(Error::Engine(sqlx::Error::RowNotFound))
    }

    pub(crate) async fn commit(mut self) -> (Result<(), Error>, bool) {
        let result = match std::mem::replace(&mut self.lost_race, false) {
            true => return (Err(Error::Busy), true),
            false => match self.inner {
                Inner::SqliteWrite(transaction) => transaction.commit().await,
                Inner::PostgresWrite(transaction) => transaction.commit().await,
                Inner::SqliteRead(_) | Inner::PostgresRead(_) => Ok(()),
            },
        };
        let result = result.map_err(Error::from);
        let lost_race = result.as_ref().is_err_and(Error::lost_race);
        (result, lost_race)
    }
}

fn wrap_sqlite(rows: Vec<sqlx::sqlite::SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Sqlite).collect()
}

fn wrap_postgres(rows: Vec<sqlx::postgres::PgRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Postgres).collect()
}
