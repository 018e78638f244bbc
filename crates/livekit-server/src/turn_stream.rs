//! TURN over streams that somebody else has opened and decrypted (TURN over TLS): a task reads and writes each, the media
//! thread takes them apart.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use node::{StreamId, TurnFrames};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::handle::Handle;
use crate::stats::Counters;
use crate::ways::Taker;

/// Streams at most; the next one ends at once.
const STREAMS_MAX: usize = 4096;
/// Messages waiting for one reader at most, of two thousand bytes; what is beyond is dropped, as a full UDP socket would.
const QUEUE_MESSAGES: usize = 256;
/// Messages that leave in one write at most.
const WRITE_MESSAGES: usize = 64;
/// Bytes of one read, and reads of one stream that wait for the media thread at most.
const READ_BYTES: usize = 16 * 1024;
const READS_WAITING: usize = 4;
/// A stream without an allocation is ended after this long, counted from the last answer.
const STRANGER_MAX: Duration = Duration::from_secs(30);
/// How often those are looked for.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// What tasks tell the media thread.
pub(crate) enum StreamNews {
    Opened {
        id: StreamId,
        remote: SocketAddr,
        queue: mpsc::Sender<Vec<u8>>,
        ended: CancellationToken,
    },
    /// `_held` bounds what waits of one stream, and is released once it was read.
    Bytes {
        id: StreamId,
        bytes: Vec<u8>,
        _held: OwnedSemaphorePermit,
    },
    Closed(StreamId),
}

/// The media thread's end of all streams.
#[derive(Debug)]
pub(crate) struct TurnStreams {
    streams: HashMap<StreamId, Stream>,
    swept_at: Instant,
}

#[derive(Debug)]
struct Stream {
    remote: SocketAddr,
    frames: TurnFrames,
    queue: mpsc::Sender<Vec<u8>>,
    ended: CancellationToken,
    answered_at: Instant,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl TurnStreams {
    pub(crate) fn new(now: Instant) -> Self {
        Self { streams: HashMap::new(), swept_at: now }
    }

    /// Carries out what a task tells.
    pub(crate) fn take(&mut self, now: Instant, news: StreamNews, taker: &mut impl Taker, counters: &mut Counters) {
        match news {
            StreamNews::Opened { id, remote, queue, ended } => {
                let frames = TurnFrames::default();
                let stream = Stream { remote, frames, queue, ended, answered_at: now };
                if self.streams.len() < STREAMS_MAX {
                    self.streams.insert(id, stream);
                }
            }
            StreamNews::Bytes { id, bytes, _held } => {
                let Some(Stream { remote, frames, .. }) = self.streams.get_mut(&id) else { return };
                let result = frames.push(&bytes, |message| {
                    counters.packets_in += 1;
                    counters.bytes_in += message.len() as u64;
                    taker.receive_stream(now, id, *remote, message);
                });
                if result.is_err() {
                    self.close(id, taker);
                }
            }
            StreamNews::Closed(id) => self.close(id, taker),
        }
    }

    /// Queues a message; a stream that is gone or does not read loses it.
    pub(crate) fn queue(&mut self, now: Instant, id: StreamId, contents: Vec<u8>, counters: &mut Counters) {
        let length = contents.len();
        let Some(stream) = self.streams.get_mut(&id) else {
            counters.send_failed += 1;
            return;
        };
        match stream.queue.try_send(contents) {
            Ok(()) => {
                stream.answered_at = now;
                counters.sent(1, length);
            }
            Err(_) => counters.send_dropped += 1,
        }
    }

    /// Ends streams that carry nothing.
    pub(crate) fn sweep(&mut self, now: Instant, taker: &mut impl Taker) {
        if now.saturating_duration_since(self.swept_at) < SWEEP_PERIOD {
            return;
        }
        self.swept_at = now;
        let is_stranger = |(id, one): &(&StreamId, &Stream)| {
            now.saturating_duration_since(one.answered_at) > STRANGER_MAX && !taker.has_allocation(**id, one.remote)
        };
        let strangers: Vec<StreamId> = self.streams.iter().filter(is_stranger).map(|(id, _)| *id).collect();
        strangers.into_iter().for_each(|id| self.close(id, taker));
    }

    fn close(&mut self, id: StreamId, taker: &mut impl Taker) {
        if let Some(stream) = self.streams.remove(&id) {
            taker.stream_closed(id, stream.remote);
        }
    }
}

/// Tells the media thread, also where the task is dropped.
struct Closing {
    handle: Handle,
    id: StreamId,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.handle.stream_closed(self.id);
    }
}

