//! State comes from here: what the media server says is compared with what we believe, at start, every 15 seconds and after
//! each hint. Webhooks are only hints; with all of them lost, the state is right 15 seconds later.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use super::client::{Error as LivekitError, proto};
use super::fold::Seen;
use super::store::{self, Look};
use crate::app::App;
use crate::features::meetings;
use crate::http::Problem;

/// Time between two looks at everything.
const EVERY: Duration = Duration::from_secs(15);
/// Hints that may wait; when they are more, everything is looked at.
const HINTS_MAX: usize = 1_000;
/// How long a room is kept for somebody who has a token and has not connected yet.
const ARRIVAL: Duration = Duration::from_secs(60);
/// A meeting whose room could not be made within this was left half made by a crash.
const CREATING_MAX: Duration = Duration::from_secs(120);

/// Why a look failed; the next one follows soon.
#[derive(Debug, thiserror::Error)]
pub enum Reconciling {
    #[error(transparent)]
    Livekit(#[from] LivekitError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<Reconciling> for Problem {
    fn from(error: Reconciling) -> Self {
        match error {
            Reconciling::Livekit(error) => Self::new(crate::http::problem::LIVEKIT_UNREACHABLE).private(error),
            Reconciling::Database(error) => error.into(),
        }
    }
}

/// Takes hints, and looks at one room at a time, so that a room's changes are applied in the order they were seen.
#[derive(Debug)]
pub struct Reconciler {
    hints: mpsc::Sender<String>,
    waiting: Mutex<mpsc::Receiver<String>>,
    one_at_a_time: Mutex<()>,
}

impl Default for Reconciler {
    fn default() -> Self {
        let (hints, waiting) = mpsc::channel(HINTS_MAX);
        Self { hints, waiting: Mutex::new(waiting), one_at_a_time: Mutex::new(()) }
    }
}

impl Reconciler {
    /// Something happened in this room. Never blocks; a hint too many is covered by the next look at everything.
    pub fn hint(&self, room: String) {
        let _ = self.hints.try_send(room);
    }

    /// Looks until `app.stop`.
    pub async fn run(&self, app: App) {
        let mut waiting = self.waiting.lock().await;
        let mut next_sweep = tokio::time::interval(EVERY);
        next_sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        next_sweep.reset();
        loop {
            let result = tokio::select! {
                () = app.stop.cancelled() => return,
                _ = next_sweep.tick() => self.sweep(&app).await,
                Some(room) = waiting.recv() => {
                    let mut rooms = BTreeSet::from([room]);
                    while let Ok(room) = waiting.try_recv() {
                        rooms.insert(room);
                    }
                    self.look_at(&app, rooms).await
                }
            };
            if let Err(error) = result {
                tracing::warn!(%error, "the media server could not be compared with the database");
            }
        }
    }

    async fn look_at(&self, app: &App, rooms: BTreeSet<String>) -> Result<(), Reconciling> {
        for room in rooms {
            self.room(app, &room).await?;
        }
        Ok(())
    }

    /// Looks at one room.
    pub async fn room(&self, app: &App, name: &str) -> Result<(), Reconciling> {
        let _turn = self.one_at_a_time.lock().await;
        if meetings::store::by_room(&mut app.db.read().await?, name).await?.is_none() {
            return Ok(());
        }
        let room = app.livekit.list_rooms(vec![name.to_owned()]).await?.into_iter().find(|room| room.name == name);
        match room {
            Some(_) => app.rooms.learn(name),
            None => app.rooms.forget(name),
        }
        self.apply(app, name, room.map(|room| room.sid)).await
    }

    /// Looks at everything, and closes what is over.
    pub async fn sweep(&self, app: &App) -> Result<(), Reconciling> {
        let _turn = self.one_at_a_time.lock().await;
        let now = app.now();
        let result: Result<u64, db::Error> =
            db::write!(&app.db, conn => meetings::store::abandon_stale(conn, now.minus(CREATING_MAX), now).await);
        result?;
        let overdue = meetings::store::overdue(&mut app.db.read().await?, now).await?;
        for meeting in &overdue {
            let result: Result<(), db::Error> =
                db::write!(&app.db, conn => meetings::service::expire(app, conn, meeting, now).await);
            result?;
        }
        if !overdue.is_empty() {
            app.wake.now();
        }
        let rooms: HashMap<String, String> =
            app.livekit.list_rooms(Vec::new()).await?.into_iter().map(|room| (room.name, room.sid)).collect();
        app.rooms.replace(rooms.keys().cloned());
        let in_use = store::rooms_in_use(&mut app.db.read().await?, now.minus(ARRIVAL)).await?;
        let names: BTreeSet<&String> = in_use.iter().chain(rooms.keys()).collect();
        for name in names {
            let sid = rooms.get(name).cloned();
            if sid.is_none() {
                self.restore(app, name).await?;
            }
            self.apply(app, name, sid).await?;
        }
        Ok(())
    }

    /// Makes a room again that the media server lost while people are on the way to it or back to it.
    async fn restore(&self, app: &App, name: &str) -> Result<(), Reconciling> {
        let Some(meeting) = meetings::store::by_room(&mut app.db.read().await?, name).await? else { return Ok(()) };
        if meeting.instance_id.is_none() {
            super::create_room(app, name, meeting.max_participants).await?;
        }
        Ok(())
    }

    async fn apply(&self, app: &App, name: &str, room_sid: Option<String>) -> Result<(), Reconciling> {
        let participants = if room_sid.is_some() { app.livekit.list_participants(name).await? } else { Vec::new() };
        let look = &Look { room_sid, seen: participants.iter().filter_map(seen).collect() };
        let result: Result<store::Afterwards, db::Error> =
            db::write!(&app.db, conn => store::apply(app, conn, name, look).await);
        let afterwards = result?;
        if afterwards.wake {
            app.wake.now();
        }
        if afterwards.recreate
            && let Some(meeting) = meetings::store::by_room(&mut app.db.read().await?, name).await?
        {
            super::create_room(app, name, meeting.max_participants).await?;
            tracing::info!(meeting_id = %meeting.code, room_name = name, "room created again");
        }
        Ok(())
    }
}

/// What counts as somebody in the room: standard and SIP participants that are not leaving.
fn seen(participant: &proto::ParticipantInfo) -> Option<Seen> {
    use proto::participant_info::{Kind, State};
    let counted = matches!(participant.kind(), Kind::Standard | Kind::Sip);
    if !counted || participant.state() == State::Disconnected {
        return None;
    }
    let publishes =
        |source: proto::TrackSource| participant.tracks.iter().any(|track| track.source() == source && !track.muted);
    Some(Seen {
        audio: publishes(proto::TrackSource::Microphone),
        video: publishes(proto::TrackSource::Camera),
        screen: publishes(proto::TrackSource::ScreenShare),
        identity: participant.identity.clone(),
        name: participant.name.clone(),
        sid: participant.sid.clone(),
        joined_at: kit::UnixMillis(if participant.joined_at_ms > 0 {
            participant.joined_at_ms
        } else {
            participant.joined_at * 1_000
        }),
    })
}
