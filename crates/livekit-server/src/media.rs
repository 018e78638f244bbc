//! The media thread: owns the node, the UDP socket and the ICE-TCP port, and turns between reading, commands, timers and
//! sending.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{Clock as _, SystemClock};
use mio::{Events, Interest, Poll, Token};
use node::{ConnectionId, Datagram, Node, Output, Protocol, StreamId, Transmit};
use tokio::sync::mpsc;

use crate::address::Advertised;
use crate::command::Command;
use crate::connection::{Outgoing, Overflow};
use crate::stats::{Meter, NodeFigures, Shared};
use crate::tcp::{Arrived, TcpPaths};
use crate::turn_stream::{StreamNews, TurnStreams};
use crate::udp::{MediaSocket, Read};
use crate::webhook::Notice;

pub(crate) const SOCKET: Token = Token(0);
pub(crate) const WAKER: Token = Token(1);
/// The ICE-TCP port; its connections have the tokens behind it.
pub(crate) const LISTENER: Token = Token(2);

/// Least time between two timer turns: packets that fall due within one tick leave together and can be joined. (A paced
/// peer's own deadlines are microseconds apart; the node steps through them in one turn.)
const TICK: Duration = Duration::from_millis(5);
/// Longest sleep, so that figures are published.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Batches read and commands taken in one turn at most, so that neither starves the other or the timers.
const READS_MAX: usize = 8;
const COMMANDS_MAX: usize = 256;
const STREAM_NEWS_MAX: usize = 256;
/// Datagrams collected before they are sent.
const TRANSMITS_MAX: usize = 512;
/// How often the node's wall clock is set.
const CLOCK_PERIOD: Duration = Duration::from_secs(60);

/// Everything the thread owns.
pub(crate) struct Media {
    node: Node,
    socket: MediaSocket,
    tcp: Option<TcpPaths>,
    poll: Poll,
    advertised: Arc<Advertised>,
    streams: TurnStreams,
    commands: mpsc::Receiver<Command>,
    stream_news: mpsc::Receiver<StreamNews>,
    webhooks: mpsc::Sender<Notice>,
    connections: HashMap<ConnectionId, Outgoing>,
    transmits: Vec<Transmit>,
    shared: Arc<Shared>,
    meter: Meter,
    timers_at: Instant,
    clock_at: Instant,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Turn {
    Go,
    Stop,
}

impl Media {
    pub(crate) fn new(
        node: Node,
        (mut socket, mut tcp): (MediaSocket, Option<TcpPaths>),
        poll: Poll,
        advertised: Arc<Advertised>,
        (commands, stream_news): (mpsc::Receiver<Command>, mpsc::Receiver<StreamNews>),
        webhooks: mpsc::Sender<Notice>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        poll.registry().register(socket.source(), SOCKET, Interest::READABLE)?;
        if let Some(tcp) = &mut tcp {
            tcp.register(poll.registry())?;
        }
        let now = SystemClock.instant();
        Ok(Self {
            node,
            socket,
            tcp,
            poll,
            advertised,
            streams: TurnStreams::new(now),
            commands,
            stream_news,
            webhooks,
            connections: HashMap::new(),
            transmits: Vec::with_capacity(TRANSMITS_MAX),
            shared,
            meter: Meter::new(now),
            timers_at: now,
            clock_at: now,
        })
    }

