//! The HTTP side that all features share: context, problems, bodies, the embedded web client, the API's own documents.

pub mod assets;
pub mod auth;
pub mod body;
pub mod context;
pub mod cors;
pub mod docs;
pub mod fields;
pub mod idempotency;
pub mod limit;
pub mod measure;
pub mod problem;
pub mod query;
pub mod router;
pub mod web;

pub use body::Body;
pub use context::Context;
pub use fields::Fields;
pub use problem::Problem;
pub use query::Query;
