//! Pools, dialect, migrations, transactions and the job queue: one SQL text for SQLite and PostgreSQL.
//!
//! The whole crate is [`Db`] (open, read), [`write!`], [`Conn`] (run a [`Query`]), [`Row`] (typed columns) and [`jobs`]. Statements are
//! in the common subset of both engines, with `$1` placeholders; ids are text, times are integer milliseconds since 1970 (UTC).

mod conn;
mod error;
pub mod jobs;
mod migrations;
mod pool;
#[doc(hidden)]
pub mod testing;
mod value;

pub use conn::Conn;
pub use error::Error;
pub use migrations::{SCHEMA_VERSION, schema_sql};
pub use pool::{Db, Engine, Options};
pub use value::{Query, Row, Value, sql};

/// Runs an expression in one transaction and commits when it is `Ok`; everything else rolls back.
///
/// ```ignore
/// let code = db::write!(app.db(), conn => store::insert(conn, &new).await)?;
/// ```
///
/// Writers go one at a time on both engines (SQLite: `BEGIN IMMEDIATE` on the one writing connection; PostgreSQL: SERIALIZABLE
/// behind one table lock taken before the snapshot), so sequence numbers are in commit order. When another process wins, the
/// expression is run again from the start, so it must have no effect outside the connection it is given, and it must not
/// contain `?` or `return`. (A macro, because the future of a function that takes an async closure is not `Send` for all
/// borrows, and handlers must be.)
#[macro_export]
macro_rules! write {
    ($db:expr, $conn:ident => $body:expr) => {{
        let db: &$crate::Db = $db;
        let mut attempt = 0;
        loop {
            match db.begin_attempt(attempt).await {
                Ok(None) => {}
                Err(error) => break Err(::core::convert::From::from(error)),
                Ok(Some(mut transaction)) => {
                    let $conn = &mut transaction;
                    let result = $body;
                    if let ::core::ops::ControlFlow::Break(result) =
                        $crate::Db::settle(transaction, result, attempt).await
                    {
                        break result;
                    }
                }
            }
            attempt += 1;
        }
    }};
}
