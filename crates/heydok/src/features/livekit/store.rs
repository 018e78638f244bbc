//! Writes what the fold found, in one transaction per room.

use std::collections::BTreeSet;
use std::time::Duration;

use db::{Conn, Error, sql};
use kit::UnixMillis;
use serde_json::json;

use super::fold::{Believed, Change, Room, Seen, fold};
use crate::app::App;
use crate::features::instances::{self, EndReason, store::Live};
use crate::features::jobs::{self, Work};
use crate::features::join::rules::{Refusal, Role};
use crate::features::join::store::{self as sessions, NewParticipant, Session, SessionState};
use crate::features::meetings::rules::AccessState;
use crate::features::meetings::{self, Meeting, Standing};
use crate::features::participants;
use crate::features::record::{Actor, Audit, Origin, append_audit};

/// How long a refusal is not written down again for the same person.
const DENIED_AGAIN: Duration = Duration::from_secs(3_600);

/// A look into a room.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// `None`: there is no such room.
    pub room_sid: Option<String>,
    pub seen: Vec<Seen>,
}

/// What has to be done outside the database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Afterwards {
    /// The room is missing and people may come back to it: make it again.
    pub recreate: bool,
    /// Jobs were enqueued.
    pub wake: bool,
    /// For the log, once it is committed.
    pub news: Vec<News>,
}

/// What happened, as the log tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    what: &'static str,
    meeting_code: String,
    participant_id: Option<String>,
}

impl News {
    /// Identities that other programs chose are often e-mail addresses, and no business of a log.
    fn of(meeting: &Meeting, what: &'static str, identity: Option<&str>) -> Self {
        let participant_id = identity.map(|id| if kit::is_participant_id(id) { id } else { "external" }.to_owned());
        Self { what, meeting_code: meeting.code.clone(), participant_id }
    }

    pub(super) fn log(&self) {
        let participant_id = self.participant_id.as_deref();
        tracing::info!(meeting_id = %self.meeting_code, participant_id, "{}", self.what);
    }
}

/// Folds a look into the database. A room that is no meeting of ours is left alone.
pub(super) async fn apply(app: &App, conn: &mut Conn, room_name: &str, look: &Look) -> Result<Afterwards, Error> {
    let now = app.now();
    let mut afterwards = Afterwards::default();
    let Some(meeting) = meetings::store::by_room(conn, room_name).await? else { return Ok(afterwards) };
    if meeting.access_state == AccessState::Creating {
        return Ok(afterwards);
    }
    let standing = meeting.standing(now);
    if !matches!(standing, Standing::Active | Standing::Scheduled) {
        if instances::store::end(app, conn, &meeting, EndReason::Host, now).await? {
            afterwards.news.push(News::of(&meeting, "conference ended", None));
        }
        if look.room_sid.is_some() {
            jobs::enqueue(app, conn, &Work::DeleteRoom { room: room_name.to_owned() }, now).await?;
            afterwards.wake = true;
        }
        return Ok(afterwards);
    }
    let room =
        Room { standing, locked: meeting.locked, seats: meeting.max_participants, missing: look.room_sid.is_none() };
    let believed = believed(conn, &meeting, &look.seen).await?;
    let mut live = instances::store::live(conn, &meeting.id).await?;
    for change in fold(room, look.seen.clone(), &believed, now) {
        if live.is_none() && matches!(change, Change::Join { .. } | Change::Stay { .. }) {
            live = Some(
                instances::store::open(app, conn, &meeting, look.room_sid.as_deref().unwrap_or_default(), now).await?,
            );
            afterwards.news.push(News::of(&meeting, "conference started", None));
        }
        write(app, conn, &meeting, live.as_ref(), change, &mut afterwards).await?;
    }
    let Some(live) = live else { return Ok(afterwards) };
    close_or_keep(app, conn, &meeting, &live, look, &mut afterwards, now).await?;
    Ok(afterwards)
}

async fn close_or_keep(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: &Live,
    look: &Look,
    afterwards: &mut Afterwards,
    now: UnixMillis,
) -> Result<(), Error> {
    let inside = meetings::store::inside(conn, &meeting.id).await?;
    instances::store::count(conn, live, inside, now).await?;
    let limits = &app.settings.meetings;
    // The media server closes the room at the same time by its own clock, so a missing room may be a little early.
    let patience = if look.room_sid.is_none() { limits.departure_timeout / 2 } else { limits.departure_timeout };
    if inside == 0 && live.empty_since.is_some_and(|since| now.since(since) >= patience) {
        instances::store::end(app, conn, meeting, EndReason::Empty, now).await?;
        afterwards.news.push(News::of(meeting, "conference ended", None));
        return Ok(());
    }
    if now.since(live.started_at) >= limits.duration_max {
        instances::store::end(app, conn, meeting, EndReason::TooLong, now).await?;
        afterwards.news.push(News::of(meeting, "conference ended: it reached its longest duration", None));
        jobs::enqueue(app, conn, &Work::DeleteRoom { room: meeting.room_name.clone() }, now).await?;
        afterwards.wake = true;
        return Ok(());
    }
    afterwards.recreate = look.room_sid.is_none();
    Ok(())
}

