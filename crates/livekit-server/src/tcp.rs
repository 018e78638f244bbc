//! The TCP port of media: ICE-TCP (RFC 6544), passive side, and TURN over TCP (RFC 8656, section 3.1).
//!
//! A client that cannot send UDP opens a connection here and runs the same ICE, DTLS and SRTP over it; or it speaks TURN, as
//! those do that cannot open connections for ICE. Nothing is queued beyond a bound: what a slow reader cannot take is
//! dropped and counted, as a full UDP socket would.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use node::StreamId;
use socket2::{Domain, Protocol, Socket, Type};

use crate::address::canonical;
use crate::crowd::{Crowd, Place};
use crate::framing::{Framing, HEADER_BYTES, Speech};
use crate::stats::Counters;

/// Connections at most.
const CONNECTIONS_MAX: usize = 4096;
/// Numbers of TURN streams from here on are connections of this port.
const FIRST_STREAM: u64 = 1 << 63;
/// Connections waiting for `accept` in the kernel.
const BACKLOG: i32 = 256;
/// Bytes waiting for one reader at most: about two seconds of a call in good quality.
const WRITE_BYTES_MAX: usize = 512 * 1024;
/// A connection that was not answered for this long and carries no TURN allocation is closed: its call is over.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The same before the first answer.
const STRANGER_MAX: Duration = Duration::from_secs(10);
/// How often silent connections are looked for.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);
/// Connections accepted (or refused), and connections read from in one turn at most: the thread has other work.
const ACCEPTS_MAX: usize = 64;
const READERS_MAX: usize = 256;
/// Bytes of one read, and reads of one connection in one turn at most.
const READ_BYTES: usize = 16 * 1024;
const READS_MAX: usize = 4;
/// Bytes read in one turn at most, and one read more; about as much as over UDP.
const TURN_BYTES_MAX: usize = 256 * 1024;

/// The ICE-TCP port and its connections.
#[derive(Debug)]
pub(crate) struct TcpPaths {
    listener: TcpListener,
    token: Token,
    port: u16,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    by_remote: HashMap<SocketAddr, usize>,
    crowd: Arc<Crowd>,
    next_stream: u64,
    /// TURN connections that have ended.
    ended: Vec<(StreamId, SocketAddr)>,
    /// Connections to read from, and connections with something to write.
    readable: Vec<usize>,
    unwritten: Vec<usize>,
    /// Whether there may be connections to accept.
    acceptable: bool,
    swept_at: Instant,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    _place: Place,
    remote: SocketAddr,
    /// Address of ours that the client connected to.
    local: IpAddr,
    framing: Framing,
    stream: StreamId,
    /// Framed bytes to write, from `written` on.
    output: Vec<u8>,
    written: usize,
    /// Whether the kernel took all it could; its event says when there is room again.
    full: bool,
    is_readable: bool,
    is_unwritten: bool,
    opened_at: Instant,
    answered_at: Option<Instant>,
}

/// A datagram that came over a connection.
pub(crate) struct Arrived<'a> {
    pub(crate) remote: SocketAddr,
    pub(crate) local: IpAddr,
    /// Set where it is no datagram but a TURN message.
    pub(crate) stream: Option<StreamId>,
    pub(crate) contents: &'a [u8],
}

