//! The media socket: batched reads (recvmmsg, GRO) and batched sends (GSO), one UDP port, IPv4 and IPv6.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

use crate::address::{Advertised, canonical};
use crate::batch::{Shape, run_at};
use crate::stats::Counters;
use crate::ways::Taker;

/// Bytes of one receive buffer: the largest UDP payload, also where the kernel joined datagrams (GRO).
const BUFFER_BYTES: usize = 64 * 1024;
/// Batches read in one turn at most, so that reading starves neither commands nor timers.
const READS_MAX: usize = 8;
/// Socket buffers asked for, in bytes; the system may grant less (`net.core.rmem_max`).
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A bound, non-blocking UDP socket.
pub(crate) struct MediaSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    port: u16,
    buffers: Vec<u8>,
    pub(crate) sender: MediaSender,
}

/// Sends over a socket that another thread may read.
pub(crate) struct MediaSender {
    socket: std::net::UdpSocket,
    state: UdpSocketState,
    /// Whether the socket is IPv6 (then IPv4 peers appear as mapped addresses).
    ipv6: bool,
    joined: Vec<u8>,
    /// Whether the log has said that a send failed.
    told: bool,
}

/// What one read found.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// There may be more.
    Some,
    /// Everything was handed out; the poll tells when there is more.
    Empty,
}

impl MediaSocket {
    /// Binds `port` on all addresses, for us alone: no address reuse, so a second process cannot take part of the media.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let (socket, ipv6) = match bind_dual(port) {
            Ok(socket) => (socket, true),
            // A machine without IPv6 refuses the family; a taken port is an error of its own.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => (bind_v4(port)?, false),
        };
        // Refused sizes leave the system's default, which only costs drops under load.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
        let socket: std::net::UdpSocket = socket.into();
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let port = socket.local_addr()?.port();
        let sender = MediaSender::new(socket.try_clone()?, ipv6)?;
        Ok(Self {
            socket: mio::net::UdpSocket::from_std(socket),
            state,
            port,
            buffers: vec![0; BATCH_SIZE * BUFFER_BYTES],
            sender,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn ipv6(&self) -> bool {
        self.sender.ipv6
    }

    /// For registration with the poll.
    pub(crate) fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Reads what has arrived, as far as it came to an address that clients are told; true if there may be more.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        advertised: &Advertised,
        counters: &mut Counters,
        taker: &mut impl Taker,
    ) -> bool {
        for _ in 0..READS_MAX {
            let read = self.receive(counters, |remote, destination, contents| {
                if let Some(local) = advertised.bound(node::Protocol::Udp, destination, remote) {
                    taker.receive(now, node::Datagram { protocol: node::Protocol::Udp, remote, local, contents });
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

    /// Reads one batch and hands out each datagram with its remote address and the address it was sent to.
    fn receive(
        &mut self,
        counters: &mut Counters,
        mut each: impl FnMut(SocketAddr, Option<IpAddr>, &[u8]),
    ) -> io::Result<Read> {
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        let count = {
            let mut chunks = self.buffers.chunks_exact_mut(BUFFER_BYTES);
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut meta) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Read::Empty),
                // A pending ICMP error of an earlier send is reported here; it says nothing about this read.
                Err(error) if is_peer_error(&error) => return Ok(Read::Some),
                Err(error) => return Err(error),
            }
        };
        for (buffer, meta) in self.buffers.chunks_exact(BUFFER_BYTES).zip(&meta).take(count) {
            let remote = canonical(meta.addr);
            let destination = meta.dst_ip.map(|ip| ip.to_canonical());
            for datagram in buffer[..meta.len.min(BUFFER_BYTES)].chunks(meta.stride.max(1)) {
                counters.packets_in += 1;
                counters.bytes_in += datagram.len() as u64;
                each(remote, destination, datagram);
            }
        }
        // Fewer than asked for: the socket was empty, and whatever arrives from now on is a new event of the poll.
        Ok(if count < BATCH_SIZE { Read::Empty } else { Read::Some })
    }
}

impl MediaSender {
    fn new(socket: std::net::UdpSocket, ipv6: bool) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, state, ipv6, joined: Vec::with_capacity(BUFFER_BYTES), told: false })
    }

    /// Another one over the same socket, for another thread.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Self::new(self.socket.try_clone()?, self.ipv6)
    }

    /// Sends `datagrams` in order, joining runs. A full socket buffer drops the rest of a run, counted: media is lossy.
    pub(crate) fn send(&mut self, datagrams: &[node::Transmit], counters: &mut Counters) {
        let shape = |index: usize| {
            datagrams.get(index).map(|one| Shape { local: one.local, remote: one.remote, length: one.contents.len() })
        };
        let mut start = 0;
        while start < datagrams.len() {
            let run = run_at(shape, start, self.state.max_gso_segments());
            start = run.end;
            self.send_run(&datagrams[run], counters);
        }
    }

    fn send_run(&mut self, run: &[node::Transmit], counters: &mut Counters) {
        let bytes: usize = run.iter().map(|one| one.contents.len()).sum();
        let result = match run {
            [] => return,
            [only] => self.send_bytes(only, &only.contents, None),
            [first, ..] => {
                let mut joined = std::mem::take(&mut self.joined);
                joined.clear();
                run.iter().for_each(|one| joined.extend_from_slice(&one.contents));
                let result = self.send_bytes(first, &joined, Some(first.contents.len()));
                self.joined = joined;
                result
            }
        };
        counters.sends += 1;
        match result {
            Ok(()) => counters.sent(run.len(), bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => counters.send_dropped += run.len() as u64,
            // The system or the device refused the segmented form (quinn-udp has switched it off where it is hopeless).
            Err(_) if run.len() > 1 => run.iter().for_each(|one| self.send_run(std::slice::from_ref(one), counters)),
            Err(error) => {
                counters.send_failed += 1;
                if !is_peer_error(&error) && !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(%error, "the system does not send media to a client; is RTC_NODE_IP an address of this \
                        machine, or one that is forwarded to it? This is said once, and counted in /metrics");
                }
            }
        }
    }

    fn send_bytes(&self, path: &node::Transmit, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let transmit = quinn_udp::Transmit {
            destination: if self.ipv6 { mapped(path.remote) } else { path.remote },
            ecn: None,
            contents,
            segment_size,
            src_ip: source(path.local.ip(), path.remote.ip()),
        };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }
}

