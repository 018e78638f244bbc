//! `heydok bench`: synthetic participants against any LiveKit server, and what it needs for them.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use load::{Chart, Comparison, Measured, Process, Report, Scenario, Target, Window};

/// Arguments of `heydok bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    /// What to measure; may be repeated. Without it: everything.
    #[arg(long, value_enum)]
    pub scenario: Vec<Kind>,
    /// Starts a server of its own and says how many people this machine carries; nothing else is measured.
    #[arg(long, conflicts_with_all = ["scenario", "pid", "reference_url"])]
    pub capacity: bool,
    /// Address of the server.
    #[arg(long, env = "LIVEKIT_URL", default_value = "http://localhost:7880")]
    pub url: String,
    #[arg(long, env = "LIVEKIT_API_KEY", required_unless_present = "capacity")]
    pub api_key: Option<String>,
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true, required_unless_present = "capacity")]
    pub api_secret: Option<String>,
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
    /// Joins of `storm`.
    #[arg(long, default_value_t = 200)]
    pub storm: usize,
    /// Joins and leaves of `churn`.
    #[arg(long, default_value_t = 10_000)]
    pub churn: usize,
    /// Watchers of `entrances`: so many that the server is about half busy.
    #[arg(long, default_value_t = 400)]
    pub busy: usize,
    /// Those of `slow-readers` who do not read.
    #[arg(long, default_value_t = 5)]
    pub slow: usize,
    /// Subscribers of `memory`.
    #[arg(long, default_value_t = 20)]
    pub subscribers: usize,
    /// Write the tables into this file in place of standard output.
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// Draw `subscribers`, `rooms` and `loss` into this folder, as SVG.
    #[arg(long)]
    pub charts: Option<PathBuf>,
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
    /// Many join at once.
    Storm,
    /// Many come and go.
    Churn,
    /// One video to many, while rooms are opened and joined fifty times a second.
    Entrances,
    /// One video, while some do not read what comes over TCP.
    SlowReaders,
    /// A thousand people with muted microphones in a hundred rooms.
    Muted,
    /// `forward` with more and more watchers.
    Subscribers,
    /// More and more meetings of four.
    Rooms,
    /// `forward` to ten, who lose more and more of it.
    Loss,
}

impl Kind {
    /// Name of the file, title and axis of what is drawn.
    fn chart(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Subscribers => Some(("subscribers", "CPU time per packet, us: one video", "watchers")),
            Self::Rooms => Some(("rooms", "CPU time per packet, us: meetings of four", "rooms")),
            Self::Loss => Some(("loss", "CPU time per packet, us: one video to ten", "lost on the way, %")),
            _ => None,
        }
    }
}

