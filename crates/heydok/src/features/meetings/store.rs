//! Meetings in the database.

use db::{Conn, Error, Row, sql};
use kit::{Entropy, MeetingCode, UnixMillis};

use super::Meeting;

/// How often a code is drawn before we give up.
const DRAWS_MAX: usize = 8;
/// Room names that are looked up at a time.
const ROOMS_PER_QUERY: usize = 16;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.code, m.external_id, m.room_name, m.title, m.host_key, m.password, m.status, m.access_state, m.access, ",
            "m.locked, m.max_participants, m.scheduled_start, m.scheduled_end, m.expires_at, m.created_at, i.id AS instance_id ",
            "FROM video_meetings m LEFT JOIN meeting_instances i ON i.meeting_id = m.id AND i.ended_at IS NULL ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Meeting, Error> {
    Ok(Meeting {
        id: row.text("id")?,
        code: row.text("code")?,
        external_id: row.text_opt("external_id")?,
        room_name: row.text("room_name")?,
        title: row.text("title")?,
        host_key: row.text_opt("host_key")?,
        password: row.text_opt("password")?,
        status: row.word("status")?,
        access_state: row.word("access_state")?,
        open_access: row.text("access")? == "open",
        locked: row.flag("locked")?,
        max_participants: row.int("max_participants")?,
        scheduled_start: row.at_opt("scheduled_start")?,
        scheduled_end: row.at_opt("scheduled_end")?,
        expires_at: row.at_opt("expires_at")?,
        created_at: row.at("created_at")?,
        instance_id: row.text_opt("instance_id")?,
    })
}

/// A meeting about to be made.
#[derive(Debug, Clone)]
pub struct NewMeeting {
    pub id: String,
    pub title: String,
    /// Digest of the host key.
    pub host_key: String,
    /// Ciphertext.
    pub password: Option<String>,
    pub max_participants: i64,
    pub expires_at: UnixMillis,
    pub settings: String,
}