/// The address to send from, where the system is not to choose. It refuses (EINVAL) to send from loopback to elsewhere, which
/// is what RTC_NODE_IP=127.0.0.1 would have it do in a container whose ports are forwarded; left alone, it takes the right one.
fn source(local: IpAddr, remote: IpAddr) -> Option<IpAddr> {
    let leaves = local.is_loopback() && !remote.is_loopback();
    (!local.is_unspecified() && !leaves).then_some(local)
}

fn bind_dual(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_only_v6(false)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

fn bind_v4(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        SocketAddr::V6(_) => address,
    }
}

/// Errors that a peer or the path to it causes (ICMP unreachable and alike).
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | HostUnreachable | Interrupted | NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive_all(socket: &mut MediaSocket, wanted: usize) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut poll = mio::Poll::new().unwrap();
        poll.registry().register(socket.source(), mio::Token(0), mio::Interest::READABLE).unwrap();
        let (mut all, mut counters) = (Vec::new(), Counters::default());
        while all.len() < wanted {
            let mut events = mio::Events::with_capacity(4);
            poll.poll(&mut events, Some(std::time::Duration::from_secs(5))).unwrap();
            assert!(!events.is_empty(), "{} of {wanted} arrived", all.len());
            while socket.receive(&mut counters, |from, _, bytes| all.push((from, bytes.to_vec()))).unwrap()
                == Read::Some
            {}
        }
        poll.registry().deregister(socket.source()).unwrap();
        all
    }

    /// A run that leaves as one segmented send arrives as the same datagrams, in order, from the right address.
    #[test]
    fn what_is_joined_arrives_apart() {
        let (mut from, mut to) = (MediaSocket::bind(0).unwrap(), MediaSocket::bind(0).unwrap());
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, from.port()));
        let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, to.port()));
        let transmit = |fill: u8, length: usize| node::Transmit {
            protocol: node::Protocol::Udp,
            local,
            remote,
            contents: vec![fill; length],
        };
        let sent: Vec<_> = [(1, 1100), (2, 1100), (3, 1100), (4, 500), (5, 1200)].map(|(f, l)| transmit(f, l)).into();
        let mut counters = Counters::default();
        from.sender.send(&sent, &mut counters);
        assert_eq!((counters.packets_out, counters.send_dropped, counters.send_failed), (5, 0, 0));
        let received = receive_all(&mut to, 5);
        for (sent, (address, bytes)) in sent.iter().zip(&received) {
            assert_eq!((&sent.contents, sent.local), (bytes, *address));
        }
    }

    #[test]
    fn nothing_leaves_from_loopback() {
        let cases = [
            ("192.0.2.1", "198.51.100.1", Some("192.0.2.1")),
            ("127.0.0.1", "127.0.0.1", Some("127.0.0.1")),
            ("127.0.0.1", "172.17.0.1", None),
            ("0.0.0.0", "198.51.100.1", None),
        ];
        for (local, remote, expected) in cases {
            let found = source(local.parse().unwrap(), remote.parse().unwrap());
            assert_eq!(found, expected.map(|ip| ip.parse().unwrap()), "{local} to {remote}");
        }
    }

    #[test]
    fn the_port_is_ours_alone() {
        let first = MediaSocket::bind(0).unwrap();
        let second = MediaSocket::bind(first.port());
        assert_eq!(second.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    }
}
