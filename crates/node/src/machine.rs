//! The state machine.

use std::time::Instant;

use crate::api::{ApiCall, ApiError, ApiReply, Config, ConnectRequest, ConnectionId, Datagram, Frame, Output, Reject};
use signal::token::Claims;

/// Rooms and media of one process. See the crate documentation for the contract.
#[derive(Debug)]
pub struct Node {
    config: Config,
}

impl Node {
    /// `seed` feeds identifiers; `unix_ms` is the wall clock (milliseconds since 1970, UTC) at `now`.
    pub fn new(config: Config, seed: [u8; 32], now: Instant, unix_ms: u64) -> Self {
        let _ = (seed, now, unix_ms);
        Self { config }
    }

    /// Re-anchors the wall clock, which drifts against the monotonic one. Call it about once a minute.
    pub fn set_unix_ms(&mut self, now: Instant, unix_ms: u64) {
        let _ = (now, unix_ms);
    }

    /// Whether [`Node::connect`] would admit these claims: what `/rtc/validate` answers.
    pub fn validate(&self, now: Instant, request: &ConnectRequest) -> Result<(), Reject> {
        let _ = (now, &request.claims, &self.config);
        Ok(())
    }

    /// Starts (or resumes) a session before the WebSocket is upgraded. Its first message is in the outputs already.
    pub fn connect(&mut self, now: Instant, connection: ConnectionId, request: ConnectRequest) -> Result<(), Reject> {
        let _ = (now, connection, request);
        Ok(())
    }

    /// A message of the client. Malformed ones are counted and dropped.
    pub fn frame(&mut self, now: Instant, connection: ConnectionId, frame: Frame) {
        let _ = (now, connection, frame);
    }

    /// The WebSocket is gone (closed by either side, or broken).
    pub fn disconnected(&mut self, now: Instant, connection: ConnectionId) {
        let _ = (now, connection);
    }

    /// One RoomService call, carried out at once.
    pub fn api(&mut self, now: Instant, call: ApiCall) -> Result<ApiReply, ApiError> {
        let _ = now;
        Err(ApiError { code: crate::ApiErrorCode::Unimplemented, message: format!("{call:?}") })
    }

    /// A datagram from the network. Call [`Node::flush`] after the last one of a batch.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        let _ = (now, datagram);
    }

    /// Drains every peer touched since the last call into the outputs, grouped by destination.
    pub fn flush(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`Node::handle_timeout`] wants to be called next, at the latest.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next thing to do. Drain it to `None` after each call above.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// The server goes down: every client is told to reconnect (`Leave{RECONNECT}`) and every connection is closed.
    pub fn shut_down(&mut self, now: Instant) {
        let _ = now;
    }

    /// Claims are re-exported for the driver's convenience.
    pub fn identity(claims: &Claims) -> &str {
        claims.identity()
    }
}
