//! The workers: do what transactions left to be done, until it is done or visibly dead.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use db::jobs::{Failed, Job, NewJob};
use db::{Conn, Error};
use futures::FutureExt as _;
use kit::UnixMillis;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::app::App;
use crate::features::{chat, livekit, meetings};

/// How often the queue is looked at when nobody wakes the worker: for retries and for jobs of other processes.
const TICK: Duration = Duration::from_secs(1);
/// How often a lease is renewed; it holds three times as long.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Attempts before a job is dead: with the pauses between them, about a day.
const ATTEMPTS_MAX: i64 = 16;

/// Jobs that are done at the same time.
const WORKERS: usize = 4;
/// Priority of what people wait for, or what protects them: the first worker does nothing else, so that a media server that is
/// slow for one room never keeps somebody in another one.
const URGENT: i64 = 10;

/// Wakes the workers.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<[Notify; WORKERS]>);

impl Wake {
    /// There may be work.
    pub fn now(&self) {
        self.0.iter().for_each(Notify::notify_one);
    }
}

/// What can be left to be done. The payload of a job is this, as JSON; it holds ids, never content.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Close a room of the media server.
    DeleteRoom { room: String },
    /// Disconnect somebody.
    RemoveParticipant { room: String, identity: String },
    /// Tell a room of a chat message.
    SendChat { message_id: String, room: String, instance_id: String },
    /// Take content and names out of a deleted meeting.
    EraseMeeting { meeting_id: String },
}

impl Work {
    fn kind(&self) -> &'static str {
        match self {
            Self::DeleteRoom { .. } => "delete_room",
            Self::RemoveParticipant { .. } => "remove_participant",
            Self::SendChat { .. } => "send_chat",
            Self::EraseMeeting { .. } => "erase_meeting",
        }
    }

    fn dedupe_key(&self) -> String {
        match self {
            Self::DeleteRoom { room } => room.clone(),
            Self::RemoveParticipant { room, identity } => format!("{room}\n{identity}"),
            Self::SendChat { message_id, .. } => message_id.clone(),
            Self::EraseMeeting { meeting_id } => meeting_id.clone(),
        }
    }

    fn priority(&self) -> i64 {
        match self {
            Self::DeleteRoom { .. } | Self::RemoveParticipant { .. } => URGENT,
            Self::SendChat { .. } | Self::EraseMeeting { .. } => 0,
        }
    }

    /// What the log calls the meeting: its code, where the job knows no more than the room, from the room's name.
    fn meeting(&self) -> &str {
        match self {
            Self::DeleteRoom { room } | Self::RemoveParticipant { room, .. } | Self::SendChat { room, .. } => {
                livekit::meeting_of(room)
            }
            Self::EraseMeeting { meeting_id } => meeting_id,
        }
    }

    fn order_key(&self) -> Option<&str> {
        match self {
            Self::SendChat { instance_id, .. } => Some(instance_id),
            _ => None,
        }
    }
}

/// Leaves `work` to be done, in the transaction that made it necessary. Wake the worker after the commit.
pub async fn enqueue(app: &App, conn: &mut Conn, work: &Work, now: UnixMillis) -> Result<(), Error> {
    let payload =
        serde_json::to_string(work).map_err(|error| Error::Stored { column: "payload", reason: error.to_string() })?;
    let (id, dedupe_key) = (app.new_id(), work.dedupe_key());
    let max_attempts = if matches!(work, Work::SendChat { .. }) { 5 } else { ATTEMPTS_MAX };
    let job = NewJob {
        id: &id,
        kind: work.kind(),
        payload: &payload,
        dedupe_key: Some(&dedupe_key),
        order_key: work.order_key(),
        run_at_ms: now.get(),
        max_attempts,
        priority: work.priority(),
    };
    db::jobs::enqueue(conn, &job, now.get()).await?;
    Ok(())
}

