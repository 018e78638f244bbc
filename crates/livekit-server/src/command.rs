//! What the asynchronous side asks of the media thread.

use node::{ApiCall, ApiError, ApiReply, ConnectRequest, ConnectionId, Frame, Reject};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::connection::Outgoing;
use crate::placement::Hold;

/// One request; those with a `reply` are answered in the order they are carried out. A dropped receiver is fine.
///
/// Requests that may make a room hold it at the thread until they are carried out.
pub(crate) enum Command {
    Connect {
        connection: ConnectionId,
        request: Box<ConnectRequest>,
        outgoing: Outgoing,
        reply: oneshot::Sender<Result<(), Reject>>,
        _hold: Hold,
    },
    Validate {
        request: Box<ConnectRequest>,
        reply: oneshot::Sender<Result<(), Reject>>,
    },
    /// A message of a client; `_held` bounds the bytes that wait in the queue and is released once it was handled.
    Frame {
        connection: ConnectionId,
        frame: Frame,
        _held: OwnedSemaphorePermit,
    },
    Disconnected(ConnectionId),
    Api {
        call: Box<ApiCall>,
        reply: oneshot::Sender<Result<ApiReply, ApiError>>,
        _hold: Option<Hold>,
    },
    /// Tell every client to reconnect; answered once all of that is in the queues of the connections.
    ShutDown(oneshot::Sender<()>),
}
