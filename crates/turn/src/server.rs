//! The state machine.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use kit::{Network, Rate, Secret};

use crate::allocation::{Allocation, ChannelError, lifetime_s};
use crate::api::{Config, Counters, Output, Path, Relayed, StreamId, relay_ip};
use crate::credentials::{self, REALM};
use crate::message::{Class, Message, Writer, attribute, method};
use crate::sources::Sources;

/// Ports of relayed addresses. They are given in turn, so that one comes back only after tens of thousands of others.
const FIRST_PORT: u16 = 1024;
/// Protocol number of UDP, the only one that is relayed.
const UDP: u8 = 17;
/// How often allocations are looked through for those that have expired.
const SWEEP: Duration = Duration::from_secs(5);
/// Bytes in front of channel data.
const CHANNEL_HEADER_BYTES: usize = 4;

/// Error codes of RFC 8489 section 14.8 and RFC 8656 section 19.
mod code {
    pub(super) const BAD_REQUEST: u16 = 400;
    pub(super) const UNAUTHENTICATED: u16 = 401;
    pub(super) const FORBIDDEN: u16 = 403;
    pub(super) const UNKNOWN_ATTRIBUTE: u16 = 420;
    pub(super) const ALLOCATION_MISMATCH: u16 = 437;
    pub(super) const STALE_NONCE: u16 = 438;
    pub(super) const FAMILY_NOT_SUPPORTED: u16 = 440;
    pub(super) const WRONG_CREDENTIALS: u16 = 441;
    pub(super) const UNSUPPORTED_TRANSPORT: u16 = 442;
    pub(super) const PEER_FAMILY_MISMATCH: u16 = 443;
    pub(super) const QUOTA_REACHED: u16 = 486;
    pub(super) const INSUFFICIENT_CAPACITY: u16 = 508;
}

/// Answers STUN, and relays between clients and our own media port. See the crate documentation.
#[derive(Debug)]
pub struct Server {
    config: Config,
    rate: Rate,
    allocations: HashMap<Path, Allocation>,
    /// Whose allocation each relayed port is; both families have their own ports.
    relayed: HashMap<SocketAddr, Path>,
    networks: HashMap<Network, usize>,
    users: HashMap<String, usize>,
    next_port: u16,
    sources: Sources,
    clock: (Instant, u64),
    sweep_at: Instant,
    out: VecDeque<Output>,
    counters: Counters,
}

/// A request whose sender has shown the password.
struct Signed<'a> {
    user_name: &'a str,
    key: [u8; 16],
}

impl Server {
    /// A server without allocations. `unix_ms` is the wall clock at `now`.
    pub fn new(config: Config, now: Instant, unix_ms: u64) -> Self {
        let bytes = f64::from(config.limits.bytes_per_second);
        Self {
            config,
            rate: Rate { burst: bytes, per_second: bytes },
            allocations: HashMap::new(),
            relayed: HashMap::new(),
            networks: HashMap::new(),
            users: HashMap::new(),
            next_port: FIRST_PORT,
            sources: Sources::new(now),
            clock: (now, unix_ms),
            sweep_at: now,
            out: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Re-anchors the wall clock.
    pub fn set_unix_ms(&mut self, now: Instant, unix_ms: u64) {
        self.clock = (now, unix_ms);
    }

    /// What arrived over `path` and [`is_for_us`](crate::is_for_us). Answers are in the outputs; data for the media port
    /// is handed back.
    pub fn receive<'a>(&mut self, now: Instant, path: Path, bytes: &'a [u8]) -> Option<Relayed<'a>> {
        if matches!(bytes.first(), Some(64..=79)) {
            return self.channel_data(now, path, bytes);
        }
        let message = Message::parse(bytes)?;
        match (message.method, message.class) {
            (method::BINDING, Class::Request) => self.binding(now, path, &message),
            (method::SEND, Class::Indication) => return self.send_indication(now, path, &message),
            (_, Class::Request) => self.request(now, path, &message),
            _ => {}
        }
        None
    }

    /// Whether `remote` stands for a client behind an allocation, or did so once: what goes there is for [`Server::wrap`],
    /// and nothing ever arrives from there.
    pub fn is_relayed(remote: SocketAddr) -> bool {
        remote.ip() == relay_ip(remote.is_ipv4())
    }

