//! CPU time of the SFU per forwarded packet: one publisher, N subscribers, VP8 packets of 1,100 bytes at 30 pictures a
//! second, in this process, without sockets. With `BWE=1` in the environment the line of each subscriber is estimated from
//! its transport feedback and video is paced; without it subscribers answer with receiver reports only. The time of clients
//! is not counted by the clock, but is by a profiler of the whole process.
//!
//! `cargo run --release -p sfu --example forward [subscribers] [seconds] [packets per picture]`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and prints")]

#[path = "common/bench.rs"]
mod bench;

use bench::{Bench, Camera, PICTURE, TRACK};
use sfu::SectionRole;

#[global_allocator]
static COUNTED: testkit::memory::Counted = testkit::memory::Counted;

fn main() {
    let argument =
        |index: usize, default: u64| std::env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (subscribers, seconds, packets) = (argument(1, 30), argument(2, 20), argument(3, 8));
    let mut bench = Bench::new(testkit::origin());
    let mid = bench.join(SectionRole::Receive { track: TRACK });
    for _ in 0..subscribers {
        bench.join(SectionRole::Send { track: TRACK });
    }
    bench.connect();
    let mut camera = Camera::new(mid, packets);
    let mut run = |bench: &mut Bench, pictures: u64| {
        for _ in 0..pictures {
            camera.send(bench);
            // The picture, then what happens until the next one.
            (0..3).for_each(|_| bench.round(PICTURE / 3));
        }
    };
    run(&mut bench, 60);
    let (forwarded, datagrams, spent) = (bench.sfu.counters().forwarded, bench.datagrams, bench.spent);
    let (allocations, received) = (bench.allocations, bench.sfu.counters().received);
    run(&mut bench, seconds * 30);
    let forwarded = bench.sfu.counters().forwarded - forwarded;
    let spent = bench.spent - spent;
    let received = bench.sfu.counters().received - received;
    println!(
        "{subscribers} subscribers, {forwarded} packets forwarded, {} datagrams out: {:.2} us CPU per packet; {:.3} allocations \
         per packet, {:.1} for each that came",
        bench.datagrams - datagrams,
        spent.as_secs_f64() * 1e6 / forwarded as f64,
        (bench.allocations - allocations) as f64 / forwarded as f64,
        (bench.allocations - allocations) as f64 / received as f64,
    );
}
