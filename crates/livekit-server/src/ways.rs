//! The ways to us besides UDP: ICE-TCP, and TURN over connections of the same port or streams that were opened elsewhere.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use mio::Registry;
use mio::event::Event;
use node::{Datagram, Node, Protocol, StreamId};
use tokio::sync::mpsc;

use crate::address::Advertised;
use crate::stats::Counters;
use crate::tcp::{Arrived, TcpPaths};
use crate::turn_stream::{StreamNews, TurnStreams};

/// News of streams taken in one turn at most.
const STREAM_NEWS_MAX: usize = 256;

/// Who takes what arrives.
pub(crate) trait Taker {
    fn receive(&mut self, now: Instant, datagram: Datagram<'_>);
    /// One TURN message of a stream.
    fn receive_stream(&mut self, now: Instant, id: StreamId, remote: SocketAddr, contents: &[u8]);
    /// Whether a stream carries an allocation: then it is to stay open.
    fn has_allocation(&self, id: StreamId, remote: SocketAddr) -> bool;
    fn stream_closed(&mut self, id: StreamId, remote: SocketAddr);
}

impl Taker for Node {
    fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.receive(now, datagram);
    }

    fn receive_stream(&mut self, now: Instant, id: StreamId, remote: SocketAddr, contents: &[u8]) {
        self.receive_stream(now, id, remote, contents);
    }

    fn has_allocation(&self, id: StreamId, remote: SocketAddr) -> bool {
        self.has_allocation(id, remote)
    }

    fn stream_closed(&mut self, id: StreamId, remote: SocketAddr) {
        self.stream_closed(id, remote);
    }
}

/// Connections and streams, and what is queued for them.
pub(crate) struct Ways {
    tcp: Option<TcpPaths>,
    streams: TurnStreams,
    news: mpsc::Receiver<StreamNews>,
    advertised: Arc<Advertised>,
}

impl Ways {
    pub(crate) fn new(
        tcp: Option<TcpPaths>,
        news: mpsc::Receiver<StreamNews>,
        advertised: Arc<Advertised>,
        now: Instant,
    ) -> Self {
        Self { tcp, streams: TurnStreams::new(now), news, advertised }
    }

    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.tcp.as_mut().map_or(Ok(()), |tcp| tcp.register(registry))
    }

    /// Notes what the poll says about a token that is neither the socket's nor the waker's.
    pub(crate) fn ready(&mut self, event: &Event) {
        self.tcp.iter_mut().for_each(|tcp| tcp.ready(event));
    }

    /// Whether another turn has something to do before the poll says so.
    pub(crate) fn is_pending(&self) -> bool {
        self.tcp.as_ref().is_some_and(TcpPaths::is_pending)
    }

    /// Hands out what has come; true if there may be more of what the tasks of streams tell.
    pub(crate) fn read(
        &mut self,
        registry: &Registry,
        now: Instant,
        counters: &mut Counters,
        taker: &mut impl Taker,
    ) -> bool {
        self.read_tcp(registry, now, counters, taker);
        self.streams.sweep(now, taker);
        for _ in 0..STREAM_NEWS_MAX {
            let Ok(news) = self.news.try_recv() else { return false };
            self.streams.take(now, news, taker, counters);
        }
        true
    }

    fn read_tcp(&mut self, registry: &Registry, now: Instant, counters: &mut Counters, taker: &mut impl Taker) {
        let Some(tcp) = &mut self.tcp else { return };
        let advertised = &self.advertised;
        tcp.receive(registry, now, counters, |arrived| {
            let Arrived { remote, local, stream, contents } = arrived;
            if let Some(stream) = stream {
                taker.receive_stream(now, stream, remote, contents);
                return;
            }
            if let Some(local) = advertised.bound(Protocol::TcpPassive, Some(local), remote) {
                taker.receive(now, Datagram { protocol: Protocol::TcpPassive, remote, local, contents });
            }
        });
        tcp.sweep(registry, now, |stream, remote| taker.has_allocation(stream, remote));
        for (stream, remote) in tcp.take_ended() {
            taker.stream_closed(stream, remote);
        }
    }

    /// Queues a datagram for an ICE-TCP connection.
    pub(crate) fn queue(&mut self, now: Instant, remote: SocketAddr, contents: &[u8], counters: &mut Counters) {
        if let Some(tcp) = &mut self.tcp {
            tcp.queue(now, remote, contents, counters);
        }
    }

    /// Queues a TURN message for a stream.
    pub(crate) fn queue_turn(
        &mut self,
        now: Instant,
        (stream, remote): (StreamId, SocketAddr),
        contents: Vec<u8>,
        counters: &mut Counters,
    ) {
        match &mut self.tcp {
            Some(tcp) if TcpPaths::is_ours(stream) => tcp.queue_turn(now, (stream, remote), &contents, counters),
            _ => self.streams.queue(now, stream, contents, counters),
        }
    }

    /// Writes what was queued for connections.
    pub(crate) fn flush(&mut self, registry: &Registry, counters: &mut Counters) {
        if let Some(tcp) = &mut self.tcp {
            tcp.flush(registry, counters);
        }
    }
}
