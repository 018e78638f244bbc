//! STUN answers and a TURN server (RFC 8489, RFC 8656) whose only peer is our own media port.
//!
//! Sans-IO: bytes and `now` in, outputs drained; no socket, clock or thread. There is no relay socket either. An
//! allocation is an address that nobody can route to ([`relay_ip`]) with a port of its own: what a client sends through it
//! is handed to the caller as if it had arrived from there ([`Relayed`]), and what the caller sends there goes to
//! [`Server::wrap`]. So whoever has credentials reaches us and nobody else.

mod allocation;
mod api;
mod credentials;
mod frames;
#[doc(hidden)]
pub mod fuzz;
#[doc(hidden)]
pub mod message;
mod server;
mod sources;

pub use api::{Config, Counters, Limits, Output, Path, Relayed, StreamId, is_for_us, relay_ip};
pub use frames::{Foreign, Frames};
pub use server::Server;
