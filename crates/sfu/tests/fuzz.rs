//! Mutated inputs for as long as `HEYDOK_FUZZ_SECONDS` says (10 each), from the committed corpus.

#![allow(clippy::disallowed_methods, reason = "how long to go on is real time")]

use std::path::Path;
use std::time::{Duration, Instant};

use testkit::random::Random;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Change a few places: bits, bytes, lengths, pieces copied, cut out, doubled or taken from another input.
fn mutate(random: &mut Random, corpus: &[Vec<u8>], lines: bool) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len() as u64) as usize].clone();
    for _ in 0..=random.below(6) {
        let length = input.len() as u64;
        let at = random.below(length) as usize;
        match random.below(if lines { 10 } else { 7 }) {
            0 if length > 0 => input[at] ^= 1 << random.below(8),
            1 if length > 0 => input[at] = random.next_u64() as u8,
            2 => input.truncate(at),
            3 => input.insert(at, random.next_u64() as u8),
            4 if length > 0 => {
                let end = (at + random.below(64) as usize).min(input.len());
                input.drain(at..end);
            }
            5 if length > 0 => {
                let end = (at + random.below(64) as usize).min(input.len());
                let piece = input[at..end].to_vec();
                input.extend(piece);
            }
            6 => input.extend_from_slice(&corpus[random.below(corpus.len() as u64) as usize]),
            _ => shuffle_lines(random, &mut input),
        }
    }
    input.truncate(20_000);
    input
}

/// Text formats break at lines: take one out, double one, swap two, or put a large number into one.
fn shuffle_lines(random: &mut Random, input: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(input).into_owned();
    let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    let pick = |random: &mut Random, lines: &[String]| random.below(lines.len() as u64) as usize;
    let (a, b) = (pick(random, &lines), pick(random, &lines));
    match random.below(4) {
        0 => {
            lines.remove(a);
        }
        1 => lines.insert(a, lines[b].clone()),
        2 => lines.swap(a, b),
        _ => {
            let numbers = ["0", "1", "15", "255", "65536", "4294967296", "18446744073709551616", "-1"];
            let number = numbers[random.below(numbers.len() as u64) as usize];
            let changed: Vec<&str> = lines[a].split_inclusive([' ', ':', '/', '=']).collect();
            let at = random.below(changed.len() as u64) as usize;
            let parts = changed.iter().enumerate().map(|(index, part)| {
                let ending =
                    part.chars().last().filter(|last| " :/=".contains(*last)).map_or("", |_| &part[part.len() - 1..]);
                if index == at { format!("{number}{ending}") } else { (*part).to_owned() }
            });
            lines[a] = parts.collect();
        }
    }
    *input = lines.join("\r\n").into_bytes();
}

fn drive(name: &str, lines: bool, target: impl Fn(Instant, &[u8])) {
    let seconds = std::env::var("HEYDOK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "a corpus for {name}");
    let origin = testkit::origin();
    for input in &corpus {
        target(origin, input);
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = u64::from(std::process::id()) << 32;
    while Instant::now() < end {
        seed += 1;
        let input = mutate(&mut Random::new(seed), &corpus, lines);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(origin, &input))) {
            let file = std::env::temp_dir().join(format!("heydok-fuzz-{name}-{seed}"));
            std::fs::write(&file, &input).unwrap();
            eprintln!("{name}: seed {seed}, input in {}", file.display());
            std::panic::resume_unwind(panic);
        }
    }
}

fn text(target: fn(Instant, &str)) -> impl Fn(Instant, &[u8]) {
    move |now, bytes| target(now, &String::from_utf8_lossy(bytes))
}

#[test]
fn datagrams() {
    drive("datagram", false, sfu::fuzz::datagram);
}

#[test]
fn offers() {
    drive("offer", true, text(sfu::fuzz::offer));
}

#[test]
fn candidates() {
    drive("candidate", false, text(sfu::fuzz::candidate));
}

#[test]
fn forwarding() {
    drive("forward", false, sfu::fuzz::forward);
}
