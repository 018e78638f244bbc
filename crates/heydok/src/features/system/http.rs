//! E-07 health, E-68 what clients should know, E-91 ready, metrics and version.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use kit::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use super::gauges;
use crate::app::App;
use crate::config::{HealthDetails, LiveKitMode};
use crate::http::problem::{Document, UNAUTHENTICATED};
use crate::http::{Context, Problem, auth};
use crate::metrics::Metrics;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the process can serve. The numbers are for the operator only (HEALTH_DETAILS); others get null.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: &'static str,
    pub version: &'static str,
    pub uptime_seconds: u64,
    pub active_meetings: Option<i64>,
    pub participants: Option<i64>,
    /// `connected` or `unreachable`.
    pub livekit: Option<&'static str>,
    /// `ok` or `error`.
    pub database: Option<&'static str>,
    /// Not used by a single server.
    pub redis: Option<&'static str>,
}

/// Health
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub async fn health(State(app): State<App>, context: Context) -> Response {
    let totals = app.probes.totals(&app).await;
    let detailed = match app.settings.operation.health_details {
        HealthDetails::Everybody => true,
        HealthDetails::Nobody => false,
        HealthDetails::Loopback => context.local,
    };
    let livekit = if detailed {
        Some(if app.probes.livekit_answers(&app).await { "connected" } else { "unreachable" })
    } else {
        None
    };
    let health = Health {
        status: if totals.is_some() { "ok" } else { "error" },
        version: VERSION,
        uptime_seconds: app.now().since(app.started_at).as_secs(),
        active_meetings: totals.filter(|_| detailed).map(|totals| totals.0),
        participants: totals.filter(|_| detailed).map(|totals| totals.1),
        livekit,
        database: detailed.then_some(if totals.is_some() { "ok" } else { "error" }),
        redis: detailed.then_some("off"),
    };
    let status = if totals.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    pub ready: bool,
    /// `ok` or what is wrong, by dependency.
    pub checks: BTreeMap<&'static str, &'static str>,
}

/// Readiness
#[utoipa::path(get, path = "/ready", tag = "system", responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub async fn ready(State(app): State<App>) -> Response {
    let word = |ok| if ok { "ok" } else { "unreachable" };
    let draining = app.stop.is_cancelled();
    let checks = BTreeMap::from([
        ("database", word(app.probes.totals(&app).await.is_some())),
        ("livekit", word(app.probes.livekit_answers(&app).await)),
        ("process", if draining { "draining" } else { "ok" }),
    ]);
    let ready = checks.values().all(|check| *check == "ok");
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks })).into_response()
}

/// Which program this is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    pub name: &'static str,
    pub version: &'static str,
    pub schema_version: i64,
}

/// Version
#[utoipa::path(get, path = "/version", tag = "system", responses((status = 200, body = Version)))]
pub async fn version() -> Json<Version> {
    Json(Version { name: "heydok", version: VERSION, schema_version: db::SCHEMA_VERSION })
}

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "system", params(("Authorization" = Option<String>, Header, description = "Bearer METRICS_TOKEN, where one is set")),
    responses((status = 200, content_type = "text/plain", body = String), (status = 401, body = Document)))]
pub async fn metrics(State(app): State<App>, context: Context, headers: HeaderMap) -> Result<Response, Problem> {
    if !may_read_metrics(app.settings.operation.metrics_token.as_ref(), context.local, &headers) {
        return Err(UNAUTHENTICATED.into());
    }
    gauges::publish(&app).await;
    Ok(metrics_text(&app.metrics))
}

/// Who has the token; without a token, who sits at the machine.
pub fn may_read_metrics(token: Option<&Secret>, local: bool, headers: &HeaderMap) -> bool {
    match token {
        Some(token) => auth::bearer(headers).is_some_and(|given| kit::equal_in_constant_time(given, token.expose())),
        None => local,
    }
}

/// The answer with everything that was counted.
pub fn metrics_text(metrics: &Metrics) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

/// What is built and switched on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Features {
    pub recording: bool,
    pub anonymous_create: bool,
    pub waiting_room: bool,
    pub oidc: Vec<String>,
    pub platforms: Vec<&'static str>,
}

/// Numbers that forms check before they send.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientLimits {
    pub name_length_max: u32,
    pub display_name_length_max: u32,
    pub chat_text_length_max: u32,
    pub max_participants: u32,
    pub max_participants_hard: u32,
    /// How long the link of a new meeting is good.
    pub meeting_ttl_seconds: u64,
}

/// How long things are kept; null = for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kept {
    /// Messages of ended conferences.
    pub chat_seconds: Option<u64>,
    /// Names, admissions and the timeline of people without an account.
    pub guests_seconds: Option<u64>,
}

/// How this installation looks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Branding {
    pub name: &'static str,
}

/// What a client should know before it shows anything.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Config)]
pub struct ConfigAnswer {
    pub features: Features,
    pub limits: ClientLimits,
    pub retention: Kept,
    pub branding: Branding,
    pub support_url: Option<String>,
    pub languages: Vec<&'static str>,
    /// Where the media server is, if it is not at this address.
    pub livekit_url: Option<String>,
}

/// Configuration for clients
#[utoipa::path(get, path = "/api/v1/config", tag = "system", responses((status = 200, body = ConfigAnswer)))]
pub async fn config(State(app): State<App>) -> Response {
    let (meetings, kept) = (&app.settings.meetings, &app.settings.retention);
    let answer = ConfigAnswer {
        features: Features {
            recording: false,
            anonymous_create: meetings.anonymous_create,
            waiting_room: false,
            oidc: Vec::new(),
            platforms: vec!["heydok"],
        },
        limits: ClientLimits {
            name_length_max: 120,
            display_name_length_max: 50,
            chat_text_length_max: 4_000,
            max_participants: meetings.participants_max,
            max_participants_hard: meetings.participants_hard_max,
            meeting_ttl_seconds: meetings.ttl.as_secs(),
        },
        retention: Kept {
            chat_seconds: kept.chat.map(|kept| kept.as_secs()),
            guests_seconds: kept.guests.map(|kept| kept.as_secs()),
        },
        branding: Branding { name: "heydok" },
        support_url: app.settings.operation.support_url.clone(),
        languages: vec!["en", "de"],
        livekit_url: match &app.settings.livekit.mode {
            LiveKitMode::External { client_url, .. } => Some(client_url.clone()),
            LiveKitMode::Embedded => None,
        },
    };
    ([(CACHE_CONTROL, "public, max-age=60")], Json(answer)).into_response()
}
