//! `heydok bench`: synthetic participants against any LiveKit server, and what it needs for them.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use load::{Comparison, Measured, Process, Report, Scenario, Target, Window};

/// Arguments of `heydok bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    /// What to measure; may be repeated. Without it: everything.
    #[arg(long, value_enum)]
    pub scenario: Vec<Kind>,
    /// Address of the server.
    #[arg(long, env = "LIVEKIT_URL", default_value = "http://localhost:7880")]
    pub url: String,
    #[arg(long, env = "LIVEKIT_API_KEY")]
    pub api_key: String,
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true)]
    pub api_secret: String,
    /// Process id of the server, if it runs on this machine: its CPU time and memory are measured.
    #[arg(long, env = "LIVEKIT_PID")]
    pub pid: Option<u32>,
    /// A second server, measured in turn with the first.
    #[arg(long, env = "LIVEKIT_REFERENCE_URL", requires_all = ["reference_api_key", "reference_api_secret"])]
    pub reference_url: Option<String>,
    #[arg(long, env = "LIVEKIT_REFERENCE_API_KEY")]
    pub reference_api_key: Option<String>,
    #[arg(long, env = "LIVEKIT_REFERENCE_API_SECRET", hide_env_values = true)]
    pub reference_api_secret: Option<String>,
    #[arg(long, env = "LIVEKIT_REFERENCE_PID")]
    pub reference_pid: Option<u32>,
    /// Rounds of each scenario; medians are told.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Seconds of steady state in each round.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Watchers of `forward`.
    #[arg(long, default_value_t = 30)]
    pub watchers: usize,
    /// Speakers of `audio`.
    #[arg(long, default_value_t = 10)]
    pub speakers: usize,
    /// Listeners of `audio`.
    #[arg(long, default_value_t = 40)]
    pub listeners: usize,
    /// Participants of `meeting`.
    #[arg(long, default_value_t = 12)]
    pub participants: usize,
    /// Joins of `join` in each round.
    #[arg(long, default_value_t = 20)]
    pub joins: usize,
    /// Subscribers of `memory`.
    #[arg(long, default_value_t = 20)]
    pub subscribers: usize,
    /// Write the tables into this file in place of standard output.
    #[arg(long)]
    pub output: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Resident memory: idle, and for each subscriber. First, on processes that have served nobody, and once.
    Memory,
    /// One video, many watchers.
    Forward,
    /// Some speak, many listen.
    Audio,
    /// Everybody sends simulcast and sees everybody small.
    Meeting,
    /// One joins after another.
    Join,
}

/// Measures and prints.
///
/// # Errors
/// An address, key or process id that is of no use, or participants who do not get what they should.
pub async fn run(arguments: &BenchArguments) -> anyhow::Result<()> {
    let tested = Target::new(&arguments.url, &arguments.api_key, &arguments.api_secret)?;
    let reference = reference(arguments)?;
    if reference.is_none() {
        say("no reference beside: LIVEKIT_REFERENCE_URL, _API_KEY and _API_SECRET are not set");
    }
    let pid = arguments.pid.map(Process);
    let reference_pid = arguments.reference_pid.map(Process).filter(|_| reference.is_some());
    let window = Window { measure: Duration::from_secs(arguments.seconds), ..Window::default() };
    let idle = |process: Option<Process>| process.map(Process::usage).transpose();
    let idle = (idle(pid)?.map(|usage| usage.resident), idle(reference_pid)?.map(|usage| usage.resident));
    let mut report = Report { idle, comparisons: Vec::new() };
    for scenario in scenarios(arguments) {
        let mut comparison = Comparison {
            scenario,
            tested: Measured::default(),
            reference: reference.as_ref().map(|_| Measured::default()),
        };
        let rounds = if matches!(scenario, Scenario::Memory { .. }) { 1 } else { arguments.rounds };
        for round in 1..=rounds {
            say(&format!("{}, round {round} of {rounds}", scenario.name()));
            comparison.tested.0.push(load::measure(&tested, pid, scenario, window).await?);
            if let (Some(target), Some(measured)) = (&reference, &mut comparison.reference) {
                measured.0.push(load::measure(target, reference_pid, scenario, window).await?);
            }
        }
        report.comparisons.push(comparison);
    }
    let text = load::markdown(&report);
    match &arguments.output {
        Some(path) => std::fs::write(path, text)?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(())
}

fn reference(arguments: &BenchArguments) -> Result<Option<Target>, load::LoadError> {
    let given = (&arguments.reference_url, &arguments.reference_api_key, &arguments.reference_api_secret);
    let (Some(url), Some(key), Some(secret)) = given else { return Ok(None) };
    Target::new(url, key, secret).map(Some)
}

fn scenarios(arguments: &BenchArguments) -> Vec<Scenario> {
    let kinds = if arguments.scenario.is_empty() { Kind::value_variants() } else { &arguments.scenario };
    let scenario = |kind: &Kind| match kind {
        Kind::Memory => Scenario::Memory { subscribers: arguments.subscribers },
        Kind::Forward => Scenario::Forward { watchers: arguments.watchers },
        Kind::Audio => Scenario::Audio { speakers: arguments.speakers, listeners: arguments.listeners },
        Kind::Meeting => Scenario::Meeting { participants: arguments.participants },
        Kind::Join => Scenario::Join { joins: arguments.joins },
    };
    kinds.iter().map(scenario).collect()
}

/// Progress, beside the tables.
fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Option<BenchArguments> {
        let start = ["heydok", "bench", "--api-key", "k", "--api-secret", "s"];
        match Cli::try_parse_from(start.iter().chain(words)).ok()?.command {
            Some(Command::Bench(arguments)) => Some(*arguments),
            _ => None,
        }
    }

    #[test]
    fn everything_is_measured_unless_something_is_named() {
        assert_eq!(scenarios(&parse(&[]).unwrap()).len(), 5);
        let audio = parse(&["--scenario", "audio", "--speakers", "2", "--listeners", "3"]).unwrap();
        assert_eq!(scenarios(&audio), [Scenario::Audio { speakers: 2, listeners: 3 }]);
        assert!(parse(&["--rounds", "0"]).is_none());
        assert!(parse(&["--scenario", "chat"]).is_none());
    }

    #[test]
    fn a_reference_needs_its_key() {
        assert!(parse(&["--reference-url", "http://r"]).is_none());
        let words = ["--reference-url", "http://r", "--reference-api-key", "k", "--reference-api-secret", "s"];
        assert!(reference(&parse(&words).unwrap()).unwrap().is_some());
    }
}
