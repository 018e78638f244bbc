//! Making and ending a meeting from end to end.

use db::{Conn, Error};
use kit::{Secret, UnixMillis};
use serde_json::json;

use super::http::CreateRequest;
use super::store::{self, NewMeeting};
use super::{Meeting, Standing};
use crate::app::App;
use crate::crypto::Place;
use crate::features::instances::{self, EndReason};
use crate::features::record::{Actor, Audit, Event, Moment, Origin, append_audit, append_event, append_timeline};
use crate::features::{jobs, livekit};
use crate::http::Problem;
use crate::http::problem::{ID_SPACE, ROOM_CREATE_FAILED};

/// How long the code of a deleted meeting stays reserved: 400 days.
const CODE_RESERVED: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

/// A meeting that was just made, with the key that only its maker gets.
pub struct Created {
    pub code: String,
    pub host_key: Secret,
    pub created_at: UnixMillis,
    pub expires_at: UnixMillis,
    pub name: Option<String>,
}

/// Row, event and audit in one transaction, then the room. Without a room the row is closed again.
pub async fn create(app: &App, request: CreateRequest, origin: &Origin) -> Result<Created, Problem> {
    let now = app.now();
    let host_key = kit::new_token(&*app.entropy);
    let id = app.new_id();
    let meetings = &app.settings.meetings;
    let password = request.password.as_deref().map(|text| app.cipher.encrypt(password_place(&id), text, &*app.entropy));
    let new = &NewMeeting {
        title: request.name.clone().unwrap_or_default(),
        host_key: kit::token_digest(host_key.expose()),
        password,
        max_participants: request.max_participants.unwrap_or_else(|| i64::from(meetings.participants_max)),
        expires_at: now.plus(meetings.ttl),
        settings: json!({ "recording_allowed": request.recording_allowed.unwrap_or(false) }).to_string(),
        id,
    };
    let code = db::write!(&app.db, conn => insert(app, conn, new, origin, now).await)?.ok_or(ID_SPACE)?;
    crate::http::context::concerns(&code);
    let room_name = format!("meeting-{code}");
    if let Err(error) = livekit::create_room(app, &room_name, new.max_participants).await {
        db::write!(&app.db, conn => store::abandon(conn, &new.id, now).await)?;
        return Err(Problem::new(ROOM_CREATE_FAILED).private(error));
    }
    db::write!(&app.db, conn => store::open(conn, &new.id, now).await)?;
    tracing::info!(meeting_id = %code, %room_name, "room created");
    Ok(Created {
        code,
        host_key,
        created_at: now,
        expires_at: new.expires_at,
        name: request.name.filter(|name| !name.is_empty()),
    })
}

async fn insert(
    app: &App,
    conn: &mut Conn,
    new: &NewMeeting,
    origin: &Origin,
    now: UnixMillis,
) -> Result<Option<String>, Error> {
    let Some(code) = store::insert(conn, new, &*app.entropy, now).await? else { return Ok(None) };
    let audit = Audit {
        action: "meeting.created",
        actor: Actor::Anonymous,
        origin,
        target_kind: "meeting",
        target_id: &new.id,
        detail: json!({ "code": code }),
    };
    append_audit(conn, &audit, now).await?;
    let data = json!({ "meeting_id": code, "id": new.id, "platform": "heydok" });
    append_event(conn, &Event { r#type: "meeting.created", meeting_id: &new.id, instance_id: None, data }, now).await?;
    Ok(Some(code))
}

/// Where the password of a meeting is encrypted for.
pub fn password_place(meeting_id: &str) -> Place<'_> {
    Place { table: "video_meetings", column: "password", row: meeting_id }
}

/// Ends a meeting: instance and door closed in one transaction, the room by a job. Nothing happens the second time.
pub async fn end(app: &App, meeting: &Meeting, delete: bool, actor: Actor<'_>, origin: &Origin) -> Result<(), Problem> {
    let now = app.now();
    db::write!(&app.db, conn => close(app, conn, meeting, delete, actor, origin, now).await)?;
    app.rooms.forget(&meeting.room_name);
    app.wake.now();
    tracing::info!(meeting_id = %meeting.code, delete, "meeting ended");
    Ok(())
}

async fn close(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    delete: bool,
    actor: Actor<'_>,
    origin: &Origin,
    now: UnixMillis,
) -> Result<(), Error> {
    let was_running = instances::store::end(app, conn, meeting, EndReason::Host, now).await?;
    if store::close(conn, &meeting.id, now).await? {
        audit(conn, meeting, "meeting.ended", actor, origin, now).await?;
        // The end of its conference is the meeting's, and is told once.
        if !was_running {
            tell(app, conn, meeting, "meeting.ended", now).await?;
        }
        jobs::enqueue(app, conn, &jobs::Work::DeleteRoom { room: meeting.room_name.clone() }, now).await?;
    }
    if delete
        && meeting.standing(now) != Standing::Absent
        && store::delete(conn, meeting, now, now.plus(CODE_RESERVED)).await?
    {
        audit(conn, meeting, "meeting.deleted", actor, origin, now).await?;
        tell(app, conn, meeting, "meeting.deleted", now).await?;
        jobs::enqueue(app, conn, &jobs::Work::EraseMeeting { meeting_id: meeting.id.clone() }, now).await?;
    }
    Ok(())
}

/// Closes the door of a meeting whose time is over.
pub async fn expire(app: &App, meeting: &Meeting) -> Result<(), Error> {
    let now = app.now();
    if db::write!(&app.db, conn => close_expired(app, conn, meeting, now).await)? {
        app.wake.now();
        tracing::info!(meeting_id = %meeting.code, "meeting expired");
    }
    Ok(())
}

async fn close_expired(app: &App, conn: &mut Conn, meeting: &Meeting, now: UnixMillis) -> Result<bool, Error> {
    if !store::expire(conn, &meeting.id, now).await? {
        return Ok(false);
    }
    audit(conn, meeting, "meeting.ended", Actor::System, &Origin::default(), now).await?;
    tell(app, conn, meeting, "meeting.ended", now).await?;
    jobs::enqueue(app, conn, &jobs::Work::DeleteRoom { room: meeting.room_name.clone() }, now).await?;
    Ok(true)
}

async fn audit(
    conn: &mut Conn,
    meeting: &Meeting,
    action: &'static str,
    actor: Actor<'_>,
    origin: &Origin,
    now: UnixMillis,
) -> Result<(), Error> {
    let audit = Audit { action, actor, origin, target_kind: "meeting", target_id: &meeting.id, detail: json!({}) };
    append_audit(conn, &audit, now).await
}

/// Tells the event stream and the timeline.
async fn tell(app: &App, conn: &mut Conn, meeting: &Meeting, kind: &'static str, now: UnixMillis) -> Result<(), Error> {
    let data = json!({ "meeting_id": meeting.public_id(), "id": meeting.id, "platform": "heydok" });
    append_event(conn, &Event { r#type: kind, meeting_id: &meeting.id, instance_id: None, data }, now).await?;
    let moment = Moment {
        id: &app.new_id(),
        kind,
        meeting_id: &meeting.id,
        instance_id: None,
        participant_id: None,
        detail: json!({}),
    };
    append_timeline(conn, &moment, now).await
}
