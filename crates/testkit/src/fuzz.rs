//! A small mutating fuzz driver: runs a function of bytes over a committed corpus and its mutations.
//!
//! It needs no nightly compiler, so it runs with every test run; `fuzz/` drives the same functions with coverage. Which
//! inputs are tried is fixed by seed and number, so that a commit that passed once passes again, on any machine.
#![expect(clippy::disallowed_methods, reason = "a longer run is bounded by real time")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::random::{Random, Seed};

/// Bytes of a mutated input at most.
const BYTES_MAX: usize = 64 * 1024;
/// Values that parsers get wrong.
const INTERESTING: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0xff, b'\n', b':', b' '];
/// Numbers at the ends of the types that parsers use.
const NUMBERS: [&str; 8] = ["0", "1", "15", "255", "65536", "4294967296", "18446744073709551616", "-1"];

/// Runs `target` on each file of `corpus` and then on so many mutations of them: as many as take about ten seconds on two
/// cores that are busy otherwise. With `HEYDOK_FUZZ_SECONDS` it goes on for that time instead, and says how far it came.
/// A panic is reported with the input in hex.
///
/// # Panics
///
/// If the corpus is missing or empty, or the target panics.
pub fn drive(corpus: &Path, seed: u64, mutations: u64, target: impl Fn(&[u8])) {
    let chosen = Seed::new(seed);
    let seed = chosen.number();
    let mut names: Vec<_> = std::fs::read_dir(corpus)
        .unwrap_or_else(|error| panic!("{}: {error}", corpus.display()))
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    names.sort();
    let inputs: Vec<Vec<u8>> = names.iter().filter_map(|name| std::fs::read(name).ok()).collect();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    for input in &inputs {
        run(&target, input, seed);
    }
    let seconds = std::env::var("HEYDOK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random::new(seed);
    let mut tried = 0;
    while end.map_or(tried < mutations, |end| Instant::now() < end) {
        let input = mutate(&mut random, &inputs);
        run(&target, &input, seed);
        tried += 1;
    }
    if end.is_some() {
        eprintln!("{}: {tried} mutations", corpus.display());
    }
}

fn run(target: &impl Fn(&[u8]), input: &[u8], seed: u64) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("seed {seed}, input {hex}");
        resume_unwind(panic);
    }
}

/// One to eight changes of a corpus entry: bytes flipped, set, inserted, removed, repeated, the tail of another entry, and
/// where the entry has lines, changes of whole lines.
fn mutate(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let pick = |random: &mut Random| &inputs[usize::try_from(random.below(inputs.len() as u64)).unwrap_or(0)];
    let mut bytes = pick(random).clone();
    for _ in 0..=random.below(8) {
        let at = usize::try_from(random.below(bytes.len() as u64 + 1)).unwrap_or(0);
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = INTERESTING[usize::try_from(random.below(8)).unwrap_or(0)],
            2 => bytes.insert(at, (random.next_u64() & 0xff) as u8),
            3 if at < bytes.len() => {
                let length = usize::try_from(random.below(16)).unwrap_or(0).min(bytes.len() - at);
                bytes.drain(at..at + length);
            }
            4 if at < bytes.len() => {
                let end = (at + usize::try_from(random.below(64)).unwrap_or(0)).min(bytes.len());
                let repeated = bytes[at..end].to_vec();
                bytes.splice(at..at, repeated);
            }
            5 => {
                let other = pick(random);
                let from = usize::try_from(random.below(other.len() as u64 + 1)).unwrap_or(0);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            6 if bytes.contains(&b'\n') => change_lines(random, &mut bytes),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

/// Text formats break at lines: takes one out, doubles one, swaps two, or puts an uncomfortable number into one.
fn change_lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let pick = |random: &mut Random, length: usize| usize::try_from(random.below(length as u64)).unwrap_or(0);
    let (one, other) = (pick(random, lines.len()), pick(random, lines.len()));
    match random.below(4) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(one, lines[other].clone()),
        2 => lines.swap(one, other),
        _ => {
            let number = NUMBERS[pick(random, NUMBERS.len())];
            let words: Vec<&[u8]> = lines[one].split_inclusive(|byte| b" :/=\r\n".contains(byte)).collect();
            let at = pick(random, words.len());
            let mut line = words[..at].concat();
            line.extend_from_slice(number.as_bytes());
            // The separator that ended the word stays.
            line.extend(words[at].last().filter(|last| b" :/=\r\n".contains(last)));
            line.extend(words[at + 1..].concat());
            lines[one] = line;
        }
    }
    *bytes = lines.concat();
}
