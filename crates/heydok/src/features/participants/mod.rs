//! Who is in a meeting.

pub mod http;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