/// Inserts the meeting under a code that nobody has; `None` if eight draws were all taken.
pub async fn insert(
    conn: &mut Conn,
    new: &NewMeeting,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<Option<String>, Error> {
    for _ in 0..DRAWS_MAX {
        let code = MeetingCode::draw(entropy).to_string();
        let retired = sql("SELECT 1 AS one FROM retired_codes WHERE code = $1 AND until > $2");
        if conn.optional(retired.bind(kit::sha256_hex(code.as_bytes())).bind(now)).await?.is_some() {
            continue;
        }
        let inserted = conn
            .execute(
                sql("INSERT INTO video_meetings (id, platform, code, room_name, title, host_key, password, status, access_state,
                       max_participants, settings, expires_at, created_at, updated_at)
                     VALUES ($1, 'heydok', $2, $3, $4, $5, $6, 'scheduled', 'creating', $7, $8, $9, $10, $10)
                     ON CONFLICT DO NOTHING")
                .bind(&new.id)
                .bind(&code)
                .bind(format!("meeting-{code}"))
                .bind(&new.title)
                .bind(&new.host_key)
                .bind(new.password.as_deref())
                .bind(new.max_participants)
                .bind(&new.settings)
                .bind(new.expires_at)
                .bind(now),
            )
            .await?;
        if inserted == 1 {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

/// `creating -> open`, once the room exists. `false` if it was not in that state.
pub async fn open(conn: &mut Conn, id: &str, now: UnixMillis) -> Result<bool, Error> {
    let query = sql(
        "UPDATE video_meetings SET access_state = 'open', updated_at = $2 WHERE id = $1 AND access_state = 'creating'",
    );
    Ok(conn.execute(query.bind(id).bind(now)).await? == 1)
}

/// `creating -> closed(cancelled)`, when no room could be made.
pub async fn abandon(conn: &mut Conn, id: &str, now: UnixMillis) -> Result<(), Error> {
    let query = sql("UPDATE video_meetings SET access_state = 'closed', status = 'cancelled', updated_at = $2
                     WHERE id = $1 AND access_state = 'creating'");
    conn.execute(query.bind(id).bind(now)).await?;
    Ok(())
}

/// Longest text that may name a meeting, in bytes.
pub const GIVEN_BYTES_MAX: usize = 128;

/// Finds a meeting by what stands in a path: code (repaired), id, or external id.
pub async fn find(conn: &mut Conn, given: &str) -> Result<Option<Meeting>, Error> {
    if given.len() > GIVEN_BYTES_MAX {
        return Ok(None);
    }
    for code in MeetingCode::candidates(given) {
        if let Some(row) = conn.optional(sql(select!("WHERE m.code = $1")).bind(code.as_str())).await? {
            return read(&row).map(Some);
        }
    }
    // What no id can be is not asked for: PostgreSQL has no text with U+0000 in it.
    if !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte)) {
        return Ok(None);
    }
    let query = sql(select!("WHERE m.id = $1 OR m.external_id = $1 LIMIT 1"));
    conn.optional(query.bind(given)).await?.as_ref().map(read).transpose()
}

/// A meeting by its internal id.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Meeting>, Error> {
    conn.optional(sql(select!("WHERE m.id = $1")).bind(id)).await?.as_ref().map(read).transpose()
}

/// A meeting by the name of its LiveKit room.
pub async fn by_room(conn: &mut Conn, room_name: &str) -> Result<Option<Meeting>, Error> {
    conn.optional(sql(select!("WHERE m.room_name = $1")).bind(room_name)).await?.as_ref().map(read).transpose()
}

/// Those of `names` that are rooms of meetings.
pub async fn rooms_of_ours(conn: &mut Conn, names: &[String]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for page in names.chunks(ROOMS_PER_QUERY) {
        let query = sql("SELECT room_name FROM video_meetings WHERE room_name IN
                           ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
        let query = (0..ROOMS_PER_QUERY).fold(query, |query, index| query.bind(page.get(index).map(String::as_str)));
        for row in conn.all(query).await? {
            found.push(row.text("room_name")?);
        }
    }
    Ok(found)
}

/// `open -> closed(completed)`: the host ended it. `false` if it was not open; an expired meeting stays expired.
pub async fn close(conn: &mut Conn, id: &str, now: UnixMillis) -> Result<bool, Error> {
    let update = sql("UPDATE video_meetings SET access_state = 'closed', status = 'completed', updated_at = $2
                      WHERE id = $1 AND access_state IN ('open', 'creating')");
    Ok(conn.execute(update.bind(id).bind(now)).await? == 1)
}

/// `closed, expired -> deleted`; its code stays reserved.
pub async fn delete(
    conn: &mut Conn,
    meeting: &Meeting,
    now: UnixMillis,
    reserved_until: UnixMillis,
) -> Result<bool, Error> {
    let update = sql(
        "UPDATE video_meetings SET access_state = 'deleted', deleted_at = $2, updated_at = $2 WHERE id = $1 AND access_state IN ('closed', 'expired')",
    );
    let deleted = conn.execute(update.bind(&meeting.id).bind(now)).await? == 1;
    let retire = sql("INSERT INTO retired_codes (code, until) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    conn.execute(retire.bind(kit::sha256_hex(meeting.code.as_bytes())).bind(reserved_until)).await?;
    Ok(deleted)
}

/// Takes content and names out of a deleted meeting.
pub async fn erase(conn: &mut Conn, id: &str, now: UnixMillis) -> Result<(), Error> {
    let chat =
        sql("DELETE FROM chat_messages WHERE instance_id IN (SELECT id FROM meeting_instances WHERE meeting_id = $1)");
    conn.execute(chat.bind(id)).await?;
    let names = sql("UPDATE meeting_participants SET name = '', updated_at = $2 WHERE meeting_id = $1");
    conn.execute(names.bind(id).bind(now)).await?;
    let title = sql(
        "UPDATE video_meetings SET title = '', password = NULL, updated_at = $2 WHERE id = $1 AND access_state = 'deleted'",
    );
    conn.execute(title.bind(id).bind(now)).await?;
    Ok(())
}

/// Meetings whose time is over and that nobody is in.
pub async fn overdue(conn: &mut Conn, now: UnixMillis) -> Result<Vec<Meeting>, Error> {
    let query = sql(select!(
        "WHERE m.access_state = 'open' AND m.expires_at <= $1 AND i.id IS NULL ORDER BY m.expires_at LIMIT 500"
    ));
    conn.all(query.bind(now)).await?.iter().map(read).collect()
}

/// `open -> expired`: completed if it ever ran, else cancelled.
pub async fn expire(conn: &mut Conn, id: &str, now: UnixMillis) -> Result<bool, Error> {
    let update = sql("UPDATE video_meetings SET access_state = 'expired', updated_at = $2,
                        status = CASE WHEN actual_start IS NULL THEN 'cancelled' ELSE 'completed' END
                      WHERE id = $1 AND access_state = 'open' AND expires_at <= $2
                        AND NOT EXISTS (SELECT 1 FROM meeting_instances i WHERE i.meeting_id = video_meetings.id AND i.ended_at IS NULL)");
    Ok(conn.execute(update.bind(id).bind(now)).await? == 1)
}

/// Closes what a crash left half made.
pub async fn abandon_stale(conn: &mut Conn, before: UnixMillis, now: UnixMillis) -> Result<u64, Error> {
    let update = sql("UPDATE video_meetings SET access_state = 'closed', status = 'cancelled', updated_at = $2
                      WHERE access_state = 'creating' AND created_at < $1");
    conn.execute(update.bind(before).bind(now)).await
}

/// Live meetings and people inside, for health and metrics.
pub async fn totals(conn: &mut Conn) -> Result<(i64, i64), Error> {
    let meetings =
        conn.one(sql("SELECT COUNT(*) AS n FROM meeting_instances WHERE ended_at IS NULL")).await?.int("n")?;
    let people = conn
        .one(sql("SELECT COUNT(*) AS n FROM participant_sessions WHERE state IN ('connected', 'reconnecting')"))
        .await?
        .int("n")?;
    Ok((meetings, people))
}

/// People inside a meeting.
pub async fn inside(conn: &mut Conn, meeting_id: &str) -> Result<i64, Error> {
    let query = sql(
        "SELECT COUNT(DISTINCT participant_id) AS n FROM participant_sessions WHERE meeting_id = $1 AND state IN ('connected', 'reconnecting')",
    );
    conn.one(query.bind(meeting_id)).await?.int("n")
}
