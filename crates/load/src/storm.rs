//! Many who come at once: how long until all are in, and what those who are there already notice.

use std::time::Duration;

use kit::{Clock as _, SystemClock};

use crate::crowd::{JOIN_LIMIT, leave_all, publishing, wait, watching};
use crate::error::LoadError;
use crate::participant::Participant;
use crate::scenario::{Cast, all_there};
use crate::stats::JoinPhases;
use crate::target::Target;

pub(crate) const PUBLISHERS: usize = 5;
/// Those who are there before, and watch.
pub(crate) const WATCHERS: usize = 5;
/// Between two arrivals: twenty each second.
const PAUSE: Duration = Duration::from_millis(50);

/// How a storm of joins went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storm {
    /// From the first join until everybody has seen a picture.
    pub all_in: Duration,
    /// The longest time without a packet in any picture of those who were there before.
    pub longest_freeze: Duration,
    /// Keyframe requests for each published layer and second.
    pub keyframe_requests: f64,
}

/// Publishers and watchers come first; after `settle` the others of `cast`.
pub(crate) async fn measure(
    target: &Target,
    mut cast: Cast,
    settle: Duration,
) -> Result<(Storm, Vec<JoinPhases>), LoadError> {
    let others = cast.watchers.split_off(WATCHERS.min(cast.watchers.len()));
    let publishers = publishing(target, cast.publishers).await?;
    let watchers = watching(target, cast.watchers, cast.streams).await?;
    tokio::time::sleep(settle).await;
    let asked = |publishers: &[Participant]| -> u64 {
        publishers.iter().map(|publisher| publisher.look(|stats| stats.keyframes_asked)).sum()
    };
    let (started, asked_before) = (SystemClock.instant(), asked(&publishers));
    let arrivals = others.into_iter().enumerate().map(|(index, plan)| async move {
        tokio::time::sleep(PAUSE * u32::try_from(index).unwrap_or(u32::MAX)).await;
        let mut joined = Participant::join(target, plan).await?;
        wait(&mut joined, JOIN_LIMIT, "the first picture", |stats| stats.join.first_keyframe.is_some()).await?;
        Ok::<_, LoadError>(joined)
    });
    let joined = futures::future::try_join_all(arrivals).await?;
    let all_in = SystemClock.instant().saturating_duration_since(started);
    let requests = asked(&publishers) - asked_before;
    all_there(publishers.iter().chain(&watchers).chain(&joined))?;
    let freezes = watchers.iter().map(|watcher| watcher.look(|stats| stats.longest_freeze()));
    let storm = Storm {
        all_in,
        longest_freeze: freezes.max().unwrap_or_default(),
        keyframe_requests: requests as f64 / PUBLISHERS as f64 / all_in.as_secs_f64().max(f64::EPSILON),
    };
    let joins = joined.iter().map(|participant| participant.look(|stats| stats.join)).collect();
    for everybody in [publishers, watchers, joined] {
        leave_all(everybody).await;
    }
    Ok((storm, joins))
}
