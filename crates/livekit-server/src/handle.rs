//! Starting the server, and the handle through which everything asynchronous reaches the media thread.

use std::io;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kit::{Clock as _, Entropy as _, SystemClock, SystemEntropy};
use node::token::ApiKeys;
use node::{
    ApiCall, ApiError, ApiReply, ConnectRequest, ConnectionId, Node, Reject, StreamId, TurnLimits, TurnOptions,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::{Advertised, Port, Ports, advertise, interfaces};
use crate::command::Command;
use crate::config::Config;
use crate::connection::{self, Connection};
use crate::crowd::{Crowd, Place};
use crate::ice_servers;
use crate::media::{LISTENER, Media, WAKER, unix_ms};
use crate::stats::{Shared, Stats};
use crate::tcp::TcpPaths;
use crate::turn_stream::StreamNews;
use crate::udp::MediaSocket;
use crate::webhook::Webhooks;

/// Commands waiting for the media thread at most; more wait in their callers.
const COMMANDS_MAX: usize = 1024;
/// News of TURN streams waiting for the media thread at most; each stream waits with four.
const STREAM_NEWS_MAX: usize = 1024;
/// Bytes of clients' messages waiting for the media thread at most.
const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Webhook events between the media thread and their queues at most.
const WEBHOOKS_MAX: usize = 4096;
/// How long a shutdown waits for connections to be flushed and closed, and then for webhooks.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("UDP port {port} is in use by another process; set RTC_UDP_PORT to a free one")]
    PortInUse { port: u16 },
    #[error("cannot bind UDP port {port}: {source}; media needs UDP, or set LIVEKIT_URL to use another LiveKit server")]
    Bind { port: u16, source: io::Error },
    #[error("TCP port {port} is in use by another process; set RTC_TCP_PORT to a free one, or to `off`")]
    TcpPortInUse { port: u16 },
    #[error("cannot bind TCP port {port}: {source}; set RTC_TCP_PORT to another, or to `off`")]
    BindTcp { port: u16, source: io::Error },
    #[error("cannot start the media thread: {0}")]
    Thread(io::Error),
}

/// The media thread is gone, or the server is shutting down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("server is shutting down")]
pub struct Unavailable;

/// The embedded server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the UDP port and the TCP port of media, starts the media thread and the webhook sender. Must be called within a tokio runtime.
    pub fn start(config: Config) -> Result<Handle, StartError> {
        let port = config.rtc.udp_port;
        let socket = MediaSocket::bind(port).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { port },
            _ => StartError::Bind { port, source },
        })?;
        let rtc = &config.rtc;
        let tcp = rtc.tcp_port.map(|port| bind_tcp(port, rtc.tcp_connections_per_network)).transpose()?;
        let port = |bound, advertised: Option<u16>| Port { bound, advertised: advertised.unwrap_or(bound) };
        let ports = Ports {
            udp: port(socket.port(), rtc.advertised_udp_port),
            tcp: tcp.as_ref().map(|tcp| port(tcp.port(), rtc.advertised_tcp_port)),
        };
        let advertised =
            Arc::new(advertise(&interfaces(&rtc.interfaces), &rtc.node_ips, rtc.loopback, socket.ipv6(), ports));
        tracing::info!("{}", advertised.explain());
        let poll = mio::Poll::new().map_err(StartError::Thread)?;
        let waker = mio::Waker::new(poll.registry(), WAKER).map_err(StartError::Thread)?;
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let (streams, stream_news) = mpsc::channel(STREAM_NEWS_MAX);
        let (events, event_receiver) = mpsc::channel(WEBHOOKS_MAX);
        let webhooks = Webhooks::start(&config.webhook, Arc::clone(&config.keys), (&events, event_receiver));
        let shared = Arc::new(Shared::default());
        let node = new_node(&config, &advertised);
        let media = Media::new(
            node,
            (socket, tcp),
            poll,
            Arc::clone(&advertised),
            (receiver, stream_news),
            events,
            Arc::clone(&shared),
        )
        .map_err(StartError::Thread)?;
        let stopped = CancellationToken::new();
        let failed = Arc::new(AtomicBool::new(false));
        let thread =
            spawn_thread(media, Media::run, stopped.clone(), Arc::clone(&failed)).map_err(StartError::Thread)?;
        Ok(Handle(Arc::new(Inner {
            commands,
            waker,
            next_connection: AtomicU64::new(1),
            streams,
            next_stream: AtomicU64::new(1),
            turn_crowd: Crowd::new(config.rtc.tcp_connections_per_network, |_| false),
            frame_bytes: Arc::new(Semaphore::new(FRAME_BYTES_MAX)),
            crowd: Crowd::new(config.connections_per_address, |address| address.is_loopback()),
            keys: config.keys,
            signal_message_bytes: config.limits.signal_message_bytes,
            advertised,
            shared,
            tracker: TaskTracker::new(),
            stopped,
            failed,
            thread: Mutex::new(Some(thread)),
            webhooks,
        })))
    }
}

