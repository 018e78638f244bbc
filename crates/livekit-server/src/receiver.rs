//! The receiver: where there are several media threads, it reads the UDP port for all of them and hands each what is its
//! own. The TCP port, TURN and their streams are its alone; what goes out that way comes back to it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{Clock as _, SystemClock};
use mio::{Events, Interest, Poll};
use node::{Datagram, Output, Protocol, Relay, StreamId, Transmit};

use crate::address::Advertised;
use crate::media::{CLOCK_PERIOD, Common, SLEEP_MAX, SOCKET, unix_ms};
use crate::ring::{Batch, Ring};
use crate::routes::Routes;
use crate::stats::{Meter, NodeFigures};
use crate::threads::{Threads, WAKER};
use crate::udp::MediaSocket;
use crate::ways::{Taker, Ways};

/// Everything its thread owns.
pub(crate) struct Receiver {
    socket: MediaSocket,
    ways: Ways,
    poll: Poll,
    threads: Arc<Threads>,
    /// Number of its thread: the last.
    thread: usize,
    advertised: Arc<Advertised>,
    desk: Desk,
    /// What media threads give back, and the part of it that is being sent.
    back: Arc<Ring>,
    returned: Batch,
    transmits: Vec<Transmit>,
    meter: Meter,
    clock_at: Instant,
}

/// Decides what is for whom.
pub(crate) struct Desk {
    pub(crate) relay: Relay,
    pub(crate) routes: Routes,
    /// Of each media thread: its ring, and what was collected for it.
    pub(crate) rings: Vec<(Arc<Ring>, Batch)>,
    /// Datagrams that are nobody's, and those that a thread did not take in time.
    pub(crate) unknown: u64,
    pub(crate) dropped: u64,
}

impl Taker for Desk {
    fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Some(datagram) = self.relay.receive(now, datagram) {
            self.collect(&datagram);
        }
    }

    fn receive_stream(&mut self, now: Instant, id: StreamId, remote: SocketAddr, contents: &[u8]) {
        if let Some(datagram) = self.relay.receive_stream(now, id, remote, contents) {
            self.collect(&datagram);
        }
    }

    fn has_allocation(&self, id: StreamId, remote: SocketAddr) -> bool {
        self.relay.has_allocation(id, remote)
    }

    fn stream_closed(&mut self, id: StreamId, remote: SocketAddr) {
        self.relay.stream_closed(id, remote);
    }
}

impl Desk {
    fn collect(&mut self, datagram: &Datagram<'_>) {
        match self.routes.find(datagram).and_then(|thread| self.rings.get_mut(thread)) {
            Some((_, batch)) => self.dropped += u64::from(!batch.push(datagram)),
            None => self.unknown += 1,
        }
    }

    fn hand_over(&mut self, threads: &Threads) {
        for (thread, (ring, batch)) in self.rings.iter_mut().enumerate() {
            if !batch.is_empty() {
                self.dropped += ring.hand_over(batch) as u64;
                threads.wake(thread);
            }
        }
    }
}

impl Receiver {
    pub(crate) fn new(
        (mut socket, mut ways): (MediaSocket, Ways),
        poll: Poll,
        common: &Common,
        thread: usize,
        (desk, back): (Desk, Arc<Ring>),
    ) -> io::Result<Self> {
        poll.registry().register(socket.source(), SOCKET, Interest::READABLE)?;
        ways.register(poll.registry())?;
        let now = SystemClock.instant();
        Ok(Self {
            socket,
            ways,
            poll,
            threads: Arc::clone(&common.threads),
            thread,
            advertised: Arc::clone(&common.advertised),
            desk,
            back,
            returned: Batch::default(),
            transmits: Vec::new(),
            meter: Meter::new(now, Arc::clone(&common.figures), thread, "receiver".into()),
            clock_at: now,
        })
    }

    /// Turns until told to stop.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let (mut readable, mut news_left) = (true, true);
        while !self.threads.is_stopping() {
            let pending = readable || news_left || self.ways.is_pending();
            let wait = if pending { Duration::ZERO } else { self.wait(SystemClock.instant()) };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.threads.heard(self.thread);
            let now = SystemClock.instant();
            for event in &events {
                match event.token() {
                    SOCKET => readable = true,
                    WAKER => {}
                    _ => self.ways.ready(event),
                }
            }
            self.desk.routes.update();
            readable = readable && self.socket.read(now, &self.advertised, &mut self.meter.counters, &mut self.desk);
            news_left = self.ways.read(self.poll.registry(), now, &mut self.meter.counters, &mut self.desk);
            self.desk.hand_over(&self.threads);
            self.timers(now);
            self.send(now);
            let done = SystemClock.instant();
            if self.meter.turn(now, done) {
                self.publish(done);
            }
        }
        Ok(())
    }

    fn wait(&self, now: Instant) -> Duration {
        let deadline = self.desk.relay.poll_timeout();
        deadline.map_or(SLEEP_MAX, |deadline| deadline.saturating_duration_since(now).min(SLEEP_MAX))
    }

    fn timers(&mut self, now: Instant) {
        if now.saturating_duration_since(self.clock_at) >= CLOCK_PERIOD {
            self.clock_at = now;
            self.desk.relay.set_unix_ms(now, unix_ms());
        }
        self.desk.relay.handle_timeout(now);
    }

    /// Sends its own answers and what media threads gave back.
    fn send(&mut self, now: Instant) {
        while let Some(output) = self.desk.relay.poll_output() {
            self.carry_out(now, output);
        }
        self.back.take(&mut self.returned);
        let mut returned = std::mem::take(&mut self.returned);
        while let Some(Datagram { protocol, remote, local, contents }) = returned.next() {
            let transmit = Transmit { protocol, local, remote, contents: contents.to_vec() };
            if let Some(output) = self.desk.relay.wrap(now, transmit) {
                self.carry_out(now, output);
            }
        }
        self.returned = returned;
        self.ways.flush(self.poll.registry(), &mut self.meter.counters);
        self.socket.sender.send(&self.transmits, &mut self.meter.counters);
        self.transmits.clear();
    }

    fn carry_out(&mut self, now: Instant, output: Output) {
        let counters = &mut self.meter.counters;
        match output {
            Output::Transmit(transmit) if transmit.protocol == Protocol::TcpPassive => {
                self.ways.queue(now, transmit.remote, &transmit.contents, counters);
            }
            Output::Transmit(transmit) => self.transmits.push(transmit),
            Output::Stream(stream, remote, contents) => self.ways.queue_turn(now, (stream, remote), contents, counters),
            // A relay has nothing else to say.
            _ => {}
        }
    }

    fn publish(&mut self, done: Instant) {
        let Desk { relay, unknown, dropped, .. } = &mut self.desk;
        self.meter.counters.ring_dropped += std::mem::take(dropped);
        let figures = NodeFigures {
            media: node::Counters { unknown_datagrams: *unknown, ..node::Counters::default() },
            allocations: Some(relay.allocations() as u64),
            turn: relay.counters(),
            ..NodeFigures::default()
        };
        self.meter.publish(done, &figures);
    }
}
