//! How a peer's datagrams travel: over UDP, or framed over TCP (RFC 4571) to an ICE-TCP port (RFC 6544).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use str0m::Candidate;
use str0m::net::{Protocol, TcpType};
use tokio::net::{TcpStream, UdpSocket};

use crate::error::LoadError;

const DATAGRAM_BYTES_MAX: usize = 2048;
/// Framed bytes that wait for the network at most; what does not fit is lost, as on any full link.
const UNSENT_BYTES_MAX: usize = 256 * 1024;
/// A port that is closed by a firewall never answers.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// Which of the server's addresses a participant uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Path {
    /// All that it tells, over UDP.
    #[default]
    Udp,
    /// This one over UDP, if the server tells it.
    UdpTo(SocketAddr),
    /// This one over TCP, if the server tells it.
    TcpTo(SocketAddr),
}

impl Path {
    /// Whether a candidate of the server may be used.
    pub(crate) fn takes(self, told: Told) -> bool {
        match self {
            Self::Udp => told.transport == Transport::Udp,
            Self::UdpTo(address) => told == Told { transport: Transport::Udp, address },
            Self::TcpTo(address) => told == Told { transport: Transport::Tcp, address },
        }
    }
}

/// UDP or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

/// An address for media that the server told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Told {
    pub transport: Transport,
    pub address: SocketAddr,
}

impl Told {
    /// `None` for what is no candidate, or one that cannot be used (a name in place of an address, an active TCP one).
    pub(crate) fn read(candidate: &str) -> Option<(Self, Candidate)> {
        let candidate = Candidate::from_sdp_string(candidate).ok()?;
        let transport = match (candidate.proto(), candidate.tcptype()) {
            (Protocol::Udp, _) => Transport::Udp,
            (Protocol::Tcp, Some(TcpType::Passive)) => Transport::Tcp,
            _ => return None,
        };
        Some((Self { transport, address: candidate.addr() }, candidate))
    }
}

/// An open socket and where it is.
pub(crate) struct Socket {
    kind: Kind,
    pub(crate) local: SocketAddr,
}

enum Kind {
    Udp(UdpSocket, Box<[u8; DATAGRAM_BYTES_MAX]>),
    Tcp(Framed),
}

struct Framed {
    stream: TcpStream,
    remote: SocketAddr,
    /// What has come and was not handed out yet; `datagram` is where the last one handed out ends.
    received: Vec<u8>,
    datagram: usize,
    unsent: Vec<u8>,
}

impl Socket {
    /// A socket at `local_ip`, or at the interface that leads to the one address of `path`.
    pub(crate) async fn open(path: Path, local_ip: IpAddr) -> Result<Self, LoadError> {
        if let Path::TcpTo(remote) = path {
            let late = |_| LoadError::Late { what: "the TCP connection", within: CONNECT_LIMIT };
            let stream = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(remote)).await.map_err(late)??;
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?;
            let framed = Framed { stream, remote, received: Vec::new(), datagram: 0, unsent: Vec::new() };
            return Ok(Self { kind: Kind::Tcp(framed), local });
        }
        let ip = match path {
            Path::UdpTo(remote) => local_ip_towards(remote)?,
            _ => local_ip,
        };
        let socket = UdpSocket::bind((ip, 0)).await?;
        let local = socket.local_addr()?;
        Ok(Self { kind: Kind::Udp(socket, Box::new([0; DATAGRAM_BYTES_MAX])), local })
    }

    /// The candidate for this socket.
    pub(crate) fn candidate(&self) -> Result<Candidate, LoadError> {
        let made = match self.kind {
            Kind::Udp(..) => Candidate::host(self.local, "udp"),
            Kind::Tcp(_) => Candidate::builder().tcp().host(self.local).tcptype(TcpType::Active).build(),
        };
        made.map_err(|error| LoadError::Protocol(format!("no candidate from {}: {error}", self.local)))
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Udp(..) => Protocol::Udp,
            Kind::Tcp(_) => Protocol::Tcp,
        }
    }

    /// Waits until there is something to receive.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Udp(socket, _) => socket.readable().await,
            Kind::Tcp(framed) => framed.stream.readable().await,
        }
    }

    /// The next datagram that is there, and its sender.
    ///
    /// # Errors
    /// Where a TCP connection has ended.
    pub(crate) fn receive(&mut self) -> io::Result<Option<(SocketAddr, &[u8])>> {
        match &mut self.kind {
            Kind::Udp(socket, buffer) => loop {
                match socket.try_recv_from(&mut buffer[..]) {
                    Ok((length, from)) => return Ok(Some((from, &buffer[..length]))),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                    // ICMP errors of earlier sends are reported here; ICE finds out by itself.
                    Err(_) => {}
                }
            },
            Kind::Tcp(framed) => framed.receive(),
        }
    }

    /// Sends a datagram; a full socket buffer loses it as any network does.
    pub(crate) fn send(&mut self, contents: &[u8], to: SocketAddr) {
        match &mut self.kind {
            Kind::Udp(socket, _) => {
                let _ = socket.try_send_to(contents, to);
            }
            Kind::Tcp(framed) => framed.send(contents),
        }
    }
}

