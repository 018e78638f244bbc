//! One room on several SFUs, each on a thread of its own, without sockets: what a thread needs for each packet that it
//! forwards, what the hop between threads costs, and so how much larger a room can be.
//!
//! One publisher on the first thread, VP8 packets of 1,100 bytes at 30 pictures a second; subscribers are shared out evenly.
//! Time is stepped; only the CPU time of the SFUs is counted, on their threads.
//!
//! `cargo run --release -p sfu --example relay [subscribers] [seconds] [packets per picture]`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and prints")]

#[path = "common/bench.rs"]
mod bench;

use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use bench::{Bench, Camera, PICTURE, TRACK};
use sfu::{Hop, SectionRole};

const WARM_UP: u64 = 60;

/// What waits for a thread: handed over once a round, as between media threads.
type Ring = Arc<Mutex<Vec<Hop>>>;

/// What one thread has done in the measured time.
struct Done {
    spent: Duration,
    forwarded: u64,
    hops: u64,
}

struct Plan {
    /// Subscribers of each thread.
    subscribers: Vec<u64>,
    pictures: u64,
    packets: u64,
    start: Instant,
}

/// One thread: the first has the publisher.
fn work(plan: &Plan, number: usize, rings: &[Ring], barrier: &Barrier) -> Done {
    let mut bench = Bench::new(plan.start);
    let publisher = (number == 0).then(|| bench.join(SectionRole::Receive { track: TRACK }));
    for _ in 0..plan.subscribers[number] {
        bench.join(SectionRole::Send { track: TRACK });
    }
    // All of them step the same time.
    (0..3000).for_each(|_| bench.round(Duration::from_millis(1)));
    assert!(bench.clients.iter().all(|client| client.connected), "somebody is not in");
    bench.sfu.set_relayed(TRACK, rings.len() > 1);
    let mut camera = publisher.map(|mid| Camera::new(mid, plan.packets));
    let (mut before, mut hops) = ((Duration::ZERO, 0), 0);
    for picture in 0..WARM_UP + plan.pictures {
        if picture == WARM_UP {
            (before, hops) = ((bench.spent, bench.sfu.counters().forwarded), 0);
        }
        if let Some(camera) = &mut camera {
            camera.send(&mut bench);
        }
        for _ in 0..3 {
            barrier.wait();
            bench.hops_in = std::mem::take(&mut rings[number].lock().expect("no panic"));
            barrier.wait();
            bench.round(PICTURE / 3);
            hops += bench.hops_out.len() as u64;
            for hop in bench.hops_out.drain(..) {
                let others: Vec<usize> = match hop {
                    Hop::Packet(_) => (0..rings.len()).filter(|other| *other != number).collect(),
                    Hop::Keyframe { .. } => vec![0],
                };
                for other in others {
                    rings[other].lock().expect("no panic").push(hop.clone());
                }
            }
        }
    }
    Done { spent: bench.spent - before.0, forwarded: bench.sfu.counters().forwarded - before.1, hops }
}

fn measure(plan: &Plan) -> Vec<Done> {
    let threads = plan.subscribers.len();
    let rings: Vec<Ring> = (0..threads).map(|_| Ring::default()).collect();
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let spawn = |number| {
            scope.spawn({
                let (rings, barrier) = (&rings, &barrier);
                move || work(plan, number, rings, barrier)
            })
        };
        let running: Vec<_> = (0..threads).map(spawn).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn main() {
    let argument =
        |index: usize, default: u64| std::env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (subscribers, seconds, packets) = (argument(1, 60), argument(2, 10), argument(3, 8));
    println!(
        "| SFUs | subscribers of each | us CPU per forwarded packet, each thread | packets/s that the fullest thread allows |"
    );
    println!("|---|---|---|---|");
    let cases = [
        vec![subscribers],
        vec![subscribers / 2; 2],
        vec![0, subscribers],
        vec![subscribers / 4; 4],
        vec![1],
        vec![1, 0],
    ];
    for each in cases {
        let plan = Plan { subscribers: each, pictures: seconds * 30, packets, start: testkit::origin() };
        let done = measure(&plan);
        let micros = |done: &Done| done.spent.as_secs_f64() * 1e6;
        let per_packet = done.iter().map(|one| match one.forwarded {
            0 => format!(
                "{:.2} for each of {} packets in",
                micros(one) / (plan.pictures * packets) as f64,
                plan.pictures * packets
            ),
            forwarded => format!("{:.2}", micros(one) / forwarded as f64),
        });
        let fullest = done.iter().map(|one| one.spent).max().unwrap_or_default();
        let forwarded: u64 = done.iter().map(|one| one.forwarded).sum();
        println!(
            "| {} | {:?} | {} | {:.0} |",
            plan.subscribers.len(),
            plan.subscribers,
            per_packet.collect::<Vec<_>>().join("; "),
            forwarded as f64 / fullest.as_secs_f64()
        );
        assert!(done[0].hops == 0 || plan.subscribers.len() > 1);
    }
}
