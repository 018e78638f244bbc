//! The two ends of one signalling connection: the media thread writes, the WebSocket task reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use node::{ConnectionId, Frame};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::command::Command;
use crate::handle::Handle;

/// Messages waiting for one reader at most.
const QUEUE_MESSAGES: usize = 512;
/// Bytes waiting for one reader at most; a single larger message still passes an empty queue.
const QUEUE_BYTES: usize = 1024 * 1024;

/// What the WebSocket task is to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToClient {
    Frame(Frame),
    /// Close with code 1000; nothing follows.
    Close,
}

/// The media thread's end. Dropping it ends the connection without a close frame.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: mpsc::Sender<ToClient>,
    held: Arc<AtomicUsize>,
    cut: CancellationToken,
}

/// The WebSocket task's end of the queue.
#[derive(Debug)]
pub(crate) struct Incoming {
    queue: mpsc::Receiver<ToClient>,
    held: Arc<AtomicUsize>,
    /// Cancelled when the reader was too slow: stop at once, also in the middle of a write.
    pub(crate) cut: CancellationToken,
}

/// The reader does not keep up, or is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// Makes both ends.
pub(crate) fn pair() -> (Outgoing, Incoming) {
    let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES);
    let (held, cut) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let outgoing = Outgoing { queue: sender, held: Arc::clone(&held), cut: cut.clone() };
    (outgoing, Incoming { queue: receiver, held, cut })
}

fn length(frame: &Frame) -> usize {
    match frame {
        Frame::Binary(bytes) => bytes.len(),
        Frame::Text(text) => text.len(),
    }
}

impl Outgoing {
    /// Queues a message without waiting.
    pub(crate) fn push(&self, frame: Frame) -> Result<(), Overflow> {
        let bytes = length(&frame);
        let held = self.held.load(Ordering::Acquire);
        if held > 0 && held + bytes > QUEUE_BYTES {
            return Err(Overflow);
        }
        self.held.fetch_add(bytes, Ordering::AcqRel);
        self.queue.try_send(ToClient::Frame(frame)).map_err(|_| Overflow)
    }

    /// Queues the end of the connection.
    pub(crate) fn close(self) {
        if self.queue.try_send(ToClient::Close).is_err() {
            self.cut.cancel();
        }
    }

    /// Ends the connection without waiting for what is queued.
    pub(crate) fn cut(self) {
        self.cut.cancel();
    }
}

impl Incoming {
    /// The next thing to write; `None` when the media thread has let go of the connection. Call [`Incoming::written`]
    /// after a message has left.
    pub(crate) async fn next(&mut self) -> Option<ToClient> {
        self.queue.recv().await
    }

    /// `bytes` of a message have been written.
    pub(crate) fn written(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// A session that the node has started. Dropping it tells the node that the connection is gone.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) incoming: Incoming,
    handle: Handle,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, incoming: Incoming, handle: Handle) -> Self {
        Self { id, incoming, handle }
    }

    /// Hands a client's message to the node, waiting while it is busy. `Err` = the server stops.
    pub(crate) async fn frame(handle: &Handle, id: ConnectionId, frame: Frame) -> Result<(), Overflow> {
        let held = handle.hold(length(&frame)).await.ok_or(Overflow)?;
        handle.send(Command::Frame { connection: id, frame, _held: held }).await.map_err(|_| Overflow)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.handle.send_from_drop(Command::Disconnected(self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Frame {
        Frame::Binary(vec![0; bytes])
    }

    #[tokio::test]
    async fn a_slow_reader_holds_at_most_its_limit() {
        let (outgoing, mut incoming) = pair();
        let mut accepted = 0;
        while outgoing.push(frame(64 * 1024)).is_ok() {
            accepted += 1;
        }
        assert_eq!(accepted, QUEUE_BYTES / (64 * 1024));
        // Once something was written, there is room again.
        assert!(matches!(incoming.next().await, Some(ToClient::Frame(_))));
        incoming.written(64 * 1024);
        assert_eq!(outgoing.push(frame(64 * 1024)), Ok(()));
        assert_eq!(outgoing.push(frame(1)), Err(Overflow));
    }

    #[test]
    fn small_messages_are_bounded_by_number_and_large_ones_pass_an_empty_queue() {
        let (outgoing, _incoming) = pair();
        let accepted = std::iter::repeat_with(|| outgoing.push(frame(0))).take_while(Result::is_ok).count();
        assert_eq!(accepted, QUEUE_MESSAGES);
        let (outgoing, _incoming) = pair();
        assert_eq!(outgoing.push(frame(QUEUE_BYTES + 1)), Ok(()));
        assert_eq!(outgoing.push(frame(1)), Err(Overflow));
    }

    #[tokio::test]
    async fn closing_comes_after_what_was_queued() {
        let (outgoing, mut incoming) = pair();
        outgoing.push(frame(3)).unwrap();
        outgoing.close();
        assert_eq!(incoming.next().await, Some(ToClient::Frame(frame(3))));
        assert_eq!(incoming.next().await, Some(ToClient::Close));
        assert_eq!(incoming.next().await, None);
    }
}
