//! Who is in a meeting.

pub mod http;
pub mod store;
#[cfg(test)]
mod tests;
