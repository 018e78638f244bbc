//! What operators and monitors ask for.

mod gauges;
pub mod http;
mod probes;
#[cfg(test)]
mod tests;

pub use probes::Probes;
