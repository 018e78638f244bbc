//! `make test`: every part in order, fail-fast parts first, with the minutes of each at the end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tree::Tree;

/// One part of the tests: a name and the commands that make it up.
struct Part {
    name: &'static str,
    commands: &'static [&'static str],
}

/// All parts. Commands run in the root of the workspace, by `sh`.
const PARTS: &[Part] = &[
    Part { name: "format", commands: &["cargo fmt --all --check"] },
    Part { name: "web: packages", commands: &["npm ci --no-audit --no-fund --loglevel=error"] },
    Part { name: "web: lint", commands: &["npm run --silent lint"] },
    Part { name: "web: types", commands: &["npm run --silent types"] },
    Part { name: "web: unit tests", commands: &["npm test --silent"] },
    Part { name: "web: build and budget", commands: &["npm run --silent build", "npm run --silent budget"] },
    Part { name: "rust: build", commands: &["cargo build --release --workspace --all-targets --locked"] },
    Part {
        name: "rust: tests (SQLite, PostgreSQL)",
        commands: &["scripts/postgres.sh cargo test --release --workspace --locked --no-fail-fast"],
    },
    Part {
        name: "rust: clippy",
        commands: &["cargo clippy --release --workspace --all-targets --locked -- -D warnings"],
    },
    Part { name: "sdk: node", commands: &["npm run --silent sdk"] },
    Part { name: "sdk: python", commands: &["e2e/python/run.sh"] },
    Part { name: "browser", commands: &["npm run --silent e2e"] },
];

/// How a part went.
struct Outcome {
    name: &'static str,
    took: Duration,
    passed: u64,
    failed: u64,
    succeeded: bool,
}

/// Runs the parts whose name contains one of `wanted`, or all.
pub(crate) fn run(tree: &Tree, wanted: impl Iterator<Item = String>) -> Result<(), String> {
    let wanted: Vec<String> = wanted.collect();
    let chosen = |part: &&Part| wanted.is_empty() || wanted.iter().any(|word| part.name.contains(word.as_str()));
    let mut outcomes = Vec::new();
    for part in PARTS.iter().filter(chosen) {
        println!("\n=== {} ===", part.name);
        outcomes.push(run_part(tree, part));
    }
    let (passed, failed) = print_table(&outcomes);
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err("make test: something failed, see above".to_owned()) }
}

fn run_part(tree: &Tree, part: &Part) -> Outcome {
    let started = Instant::now();
    let mut outcome = Outcome { name: part.name, took: Duration::ZERO, passed: 0, failed: 0, succeeded: true };
    for command in part.commands {
        outcome.succeeded &= run_command(tree, command, &mut outcome);
    }
    // A part that counts no tests is one check; one that failed without a failed test failed as a whole.
    if outcome.passed + outcome.failed == 0 && outcome.succeeded {
        outcome.passed = 1;
    }
    if !outcome.succeeded && outcome.failed == 0 {
        outcome.failed = 1;
    }
    outcome.took = started.elapsed();
    outcome
}

/// Runs one command, passes its lines on and counts the tests that they tell of.
fn run_command(tree: &Tree, command: &str, outcome: &mut Outcome) -> bool {
    println!("$ {command}");
    let child = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(&tree.root)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .env("CARGO_TERM_COLOR", "never")
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("sh: {error}");
            return false;
        }
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            // A closed terminal does not stop the tests.
            let _ = writeln!(std::io::stdout(), "{line}");
            let (passed, failed) = counted(&line);
            outcome.passed += passed;
            outcome.failed += failed;
        }
    }
    child.wait().is_ok_and(|status| status.success())
}

/// Tests that a summary line of cargo, Vitest, Playwright or pytest tells of: passed and failed.
fn counted(line: &str) -> (u64, u64) {
    let line = line.trim();
    let words: Vec<&str> = line.split([' ', ',', ';', '|', '(', ')', '=']).filter(|word| !word.is_empty()).collect();
    let before = |what: &str| {
        let at = words.iter().position(|word| *word == what)?;
        words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
    };
    let cargo = line.starts_with("test result:");
    let vitest = line.starts_with("Tests ");
    // Playwright: `12 passed (1.2m)` and `1 failed` alone on their lines. pytest: `2 failed, 5 passed in 3.21s`.
    let alone = words.first().is_some_and(|word| word.parse::<u64>().is_ok())
        && words.get(1).is_some_and(|word| matches!(*word, "passed" | "failed" | "flaky"))
        || line.starts_with("===") && line.ends_with("===");
    if !(cargo || vitest || alone) {
        return (0, 0);
    }
    (
        before("passed").unwrap_or(0),
        before("failed").unwrap_or(0) + before("error").unwrap_or(0) + before("flaky").unwrap_or(0),
    )
}

fn print_table(outcomes: &[Outcome]) -> (u64, u64) {
    println!("\n{:<36} {:>8} {:>8} {:>8}", "part", "minutes", "passed", "failed");
    let mut total = (Duration::ZERO, 0, 0);
    for outcome in outcomes {
        let minutes = outcome.took.as_secs_f64() / 60.0;
        println!("{:<36} {minutes:>8.1} {:>8} {:>8}", outcome.name, outcome.passed, outcome.failed);
        total = (total.0 + outcome.took, total.1 + outcome.passed, total.2 + outcome.failed);
    }
    println!("{:<36} {:>8.1} {:>8} {:>8}", "all", total.0.as_secs_f64() / 60.0, total.1, total.2);
    (total.1, total.2)
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn summaries_of_four_runners_are_counted() {
        for (line, expected) in [
            ("test result: ok. 18 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s", (18, 0)),
            (
                "test result: FAILED. 17 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.08s",
                (17, 1),
            ),
            ("      Tests  343 passed (343)", (343, 0)),
            ("      Tests  2 failed | 341 passed (343)", (341, 2)),
            (" Test Files  8 passed (8)", (0, 0)),
            ("  12 passed (1.2m)", (12, 0)),
            ("  1 failed", (0, 1)),
            ("  1 flaky", (0, 1)),
            ("2 failed, 5 passed in 3.21s", (5, 2)),
            ("===== 5 passed, 1 error in 3.21s =====", (5, 1)),
            ("5 passed in 10.00s", (5, 0)),
            ("participant joined 3 passed", (0, 0)),
        ] {
            assert_eq!(counted(line), expected, "{line}");
        }
    }
}
