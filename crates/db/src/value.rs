//! Statements, their parameters, and rows with typed columns.

use kit::UnixMillis;
use sqlx::Row as _;

use crate::Error;

/// A parameter. `None` is SQL NULL and keeps its type, which PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}
impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}
impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<UnixMillis> for Value {
    fn from(value: UnixMillis) -> Self {
        Self::Int(Some(value.get()))
    }
}
impl From<Option<UnixMillis>> for Value {
    fn from(value: Option<UnixMillis>) -> Self {
        Self::Int(value.map(UnixMillis::get))
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// One statement in the common subset, with `$1` placeholders, and its parameters.
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run on a connection"]
pub struct Query {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
}

/// Begins a statement: `sql("SELECT … WHERE id = $1").bind(id)`.
pub fn sql(text: &'static str) -> Query {
    Query { text, values: Vec::new() }
}

impl Query {
    /// Binds the next placeholder.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) fn sqlite(self) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
        self.values.into_iter().fold(sqlx::query(self.text), |query, value| match value {
            Value::Text(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Bool(value) => query.bind(value),
        })
    }

    pub(crate) fn postgres(self) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
        self.values.into_iter().fold(sqlx::query(self.text), |query, value| match value {
            Value::Text(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Bool(value) => query.bind(value),
        })
    }
}

/// One row of an answer. Columns are read by name; a missing column or another type is an [`Error::Stored`].
pub enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    fn get<T>(&self, column: &'static str) -> Result<T, Error>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(|error| Error::Stored { column, reason: error.to_string() })
    }

    /// A text that is never NULL.
    pub fn text(&self, column: &'static str) -> Result<String, Error> {
        self.get(column)
    }

    /// A text or NULL.
    pub fn text_opt(&self, column: &'static str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    /// A 64-bit integer that is never NULL.
    pub fn int(&self, column: &'static str) -> Result<i64, Error> {
        self.get(column)
    }

    /// A 64-bit integer or NULL.
    pub fn int_opt(&self, column: &'static str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    /// A moment that is never NULL.
    pub fn at(&self, column: &'static str) -> Result<UnixMillis, Error> {
        self.int(column).map(UnixMillis)
    }

    /// A moment or NULL.
    pub fn at_opt(&self, column: &'static str) -> Result<Option<UnixMillis>, Error> {
        Ok(self.int_opt(column)?.map(UnixMillis))
    }

    /// A truth value.
    pub fn flag(&self, column: &'static str) -> Result<bool, Error> {
        self.get(column)
    }

    /// A word of a closed list (`CHECK (x IN (…))`), parsed.
    pub fn word<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, Error> {
        let word = self.text(column)?;
        word.parse().map_err(|_| Error::Stored { column, reason: format!("unknown word {word:?}") })
    }
}
