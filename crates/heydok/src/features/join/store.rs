//! Admissions in the database: identities, participants, sessions.

use std::str::FromStr;

use db::{Conn, Error, Row, sql};
use kit::{Entropy, ParticipantKind, UnixMillis};

use super::rules::Role;

/// How long a seat is kept for somebody who has a token and has not connected yet.
const ARRIVAL_MS: i64 = 60_000;
/// How often an identity is drawn before we give up: with 10^8 of them this never happens.
const DRAWS_MAX: usize = 16;

/// One admission.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub participant_row: String,
    pub participant_id: String,
    pub jti: String,
    pub role: Role,
    pub state: SessionState,
    /// LiveKit's name of the connection.
    pub sid: Option<String>,
    pub name: String,
    pub token_issued_at: UnixMillis,
    pub token_expires_at: UnixMillis,
    pub connected_at: Option<UnixMillis>,
    pub updated_at: UnixMillis,
    pub removed: bool,
}

/// `admitted -> connected <-> reconnecting -> left | removed`; who left may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    Admitted,
    Connected,
    Reconnecting,
    Left,
    Removed,
}

impl SessionState {
    /// Whether they are in the room, as far as we know.
    pub fn is_inside(self) -> bool {
        matches!(self, Self::Connected | Self::Reconnecting)
    }
}

impl FromStr for SessionState {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "admitted" => Self::Admitted,
            "connected" => Self::Connected,
            "reconnecting" => Self::Reconnecting,
            "left" => Self::Left,
            "removed" => Self::Removed,
            _ => return Err(()),
        })
    }
}

/// Seats taken by others than `participant_id`: connected, or given a token so lately that they may still be on their way.
pub async fn seats_taken(
    conn: &mut Conn,
    meeting_id: &str,
    participant_id: &str,
    now: UnixMillis,
) -> Result<i64, Error> {
    let query = sql("SELECT COUNT(DISTINCT participant_id) AS n FROM participant_sessions
                     WHERE meeting_id = $1 AND participant_id <> $2
                       AND (state IN ('connected', 'reconnecting') OR (state <> 'removed' AND on_the_way_since > $3))");
    conn.one(query.bind(meeting_id).bind(participant_id).bind(now.get() - ARRIVAL_MS)).await?.int("n")
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.participant_row, s.participant_id, s.jti, s.role, s.state, s.sid, p.name, s.token_issued_at, ",
            "s.token_expires_at, s.connected_at, s.removed_at, s.updated_at FROM participant_sessions s ",
            "JOIN meeting_participants p ON p.id = s.participant_row ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: row.text("id")?,
        participant_row: row.text("participant_row")?,
        participant_id: row.text("participant_id")?,
        jti: row.text("jti")?,
        role: row.word("role")?,
        state: row.word("state")?,
        sid: row.text_opt("sid")?,
        name: row.text("name")?,
        token_issued_at: row.at("token_issued_at")?,
        token_expires_at: row.at("token_expires_at")?,
        connected_at: row.at_opt("connected_at")?,
        updated_at: row.at("updated_at")?,
        removed: row.at_opt("removed_at")?.is_some(),
    })
}

/// The admission that a rejoin token belongs to.
pub async fn by_rejoin(conn: &mut Conn, meeting_id: &str, digest: &str) -> Result<Option<Session>, Error> {
    let query = sql(select!("WHERE s.meeting_id = $1 AND s.rejoin = $2 ORDER BY s.id DESC LIMIT 1"));
    conn.optional(query.bind(meeting_id).bind(digest)).await?.as_ref().map(read).transpose()
}

/// The newest admission of an identity.
pub async fn by_identity(conn: &mut Conn, meeting_id: &str, participant_id: &str) -> Result<Option<Session>, Error> {
    let query = sql(select!("WHERE s.meeting_id = $1 AND s.participant_id = $2 ORDER BY s.id DESC LIMIT 1"));
    conn.optional(query.bind(meeting_id).bind(participant_id)).await?.as_ref().map(read).transpose()
}

/// Everybody who is inside as far as we know.
pub async fn inside(conn: &mut Conn, meeting_id: &str) -> Result<Vec<Session>, Error> {
    let query =
        sql(select!("WHERE s.meeting_id = $1 AND s.state IN ('connected', 'reconnecting') ORDER BY s.id LIMIT 2000"));
    conn.all(query.bind(meeting_id)).await?.iter().map(read).collect()
}

