//! Sans-IO: peers on str0m, forwarding, layers.

mod api;
mod sfu;

pub use api::*;
pub use sfu::Sfu;
