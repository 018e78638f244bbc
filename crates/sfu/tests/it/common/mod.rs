//! A room's worth of clients around one `Sfu`, in memory, in stepped time.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its own part")]

mod answer;
mod publish;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu::{
    Candidate, Channel, Config, Datagram, Event, Limits, MediaKind, Output, PeerId, PeerOptions, Protocol, SectionPlan,
    SectionRole, Sfu, TrackId,
};
use str0m::change::SdpApi;
use str0m::media::Mid;
use testkit::client::{self, Client};
use testkit::link::{Conditions, Link, Wire};
use testkit::random::Seed;

pub use publish::{Publisher, rid_of, sent_ms};

pub fn server_address() -> SocketAddr {
    "10.0.0.1:7882".parse().unwrap()
}

/// The addresses of the server's sockets as they are bound.
fn bound(protocol: Protocol) -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], if protocol == Protocol::Udp { 7882 } else { 7881 }))
}

/// One client and what its sections are for.
pub struct Member {
    pub client: Client,
    pub peer: PeerId,
    pub roles: HashMap<Mid, (MediaKind, SectionRole)>,
}

pub struct Sim {
    pub now: Instant,
    seed: Seed,
    pub sfu: Sfu,
    pub link: Link,
    pub members: Vec<Member>,
    pub publishers: Vec<Publisher>,
    pub events: Vec<Event>,
    /// Where clients are whose datagrams travel over a connection of ICE-TCP, which nothing else reaches.
    pub over_tcp: HashSet<SocketAddr>,
    /// Media (RTP and RTCP, RFC 7983) that was sent, by destination.
    pub media_sent: HashMap<SocketAddr, usize>,
    next_id: u64,
}