fn bind_tcp(port: u16, per_network: usize) -> Result<TcpPaths, StartError> {
    TcpPaths::bind(port, LISTENER, per_network, SystemClock.instant()).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::TcpPortInUse { port },
        _ => StartError::BindTcp { port, source },
    })
}

fn new_node(config: &Config, advertised: &Advertised) -> Node {
    let secret = kit::new_token(&SystemEntropy);
    let (mut seed, mut id) = ([0; 32], [0; 6]);
    SystemEntropy.fill(&mut seed);
    SystemEntropy.fill(&mut id);
    let node_id = id.iter().fold(String::from("ND_"), |text, byte| text + &format!("{byte:02x}"));
    let node_config = node::Config {
        node_id,
        candidates: advertised.candidates.clone(),
        ice_lite: config.rtc.ice_lite,
        ice_servers: ice_servers::all(&config.rtc, &advertised.candidates, &secret),
        turn: config.rtc.turn.then(|| TurnOptions { secret, limits: TurnLimits::default() }),
        keys: Arc::clone(&config.keys),
        room: config.room.clone(),
        limits: config.limits.clone(),
        send_side_bwe: config.rtc.send_side_bwe,
        simulate_scenarios: config.simulate_scenarios,
    };
    Node::new(node_config, seed, SystemClock.instant(), unix_ms())
}

/// A panic ends the thread, not the process: it is reported, and [`Handle::stopped`] tells the one who can restart.
fn spawn_thread<T: Send + 'static>(
    mut state: T,
    run: fn(&mut T) -> io::Result<()>,
    stopped: CancellationToken,
    failed: Arc<AtomicBool>,
) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("media".into()).spawn(move || {
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mut state)));
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                failed.store(true, Ordering::Release);
                tracing::error!(%error, "the media thread ended; all calls are interrupted");
            }
            Err(panic) => {
                failed.store(true, Ordering::Release);
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
                tracing::error!(panic = text, "the media thread panicked; all calls are interrupted");
            }
        }
        // Queues and socket go first, so that who sees the token finds the port free.
        drop(state);
        stopped.cancel();
    })
}

/// A cheap, cloneable way to the running server.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    commands: mpsc::Sender<Command>,
    waker: mio::Waker,
    next_connection: AtomicU64,
    streams: mpsc::Sender<StreamNews>,
    next_stream: AtomicU64,
    turn_crowd: Arc<Crowd>,
    frame_bytes: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    keys: Arc<ApiKeys>,
    signal_message_bytes: usize,
    advertised: Arc<Advertised>,
    shared: Arc<Shared>,
    tracker: TaskTracker,
    stopped: CancellationToken,
    failed: Arc<AtomicBool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    webhooks: Webhooks,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Handle").field("advertised", &self.0.advertised).finish_non_exhaustive()
    }
}

impl Handle {
    /// The addresses told to clients; the UDP port in them is the real one.
    pub fn addresses(&self) -> &Advertised {
        &self.0.advertised
    }

    /// Keys that tokens are verified with.
    pub fn keys(&self) -> &Arc<ApiKeys> {
        &self.0.keys
    }

    /// The media thread's figures of the last second.
    pub fn stats(&self) -> Stats {
        self.0.shared.stats()
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
        self.send(Command::Validate { request: Box::new(request), reply }).await?;
        answer.await.map_err(|_| Unavailable)?
    }

