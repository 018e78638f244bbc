//! Sans-IO: `signal` (rooms) and `sfu` (media) composed into one state machine.
//!
//! Bytes and `now` go in through the methods of [`Node`]; what is to be done with the outside world is drained with
//! [`Node::poll_output`]. There is no socket, thread, lock or clock in here: the simulator and the fuzzers drive the
//! same type as the driver (`livekit-server`) does.

mod api;
mod convert;
pub mod fuzz;
mod machine;
mod relay;

pub use api::{Config, Output, Sizes, TurnOptions};
pub use machine::Node;
pub use relay::Relay;
pub use sfu::{Candidate, Counters, Datagram, Protocol, Route, Transmit, is_stun, local_ufrag};
pub use signal::seam::{
    ApiCall, ApiError, ApiErrorCode, ApiReply, ClientAddress, ConnectRequest, ConnectionId, Frame, Limits, Reject,
    RoomDefaults, SignalPath,
};
pub use signal::token;
pub use signal::{IceLogin, IceServer};
pub use turn::{Counters as TurnCounters, Frames as TurnFrames, Limits as TurnLimits, StreamId};
