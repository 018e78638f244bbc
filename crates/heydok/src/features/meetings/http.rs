//! E-01 create and E-04 exists.

use axum::Json;
use axum::extract::{Path, State};
use kit::text::{Length, Lines};
use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, NewMeeting};
use super::{Meeting, Standing};
use crate::app::{App, MeetingUrlStyle};
use crate::http::body::FromFields;
use crate::http::problem::{
    FEATURE_DISABLED, ID_SPACE, MEETING_ENDED, MEETING_EXPIRED, MEETING_NOT_FOUND, ROOM_CREATE_FAILED,
};
use crate::http::{Body, Context, Fields, Problem};

/// What a meeting may be made with; all of it optional, and so is the body.
#[derive(Debug, Default, ToSchema)]
pub struct CreateRequest {
    /// Shown to everybody who comes, 0 to 120 characters.
    #[schema(example = "Mein Meeting")]
    pub name: Option<String>,
    /// Participants at most.
    #[schema(example = 20)]
    pub max_participants: Option<i64>,
}

impl FromFields for CreateRequest {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.text_opt("name", Lines::One, Length::new(0, 120)),
            max_participants: fields.int_opt("max_participants", 2, 100_000),
        }
    }
}

/// A meeting that was just made.
#[derive(Debug, Serialize, ToSchema)]
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
    pub status: &'static str,
    /// Proves later that you are the host; shown this once.
    pub host_key: String,
    /// The link with the host key in its fragment, which browsers do not send.
    pub host_url: String,
}

/// Make a meeting
#[utoipa::path(post, path = "/api/v1/meetings/create", tag = "meetings", request_body = Option<CreateRequest>, responses((status = 200, body = CreateAnswer)))]
pub async fn create(
    State(app): State<App>,
    context: Context,
    body: Body<CreateRequest>,
) -> Result<Json<CreateAnswer>, Problem> {
    if !app.settings().anonymous_create {
        return Err(Problem::new(FEATURE_DISABLED));
    }
    let now = app.now();
    let host_key = kit::new_token(&**app.entropy());
    let new = NewMeeting {
        id: app.new_id(),
        title: body.value.name.clone().unwrap_or_default(),
        host_key: kit::token_digest(host_key.expose()),
        password: None,
        max_participants: body.value.max_participants.unwrap_or(app.settings().max_participants),
        expires_at: now.plus(app.settings().meeting_ttl),
        settings: "{}".into(),
    };
    let (new, entropy) = (&new, app.entropy());
    let code = db::write!(app.db(), conn => store::insert(conn, new, &**entropy, now).await)?;
    let code = code.ok_or(ID_SPACE)?;
    let room_name = format!("meeting-{code}");
    if let Err(error) = crate::features::livekit::ensure_room(&app, &room_name, new.max_participants).await {
        db::write!(app.db(), conn => store::abandon(conn, &new.id, now).await)?;
        return Err(Problem::new(ROOM_CREATE_FAILED).private(error));
    }
    db::write!(app.db(), conn => store::open(conn, &new.id, now).await)?;
    tracing::info!(meeting_id = %code, %room_name, "room created");
    let meeting_url = meeting_url(&app, &context, &code);
    Ok(Json(CreateAnswer {
        host_url: format!("{meeting_url}#host={}", host_key.expose()),
        meeting_url,
        meeting_id: code,
        created_at: now.rfc3339(),
        expires_at: new.expires_at.rfc3339(),
        name: body.value.name.filter(|name| !name.is_empty()),
        status: "active",
        host_key: host_key.expose().to_owned(),
    }))
}

/// The link to share.
pub fn meeting_url(app: &App, context: &Context, code: &str) -> String {
    let origin = context.origin(app);
    match app.settings().meeting_url_style {
        MeetingUrlStyle::Path => format!("{origin}/meeting/{code}"),
        MeetingUrlStyle::Html => format!("{origin}/meeting.html?id={code}"),
    }
}

/// Whether a meeting can be joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExistsAnswer {
    pub exists: bool,
    pub status: &'static str,
    pub meeting_id: String,
}

/// Look whether a meeting exists
#[utoipa::path(get, path = "/api/v1/meetings/{meeting_id}/exists", tag = "meetings", params(("meeting_id" = String, Path)), responses((status = 200, body = ExistsAnswer)))]
pub async fn exists(State(app): State<App>, Path(meeting_id): Path<String>) -> Result<Json<ExistsAnswer>, Problem> {
    let not_there = |problem: Problem| problem.with("exists", false);
    let meeting = load(&app, &meeting_id).await.map_err(not_there)?;
    let standing = meeting.standing(app.now());
    match standing {
        Standing::Ended | Standing::Cancelled => Err(not_there(MEETING_ENDED.into())),
        Standing::Expired => Err(not_there(MEETING_EXPIRED.into())),
        Standing::Absent => Err(not_there(MEETING_NOT_FOUND.into())),
        Standing::Active | Standing::Scheduled => Ok(Json(ExistsAnswer {
            exists: true,
            status: standing.as_str(),
            meeting_id: meeting.public_id().to_owned(),
        })),
    }
}

/// The meeting that a path names, or 404.
pub async fn load(app: &App, given: &str) -> Result<Meeting, Problem> {
    let meeting = store::find(&mut app.db().read().await?, given).await?;
    meeting.filter(|meeting| meeting.standing(app.now()) != Standing::Absent).ok_or_else(|| MEETING_NOT_FOUND.into())
}
