//! Instances in the database. Each transition is one function, and each tells the event stream and the timeline.

use std::time::Duration;

use db::{Conn, Error, sql};
use kit::UnixMillis;
use serde_json::json;

use super::EndReason;
use crate::app::App;
use crate::features::join::store as sessions;
use crate::features::meetings::Meeting;
use crate::features::participants::{self, service::LeaveReason};
use crate::features::record::{Event, Moment, append_event, append_timeline};

/// For this long nobody may have looked before "gone" no longer means "just now".
const BLIND: Duration = Duration::from_secs(60);

/// A running instance.
#[derive(Debug, Clone)]
pub struct Live {
    pub id: String,
    pub started_at: UnixMillis,
    pub empty_since: Option<UnixMillis>,
    /// The last look into its room.
    pub looked_at: UnixMillis,
}

impl Live {
    /// When somebody left who is found to be gone now: now; or when they were last seen, where nobody looked for a while,
    /// because this process was not running.
    pub fn gone_at(&self, now: UnixMillis) -> UnixMillis {
        if now.since(self.looked_at) > BLIND { self.looked_at } else { now }
    }
}

/// The running instance of a meeting.
pub async fn live(conn: &mut Conn, meeting_id: &str) -> Result<Option<Live>, Error> {
    let query = sql(
        "SELECT id, started_at, empty_since, updated_at FROM meeting_instances WHERE meeting_id = $1 AND ended_at IS NULL",
    );
    let row = conn.optional(query.bind(meeting_id)).await?;
    row.map(|row| {
        Ok(Live {
            id: row.text("id")?,
            started_at: row.at("started_at")?,
            empty_since: row.at_opt("empty_since")?,
            looked_at: row.at("updated_at")?,
        })
    })
    .transpose()
}

/// Opens an instance, or returns the one that runs.
pub async fn open(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    room_sid: &str,
    now: UnixMillis,
) -> Result<Live, Error> {
    let id = app.new_id();
    let insert =
        sql("INSERT INTO meeting_instances (id, meeting_id, room_sid, status, started_at, created_at, updated_at)
                      VALUES ($1, $2, $3, 'live', $4, $4, $4) ON CONFLICT DO NOTHING");
    let opened = conn.execute(insert.bind(&id).bind(&meeting.id).bind(room_sid).bind(now)).await? == 1;
    if opened {
        let update = sql(
            "UPDATE video_meetings SET status = 'in_progress', actual_start = $2, actual_end = NULL, updated_at = $2 WHERE id = $1",
        );
        conn.execute(update.bind(&meeting.id).bind(now)).await?;
        tell(app, conn, meeting, &id, "meeting.started", json!({}), now).await?;
    }
    live(conn, &meeting.id)
        .await?
        .ok_or(Error::Stored { column: "meeting_instances.id", reason: "no running instance after opening one".into() })
}

/// Closes the running instance with everybody in it; the meeting is `scheduled` again and can be joined, until somebody closes it.
/// `false` if none was running.
pub async fn end(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    reason: EndReason,
    now: UnixMillis,
) -> Result<bool, Error> {
    let Some(live) = live(conn, &meeting.id).await? else { return Ok(false) };
    for session in sessions::inside(conn, &meeting.id).await? {
        let leaving = (session.participant_id.as_str(), LeaveReason::RoomEnded);
        participants::service::leave(app, conn, meeting, Some(&live.id), leaving, live.gone_at(now)).await?;
    }
    // `ended_at` is when the last person left, where nobody is inside any more.
    let ended_at = live.empty_since.unwrap_or_else(|| live.gone_at(now));
    let instance = sql(
        "UPDATE meeting_instances SET status = 'ended', ended_at = $2, end_reason = $3, updated_at = $4 WHERE id = $1",
    );
    conn.execute(instance.bind(&live.id).bind(ended_at).bind(reason.as_str()).bind(now)).await?;
    let update = sql(
        "UPDATE video_meetings SET status = 'scheduled', actual_end = $2, updated_at = $3 WHERE id = $1 AND status = 'in_progress'",
    );
    conn.execute(update.bind(&meeting.id).bind(ended_at).bind(now)).await?;
    tell(app, conn, meeting, &live.id, "meeting.ended", json!({ "reason": reason.as_str() }), now).await?;
    Ok(true)
}

/// Notes that the room was looked into, how many people are inside, and since when nobody is.
pub async fn count(conn: &mut Conn, live: &Live, inside: i64, now: UnixMillis) -> Result<(), Error> {
    let update = sql("UPDATE meeting_instances SET updated_at = $2, peak = CASE WHEN peak < $3 THEN $3 ELSE peak END,
                        empty_since = CASE WHEN $3 > 0 THEN NULL ELSE COALESCE(empty_since,
                          (SELECT MAX(left_at) FROM meeting_participants WHERE instance_id = $1), $2) END,
                        participants_count = (SELECT COUNT(*) FROM meeting_participants WHERE instance_id = $1 AND joined_at IS NOT NULL)
                      WHERE id = $1");
    conn.execute(update.bind(&live.id).bind(now).bind(inside)).await?;
    Ok(())
}

/// Gives the next chat message its number.
pub async fn next_chat_seq(conn: &mut Conn, instance_id: &str) -> Result<i64, Error> {
    let update = sql("UPDATE meeting_instances SET chat_seq = chat_seq + 1 WHERE id = $1 RETURNING chat_seq");
    conn.one(update.bind(instance_id)).await?.int("chat_seq")
}

/// Ids of the meetings that have a running instance.
pub async fn running(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows = conn
        .all(sql("SELECT meeting_id FROM meeting_instances WHERE ended_at IS NULL ORDER BY meeting_id LIMIT 10000"))
        .await?;
    rows.iter().map(|row| row.text("meeting_id")).collect()
}

async fn tell(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    instance_id: &str,
    kind: &'static str,
    detail: serde_json::Value,
    now: UnixMillis,
) -> Result<(), Error> {
    let data = json!({ "meeting_id": meeting.public_id(), "id": meeting.id, "instance_id": instance_id, "platform": "heydok", "detail": detail });
    append_event(conn, &Event { r#type: kind, meeting_id: &meeting.id, instance_id: Some(instance_id), data }, now)
        .await?;
    let moment = Moment {
        id: &app.new_id(),
        kind,
        meeting_id: &meeting.id,
        instance_id: Some(instance_id),
        participant_id: None,
        detail,
    };
    append_timeline(conn, &moment, now).await
}
