//! The TURN server in front of the media engine: its clients' data arrives as if from their relayed addresses, and what
//! goes to those is wrapped.

use std::net::SocketAddr;
use std::time::Instant;

use sfu::{Candidate, Datagram, Protocol, Transmit};
use turn::{Config, Counters, Limits, Path, Server, StreamId};

use crate::api::{Output, TurnOptions};

/// One of our addresses.
#[derive(Debug, Clone, Copy)]
struct Ours {
    advertised: SocketAddr,
    bound: SocketAddr,
}

/// STUN answers and the TURN server on the media port. It stands before one [`Node`](crate::Node), which has it inside, or
/// before several.
#[derive(Debug)]
pub struct Relay {
    server: Server,
    /// Those that clients may talk to: one for each socket address, because what leaves there cannot say which it means.
    ours: Vec<Ours>,
}

impl Relay {
    /// `unix_ms` is the wall clock at `now`. Without `options` STUN is answered, TURN is not.
    pub fn new(candidates: &[Candidate], options: Option<&TurnOptions>, now: Instant, unix_ms: u64) -> Self {
        let mut ours: Vec<Ours> = Vec::new();
        for candidate in candidates.iter().filter(|candidate| candidate.protocol == Protocol::Udp) {
            if ours.iter().all(|known| known.bound != candidate.bound) {
                ours.push(Ours { advertised: candidate.advertised, bound: candidate.bound });
            }
        }
        let config = Config {
            secret: options.map(|options| options.secret.clone()),
            peers: ours.iter().map(|ours| ours.advertised).collect(),
            limits: options.map_or_else(Limits::default, |options| options.limits.clone()),
        };
        Self { server: Server::new(config, now, unix_ms), ours }
    }

    /// Re-anchors the wall clock.
    pub fn set_unix_ms(&mut self, now: Instant, unix_ms: u64) {
        self.server.set_unix_ms(now, unix_ms);
    }

    /// Takes what is for itself out of what comes from the network, and gives back what is for the media engine: the
    /// datagram, or the data in it. Answers are in the outputs.
    pub fn receive<'a>(&mut self, now: Instant, datagram: Datagram<'a>) -> Option<Datagram<'a>> {
        if turn::is_for_us(datagram.contents) {
            return self.unwrap(now, path(&datagram), datagram.contents);
        }
        // Nothing ever comes from a relayed address: who says so lies.
        (!Self::is_behind(datagram.remote)).then_some(datagram)
    }

    /// The same for one message of a stream.
    pub fn receive_stream<'a>(
        &mut self,
        now: Instant,
        id: StreamId,
        remote: SocketAddr,
        contents: &'a [u8],
    ) -> Option<Datagram<'a>> {
        self.unwrap(now, Path::Stream { id, remote }, contents)
    }

    /// Whether a stream carries an allocation: then it is to stay open.
    pub fn has_allocation(&self, id: StreamId, remote: SocketAddr) -> bool {
        self.server.has_allocation(&Path::Stream { id, remote })
    }

    /// A stream is gone.
    pub fn stream_closed(&mut self, id: StreamId, remote: SocketAddr) {
        self.server.stream_closed(id, remote);
    }

    /// Data for the media engine that is in what arrived over `path`.
    fn unwrap<'a>(&mut self, now: Instant, path: Path, contents: &'a [u8]) -> Option<Datagram<'a>> {
        let relayed = self.server.receive(now, path, contents)?;
        let ours = self.ours.iter().find(|ours| ours.advertised == relayed.to)?;
        Some(Datagram { protocol: Protocol::Udp, remote: relayed.from, local: ours.bound, contents: relayed.contents })
    }

    /// Whether `remote` is the address of a client behind the relay: what goes there is for [`Relay::wrap`].
    pub fn is_behind(remote: SocketAddr) -> bool {
        Server::is_relayed(remote)
    }

    /// What the media engine sends, as it leaves: to a relayed address it goes the way of its client.
    pub fn wrap(&mut self, now: Instant, transmit: Transmit) -> Option<Output> {
        if !Self::is_behind(transmit.remote) {
            return Some(Output::Transmit(transmit));
        }
        let ours = self.ours.iter().find(|ours| ours.bound == transmit.local)?;
        self.server.wrap(now, ours.advertised, transmit.remote, transmit.contents).map(output)
    }

    /// An answer of its own: [`Output::Transmit`] or [`Output::Stream`].
    pub fn poll_output(&mut self) -> Option<Output> {
        self.server.poll_output().map(output)
    }

    /// When [`Relay::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.server.handle_timeout(now);
    }

    /// Allocations now.
    pub fn allocations(&self) -> usize {
        self.server.allocations()
    }

    /// Counters since start.
    pub fn counters(&self) -> Counters {
        self.server.counters()
    }
}

fn output(turn::Output { path, contents }: turn::Output) -> Output {
    let transmit = |protocol, local, remote, contents| Output::Transmit(Transmit { protocol, local, remote, contents });
    match path {
        Path::Udp { remote, local } => transmit(Protocol::Udp, local, remote, contents),
        Path::Framed { remote, local } => transmit(Protocol::TcpPassive, local, remote, contents),
        Path::Stream { id, remote } => Output::Stream(id, remote, contents),
    }
}

/// The way that a datagram came.
fn path(datagram: &Datagram<'_>) -> Path {
    let Datagram { protocol, remote, local, .. } = *datagram;
    match protocol {
        Protocol::Udp => Path::Udp { remote, local },
        Protocol::TcpPassive => Path::Framed { remote, local },
    }
}
