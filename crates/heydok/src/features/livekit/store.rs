//! Writes what the fold found, in one transaction per room.

use db::{Conn, Error, sql};
use kit::UnixMillis;
use serde_json::json;

use super::fold::{Believed, Change, Room, Seen, fold};
use crate::app::App;
use crate::features::instances::{self, EndReason, store::Live};
use crate::features::jobs::{self, Work};
use crate::features::join::rules::Role;
use crate::features::join::store::{self as sessions, NewParticipant, Session, SessionState};
use crate::features::meetings::rules::AccessState;
use crate::features::meetings::{self, Meeting, Standing};
use crate::features::record::{Actor, Audit, Event, Moment, Origin, append_audit, append_event, append_timeline};

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
        instances::store::end(app, conn, &meeting, EndReason::Host, now).await?;
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
        }
        afterwards.wake |= write(app, conn, &meeting, live.as_ref(), change, now).await?;
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
        return instances::store::end(app, conn, meeting, EndReason::Empty, now).await;
    }
    if now.since(live.started_at) >= limits.duration_max {
        instances::store::end(app, conn, meeting, EndReason::TooLong, now).await?;
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

/// Writes one change; `true` if it left a job.
async fn write(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: Option<&Live>,
    change: Change,
    now: UnixMillis,
) -> Result<bool, Error> {
    match (change, live) {
        (Change::Join { seen, external }, Some(live)) => {
            if external {
                admit_external(app, conn, meeting, &seen, now).await?;
            }
            join(app, conn, meeting, live, &seen, now).await?;
            Ok(false)
        }
        (Change::Stay { seen }, _) => show_tracks(conn, meeting, &seen, now).await.map(|()| false),
        (Change::Refuse { identity, refusal }, _) => {
            let origin = Origin::default();
            let detail = json!({ "meeting_id": meeting.id, "reason": format!("{refusal:?}").to_ascii_lowercase() });
            let audit = Audit {
                action: "join.denied",
                actor: Actor::System,
                origin: &origin,
                target_kind: "participant",
                target_id: &identity,
                detail,
            };
            append_audit(conn, &audit, now).await?;
            jobs::enqueue(app, conn, &Work::RemoveParticipant { room: meeting.room_name.clone(), identity }, now)
                .await?;
            Ok(true)
        }
        (Change::Leave { identity }, _) => leave(app, conn, meeting, live, &identity, now).await.map(|()| false),
        (Change::Reconnect { identity }, _) => {
            let update = sql("UPDATE participant_sessions SET state = 'reconnecting', updated_at = $3
                              WHERE meeting_id = $1 AND participant_id = $2 AND state = 'connected'");
            conn.execute(update.bind(&meeting.id).bind(identity).bind(now)).await?;
            Ok(false)
        }
        (Change::Join { .. }, None) => Ok(false),
    }
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

async fn join(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: &Live,
    seen: &Seen,
    now: UnixMillis,
) -> Result<(), Error> {
    let Some(session) = sessions::by_identity(conn, &meeting.id, &seen.identity).await? else { return Ok(()) };
    let was_inside = matches!(session.state, SessionState::Connected | SessionState::Reconnecting);
    let row = person_in(app, conn, live, &session, now).await?;
    let update = sql("UPDATE participant_sessions SET state = 'connected', sid = $2, participant_row = $3, left_at = NULL, leave_reason = NULL,
                        connected_at = COALESCE(connected_at, $4), updated_at = $4 WHERE id = $1");
    conn.execute(update.bind(&session.id).bind(&seen.sid).bind(&row).bind(now)).await?;
    // A second stay in the same instance keeps the seconds of the first one and counts on.
    let person = sql("UPDATE meeting_participants SET joined_at = CASE WHEN joined_at IS NULL OR left_at IS NOT NULL THEN $2 ELSE joined_at END,
                        left_at = NULL, updated_at = $2 WHERE id = $1");
    conn.execute(person.bind(&row).bind(now)).await?;
    show_tracks(conn, meeting, seen, now).await?;
    if was_inside {
        Ok(())
    } else {
        tell(app, conn, meeting, Some(live), "participant.joined", &seen.identity, now).await
    }
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

async fn leave(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: Option<&Live>,
    identity: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    let sessions = sql("UPDATE participant_sessions SET state = 'left', left_at = $3,
                          leave_reason = CASE WHEN state = 'reconnecting' THEN 'timeout' ELSE 'client' END, updated_at = $3
                        WHERE meeting_id = $1 AND participant_id = $2 AND state IN ('connected', 'reconnecting')");
    conn.execute(sessions.bind(&meeting.id).bind(identity).bind(now)).await?;
    let person = sql(
        "UPDATE meeting_participants SET left_at = $3, duration_seconds = duration_seconds + ($3 - joined_at) / 1000,
                        audio = FALSE, video = FALSE, screen = FALSE, updated_at = $3
                      WHERE meeting_id = $1 AND participant_id = $2 AND joined_at IS NOT NULL AND left_at IS NULL",
    );
    conn.execute(person.bind(&meeting.id).bind(identity).bind(now)).await?;
    tell(app, conn, meeting, live, "participant.left", identity, now).await
}

async fn tell(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    live: Option<&Live>,
    kind: &'static str,
    identity: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    let instance_id = live.map(|live| live.id.as_str());
    let data = json!({ "meeting_id": meeting.public_id(), "id": meeting.id, "instance_id": instance_id, "participant_id": identity });
    append_event(conn, &Event { r#type: kind, meeting_id: &meeting.id, instance_id, data }, now).await?;
    let moment = Moment {
        id: &app.new_id(),
        kind,
        meeting_id: &meeting.id,
        instance_id,
        participant_id: Some(identity),
        detail: json!({}),
    };
    append_timeline(conn, &moment, now).await
}

/// Names of the rooms of ours that somebody is in, or is on the way to.
pub(super) async fn rooms_in_use(conn: &mut Conn, since: UnixMillis) -> Result<Vec<String>, Error> {
    let query = sql("SELECT m.room_name FROM video_meetings m WHERE m.access_state = 'open' AND (
                       EXISTS (SELECT 1 FROM meeting_instances i WHERE i.meeting_id = m.id AND i.ended_at IS NULL)
                       OR EXISTS (SELECT 1 FROM participant_sessions s WHERE s.meeting_id = m.id AND s.state = 'admitted' AND s.token_issued_at > $1))
                     ORDER BY m.room_name LIMIT 10000");
    conn.all(query.bind(since)).await?.iter().map(|row| row.text("room_name")).collect()
}
