//! Messages in the database. Bodies are ciphertext here.

use db::{Conn, Error, Row, sql};
use kit::UnixMillis;

/// A stored message.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: String,
    pub seq: i64,
    pub participant_id: String,
    pub name: String,
    pub to: Option<String>,
    /// Ciphertext.
    pub body: String,
    pub reply_to: Option<String>,
    pub client_id: String,
    pub sent_at: UnixMillis,
    pub edited_at: Option<UnixMillis>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.seq, p.participant_id, p.name, c.to_participant, c.body, c.reply_to, c.client_id, c.created_at, c.edited_at ",
            "FROM chat_messages c JOIN meeting_participants p ON p.id = c.participant_row ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Stored, Error> {
    Ok(Stored {
        id: row.text("id")?,
        seq: row.int("seq")?,
        participant_id: row.text("participant_id")?,
        name: row.text("name")?,
        to: row.text_opt("to_participant")?,
        body: row.text("body")?,
        reply_to: row.text_opt("reply_to")?,
        client_id: row.text("client_id")?,
        sent_at: row.at("created_at")?,
        edited_at: row.at_opt("edited_at")?,
    })
}

/// A message about to be stored.
#[derive(Debug)]
pub struct NewMessage<'a> {
    pub id: &'a str,
    pub instance_id: &'a str,
    pub participant_row: &'a str,
    pub to: Option<&'a str>,
    pub body: &'a str,
    pub reply_to: Option<&'a str>,
    pub client_id: &'a str,
}

/// Stores a message under the next number.
pub async fn insert(conn: &mut Conn, new: &NewMessage<'_>, seq: i64, now: UnixMillis) -> Result<(), Error> {
    conn.execute(
        sql("INSERT INTO chat_messages (id, instance_id, seq, participant_row, to_participant, body, reply_to, client_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(new.id)
        .bind(new.instance_id)
        .bind(seq)
        .bind(new.participant_row)
        .bind(new.to)
        .bind(new.body)
        .bind(new.reply_to)
        .bind(new.client_id)
        .bind(now),
    )
    .await?;
    Ok(())
}

/// The message that this person already sent under this name of the client's own.
pub async fn by_client_id(conn: &mut Conn, participant_row: &str, client_id: &str) -> Result<Option<Stored>, Error> {
    let query = sql(select!("WHERE c.participant_row = $1 AND c.client_id = $2"));
    conn.optional(query.bind(participant_row).bind(client_id)).await?.as_ref().map(read).transpose()
}

pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Stored>, Error> {
    conn.optional(sql(select!("WHERE c.id = $1")).bind(id)).await?.as_ref().map(read).transpose()
}

/// Messages after a number that this participant may read: to all, to them, and by them.
pub async fn after(
    conn: &mut Conn,
    instance_id: &str,
    participant_id: &str,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<Stored>, Error> {
    let query = sql(select!(
        "WHERE c.instance_id = $1 AND c.seq > $3 AND c.deleted_at IS NULL
           AND (c.to_participant IS NULL OR c.to_participant = $2 OR p.participant_id = $2) ORDER BY c.seq LIMIT $4"
    ));
    let rows = conn.all(query.bind(instance_id).bind(participant_id).bind(after_seq).bind(limit)).await?;
    rows.iter().map(read).collect()
}

/// Whether there is such a message in the instance that this participant may read.
pub async fn can_read(conn: &mut Conn, instance_id: &str, participant_id: &str, id: &str) -> Result<bool, Error> {
    let query = sql(select!(
        "WHERE c.instance_id = $1 AND c.id = $3 AND c.deleted_at IS NULL
           AND (c.to_participant IS NULL OR c.to_participant = $2 OR p.participant_id = $2)"
    ));
    Ok(conn.optional(query.bind(instance_id).bind(participant_id).bind(id)).await?.is_some())
}

/// Whether somebody of this identity is or was in the instance.
pub async fn is_in(conn: &mut Conn, instance_id: &str, participant_id: &str) -> Result<bool, Error> {
    let query = sql("SELECT 1 AS one FROM meeting_participants WHERE instance_id = $1 AND participant_id = $2");
    Ok(conn.optional(query.bind(instance_id).bind(participant_id)).await?.is_some())
}

/// The row of a person in an instance.
pub async fn person(conn: &mut Conn, instance_id: &str, participant_id: &str) -> Result<Option<String>, Error> {
    let query = sql(
        "SELECT id FROM meeting_participants WHERE instance_id = $1 AND participant_id = $2 AND joined_at IS NOT NULL",
    );
    conn.optional(query.bind(instance_id).bind(participant_id)).await?.map(|row| row.text("id")).transpose()
}
