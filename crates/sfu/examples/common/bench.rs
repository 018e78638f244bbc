//! An SFU with clients in memory and in stepped time; only what the SFU does is counted.

#![allow(dead_code, reason = "each program uses its own part")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu::{
    AnswerFacts, Candidate, Config, Datagram, Hop, Limits, MediaKind, Output, PeerId, PeerOptions, Protocol,
    SectionPlan, SectionRole, Sfu, TrackId, Transmit,
};
use str0m::format::Codec;
use str0m::media::Mid;
use testkit::client::{self, Client, Packet};
use testkit::link::Wire;

pub(crate) const PICTURE: Duration = Duration::from_micros(33_333);
pub(crate) const TRACK: TrackId = TrackId(1);

fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 7882))
}

/// CPU time this thread has used. The kernel brings the figure up to date when the thread gives way.
fn cpu() -> Duration {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts the time of threads");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("schedstat begins with nanoseconds on the CPU"))
}

/// The offer turned around: everything is accepted.
fn answer(offer: &str, facts: &AnswerFacts, receives: bool) -> String {
    let mut text = String::new();
    for line in offer.lines() {
        let dropped = ["a=ice-", "a=fingerprint", "a=candidate", "a=msid:", "a=ssrc", "a=setup", "a=end-of"];
        match line {
            "a=sendonly" | "a=recvonly" => {
                text += if receives { "a=recvonly\r\n" } else { "a=sendonly\r\n" };
                text += &format!("a=setup:passive\r\na=ice-ufrag:{}\r\n", facts.ice_ufrag);
                text += &format!("a=ice-pwd:{}\r\na=fingerprint:{}\r\n", facts.ice_pwd, facts.fingerprint);
                text += &facts.candidates.iter().map(|line| format!("a={line}\r\n")).collect::<String>();
                if let (Some(ssrc), Some(rtx)) = (facts.sections[0].ssrc, facts.sections[0].rtx_ssrc) {
                    text +=
                        &format!("a=ssrc-group:FID {ssrc} {rtx}\r\na=ssrc:{ssrc} cname:c\r\na=ssrc:{rtx} cname:c\r\n");
                }
            }
            _ if dropped.iter().any(|prefix| line.starts_with(prefix)) => {}
            _ => text += &format!("{line}\r\n"),
        }
        if line == "t=0 0" {
            text += "a=ice-lite\r\n";
        }
    }
    text
}

pub(crate) struct Bench {
    pub(crate) now: Instant,
    pub(crate) sfu: Sfu,
    pub(crate) clients: Vec<Client>,
    /// Other SFUs hand over these, and get those.
    pub(crate) hops_in: Vec<Hop>,
    pub(crate) hops_out: Vec<Hop>,
    /// CPU time of the SFU, and datagrams that left it.
    pub(crate) spent: Duration,
    pub(crate) datagrams: u64,
    /// How often the SFU asked for memory, where [`testkit::memory::Counted`] is the allocator.
    pub(crate) allocations: u64,
    /// Kept from round to round.
    out: Vec<Transmit>,
}

impl Bench {
    pub(crate) fn new(now: Instant) -> Self {
        let candidate = Candidate { protocol: Protocol::Udp, advertised: server(), bound: server() };
        let config = Config { candidates: vec![candidate], limits: Limits::default() };
        Self {
            now,
            sfu: Sfu::new(config, now),
            clients: Vec::new(),
            hops_in: Vec::new(),
            hops_out: Vec::new(),
            spent: Duration::ZERO,
            datagrams: 0,
            allocations: 0,
            out: Vec::new(),
        }
    }