impl TcpPaths {
    /// Binds `port` on all addresses, for `per_network` connections of one network. They get the tokens from `token + 1` on.
    pub(crate) fn bind(port: u16, token: Token, per_network: usize, now: Instant) -> io::Result<Self> {
        let listener = TcpListener::from_std(listen(port)?);
        let port = listener.local_addr()?.port();
        Ok(Self {
            listener,
            token,
            port,
            connections: Vec::new(),
            free: Vec::new(),
            by_remote: HashMap::new(),
            crowd: Crowd::new(per_network, |_| false),
            next_stream: FIRST_STREAM,
            ended: Vec::new(),
            readable: Vec::new(),
            unwritten: Vec::new(),
            acceptable: false,
            swept_at: now,
            buffer: vec![0; READ_BYTES],
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Open connections.
    pub(crate) fn len(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.listener, self.token, Interest::READABLE)
    }

    /// Notes what the poll says about one of our tokens.
    pub(crate) fn ready(&mut self, event: &mio::event::Event) {
        if event.token() == self.token {
            self.acceptable = true;
            return;
        }
        let index = event.token().0.wrapping_sub(self.token.0 + 1);
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        if event.is_writable() {
            connection.full = false;
            note(&mut self.unwritten, &mut connection.is_unwritten, index);
        }
        if event.is_readable() || event.is_error() {
            note(&mut self.readable, &mut connection.is_readable, index);
        }
    }

    /// Whether another turn has something to do before the poll says so.
    pub(crate) fn is_pending(&self) -> bool {
        self.acceptable || !self.readable.is_empty()
    }

    /// Whether the stream is a connection of this port.
    pub(crate) fn is_ours(stream: StreamId) -> bool {
        stream.0 >= FIRST_STREAM
    }

    /// TURN connections that have ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(StreamId, SocketAddr)> {
        std::mem::take(&mut self.ended)
    }

    /// Accepts and reads what is there, and hands out each datagram, or TURN message.
    pub(crate) fn receive(
        &mut self,
        registry: &Registry,
        now: Instant,
        counters: &mut Counters,
        mut each: impl FnMut(Arrived<'_>),
    ) {
        if self.acceptable {
            self.accept(registry, now, counters);
        }
        let mut first = std::mem::take(&mut self.readable);
        let (mut bytes, mut readers) = (0, 0);
        while bytes < TURN_BYTES_MAX && readers < first.len().min(READERS_MAX) {
            let index = first[readers];
            readers += 1;
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
                continue;
            };
            connection.is_readable = false;
            match connection.read(&mut self.buffer, &mut bytes, counters, &mut each) {
                Ok(Left::Nothing) => {}
                Ok(Left::More) => note(&mut self.readable, &mut connection.is_readable, index),
                Err(error) => self.close(registry, index, &error),
            }
        }
        // Whose turn it was not comes before who has more.
        first.drain(..readers);
        first.append(&mut self.readable);
        self.readable = first;
    }

    /// Puts a datagram into the queue of its connection; one that is gone or does not read loses it.
    pub(crate) fn queue(&mut self, now: Instant, remote: SocketAddr, contents: &[u8], counters: &mut Counters) {
        self.queue_for(now, remote, None, contents, counters);
    }

    /// The same for a TURN message.
    pub(crate) fn queue_turn(
        &mut self,
        now: Instant,
        (stream, remote): (StreamId, SocketAddr),
        contents: &[u8],
        counters: &mut Counters,
    ) {
        self.queue_for(now, remote, Some(stream), contents, counters);
    }

    fn queue_for(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        stream: Option<StreamId>,
        contents: &[u8],
        counters: &mut Counters,
    ) {
        let index = self.by_remote.get(&remote).copied();
        let open = index.and_then(|index| Some((index, self.connections.get_mut(index)?.as_mut()?)));
        let speaks = |connection: &Connection| match stream {
            Some(stream) => connection.stream == stream,
            None => matches!(connection.framing, Framing::Ice(_)),
        };
        let length = u16::try_from(contents.len());
        let (Some((index, connection)), Ok(length)) = (open.filter(|(_, connection)| speaks(connection)), length)
        else {
            counters.send_failed += 1;
            return;
        };
        if connection.output.len() - connection.written + HEADER_BYTES + contents.len() > WRITE_BYTES_MAX {
            counters.send_dropped += 1;
            return;
        }
        connection.answered_at = Some(now);
        if stream.is_none() {
            connection.output.extend_from_slice(&length.to_be_bytes());
        }
        connection.output.extend_from_slice(contents);
        counters.sent(1, contents.len());
        note(&mut self.unwritten, &mut connection.is_unwritten, index);
    }

    /// Writes what was queued: one call for all datagrams of a turn to one client.
    pub(crate) fn flush(&mut self, registry: &Registry, counters: &mut Counters) {
        for index in std::mem::take(&mut self.unwritten) {
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
                continue;
            };
            connection.is_unwritten = false;
            if let Err(error) = connection.write(counters) {
                self.close(registry, index, &error);
            }
        }
    }

    fn accept(&mut self, registry: &Registry, now: Instant, counters: &mut Counters) {
        for _ in 0..ACCEPTS_MAX {
            match self.listener.accept() {
                Ok((stream, remote)) => {
                    if let Err(error) = self.admit(registry, now, stream, canonical(remote)) {
                        counters.tcp_refused += 1;
                        tracing::debug!(%error, "an ICE-TCP connection was refused");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.acceptable = false;
                    return;
                }
                // The client was quicker with leaving.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept ICE-TCP connections");
                    self.acceptable = false;
                    return;
                }
            }
        }
    }

