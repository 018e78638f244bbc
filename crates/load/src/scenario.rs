//! Rooms full of synthetic participants, and what a server needs for them.

use std::time::Duration;

use kit::{Clock as _, Entropy as _, SystemClock, SystemEntropy};

use crate::beside::{self, Beside};
use crate::churn::{self, Churn};
use crate::crowd::{join_each, leave_all, publishing, watching};
use crate::error::LoadError;
use crate::histogram::Histogram;
use crate::participant::{Participant, Plan};
use crate::process::{Process, Usage};
use crate::publisher::{AudioPlan, VideoPlan};
use crate::stats::{JoinPhases, Totals};
use crate::storm::{self, Storm};
use crate::target::Target;

/// How long muted people are left alone before they are measured.
const MUTED_SETTLE: Duration = Duration::from_secs(10);

/// A room and who is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One publisher of one video layer, 1,100-byte packets; everybody else watches, and loses so many percent of what comes.
    Forward { watchers: usize, loss_percent: u8 },
    /// Speakers who only speak and listeners who hear them all.
    Audio { speakers: usize, listeners: usize },
    /// Everybody sends sound and three video layers and receives everybody else in the room in a small size.
    Meeting { rooms: usize, participants: usize },
    /// Everybody has a muted microphone.
    Muted { rooms: usize, participants: usize },
    /// One publisher of sound and video; others come one after another and go when they see a picture.
    Join { joins: usize },
    /// Five publishers and as many watchers; then many come, twenty each second.
    Storm { joins: usize },
    /// One publisher; the others come and go, a few at once.
    Churn { joins: usize },
    /// One video to so many that the server has something to do, while somebody opens a room by joining it fifty times a second.
    Entrances { watchers: usize },
    /// One video, while some over TCP do not read what comes.
    SlowReaders { watchers: usize, readers: usize },
    /// Two rooms, the second while the first still runs: subscribers of one sound and one video, and of nine small videos.
    Memory { subscribers: usize },
}

/// How long to wait once every stream flows, and how long to measure then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub settle: Duration,
    pub measure: Duration,
}

impl Default for Window {
    fn default() -> Self {
        Self { settle: Duration::from_secs(3), measure: Duration::from_secs(15) }
    }
}

/// What was measured in one run of one scenario.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Length of the window.
    pub measured: Duration,
    /// What subscribers received in it, all together.
    pub totals: Totals,
    /// CPU time of the server in it, where its process is known.
    pub server_cpu: Option<Duration>,
    /// CPU time of the generator in it.
    pub generator_cpu: Duration,
    /// From the making of a packet to its receipt, in the window.
    pub delay: Histogram,
    /// Every join of a [`Scenario::Join`], a [`Scenario::Storm`] and a [`Scenario::Entrances`].
    pub joins: Vec<JoinPhases>,
    /// Resident bytes that each subscriber added, room by room, of a [`Scenario::Memory`].
    pub resident_each: Vec<u64>,
    /// How a [`Scenario::Storm`] went.
    pub storm: Option<Storm>,
    /// What a [`Scenario::Churn`] left behind.
    pub churn: Option<Churn>,
    /// What media noticed of a [`Scenario::Entrances`] or [`Scenario::SlowReaders`].
    pub beside: Option<Beside>,
}

impl Outcome {
    /// Microseconds of the server's CPU time for each packet that a subscriber received.
    pub fn cpu_us_per_packet(&self) -> Option<f64> {
        let packets = self.totals.packets();
        (packets > 0).then(|| self.server_cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / packets as f64)).flatten()
    }

    /// Share of one core that the server used.
    pub fn server_share(&self) -> Option<f64> {
        self.server_cpu.map(|cpu| cpu.as_secs_f64() / self.measured.as_secs_f64().max(f64::EPSILON))
    }

    /// Packets that subscribers received each second, all together.
    pub fn packets_per_second(&self) -> f64 {
        self.totals.packets() as f64 / self.measured.as_secs_f64().max(f64::EPSILON)
    }
}

/// Who publishes, who watches, and how many streams (audio, video) each watcher must get.
pub(crate) struct Cast {
    pub(crate) publishers: Vec<Plan>,
    pub(crate) watchers: Vec<Plan>,
    pub(crate) streams: (usize, usize),
}

impl Scenario {
    /// A name for tables.
    pub fn name(self) -> String {
        match self {
            Self::Forward { watchers, loss_percent: 0 } => format!("forward 1 -> {watchers}"),
            Self::Forward { watchers, loss_percent } => format!("forward 1 -> {watchers}, {loss_percent} % lost"),
            Self::Audio { speakers, listeners } => format!("audio {speakers} x {listeners}"),
            Self::Meeting { rooms: 1, participants } => format!("meeting {participants} x {participants}"),
            Self::Meeting { rooms, participants } => format!("{rooms} meetings {participants} x {participants}"),
            Self::Muted { rooms, participants } => format!("{} muted in {rooms} rooms", rooms * participants),
            Self::Join { joins } => format!("{joins} joins"),
            Self::Storm { joins } => format!("storm of {joins} joins"),
            Self::Churn { joins } => format!("{joins} joins and leaves"),
            Self::Entrances { watchers } => format!("50 new rooms a second beside 1 -> {watchers}"),
            Self::SlowReaders { watchers, readers } => format!("{readers} who do not read beside 1 -> {watchers}"),
            Self::Memory { subscribers } => format!("memory of {subscribers} subscribers"),
        }
    }

