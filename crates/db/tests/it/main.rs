//! The store's foundations, on both engines.

mod jobs;
mod schema;
mod transactions;