    /// Starts a session; its first message waits in the connection's queue.
    pub(crate) async fn connect(&self, request: ConnectRequest) -> Result<Connection, Reject> {
        self.open()?;
        let id = ConnectionId(self.0.next_connection.fetch_add(1, Ordering::Relaxed));
        let (outgoing, incoming) = connection::pair();
        // Made before the command, so that a caller that is dropped while waiting still reports the disconnection.
        let started = Connection::new(id, incoming, self.clone());
        let (reply, answer) = oneshot::channel();
        self.send(Command::Connect { connection: id, request: Box::new(request), outgoing, reply }).await?;
        answer.await.map_err(|_| Unavailable)??;
        Ok(started)
    }

    /// Carries out one RoomService call. Grants are not checked here: this is for the Twirp layer and for an embedding
    /// product that acts as itself.
    pub async fn api(&self, call: ApiCall) -> Result<Result<ApiReply, ApiError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Api { call: Box::new(call), reply }).await?;
        answer.await.map_err(|_| Unavailable)
    }

    /// Waits until the media thread has ended; true if it failed.
    pub async fn stopped(&self) -> bool {
        self.0.stopped.cancelled().await;
        self.0.failed.load(Ordering::Acquire)
    }

    /// Tells every client to reconnect, flushes what is queued, and ends the media thread. Later calls return at once.
    pub async fn shutdown(&self) {
        if self.0.shared.shutting_down.swap(true, Ordering::AcqRel) {
            self.0.stopped.cancelled().await;
            return;
        }
        let (done, told) = oneshot::channel();
        if self.send(Command::ShutDown(done)).await.is_ok() {
            let _ = told.await;
        }
        self.0.tracker.close();
        if tokio::time::timeout(FLUSH_WAIT, self.0.tracker.wait()).await.is_err() {
            tracing::warn!("some clients did not close their connection in time");
        }
        self.0.webhooks.flush(FLUSH_WAIT).await;
        let _ = self.send(Command::Stop).await;
        self.0.stopped.cancelled().await;
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The token is the last thing the thread does, so this does not block.
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn open(&self) -> Result<(), Unavailable> {
        if self.0.shared.shutting_down.load(Ordering::Acquire) { Err(Unavailable) } else { Ok(()) }
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

    /// Queues a command, waiting while the queue is full.
    pub(crate) async fn send(&self, command: Command) -> Result<(), Unavailable> {
        self.0.commands.send(command).await.map_err(|_| Unavailable)?;
        self.wake();
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

    /// Tells the media thread of a TURN stream, waiting while the queue is full.
    pub(crate) async fn tell(&self, news: StreamNews) -> Result<(), Unavailable> {
        self.0.streams.send(news).await.map_err(|_| Unavailable)?;
        self.wake();
        Ok(())
    }

    /// The same from a destructor: at once if there is room, else from a task of its own.
    pub(crate) fn stream_closed(&self, id: StreamId) {
        if let Err(mpsc::error::TrySendError::Full(news)) = self.0.streams.try_send(StreamNews::Closed(id)) {
            let handle = self.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { handle.tell(news).await });
            }
        }
        self.wake();
    }

    /// Queues a command from a destructor: at once if there is room, else from a task of its own.
    pub(crate) fn send_from_drop(&self, command: Command) {
        match self.0.commands.try_send(command) {
            Ok(()) => self.wake(),
            Err(mpsc::error::TrySendError::Full(command)) => {
                let handle = self.clone();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move { handle.send(command).await });
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    fn wake(&self) {
        if let Err(error) = self.0.waker.wake() {
            tracing::error!(%error, "cannot wake the media thread");
        }
    }
}

impl From<Unavailable> for Reject {
    fn from(unavailable: Unavailable) -> Self {
        Self { status: 503, message: unavailable.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic or an error ends the thread, drops what it owned, and is told; an orderly end is no failure.
    #[tokio::test]
    async fn the_end_of_the_thread_is_told_with_its_reason() {
        type Run = fn(&mut Arc<()>) -> io::Result<()>;
        let cases: [(Run, bool); 3] =
            [(|_| Ok(()), false), (|_| Err(io::Error::other("poll")), true), (|_| panic!("on purpose"), true)];
        for (run, expected) in cases {
            let (stopped, failed, owned) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)), Arc::new(()));
            let thread = spawn_thread(Arc::clone(&owned), run, stopped.clone(), Arc::clone(&failed)).unwrap();
            stopped.cancelled().await;
            assert_eq!((failed.load(Ordering::Acquire), Arc::strong_count(&owned)), (expected, 1));
            thread.join().unwrap();
        }
    }
}
