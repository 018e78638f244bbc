//! Rooms full of synthetic participants, and what a server needs for them.

use std::time::Duration;

use futures::stream::{StreamExt as _, TryStreamExt as _};
use kit::{Clock as _, Entropy as _, SystemClock, SystemEntropy};

use crate::error::LoadError;
use crate::histogram::Histogram;
use crate::participant::{Participant, Plan};
use crate::process::{Process, Usage};
use crate::publisher::{AudioPlan, VideoPlan};
use crate::stats::{JoinPhases, Stats, Totals};
use crate::target::Target;

/// Joins under way at once while a room fills.
const JOINS_AT_ONCE: usize = 4;
/// How long a room may take until everybody gets everything.
const FILL_LIMIT: Duration = Duration::from_secs(60);
/// How long one join may take until its first keyframe.
const JOIN_LIMIT: Duration = Duration::from_secs(20);
/// Between two joins. Servers space keyframe requests (LiveKit by half a second), so joins closer than that would measure
/// each other's requests.
const JOIN_SPACING: Duration = Duration::from_secs(1);

/// A room and who is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One publisher of one video layer, 1,100-byte packets; everybody else watches.
    Forward { watchers: usize },
    /// Speakers who only speak and listeners who hear them all.
    Audio { speakers: usize, listeners: usize },
    /// Everybody sends sound and three video layers and receives everybody in a small size.
    Meeting { participants: usize },
    /// One publisher of sound and video; others come one after another and go when they see a picture.
    Join { joins: usize },
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
    /// Every join of a [`Scenario::Join`].
    pub joins: Vec<JoinPhases>,
    /// Resident bytes that each subscriber added, room by room, of a [`Scenario::Memory`].
    pub resident_each: Vec<u64>,
}

impl Outcome {
    /// Microseconds of the server's CPU time for each packet that a subscriber received.
    pub fn cpu_us_per_packet(&self) -> Option<f64> {
        let packets = self.totals.packets();
        (packets > 0).then(|| self.server_cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / packets as f64)).flatten()
    }

    /// Packets that subscribers received each second, all together.
    pub fn packets_per_second(&self) -> f64 {
        self.totals.packets() as f64 / self.measured.as_secs_f64().max(f64::EPSILON)
    }
}

/// Who publishes, who watches, and how many streams (audio, video) each watcher must get.
struct Cast {
    publishers: Vec<Plan>,
    watchers: Vec<Plan>,
    streams: (usize, usize),
}

impl Scenario {
    /// A name for tables.
    pub fn name(self) -> String {
        match self {
            Self::Forward { watchers } => format!("forward 1 -> {watchers}"),
            Self::Audio { speakers, listeners } => format!("audio {speakers} x {listeners}"),
            Self::Meeting { participants } => format!("meeting {participants} x {participants}"),
            Self::Join { joins } => format!("{joins} joins"),
            Self::Memory { subscribers } => format!("memory of {subscribers} subscribers"),
        }
    }