/// Throws somebody out for good: the session, and so every token given for it.
pub async fn remove(conn: &mut Conn, meeting_id: &str, participant_id: &str, now: UnixMillis) -> Result<u64, Error> {
    let update = sql("UPDATE participant_sessions SET state = 'removed', removed_at = $3, left_at = $3, leave_reason = 'removed', updated_at = $3
                      WHERE meeting_id = $1 AND participant_id = $2 AND removed_at IS NULL");
    conn.execute(update.bind(meeting_id).bind(participant_id).bind(now)).await
}

/// Reserves an identity that nobody has in this meeting.
pub async fn new_identity(conn: &mut Conn, meeting_id: &str, entropy: &dyn Entropy) -> Result<Option<String>, Error> {
    for _ in 0..DRAWS_MAX {
        let identity = kit::new_participant_id(ParticipantKind::Guest, entropy);
        let query =
            sql("INSERT INTO participant_numbers (meeting_id, participant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        if conn.execute(query.bind(meeting_id).bind(&identity)).await? == 1 {
            return Ok(Some(identity));
        }
    }
    Ok(None)
}

/// A person about to be admitted for the first time.
pub struct NewParticipant<'a> {
    pub row_id: &'a str,
    pub meeting_id: &'a str,
    pub instance_id: Option<&'a str>,
    pub participant_id: &'a str,
    /// `guest` or `external`.
    pub kind: &'static str,
    pub role: Role,
    pub name: &'a str,
}

pub async fn insert_participant(conn: &mut Conn, new: &NewParticipant<'_>, now: UnixMillis) -> Result<(), Error> {
    conn.execute(
        sql("INSERT INTO meeting_participants (id, meeting_id, instance_id, participant_id, kind, role, name, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)")
        .bind(new.row_id)
        .bind(new.meeting_id)
        .bind(new.instance_id)
        .bind(new.participant_id)
        .bind(new.kind)
        .bind(new.role.as_str())
        .bind(new.name)
        .bind(now),
    )
    .await?;
    Ok(())
}

pub async fn insert_session(
    conn: &mut Conn,
    meeting_id: &str,
    session: &Session,
    rejoin: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    conn.execute(
        sql("INSERT INTO participant_sessions (id, participant_row, meeting_id, participant_id, jti, rejoin, role, state,
               token_issued_at, token_expires_at, on_the_way_since, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'admitted', $8, $9, $10, $10, $10)")
        .bind(&session.id)
        .bind(&session.participant_row)
        .bind(meeting_id)
        .bind(&session.participant_id)
        .bind(&session.jti)
        .bind(rejoin)
        .bind(session.role.as_str())
        .bind(session.token_issued_at)
        .bind(session.token_expires_at)
        .bind(now),
    )
    .await?;
    Ok(())
}

/// Somebody who was admitted before is on the way again.
pub async fn set_out(conn: &mut Conn, session_id: &str, now: UnixMillis) -> Result<(), Error> {
    let update = sql("UPDATE participant_sessions SET on_the_way_since = $2 WHERE id = $1");
    conn.execute(update.bind(session_id).bind(now)).await?;
    Ok(())
}

/// Nobody comes by this admission for now.
pub async fn turn_back(conn: &mut Conn, session_id: &str) -> Result<(), Error> {
    let update = sql("UPDATE participant_sessions SET on_the_way_since = NULL WHERE id = $1");
    conn.execute(update.bind(session_id)).await?;
    Ok(())
}

/// Somebody who was admitted before comes back with another name, or with a token that was about to end.
pub async fn renew(conn: &mut Conn, session: &Session, now: UnixMillis) -> Result<(), Error> {
    conn.execute(
        sql("UPDATE participant_sessions SET token_issued_at = $2, token_expires_at = $3, role = $4, updated_at = $5 WHERE id = $1")
            .bind(&session.id)
            .bind(session.token_issued_at)
            .bind(session.token_expires_at)
            .bind(session.role.as_str())
            .bind(now),
    )
    .await?;
    conn.execute(
        sql("UPDATE meeting_participants SET name = $2, role = $3, updated_at = $4 WHERE id = $1")
            .bind(&session.participant_row)
            .bind(&session.name)
            .bind(session.role.as_str())
            .bind(now),
    )
    .await?;
    Ok(())
}
