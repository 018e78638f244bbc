//! Sans-IO: peers on str0m, forwarding, layers.
//!
//! A packet's way: [`Sfu::receive`] finds the peer (`demux`), str0m decrypts it, `flow` looks up its track and asks
//! each subscriber's `forward` state what to do; its `sender` numbers and encrypts it, and `egress` lets it go, in a row with
//! all else for that subscriber, once per batch. What subscribers report goes to `feedback`. str0m is named nowhere outside
//! this crate.

mod allocate;
mod api;
mod bandwidth;
mod blank;
mod capture;
mod codec;
mod demux;
mod egress;
mod extensions;
mod feedback;
mod flow;
mod forward;
#[doc(hidden)]
pub mod fuzz;
mod hop;
mod keys;
mod levels;
mod negotiate;
mod peer;
mod precheck;
mod red;
mod sender;
mod sfu;
mod slab;
mod stats;
mod timers;
mod track;

pub use api::*;
pub use demux::{is_stun, local_ufrag};
pub use hop::{Hop, HopPacket};
pub use sfu::Sfu;