/// The newest session of everybody who is seen or believed to be inside.
async fn believed(conn: &mut Conn, meeting: &Meeting, seen: &[Seen]) -> Result<Vec<Believed>, Error> {
    let mut found = sessions::inside(conn, &meeting.id).await?;
    for one in seen {
        if !found.iter().any(|session| session.participant_id == one.identity) {
            found.extend(sessions::by_identity(conn, &meeting.id, &one.identity).await?);
        }
    }
    let believe = |session: Session| Believed {
        identity: session.participant_id,
        role: session.role,
        state: session.state,
        sid: session.sid,
        been_inside: session.connected_at.is_some(),
        removed: session.removed,
        updated_at: session.updated_at,
    };
    Ok(found.into_iter().map(believe).collect())
}

/// Writes one change.
async fn write(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: Option<&Live>,
    change: Change,
    afterwards: &mut Afterwards,
) -> Result<(), Error> {
    let now = app.now();
    let gone_at = live.map_or(now, |live| live.gone_at(now));
    match (change, live) {
        (Change::Join { seen, external }, Some(live)) => {
            if external {
                admit_external(app, conn, meeting, &seen, now).await?;
            }
            if join(app, conn, meeting, live, &seen, now).await? {
                afterwards.news.push(News::of(meeting, "participant joined", Some(&seen.identity)));
            }
        }
        (Change::Stay { seen }, _) => show_tracks(conn, meeting, &seen, now).await?,
        (Change::Refuse { identity, refusal }, _) => refuse(app, conn, meeting, &identity, refusal, afterwards).await?,
        (Change::Leave { identity, reason }, _) => {
            let instance_id = live.map(|live| live.id.as_str());
            participants::service::leave(app, conn, meeting, instance_id, (&identity, reason), gone_at).await?;
            afterwards.news.push(News::of(meeting, "participant left", Some(&identity)));
        }
        (Change::Reconnect { identity }, _) => {
            participants::store::lose(conn, &meeting.id, &identity, gone_at, now).await?;
        }
        (Change::Join { .. }, None) => {}
    }
    Ok(())
}

/// Somebody came who may not stay. Whoever comes again and again is written down once in a while.
async fn refuse(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    identity: &str,
    refusal: Refusal,
    afterwards: &mut Afterwards,
) -> Result<(), Error> {
    let now = app.now();
    if !participants::store::was_denied(conn, &meeting.id, identity, now.minus(DENIED_AGAIN)).await? {
        let audit = Audit {
            action: "join.denied",
            actor: Actor::System,
            origin: &Origin::default(),
            target_kind: "participant",
            target_id: identity,
            detail: json!({ "meeting_id": meeting.id, "reason": format!("{refusal:?}").to_ascii_lowercase() }),
        };
        append_audit(conn, &audit, now).await?;
        participants::service::tell(app, conn, meeting, None, ("participant.denied", identity), now).await?;
        afterwards.news.push(News::of(meeting, "participant refused", Some(identity)));
    }
    let work = Work::RemoveParticipant { room: meeting.room_name.clone(), identity: identity.to_owned() };
    jobs::enqueue(app, conn, &work, now).await?;
    afterwards.wake = true;
    Ok(())
}

/// Whether the same look would still refuse `identity`: somebody may have been let in again since.
pub(super) async fn is_refused(
    conn: &mut Conn,
    meeting: &Meeting,
    seen: &[Seen],
    identity: &str,
    now: UnixMillis,
) -> Result<bool, Error> {
    let room = Room {
        standing: meeting.standing(now),
        locked: meeting.locked,
        seats: meeting.max_participants,
        missing: false,
    };
    let believed = believed(conn, meeting, seen).await?;
    let changes = fold(room, seen.to_vec(), &believed, now);
    Ok(changes.iter().any(|change| matches!(change, Change::Refuse { identity: refused, .. } if refused == identity)))
}

