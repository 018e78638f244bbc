//! The TURN server in front of the media engine: its clients' data arrives as if from their relayed addresses, and what
//! goes to those is wrapped.

use std::net::SocketAddr;
use std::time::Instant;

use sfu::{Candidate, Datagram, Protocol, Transmit};
use turn::{Config, Limits, Path, Server, StreamId};

use crate::api::{Output, TurnOptions};

/// One of our addresses.
#[derive(Debug, Clone, Copy)]
struct Ours {
    advertised: SocketAddr,
    bound: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) server: Server,
    /// Those that clients may talk to: one for each socket address, because what leaves there cannot say which it means.
    ours: Vec<Ours>,
}

impl Relay {
    pub(crate) fn new(candidates: &[Candidate], options: Option<&TurnOptions>, now: Instant, unix_ms: u64) -> Self {
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

    /// Data for the media engine that is in what arrived over `path`.
    pub(crate) fn unwrap<'a>(&mut self, now: Instant, path: Path, contents: &'a [u8]) -> Option<Datagram<'a>> {
        let relayed = self.server.receive(now, path, contents)?;
        let ours = self.ours.iter().find(|ours| ours.advertised == relayed.to)?;
        Some(Datagram { protocol: Protocol::Udp, remote: relayed.from, local: ours.bound, contents: relayed.contents })
    }

    /// What the media engine sends, as it leaves: to a relayed address it goes the way of its client.
    pub(crate) fn wrap(&mut self, now: Instant, transmit: Transmit) -> Option<Output> {
        if !Server::is_relayed(transmit.remote) {
            return Some(Output::Transmit(transmit));
        }
        let ours = self.ours.iter().find(|ours| ours.bound == transmit.local)?;
        self.server.wrap(now, ours.advertised, transmit.remote, transmit.contents).map(output)
    }

    /// An answer of the TURN server itself.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.server.poll_output().map(output)
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
pub(crate) fn path(datagram: &Datagram<'_>) -> Path {
    let Datagram { protocol, remote, local, .. } = *datagram;
    match protocol {
        Protocol::Udp => Path::Udp { remote, local },
        Protocol::TcpPassive => Path::Framed { remote, local },
    }
}

/// The way of a stream.
pub(crate) fn stream(id: StreamId, remote: SocketAddr) -> Path {
    Path::Stream { id, remote }
}
