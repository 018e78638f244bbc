//! What the estimator makes of ways of all kinds, simulated by seed.

#![allow(
    clippy::print_stdout,
    reason = "the figures are for whoever runs it with --nocapture; SHOW=name and SEED show one run"
)]

mod way;

use way::{Flow, Line, Look, PLENTY, run};

const NARROW: Line = Line { rate: 500_000, ..PLENTY };

/// Prints a run that SHOW, a part of its name, and SEED (1 if there is none) ask for.
fn show(name: &str, seed: u64, flow: &Flow) {
    if std::env::var("SEED").map_or(seed != 1, |wanted| wanted != seed.to_string()) {
        return;
    }
    if std::env::var("SHOW").is_ok_and(|wanted| name.contains(&wanted)) {
        for (tenth, look) in flow.looks.iter().enumerate() {
            let Look { estimate, waits, layer, delivered, padding, loss } = look;
            let estimate = estimate.map_or(-1, |it| (it / 1_000) as i64);
            println!(
                "{:5.1} estimate {estimate:5} waits {waits:4} layer {layer} delivered {:5} padding {:4} loss {loss:.2}",
                tenth as f64 / 10.0,
                delivered * 80 / 1_000,
                padding * 80 / 1_000,
            );
        }
    }
}

/// What became of a line that was cut at 10 s and came back at 25 s, at worst over all seeds.
#[derive(Default)]
struct Cut {
    /// Seconds until the estimate was below what it carries.
    found: f64,
    least: u64,
    most: u64,
    /// Tenths of a second with an estimate above what it carries.
    over: usize,
    /// The last time that packets waited 100 ms after the cut, and how many tenths of a second from 3 s on.
    late: f64,
    full: usize,
    /// Seconds until all that is wanted fitted again.
    back: f64,
    /// And until all of it was sent again.
    shown: f64,
    /// Bits a second while it was narrow.
    padding: u64,
}

fn judge_cut(flow: &Flow, narrow: &Line) -> Cut {
    let rough = narrow.loss > 0.0 || narrow.jitter > 0;
    let fits = (narrow.rate as f64 / (1.0 - narrow.loss) * if rough { 1.1 } else { 1.0 }) as u64;
    let estimate = |look: &Look| look.estimate.unwrap_or(9_999_999);
    let tenths = |at: Option<usize>, none: f64| at.map_or(none, |at| at as f64 / 10.0);
    let steady = flow.between(11.5, 25.0);
    Cut {
        found: tenths(flow.between(10.0, 25.0).iter().position(|look| estimate(look) < fits), 99.0),
        least: steady.iter().map(estimate).min().unwrap(),
        most: steady.iter().map(estimate).max().unwrap(),
        over: steady.iter().filter(|look| estimate(look) > fits).count(),
        late: tenths(flow.between(10.0, 25.0).iter().rposition(|look| look.waits >= 100), 0.0),
        full: flow.between(13.0, 25.0).iter().filter(|look| look.waits >= 100).count(),
        back: tenths(flow.between(25.0, 40.0).iter().position(|look| estimate(look) >= 1_500_000), 99.0),
        shown: tenths(flow.between(25.0, 40.0).iter().position(|look| look.layer == 2), 99.0),
        padding: flow.between(13.0, 25.0).iter().map(|look| look.padding).sum::<u64>() * 8 / 12,
    }
}

