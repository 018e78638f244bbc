//! E-40: read and write chat.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use kit::text::{Length, Lines};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::service::{self, Message, Outcome};
use super::store;
use crate::app::App;
use crate::features::join::store::Session;
use crate::features::meetings::{self, Meeting};
use crate::http::body::FromFields;
use crate::http::limit::{self, Limit};
use crate::http::problem::{Document, INVALID_STATE, MEETING_NOT_FOUND};
use crate::http::{Body, Context, Fields, Problem, Query, auth, idempotency};

/// Messages of one answer at most, and where nothing is said.
const LIMIT_MAX: i64 = 200;
const LIMIT_DEFAULT: i64 = 50;

/// A message to write.
#[derive(Debug, ToSchema)]
#[schema(as = SendChat)]
pub struct ChatRequest {
    /// 1 to 4,000 characters.
    #[schema(example = "Hallo")]
    pub text: String,
    /// Participant id, for a message to one person.
    pub to: Option<String>,
    /// Id of the message that this one answers.
    pub reply_to: Option<String>,
    /// Your own name for this message: the same one is stored once.
    pub client_id: Option<String>,
}

impl FromFields for ChatRequest {
    fn read(fields: &mut Fields) -> Self {
        let request = Self {
            text: fields.text("text", Lines::Many, Length::new(1, 4_000)),
            to: fields.raw_opt("to", Length::new(1, 64)),
            reply_to: fields.raw_opt("reply_to", Length::new(1, 64)),
            client_id: fields.raw_opt("client_id", Length::new(1, 64)),
        };
        fields.nothing_else();
        request
    }
}

/// Write a message
#[utoipa::path(post, path = "/api/v1/meetings/{meeting_id}/chat", operation_id = "send_chat", tag = "chat", security(("room_token" = [])), request_body = ChatRequest,
    params(("meeting_id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Message), (status = 400, body = Document), (status = 401, body = Document), (status = 403, body = Document), (status = 404, body = Document), (status = 409, body = Document), (status = 413, body = Document), (status = 422, body = Document), (status = 429, body = Document)))]
pub async fn write(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    context: Context,
    headers: HeaderMap,
    body: Result<Body<ChatRequest>, Problem>,
) -> Result<Response, Problem> {
    let meeting = meetings::http::load(&app, &context, &headers, &meeting_id).await?;
    let session = auth::require_participant(&app, &headers, &meeting).await?;
    limit::take(&app, &context, Limit::Chat(&session.participant_id))?;
    let body = body?;
    let action = format!("POST /api/v1/meetings/{}/chat", meeting.id);
    let principal = session.id.clone();
    let request = idempotency::Request { principal: &principal, action: &action, headers: &headers, body: &body.bytes };
    let mut message = body.value;
    // Tried again after the answer was lost, even after a crash, it is stored once.
    if let (None, Some(key)) = (&message.client_id, idempotency::read_key(&headers)?) {
        message.client_id = Some(kit::sha256_hex(key.as_bytes()));
    }
    let work = {
        let app = app.clone();
        async move {
            match service::write(&app, &meeting, &session, &message).await {
                // We may not have heard yet that the writer came in: look, then try once more.
                Err(Outcome::NotInside) => {
                    app.reconciler.room(&app, &meeting.room_name).await?;
                    Ok(service::write(&app, &meeting, &session, &message).await?)
                }
                result => Ok(result?),
            }
        }
    };
    idempotency::answer(&app, request, StatusCode::CREATED, work).await
}

impl From<Outcome> for Problem {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NotInside => {
                Self::new(INVALID_STATE).detail("Only participants who are in the meeting can read and write")
            }
            Outcome::UnknownRecipient => Self::wrong("body", "to", "unknown_participant", "is nobody in this meeting"),
            Outcome::UnknownMessage => {
                Self::wrong("body", "reply_to", "unknown_message", "is no message of this meeting")
            }
            Outcome::Database(error) => error.into(),
            Outcome::Crypto(error) => Self::internal(error),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    /// Only messages after this number.
    pub after_seq: Option<i64>,
    /// 1 to 200, 50 by default.
    pub limit: Option<i64>,
}

/// Messages of the running conference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatHistory)]
pub struct ListAnswer {
    pub messages: Vec<Message>,
    /// Always null here: go on with `after_seq`.
    pub next_cursor: Option<String>,
    pub has_more: bool,
}

/// Read messages
#[utoipa::path(get, path = "/api/v1/meetings/{meeting_id}/chat", operation_id = "chat_history", tag = "chat", security(("room_token" = [])), params(ListQuery, ("meeting_id" = String, Path)),
    responses((status = 200, body = ListAnswer), (status = 401, body = Document), (status = 403, body = Document), (status = 404, body = Document), (status = 409, body = Document), (status = 422, body = Document), (status = 429, body = Document)))]
pub async fn list(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    Query(query): Query<ListQuery>,
    context: Context,
    headers: HeaderMap,
) -> Result<Json<ListAnswer>, Problem> {
    let meeting = meetings::http::load(&app, &context, &headers, &meeting_id).await?;
    let (meeting, session) = inside(&app, &headers, meeting).await?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let sentence = format!("must be between 1 and {LIMIT_MAX}");
        return Err(Problem::wrong("query", "limit", "out_of_range", sentence));
    }
    let Some(instance_id) = &meeting.instance_id else {
        return Ok(Json(ListAnswer { messages: Vec::new(), next_cursor: None, has_more: false }));
    };
    let after_seq = query.after_seq.unwrap_or(0);
    let mut stored =
        store::after(&mut app.db.read().await?, instance_id, &session.participant_id, after_seq, limit + 1).await?;
    let limit = usize::try_from(limit).map_err(Problem::internal)?;
    let has_more = stored.len() > limit;
    stored.truncate(limit);
    let messages = stored
        .into_iter()
        .map(|stored| service::open(&app, stored))
        .collect::<Result<_, _>>()
        .map_err(Problem::internal)?;
    Ok(Json(ListAnswer { messages, next_cursor: None, has_more }))
}

/// Who asks, and the meeting as they are in it: a token alone lets nobody listen. We may not have heard yet that they came in,
/// so where we do not know it we look.
async fn inside(app: &App, headers: &HeaderMap, meeting: Meeting) -> Result<(Meeting, Session), Problem> {
    let session = auth::require_participant(app, headers, &meeting).await?;
    if session.state.is_inside() {
        return Ok((meeting, session));
    }
    app.reconciler.room(app, &meeting.room_name).await?;
    let session = auth::require_participant(app, headers, &meeting).await?;
    if !session.state.is_inside() {
        return Err(Outcome::NotInside.into());
    }
    let meeting = meetings::store::by_id(&mut app.db.read().await?, &meeting.id).await?;
    Ok((meeting.ok_or(MEETING_NOT_FOUND)?, session))
}
