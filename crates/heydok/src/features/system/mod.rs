//! What operators and monitors ask for.

pub mod http;