#[test]
fn a_line_that_is_cut_and_comes_back() {
    let rows: &[(&str, Line, u64)] = &[
        ("cut-300", NARROW, 50),
        ("cut-300-far", NARROW, 200),
        ("cut-1000", Line { queue: 1_000, ..NARROW }, 50),
        ("cut-50", Line { queue: 50, ..NARROW }, 50),
        ("cut-50-far", Line { queue: 50, ..NARROW }, 200),
        ("cut-policer", Line { bucket: 10_000, ..NARROW }, 50),
        ("cut-policer-far", Line { bucket: 10_000, ..NARROW }, 300),
        ("cut-jitter", Line { jitter: 30, ..NARROW }, 50),
        ("cut-reorder", Line { jitter: 30, reorders: true, ..NARROW }, 50),
        ("cut-loss", Line { loss: 0.1, ..NARROW }, 200),
        ("cut-loss-jitter", Line { loss: 0.05, jitter: 20, ..NARROW }, 100),
        ("cut-loss-20", Line { loss: 0.2, ..NARROW }, 100),
        ("cut-bursts", Line { loss: 0.05, burst: 5.0, ..NARROW }, 100),
        ("cut-200k", Line { rate: 200_000, ..NARROW }, 50),
        ("cut-1000k", Line { rate: 1_000_000, ..NARROW }, 50),
        ("cut-1000k-policer", Line { rate: 1_000_000, bucket: 10_000, ..NARROW }, 50),
    ];
    let mut failures = Vec::new();
    for smooth in [false, true] {
        for (name, narrow, rtt) in rows {
            let mut worst = Cut { least: u64::MAX, ..Cut::default() };
            let name = format!("{name}{}", if smooth { "-smooth" } else { "" });
            for seed in 1..=10 {
                let base = Line { rate: PLENTY.rate, bucket: 0, ..*narrow };
                let steps = [(0.0, base), (10.0, *narrow), (25.0, base)];
                let flow = run(seed, 40, &steps, vec![(*rtt, 0)], |_, flows| flows[0].smooth = smooth).remove(0);
                show(&name, seed, &flow);
                let before = flow.between(0.0, 10.0).iter().any(|look| look.estimate.is_some_and(|it| it < 1_500_000));
                let cut = judge_cut(&flow, narrow);
                let rough = narrow.loss > 0.0 || narrow.jitter > 0;
                let (over, full, back, late) = match (rough, smooth) {
                    (false, false) => (4, 1, 6.0, 4.0),
                    (true, false) => (10, 12, 8.0, 99.0),
                    (false, true) => (20, 40, 10.0, 99.0),
                    (true, true) => (20, 60, 10.0, 99.0),
                };
                let beyond = flow.between(25.0, 40.0).iter().any(|look| look.estimate > Some(2_300_000));
                let fails = [
                    (beyond && !rough && !smooth, "probes beyond what is wanted"),
                    (before, "before"),
                    (cut.found > 1.5, "found"),
                    (cut.least < narrow.rate * if smooth { 65 } else { 70 } / 100, "least"),
                    (cut.over > over, "over"),
                    (cut.late > late, "late"),
                    (cut.full > full, "full"),
                    (cut.back > back, "back"),
                    (cut.shown > back + 2.0, "shown"),
                ];
                for (_, what) in fails.iter().filter(|(fails, _)| *fails) {
                    failures.push(format!("{name} seed {seed}: {what}"));
                }
                worst = Cut {
                    found: worst.found.max(cut.found),
                    least: worst.least.min(cut.least),
                    most: worst.most.max(cut.most),
                    over: worst.over.max(cut.over),
                    late: worst.late.max(cut.late),
                    full: worst.full.max(cut.full),
                    back: worst.back.max(cut.back),
                    shown: worst.shown.max(cut.shown),
                    padding: worst.padding.max(cut.padding),
                };
            }
            println!(
                "{name:24} found {:3.1} s, {:4}-{:4} kbit/s, above {:3.1} s; 100 ms until {:4.1} s, later {:3.1} s; back {:3.1} s, shown {:3.1} s; \
                 padding {} kbit/s",
                worst.found,
                worst.least / 1_000,
                worst.most / 1_000,
                worst.over as f64 / 10.0,
                worst.late,
                worst.full as f64 / 10.0,
                worst.back,
                worst.shown,
                worst.padding / 1_000,
            );
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn loss_without_a_full_line() {
    let mut failures = Vec::new();
    for (loss, burst) in
        [(0.0, 1.0), (0.01, 1.0), (0.05, 1.0), (0.1, 1.0), (0.2, 1.0), (0.05, 5.0), (0.1, 5.0), (0.2, 4.0)]
    {
        for rtt in [20, 100, 300] {
            for (jitter, reorders) in [(0, false), (30, false), (30, true)] {
                let name = format!("loss-{loss}-{burst}-{rtt}-{jitter}-{reorders}");
                let mut limited = 0;
                for seed in 1..=5 {
                    let line = Line { loss, burst, jitter, reorders, ..PLENTY };
                    let flow = run(seed, 30, &[(0.0, line)], vec![(rtt, 0)], |_, _| {}).remove(0);
                    show(&name, seed, &flow);
                    let learnt = flow.looks[299].loss;
                    if burst <= 1.0 && (f64::from(learnt) - loss).abs() > 0.02 + loss * 0.4 {
                        failures.push(format!("{name}: learnt {learnt}"));
                    }
                    limited += flow.looks.iter().filter(|look| look.estimate.is_some_and(|it| it < 1_500_000)).count();
                }
                if limited > 0 {
                    failures.push(format!("{name}: limited {:.1} s of 150", limited as f64 / 10.0));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The least estimate and how many tenths of a second it was below what is wanted, over all seeds.
fn limited(name: &str, rtt: u64, steps: &[(f64, Line)], mut change: impl FnMut(f64, &mut Vec<Flow>)) -> (u64, usize) {
    let (mut least, mut tenths) = (u64::MAX, 0);
    for seed in 1..=5 {
        let flow = run(seed, 40, steps, vec![(rtt, 0)], &mut change).remove(0);
        show(name, seed, &flow);
        for look in &flow.looks {
            least = least.min(look.estimate.unwrap_or(u64::MAX));
            tenths += usize::from(look.estimate.is_some_and(|it| it < 1_500_000));
        }
    }
    println!("{name:20} limited {:4.1} s of 200, least {} kbit/s", tenths as f64 / 10.0, least / 1_000);
    (least, tenths)
}

#[test]
fn what_is_no_full_line() {
    let quiet = |_: f64, _: &mut Vec<Flow>| {};
    let mut failures = Vec::new();
    let mut check = |name: &str, result: (u64, usize), least: u64, tenths: usize| {
        if result.0 < least || result.1 > tenths {
            failures.push(format!("{name}: {result:?}"));
        }
    };
    type Row = (&'static str, &'static [(f64, Line)], u64, usize);
    let rows: &[Row] = &[
        ("just-enough", &[(0.0, Line { rate: 2_000_000, ..PLENTY })], 1_500_000, 0),
        ("just-enough-lossy", &[(0.0, Line { rate: 2_200_000, loss: 0.1, ..PLENTY })], 1_500_000, 0),
        ("stalls", &[(0.0, Line { stall: 300, queue: 1_000, ..PLENTY })], 1_500_000, 0),
        ("longer-way", &[(0.0, PLENTY), (10.0, Line { longer: 100, ..PLENTY })], 500_000, 250),
        ("shorter-way", &[(0.0, Line { longer: 100, ..PLENTY }), (10.0, PLENTY)], 1_500_000, 0),
        ("others", &[(0.0, Line { rate: 4_000_000, others: 2_000_000, ..PLENTY })], 1_500_000, 0),
        ("loss-begins", &[(0.0, PLENTY), (10.0, Line { loss: 0.2, ..PLENTY }), (20.0, PLENTY)], 1_500_000, 0),
        ("half-is-lost", &[(0.0, PLENTY), (10.0, Line { loss: 0.5, ..PLENTY }), (20.0, PLENTY)], 350_000, 130),
        ("outage", &[(0.0, PLENTY), (10.0, Line { loss: 1.0, ..PLENTY }), (10.5, PLENTY)], 1_500_000, 0),
    ];
    for (name, steps, least, tenths) in rows {
        for rtt in [20, 200] {
            let name = format!("{name}-{rtt}");
            let result = limited(&name, rtt, steps, quiet);
            check(&name, result, *least, *tenths);
        }
    }
    let result = limited("clock-set", 50, &[(0.0, PLENTY)], |second, flows| {
        let jump = if (second - 10.0).abs() < 0.0005 { 3_000_000 } else { 0 };
        flows[0].clock += jump;
        flows[0].clock -= if (second - 20.0).abs() < 0.0005 { 5_000_000 } else { 0 };
    });
    check("clock-set", result, 1_500_000, 0);
    let result = limited("clock-drifts", 50, &[(0.0, PLENTY)], |second, flows| {
        // A hundred parts in a million.
        flows[0].clock += u64::from(((second * 1_000.0) as u64).is_multiple_of(10));
    });
    check("clock-drifts", result, 1_500_000, 0);
    let result = limited("deaf", 50, &[(0.0, PLENTY)], |_, flows| flows[0].deaf = 0.3);
    check("deaf", result, 1_500_000, 0);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn clocks_that_differ_for_long() {
    // 400 parts in a million, three minutes: 72 ms, as long as a queue.
    let flow = run(1, 180, &[(0.0, PLENTY)], vec![(50, 0)], |second, flows| {
        flows[0].clock += u64::from((second * 1_000.0) as u64 % 5 < 2);
    })
    .remove(0);
    assert!(flow.looks.iter().all(|look| look.estimate.is_none()));
}

#[test]
fn a_way_that_is_wider_and_longer() {
    // Nothing comes as fast as before, however little is sent: that must not keep the estimate down.
    let longer = Line { longer: 100, ..PLENTY };
    for seed in 1..=5 {
        let flow = run(seed, 35, &[(0.0, PLENTY), (10.0, NARROW), (20.0, longer)], vec![(50, 0)], |_, _| {}).remove(0);
        show("wider-longer", seed, &flow);
        let back = flow.between(20.0, 35.0).iter().position(|look| look.estimate >= Some(1_500_000));
        println!("wider-longer {seed}: back {back:?} tenths");
        assert!(back.is_some_and(|back| back <= 80), "seed {seed}: {back:?}");
    }
}

#[test]
fn a_queue_that_stands_is_emptied() {
    // What others sent for a third of a second stays in the queue of a line that carries just what is sent.
    let line = Line { rate: 1_560_000, queue: 1_000, ..PLENTY };
    let steps = [(0.0, line), (10.0, Line { others: 2_000_000, ..line }), (10.3, line)];
    for seed in 1..=5 {
        let flow = run(seed, 30, &steps, vec![(50, 0)], |_, _| {}).remove(0);
        show("standing", seed, &flow);
        let full = flow.between(10.0, 30.0).iter().filter(|look| look.waits >= 150).count();
        println!("standing {seed}: waits >= 150 ms for {:.1} s", full as f64 / 10.0);
        assert!(full < 60, "seed {seed}: {full}");
        assert!(flow.looks.iter().all(|look| look.estimate.is_none_or(|it| it < 2_500_000)), "seed {seed}");
    }
}

#[test]
fn others_who_fill_the_line_for_a_while() {
    // A limit is known, little is sent, and for two seconds others fill the line.
    let line = Line { rate: 1_000_000, ..PLENTY };
    let steps = [(0.0, line), (10.0, Line { others: 950_000, ..line }), (12.0, line)];
    for seed in 1..=5 {
        let flow = run(seed, 20, &steps, vec![(50, 0)], |second, flows| {
            flows[0].wanted = if second < 8.0 { 1_500_000 } else { 150_000 };
        })
        .remove(0);
        show("others-fill", seed, &flow);
        let least = flow.between(8.0, 20.0).iter().map(|look| look.estimate.unwrap()).min().unwrap();
        println!("others-fill {seed}: least {least}");
        assert!(least > 350_000, "seed {seed}: {least}");
    }
}

#[test]
fn feedback_that_comes_twice_counts_once() {
    for seed in 1..=5 {
        let steps = [(0.0, PLENTY), (10.0, NARROW)];
        let flow = run(seed, 25, &steps, vec![(50, 0)], |_, flows| flows[0].twice = true).remove(0);
        show("twice", seed, &flow);
        assert!(
            flow.between(11.5, 25.0).iter().all(|look| look.estimate.is_some_and(|it| it < 500_000)),
            "seed {seed}"
        );
    }
}

#[test]
fn little_is_sent_for_a_while() {
    // On plenty it stays unlimited; on a narrow line what was known stays known, and no padding is sent while muted.
    for (name, line) in [("muted-plenty", PLENTY), ("muted-narrow", NARROW)] {
        for (wanted, idle) in [(0, false), (150_000, false), (1_500_000, true)] {
            let name = format!("{name}-{wanted}");
            for seed in 1..=5 {
                let flow = run(seed, 40, &[(0.0, line)], vec![(50, 0)], |second, flows| {
                    let little = (10.0..30.0).contains(&second);
                    flows[0].wanted = if little { wanted } else { 1_500_000 };
                    flows[0].idle = little && idle;
                })
                .remove(0);
                show(&name, seed, &flow);
                let before = flow.between(9.9, 10.0)[0].estimate;
                // A probe may have been on its way.
                let later = flow.between(13.5, 30.0);
                assert!(
                    later[0].estimate.is_none() || later[0].estimate >= before.map(|it| it * 8 / 10),
                    "{name} {seed}"
                );
                assert!(later.iter().all(|look| look.estimate == later[0].estimate), "{name} {seed}");
                assert_eq!(later.iter().map(|look| look.padding).sum::<u64>(), 0, "{name} {seed}");
                let after = flow.between(32.0, 40.0);
                let most = if line.rate == NARROW.rate { 500_000 } else { u64::MAX };
                assert!(after.iter().all(|look| look.estimate.unwrap_or(u64::MAX) <= most), "{name} {seed}");
            }
        }
    }
}

#[test]
fn no_feedback_comes_any_more() {
    for (name, line) in [("silence-plenty", PLENTY), ("silence-narrow", NARROW)] {
        for seed in 1..=5 {
            let flow = run(seed, 30, &[(0.0, line)], vec![(50, 0)], |second, flows| {
                flows[0].deaf = if (10.0..20.0).contains(&second) { 1.0 } else { 0.0 };
            })
            .remove(0);
            show(name, seed, &flow);
            let at = |second: f64| flow.between(second, second + 0.1)[0].estimate;
            let known = at(9.8);
            assert!(at(11.5).is_some_and(|it| it < known.unwrap_or(1_500_000) * 6 / 10), "{name}");
            assert_eq!(at(17.0), Some(50_000), "{name}");
            let back = flow.between(20.3, 30.0);
            assert!(back.iter().all(|look| look.estimate >= known.map(|it| it * 8 / 10)), "{name}");
            assert!(known.is_some() || back.iter().all(|look| look.estimate.is_none()), "{name}");
        }
    }
}

#[test]
fn two_flows_share_a_line() {
    let mut failures = Vec::new();
    for smooth in [false, true] {
        for rate in [1_000_000, 2_000_000] {
            for (one, other, later) in [(50, 50, 10_000), (20, 200, 10_000), (200, 20, 10_000), (20, 300, 0)] {
                let name = format!("share-{smooth}-{rate}-{one}-{other}");
                // One was left to starve before.
                for seed in (1..=5).chain([129]) {
                    let line = Line { rate, ..PLENTY };
                    let flows = run(seed, 90, &[(0.0, line)], vec![(one, 0), (other, later)], |_, flows| {
                        flows.iter_mut().for_each(|flow| flow.smooth = smooth);
                    });
                    show(&format!("{name}-one"), seed, &flows[0]);
                    show(&format!("{name}-other"), seed, &flows[1]);
                    let mean = |of: &dyn Fn(&Look) -> u64| -> Vec<u64> {
                        flows
                            .iter()
                            .map(|flow| flow.between(30.0, 90.0).iter().map(of).sum::<u64>() / 600_000)
                            .collect()
                    };
                    let (sent, known) =
                        (mean(&|look| look.delivered * 80), mean(&|look| look.estimate.unwrap_or(9_999_999)));
                    let waits = flows[0].between(30.0, 90.0).iter().filter(|look| look.waits >= 150).count();
                    println!("{name} {seed}: {sent:?} kbit/s, estimates {known:?}, waits >= 150 ms {}%", waits / 6);
                    // Of steps the lowest may be less than a fifth.
                    let share = if smooth { &sent } else { &known };
                    if share.iter().any(|part| part * 1_000 < rate / 5) {
                        failures.push(format!("{name} {seed} {sent:?} {known:?}"));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_narrow_line_at_the_start() {
    let mut failures = Vec::new();
    for rate in [300_000, 1_000_000] {
        for (queue, rtt, loss) in [(300, 50, 0.0), (1_000, 50, 0.0), (100, 50, 0.0), (300, 200, 0.0), (300, 100, 0.1)] {
            let mut worst = (0.0_f64, u64::MAX, 0, 0.0_f64);
            let name = format!("start-{rate}-{queue}-{rtt}-{loss}");
            for seed in 1..=10 {
                let line = Line { rate, queue, loss, ..PLENTY };
                let flow = run(seed, 15, &[(0.0, line)], vec![(rtt, 0)], |_, _| {}).remove(0);
                show(&name, seed, &flow);
                let fits = (rate as f64 / (1.0 - loss) * 1.1) as u64;
                let is_below = |look: &Look| look.estimate.is_some_and(|it| it < fits);
                let found = flow.looks.iter().position(is_below).map_or(99.0, |at| at as f64 / 10.0);
                let over =
                    flow.between(4.0, 15.0).iter().filter(|look| look.estimate.is_none_or(|it| it > fits)).count();
                let steady = flow.between(4.0, 15.0).iter().map(|look| look.estimate.unwrap_or(9_999_999));
                let late = flow.looks.iter().rposition(|look| look.waits >= 150).map_or(0.0, |at| at as f64 / 10.0);
                let (least, most) = (steady.clone().min().unwrap(), steady.max().unwrap());
                worst = (worst.0.max(found), worst.1.min(least), worst.2.max(most), worst.3.max(late));
                if found > 2.0 || least < rate * 6 / 10 || over > 12 {
                    failures.push(format!("{name} seed {seed}: found {found} {least}-{most} over {over}"));
                }
            }
            let (found, least, most, late) = worst;
            println!(
                "{name:25} found {found:4.1} s, {}-{} kbit/s, waits >= 150 ms until {late}",
                least / 1_000,
                most / 1_000
            );
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
