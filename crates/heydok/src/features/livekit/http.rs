//! E-29: webhooks of the media server. Hints only: who lies in one makes us look, and nothing else.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::http::limit::{self, Limit};
use crate::http::problem::{Document, FEATURE_DISABLED, MALFORMED_JSON, UNAUTHENTICATED};
use crate::http::{Context, Problem};

#[derive(Deserialize)]
struct Hint {
    #[serde(default)]
    event: String,
    room: Option<HintRoom>,
}

#[derive(Deserialize)]
struct HintRoom {
    #[serde(default)]
    name: String,
}

/// Webhook of the media server
#[utoipa::path(post, path = "/api/webhooks/livekit", operation_id = "livekit_webhook", tag = "system", request_body(content = String, content_type = "application/webhook+json"),
    params(),
    responses((status = 200), (status = 401, body = Document), (status = 403, body = Document), (status = 413, body = Document), (status = 429, body = Document)))]
pub async fn webhook(
    State(app): State<App>,
    context: Context,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    if !app.settings.livekit.webhooks {
        limit::take(&app, &context, Limit::Webhook)?;
        return Err(FEATURE_DISABLED.into());
    }
    if let Err(problem) = check(&app, &headers, &body) {
        // Only who cannot sign is limited: a sender does not repeat what was refused.
        limit::take(&app, &context, Limit::Webhook)?;
        return Err(problem);
    }
    take_hint(&app, &body)
}

/// Where the embedded server's webhooks arrive, in memory: the same signed bytes as by network, and no limit.
pub fn receiver_in_memory(app: &App) -> Router {
    Router::new().route("/api/v1/webhooks/livekit", post(webhook_in_memory)).with_state(app.clone())
}

async fn webhook_in_memory(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Problem> {
    check(&app, &headers, &body)?;
    take_hint(&app, &body)
}

fn take_hint(app: &App, body: &[u8]) -> Result<StatusCode, Problem> {
    let hint: Hint = serde_json::from_slice(body).map_err(|error| Problem::new(MALFORMED_JSON).private(error))?;
    if let Some(room) = hint.room.filter(|room| !room.name.is_empty()) {
        if hint.event == "room_finished" {
            app.rooms.forget(&room.name);
        }
        app.reconciler.hint(room.name);
    }
    Ok(StatusCode::OK)
}

/// The token is signed with our key and names this body.
fn check(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(UNAUTHENTICATED)?;
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let claims = app.verify(token).map_err(|error| Problem::new(UNAUTHENTICATED).private(error))?;
    let digest = STANDARD.encode(Sha256::digest(body));
    if kit::equal_in_constant_time(&claims.sha256, &digest) { Ok(()) } else { Err(UNAUTHENTICATED.into()) }
}