impl Handle {
    /// Speaks TURN with the client at `remote` over a stream that was opened elsewhere, and decrypted where it was
    /// encrypted. Returns when either side ends it: the client, a stream that is not TURN or carries no allocation for
    /// half a minute, too many streams (4,096, and of one network as many as may use the TCP port), or the server's end.
    pub async fn serve_turn_stream<S>(&self, stream: S, remote: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let remote = crate::address::canonical(remote);
        let Some(_place) = self.turn_place(remote.ip()) else { return };
        let (queue, mut outgoing) = mpsc::channel(QUEUE_MESSAGES);
        let ended = CancellationToken::new();
        let id = self.next_stream();
        let opened = StreamNews::Opened { id, remote, queue, ended: ended.clone() };
        if self.tell(opened).await.is_err() {
            return;
        }
        let _closing = Closing { handle: self.clone(), id };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let reading = async {
            let waiting = Arc::new(Semaphore::new(READS_WAITING));
            let mut buffer = vec![0; READ_BYTES];
            loop {
                // The semaphore is never closed.
                let Ok(_held) = Arc::clone(&waiting).acquire_owned().await else { return };
                match reader.read(&mut buffer).await {
                    Ok(length @ 1..) => {
                        let bytes = buffer[..length].to_vec();
                        if self.tell(StreamNews::Bytes { id, bytes, _held }).await.is_err() {
                            return;
                        }
                    }
                    _ => return,
                }
            }
        };
        let writing = async {
            let mut messages = Vec::with_capacity(WRITE_MESSAGES);
            while outgoing.recv_many(&mut messages, WRITE_MESSAGES).await > 0 {
                let bytes = messages.concat();
                messages.clear();
                if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = writing => {}
            () = ended.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kit::{Clock as _, Secret, SystemClock};
    use node::token::ApiKeys;
    use node::{Limits, Node, Output, RoomDefaults, TurnLimits, TurnOptions};
    use testkit::turn::{Step, TurnClient};

    use super::*;

    const UNIX_MS: u64 = 1_700_000_000_000;

    fn node(now: Instant) -> Node {
        let ours = "203.0.113.9:7882".parse().unwrap();
        let config = node::Config {
            node_id: "ND_test".into(),
            candidates: vec![node::Candidate { protocol: node::Protocol::Udp, advertised: ours, bound: ours }],
            ice_lite: true,
            ice_servers: Vec::new(),
            turn: Some(TurnOptions { secret: Secret::new("north"), limits: TurnLimits::default() }),
            keys: Arc::new(ApiKeys::new(Vec::new())),
            room: RoomDefaults::default(),
            limits: Limits::default(),
            send_side_bwe: false,
            simulate_scenarios: false,
        };
        Node::new(config, [0; 32], now, UNIX_MS)
    }

    /// Who vanishes without closing its stream keeps its place for as long as its allocation lasts, and no longer.
    #[tokio::test]
    async fn a_stream_ends_with_its_allocation() {
        let start = SystemClock.instant();
        let (mut node, mut streams, mut counters) = (node(start), TurnStreams::new(start), Counters::default());
        let (id, remote) = (StreamId(1), "192.0.2.7:50000".parse().unwrap());
        let (queue, _reading) = mpsc::channel(QUEUE_MESSAGES);
        let ended = CancellationToken::new();
        streams.take(start, StreamNews::Opened { id, remote, queue, ended: ended.clone() }, &mut node, &mut counters);
        let user_name = format!("{}:PA_anna", UNIX_MS / 1000 + 3600);
        let password = kit::turn_password(&Secret::new("north"), &user_name);
        let mut turn = TurnClient::new(&user_name, &password, "203.0.113.9:7882".parse().unwrap());
        let mut bytes = turn.allocate();
        while !turn.ready {
            let _held = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
            streams.take(start, StreamNews::Bytes { id, bytes, _held }, &mut node, &mut counters);
            let Some(Output::Stream(_, _, answer)) = node.poll_output() else { panic!("an answer") };
            bytes = match turn.receive(&answer) {
                Step::Send(bytes) => bytes,
                _ => Vec::new(),
            };
        }
        let mut minutes = |minutes: u64| {
            let now = start + Duration::from_secs(60 * minutes);
            node.handle_timeout(now);
            streams.sweep(now, &mut node);
            streams.streams.len()
        };
        assert_eq!(minutes(9), 1, "it is refreshed once in ten minutes");
        assert_eq!((minutes(11), ended.is_cancelled()), (0, true));
    }
}
