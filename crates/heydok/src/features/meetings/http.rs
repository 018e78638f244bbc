//! E-01 create, E-03 info, E-04 exists, E-06 end.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use kit::UnixMillis;
use kit::text::{Length, Lines};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Meeting, Standing, service, store};
use crate::app::App;
use crate::config::MeetingUrlStyle;
use crate::features::record::{Actor, Origin};
use crate::http::body::FromFields;
use crate::http::context;
use crate::http::limit::{self, Limit};
use crate::http::problem::{
    Document, FEATURE_DISABLED, MEETING_CANCELLED, MEETING_ENDED, MEETING_EXPIRED, MEETING_NOT_FOUND,
};
use crate::http::{Body, Context, Fields, Problem, Query, assets, auth, idempotency};

/// What a meeting may be made with; all of it optional, and so is the body.
#[derive(Debug, Default, ToSchema)]
#[schema(as = CreateMeeting)]
pub struct CreateRequest {
    /// Shown to everybody who comes, 0 to 120 characters.
    #[schema(example = "Mein Meeting")]
    pub name: Option<String>,
    /// Asked of everybody but the host, 4 to 64 characters.
    pub password: Option<String>,
    /// Participants at most.
    #[schema(example = 20)]
    pub max_participants: Option<i64>,
    /// Whether the host may record.
    pub recording_allowed: Option<bool>,
    /// Not built yet: `true` is refused, so that nobody relies on it.
    pub waiting_room: Option<bool>,
}

impl FromFields for CreateRequest {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.text_opt("name", Lines::One, Length::new(0, 120)),
            password: fields.text_opt("password", Lines::One, Length::new(4, 64)),
            max_participants: fields.int_opt("max_participants", i64::MIN, i64::MAX),
            recording_allowed: fields.flag_opt("recording_allowed"),
            waiting_room: fields.flag_opt("waiting_room"),
        }
    }
}

/// A meeting that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedMeeting)]
pub struct CreateAnswer {
    #[schema(example = "abc-defg-hij")]
    pub meeting_id: String,
    #[schema(example = "https://domain.com/meeting/abc-defg-hij")]
    pub meeting_url: String,
    #[schema(example = "2024-01-01T12:00:00Z")]
    pub created_at: String,
    #[schema(example = "2024-01-02T12:00:00Z")]
    pub expires_at: String,
    pub name: Option<String>,
    #[schema(example = "active")]
    pub status: &'static str,
    /// Proves later that you are the host; shown this once.
    pub host_key: String,
    /// The link with the host key in its fragment, which browsers do not send.
    pub host_url: String,
}

/// Make a meeting
#[utoipa::path(post, path = "/api/v1/meetings/create", operation_id = "create_meeting", tag = "meetings", request_body = Option<CreateRequest>,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours")),
    responses((status = 200, body = CreateAnswer), (status = 400, body = Document), (status = 403, body = Document), (status = 409, body = Document), (status = 413, body = Document), (status = 422, body = Document), (status = 429, body = Document), (status = 500, body = Document), (status = 502, body = Document), (status = 503, body = Document)))]
pub async fn create(
    State(app): State<App>,
    context: Context,
    headers: HeaderMap,
    body: Result<Body<CreateRequest>, Problem>,
) -> Result<Response, Problem> {
    limit::take(&app, &context, Limit::Create)?;
    let body = body?;
    check_create(&app, &context, &body.value)?;
    let network = context.network().to_string();
    let request = idempotency::Request {
        principal: &network,
        action: "POST /api/v1/meetings/create",
        headers: &headers,
        body: &body.bytes,
    };
    let origin = Origin::of(&context);
    let (server, context, wanted) = (app.clone(), context.clone(), body.value);
    let work = async move {
        let created = service::create(&server, wanted, &origin).await?;
        let meeting_url = meeting_url(&server, &context, &created.code);
        Ok(CreateAnswer {
            host_url: format!("{meeting_url}#host={}", created.host_key.expose()),
            meeting_url,
            meeting_id: created.code,
            created_at: created.created_at.rfc3339(),
            expires_at: created.expires_at.rfc3339(),
            name: created.name,
            status: Standing::Active.as_str(),
            host_key: created.host_key.expose().to_owned(),
        })
    };
    idempotency::answer(&app, request, StatusCode::OK, work).await
}

