//! What comes from outside, and what a caller may do at odd times.

use std::time::{Duration, Instant};

use estimator::{Arrival, Estimator, Pacer};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[allow(clippy::disallowed_methods)]
fn origin() -> Instant {
    Instant::now()
}

/// Whatever feedback tells, and whenever, nothing panics and the estimate stays within reason.
#[test]
fn feedback_of_any_kind() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut now = origin();
        let mut estimator = Estimator::new(now);
        estimator.set_wanted(now, 2_000_000);
        for _ in 0..2_000 {
            now += Duration::from_micros(match random.below(50) {
                0 => random.below(100_000_000),
                1 => 0,
                _ => random.below(20_000),
            });
            match random.below(4) {
                0 | 1 => {
                    let number = estimator.sent(now, random.below(70_000) as usize, random.below(5) == 0);
                    let _ = number;
                }
                2 => {
                    let first = random.below(1 << 16) as u16;
                    let wild = random.below(2) == 0;
                    let arrivals: Vec<Arrival> = (0..random.below(200))
                        .map(|at| Arrival {
                            sequence: if wild { random.below(1 << 16) as u16 } else { first.wrapping_add(at as u16) },
                            ticks: match random.below(10) {
                                0 => None,
                                1 => Some(i64::MAX - random.below(9).cast_signed()),
                                2 => Some(i64::MIN + random.below(9).cast_signed()),
                                _ => Some(random.below(4_000).cast_signed()),
                            },
                        })
                        .collect();
                    // Beyond its 24 bits too.
                    estimator.feedback(now, (random.below(1 << 31) as u32).wrapping_mul(3), arrivals.into_iter());
                }
                _ => {
                    estimator.pass_time(now);
                    let due = estimator.padding_due(now);
                    assert!(due < 1_000_000, "seed {seed}: {due}");
                    if random.below(20) == 0 {
                        estimator.set_wanted(now, random.below(5) * 700_000);
                    }
                }
            }
            assert!(
                estimator.estimate().is_none_or(|it| (30_000..10_000_000_000).contains(&it)),
                "seed {seed}: {:?}",
                estimator.estimate()
            );
            assert!((0.0..=0.5).contains(&estimator.loss()), "seed {seed}");
            let _ = (estimator.deadline(), estimator.round_trip());
        }
    }
}

/// A good line whose feedback comes twice, late, in the wrong order, over the edges of its numbers: no limit is seen.
#[test]
fn feedback_twice_and_in_disorder() {
    let origin = origin();
    let mut estimator = Estimator::new(origin);
    estimator.set_wanted(origin, 2_000_000);
    let mut random = Random(7);
    let mut pending: Vec<(u64, Vec<u16>, u64)> = Vec::new();
    let (mut batch, mut packets) = (Vec::new(), 0_u64);
    // 200 packets a second for ten minutes: their numbers begin anew.
    for tick in 0..120_000_u64 {
        let now = origin + Duration::from_millis(tick * 5);
        batch.push(estimator.sent(now, 1_000, false));
        packets += 1;
        if batch.len() == 12 {
            let first_sent = tick - 11;
            for _ in 0..1 + random.below(2) {
                pending.push((tick + 8 + random.below(20), batch.clone(), first_sent));
            }
            batch.clear();
        }
        let due: Vec<_> = pending.extract_if(.., |(at, ..)| *at <= tick).collect();
        for (_, numbers, first_sent) in due {
            // It arrived after 20 ms. Their clock stands shortly before its reference time begins anew.
            let first = (first_sent + 4) * 20 + ((1 << 24) - 1_000) * 256;
            let arrival =
                |(at, sequence)| Arrival { sequence, ticks: Some((first % 256 + at as u64 * 20).cast_signed()) };
            let arrivals = numbers.iter().copied().enumerate().map(arrival);
            // The last one was not sent yet.
            let forged = Arrival { sequence: (packets as u16), ticks: Some(0) };
            estimator.feedback(now, ((first / 256) & 0xff_ffff) as u32, arrivals.chain([forged]));
        }
        estimator.pass_time(now);
        assert_eq!(estimator.estimate(), None, "{tick}");
    }
    assert!(packets > 1 << 16 && estimator.loss() < 0.001, "{}", estimator.loss());
    assert!(
        estimator.round_trip().is_some_and(|it| (40..150).contains(&it.as_millis())),
        "{:?}",
        estimator.round_trip()
    );
}

#[test]
fn an_estimator_is_small() {
    assert!(size_of::<Estimator>() <= 4_096, "{}", size_of::<Estimator>());
}

#[test]
fn nobody_answers_from_the_beginning() {
    // A client that knows no such feedback: there is nothing to wait for.
    let origin = origin();
    let mut estimator = Estimator::new(origin);
    estimator.set_wanted(origin, 2_000_000);
    for tick in 0..3_000 {
        let now = origin + Duration::from_millis(tick * 10);
        estimator.sent(now, 1_000, false);
        estimator.pass_time(now);
        assert_eq!((estimator.estimate(), estimator.deadline()), (None, None));
    }
}

#[test]
fn a_pacer_without_a_limit_holds_nothing() {
    let origin = origin();
    let mut pacer = Pacer::new(origin);
    for _ in 0..10_000 {
        assert!(pacer.may_send(origin, 60_000));
    }
    assert_eq!(pacer.next(origin, 60_000), origin);
}

#[test]
fn a_pacer_sends_two_and_a_half_times_the_estimate() {
    for (estimate, bytes, step_us) in [(100_000, 1_200, 5_000), (500_000, 1_200, 7), (3_000_000, 300, 1_000)] {
        let origin = origin();
        let mut pacer = Pacer::new(origin);
        pacer.set_rate(origin, Some(estimate));
        let mut sent = 0;
        for step in 0..2_000_000 / step_us {
            let now = origin + Duration::from_micros(step * step_us);
            while pacer.may_send(now, bytes) {
                sent += bytes;
            }
            let next = pacer.next(now, bytes);
            assert!(next > now && next <= now + Duration::from_millis(60), "{estimate} {:?}", next - now);
        }
        // In two seconds: what comes in, 40 ms at the beginning, one packet ahead.
        let rate = (sent - bytes) as u64 * 4;
        let most = estimate * 5 / 2 * 104 / 100;
        assert!((estimate * 5 / 2 * 99 / 100..=most + 1_000).contains(&rate), "{estimate}: {rate}");
    }
}

#[test]
fn a_pacer_waits_until_it_says() {
    let origin = origin();
    let mut pacer = Pacer::new(origin);
    pacer.set_rate(origin, Some(400_000));
    while pacer.may_send(origin, 1_000) {}
    let next = pacer.next(origin, 1_000);
    assert!(!pacer.may_send(next - Duration::from_micros(1), 1_000));
    assert!(pacer.may_send(next, 1_000));
    // After a pause no more leaves at once than in 40 ms, and one packet: 5 of 8,000 bits at a million bits a second.
    let later = next + Duration::from_secs(10);
    assert_eq!((0..100).filter(|_| pacer.may_send(later, 1_000)).count(), 6);
    // A higher estimate lets go what a lower one held.
    let held = pacer.next(later, 1_000) - later;
    pacer.set_rate(later, Some(4_000_000));
    assert!(pacer.next(later, 1_000) - later <= held / 9, "{held:?}");
    // Without a limit again, what was owed is forgotten.
    pacer.set_rate(next, None);
    assert!(pacer.may_send(next, 1_000));
}