/// Works until `app.stop`.
pub async fn run(app: App) {
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        workers.spawn(work(app.clone(), number));
    }
    while let Some(ended) = workers.join_next().await {
        // Whoever watches us learns of it.
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn work(app: App, number: usize) {
    let worker = app.new_id();
    let priority_min = if number == 0 { URGENT } else { 0 };
    loop {
        if let Err(error) = run_due(&app, &worker, priority_min).await {
            tracing::error!(%error, "the job queue failed");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.wake.0[number].notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Does everything of at least `priority_min` that is due; returns how many jobs were tried.
pub async fn run_due(app: &App, worker: &str, priority_min: i64) -> Result<usize, Error> {
    let mut tried = 0;
    loop {
        let now_ms = app.now().get();
        // A look without the writers' lock, so that an idle worker disturbs nobody.
        if app.stop.is_cancelled() || !db::jobs::is_any_due(&mut app.db.read().await?, priority_min, now_ms).await? {
            break;
        }
        let Some(job) = db::write!(&app.db, conn => db::jobs::claim(conn, worker, priority_min, now_ms).await)? else {
            break;
        };
        tried += 1;
        attempt(app, worker, &job).await?;
    }
    Ok(tried)
}

async fn attempt(app: &App, worker: &str, job: &Job) -> Result<(), Error> {
    let work: Result<Work, String> = serde_json::from_str(&job.payload).map_err(|error| error.to_string());
    let meeting = work.as_ref().map(|work| work.meeting().to_owned()).unwrap_or_default();
    let result = match work {
        Ok(work) => tokio::select! {
            // A job that panics has failed, and is tried again like any other; it must not take its worker with it.
            result = AssertUnwindSafe(perform(app, work)).catch_unwind() => result.unwrap_or_else(|_| Err("it panicked".to_owned())),
            () = keep_lease(app, worker, &job.id) => return Ok(()),
        },
        Err(error) => Err(error),
    };
    let now_ms = app.now().get();
    match result {
        Ok(()) => {
            db::write!(&app.db, conn => db::jobs::finish(conn, &job.id, worker, now_ms).await)?;
            count(&job.kind, "done");
        }
        Err(reason) => {
            let outcome = db::write!(&app.db, conn => db::jobs::fail(conn, job, worker, &reason, now_ms).await)?;
            match outcome {
                Failed::Dead => {
                    count(&job.kind, "dead");
                    tracing::error!(meeting_id = %meeting, kind = job.kind, job_id = job.id, reason, "job is dead");
                }
                Failed::Retry { .. } | Failed::LeaseLost => {
                    count(&job.kind, "failed");
                    tracing::warn!(meeting_id = %meeting, kind = job.kind, job_id = job.id, reason, "job failed");
                }
            }
        }
    }
    Ok(())
}

fn count(kind: &str, outcome: &'static str) {
    metrics::counter!("heydok_job_attempts_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
}

/// Ends only when the lease is lost.
async fn keep_lease(app: &App, worker: &str, id: &str) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let now_ms = app.now().get();
        let renewed: Result<bool, Error> =
            db::write!(&app.db, conn => db::jobs::heartbeat(conn, id, worker, now_ms).await);
        if matches!(renewed, Ok(false)) {
            return;
        }
    }
}

async fn perform(app: &App, work: Work) -> Result<(), String> {
    match work {
        Work::DeleteRoom { room } => livekit::delete_room(app, &room).await.map_err(|error| error.to_string()),
        Work::RemoveParticipant { room, identity } => {
            livekit::remove_refused(app, &room, &identity).await.map_err(|error| error.to_string())
        }
        Work::SendChat { message_id, room, .. } => chat::service::send(app, &room, &message_id).await,
        Work::EraseMeeting { meeting_id } => {
            let now = app.now();
            let result: Result<(), Error> =
                db::write!(&app.db, conn => meetings::store::erase(conn, &meeting_id, now).await);
            result.map_err(|error| error.to_string())
        }
    }
}