fn check_create(app: &App, context: &Context, request: &CreateRequest) -> Result<(), Problem> {
    // Once there are accounts, they may.
    if !app.settings.meetings.anonymous_create && !context.is_local_owner(app) {
        return Err(Problem::new(FEATURE_DISABLED).detail("On this server not everybody may create meetings"));
    }
    if request.waiting_room == Some(true) {
        return Err(Problem::new(FEATURE_DISABLED).detail("This server has no waiting room yet"));
    }
    let hard_max = i64::from(app.settings.meetings.participants_hard_max);
    if request.max_participants.is_some_and(|max| !(2..=hard_max).contains(&max)) {
        let sentence = format!("must be between 2 and {hard_max}");
        return Err(Problem::wrong("body", "max_participants", "out_of_range", sentence));
    }
    Ok(())
}

/// The link to share.
pub fn meeting_url(app: &App, context: &Context, code: &str) -> String {
    let origin = context.link_origin(app);
    match app.settings.frontend.meeting_url_style {
        MeetingUrlStyle::Path => format!("{origin}/meeting/{code}"),
        MeetingUrlStyle::Html => format!("{origin}/meeting.html?id={code}"),
    }
}

/// What anybody with the link may know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MeetingInfo)]
pub struct InfoAnswer {
    pub meeting_id: String,
    pub meeting_url: String,
    pub name: Option<String>,
    /// `scheduled`, `active`, `ended`, `expired` or `cancelled`.
    #[schema(example = "active")]
    pub status: &'static str,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub scheduled_start: Option<String>,
    pub scheduled_end: Option<String>,
    pub participant_count: i64,
    pub max_participants: i64,
    pub password_required: bool,
    pub waiting_room: bool,
    pub recording_active: bool,
    /// `notice` or `explicit`.
    #[schema(example = "notice")]
    pub consent: &'static str,
    pub platform: &'static str,
}

/// Read what a meeting is
#[utoipa::path(get, path = "/api/v1/meetings/{meeting_id}/info", operation_id = "meeting_info", tag = "meetings", params(("meeting_id" = String, Path, description = "Code, id or external id")),
    responses((status = 200, body = InfoAnswer), (status = 304, description = "Unchanged"), (status = 404, body = Document), (status = 429, body = Document)))]
pub async fn info(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    context: Context,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let meeting = load(&app, &context, &headers, &meeting_id).await?;
    let inside = store::inside(&mut app.db.read().await?, &meeting.id).await?;
    let written = |at: Option<UnixMillis>| at.map(UnixMillis::rfc3339);
    let answer = InfoAnswer {
        meeting_id: meeting.public_id().to_owned(),
        meeting_url: meeting_url(&app, &context, &meeting.code),
        name: Some(meeting.title.clone()).filter(|title| !title.is_empty()),
        status: meeting.standing(app.now()).as_str(),
        created_at: meeting.created_at.rfc3339(),
        expires_at: written(meeting.expires_at),
        scheduled_start: written(meeting.scheduled_start),
        scheduled_end: written(meeting.scheduled_end),
        participant_count: inside,
        max_participants: meeting.max_participants,
        password_required: meeting.password.is_some(),
        waiting_room: false,
        recording_active: false,
        consent: "notice",
        platform: "heydok",
    };
    cached(&headers, &answer)
}

/// An answer with a strong ETag that is asked for anew each time; 304 where the caller has it. It is not kept for even
/// seconds: a page that says "full" is looked at again when a seat is free, and must not hear yesterday's count.
fn cached(headers: &HeaderMap, answer: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer).map_err(Problem::internal)?;
    let etag = format!("\"{}\"", &kit::sha256_hex(&body)[..32]);
    let known = assets::is_known(headers, &etag);
    let etag = HeaderValue::from_str(&etag).map_err(Problem::internal)?;
    let cache = HeaderValue::from_static("private, no-cache");
    let headers = [
        (ETAG, etag),
        (CACHE_CONTROL, cache),
        (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    Ok(if known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, body).into_response() })
}

/// Whether a meeting can be joined.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MeetingExists)]
pub struct ExistsAnswer {
    pub exists: bool,
    #[schema(example = "active")]
    pub status: &'static str,
    pub meeting_id: String,
}

/// Look whether a meeting exists
#[utoipa::path(get, path = "/api/v1/meetings/{meeting_id}/exists", operation_id = "meeting_exists", tag = "meetings", params(("meeting_id" = String, Path, description = "Code, id or external id")),
    responses((status = 200, body = ExistsAnswer), (status = 404, body = Document), (status = 410, body = Document), (status = 429, body = Document)))]
