//! Writing a message from end to end, and telling the room of it.

use db::{Conn, Error};
use serde::Serialize;
use utoipa::ToSchema;

use super::http::ChatRequest;
use super::store::{self, NewMessage, Stored};
use crate::app::App;
use crate::crypto::{CryptoError, Place};
use crate::features::instances;
use crate::features::jobs::{self, Work};
use crate::features::join::store::{self as sessions, Session};
use crate::features::livekit::proto;
use crate::features::meetings::Meeting;

/// Data topic of the product's chat.
const TOPIC: &str = "chat";

/// Who wrote.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ChatSender)]
pub struct Author {
    #[schema(example = "guest-12345678")]
    pub participant_id: String,
    #[schema(example = "Max")]
    pub display_name: String,
}

/// A message as everybody gets it: by this API and as data message of topic `chat`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ChatMessage)]
pub struct Message {
    pub id: String,
    /// Counts up within a conference.
    #[schema(example = 17)]
    pub seq: i64,
    pub from: Author,
    /// Only for this participant, else null.
    pub to: Option<String>,
    #[schema(example = "Hallo")]
    pub text: String,
    pub reply_to: Option<String>,
    pub client_id: String,
    pub sent_at: String,
    pub edited_at: Option<String>,
    /// Emoji to participant ids; empty for now.
    pub reactions: std::collections::BTreeMap<String, Vec<String>>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum Outcome {
    /// Who asks is not in the meeting.
    NotInside,
    /// `to` names nobody here.
    UnknownRecipient,
    /// `reply_to` names no message that the writer can read.
    UnknownMessage,
    Database(Error),
    Crypto(CryptoError),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

fn place(id: &str) -> Place<'_> {
    Place { table: "chat_messages", column: "body", row: id }
}

/// Decrypts a stored message.
pub fn open(app: &App, stored: Stored) -> Result<Message, CryptoError> {
    let text = app.cipher.decrypt(place(&stored.id), &stored.body)?;
    Ok(Message {
        from: Author { participant_id: stored.participant_id, display_name: stored.name },
        to: stored.to,
        text,
        reply_to: stored.reply_to,
        client_id: stored.client_id,
        sent_at: stored.sent_at.rfc3339_millis(),
        edited_at: stored.edited_at.map(kit::UnixMillis::rfc3339_millis),
        reactions: std::collections::BTreeMap::new(),
        seq: stored.seq,
        id: stored.id,
    })
}

/// Stores the message and leaves the job that tells the room, in one transaction. The same `client_id` is stored once.
pub async fn write(app: &App, meeting: &Meeting, session: &Session, request: &ChatRequest) -> Result<Message, Outcome> {
    let stored = db::write!(&app.db, conn => store_message(app, conn, meeting, session, request).await)?;
    app.wake.now();
    open(app, stored).map_err(Outcome::Crypto)
}

async fn store_message(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    session: &Session,
    request: &ChatRequest,
) -> Result<Stored, Outcome> {
    let now = app.now();
    let live = instances::store::live(conn, &meeting.id).await?.ok_or(Outcome::NotInside)?;
    let person = store::person(conn, &live.id, &session.participant_id).await?.ok_or(Outcome::NotInside)?;
    let client_id = request.client_id.clone().unwrap_or_else(|| app.new_id());
    if let Some(stored) = store::by_client_id(conn, &person, &client_id).await? {
        return Ok(stored);
    }
    let newest = sessions::by_identity(conn, &meeting.id, &session.participant_id).await?;
    if !newest.is_some_and(|session| session.state.is_inside()) {
        return Err(Outcome::NotInside);
    }
    if let Some(to) = &request.to
        && !store::is_in(conn, &live.id, to).await?
    {
        return Err(Outcome::UnknownRecipient);
    }
    if let Some(reply_to) = &request.reply_to
        && !store::can_read(conn, &live.id, &session.participant_id, reply_to).await?
    {
        return Err(Outcome::UnknownMessage);
    }
    let id = app.new_id();
    let body = app.cipher.encrypt(place(&id), &request.text, &*app.entropy);
    let seq = instances::store::next_chat_seq(conn, &live.id).await?;
    let message = NewMessage {
        id: &id,
        instance_id: &live.id,
        participant_row: &person,
        to: request.to.as_deref(),
        body: &body,
        reply_to: request.reply_to.as_deref(),
        client_id: &client_id,
    };
    store::insert(conn, &message, seq, now).await?;
    let work = Work::SendChat { message_id: id.clone(), room: meeting.room_name.clone(), instance_id: live.id };
    jobs::enqueue(app, conn, &work, now).await?;
    store::by_id(conn, &id).await?.ok_or(Outcome::NotInside)
}

/// Tells the room: the job `send_chat`.
pub async fn send(app: &App, room: &str, message_id: &str) -> Result<(), String> {
    let stored = match app.db.read().await {
        Ok(mut conn) => store::by_id(&mut conn, message_id).await.map_err(|error| error.to_string())?,
        Err(error) => return Err(error.to_string()),
    };
    // Erased meanwhile: nothing to tell.
    let Some(stored) = stored else { return Ok(()) };
    let to = stored.to.clone();
    let from = stored.participant_id.clone();
    let message = open(app, stored).map_err(|error| error.to_string())?;
    let request = proto::SendDataRequest {
        room: room.to_owned(),
        data: serde_json::to_vec(&message).map_err(|error| error.to_string())?,
        kind: proto::data_packet::Kind::Reliable.into(),
        topic: Some(TOPIC.to_owned()),
        destination_identities: to.map(|to| vec![to, from]).unwrap_or_default(),
        nonce: nonce(message_id),
        ..Default::default()
    };
    match app.livekit.send_data(&request).await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map_err(|error| error.to_string()),
    }
}

/// The same message sent twice has the same nonce, so that a LiveKit server delivers it once.
fn nonce(message_id: &str) -> Vec<u8> {
    kit::sha256_hex(message_id.as_bytes()).into_bytes().into_iter().take(16).collect()
}
