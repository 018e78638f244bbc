//! The handle through which everything asynchronous reaches the media threads.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use livekit_protocol::ListRoomsResponse;
use node::token::ApiKeys;
use node::{ApiCall, ApiError, ApiReply, ConnectRequest, ConnectionId, Reject, StreamId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::address::Advertised;
use crate::command::Command;
use crate::config::Config;
use crate::connection::{self, Connection};
use crate::crowd::{Crowd, Place};
use crate::placement::{Hold, Placement};
use crate::stats::{Figures, Stats};
use crate::threads::Threads;
use crate::turn_stream::StreamNews;
use crate::webhook::Webhooks;

/// Bytes of clients' messages waiting for the media threads at most.
const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a shutdown waits for connections to be flushed and closed, and then for webhooks.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// The media threads are gone, or the server is shutting down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("server is shutting down")]
pub struct Unavailable;

/// A cheap, cloneable way to the running server.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

/// The ways into the threads.
pub(crate) struct Entrances {
    pub(crate) threads: Arc<Threads>,
    pub(crate) rooms: Arc<Placement>,
    pub(crate) figures: Arc<Figures>,
    /// Of each media thread.
    pub(crate) commands: Vec<mpsc::Sender<Command>>,
    /// Of the last thread: the only one, or the receiver.
    pub(crate) streams: mpsc::Sender<StreamNews>,
}

struct Inner {
    into: Entrances,
    next_connection: AtomicU64,
    next_stream: AtomicU64,
    turn_crowd: Arc<Crowd>,
    frame_bytes: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    keys: Arc<ApiKeys>,
    signal_message_bytes: usize,
    advertised: Arc<Advertised>,
    shutting_down: AtomicBool,
    tracker: TaskTracker,
    webhooks: Webhooks,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Handle").field("advertised", &self.0.advertised).finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(config: Config, advertised: Arc<Advertised>, webhooks: Webhooks, into: Entrances) -> Self {
        Self(Arc::new(Inner {
            into,
            next_connection: AtomicU64::new(1),
            next_stream: AtomicU64::new(1),
            turn_crowd: Crowd::new(config.rtc.tcp_connections_per_network, |_| false),
            frame_bytes: Arc::new(Semaphore::new(FRAME_BYTES_MAX)),
            crowd: Crowd::new(config.connections_per_address, |address| address.is_loopback()),
            keys: config.keys,
            signal_message_bytes: config.limits.signal_message_bytes,
            advertised,
            shutting_down: AtomicBool::new(false),
            tracker: TaskTracker::new(),
            webhooks,
        }))
    }

    /// The addresses told to clients; the UDP port in them is the real one.
    pub fn addresses(&self) -> &Advertised {
        &self.0.advertised
    }

    /// Keys that tokens are verified with.
    pub fn keys(&self) -> &Arc<ApiKeys> {
        &self.0.keys
    }

    /// The media threads' figures of the last second.
    pub fn stats(&self) -> Stats {
        self.0.into.figures.stats()
    }

    /// The same of each media thread; where there are several, the last is of the thread that reads the ports for them.
    pub fn stats_each(&self) -> Vec<Stats> {
        self.0.into.figures.each()
    }

    /// Sends the same signed webhook requests as to the configured addresses to `receiver`, in memory, as
    /// `POST /api/v1/webhooks/livekit`. Events before this call are not repeated.
    pub fn attach_webhook_receiver(&self, receiver: axum::Router) {
        self.0.webhooks.attach(receiver);
    }

    /// Whether a connection with these claims would be admitted.
    pub(crate) async fn validate(&self, request: ConnectRequest) -> Result<(), Reject> {
        let (reply, answer) = oneshot::channel();
        self.open()?;
        let Entrances { rooms, figures, .. } = &self.0.into;
        let known = rooms.find(&request.claims.grant().room);
        let thread = known.unwrap_or_else(|| rooms.least(|thread| figures.load_permille(thread)));
        self.send(thread, Command::Validate { request: Box::new(request), reply }).await?;
        answer.await.map_err(|_| Unavailable)?
    }

    /// Keeps a room, which may not exist yet, at a thread: the one it has, or the one with the least to do.
    fn keep(&self, room: &str) -> Hold {
        let Entrances { rooms, figures, .. } = &self.0.into;
        rooms.hold(room, |thread| figures.load_permille(thread))
    }

    /// Starts a session; its first message waits in the connection's queue.
    pub(crate) async fn connect(&self, request: ConnectRequest) -> Result<Connection, Reject> {
        self.open()?;
        let hold = self.keep(&request.claims.grant().room);
        let id = self.next_connection(hold.thread);
        let (outgoing, incoming) = connection::pair();
        // Made before the command, so that a caller that is dropped while waiting still reports the disconnection.
        let started = Connection::new(id, incoming, self.clone());
        let (reply, answer) = oneshot::channel();
        let request = Box::new(request);
        self.send(hold.thread, Command::Connect { connection: id, request, outgoing, reply, _hold: hold }).await?;
        answer.await.map_err(|_| Unavailable)??;
        Ok(started)
    }

    /// Carries out one RoomService call. Grants are not checked here: this is for the Twirp layer and for an embedding
    /// product that acts as itself.
    pub async fn api(&self, call: ApiCall) -> Result<Result<ApiReply, ApiError>, Unavailable> {
        let Some(room) = call.room() else { return self.ask_all(&call).await };
        let hold = matches!(call, ApiCall::CreateRoom(_)).then(|| self.keep(room));
        let thread = hold.as_ref().map(|hold| hold.thread).or_else(|| self.0.into.rooms.find(room));
        // Of a room that does not exist any thread says so.
        self.ask(thread.unwrap_or_default(), call, hold).await
    }

    async fn ask(
        &self,
        thread: usize,
        call: ApiCall,
        hold: Option<Hold>,
    ) -> Result<Result<ApiReply, ApiError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(thread, Command::Api { call: Box::new(call), reply, _hold: hold }).await?;
        answer.await.map_err(|_| Unavailable)
    }

    /// Asks every thread; lists become one.
    async fn ask_all(&self, call: &ApiCall) -> Result<Result<ApiReply, ApiError>, Unavailable> {
        let asked = (0..self.0.into.commands.len()).map(|thread| self.ask(thread, call.clone(), None));
        let mut rooms = Vec::new();
        for answer in try_join_all(asked).await? {
            match answer {
                Ok(ApiReply::Rooms(list)) => rooms.extend(list.rooms),
                other => return Ok(other),
            }
        }
        Ok(Ok(ApiReply::Rooms(ListRoomsResponse { rooms })))
    }

    /// Waits until the media threads have ended; true if one failed, which ends them all.
    pub async fn stopped(&self) -> bool {
        self.0.into.threads.ended().await
    }

    /// Tells every client to reconnect, flushes what is queued, and ends the media threads. Later calls return at once.
    pub async fn shutdown(&self) {
        if self.0.shutting_down.swap(true, Ordering::AcqRel) {
            self.stopped().await;
            return;
        }
        let mut all_told = Vec::new();
        for thread in 0..self.0.into.commands.len() {
            let (done, told) = oneshot::channel();
            if self.send(thread, Command::ShutDown(done)).await.is_ok() {
                all_told.push(told);
            }
        }
        for told in all_told {
            let _ = told.await;
        }
        self.0.tracker.close();
        if tokio::time::timeout(FLUSH_WAIT, self.0.tracker.wait()).await.is_err() {
            tracing::warn!("some clients did not close their connection in time");
        }
        self.0.webhooks.flush(FLUSH_WAIT).await;
        self.0.into.threads.stop();
        self.stopped().await;
        self.0.into.threads.join();
    }

    fn open(&self) -> Result<(), Unavailable> {
        if self.0.shutting_down.load(Ordering::Acquire) { Err(Unavailable) } else { Ok(()) }
    }

    /// A place for one more signalling connection from `address`, or 429.
    pub(crate) fn place(&self, address: IpAddr) -> Result<Place, Reject> {
        self.0.crowd.enter(address).ok_or_else(|| {
            metrics::counter!("heydok_signal_crowded_total").increment(1);
            Reject { status: 429, message: "too many connections from this network".into() }
        })
    }

    pub(crate) fn signal_message_bytes(&self) -> usize {
        self.0.signal_message_bytes
    }

    /// Tasks that a shutdown waits for.
    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.0.tracker
    }

    /// Waits until `bytes` of a client's message may be queued; `None` once the server stops.
    pub(crate) async fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.clamp(1, FRAME_BYTES_MAX)).unwrap_or(u32::MAX);
        Arc::clone(&self.0.frame_bytes).acquire_many_owned(permits).await.ok()
    }

    /// A number for a connection; it tells the thread.
    fn next_connection(&self, thread: usize) -> ConnectionId {
        let threads = self.0.into.commands.len() as u64;
        ConnectionId(self.0.next_connection.fetch_add(1, Ordering::Relaxed) * threads + thread as u64)
    }

    /// The thread that serves a connection.
    pub(crate) fn thread_of(&self, connection: ConnectionId) -> usize {
        (connection.0 % self.0.into.commands.len() as u64) as usize
    }

    /// Queues a command, waiting while the queue is full.
    pub(crate) async fn send(&self, thread: usize, command: Command) -> Result<(), Unavailable> {
        let queue = self.0.into.commands.get(thread).ok_or(Unavailable)?;
        queue.send(command).await.map_err(|_| Unavailable)?;
        self.0.into.threads.wake(thread);
        Ok(())
    }

    /// A place for one more TURN stream from `address`.
    pub(crate) fn turn_place(&self, address: IpAddr) -> Option<Place> {
        let place = self.0.turn_crowd.enter(address);
        if place.is_none() {
            metrics::counter!("heydok_media_tcp_connections_refused_total").increment(1);
        }
        place
    }

    pub(crate) fn next_stream(&self) -> StreamId {
        StreamId(self.0.next_stream.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells the thread that has the ports of a TURN stream, waiting while the queue is full.
    pub(crate) async fn tell(&self, news: StreamNews) -> Result<(), Unavailable> {
        self.0.into.streams.send(news).await.map_err(|_| Unavailable)?;
        self.0.into.threads.wake_last();
        Ok(())
    }

    /// The same from a destructor: at once if there is room, else from a task of its own.
    pub(crate) fn stream_closed(&self, id: StreamId) {
        if let Err(mpsc::error::TrySendError::Full(news)) = self.0.into.streams.try_send(StreamNews::Closed(id)) {
            let handle = self.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { handle.tell(news).await });
            }
        }
        self.0.into.threads.wake_last();
    }

    /// Tells that a connection is gone, from a destructor: at once if there is room, else from a task of its own.
    pub(crate) fn disconnected(&self, connection: ConnectionId) {
        let thread = self.thread_of(connection);
        let Some(queue) = self.0.into.commands.get(thread) else { return };
        match queue.try_send(Command::Disconnected(connection)) {
            Ok(()) => self.0.into.threads.wake(thread),
            Err(mpsc::error::TrySendError::Full(command)) => {
                let handle = self.clone();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move { handle.send(thread, command).await });
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }
}

impl From<Unavailable> for Reject {
    fn from(unavailable: Unavailable) -> Self {
        Self { status: 503, message: unavailable.to_string() }
    }
}