pub async fn exists(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    context: Context,
    headers: HeaderMap,
) -> Result<Json<ExistsAnswer>, Problem> {
    // A refusal for another reason says nothing about the meeting.
    let not_there = |problem: Problem| match problem.code.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => problem.with("exists", false),
        _ => problem,
    };
    let meeting = load(&app, &context, &headers, &meeting_id).await.map_err(not_there)?;
    let standing = meeting.standing(app.now());
    match standing {
        Standing::Ended => Err(not_there(MEETING_ENDED.into())),
        Standing::Cancelled => Err(not_there(MEETING_CANCELLED.into())),
        Standing::Expired => Err(not_there(MEETING_EXPIRED.into())),
        Standing::Absent => Err(not_there(MEETING_NOT_FOUND.into())),
        Standing::Active | Standing::Scheduled => Ok(Json(ExistsAnswer {
            exists: true,
            status: standing.as_str(),
            meeting_id: meeting.public_id().to_owned(),
        })),
    }
}

/// The meeting that a path names, or 404, which counts against the caller's budget of misses. Who proves to be its host or in
/// it is let through when the budget is used up; everybody else then gets 429 for hits and misses alike.
pub async fn load(app: &App, context: &Context, headers: &HeaderMap, given: &str) -> Result<Meeting, Problem> {
    let refused = limit::guessed_too_much(app, context);
    if let Some(decision) = refused
        && auth::host_key(headers).is_none()
        && auth::bearer(headers).is_none()
    {
        return Err(limit::refuse(context, decision));
    }
    let found = store::find(&mut app.db.read().await?, given)
        .await?
        .filter(|meeting| meeting.standing(app.now()) != Standing::Absent);
    if let Some(meeting) = &found {
        context::concerns(&meeting.code);
    }
    if let Some(decision) = refused {
        return match found {
            Some(meeting) if knows(app, headers, &meeting).await => Ok(meeting),
            _ => Err(limit::refuse(context, decision)),
        };
    }
    found.ok_or_else(|| {
        limit::record_miss(app, context);
        MEETING_NOT_FOUND.into()
    })
}

/// Whether a request proves that it did not guess: by the host key, or by the room token of somebody who was not removed.
async fn knows(app: &App, headers: &HeaderMap, meeting: &Meeting) -> bool {
    auth::host_key(headers).is_some_and(|key| auth::is_host(meeting, key))
        || auth::require_participant(app, headers, meeting).await.is_ok()
}

/// How a meeting is to end.
#[derive(Debug, Deserialize, IntoParams)]
pub struct EndQuery {
    /// `end` (default): the link is dead. `delete`: also erases what was written in it.
    pub mode: Option<String>,
}

/// A meeting that is over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MeetingEnded)]
pub struct EndAnswer {
    #[schema(example = "Meeting ended successfully")]
    pub message: &'static str,
    pub meeting_id: String,
    #[schema(example = "ended")]
    pub status: &'static str,
}

/// End a meeting
#[utoipa::path(delete, path = "/api/v1/meetings/{meeting_id}", operation_id = "end_meeting", tag = "meetings", params(EndQuery, ("meeting_id" = String, Path), ("X-Host-Key" = String, Header)),
    responses((status = 200, body = EndAnswer), (status = 403, body = Document), (status = 404, body = Document), (status = 422, body = Document), (status = 429, body = Document)))]
pub async fn end(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    Query(query): Query<EndQuery>,
    context: Context,
    headers: HeaderMap,
) -> Result<Json<EndAnswer>, Problem> {
    let delete = match query.mode.as_deref() {
        None | Some("end") => false,
        Some("delete") => true,
        Some(_) => return Err(Problem::wrong("query", "mode", "enum", "must be end or delete")),
    };
    let meeting = load_to_end(&app, &context, &headers, &meeting_id).await?;
    auth::require_host(&app, &context, &headers, &meeting)?;
    let actor = if auth::host_key(&headers).is_some() { Actor::Host } else { Actor::System };
    service::end(&app, &meeting, delete, actor, &Origin::of(&context)).await?;
    Ok(Json(EndAnswer {
        message: "Meeting ended successfully",
        meeting_id: meeting.public_id().to_owned(),
        status: "ended",
    }))
}

/// Like [`load`], but its host may end a deleted meeting once more.
async fn load_to_end(app: &App, context: &Context, headers: &HeaderMap, given: &str) -> Result<Meeting, Problem> {
    let problem = match load(app, context, headers, given).await {
        Ok(meeting) => return Ok(meeting),
        Err(problem) => problem,
    };
    let Some(key) = auth::host_key(headers) else { return Err(problem) };
    let found = store::find(&mut app.db.read().await?, given).await?;
    found.filter(|meeting| auth::is_host(meeting, key)).ok_or(problem)
}
