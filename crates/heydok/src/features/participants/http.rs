//! E-05: who is in a meeting.

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use kit::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::{self, Person};
use crate::app::App;
use crate::features::meetings::{self, Meeting};
use crate::http::problem::{Document, FORBIDDEN};
use crate::http::{Context, Problem, Query, auth};

#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    /// `left`: also those who left this conference.
    pub include: Option<String>,
}

/// Somebody in the meeting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantAnswer {
    #[schema(example = "guest-12345678")]
    pub participant_id: String,
    #[schema(example = "Max")]
    pub display_name: String,
    #[schema(example = "guest")]
    pub role: String,
    /// Came with a token that another program signed with the server's key.
    pub external: bool,
    pub joined_at: String,
    pub left_at: Option<String>,
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
    pub verified: bool,
}

/// Who is in the meeting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participants)]
pub struct ListAnswer {
    pub meeting_id: String,
    pub count: usize,
    pub participants: Vec<ParticipantAnswer>,
}

/// List who is in a meeting
///
/// Public where the link alone lets one in (no password, access open); else for its participants and its host.
#[utoipa::path(get, path = "/api/v1/meetings/{meeting_id}/participants", operation_id = "list_participants", tag = "meetings", params(ListQuery, ("meeting_id" = String, Path)),
    responses((status = 200, body = ListAnswer), (status = 401, body = Document), (status = 403, body = Document), (status = 404, body = Document), (status = 422, body = Document), (status = 429, body = Document)))]
pub async fn list(
    State(app): State<App>,
    Path(meeting_id): Path<String>,
    Query(query): Query<ListQuery>,
    context: Context,
    headers: HeaderMap,
) -> Result<Json<ListAnswer>, Problem> {
    let with_left = match query.include.as_deref() {
        None => false,
        Some("left") => true,
        Some(_) => return Err(Problem::wrong("query", "include", "enum", "must be left")),
    };
    let meeting = meetings::http::load(&app, &context, &headers, &meeting_id).await?;
    may_list(&app, &context, &headers, &meeting).await?;
    let people = match &meeting.instance_id {
        Some(instance_id) => store::list(&mut app.db.read().await?, instance_id, with_left).await?,
        None => Vec::new(),
    };
    let participants: Vec<_> = people.into_iter().map(answer).collect();
    Ok(Json(ListAnswer { meeting_id: meeting.public_id().to_owned(), count: participants.len(), participants }))
}

/// D-11: names are public only where the link alone already lets one in.
async fn may_list(app: &App, context: &Context, headers: &HeaderMap, meeting: &Meeting) -> Result<(), Problem> {
    if meeting.open_access && meeting.password.is_none() && !meeting.locked {
        return Ok(());
    }
    if auth::host_key(headers).is_some() {
        return auth::require_host(app, context, headers, meeting);
    }
    if auth::bearer(headers).is_none() {
        return Err(FORBIDDEN.into());
    }
    auth::require_participant(app, headers, meeting).await.map(|_| ())
}

fn answer(person: Person) -> ParticipantAnswer {
    ParticipantAnswer {
        participant_id: person.participant_id,
        display_name: person.name,
        role: person.role,
        external: person.external,
        joined_at: person.joined_at.rfc3339(),
        left_at: person.left_at.map(UnixMillis::rfc3339),
        audio: person.audio,
        video: person.video,
        screen: person.screen,
        verified: person.verified,
    }
}
