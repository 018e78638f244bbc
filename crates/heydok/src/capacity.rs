//! `heydok bench --capacity`: how many people this machine carries.
//!
//! A server of its own is started, rooms are filled, and what each person cost is extrapolated to the load at which the
//! server begins to save: it cannot be filled up, because the synthetic participants need the same processors.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use kit::{Entropy as _, SystemEntropy};
use load::{Outcome, Process, Scenario, Target, Window};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Share of its thread at which the server lets pictures become smaller.
const FULL: f64 = 0.8;
/// How long the server may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);
const KEY: &str = "capacity";
/// Where more than this share of the packets got lost, the machine was short of time, and what was measured is not the price.
const LOST_MAX: f64 = 0.01;

/// What is filled: the words for it, the rooms, how many people that is, and whether more of them are more rooms: then all
/// media threads share them, where one room has one thread.
const ROOMS: [(&str, Scenario, usize, bool); 2] = [
    ("in video, in meetings of four", Scenario::Meeting { rooms: 3, participants: 4 }, 12, true),
    ("who listen to four who speak", Scenario::Audio { speakers: 4, listeners: 30 }, 34, false),
];

/// Measures and prints.
///
/// # Errors
/// A server that does not start, or participants who do not get what they should.
pub(crate) async fn run(window: Window) -> anyhow::Result<()> {
    let mut secret = [0; 32];
    SystemEntropy.fill(&mut secret);
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = std::env::temp_dir().join(format!("heydok-capacity-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let result = measure(&folder, &secret, window).await;
    // Left-overs in the temporary folder harm nobody.
    let _ = std::fs::remove_dir_all(&folder);
    let text = result?;
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

async fn measure(folder: &Path, secret: &str, window: Window) -> anyhow::Result<String> {
    let (mut child, url) = start(&std::env::current_exe()?, folder, secret).await?;
    let target = Target::new(&url, KEY, secret)?;
    let server = Process(child.id().context("the server ended at once")?);
    let idle = server.usage()?.resident;
    let mut lines = String::new();
    for (words, scenario, people, many_rooms) in ROOMS {
        let threads = if many_rooms { livekit_server::RtcConfig::default().threads() } else { 1 };
        let outcome = load::measure(&target, Some(server), scenario, window).await?;
        let resident = server.usage()?.resident.saturating_sub(idle);
        lines += &sentence(words, &outcome, (people, threads), resident);
    }
    child.kill().await.context("cannot end the server")?;
    Ok(lines)
}

/// What one line says of rooms full of `people` that took `resident` bytes, where more of them could use so many threads.
fn sentence(words: &str, outcome: &Outcome, (people, threads): (usize, usize), resident: u64) -> String {
    let (Some(carried), Some(share)) = (carried(outcome, people, threads), outcome.server_share()) else {
        return format!("The CPU time of people {words} could not be measured.\n");
    };
    if outcome.totals.loss() > LOST_MAX {
        return format!("People {words} lost packets: this machine does too much else, or already carries no more.\n");
    }
    let megabits = outcome.totals.bytes as f64 * 8.0 / 1e6 / outcome.measured.as_secs_f64().max(f64::EPSILON);
    let each = megabits / people as f64;
    let mebibytes = resident as f64 / 1024.0 / 1024.0 / people as f64;
    format!(
        "This machine carries about {carried} people {words}.\n  Measured with {people}: {:.2} % of a core, {mebibytes:.1} MiB \
         and {each:.2} Mbit/s to each of them; the server saves from {:.0} % of a media thread on.\n",
        share * 100.0 / people as f64,
        FULL * 100.0,
    )
}

/// People at whom the server's threads are as busy as they may be; `None` where CPU time could not be read. To two digits:
/// more would pretend a precision that does not exist.
fn carried(outcome: &Outcome, people: usize, threads: usize) -> Option<u64> {
    let each = outcome.server_share().filter(|share| *share > 0.0)? / people as f64;
    let most = (threads as f64 * FULL / each).floor();
    let step = 10f64.powf((most.max(1.0).log10().floor() - 1.0).max(0.0));
    Some(((most / step).floor() * step) as u64)
}

/// `heydok media` on free ports, with a folder and a key of its own; and its address.
async fn start(binary: &Path, folder: &Path, secret: &str) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(binary)
        .arg("media")
        .current_dir(folder)
        .env_clear()
        .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("RTC_UDP_PORT", "0"), ("RTC_TCP_PORT", "off")])
        .envs([("RTC_NODE_IP", "127.0.0.1"), ("LIVEKIT_API_KEY", KEY), ("LIVEKIT_API_SECRET", secret)])
        .env("DATA_DIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start a server of its own")?;
    let mut lines = BufReader::new(child.stdout.take().context("the server has no output")?).lines();
    let url = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                return Ok(url.to_owned());
            }
        }
        anyhow::bail!("the server ended before it listened; `heydok media` says why")
    };
    let url = tokio::time::timeout(START_LIMIT, url).await.context("the server did not start")??;
    Ok((child, url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(cpu: Duration) -> Outcome {
        Outcome { measured: Duration::from_secs(10), server_cpu: Some(cpu), ..Outcome::default() }
    }

    #[test]
    fn what_each_costs_is_what_all_may_cost_divided() {
        // 12 people took 6 % of a core: 160 take 80 %.
        assert_eq!(carried(&outcome(Duration::from_millis(600)), 12, 1), Some(160));
        assert_eq!(carried(&outcome(Duration::from_millis(600)), 12, 3), Some(480));
        assert_eq!(carried(&outcome(Duration::from_millis(613)), 12, 1), Some(150), "two digits, and never too many");
        assert_eq!(carried(&outcome(Duration::from_secs(10)), 1, 1), Some(0));
        assert_eq!(carried(&Outcome::default(), 12, 1), None);
        assert!(sentence("who talk", &Outcome::default(), (12, 1), 0).contains("could not be measured"));
        let text = sentence("who talk", &outcome(Duration::from_millis(600)), (12, 1), 12 << 20);
        assert!(text.starts_with("This machine carries about 160 people who talk.\n"), "{text}");
        assert!(text.contains("1.0 MiB"), "{text}");
        let mut short_of_time = outcome(Duration::from_millis(600));
        short_of_time.totals.expected = 100;
        assert!(sentence("who talk", &short_of_time, (12, 1), 0).contains("lost packets"));
    }

    /// No address, no measurement.
    #[tokio::test]
    async fn a_server_that_does_not_listen_is_told() {
        let error = start(Path::new("true"), &std::env::temp_dir(), "secret").await.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("ended before it listened"), "{error}");
    }
}
