//! Load for a LiveKit server: synthetic participants that speak its published protocol, and what they see.
//!
//! A [`Participant`] joins as an official client does (`/rtc/v1`, one peer connection), publishes VP8 and Opus packets
//! whose headers are real and whose contents are not, receives, counts, and measures. A [`Scenario`] is a room full of
//! them and a window of steady state. Nothing here knows our own server: any address, key and secret will do.

mod beside;
mod chart;
mod churn;
mod connection;
mod crowd;
mod error;
mod histogram;
mod packets;
mod participant;
mod peer;
mod process;
mod publisher;
mod report;
mod scenario;
mod stats;
mod storm;
mod target;
mod transport;

pub use beside::{Beside, Flow};
pub use chart::Chart;
pub use churn::Churn;
pub use error::LoadError;
pub use histogram::Histogram;
pub use participant::{Participant, Plan};
pub use process::{Process, Usage};
pub use publisher::{AudioPlan, VideoPlan};
pub use report::{Comparison, Measured, Report, markdown};
pub use scenario::{Outcome, Scenario, Window, measure};
pub use stats::{JoinPhases, Stats, Totals};
pub use storm::Storm;
pub use target::Target;
pub use transport::{Path, Told, Transport};