    /// A datagram of our address `from` to a relayed address, as its client is to get it. `None` if nobody has that address,
    /// or its client has not permitted `from`.
    pub fn wrap(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, mut contents: Vec<u8>) -> Option<Output> {
        let path = *self.relayed.get(&to)?;
        let allocation = self.allocations.get(&path)?;
        if !allocation.permits(now, from.ip()) {
            self.counters.relay_dropped += 1;
            return None;
        }
        self.counters.relayed_out += 1;
        let Some(channel) = allocation.channel_to(now, from) else {
            let mut writer = Writer::new(method::DATA, Class::Indication, [0; 12]);
            writer.address(attribute::XOR_PEER_ADDRESS, from);
            writer.attribute(attribute::DATA, &contents);
            return Some(Output { path, contents: writer.finish(None) });
        };
        let length = u16::try_from(contents.len()).ok()?;
        let [high, low] = channel.to_be_bytes();
        let [length_high, length_low] = length.to_be_bytes();
        contents.splice(..0, [high, low, length_high, length_low]);
        if matches!(path, Path::Stream { .. }) {
            contents.resize(contents.len().next_multiple_of(4), 0);
        }
        Some(Output { path, contents })
    }

    /// The next answer to send.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Server::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.allocations.is_empty()).then_some(self.sweep_at)
    }

    /// Time has passed: allocations that nobody refreshed end.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now + SWEEP;
        let expired = |(path, one): (&Path, &Allocation)| (one.expires_at <= now).then_some(*path);
        let expired: Vec<Path> = self.allocations.iter().filter_map(expired).collect();
        expired.iter().for_each(|path| self.remove(path));
    }

    /// A stream is gone, and with it its allocation (RFC 8656, section 5).
    pub fn stream_closed(&mut self, id: StreamId, remote: SocketAddr) {
        self.remove(&Path::Stream { id, remote });
    }

    /// Whether there is an allocation for this path.
    pub fn has_allocation(&self, path: &Path) -> bool {
        self.allocations.contains_key(path)
    }

    /// Allocations now.
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether somebody is answered who has not shown a password. The sender of a datagram may be forged, so there is a
    /// measure; whoever has opened a connection is where it says, and connections are counted elsewhere.
    fn admits(&mut self, now: Instant, path: &Path) -> bool {
        let admitted = !matches!(path, Path::Udp { .. }) || self.sources.admit(now, path.remote().ip());
        self.counters.unanswered += u64::from(!admitted);
        admitted
    }

    fn binding(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        if !self.admits(now, &path) {
            return;
        }
        let mut writer = Writer::new(method::BINDING, Class::Success, message.transaction());
        writer.address(attribute::XOR_MAPPED_ADDRESS, path.remote());
        self.counters.bindings += 1;
        self.answer(path, writer.finish(None));
    }

    fn answer(&mut self, path: Path, contents: Vec<u8>) {
        self.out.push_back(Output { path, contents });
    }

    fn request(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let known = [method::ALLOCATE, method::REFRESH, method::CREATE_PERMISSION, method::CHANNEL_BIND];
        let Some(secret) = self.config.secret.clone() else { return };
        if matches!(path, Path::Framed { .. }) || !known.contains(&message.method) {
            return;
        }
        let signed = match self.authenticate(now, path, message, &secret) {
            Ok(signed) => signed,
            Err(code) => return self.challenge(now, path, message, &secret, code),
        };
        let unknown = unknown_attributes(message);
        let mut writer = Writer::new(message.method, Class::Success, message.transaction());
        let done = if unknown.is_empty() {
            match message.method {
                method::ALLOCATE => self.allocate(now, path, message, &signed, &mut writer),
                method::REFRESH => self.refresh(now, path, message, &signed, &mut writer),
                method::CREATE_PERMISSION => self.create_permission(now, path, message, &signed),
                _ => self.channel_bind(now, path, message, &signed),
            }
        } else {
            Err(code::UNKNOWN_ATTRIBUTE)
        };
        if let Err(code) = done {
            self.counters.allocations_refused += u64::from(message.method == method::ALLOCATE);
            writer = Writer::new(message.method, Class::Error, message.transaction());
            writer.error(code);
            if code == code::UNKNOWN_ATTRIBUTE {
                writer.attribute(attribute::UNKNOWN_ATTRIBUTES, &unknown);
            }
        }
        self.answer(path, writer.finish(Some(&signed.key)));
    }

    /// RFC 8489, section 9.2.4. User names expire for new allocations only: a call may last longer than its credentials.
    fn authenticate<'a>(
        &self,
        now: Instant,
        path: Path,
        message: &Message<'a>,
        secret: &Secret,
    ) -> Result<Signed<'a>, u16> {
        if !message.has(attribute::MESSAGE_INTEGRITY) {
            return Err(code::UNAUTHENTICATED);
        }
        let (Some(user_name), Some(nonce), true) =
            (message.text(attribute::USERNAME), message.attribute(attribute::NONCE), message.has(attribute::REALM))
        else {
            return Err(code::BAD_REQUEST);
        };
        if !credentials::is_fresh(secret, &path.to_string(), self.unix_s(now), nonce) {
            return Err(code::STALE_NONCE);
        }
        let user = credentials::user(user_name).ok_or(code::UNAUTHENTICATED)?;
        let is_new = message.method == method::ALLOCATE && !self.allocations.contains_key(&path);
        let key = credentials::key(secret, user_name);
        if !message.is_signed_with(&key) || (is_new && user.expires_at <= self.unix_s(now)) {
            return Err(code::UNAUTHENTICATED);
        }
        Ok(Signed { user_name, key })
    }

    /// Tells somebody who is not yet, or no longer, authenticated how to be.
    fn challenge(&mut self, now: Instant, path: Path, message: &Message<'_>, secret: &Secret, code: u16) {
        if !self.admits(now, &path) {
            return;
        }
        let mut writer = Writer::new(message.method, Class::Error, message.transaction());
        writer.error(code);
        if code != code::BAD_REQUEST {
            let nonce = credentials::nonce(secret, &path.to_string(), self.unix_s(now));
            writer.attribute(attribute::REALM, REALM.as_bytes());
            writer.attribute(attribute::NONCE, nonce.as_bytes());
        }
        self.answer(path, writer.finish(None));
    }

    /// RFC 8656, section 7.2.
    fn allocate(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        signed: &Signed<'_>,
        writer: &mut Writer,
    ) -> Result<(), u16> {
        let lifetime = lifetime_s(message.number(attribute::LIFETIME));
        match self.allocations.get(&path) {
            // The answer was lost, and the client asks again.
            Some(known) if known.transaction == message.transaction() && known.user_name == signed.user_name => {}
            Some(_) => return Err(code::ALLOCATION_MISMATCH),
            None => {
                let relayed = self.admit(path, message, signed)?;
                let user = credentials::user(signed.user_name).map_or("", |user| user.name);
                let network = Network::of(path.remote().ip());
                *self.networks.entry(network).or_default() += 1;
                *self.users.entry(user.to_owned()).or_default() += 1;
                let names = (signed.user_name, user);
                let allocation = Allocation::new(relayed, names, network, message.transaction(), (now, self.rate));
                self.sweep_at = if self.allocations.is_empty() { now + SWEEP } else { self.sweep_at };
                self.allocations.insert(path, allocation);
                self.relayed.insert(relayed, path);
                self.counters.allocations += 1;
            }
        }
        let Some(allocation) = self.allocations.get_mut(&path) else { return Err(code::INSUFFICIENT_CAPACITY) };
        allocation.expires_at = now + Duration::from_secs(lifetime.into());
        writer.address(attribute::XOR_RELAYED_ADDRESS, allocation.relayed);
        writer.attribute(attribute::LIFETIME, &lifetime.to_be_bytes());
        writer.address(attribute::XOR_MAPPED_ADDRESS, path.remote());
        Ok(())
    }

    /// Whether somebody may have an allocation, and its relayed address.
    fn admit(&mut self, path: Path, message: &Message<'_>, signed: &Signed<'_>) -> Result<SocketAddr, u16> {
        match message.attribute(attribute::REQUESTED_TRANSPORT) {
            Some([UDP, _, _, _]) => {}
            Some([_, _, _, _]) => return Err(code::UNSUPPORTED_TRANSPORT),
            _ => return Err(code::BAD_REQUEST),
        }
        // Pairs of ports are for RTP without WebRTC.
        if message.has(attribute::EVEN_PORT) || message.has(attribute::RESERVATION_TOKEN) {
            return Err(code::INSUFFICIENT_CAPACITY);
        }
        let peers = &self.config.peers;
        let has = |ipv4: bool| peers.iter().any(|peer| peer.is_ipv4() == ipv4);
        let ipv4 = match message.attribute(attribute::REQUESTED_ADDRESS_FAMILY) {
            // Who does not say means IPv4, and browsers never say. Where only this machine reaches ours, others are told of
            // none to send to, and IPv6 is better than nothing.
            None => {
                let outside = peers.iter().find(|peer| peer.is_ipv4() && !peer.ip().is_loopback());
                outside.or_else(|| peers.first()).is_some_and(SocketAddr::is_ipv4)
            }
            Some([1, ..]) => true,
            Some([2, ..]) => false,
            Some(_) => return Err(code::FAMILY_NOT_SUPPORTED),
        };
        if !has(ipv4) {
            return Err(code::FAMILY_NOT_SUPPORTED);
        }
        let limits = &self.config.limits;
        let of_user = credentials::user(signed.user_name).and_then(|user| self.users.get(user.name));
        let of_network = self.networks.get(&Network::of(path.remote().ip()));
        if of_user.is_some_and(|count| *count >= limits.allocations_per_user)
            || of_network.is_some_and(|count| *count >= limits.allocations_per_network)
        {
            return Err(code::QUOTA_REACHED);
        }
        if self.allocations.len() >= limits.allocations {
            return Err(code::INSUFFICIENT_CAPACITY);
        }
        self.free_address(relay_ip(ipv4)).ok_or(code::INSUFFICIENT_CAPACITY)
    }

    fn free_address(&mut self, ip: IpAddr) -> Option<SocketAddr> {
        (FIRST_PORT..=u16::MAX).find_map(|_| {
            let address = SocketAddr::new(ip, self.next_port);
            self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
            (!self.relayed.contains_key(&address)).then_some(address)
        })
    }

    /// The allocation of whoever signed, RFC 8656 section 5.
    fn own(&mut self, path: &Path, signed: &Signed<'_>) -> Result<&mut Allocation, u16> {
        let allocation = self.allocations.get_mut(path).ok_or(code::ALLOCATION_MISMATCH)?;
        if allocation.user_name == signed.user_name { Ok(allocation) } else { Err(code::WRONG_CREDENTIALS) }
    }

    fn refresh(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        signed: &Signed<'_>,
        writer: &mut Writer,
    ) -> Result<(), u16> {
        let allocation = self.own(&path, signed)?;
        let lifetime = match message.number(attribute::LIFETIME) {
            Some(0) => 0,
            wanted => lifetime_s(wanted),
        };
        allocation.expires_at = now + Duration::from_secs(lifetime.into());
        if lifetime == 0 {
            self.remove(&path);
        }
        writer.attribute(attribute::LIFETIME, &lifetime.to_be_bytes());
        Ok(())
    }

    fn create_permission(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        signed: &Signed<'_>,
    ) -> Result<(), u16> {
        let relayed = self.own(&path, signed)?.relayed;
        let wanted = message.addresses(attribute::XOR_PEER_ADDRESS).filter(|wanted| !wanted.is_empty());
        let wanted = wanted.ok_or(code::BAD_REQUEST)?;
        for peer in &wanted {
            self.check_peer(relayed, |ours| ours.ip() == peer.ip(), peer)?;
        }
        let allocation = self.own(&path, signed)?;
        let permitted = wanted.iter().all(|peer| allocation.permit(now, peer.ip()));
        if permitted { Ok(()) } else { Err(code::INSUFFICIENT_CAPACITY) }
    }

    fn channel_bind(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        signed: &Signed<'_>,
    ) -> Result<(), u16> {
        let relayed = self.own(&path, signed)?.relayed;
        let number = match message.attribute(attribute::CHANNEL_NUMBER) {
            Some([high @ 0x40..=0x4f, low, _, _]) => u16::from_be_bytes([*high, *low]),
            _ => return Err(code::BAD_REQUEST),
        };
        let peer = message.addresses(attribute::XOR_PEER_ADDRESS).and_then(|found| found.first().copied());
        let peer = peer.ok_or(code::BAD_REQUEST)?;
        self.check_peer(relayed, |ours| *ours == peer, &peer)?;
        self.own(&path, signed)?.bind(now, number, peer).map_err(|error| match error {
            ChannelError::Taken => code::BAD_REQUEST,
            ChannelError::TooMany => code::INSUFFICIENT_CAPACITY,
        })
    }

    /// Whether a client may talk to `peer` at all.
    fn check_peer(
        &self,
        relayed: SocketAddr,
        is_it: impl Fn(&SocketAddr) -> bool,
        peer: &SocketAddr,
    ) -> Result<(), u16> {
        if peer.is_ipv4() != relayed.is_ipv4() {
            return Err(code::PEER_FAMILY_MISMATCH);
        }
        if self.config.peers.iter().any(is_it) { Ok(()) } else { Err(code::FORBIDDEN) }
    }

    fn send_indication<'a>(&mut self, now: Instant, path: Path, message: &Message<'a>) -> Option<Relayed<'a>> {
        let to = *message.addresses(attribute::XOR_PEER_ADDRESS)?.first()?;
        let contents = message.attribute(attribute::DATA)?;
        self.relay(now, path, to, contents)
    }

    fn channel_data<'a>(&mut self, now: Instant, path: Path, bytes: &'a [u8]) -> Option<Relayed<'a>> {
        let [high, low, length_high, length_low, ref data @ ..] = *bytes else { return None };
        let contents = data.get(..usize::from(u16::from_be_bytes([length_high, length_low])))?;
        let number = u16::from_be_bytes([high, low]);
        let to = self.allocations.get(&path)?.channel_peer(now, number)?;
        self.relay(now, path, to, contents)
    }

    fn relay<'a>(&mut self, now: Instant, path: Path, to: SocketAddr, contents: &'a [u8]) -> Option<Relayed<'a>> {
        let allocation = self.allocations.get_mut(&path).filter(|one| one.expires_at > now)?;
        let allowed = self.config.peers.contains(&to)
            && allocation.permits(now, to.ip())
            && allocation.spend(now, self.rate, contents.len() + CHANNEL_HEADER_BYTES);
        if !allowed {
            self.counters.relay_dropped += 1;
            return None;
        }
        self.counters.relayed_in += 1;
        Some(Relayed { from: allocation.relayed, to, contents })
    }

    fn remove(&mut self, path: &Path) {
        let Some(allocation) = self.allocations.remove(path) else { return };
        self.relayed.remove(&allocation.relayed);
        give_back(&mut self.networks, &allocation.network);
        give_back(&mut self.users, &allocation.user);
    }

    fn unix_s(&self, now: Instant) -> u64 {
        let (anchor, unix_ms) = self.clock;
        (unix_ms + now.saturating_duration_since(anchor).as_millis() as u64) / 1000
    }
}