    fn admit(
        &mut self,
        registry: &Registry,
        now: Instant,
        mut socket: TcpStream,
        remote: SocketAddr,
    ) -> io::Result<()> {
        let place = self.crowd.enter(remote.ip()).filter(|_| self.len() < CONNECTIONS_MAX);
        let place = place.ok_or_else(|| io::Error::other("too many connections"))?;
        socket.set_nodelay(true)?;
        let local = canonical(socket.local_addr()?).ip();
        let index = self.free.last().copied().unwrap_or(self.connections.len());
        registry.register(&mut socket, Token(self.token.0 + 1 + index), Interest::READABLE | Interest::WRITABLE)?;
        let mut connection = Connection {
            socket,
            _place: place,
            remote,
            local,
            framing: Framing::default(),
            stream: StreamId(self.next_stream),
            output: Vec::new(),
            written: 0,
            full: false,
            is_readable: false,
            is_unwritten: false,
            opened_at: now,
            answered_at: None,
        };
        self.next_stream += 1;
        note(&mut self.readable, &mut connection.is_readable, index);
        if self.free.pop().is_some() {
            self.connections[index] = Some(connection);
        } else {
            self.connections.push(Some(connection));
        }
        self.by_remote.insert(remote, index);
        Ok(())
    }

    fn close(&mut self, registry: &Registry, index: usize, reason: &io::Error) {
        let Some(mut connection) = self.connections.get_mut(index).and_then(Option::take) else {
            return;
        };
        tracing::debug!(%reason, "an ICE-TCP connection ended");
        let _ = registry.deregister(&mut connection.socket);
        self.free.push(index);
        if matches!(connection.framing, Framing::Turn(_)) {
            self.ended.push((connection.stream, connection.remote));
        }
        if self.by_remote.get(&connection.remote) == Some(&index) {
            self.by_remote.remove(&connection.remote);
        }
    }

    /// Once in a second ends connections that carry nothing. `has_allocation` says which carry a TURN allocation.
    pub(crate) fn sweep(
        &mut self,
        registry: &Registry,
        now: Instant,
        has_allocation: impl Fn(StreamId, SocketAddr) -> bool,
    ) {
        if now.saturating_duration_since(self.swept_at) < SWEEP_PERIOD {
            return;
        }
        self.swept_at = now;
        // The system may have refused for want of descriptors, which no event takes back.
        self.acceptable = true;
        let is_silent = |one: &Connection| match one.answered_at {
            Some(at) => now.saturating_duration_since(at) > SILENCE_MAX && !has_allocation(one.stream, one.remote),
            None => now.saturating_duration_since(one.opened_at) > STRANGER_MAX,
        };
        let silent: Vec<usize> = (0..self.connections.len())
            .filter(|index| self.connections[*index].as_ref().is_some_and(is_silent))
            .collect();
        for index in silent {
            self.close(registry, index, &io::Error::other("silent"));
        }
    }
}

/// Whether a read left something in the kernel.
enum Left {
    Nothing,
    More,
}

