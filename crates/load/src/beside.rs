//! What media notices of other things that go on beside it.

use std::time::Duration;

use crate::crowd::{JOIN_LIMIT, join_all, leave_all, publishing, wait, watching};
use crate::error::LoadError;
use crate::participant::{Participant, Plan};
use crate::process::Process;
use crate::scenario::{Cast, Outcome, Scenario, Window, all_there, steady};
use crate::stats::JoinPhases;
use crate::target::Target;
use crate::transport::{Path, Transport};

/// Between two rooms that are opened: fifty each second.
const PAUSE: Duration = Duration::from_millis(20);

/// How media flowed for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flow {
    /// What 99 of 100 packets needed at most, from sender to receiver.
    pub delay_p99: Duration,
    /// Share of packets that did not arrive, 0..=1.
    pub loss: f64,
}

impl Flow {
    fn of(outcome: &Outcome) -> Self {
        Self { delay_p99: outcome.delay.quantile(0.99).unwrap_or_default(), loss: outcome.totals.loss() }
    }
}

/// The same media before something began, and meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Beside {
    pub before: Flow,
    pub meanwhile: Flow,
}

/// Publishers and watchers of `cast` are there all the time. Nothing is measured where a server has no TCP address for slow
/// readers.
pub(crate) async fn measure(
    target: &Target,
    server: Option<Process>,
    scenario: Scenario,
    cast: Cast,
    window: Window,
) -> Result<Outcome, LoadError> {
    let room = cast.publishers.first().map(|plan| plan.room.clone()).unwrap_or_default();
    let publishers = publishing(target, cast.publishers).await?;
    let watchers = watching(target, cast.watchers, cast.streams).await?;
    tokio::time::sleep(window.settle).await;
    let before = Flow::of(&steady(&watchers, server, window).await?);
    let mut others = Vec::new();
    let mut joins = Vec::new();
    let outcome = if let Scenario::SlowReaders { readers, .. } = scenario {
        let Some(path) = tcp(&watchers) else { return Ok(Outcome::default()) };
        others = slow(target, &room, readers, path).await?;
        steady(&watchers, server, window).await?
    } else {
        let (outcome, joined) =
            futures::try_join!(steady(&watchers, server, window), enter(target, &room, window.measure))?;
        joins = joined;
        outcome
    };
    all_there(publishers.iter().chain(&watchers))?;
    for everybody in [publishers, watchers, others] {
        leave_all(everybody).await;
    }
    let beside = Some(Beside { before, meanwhile: Flow::of(&outcome) });
    Ok(Outcome { beside, joins, ..outcome })
}

/// For as long as `time` somebody opens a room of its own by joining it, and leaves.
async fn enter(target: &Target, room: &str, time: Duration) -> Result<Vec<JoinPhases>, LoadError> {
    let count = time.as_millis() / PAUSE.as_millis();
    let arrivals = (0..u32::try_from(count).unwrap_or(u32::MAX)).map(|index| async move {
        tokio::time::sleep(PAUSE * index).await;
        let joined = Participant::join(target, Plan::watcher(&format!("{room}-{index}"), "guest")).await?;
        let phases = joined.look(|stats| stats.join);
        joined.leave().await;
        Ok::<_, LoadError>(phases)
    });
    futures::future::try_join_all(arrivals).await
}

/// An address for media over TCP that the server told.
fn tcp(watchers: &[Participant]) -> Option<Path> {
    let told = watchers.first()?.look(|stats| stats.told.clone());
    told.into_iter().find(|told| told.transport == Transport::Tcp).map(|told| Path::TcpTo(told.address))
}

/// Watchers over TCP who read nothing more once the first packet has come.
async fn slow(target: &Target, room: &str, readers: usize, path: Path) -> Result<Vec<Participant>, LoadError> {
    let plan = |index| Plan { path, stalls: true, ..Plan::watcher(room, format!("slow-{index}")) };
    let mut slow = join_all(target, (0..readers).map(plan).collect()).await?;
    for participant in &mut slow {
        wait(participant, JOIN_LIMIT, "the first packet", |stats| stats.join.first_packet.is_some()).await?;
    }
    Ok(slow)
}