    /// What the design allows: microseconds of CPU time and share of the reference, or times of joins in milliseconds.
    pub fn budget(self) -> &'static str {
        match self {
            Self::Forward { loss_percent: 0, .. } => "<= 6 us and <= 0.45",
            Self::Audio { .. } | Self::Meeting { .. } => "<= 0.45",
            Self::Join { .. } => "p50 <= 400 and <= reference, p95 <= 1000",
            Self::Muted { .. } => "<= 10 % of a core",
            Self::Churn { .. } => "<= 5 %",
            Self::Entrances { .. } => "<= 50",
            Self::Forward { .. } | Self::Storm { .. } | Self::SlowReaders { .. } | Self::Memory { .. } => "",
        }
    }

    /// What the design allows the server to add to the delay, 99 of 100 packets.
    pub fn delay_budget(self) -> &'static str {
        match self {
            Self::Audio { .. } => "<= reference",
            Self::Forward { loss_percent: 0, .. } | Self::Meeting { .. } => "<= 3 ms",
            _ => "",
        }
    }

    /// Whether packets flow, and their price and delay are measured.
    pub fn flows(self) -> bool {
        matches!(self, Self::Forward { .. } | Self::Audio { .. } | Self::Meeting { .. })
    }

    fn cast(self, room: &str) -> Cast {
        let (audio, video) = (Some(AudioPlan::default()), Some(VideoPlan::default()));
        let publishers = |count, audio, video| -> Vec<Plan> {
            (0..count).map(|index| Plan::publisher(room, format!("publisher-{index}"), audio, video)).collect()
        };
        let watchers = |count, sections| -> Vec<Plan> {
            (0..count).map(|index| Plan { sections, ..Plan::watcher(room, format!("watcher-{index}")) }).collect()
        };
        match self {
            Self::Forward { watchers: count, loss_percent } => Cast {
                publishers: publishers(1, None, video),
                watchers: watchers(count, (0, 1))
                    .into_iter()
                    .map(|plan| Plan { loss: f64::from(loss_percent) / 100.0, ..plan })
                    .collect(),
                streams: (0, 1),
            },
            Self::Audio { speakers, listeners } => Cast {
                publishers: publishers(speakers, audio, None),
                watchers: watchers(listeners, (sections(speakers), 0)),
                streams: (speakers, 0),
            },
            Self::Meeting { rooms, participants } => {
                let others = participants.saturating_sub(1);
                let video = VideoPlan { simulcast: true, ..VideoPlan::default() };
                let member = Plan { audio, video: Some(video), size: Some((320, 180)), ..Plan::watcher(room, "") };
                Cast {
                    publishers: Vec::new(),
                    watchers: members(&member, rooms, participants),
                    streams: (others, others),
                }
            }
            Self::Muted { rooms, participants } => {
                let muted = Some(AudioPlan { muted: true, ..AudioPlan::default() });
                let member = Plan { audio: muted, ..Plan::watcher(room, "") };
                Cast { publishers: Vec::new(), watchers: members(&member, rooms, participants), streams: (0, 0) }
            }
            Self::Join { joins: count } | Self::Churn { joins: count } => {
                Cast { publishers: publishers(1, audio, video), watchers: watchers(count, (3, 3)), streams: (1, 1) }
            }
            Self::Entrances { watchers: count } | Self::SlowReaders { watchers: count, .. } => {
                Cast { publishers: publishers(1, None, video), watchers: watchers(count, (0, 1)), streams: (0, 1) }
            }
            Self::Memory { subscribers } => Cast {
                publishers: publishers(1, audio, video),
                watchers: watchers(subscribers, (1, 1)),
                streams: (1, 1),
            },
            Self::Storm { joins } => Cast {
                publishers: publishers(storm::PUBLISHERS, audio, video),
                watchers: watchers(storm::WATCHERS + joins, (5, 5)),
                streams: (storm::PUBLISHERS, storm::PUBLISHERS),
            },
        }
    }
}

/// Members of several rooms of one size, each with a section for everybody else in its room.
fn members(plan: &Plan, rooms: usize, participants: usize) -> Vec<Plan> {
    let others = sections(participants.saturating_sub(1));
    let member = |index: usize| Plan {
        room: format!("{}-{}", plan.room, index / participants),
        identity: format!("member-{index}"),
        sections: (others, if plan.video.is_some() { others } else { 0 }),
        ..plan.clone()
    };
    (0..rooms * participants).map(member).collect()
}

