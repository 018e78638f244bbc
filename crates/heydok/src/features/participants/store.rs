//! People in the database.

use db::{Conn, Error, sql};
use kit::UnixMillis;

/// Somebody in a meeting.
#[derive(Debug, Clone)]
pub struct Person {
    pub participant_id: String,
    pub name: String,
    pub role: String,
    pub external: bool,
    pub joined_at: UnixMillis,
    pub left_at: Option<UnixMillis>,
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
    pub verified: bool,
}

/// Everybody in an instance, in the order they came; those who left only where asked for.
pub async fn list(conn: &mut Conn, instance_id: &str, with_left: bool) -> Result<Vec<Person>, Error> {
    let query = sql("SELECT participant_id, name, role, kind, joined_at, left_at, audio, video, screen, verified FROM meeting_participants
                     WHERE instance_id = $1 AND joined_at IS NOT NULL AND (left_at IS NULL OR $2) ORDER BY joined_at, id LIMIT 2000");
    let rows = conn.all(query.bind(instance_id).bind(with_left)).await?;
    rows.iter()
        .map(|row| {
            Ok(Person {
                participant_id: row.text("participant_id")?,
                name: row.text("name")?,
                role: row.text("role")?,
                external: row.text("kind")? == "external",
                joined_at: row.at("joined_at")?,
                left_at: row.at_opt("left_at")?,
                audio: row.flag("audio")?,
                video: row.flag("video")?,
                screen: row.flag("screen")?,
                verified: row.flag("verified")?,
            })
        })
        .collect()
}

/// When somebody who may still come back was last seen.
pub async fn lost_at(conn: &mut Conn, meeting_id: &str, participant_id: &str) -> Result<Option<UnixMillis>, Error> {
    let query = sql(
        "SELECT left_at FROM participant_sessions
                     WHERE meeting_id = $1 AND participant_id = $2 AND state = 'reconnecting' ORDER BY id DESC LIMIT 1",
    );
    match conn.optional(query.bind(meeting_id).bind(participant_id)).await? {
        Some(row) => row.at_opt("left_at"),
        None => Ok(None),
    }
}

/// `connected -> reconnecting`: lost with the media server's rooms, last seen at `at`.
pub async fn lose(
    conn: &mut Conn,
    meeting_id: &str,
    participant_id: &str,
    at: UnixMillis,
    now: UnixMillis,
) -> Result<(), Error> {
    let update = sql("UPDATE participant_sessions SET state = 'reconnecting', left_at = $3, updated_at = $4
                      WHERE meeting_id = $1 AND participant_id = $2 AND state = 'connected'");
    conn.execute(update.bind(meeting_id).bind(participant_id).bind(at).bind(now)).await?;
    Ok(())
}

/// `connected, reconnecting -> left`, at `at`.
pub async fn leave(
    conn: &mut Conn,
    meeting_id: &str,
    participant_id: &str,
    reason: &str,
    at: UnixMillis,
    now: UnixMillis,
) -> Result<(), Error> {
    let sessions =
        sql("UPDATE participant_sessions SET state = 'left', left_at = $3, leave_reason = $4, updated_at = $5
                        WHERE meeting_id = $1 AND participant_id = $2 AND state IN ('connected', 'reconnecting')");
    conn.execute(sessions.bind(meeting_id).bind(participant_id).bind(at).bind(reason).bind(now)).await?;
    let person = sql("UPDATE meeting_participants SET left_at = $3,
                        duration_seconds = duration_seconds + CASE WHEN $3 > joined_at THEN ($3 - joined_at) / 1000 ELSE 0 END,
                        audio = FALSE, video = FALSE, screen = FALSE, updated_at = $4
                      WHERE meeting_id = $1 AND participant_id = $2 AND joined_at IS NOT NULL AND left_at IS NULL");
    conn.execute(person.bind(meeting_id).bind(participant_id).bind(at).bind(now)).await?;
    Ok(())
}

/// Whether somebody was refused since `since`.
pub async fn was_denied(
    conn: &mut Conn,
    meeting_id: &str,
    participant_id: &str,
    since: UnixMillis,
) -> Result<bool, Error> {
    let query = sql(
        "SELECT 1 AS one FROM timeline
                     WHERE meeting_id = $1 AND participant_id = $2 AND kind = 'participant.denied' AND at > $3 LIMIT 1",
    );
    Ok(conn.optional(query.bind(meeting_id).bind(participant_id).bind(since)).await?.is_some())
}
