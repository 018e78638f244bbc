//! Participants who come, are waited for, and leave.

use std::time::Duration;

use futures::stream::{StreamExt as _, TryStreamExt as _};

use crate::error::LoadError;
use crate::participant::{Participant, Plan};
use crate::stats::{JoinPhases, Stats};
use crate::target::Target;

/// Joins under way at once while a room fills.
const JOINS_AT_ONCE: usize = 4;
/// How long a room may take until everybody gets everything.
const FILL_LIMIT: Duration = Duration::from_secs(60);
/// How long one join may take until its first keyframe.
pub(crate) const JOIN_LIMIT: Duration = Duration::from_secs(20);
/// Between two joins. Servers space keyframe requests (LiveKit by half a second), so joins closer than that would measure
/// each other's requests.
const JOIN_SPACING: Duration = Duration::from_secs(1);

/// Lets publishers join; returns once each sends.
pub(crate) async fn publishing(target: &Target, plans: Vec<Plan>) -> Result<Vec<Participant>, LoadError> {
    let publishers = join_all(target, plans).await?;
    flowing(publishers, "publishing", |stats| stats.sent > 0).await
}

/// Lets watchers join; returns once each gets as many streams (audio, video) as it shall.
pub(crate) async fn watching(
    target: &Target,
    plans: Vec<Plan>,
    streams: (usize, usize),
) -> Result<Vec<Participant>, LoadError> {
    let watchers = join_all(target, plans).await?;
    let (audio, video) = streams;
    flowing(watchers, "every stream to everybody", |stats| {
        stats.audio_streams() >= audio && stats.video_streams() >= video
    })
    .await
}

pub(crate) async fn join_all(target: &Target, plans: Vec<Plan>) -> Result<Vec<Participant>, LoadError> {
    futures::stream::iter(plans).map(|plan| Participant::join(target, plan)).buffered(JOINS_AT_ONCE).try_collect().await
}

/// Joins one after another, each from the first byte to the first picture.
pub(crate) async fn join_each(target: &Target, plans: Vec<Plan>) -> Result<Vec<JoinPhases>, LoadError> {
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

pub(crate) async fn flowing(
    mut participants: Vec<Participant>,
    what: &'static str,
    condition: impl Fn(&Stats) -> bool,
) -> Result<Vec<Participant>, LoadError> {
    for participant in &mut participants {
        wait(participant, FILL_LIMIT, what, &condition).await?;
    }
    Ok(participants)
}

pub(crate) async fn wait(
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

pub(crate) async fn leave_all(participants: Vec<Participant>) {
    futures::future::join_all(participants.into_iter().map(Participant::leave)).await;
}