fn sections(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Runs `scenario` once in a room of its own. `server` is the server's process, if it runs on this machine.
pub async fn measure(
    target: &Target,
    server: Option<Process>,
    scenario: Scenario,
    window: Window,
) -> Result<Outcome, LoadError> {
    let cast = scenario.cast(&room_name());
    match scenario {
        Scenario::Memory { .. } => {
            let resident_each = memory(target, server, cast, window).await?;
            return Ok(Outcome { resident_each, ..Outcome::default() });
        }
        Scenario::Storm { .. } => {
            let (storm, joins) = storm::measure(target, cast, window.settle).await?;
            return Ok(Outcome { storm: Some(storm), joins, ..Outcome::default() });
        }
        Scenario::Entrances { .. } | Scenario::SlowReaders { .. } => {
            return beside::measure(target, server, scenario, cast, window).await;
        }
        Scenario::Churn { .. } => {
            return Ok(Outcome { churn: churn::measure(target, server, cast).await?, ..Outcome::default() });
        }
        _ => {}
    }
    let publishers = publishing(target, cast.publishers).await?;
    if let Scenario::Join { .. } = scenario {
        let joins = join_each(target, cast.watchers).await?;
        leave_all(publishers).await;
        return Ok(Outcome { joins, ..Outcome::default() });
    }
    let watchers = watching(target, cast.watchers, cast.streams).await?;
    if let Scenario::Muted { .. } = scenario {
        // The silence that opens each stream, and everything else that follows a join.
        tokio::time::sleep(MUTED_SETTLE).await;
    }
    tokio::time::sleep(window.settle).await;
    let outcome = steady(&watchers, server, window).await?;
    all_there(publishers.iter().chain(&watchers))?;
    leave_all(publishers).await;
    leave_all(watchers).await;
    Ok(outcome)
}

/// Whoever fell out meanwhile makes the figures wrong.
pub(crate) fn all_there<'a>(mut participants: impl Iterator<Item = &'a Participant>) -> Result<(), LoadError> {
    match participants.find_map(|participant| participant.look(|stats| stats.ended.clone())) {
        Some(reason) => Err(LoadError::Protocol(format!("a participant ended during the measurement: {reason}"))),
        None => Ok(()),
    }
}

fn room_name() -> String {
    format!("load-{:08x}", SystemEntropy.below(u32::MAX))
}

/// What each subscriber adds in `first`, and then in a room of nine videos. The first room stays, so that memory it gives
/// back is not taken for the second; in each a subscriber is there already, so that what is needed once is not counted.
async fn memory(target: &Target, server: Option<Process>, first: Cast, window: Window) -> Result<Vec<u64>, LoadError> {
    const VIDEOS: usize = 9;
    let room = room_name();
    // As many packets as one tile of nine needs.
    let video = Some(VideoPlan { frame_packets: 2, ..VideoPlan::default() });
    let second = Cast {
        publishers: (0..VIDEOS)
            .map(|index| Plan::publisher(&room, format!("publisher-{index}"), None, video))
            .collect(),
        watchers: (0..first.watchers.len())
            .map(|index| Plan { sections: (0, sections(VIDEOS)), ..Plan::watcher(&room, format!("watcher-{index}")) })
            .collect(),
        streams: (0, VIDEOS),
    };
    let Some(server) = server else { return Ok(Vec::new()) };
    let (mut all, mut each) = (Vec::new(), Vec::new());
    for mut cast in [first, second] {
        let others = cast.watchers.split_off(cast.watchers.len().min(1));
        let count = others.len().max(1) as u64;
        all.extend(publishing(target, cast.publishers).await?);
        all.extend(watching(target, cast.watchers, cast.streams).await?);
        tokio::time::sleep(window.settle).await;
        let before = server.usage()?.resident;
        all.extend(watching(target, others, cast.streams).await?);
        tokio::time::sleep(window.settle + window.measure).await;
        each.push(server.usage()?.resident.saturating_sub(before) / count);
    }
    all_there(all.iter())?;
    leave_all(all).await;
    Ok(each)
}

/// The window: nothing but sleeping between two looks.
pub(crate) async fn steady(
    watchers: &[Participant],
    server: Option<Process>,
    window: Window,
) -> Result<Outcome, LoadError> {
    struct Look {
        at: std::time::Instant,
        totals: Totals,
        delay: Histogram,
        server: Option<Usage>,
        own: Usage,
    }
    let look = || -> Result<Look, LoadError> {
        let (mut totals, mut delay) = (Totals::default(), Histogram::default());
        for watcher in watchers {
            watcher.look(|stats| {
                totals += stats.totals();
                delay.merge(&stats.delay);
            });
        }
        let server = server.map(Process::usage).transpose()?;
        Ok(Look { at: SystemClock.instant(), totals, delay, server, own: Process::own().usage()? })
    };
    let first = look()?;
    tokio::time::sleep(window.measure).await;
    let last = look()?;
    let cpu = |(last, first): (Usage, Usage)| last.cpu.saturating_sub(first.cpu);
    Ok(Outcome {
        measured: last.at.saturating_duration_since(first.at),
        totals: last.totals - first.totals,
        server_cpu: last.server.zip(first.server).map(cpu),
        generator_cpu: cpu((last.own, first.own)),
        delay: last.delay.since(&first.delay),
        ..Outcome::default()
    })
}
