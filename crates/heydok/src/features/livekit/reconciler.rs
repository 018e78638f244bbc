//! State comes from here: what the media server says is compared with what we believe, at start, every 15 seconds and after
//! each hint. Webhooks are only hints; with all of them lost, the state is right 15 seconds later.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, mpsc};

use super::client::{Error as LivekitError, proto};
use super::fold::Seen;
use super::store::{self, Look};
use crate::app::App;
use crate::config::LiveKitMode;
use crate::features::meetings::{self, Standing};
use crate::http::Problem;

/// Time between two looks at everything.
const EVERY: Duration = Duration::from_secs(15);
/// Hints that may wait; when they are more, everything is looked at.
const HINTS_MAX: usize = 1_000;
/// Rooms that can be looked at at the same time.
const TURNS: usize = 64;
/// Rooms in a row that cannot be looked at before the rest is left for the next time.
const FAILURES_MAX: u32 = 5;
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
    /// A room's turn is the one that its name's hash chooses.
    turns: [Mutex<()>; TURNS],
}

impl Default for Reconciler {
    fn default() -> Self {
        let (hints, waiting) = mpsc::channel(HINTS_MAX);
        Self { hints, waiting: Mutex::new(waiting), turns: std::array::from_fn(|_| Mutex::default()) }
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
                    self.look_at(&app, &HashMap::new(), rooms.into_iter().collect()).await
                }
            };
            if let Err(error) = result {
                tracing::warn!(%error, "the media server could not be compared with the database");
            }
        }
    }

    /// Looks at each of `rooms`, where `existing` has those that are known to be there. A room that fails does not keep the
    /// others waiting; many in a row mean that the media server does.
    async fn look_at(
        &self,
        app: &App,
        existing: &HashMap<String, String>,
        rooms: Vec<String>,
    ) -> Result<(), Reconciling> {
        let mut failures_in_a_row = 0;
        for room in rooms {
            let result = match existing.get(&room) {
                Some(sid) => {
                    let _turn = self.turn(&room).await;
                    apply(app, &room, Some(sid.clone())).await
                }
                None => self.room(app, &room).await,
            };
            let Err(error) = result else {
                failures_in_a_row = 0;
                continue;
            };
            tracing::warn!(meeting_id = super::meeting_of(&room), room_name = room, %error, "a room could not be looked at");
            failures_in_a_row += 1;
            if failures_in_a_row == FAILURES_MAX {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn turn(&self, room: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0);
        self.turns[index].lock().await
    }

    /// Looks at one room.
    pub async fn room(&self, app: &App, name: &str) -> Result<(), Reconciling> {
        let _turn = self.turn(name).await;
        let Some(meeting) = meetings::store::by_room(&mut app.db.read().await?, name).await? else {
            return Ok(());
        };
        let room = app.livekit.list_rooms(vec![name.to_owned()]).await?.into_iter().find(|room| room.name == name);
        match room {
            Some(_) => app.rooms.learn(name),
            None => app.rooms.forget(name),
        }
        if room.is_none() && keeps_rooms(app) && meeting.standing(app.now()) == Standing::Active {
            super::keep_room(app, &meeting).await?;
        }
        apply(app, name, room.map(|room| room.sid)).await
    }

    /// Looks at everything, and closes what is over.
    pub async fn sweep(&self, app: &App) -> Result<(), Reconciling> {
        close_overdue(app).await?;
        let rooms = app.livekit.list_rooms(Vec::new()).await?;
        app.rooms.replace(rooms.iter().map(|room| room.name.clone()));
        let mut conn = app.db.read().await?;
        let live = store::live_rooms(&mut conn).await?;
        let open = if keeps_rooms(app) { store::open_rooms(&mut conn, app.now()).await? } else { BTreeSet::new() };
        // Rooms of other programs are none of our business, and a room that only waits has nobody to be asked for.
        let to_ask =
            |room: &&proto::Room| room.num_participants > 0 || live.contains(&room.name) || !open.contains(&room.name);
        let asked: Vec<String> = rooms.iter().filter(to_ask).map(|room| room.name.clone()).collect();
        let ours = meetings::store::rooms_of_ours(&mut conn, &asked).await?;
        drop(conn);
        let existing: HashMap<String, String> = rooms.into_iter().map(|room| (room.name, room.sid)).collect();
        let waiting = open.difference(&live);
        let missing = |name: &&String| !existing.contains_key(*name);
        // First where people are.
        let names = live.iter().filter(missing).chain(&ours).chain(waiting.filter(missing)).cloned().collect();
        self.look_at(app, &existing, names).await
    }
}

/// Whether rooms of open meetings are made again as soon as they are missed. The embedded server makes them when they are asked
/// for instead (`arrival`).
fn keeps_rooms(app: &App) -> bool {
    matches!(app.settings.livekit.mode, LiveKitMode::External { .. })
}

/// Closes what a crash left half made, and meetings whose time is over.
async fn close_overdue(app: &App) -> Result<(), Reconciling> {
    let now = app.now();
    let result: Result<u64, db::Error> =
        db::write!(&app.db, conn => meetings::store::abandon_stale(conn, now.minus(CREATING_MAX), now).await);
    result?;
    let overdue = meetings::store::overdue(&mut app.db.read().await?, now).await?;
    for meeting in &overdue {
        meetings::service::expire(app, meeting).await?;
    }
    Ok(())
}

async fn apply(app: &App, name: &str, room_sid: Option<String>) -> Result<(), Reconciling> {
    let participants = if room_sid.is_some() { app.livekit.list_participants(name).await? } else { Vec::new() };
    let look = &Look { room_sid, seen: participants.iter().filter_map(seen).collect() };
    let result: Result<store::Afterwards, db::Error> =
        db::write!(&app.db, conn => store::apply(app, conn, name, look).await);
    let afterwards = result?;
    if afterwards.wake {
        app.wake.now();
    }
    for news in &afterwards.news {
        news.log();
    }
    if afterwards.recreate
        && let Some(meeting) = meetings::store::by_room(&mut app.db.read().await?, name).await?
    {
        super::create_room(app, name, meeting.max_participants).await?;
        tracing::info!(meeting_id = %meeting.code, room_name = name, "room created again");
    }
    Ok(())
}

/// Whether somebody in a room of ours is refused by what we know now.
pub(super) async fn is_refused(app: &App, name: &str, identity: &str) -> Result<bool, Reconciling> {
    let participants = app.livekit.list_participants(name).await?;
    let seen: Vec<Seen> = participants.iter().filter_map(seen).collect();
    let mut conn = app.db.read().await?;
    match meetings::store::by_room(&mut conn, name).await? {
        Some(meeting) => Ok(store::is_refused(&mut conn, &meeting, &seen, identity, app.now()).await?),
        None => Ok(false),
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
