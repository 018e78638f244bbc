//! What operators and monitors ask for.

pub mod http;
#[cfg(test)]
mod tests;