/// Somebody whose token a server SDK signed with our key.
async fn admit_external(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    seen: &Seen,
    now: UnixMillis,
) -> Result<(), Error> {
    let number =
        sql("INSERT INTO participant_numbers (meeting_id, participant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    conn.execute(number.bind(&meeting.id).bind(&seen.identity)).await?;
    let name: String = kit::text::clean(&seen.name, kit::text::Lines::One).chars().take(120).collect();
    let session = Session {
        id: app.new_id(),
        participant_row: app.new_id(),
        participant_id: seen.identity.clone(),
        jti: app.new_id(),
        role: Role::Guest,
        state: SessionState::Admitted,
        sid: None,
        name,
        token_issued_at: now,
        token_expires_at: now,
        connected_at: None,
        updated_at: now,
        removed: false,
    };
    let participant = NewParticipant {
        row_id: &session.participant_row,
        meeting_id: &meeting.id,
        instance_id: None,
        participant_id: &session.participant_id,
        kind: "external",
        role: Role::Guest,
        name: &session.name,
    };
    sessions::insert_participant(conn, &participant, now).await?;
    let nobody_has_it = kit::new_token(&*app.entropy);
    sessions::insert_session(conn, &meeting.id, &session, &kit::token_digest(nobody_has_it.expose()), now).await
}

/// `true` if they were not inside before.
async fn join(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: &Live,
    seen: &Seen,
    now: UnixMillis,
) -> Result<bool, Error> {
    let Some(session) = sessions::by_identity(conn, &meeting.id, &seen.identity).await? else { return Ok(false) };
    let was_inside = session.state.is_inside();
    let row = person_in(app, conn, live, &session, now).await?;
    let update = sql("UPDATE participant_sessions SET state = 'connected', sid = $2, participant_row = $3, left_at = NULL, leave_reason = NULL, on_the_way_since = NULL,
                        connected_at = COALESCE(connected_at, $4), updated_at = $4 WHERE id = $1");
    conn.execute(update.bind(&session.id).bind(&seen.sid).bind(&row).bind(now)).await?;
    // A second stay in the same instance keeps the seconds of the first one and counts on.
    let person = sql("UPDATE meeting_participants SET joined_at = CASE WHEN joined_at IS NULL OR left_at IS NOT NULL THEN $2 ELSE joined_at END,
                        left_at = NULL, updated_at = $2 WHERE id = $1");
    conn.execute(person.bind(&row).bind(now)).await?;
    show_tracks(conn, meeting, seen, now).await?;
    if !was_inside {
        let joined = ("participant.joined", seen.identity.as_str());
        participants::service::tell(app, conn, meeting, Some(&live.id), joined, now).await?;
    }
    Ok(!was_inside)
}

/// The row of this person in this instance: the one made at admission, or a new one for a later instance.
async fn person_in(
    app: &App,
    conn: &mut Conn,
    live: &Live,
    session: &Session,
    now: UnixMillis,
) -> Result<String, Error> {
    let bind = sql(
        "UPDATE meeting_participants SET instance_id = $2 WHERE id = $1 AND (instance_id IS NULL OR instance_id = $2)",
    );
    if conn.execute(bind.bind(&session.participant_row).bind(&live.id)).await? == 1 {
        return Ok(session.participant_row.clone());
    }
    let copy = sql("INSERT INTO meeting_participants (id, meeting_id, instance_id, participant_id, kind, role, name, verified, created_at, updated_at)
                    SELECT $2, meeting_id, $3, participant_id, kind, role, name, verified, $4, $4 FROM meeting_participants WHERE id = $1
                    ON CONFLICT DO NOTHING");
    conn.execute(copy.bind(&session.participant_row).bind(app.new_id()).bind(&live.id).bind(now)).await?;
    let find = sql("SELECT id FROM meeting_participants WHERE instance_id = $1 AND participant_id = $2");
    conn.one(find.bind(&live.id).bind(&session.participant_id)).await?.text("id")
}

async fn show_tracks(conn: &mut Conn, meeting: &Meeting, seen: &Seen, now: UnixMillis) -> Result<(), Error> {
    let update = sql("UPDATE meeting_participants SET audio = $3, video = $4, screen = $5, updated_at = $6
                      WHERE meeting_id = $1 AND participant_id = $2 AND left_at IS NULL AND (audio <> $3 OR video <> $4 OR screen <> $5)");
    let update =
        update.bind(&meeting.id).bind(&seen.identity).bind(seen.audio).bind(seen.video).bind(seen.screen).bind(now);
    conn.execute(update).await?;
    Ok(())
}

/// Rooms of running instances.
pub(super) async fn live_rooms(conn: &mut Conn) -> Result<BTreeSet<String>, Error> {
    let query = sql("SELECT m.room_name FROM meeting_instances i JOIN video_meetings m ON m.id = i.meeting_id
                     WHERE i.ended_at IS NULL ORDER BY m.room_name LIMIT 10000");
    conn.all(query).await?.iter().map(|row| row.text("room_name")).collect()
}

/// Rooms of meetings that can be joined now; where there are very many, of those that end last.
pub(super) async fn open_rooms(conn: &mut Conn, now: UnixMillis) -> Result<BTreeSet<String>, Error> {
    let query = sql("SELECT m.room_name FROM video_meetings m WHERE m.access_state = 'open' AND m.platform = 'heydok'
                       AND (m.expires_at IS NULL OR m.expires_at > $1) AND (m.scheduled_start IS NULL OR m.scheduled_start <= $2)
                     ORDER BY COALESCE(m.expires_at, $1) DESC, m.id LIMIT 10000");
    let soon = now.plus(meetings::rules::EARLY_WINDOW);
    conn.all(query.bind(now).bind(soon)).await?.iter().map(|row| row.text("room_name")).collect()
}