impl Sim {
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self::limited(seed, conditions, Limits::default())
    }

    pub fn limited(seed: u64, conditions: Conditions, limits: Limits) -> Self {
        let seed = Seed::new(seed);
        let now = testkit::origin();
        let candidates = [Protocol::Udp, Protocol::TcpPassive].map(|protocol| {
            let advertised = SocketAddr::new(server_address().ip(), bound(protocol).port());
            Candidate { protocol, advertised, bound: bound(protocol) }
        });
        let config = Config { candidates: candidates.to_vec(), limits };
        Self {
            now,
            sfu: Sfu::new(config, now),
            link: Link::new(seed.number(), conditions),
            seed,
            members: Vec::new(),
            publishers: Vec::new(),
            events: Vec::new(),
            over_tcp: HashSet::new(),
            media_sent: HashMap::new(),
            next_id: 1,
        }
    }

    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Add a client without sections.
    pub fn add(&mut self, options: PeerOptions) -> usize {
        let id = self.new_id();
        let peer = PeerId(id);
        self.sfu.add_peer(self.now, peer, options).unwrap();
        let address = SocketAddr::from(([10, 0, (1 + id / 250) as u8, (1 + id % 250) as u8], 5000));
        self.members.push(Member { client: Client::new(self.now, address), peer, roles: HashMap::new() });
        self.members.len() - 1
    }

    pub fn join(&mut self) -> usize {
        self.add(PeerOptions { ice_lite: true, receives: true, ..Default::default() })
    }

    /// Offer from a client, answered by the server.
    pub fn negotiate<T>(&mut self, member: usize, change: impl FnOnce(&mut SdpApi<'_>) -> T) -> T {
        let (value, offer) = self.members[member].client.offer(change);
        let answer = self.answer(member, &offer);
        self.members[member].client.accept_answer(&answer);
        value
    }

    fn answer(&mut self, member: usize, offer: &str) -> String {
        let member = &self.members[member];
        let plan: Vec<SectionPlan> = answer::media_sections(offer)
            .into_iter()
            .map(|(mid, kind)| SectionPlan {
                role: member
                    .roles
                    .get(&Mid::from(mid.as_str()))
                    .map_or(SectionRole::Inactive, |(_, role)| role.clone()),
                mid,
                kind,
            })
            .collect();
        let offer = answer::direct(offer, &plan);
        let facts = self.sfu.accept_offer(self.now, member.peer, &offer, &plan).unwrap();
        self.sfu.flush(self.now);
        answer::mirror(&offer, &plan, &facts)
    }

    /// Data channels and one section per kind of media to publish; returns the tracks.
    pub fn publish(&mut self, member: usize, media: &[(MediaKind, &[&str])]) -> Vec<TrackId> {
        let tracks: Vec<TrackId> = media.iter().map(|_| TrackId(self.new_id())).collect();
        let fresh = self.members[member].roles.is_empty();
        let (mids, offer) = self.members[member].client.offer(|api| {
            if fresh {
                client::add_channels(api);
            }
            media.iter().map(|(kind, rids)| client::add_sender(api, str_kind(*kind), rids)).collect::<Vec<_>>()
        });
        for ((mid, (kind, rids)), track) in mids.iter().zip(media).zip(&tracks) {
            let role = SectionRole::Receive { track: *track };
            self.members[member].roles.insert(*mid, (*kind, role));
            let rids: &[&str] = if rids.is_empty() { &[""] } else { rids };
            for rid in rids {
                let rid = (!rid.is_empty()).then_some(*rid);
                let random = self.seed.number() ^ u64::from(self.publishers.len() as u32);
                self.publishers.push(Publisher::new(member, *mid, *track, *kind, rid, random, self.now));
            }
        }
        let answer = self.answer(member, &offer);
        self.members[member].client.accept_answer(&answer);
        for ((_, rids), track) in media.iter().zip(&tracks) {
            let rids: Vec<String> = rids.iter().map(ToString::to_string).collect();
            if !rids.is_empty() {
                self.sfu.set_track_layers(*track, &rids, false);
            }
        }
        tracks
    }

    /// New receiving sections for these tracks.
    pub fn subscribe(&mut self, member: usize, tracks: &[(TrackId, MediaKind)]) -> Vec<Mid> {
        let fresh = self.members[member].roles.is_empty();
        let (mids, offer) = self.members[member].client.offer(|api| {
            if fresh {
                client::add_channels(api);
            }
            tracks.iter().map(|(_, kind)| client::add_receiver(api, str_kind(*kind))).collect::<Vec<_>>()
        });
        for (mid, (track, kind)) in mids.iter().zip(tracks) {
            self.members[member].roles.insert(*mid, (*kind, SectionRole::Send { track: *track }));
        }
        let answer = self.answer(member, &offer);
        self.members[member].client.accept_answer(&answer);
        mids
    }

    /// Let the next thing happen.
    pub fn step(&mut self, until: Instant) {
        let mut next = until;
        for at in self.link.next().into_iter().chain(self.sfu.poll_timeout()) {
            next = next.min(at);
        }
        for member in &self.members {
            next = next.min(member.client.timeout());
        }
        for publisher in &self.publishers {
            next = next.min(publisher.due());
        }
        self.now = self.now.max(next);
        self.deliver();
        for index in 0..self.publishers.len() {
            let publisher = &mut self.publishers[index];
            if publisher.due() <= self.now {
                let client = &mut self.members[publisher.member].client;
                publisher.send(self.now, client);
                let wires = client.poll(self.now);
                self.transmit(wires);
            }
        }
        for index in 0..self.members.len() {
            if self.members[index].client.timeout() <= self.now {
                let wires = self.members[index].client.poll(self.now);
                self.transmit(wires);
            }
        }
        if self.sfu.poll_timeout().is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.now);
        }
        self.sfu.flush(self.now);
        self.collect();
    }

    fn deliver(&mut self) {
        while let Some(wire) = self.link.receive(self.now) {
            if wire.to == server_address() {
                let protocol = self.protocol(wire.from);
                let (remote, local) = (wire.from, bound(protocol));
                let datagram = Datagram { protocol, remote, local, contents: &wire.bytes };
                self.sfu.receive(self.now, datagram);
            } else if let Some(member) = self.members.iter_mut().find(|member| member.client.address == wire.to) {
                member.client.receive(self.now, &wire);
                let wires = member.client.poll(self.now);
                self.transmit(wires);
            }
        }
    }

    fn protocol(&self, client: SocketAddr) -> Protocol {
        if self.over_tcp.contains(&client) { Protocol::TcpPassive } else { Protocol::Udp }
    }

    fn transmit(&mut self, wires: Vec<Wire>) {
        for wire in wires {
            self.link.send(self.now, wire);
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    assert_eq!(transmit.local, bound(transmit.protocol), "sent from the bound socket");
                    if matches!(transmit.contents.first(), Some(128..=191)) {
                        *self.media_sent.entry(transmit.remote).or_default() += 1;
                    }
                    let wire = Wire { from: server_address(), to: transmit.remote, bytes: transmit.contents };
                    if transmit.protocol == self.protocol(transmit.remote) {
                        self.link.send(self.now, wire);
                    }
                }
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step(end);
        }
    }

    /// Run until something is true; fails after `limit`.
    pub fn run_until(&mut self, limit: Duration, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !condition(self) {
            assert!(self.now < end, "within {limit:?}: {what}");
            self.step(end);
        }
    }

    pub fn run_until_connected(&mut self) {
        self.run_until(Duration::from_secs(10), "all clients connect", |sim| {
            sim.members.iter().all(|member| member.client.connected)
        });
    }

    pub fn has_event(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub fn channel_open(&self, member: usize, channel: Channel) -> bool {
        self.has_event(&Event::ChannelOpen(self.members[member].peer, channel))
    }

    /// Counters of the payloads that a member received on a section, with the track they name.
    pub fn heard(&self, member: usize, mid: Mid) -> Vec<(TrackId, u64)> {
        let packets = &self.members[member].client.packets;
        packets.iter().filter(|(on, _)| *on == mid).filter_map(|(_, packet)| publish::tag(&packet.payload)).collect()
    }
}

pub fn str_kind(kind: MediaKind) -> str0m::media::MediaKind {
    match kind {
        MediaKind::Audio => str0m::media::MediaKind::Audio,
        MediaKind::Video => str0m::media::MediaKind::Video,
    }
}