    /// Turns until told to stop.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        // Readiness is told once (edge-triggered): what was not read to the end stays to be read.
        let (mut readable, mut commands_left) = (true, true);
        loop {
            let tcp_left = self.tcp.as_ref().is_some_and(TcpPaths::is_pending);
            let wait =
                if readable || commands_left || tcp_left { Duration::ZERO } else { self.wait(SystemClock.instant()) };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let now = SystemClock.instant();
            for event in &events {
                match event.token() {
                    SOCKET => readable = true,
                    WAKER => {}
                    _ => self.tcp.iter_mut().for_each(|tcp| tcp.ready(event)),
                }
            }
            readable = readable && self.read(now);
            self.read_tcp(now);
            let streams_left = self.read_streams(now);
            let (left, turn) = self.take_commands(now);
            commands_left = left || streams_left;
            self.timers(now);
            self.node.flush(now);
            self.drain(now);
            self.send();
            let done = SystemClock.instant();
            if self.meter.turn(now, done) {
                let load = self.meter.publish(done, &NodeFigures::of(&self.node), &self.shared);
                self.node.set_load(done, load);
            }
            if turn == Turn::Stop {
                return Ok(());
            }
        }
    }

    fn wait(&mut self, now: Instant) -> Duration {
        let Some(deadline) = self.node.poll_timeout() else {
            return SLEEP_MAX;
        };
        deadline.max(self.timers_at + TICK).saturating_duration_since(now).min(SLEEP_MAX)
    }

    /// Reads what has arrived; true if there may be more.
    fn read(&mut self, now: Instant) -> bool {
        let (node, advertised) = (&mut self.node, &self.advertised);
        for _ in 0..READS_MAX {
            let read = self.socket.receive(&mut self.meter.counters, |remote, destination, contents| {
                if let Some(local) = advertised.bound(Protocol::Udp, destination, remote) {
                    node.receive(now, Datagram { protocol: Protocol::Udp, remote, local, contents });
                }
            });
            match read {
                Ok(Read::Some) => {}
                Ok(Read::Empty) => return false,
                Err(error) => {
                    tracing::error!(%error, "cannot read the media socket");
                    return false;
                }
            }
        }
        true
    }

    fn read_tcp(&mut self, now: Instant) {
        let Some(tcp) = &mut self.tcp else { return };
        let (node, advertised) = (&mut self.node, &self.advertised);
        tcp.receive(self.poll.registry(), now, &mut self.meter.counters, |arrived| {
            let Arrived { remote, local, stream, contents } = arrived;
            if let Some(stream) = stream {
                return node.receive_stream(now, stream, remote, contents);
            }
            if let Some(local) = advertised.bound(Protocol::TcpPassive, Some(local), remote) {
                node.receive(now, Datagram { protocol: Protocol::TcpPassive, remote, local, contents });
            }
            false
        });
        for (stream, remote) in tcp.take_ended() {
            node.stream_closed(stream, remote);
        }
    }

    /// Takes what the tasks of TURN streams tell; true if there may be more.
    fn read_streams(&mut self, now: Instant) -> bool {
        self.streams.sweep(now, &mut self.node);
        for _ in 0..STREAM_NEWS_MAX {
            let Ok(news) = self.stream_news.try_recv() else { return false };
            self.streams.take(now, news, &mut self.node, &mut self.meter.counters);
        }
        true
    }

    /// Carries out waiting commands; true if there may be more.
    fn take_commands(&mut self, now: Instant) -> (bool, Turn) {
        for _ in 0..COMMANDS_MAX {
            match self.commands.try_recv() {
                Ok(command) => {
                    if self.carry_out(now, command) == Turn::Stop {
                        return (false, Turn::Stop);
                    }
                }
                Err(mpsc::error::TryRecvError::Empty) => return (false, Turn::Go),
                Err(mpsc::error::TryRecvError::Disconnected) => return (false, Turn::Stop),
            }
        }
        (true, Turn::Go)
    }

