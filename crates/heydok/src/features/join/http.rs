//! E-02: come in with a name.

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use kit::text::{Length, Lines};
use serde::Serialize;
use utoipa::ToSchema;

use super::rules::Refusal;
use super::service::{self, Application, Outcome};
use crate::app::App;
use crate::features::livekit;
use crate::features::meetings::store::GIVEN_BYTES_MAX;
use crate::features::record::Origin;
use crate::http::body::FromFields;
use crate::http::limit::{self, Limit};
use crate::http::problem::{self, Code, Document};
use crate::http::{Body, Context, Fields, Problem, auth};
use crate::limits::Decision;

/// Who wants to come in.
#[derive(Debug, ToSchema)]
#[schema(as = JoinMeeting)]
pub struct JoinRequest {
    /// 1 to 50 characters.
    #[schema(example = "Max Mustermann")]
    pub display_name: String,
    pub password: Option<String>,
    /// Makes you the host; also accepted as header `X-Host-Key`.
    pub host_key: Option<String>,
    /// From an earlier answer: come back as the same participant.
    pub rejoin_token: Option<String>,
}

impl FromFields for JoinRequest {
    fn read(fields: &mut Fields) -> Self {
        Self {
            display_name: fields.text("display_name", Lines::One, Length::new(1, 50)),
            // Cleaned as it was when the meeting was made, so that what was typed twice alike is alike.
            password: fields.text_opt("password", Lines::One, Length::new(0, 200)),
            host_key: fields.raw_opt("host_key", Length::new(0, 200)),
            rejoin_token: fields.raw_opt("rejoin_token", Length::new(0, 200)),
        }
    }
}

/// The way into the room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JoinedMeeting)]
pub struct JoinAnswer {
    /// For `room.connect(livekit_url, token)`.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...")]
    pub token: String,
    #[schema(example = "abc-defg-hij")]
    pub meeting_id: String,
    #[schema(example = "wss://your-livekit-server.com")]
    pub livekit_url: String,
    #[schema(example = "guest-12345678")]
    pub participant_id: String,
    #[schema(example = "guest")]
    pub role: &'static str,
    #[schema(example = "meeting-abc-defg-hij")]
    pub room_name: String,
    /// Keep it to come back as the same participant.
    pub rejoin_token: String,
    /// When the token ends.
    pub expires_at: String,
}

/// Join a meeting
#[utoipa::path(post, path = "/api/v1/meetings/{meeting_id}/join", operation_id = "join_meeting", tag = "meetings", request_body = JoinRequest,
    params(("meeting_id" = String, Path, description = "Code, id or external id")),
    responses((status = 200, body = JoinAnswer), (status = 400, body = Document), (status = 403, body = Document), (status = 404, body = Document), (status = 409, body = Document), (status = 410, body = Document), (status = 413, body = Document), (status = 422, body = Document), (status = 429, body = Document), (status = 500, body = Document), (status = 502, body = Document), (status = 503, body = Document)))]
pub async fn join(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    context: Context,
    headers: HeaderMap,
    body: Result<Body<JoinRequest>, Problem>,
) -> Result<Json<JoinAnswer>, Problem> {
    let began = app.clock.instant();
    let result = enter(&app, &context, &meeting_id, &headers, body).await;
    let outcome = result.as_ref().map_or_else(|problem| problem.code.code, |_| "admitted");
    metrics::counter!("heydok_joins_total", "outcome" => outcome).increment(1);
    if result.is_ok() {
        let seconds = app.clock.instant().saturating_duration_since(began).as_secs_f64();
        metrics::histogram!("heydok_join_seconds").record(seconds);
    }
    result
}

