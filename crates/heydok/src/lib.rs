//! The heydok binary's library: configuration, HTTP and every product feature.
#![expect(unused_qualifications, reason = "utoipa's derive writes out names that are in scope")]

pub mod app;
pub mod bench;
mod capacity;
pub mod cli;
pub mod commands;
pub mod config;
pub mod crypto;
pub mod doctor;
pub mod features;
pub mod http;
pub mod https;
pub mod limits;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod secrets;
pub mod serve;
pub mod startup;
#[cfg(test)]
mod tests;
