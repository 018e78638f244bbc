//! What operators and monitors ask for.

pub mod http;
mod probes;
#[cfg(test)]
mod tests;

pub use probes::Probes;