fn give_back<K: std::hash::Hash + Eq + Clone>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Attributes that must be understood and are not (RFC 8489, section 14), as UNKNOWN-ATTRIBUTES lists them.
fn unknown_attributes(message: &Message<'_>) -> Vec<u8> {
    const UNDERSTOOD: [u16; 14] = [
        attribute::USERNAME,
        attribute::MESSAGE_INTEGRITY,
        attribute::CHANNEL_NUMBER,
        attribute::LIFETIME,
        attribute::XOR_PEER_ADDRESS,
        attribute::DATA,
        attribute::REALM,
        attribute::NONCE,
        attribute::REQUESTED_ADDRESS_FAMILY,
        attribute::EVEN_PORT,
        attribute::REQUESTED_TRANSPORT,
        // Nothing of ours is ever fragmented by us: there is no packet of its own behind an allocation.
        attribute::DONT_FRAGMENT,
        attribute::RESERVATION_TOKEN,
        attribute::XOR_MAPPED_ADDRESS,
    ];
    let unknown = message.attributes().map(|(kind, _)| kind);
    unknown.filter(|kind| *kind < 0x8000 && !UNDERSTOOD.contains(kind)).flat_map(u16::to_be_bytes).take(64).collect()
}

#[cfg(test)]
mod tests;