impl Framed {
    fn receive(&mut self) -> io::Result<Option<(SocketAddr, &[u8])>> {
        self.received.drain(..self.datagram);
        self.datagram = 0;
        loop {
            if let [high, low, ..] = self.received[..] {
                let end = 2 + usize::from(u16::from_be_bytes([high, low]));
                if self.received.len() >= end {
                    self.datagram = end;
                    return Ok(Some((self.remote, &self.received[2..end])));
                }
            }
            match self.stream.try_read_buf(&mut self.received) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, contents: &[u8]) {
        let Ok(length) = u16::try_from(contents.len()) else { return };
        if self.unsent.len() + contents.len() <= UNSENT_BYTES_MAX {
            self.unsent.extend_from_slice(&length.to_be_bytes());
            self.unsent.extend_from_slice(contents);
        }
        // What does not go now goes with the next datagram; ICE and DTLS send some all the time.
        if let Ok(written) = self.stream.try_write(&self.unsent) {
            self.unsent.drain(..written);
        }
    }
}

/// The address of the interface that leads to `remote`.
pub(crate) fn local_ip_towards(remote: SocketAddr) -> io::Result<IpAddr> {
    let unspecified: IpAddr =
        if remote.is_ipv4() { [0, 0, 0, 0].into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((unspecified, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn a_path_takes_its_own_addresses() {
        let told = |text| Told::read(text).map(|(told, _)| told);
        let udp = told("candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host").unwrap();
        let tcp = told("candidate:2 1 tcp 1671430143 192.0.2.1 7881 typ host tcptype passive").unwrap();
        assert_eq!(told("candidate:3 1 tcp 1671430143 192.0.2.1 9 typ host tcptype active"), None);
        assert_eq!(told("candidate:4 1 udp 1 secret.local 5 typ host"), None);
        let other = "192.0.2.2:7882".parse().unwrap();
        for (path, takes) in [
            (Path::Udp, (true, false)),
            (Path::UdpTo(udp.address), (true, false)),
            (Path::UdpTo(other), (false, false)),
            (Path::TcpTo(tcp.address), (false, true)),
            (Path::TcpTo(udp.address), (false, false)),
        ] {
            assert_eq!((path.takes(udp), path.takes(tcp)), takes, "{path:?}");
        }
    }

    /// Datagrams keep their bounds on a stream that cuts them anywhere; its end is told.
    #[tokio::test]
    async fn datagrams_are_framed_on_a_stream() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = listener.local_addr().unwrap();
        let (socket, accepted) = tokio::join!(Socket::open(Path::TcpTo(remote), remote.ip()), listener.accept());
        let (mut socket, mut server) = (socket.unwrap(), accepted.unwrap().0);
        socket.send(b"hello", remote);
        let mut sent = [0; 7];
        server.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"\0\x05hello");
        for part in [&b"\0"[..], b"\x03on", b"e\0\x03two\0"] {
            server.write_all(part).await.unwrap();
        }
        let mut received = Vec::new();
        while received.len() < 2 {
            socket.readable().await.unwrap();
            while let Some((from, datagram)) = socket.receive().unwrap() {
                assert_eq!(from, remote);
                received.push(datagram.to_vec());
            }
        }
        assert_eq!(received, [b"one", b"two"]);
        drop(server);
        socket.readable().await.unwrap();
        assert_eq!(socket.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
