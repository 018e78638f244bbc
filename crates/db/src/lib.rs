//! Pools, dialect, migrations, transactions and the job queue: one SQL text for SQLite and PostgreSQL.