    fn carry_out(&mut self, now: Instant, command: Command) -> Turn {
        match command {
            Command::Connect { connection, request, outgoing, reply } => {
                self.connections.insert(connection, outgoing);
                let result = self.node.connect(now, connection, *request);
                if result.is_err() {
                    self.connections.remove(&connection);
                }
                self.drain_for(now, Some(connection));
                // A caller that went away has dropped its end of the connection, which reports the disconnection.
                let _ = reply.send(result);
            }
            Command::Validate { request, reply } => {
                let _ = reply.send(self.node.validate(now, &request));
            }
            Command::Frame { connection, frame, _held } => {
                if self.connections.contains_key(&connection) {
                    self.node.frame(now, connection, &frame);
                }
            }
            Command::Disconnected(connection) => {
                self.connections.remove(&connection);
                self.node.disconnected(now, connection);
            }
            Command::Api { call, reply } => {
                let result = self.node.api(now, *call);
                self.drain(now);
                let _ = reply.send(result);
            }
            Command::ShutDown(done) => {
                self.node.shut_down(now);
                self.node.flush(now);
                self.drain(now);
                self.send();
                let _ = done.send(());
            }
            Command::Stop => return Turn::Stop,
        }
        self.drain(now);
        Turn::Go
    }

    fn timers(&mut self, now: Instant) {
        if now.saturating_duration_since(self.clock_at) >= CLOCK_PERIOD {
            self.clock_at = now;
            self.node.set_unix_ms(now, unix_ms());
        }
        let due = self.node.poll_timeout().is_some_and(|deadline| deadline <= now);
        if due && now.saturating_duration_since(self.timers_at) >= TICK {
            self.timers_at = now;
            self.node.handle_timeout(now);
        }
    }

    /// Does what the node wants done, until it wants nothing more.
    fn drain(&mut self, now: Instant) {
        self.drain_for(now, None);
    }

    /// The same, right after `opened` was: what it gets now is its snapshot.
    fn drain_for(&mut self, now: Instant, opened: Option<ConnectionId>) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Transmit(transmit) if transmit.protocol == Protocol::TcpPassive => {
                    if let Some(tcp) = &mut self.tcp {
                        tcp.queue(now, transmit.remote, &transmit.contents, &mut self.meter.counters);
                    }
                }
                Output::Transmit(transmit) => {
                    self.transmits.push(transmit);
                    if self.transmits.len() >= TRANSMITS_MAX {
                        self.send();
                    }
                }
                Output::Stream(stream, remote, contents) => self.write_stream(now, (stream, remote), contents),
                Output::Frame(connection, frame) => {
                    let pushed = self
                        .connections
                        .get_mut(&connection)
                        .map(|one| if Some(connection) == opened { one.push_snapshot(frame) } else { one.push(frame) });
                    let overflow = matches!(pushed, Some(Err(Overflow)));
                    if overflow && let Some(outgoing) = self.connections.remove(&connection) {
                        self.meter.counters.slow_readers += 1;
                        tracing::warn!(connection = connection.0, "a signalling reader is too slow; connection closed");
                        outgoing.cut();
                        self.node.disconnected(now, connection);
                    }
                }
                Output::Close(connection) => {
                    if let Some(outgoing) = self.connections.remove(&connection) {
                        outgoing.close();
                    }
                }
                Output::Webhook(event) => {
                    if self.webhooks.try_send(Notice::Event(event)).is_err() {
                        self.meter.counters.webhooks_dropped += 1;
                    }
                }
            }
        }
    }

    fn write_stream(&mut self, now: Instant, (stream, remote): (StreamId, SocketAddr), contents: Vec<u8>) {
        let counters = &mut self.meter.counters;
        match &mut self.tcp {
            Some(tcp) if TcpPaths::is_ours(stream) => tcp.queue_turn(now, (stream, remote), &contents, counters),
            _ => self.streams.queue(now, stream, contents, counters),
        }
    }

    fn send(&mut self) {
        if let Some(tcp) = &mut self.tcp {
            tcp.flush(self.poll.registry(), &mut self.meter.counters);
        }
        if !self.transmits.is_empty() {
            self.socket.send(&self.transmits, &mut self.meter.counters);
            self.transmits.clear();
        }
    }
}

/// The wall clock in milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    u64::try_from(SystemClock.now().get()).unwrap_or_default()
}
