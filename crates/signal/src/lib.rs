//! Sans-IO: the room, LiveKit signalling, SDP shaping.

pub mod token;
