//! CPU time of the SFU per forwarded packet: one publisher, N subscribers, VP8 packets of 1,100 bytes at 30 pictures a
//! second, in this process, without sockets. With `BWE=1` in the environment the line of each subscriber is estimated from
//! its transport feedback and video is paced; without it subscribers answer with receiver reports only. The time of clients
//! is not counted by the clock, but is by a profiler of the whole process.
//!
//! `cargo run --release -p sfu --example forward [subscribers] [seconds] [packets per picture]`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and prints")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu::{
    AnswerFacts, Candidate, Config, Datagram, Limits, MediaKind, Output, PeerId, PeerOptions, Protocol, SectionPlan,
    SectionRole, Sfu, TrackId, Transmit,
};
use str0m::format::Codec;
use str0m::media::Mid;
use testkit::client::{self, Client, Packet};
use testkit::link::Wire;

const PICTURE: Duration = Duration::from_micros(33_333);
const TRACK: TrackId = TrackId(1);

fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 7882))
}

/// CPU time this thread has used. The kernel counts it in ticks, which is fair over many short readings.
fn cpu() -> Duration {
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

struct Bench {
    now: Instant,
    sfu: Sfu,
    clients: Vec<Client>,
    spent: Duration,
    datagrams: u64,
}

impl Bench {
    fn new() -> Self {
        let now = testkit::origin();
        let candidate = Candidate { protocol: Protocol::Udp, advertised: server(), bound: server() };
        let config = Config { candidates: vec![candidate], limits: Limits::default() };
        Self { now, sfu: Sfu::new(config, now), clients: Vec::new(), spent: Duration::ZERO, datagrams: 0 }
    }

    fn join(&mut self, role: SectionRole) -> Mid {
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
    fn serve(&mut self, wires: &[Wire]) -> Vec<Transmit> {
        for wire in wires {
            let datagram =
                Datagram { protocol: Protocol::Udp, remote: wire.from, local: server(), contents: &wire.bytes };
            self.sfu.receive(self.now, datagram);
        }
        if self.sfu.poll_timeout().is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.now);
        }
        self.sfu.flush(self.now);
        let mut out = Vec::new();
        while let Some(output) = self.sfu.poll_output() {
            if let Output::Transmit(transmit) = output {
                out.push(transmit);
            }
        }
        out
    }

    /// One round: clients speak, the server works, clients listen.
    fn round(&mut self, step: Duration) {
        self.now += step;
        let wires: Vec<Wire> = self.clients.iter_mut().flat_map(|client| client.poll(self.now)).collect();
        let start = cpu();
        let out = self.serve(&wires);
        self.spent += cpu() - start;
        self.datagrams += out.len() as u64;
        for transmit in out {
            if let Some(client) = self.clients.iter_mut().find(|client| client.address == transmit.remote) {
                let wire = Wire { from: server(), to: transmit.remote, bytes: transmit.contents };
                client.receive(self.now, &wire);
                client.packets.clear();
            }
        }
    }
}

fn main() {
    let argument =
        |index: usize, default: u64| std::env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (subscribers, seconds, packets) = (argument(1, 30), argument(2, 20), argument(3, 8));
    let mut bench = Bench::new();
    let mid = bench.join(SectionRole::Receive { track: TRACK });
    for _ in 0..subscribers {
        bench.join(SectionRole::Send { track: TRACK });
    }
    for _ in 0..3000 {
        bench.round(Duration::from_millis(1));
        if bench.clients.iter().all(|client| client.connected) {
            break;
        }
    }
    let mut sequence = 0;
    let mut run = |bench: &mut Bench, pictures: u64| {
        for _ in 0..pictures {
            let now = bench.now;
            let timestamp = (sequence / packets) as u32 * 3000;
            for index in 0..packets {
                let mut payload = vec![0x55; 1100];
                let picture = ((sequence / packets) as u16 | 0x8000).to_be_bytes();
                let first = index == 0;
                let key = sequence < packets;
                payload[..5].copy_from_slice(&[
                    0x80 | u8::from(first) << 4,
                    0x80,
                    picture[0],
                    picture[1],
                    u8::from(!key),
                ]);
                let packet = Packet {
                    codec: Codec::Vp8,
                    rid: None,
                    sequence,
                    timestamp,
                    marker: index + 1 == packets,
                    level: None,
                    payload: &payload,
                };
                bench.clients[0].send(now, mid, &packet);
                sequence += 1;
            }
            // The picture, then what happens until the next one.
            bench.round(PICTURE / 3);
            bench.round(PICTURE / 3);
            bench.round(PICTURE / 3);
        }
    };
    run(&mut bench, 60);
    let (forwarded, datagrams, spent) = (bench.sfu.counters().forwarded, bench.datagrams, bench.spent);
    run(&mut bench, seconds * 30);
    let forwarded = bench.sfu.counters().forwarded - forwarded;
    let spent = bench.spent - spent;
    println!(
        "{subscribers} subscribers, {forwarded} packets forwarded, {} datagrams out: {:.2} us CPU per packet",
        bench.datagrams - datagrams,
        spent.as_secs_f64() * 1e6 / forwarded as f64
    );
}
