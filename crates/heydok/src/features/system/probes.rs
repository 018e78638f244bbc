//! What the things that we depend on said lately.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::app::App;
use crate::features::meetings;

/// How long an answer serves: anybody may ask `/health` and `/ready`, and each look costs a query and a call.
const FRESH: Duration = Duration::from_secs(1);
/// How long a dependency may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last look at each of them.
#[derive(Debug, Default)]
pub struct Probes {
    totals: Kept<Option<(i64, i64)>>,
    livekit: Kept<bool>,
}

impl Probes {
    /// Live meetings and people inside, at most a second old; `None` while the database does not answer.
    pub async fn totals(&self, app: &App) -> Option<(i64, i64)> {
        self.totals.get(app, totals(app)).await
    }

    /// Whether the media server answers, or did within the last second.
    pub async fn livekit_answers(&self, app: &App) -> bool {
        self.livekit.get(app, livekit_answers(app)).await
    }
}

/// An answer and when it was given. Who asks during a look waits for it, so there is never a second one.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Copy> Kept<T> {
    async fn get(&self, app: &App, look: impl Future<Output = T>) -> T {
        let mut kept = self.0.lock().await;
        if let Some((at, answer)) = *kept
            && app.clock.instant().saturating_duration_since(at) < FRESH
        {
            return answer;
        }
        let answer = look.await;
        *kept = Some((app.clock.instant(), answer));
        answer
    }
}

/// Live meetings and people inside; `None` where the database does not answer.
pub(super) async fn totals(app: &App) -> Option<(i64, i64)> {
    of_database(async { meetings::store::totals(&mut app.db.read().await?).await }).await
}

/// What the job queue has to do; `None` where the database does not answer.
pub(super) async fn backlog(app: &App) -> Option<db::jobs::Backlog> {
    of_database(async { db::jobs::backlog(&mut app.db.read().await?).await }).await
}

async fn of_database<T>(ask: impl Future<Output = Result<T, db::Error>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            None
        }
        Err(_) => None,
    }
}

/// Whether the media server answers.
pub(super) async fn livekit_answers(app: &App) -> bool {
    // A name that no room has: the answer is empty and cheap.
    let ask = app.livekit.list_rooms(vec!["heydok-health".to_owned()]);
    matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(_)))
}
