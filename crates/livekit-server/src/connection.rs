//! The two ends of one signalling connection: the media thread writes, the WebSocket task reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use node::{ConnectionId, Frame};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::command::Command;
use crate::handle::Handle;

/// Messages waiting for one reader at most.
const QUEUE_MESSAGES: usize = 512;
/// Bytes waiting for one reader at most, those that are being written included; a single larger message still passes an empty
/// queue, and the snapshot that opens a session does not count. All that a reader can make us hold is a mebibyte: this, as much
/// again for the WebSocket's buffer, which may be twice as large as the message in it, and what the system takes unsent.
const QUEUE_BYTES: u64 = 448 * 1024;

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
    /// Bytes queued and written since the start.
    queued: u64,
    written: Arc<AtomicU64>,
    /// How many of the first bytes are the snapshot.
    snapshot: u64,
    cut: CancellationToken,
}

/// The WebSocket task's end of the queue.
#[derive(Debug)]
pub(crate) struct Incoming {
    queue: mpsc::Receiver<ToClient>,
    written: Arc<AtomicU64>,
    /// Cancelled when the reader was too slow: stop at once, also in the middle of a write.
    pub(crate) cut: CancellationToken,
}

/// Why a message cannot be handed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// The reader does not keep up.
    TooSlow,
    /// The other end is not there any longer: a client that leaves, a server that stops.
    Gone,
}

impl<T> From<mpsc::error::TrySendError<T>> for Undelivered {
    fn from(error: mpsc::error::TrySendError<T>) -> Self {
        match error {
            mpsc::error::TrySendError::Full(_) => Self::TooSlow,
            mpsc::error::TrySendError::Closed(_) => Self::Gone,
        }
    }
}

/// Makes both ends.
pub(crate) fn pair() -> (Outgoing, Incoming) {
    let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES);
    let (written, cut) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let outgoing = Outgoing { queue: sender, queued: 0, written: Arc::clone(&written), snapshot: 0, cut: cut.clone() };
    (outgoing, Incoming { queue: receiver, written, cut })
}

fn length(frame: &Frame) -> usize {
    match frame {
        Frame::Binary(bytes) => bytes.len(),
        Frame::Text(text) => text.len(),
    }
}

impl Outgoing {
    /// Queues a message without waiting.
    pub(crate) fn push(&mut self, frame: Frame) -> Result<(), Undelivered> {
        let bytes = length(&frame) as u64;
        // The snapshot leaves first, so it is the first bytes written.
        let held = self.queued - self.written.load(Ordering::Acquire).max(self.snapshot);
        if held > 0 && held + bytes > QUEUE_BYTES {
            return Err(if self.queue.is_closed() { Undelivered::Gone } else { Undelivered::TooSlow });
        }
        self.queued += bytes;
        self.queue.try_send(ToClient::Frame(frame)).map_err(Undelivered::from)
    }

    /// Queues a message of the snapshot that opens a session. It is as large as the room is (the node bounds
    /// participants and what each tells of itself), and nobody can have read any of it yet.
    pub(crate) fn push_snapshot(&mut self, frame: Frame) -> Result<(), Undelivered> {
        self.queued += length(&frame) as u64;
        self.snapshot = self.queued;
        self.queue.try_send(ToClient::Frame(frame)).map_err(Undelivered::from)
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
        self.written.fetch_add(bytes as u64, Ordering::AcqRel);
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
    pub(crate) async fn frame(handle: &Handle, id: ConnectionId, frame: Frame) -> Result<(), Undelivered> {
        let held = handle.hold(length(&frame)).await.ok_or(Undelivered::Gone)?;
        let command = Command::Frame { connection: id, frame, _held: held };
        handle.send(handle.thread_of(id), command).await.map_err(|_| Undelivered::Gone)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.handle.disconnected(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = QUEUE_BYTES as usize;

    fn frame(bytes: usize) -> Frame {
        Frame::Binary(vec![0; bytes])
    }

    #[tokio::test]
    async fn a_slow_reader_holds_at_most_its_limit() {
        let (mut outgoing, mut incoming) = pair();
        let mut accepted = 0;
        while outgoing.push(frame(64 * 1024)).is_ok() {
            accepted += 1;
        }
        assert_eq!(accepted, BYTES / (64 * 1024));
        // Once something was written, there is room again.
        assert!(matches!(incoming.next().await, Some(ToClient::Frame(_))));
        incoming.written(64 * 1024);
        assert_eq!(outgoing.push(frame(64 * 1024)), Ok(()));
        assert_eq!(outgoing.push(frame(1)), Err(Undelivered::TooSlow));
    }

    #[test]
    fn small_messages_are_bounded_by_number_and_large_ones_pass_an_empty_queue() {
        let (mut outgoing, _incoming) = pair();
        let accepted = std::iter::repeat_with(|| outgoing.push(frame(0))).take_while(Result::is_ok).count();
        assert_eq!(accepted, QUEUE_MESSAGES);
        let (mut outgoing, _incoming) = pair();
        assert_eq!(outgoing.push(frame(BYTES + 1)), Ok(()));
        assert_eq!(outgoing.push(frame(1)), Err(Undelivered::TooSlow));
    }

    /// However large the room is, one can come into it; what follows is bounded as ever.
    #[tokio::test]
    async fn the_opening_snapshot_does_not_count() {
        let (mut outgoing, mut incoming) = pair();
        assert_eq!(outgoing.push_snapshot(frame(3 * BYTES)), Ok(()));
        assert_eq!(outgoing.push_snapshot(frame(BYTES)), Ok(()));
        assert_eq!(outgoing.push(frame(BYTES)), Ok(()));
        assert_eq!(outgoing.push(frame(1)), Err(Undelivered::TooSlow));
        // The snapshot is written in parts, which makes no room for more; the message after it does.
        for bytes in [3 * BYTES, BYTES] {
            assert_eq!(incoming.next().await, Some(ToClient::Frame(frame(bytes))));
            incoming.written(bytes);
            assert_eq!(outgoing.push(frame(1)), Err(Undelivered::TooSlow));
        }
        assert!(incoming.next().await.is_some());
        incoming.written(BYTES);
        assert_eq!(outgoing.push(frame(BYTES)), Ok(()));
    }

    /// Whatever was still waiting for a client that leaves, it was not slow.
    #[test]
    fn who_leaves_is_not_slow() {
        for waiting in [0, 1, BYTES] {
            let (mut outgoing, incoming) = pair();
            outgoing.push(frame(waiting)).unwrap();
            drop(incoming);
            assert_eq!(outgoing.push(frame(1)), Err(Undelivered::Gone), "{waiting} bytes");
            assert_eq!(outgoing.push_snapshot(frame(1)), Err(Undelivered::Gone));
        }
    }

    #[tokio::test]
    async fn closing_comes_after_what_was_queued() {
        let (mut outgoing, mut incoming) = pair();
        outgoing.push(frame(3)).unwrap();
        outgoing.close();
        assert_eq!(incoming.next().await, Some(ToClient::Frame(frame(3))));
        assert_eq!(incoming.next().await, Some(ToClient::Close));
        assert_eq!(incoming.next().await, None);
    }
}
