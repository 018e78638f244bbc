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
