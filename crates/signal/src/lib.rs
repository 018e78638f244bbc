//! Sans-IO: the room, LiveKit signalling, SDP shaping.
//!
//! [`Signal`] holds all rooms of a process. Requests of clients, RoomService calls, reports of the media engine and time
//! go in; messages for clients, orders to the media engine and webhook events come out of [`Signal::poll_output`]. There
//! is no socket, thread, lock or clock in here, and nothing of the media engine: whoever composes both carries out the
//! [`seam::MediaCommand`]s in order and reports back.
//!
//! What it does follows livekit-server as its official clients see it; `docs/livekit-compatibility.md` says where not.

mod bounds;
mod data_packet;
#[doc(hidden)]
pub mod fuzz;
mod ice_server;
mod ids;
mod message;
mod pace;
mod participant;
mod room;
mod sdp;
pub mod seam;
mod service;
pub mod token;
mod track;

pub use ice_server::{IceLogin, IceServer};
pub use seam::Config;
pub use service::Signal;
