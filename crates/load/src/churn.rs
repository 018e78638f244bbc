//! Many who come and go, one after another: what the server keeps of them.

use std::time::Duration;

use futures::stream::{StreamExt as _, TryStreamExt as _};

use crate::crowd::{JOIN_LIMIT, leave_all, publishing, wait};
use crate::error::LoadError;
use crate::participant::{Participant, Plan};
use crate::process::Process;
use crate::scenario::Cast;
use crate::target::Target;

/// One in so many comes before the first look, so that memory which is needed once is not counted.
const WARM_UP: usize = 10;
/// How many are there at once.
const AT_ONCE: usize = 8;
/// Who is refused because the server is too busy comes back after so long, so often: as clients do, and no more than a minute.
const COME_BACK: Duration = Duration::from_secs(2);
const COMES_BACK: usize = 30;

/// What a server held after a tenth of all had come and gone, and after all had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// Resident bytes.
    pub resident: (u64, u64),
    /// Open files and sockets.
    pub descriptors: (u64, u64),
}

impl Churn {
    /// Growth of resident memory, as a share of what there was: 0.05 is 5 %.
    pub fn growth(&self) -> f64 {
        self.resident.1 as f64 / self.resident.0.max(1) as f64 - 1.0
    }
}

/// The publishers of `cast` stay; each of its watchers comes, is connected and leaves.
pub(crate) async fn measure(target: &Target, server: Option<Process>, cast: Cast) -> Result<Option<Churn>, LoadError> {
    let Some(server) = server else { return Ok(None) };
    let publishers = publishing(target, cast.publishers).await?;
    let mut first = cast.watchers;
    let rest = first.split_off(first.len() / WARM_UP);
    let mut looks = Vec::new();
    for plans in [first, rest] {
        futures::stream::iter(plans)
            .map(|plan| async move {
                let mut joined = come(target, plan).await?;
                wait(&mut joined, JOIN_LIMIT, "the connection", |stats| stats.join.connected.is_some()).await?;
                joined.leave().await;
                Ok::<_, LoadError>(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        looks.push((server.usage()?.resident, server.descriptors()?));
    }
    leave_all(publishers).await;
    let (warm, last) = (looks[0], looks[1]);
    Ok(Some(Churn { resident: (warm.0, last.0), descriptors: (warm.1, last.1) }))
}

/// Joins; comes back later where the server is too busy.
async fn come(target: &Target, plan: Plan) -> Result<Participant, LoadError> {
    let mut left = COMES_BACK;
    loop {
        match Participant::join(target, plan.clone()).await {
            Err(error) if error.is_busy() && left > 0 => tokio::time::sleep(COME_BACK).await,
            joined => return joined,
        }
        left -= 1;
    }
}
