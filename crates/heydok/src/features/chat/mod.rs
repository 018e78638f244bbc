//! Chat: stored first, then told to the room.

pub mod http;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