    pub(crate) fn join(&mut self, role: SectionRole) -> Mid {
        let index = self.clients.len() as u64;
        let peer = PeerId(index);
        let options = PeerOptions {
            ice_lite: true,
            receives: !matches!(role, SectionRole::Receive { .. }) && std::env::var("BWE").is_ok(),
            ..Default::default()
        };
        self.sfu.add_peer(self.now, peer, options).expect("within limits");
        let address = SocketAddr::from(([10, 1, (index / 250) as u8, (index % 250 + 1) as u8], 5000));
        let mut client = Client::new(self.now, address);
        let sends = matches!(role, SectionRole::Receive { .. });
        let (mid, offer) = client.offer(|api| {
            let kind = str0m::media::MediaKind::Video;
            if sends { client::add_sender(api, kind, &[]) } else { client::add_receiver(api, kind) }
        });
        let plan = [SectionPlan { mid: mid.to_string(), kind: MediaKind::Video, role }];
        let facts = self.sfu.accept_offer(self.now, peer, &offer, &plan).expect("a good offer");
        client.accept_answer(&answer(&offer, &facts, sends));
        self.clients.push(client);
        mid
    }

    /// What the server does in a round. (Its instructions: `valgrind --tool=callgrind --toggle-collect='*Bench*serve*'`.)
    #[inline(never)]
    fn serve(&mut self, wires: &[Wire]) {
        for wire in wires {
            let datagram =
                Datagram { protocol: Protocol::Udp, remote: wire.from, local: server(), contents: &wire.bytes };
            self.sfu.receive(self.now, datagram);
        }
        for hop in self.hops_in.drain(..) {
            self.sfu.receive_hop(self.now, hop);
        }
        if self.sfu.poll_timeout().is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.now);
        }
        self.sfu.flush(self.now);
        while let Some(output) = self.sfu.poll_output() {
            if let Output::Transmit(transmit) = output {
                self.out.push(transmit);
            }
        }
        self.hops_out.extend(std::iter::from_fn(|| self.sfu.poll_hop()));
    }

    /// Until all clients are in.
    pub(crate) fn connect(&mut self) {
        for _ in 0..3000 {
            self.round(Duration::from_millis(1));
            if self.clients.iter().all(|client| client.connected) {
                break;
            }
        }
    }

    /// One round: clients speak, the server works, clients listen.
    pub(crate) fn round(&mut self, step: Duration) {
        self.now += step;
        let wires: Vec<Wire> = self.clients.iter_mut().flat_map(|client| client.poll(self.now)).collect();
        let (start, times) = (cpu(), testkit::memory::times());
        self.serve(&wires);
        self.spent += cpu() - start;
        self.allocations += testkit::memory::times() - times;
        self.datagrams += self.out.len() as u64;
        for transmit in self.out.drain(..) {
            if let Some(client) = self.clients.iter_mut().find(|client| client.address == transmit.remote) {
                let wire = Wire { from: server(), to: transmit.remote, bytes: transmit.contents };
                client.receive(self.now, &wire);
                client.packets.clear();
                self.sfu.recycle(wire.bytes);
            }
        }
    }
}

/// Sends pictures as a camera does.
pub(crate) struct Camera {
    mid: Mid,
    packets: u64,
    sequence: u64,
}

impl Camera {
    /// Of the first client of a bench, in so many packets each.
    pub(crate) fn new(mid: Mid, packets: u64) -> Self {
        Self { mid, packets, sequence: 0 }
    }

    /// One picture.
    pub(crate) fn send(&mut self, bench: &mut Bench) {
        let timestamp = (self.sequence / self.packets) as u32 * 3000;
        for index in 0..self.packets {
            let mut payload = vec![0x55; 1100];
            let picture = ((self.sequence / self.packets) as u16 | 0x8000).to_be_bytes();
            let first = index == 0;
            let key = self.sequence < self.packets;
            payload[..5].copy_from_slice(&[0x80 | u8::from(first) << 4, 0x80, picture[0], picture[1], u8::from(!key)]);
            let packet = Packet {
                codec: Codec::Vp8,
                rid: None,
                sequence: self.sequence,
                timestamp,
                marker: index + 1 == self.packets,
                level: None,
                payload: &payload,
            };
            bench.clients[0].send(bench.now, self.mid, &packet);
            self.sequence += 1;
        }
    }
}
