//! A media thread: owns a node, its end of the media ports, and turns between reading, commands, timers and sending. The only
//! one reads the ports itself; of several each has a ring that the receiver fills.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{Clock as _, SystemClock};
use mio::{Events, Poll, Token};
use node::{ConnectionId, Node, Output, Protocol, Transmit};
use tokio::sync::mpsc;

use crate::address::Advertised;
use crate::command::Command;
use crate::connection::{Outgoing, Undelivered};
use crate::placement::Placement;
use crate::port::Port;
use crate::stats::{Figures, Meter, NodeFigures};
use crate::threads::{Threads, WAKER};
use crate::ways::Ways;
use crate::webhook::Notice;

pub(crate) const SOCKET: Token = Token(0);
/// The ICE-TCP port; its connections have the tokens behind it.
pub(crate) const LISTENER: Token = Token(2);

/// Least time between two timer turns: packets that fall due within one tick leave together and can be joined. What is paced
/// leaves in bursts of one tick.
const TICK: Duration = Duration::from_millis(5);
/// Longest sleep, so that figures are published.
pub(crate) const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Commands taken in one turn at most, so that they starve neither reading nor the timers.
const COMMANDS_MAX: usize = 256;
/// Datagrams collected before they are sent.
const TRANSMITS_MAX: usize = 512;
/// How often the node's wall clock is set.
pub(crate) const CLOCK_PERIOD: Duration = Duration::from_secs(60);

/// Everything the thread owns.
pub(crate) struct Media {
    node: Node,
    port: Port,
    /// Empty where the receiver has them.
    ways: Ways,
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    common: Common,
    thread: usize,
    connections: HashMap<ConnectionId, Outgoing>,
    transmits: Vec<Transmit>,
    meter: Meter,
    timers_at: Instant,
    clock_at: Instant,
}

/// What all media threads have in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) threads: Arc<Threads>,
    pub(crate) rooms: Arc<Placement>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) advertised: Arc<Advertised>,
    pub(crate) webhooks: mpsc::Sender<Notice>,
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
        (mut port, mut ways): (Port, Ways),
        poll: Poll,
        commands: mpsc::Receiver<Command>,
        common: Common,
        thread: usize,
    ) -> io::Result<Self> {
        port.register(poll.registry())?;
        ways.register(poll.registry())?;
        let now = SystemClock.instant();
        let figures = Arc::clone(&common.figures);
        Ok(Self {
            node,
            port,
            ways,
            poll,
            commands,
            common,
            thread,
            connections: HashMap::new(),
            transmits: Vec::with_capacity(TRANSMITS_MAX),
            meter: Meter::new(now, figures, thread, thread.to_string()),
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
            let tcp_left = self.ways.is_pending();
            let wait =
                if readable || commands_left || tcp_left { Duration::ZERO } else { self.wait(SystemClock.instant()) };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.common.threads.heard(self.thread);
            let now = SystemClock.instant();
            for event in &events {
                match event.token() {
                    SOCKET => readable = true,
                    WAKER => readable |= self.port.is_behind(),
                    _ => self.ways.ready(event),
                }
            }
            readable = readable && self.read(now);
            let streams_left = self.ways.read(self.poll.registry(), now, &mut self.meter.counters, &mut self.node);
            let (left, turn) = self.take_commands(now);
            commands_left = left || streams_left;
            self.timers(now);
            self.node.flush(now);
            self.drain(now);
            self.send();
            let done = SystemClock.instant();
            if self.meter.turn(now, done) {
                let load = self.meter.publish(done, &NodeFigures::of(&self.node, self.port.is_behind()));
                self.node.set_load(done, load);
            }
            if turn == Turn::Stop || self.common.threads.is_stopping() {
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
        let node = &mut self.node;
        match &mut self.port {
            Port::Own(socket) => socket.read(now, &self.common.advertised, &mut self.meter.counters, node),
            Port::Behind(behind) => behind.receive(|datagram| node.receive(now, datagram)),
        }
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
            Command::Connect { connection, request, outgoing, reply, _hold } => {
                self.connections.insert(connection, outgoing);
                self.look_around();
                let result = self.node.connect(now, connection, *request);
                if result.is_err() {
                    self.connections.remove(&connection);
                }
                self.drain_for(now, Some(connection));
                self.tell_sizes();
                // A caller that went away has dropped its end of the connection, which reports the disconnection.
                let _ = reply.send(result);
            }
            Command::Validate { request, reply } => {
                self.look_around();
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
            Command::Api { call, reply, _hold } => {
                self.look_around();
                let result = self.node.api(now, *call);
                self.drain(now);
                self.tell_sizes();
                let _ = reply.send(result);
            }
            Command::ShutDown(done) => {
                self.node.shut_down(now);
                self.node.flush(now);
                self.drain(now);
                self.send();
                let _ = done.send(());
            }
        }
        self.drain(now);
        Turn::Go
    }

    /// Looks what the other threads have, for the limits of all together. Two who come in the same moment may both get the
    /// last place.
    fn look_around(&mut self) {
        if self.port.is_behind() {
            let (rooms, participants) = self.common.figures.elsewhere(self.thread);
            self.node.set_elsewhere(rooms, participants);
        }
    }

    /// Tells the other threads.
    fn tell_sizes(&self) {
        if self.port.is_behind() {
            let sizes = self.node.sizes();
            self.common.figures.tell(self.thread, sizes.rooms, sizes.participants);
        }
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
        // The receiver knows whose answers are before anybody is told whom to ask.
        while let Some(route) = self.node.poll_route() {
            self.port.tell(route);
        }
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Transmit(transmit) if self.port.goes_back(&transmit) => {
                    self.port.give_back(&transmit, &mut self.meter.counters);
                }
                Output::Transmit(transmit) if transmit.protocol == Protocol::TcpPassive => {
                    self.ways.queue(now, transmit.remote, &transmit.contents, &mut self.meter.counters);
                    self.node.recycle(transmit.contents);
                }
                Output::Transmit(transmit) => {
                    self.transmits.push(transmit);
                    if self.transmits.len() >= TRANSMITS_MAX {
                        self.send();
                    }
                }
                Output::Stream(stream, remote, contents) => {
                    self.ways.queue_turn(now, (stream, remote), contents, &mut self.meter.counters);
                }
                Output::Frame(connection, frame) => {
                    let pushed = self
                        .connections
                        .get_mut(&connection)
                        .map(|one| if Some(connection) == opened { one.push_snapshot(frame) } else { one.push(frame) });
                    // Of one whose end is gone already the last messages, a Leave, and then the end itself wait among the commands.
                    if pushed == Some(Err(Undelivered::TooSlow))
                        && let Some(outgoing) = self.connections.remove(&connection)
                    {
                        self.meter.counters.slow_readers += 1;
                        tracing::warn!(connection = connection.0, "a signalling reader is too slow; closed");
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
                    if self.common.webhooks.try_send(Notice::Event(event)).is_err() {
                        self.meter.counters.webhooks_dropped += 1;
                    }
                }
                Output::RoomOpened(name) => self.common.rooms.opened(&name, self.thread),
                Output::RoomEnded(name) => self.common.rooms.ended(&name),
            }
        }
    }

    fn send(&mut self) {
        self.ways.flush(self.poll.registry(), &mut self.meter.counters);
        self.port.send(&self.transmits, &mut self.meter.counters);
        self.transmits.drain(..).for_each(|transmit| self.node.recycle(transmit.contents));
    }
}

/// The wall clock in milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    u64::try_from(SystemClock.now().get()).unwrap_or_default()
}
