//! A guest joins: the exemplary slice. `rules` decides, `store` keeps, `http` answers.

pub mod http;
pub mod rules;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