    /// What the design allows: microseconds of CPU time and share of the reference, or times of joins in milliseconds.
    pub fn budget(self) -> &'static str {
        match self {
            Self::Forward { .. } => "<= 6 us and <= 0.45",
            Self::Audio { .. } | Self::Meeting { .. } => "<= 0.45",
            Self::Join { .. } => "p50 <= 400 and <= reference, p95 <= 1000",
            Self::Memory { .. } => "",
        }
    }

    /// What the design allows the server to add to the delay, 99 of 100 packets.
    pub fn delay_budget(self) -> &'static str {
        match self {
            Self::Audio { .. } => "<= reference",
            Self::Forward { .. } | Self::Meeting { .. } => "<= 3 ms",
            Self::Join { .. } | Self::Memory { .. } => "",
        }
    }

    fn cast(self, room: &str) -> Cast {
        let (audio, video) = (Some(AudioPlan::default()), Some(VideoPlan::default()));
        let publisher = |index, audio, video| Plan::publisher(room, format!("publisher-{index}"), audio, video);
        let watchers = |count, sections| {
            (0..count).map(|index| Plan { sections, ..Plan::watcher(room, format!("watcher-{index}")) }).collect()
        };
        match self {
            Self::Forward { watchers: count } => {
                Cast { publishers: vec![publisher(0, None, video)], watchers: watchers(count, (0, 1)), streams: (0, 1) }
            }
            Self::Audio { speakers, listeners } => Cast {
                publishers: (0..speakers).map(|index| publisher(index, audio, None)).collect(),
                watchers: watchers(listeners, (sections(speakers), 0)),
                streams: (speakers, 0),
            },
            Self::Meeting { participants } => {
                let others = participants.saturating_sub(1);
                let member = |index| Plan {
                    audio,
                    video: Some(VideoPlan { simulcast: true, ..VideoPlan::default() }),
                    sections: (sections(others), sections(others)),
                    size: Some((320, 180)),
                    ..Plan::watcher(room, format!("member-{index}"))
                };
                Cast {
                    publishers: Vec::new(),
                    watchers: (0..participants).map(member).collect(),
                    streams: (others, others),
                }
            }
            Self::Join { joins } => Cast {
                publishers: vec![publisher(0, audio, video)],
                watchers: watchers(joins, (3, 3)),
                streams: (1, 1),
            },
            Self::Memory { subscribers } => Cast {
                publishers: vec![publisher(0, audio, video)],
                watchers: watchers(subscribers, (1, 1)),
                streams: (1, 1),
            },
        }
    }
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
    if matches!(scenario, Scenario::Memory { .. }) {
        return Ok(Outcome { resident_each: memory(target, server, cast, window).await?, ..Outcome::default() });
    }
    let publishers = publishing(target, cast.publishers).await?;
    if let Scenario::Join { .. } = scenario {
        let joins = join_each(target, cast.watchers).await?;
        leave_all(publishers).await;
        return Ok(Outcome { joins, ..Outcome::default() });
    }
    let watchers = watching(target, cast.watchers, cast.streams).await?;
    tokio::time::sleep(window.settle).await;
    let outcome = steady(&watchers, server, window).await?;
    all_there(publishers.iter().chain(&watchers))?;
    leave_all(publishers).await;
    leave_all(watchers).await;
    Ok(outcome)
}

/// Whoever fell out meanwhile makes the figures wrong.
fn all_there<'a>(mut participants: impl Iterator<Item = &'a Participant>) -> Result<(), LoadError> {
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
async fn steady(watchers: &[Participant], server: Option<Process>, window: Window) -> Result<Outcome, LoadError> {
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

/// Lets publishers join; returns once each sends.
async fn publishing(target: &Target, plans: Vec<Plan>) -> Result<Vec<Participant>, LoadError> {
    let publishers = join_all(target, plans).await?;
    flowing(publishers, "publishing", |stats| stats.sent > 0).await
}

/// Lets watchers join; returns once each gets as many streams (audio, video) as it shall.
async fn watching(target: &Target, plans: Vec<Plan>, streams: (usize, usize)) -> Result<Vec<Participant>, LoadError> {
    let watchers = join_all(target, plans).await?;
    let (audio, video) = streams;
    flowing(watchers, "every stream to everybody", |stats| {
        stats.audio_streams() >= audio && stats.video_streams() >= video
    })
    .await
}

async fn join_all(target: &Target, plans: Vec<Plan>) -> Result<Vec<Participant>, LoadError> {
    futures::stream::iter(plans).map(|plan| Participant::join(target, plan)).buffered(JOINS_AT_ONCE).try_collect().await
}

/// Joins one after another, each from the first byte to the first picture.
async fn join_each(target: &Target, plans: Vec<Plan>) -> Result<Vec<JoinPhases>, LoadError> {
    let mut joins = Vec::with_capacity(plans.len());
    for plan in plans {
        tokio::time::sleep(JOIN_SPACING).await;
        let mut joined = Participant::join(target, plan).await?;
        wait(&mut joined, JOIN_LIMIT, "the first picture", |stats| stats.join.first_keyframe.is_some()).await?;
        joins.push(joined.look(|stats| stats.join));
        joined.leave().await;
    }
    Ok(joins)
}

async fn flowing(
    mut participants: Vec<Participant>,
    what: &'static str,
    condition: impl Fn(&Stats) -> bool,
) -> Result<Vec<Participant>, LoadError> {
    for participant in &mut participants {
        wait(participant, FILL_LIMIT, what, &condition).await?;
    }
    Ok(participants)
}

async fn wait(
    participant: &mut Participant,
    within: Duration,
    what: &'static str,
    condition: impl Fn(&Stats) -> bool,
) -> Result<(), LoadError> {
    match tokio::time::timeout(within, participant.until(condition)).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            let reason = participant.look(|stats| stats.ended.clone()).unwrap_or_default();
            Err(LoadError::Protocol(format!("a participant ended before {what}: {reason}")))
        }
        Err(_) => Err(LoadError::Late { what, within }),
    }
}

async fn leave_all(participants: Vec<Participant>) {
    futures::future::join_all(participants.into_iter().map(Participant::leave)).await;
}