/// Measures and prints.
///
/// # Errors
/// An address, key or process id that is of no use, or participants who do not get what they should.
pub async fn run(arguments: &BenchArguments) -> anyhow::Result<()> {
    let window = Window { measure: Duration::from_secs(arguments.seconds), ..Window::default() };
    if arguments.capacity {
        return crate::capacity::run(window).await;
    }
    // The command line insists on both, unless it is about capacity.
    let given = |value: &Option<String>| value.clone().unwrap_or_default();
    let tested = Target::new(&arguments.url, &given(&arguments.api_key), &given(&arguments.api_secret))?;
    let reference = reference(arguments)?;
    if reference.is_none() {
        say("no reference beside: LIVEKIT_REFERENCE_URL, _API_KEY and _API_SECRET are not set");
    }
    let pid = arguments.pid.map(Process);
    let reference_pid = arguments.reference_pid.map(Process).filter(|_| reference.is_some());
    let idle = |process: Option<Process>| process.map(Process::usage).transpose();
    let idle = (idle(pid)?.map(|usage| usage.resident), idle(reference_pid)?.map(|usage| usage.resident));
    let servers = Servers { tested: (tested, pid), reference: reference.map(|target| (target, reference_pid)) };
    let mut report = Report { idle, comparisons: Vec::new() };
    let kinds = if arguments.scenario.is_empty() { Kind::value_variants() } else { &arguments.scenario };
    for kind in kinds {
        let mut points = Vec::new();
        for (place, scenario) in scenarios(*kind, arguments) {
            let rounds = if once(*kind) { 1 } else { arguments.rounds };
            let comparison = servers.compare(scenario, window, rounds).await?;
            points.push((place, comparison.clone()));
            report.comparisons.push(comparison);
        }
        if let (Some(folder), Some((name, title, axis))) = (&arguments.charts, kind.chart()) {
            std::fs::create_dir_all(folder)?;
            std::fs::write(folder.join(format!("{name}.svg")), Chart { title, axis, points }.svg())?;
        }
    }
    let text = load::markdown(&report);
    match &arguments.output {
        Some(path) => std::fs::write(path, text)?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(())
}

/// Who is measured: each with its process, if that is known.
struct Servers {
    tested: (Target, Option<Process>),
    reference: Option<(Target, Option<Process>)>,
}

impl Servers {
    /// Round by round, one after the other.
    async fn compare(&self, scenario: Scenario, window: Window, rounds: u32) -> Result<Comparison, load::LoadError> {
        let (mut tested, mut reference) = (Measured::default(), self.reference.as_ref().map(|_| Measured::default()));
        for round in 1..=rounds {
            say(&format!("{}, round {round} of {rounds}", scenario.name()));
            tested.0.push(load::measure(&self.tested.0, self.tested.1, scenario, window).await?);
            if let (Some((target, pid)), Some(measured)) = (&self.reference, &mut reference) {
                match load::measure(target, *pid, scenario, window).await {
                    Ok(outcome) => measured.0.push(outcome),
                    // It says nothing of ours; what is missing shows in the table.
                    Err(error) => say(&format!("not measured on the reference: {error}")),
                }
            }
        }
        Ok(Comparison { scenario, tested, reference })
    }
}

/// What takes long, or says the same each time, and what needs processes that have served nobody.
fn once(kind: Kind) -> bool {
    matches!(kind, Kind::Memory | Kind::Storm | Kind::Churn | Kind::Entrances | Kind::SlowReaders | Kind::Muted)
        || kind.chart().is_some()
}

fn reference(arguments: &BenchArguments) -> Result<Option<Target>, load::LoadError> {
    let given = (&arguments.reference_url, &arguments.reference_api_key, &arguments.reference_api_secret);
    let (Some(url), Some(key), Some(secret)) = given else { return Ok(None) };
    Target::new(url, key, secret).map(Some)
}

/// The scenarios of a kind, each with its place on the axis of what is drawn.
fn scenarios(kind: Kind, arguments: &BenchArguments) -> Vec<(f64, Scenario)> {
    let several = |places: &[u8], scenario: fn(u8) -> Scenario| {
        places.iter().map(|place| (f64::from(*place), scenario(*place))).collect()
    };
    let one = match kind {
        Kind::Memory => Scenario::Memory { subscribers: arguments.subscribers },
        Kind::Forward => Scenario::Forward { watchers: arguments.watchers, loss_percent: 0 },
        Kind::Audio => Scenario::Audio { speakers: arguments.speakers, listeners: arguments.listeners },
        Kind::Meeting => Scenario::Meeting { rooms: 1, participants: arguments.participants },
        Kind::Join => Scenario::Join { joins: arguments.joins },
        Kind::Storm => Scenario::Storm { joins: arguments.storm },
        Kind::Churn => Scenario::Churn { joins: arguments.churn },
        Kind::Entrances => Scenario::Entrances { watchers: arguments.busy },
        Kind::SlowReaders => Scenario::SlowReaders { watchers: arguments.watchers, readers: arguments.slow },
        Kind::Muted => Scenario::Muted { rooms: 100, participants: 10 },
        Kind::Subscribers => {
            return several(&[1, 5, 15, 30, 60], |count| Scenario::Forward { watchers: count.into(), loss_percent: 0 });
        }
        Kind::Rooms => {
            return several(&[1, 2, 4, 8], |count| Scenario::Meeting { rooms: count.into(), participants: 4 });
        }
        Kind::Loss => {
            return several(&[0, 2, 5, 10, 20], |percent| Scenario::Forward { watchers: 10, loss_percent: percent });
        }
    };
    vec![(0.0, one)]
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
    fn what_is_named_is_measured() {
        let arguments = parse(&["--scenario", "audio", "--speakers", "2", "--listeners", "3"]).unwrap();
        assert_eq!(arguments.scenario, [Kind::Audio]);
        assert_eq!(scenarios(Kind::Audio, &arguments), [(0.0, Scenario::Audio { speakers: 2, listeners: 3 })]);
        assert!(parse(&[]).unwrap().scenario.is_empty());
        assert!(parse(&["--rounds", "0"]).is_none());
        assert!(parse(&["--scenario", "chat"]).is_none());
    }

    #[test]
    fn what_is_drawn_has_several_places() {
        let arguments = parse(&[]).unwrap();
        for kind in Kind::value_variants() {
            let places = scenarios(*kind, &arguments).len();
            assert_eq!(places > 1, kind.chart().is_some(), "{kind:?}");
        }
    }

    #[test]
    fn capacity_needs_no_server_and_no_key() {
        let command = |words: &[&str]| Cli::try_parse_from(["heydok", "bench"].iter().chain(words));
        assert!(command(&["--capacity"]).is_ok());
        assert!(command(&["--capacity", "--scenario", "join"]).is_err());
    }

    #[test]
    fn a_reference_needs_its_key() {
        assert!(parse(&["--reference-url", "http://r"]).is_none());
        let words = ["--reference-url", "http://r", "--reference-api-key", "k", "--reference-api-secret", "s"];
        assert!(reference(&parse(&words).unwrap()).unwrap().is_some());
    }
}