async fn enter(
    app: &App,
    context: &Context,
    meeting_id: &str,
    headers: &HeaderMap,
    body: Result<Body<JoinRequest>, Problem>,
) -> Result<Json<JoinAnswer>, Problem> {
    if meeting_id.len() > GIVEN_BYTES_MAX {
        limit::take(app, context, Limit::Other)?;
        return Err(problem::MEETING_NOT_FOUND.into());
    }
    limit::take(app, context, Limit::Join(meeting_id))?;
    let mut application = application(app, context, headers, body?.value);
    let guessed = limit::guessed_too_much(app, context);
    let offers_proof = application.host_key.is_some() || application.rejoin_token.is_some();
    if let Some(decision) = guessed
        && !offers_proof
    {
        return Err(limit::refuse(context, decision));
    }
    application.must_prove = guessed.is_some();
    let admitted = match service::join(app, meeting_id, &application).await {
        Ok(admitted) => admitted,
        Err(outcome) => return Err(refuse(app, context, meeting_id, &application, outcome, guessed).await),
    };
    let meeting = &admitted.meeting;
    if let Err(error) = livekit::ensure_room(app, &meeting.room_name, meeting.max_participants).await {
        service::turn_back(app, &admitted.session).await?;
        return Err(Problem::new(problem::ROOM_CREATE_FAILED).private(error));
    }
    tracing::info!(meeting_id = %meeting.code, participant_id = %admitted.session.participant_id, "participant admitted");
    Ok(Json(JoinAnswer {
        token: admitted.token,
        meeting_id: meeting.public_id().to_owned(),
        livekit_url: livekit::public_url(app, context),
        participant_id: admitted.session.participant_id,
        role: admitted.session.role.as_str(),
        room_name: meeting.room_name.clone(),
        rejoin_token: admitted.rejoin_token.expose().to_owned(),
        expires_at: admitted.session.token_expires_at.rfc3339(),
    }))
}

fn application(app: &App, context: &Context, headers: &HeaderMap, request: JoinRequest) -> Application {
    let host_key = request.host_key.or_else(|| auth::host_key(headers).map(str::to_owned));
    Application {
        display_name: request.display_name,
        password: request.password,
        host_key: host_key.filter(|key| !key.is_empty()),
        rejoin_token: request.rejoin_token.filter(|token| !token.is_empty()),
        must_prove: false,
        local_owner: context.is_local_owner(app),
        origin: Origin::of(context),
    }
}

/// Counts guesses, writes wrong passwords down, and hides everything behind 429 from those whose budget was used up and who
/// proved nothing.
async fn refuse(
    app: &App,
    context: &Context,
    given: &str,
    application: &Application,
    outcome: Outcome,
    guessed: Option<Decision>,
) -> Problem {
    if let (Outcome::Unproven, Some(decision)) = (&outcome, guessed) {
        return limit::refuse(context, decision);
    }
    let wrong_password = matches!(outcome, Outcome::Refused(Refusal::PasswordWrong));
    if wrong_password || matches!(outcome, Outcome::Refused(Refusal::NotFound) | Outcome::HostKeyInvalid) {
        limit::record_miss(app, context);
    }
    if wrong_password && let Err(error) = service::record_wrong_password(app, given, &application.origin).await {
        return error.into();
    }
    outcome.into()
}

impl From<Outcome> for Problem {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Refused(refusal) => Self::new(code_of(refusal)),
            Outcome::Waiting(_) => Self::new(problem::INVALID_STATE).detail("The meeting has not begun yet"),
            Outcome::Unproven => Self::new(problem::RATE_LIMITED),
            Outcome::HostKeyInvalid => Self::new(problem::HOST_KEY_INVALID),
            Outcome::NoIdentity => Self::new(problem::CAPACITY),
            Outcome::NoKey => Self::new(problem::TOKEN_FAILED),
            Outcome::Database(error) => error.into(),
        }
    }
}

fn code_of(refusal: Refusal) -> Code {
    match refusal {
        Refusal::NotFound => problem::MEETING_NOT_FOUND,
        Refusal::Ended => problem::MEETING_ENDED,
        Refusal::Expired => problem::MEETING_EXPIRED,
        Refusal::Cancelled => problem::MEETING_CANCELLED,
        Refusal::Removed => problem::PARTICIPANT_REMOVED,
        Refusal::PasswordRequired => problem::PASSWORD_REQUIRED,
        Refusal::PasswordWrong => problem::PASSWORD_WRONG,
        Refusal::Locked => problem::MEETING_LOCKED,
        Refusal::Full => problem::MEETING_FULL,
    }
}
