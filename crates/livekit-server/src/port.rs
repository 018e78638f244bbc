//! A media thread's end of the UDP port: the socket itself, or a place behind the thread that reads it for several.

use std::io;
use std::sync::Arc;

use mio::{Interest, Registry};
use node::{Datagram, Protocol, Relay, Route, Transmit};

use crate::media::SOCKET;
use crate::ring::{Batch, Ring};
use crate::routes::RouteLog;
use crate::stats::Counters;
use crate::threads::Threads;
use crate::udp::{MediaSender, MediaSocket};

/// Datagrams taken out of the ring in one turn at most.
const DATAGRAMS_MAX: usize = 512;

pub(crate) enum Port {
    /// The only media thread reads the socket itself.
    Own(Box<MediaSocket>),
    Behind(Box<Behind>),
}

/// Reads what the receiver puts into its ring, sends over the same socket itself, and gives back to the receiver what
/// does not leave over UDP.
pub(crate) struct Behind {
    pub(crate) thread: usize,
    /// Number of the receiver's thread.
    pub(crate) receiver: usize,
    pub(crate) threads: Arc<Threads>,
    pub(crate) sender: MediaSender,
    pub(crate) inbox: Arc<Ring>,
    pub(crate) taken: Batch,
    pub(crate) back: Arc<Ring>,
    pub(crate) returned: Batch,
    pub(crate) routes: Arc<RouteLog>,
}

impl Port {
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Own(socket) => registry.register(socket.source(), SOCKET, Interest::READABLE),
            Self::Behind(_) => Ok(()),
        }
    }

    pub(crate) fn is_behind(&self) -> bool {
        matches!(self, Self::Behind(_))
    }

    /// Tells the receiver what is for this thread.
    pub(crate) fn tell(&self, route: Route) {
        if let Self::Behind(behind) = self {
            behind.routes.tell(behind.thread, route);
        }
    }

    /// Whether the receiver is to send this: it alone has connections and relays.
    pub(crate) fn goes_back(&self, transmit: &Transmit) -> bool {
        self.is_behind() && (transmit.protocol == Protocol::TcpPassive || Relay::is_behind(transmit.remote))
    }

    /// Collects it for the receiver.
    pub(crate) fn give_back(&mut self, transmit: &Transmit, counters: &mut Counters) {
        let Transmit { protocol, local, remote, ref contents } = *transmit;
        if let Self::Behind(behind) = self
            && !behind.returned.push(&Datagram { protocol, remote, local, contents })
        {
            counters.ring_dropped += 1;
        }
    }

    /// Sends what was collected.
    pub(crate) fn send(&mut self, transmits: &[Transmit], counters: &mut Counters) {
        match self {
            Self::Own(socket) => socket.sender.send(transmits, counters),
            Self::Behind(behind) => {
                behind.sender.send(transmits, counters);
                if !behind.returned.is_empty() {
                    counters.ring_dropped += behind.back.hand_over(&mut behind.returned) as u64;
                    behind.threads.wake(behind.receiver);
                }
            }
        }
    }
}

impl Behind {
    /// Hands out what waits in the ring; true if there is more.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Datagram<'_>)) -> bool {
        if self.taken.is_empty() {
            self.inbox.take(&mut self.taken);
        }
        for _ in 0..DATAGRAMS_MAX {
            match self.taken.next() {
                Some(datagram) => each(datagram),
                None => return false,
            }
        }
        true
    }
}
