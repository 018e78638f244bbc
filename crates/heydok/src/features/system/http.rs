//! E-07 health.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Whether the process can serve.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: &'static str,
    pub version: &'static str,
    pub uptime_seconds: u64,
}

/// Health
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = Health)))]
pub async fn health(State(app): State<App>) -> Json<Health> {
    let uptime = app.now().since(app.started_at());
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_seconds: uptime.as_secs() })
}