impl Connection {
    fn read(
        &mut self,
        buffer: &mut [u8],
        bytes: &mut usize,
        counters: &mut Counters,
        each: &mut impl FnMut(Arrived<'_>),
    ) -> io::Result<Left> {
        for _ in 0..READS_MAX {
            if *bytes >= TURN_BYTES_MAX {
                break;
            }
            let length = match self.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Left::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            *bytes += length;
            let Self { remote, local, stream, .. } = *self;
            self.framing.push(&buffer[..length], |speech, contents| {
                counters.packets_in += 1;
                counters.bytes_in += contents.len() as u64;
                each(Arrived { remote, local, stream: (speech == Speech::Turn).then_some(stream), contents });
            })?;
        }
        Ok(Left::More)
    }

    fn write(&mut self, counters: &mut Counters) -> io::Result<()> {
        while !self.full && self.written < self.output.len() {
            match self.socket.write(&self.output[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => {
                    counters.sends += 1;
                    self.written += length;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.full = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.drain(..self.written);
        self.written = 0;
        Ok(())
    }
}

/// Puts `index` into a list that each connection stands in once at most.
fn note(list: &mut Vec<usize>, is_noted: &mut bool, index: usize) {
    if !std::mem::replace(is_noted, true) {
        list.push(index);
    }
}

/// Both families where the machine has both. Address reuse only lets a restart take the port while old connections fade;
/// Linux gives a port that is listened on to nobody else.
fn listen(port: u16) -> io::Result<std::net::TcpListener> {
    let open = |domain, address: SocketAddr| {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok::<_, io::Error>(socket.into())
    };
    match open(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            open(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, Shutdown, TcpStream};

    use kit::{Clock as _, SystemClock};
    use mio::{Events, Poll};

    use super::*;

    const LISTENER: Token = Token(2);
    const PER_NETWORK: usize = 80;
    /// A STUN binding request without attributes, framed.
    const STUN: [u8; 22] = [0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    struct Bed {
        poll: Poll,
        tcp: TcpPaths,
        counters: Counters,
        arrived: Vec<(SocketAddr, Vec<u8>)>,
        now: Instant,
        allocated: bool,
    }

    impl Bed {
        fn new() -> Self {
            let now = SystemClock.instant();
            let mut tcp = TcpPaths::bind(0, LISTENER, PER_NETWORK, now).unwrap();
            let poll = Poll::new().unwrap();
            tcp.register(poll.registry()).unwrap();
            Self { poll, tcp, counters: Counters::default(), arrived: Vec::new(), now, allocated: false }
        }

        fn connect(&self) -> TcpStream {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.tcp.port())).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream
        }

        fn turn(&mut self) {
            let mut events = Events::with_capacity(64);
            let wait = if self.tcp.is_pending() { Duration::ZERO } else { Duration::from_millis(20) };
            self.poll.poll(&mut events, Some(wait)).unwrap();
            events.iter().for_each(|event| self.tcp.ready(event));
            let arrived = &mut self.arrived;
            self.tcp.receive(self.poll.registry(), self.now, &mut self.counters, |one| {
                arrived.push((one.remote, one.contents.to_vec()));
            });
            self.tcp.sweep(self.poll.registry(), self.now, |_, _| self.allocated);
            self.tcp.flush(self.poll.registry(), &mut self.counters);
        }

        fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
            let end = SystemClock.instant() + Duration::from_secs(20);
            while !done(self) {
                assert!(SystemClock.instant() < end, "{what}");
                self.turn();
            }
        }
    }

    #[test]
    fn datagrams_go_both_ways_and_the_end_is_noticed() {
        let mut bed = Bed::new();
        let mut client = bed.connect();
        client.write_all(&STUN[..9]).unwrap();
        bed.until("accepted", |bed| bed.tcp.len() == 1);
        client.write_all(&STUN[9..]).unwrap();
        client.write_all(&[0, 3, 22, 1, 2]).unwrap();
        bed.until("both datagrams", |bed| bed.arrived.len() == 2);
        let remote = client.local_addr().unwrap();
        assert_eq!(bed.arrived, [(remote, STUN[2..].to_vec()), (remote, vec![22, 1, 2])]);
        for answer in [&[1_u8, 2, 3][..], &[4; 1200]] {
            bed.tcp.queue(bed.now, remote, answer, &mut bed.counters);
        }
        bed.turn();
        assert_eq!(bed.counters.sends, 1, "what one turn brings leaves in one call");
        let mut received = vec![0; 2 + 3 + 2 + 1200];
        client.read_exact(&mut received).unwrap();
        assert_eq!((&received[..5], &received[5..8]), (&[0, 3, 1, 2, 3][..], &[4, 0xb0, 4][..]));
        client.shutdown(Shutdown::Both).unwrap();
        bed.until("closed", |bed| bed.tcp.len() == 0);
        assert!(bed.tcp.by_remote.is_empty() && bed.tcp.crowd.is_empty());
    }

    #[test]
    fn the_port_is_ours_alone() {
        let bed = Bed::new();
        let second = TcpPaths::bind(bed.tcp.port(), LISTENER, PER_NETWORK, bed.now);
        assert_eq!(second.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    }

    /// TURN needs no further framing, and its connection stays open for as long as its allocation lasts, without traffic too.
    #[test]
    fn turn_messages_go_both_ways() {
        let mut bed = Bed::new();
        let mut client = bed.connect();
        client.write_all(&STUN[2..]).unwrap();
        bed.until("the message", |bed| bed.arrived.len() == 1);
        let remote = client.local_addr().unwrap();
        assert_eq!(bed.arrived, [(remote, STUN[2..].to_vec())]);
        let stream = bed.tcp.connections[0].as_ref().unwrap().stream;
        bed.tcp.queue(bed.now, remote, &[1; 4], &mut bed.counters);
        bed.tcp.queue_turn(bed.now, (StreamId(stream.0 + 1), remote), &[2; 4], &mut bed.counters);
        bed.tcp.queue_turn(bed.now, (stream, remote), &[3; 4], &mut bed.counters);
        bed.turn();
        let mut received = [0; 4];
        client.read_exact(&mut received).unwrap();
        assert_eq!((received, bed.counters.send_failed), ([3; 4], 2), "neither ICE nor another stream is mixed in");
        bed.allocated = true;
        bed.now += SILENCE_MAX + Duration::from_secs(2);
        bed.turn();
        assert_eq!(bed.tcp.len(), 1, "it carries an allocation");
        bed.allocated = false;
        bed.now += SWEEP_PERIOD;
        bed.turn();
        assert_eq!((bed.tcp.len(), bed.tcp.take_ended()), (0, vec![(stream, remote)]));
    }

    #[test]
    fn strangers_and_the_silent_are_shut_out() {
        let mut bed = Bed::new();
        let mut stranger = bed.connect();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut quiet = bed.connect();
        let mut answered = bed.connect();
        answered.write_all(&STUN).unwrap();
        bed.until("the HTTP client is gone", |bed| bed.tcp.len() == 2 && bed.arrived.len() == 1);
        assert_eq!(stranger.read(&mut [0]).unwrap_or(0), 0);
        bed.tcp.queue(bed.now, answered.local_addr().unwrap(), &[1], &mut bed.counters);
        bed.now += STRANGER_MAX + Duration::from_secs(2);
        bed.turn();
        assert_eq!(bed.tcp.len(), 1, "who never got an answer is gone");
        assert_eq!(quiet.read(&mut [0]).unwrap_or(0), 0);
        bed.now += SILENCE_MAX;
        bed.turn();
        assert_eq!(bed.tcp.len(), 0, "whose call is over is gone");
    }

    /// A crowd at the door does not keep the thread from its other work.
    #[test]
    fn a_crowd_comes_in_over_several_turns() {
        let mut bed = Bed::new();
        let held: Vec<_> = (0..ACCEPTS_MAX + 6).map(|_| bed.connect()).collect();
        bed.turn();
        assert_eq!((bed.tcp.len(), bed.tcp.is_pending()), (ACCEPTS_MAX, true));
        bed.until("all are in", |bed| bed.tcp.len() == held.len());
    }

    /// Nor do a few that send as much as they can.
    #[test]
    fn what_many_send_is_read_over_several_turns() {
        let mut bed = Bed::new();
        let mut clients: Vec<_> = (0..20).map(|_| bed.connect()).collect();
        let datagram = [&1000_u16.to_be_bytes()[..], &[22; 1000]].concat();
        for client in &mut clients {
            client.write_all(&STUN).unwrap();
            client.write_all(&datagram.repeat(50)).unwrap();
        }
        bed.turn();
        let first = bed.counters.bytes_in as usize;
        assert!((TURN_BYTES_MAX / 2..TURN_BYTES_MAX + READ_BYTES).contains(&first), "{first} of 1,000,000 bytes");
        assert!(bed.tcp.is_pending());
        bed.until("all that was sent", |bed| bed.arrived.len() == 20 * 51);
        let mut whole = bed.arrived.iter().filter(|(_, bytes)| bytes.len() == 1000);
        assert!(whole.all(|(_, bytes)| bytes == &[22; 1000]));
    }

    #[test]
    fn who_does_not_read_loses_datagrams_and_nothing_more() {
        let mut bed = Bed::new();
        let mut client = bed.connect();
        client.write_all(&STUN).unwrap();
        bed.until("accepted", |bed| bed.arrived.len() == 1);
        let remote = client.local_addr().unwrap();
        while bed.counters.send_dropped == 0 {
            bed.tcp.queue(bed.now, remote, &[7; 1200], &mut bed.counters);
            bed.tcp.flush(bed.poll.registry(), &mut bed.counters);
        }
        let connection = bed.tcp.connections[0].as_ref().unwrap();
        assert!(connection.output.len() <= WRITE_BYTES_MAX);
        // Once it reads, whole datagrams arrive: nothing was torn.
        let count = bed.counters.packets_out;
        let reader = std::thread::spawn(move || {
            for _ in 0..count {
                let mut framed = [0; 1202];
                client.read_exact(&mut framed).unwrap();
                assert_eq!((&framed[..2], framed[1201]), (&[4, 0xb0][..], 7));
            }
        });
        bed.until("written", |bed| bed.tcp.connections[0].as_ref().is_none_or(|one| one.output.is_empty()));
        reader.join().unwrap();
    }

    #[test]
    fn one_network_cannot_take_every_place() {
        let mut bed = Bed::new();
        let mut clients = Vec::new();
        for _ in 0..=PER_NETWORK {
            clients.push(bed.connect());
            bed.turn();
        }
        bed.until("one is refused", |bed| bed.counters.tcp_refused == 1);
        assert_eq!(bed.tcp.len(), PER_NETWORK);
    }
}
