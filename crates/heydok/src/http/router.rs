//! Which path leads where. The OpenAPI document is made of the same table.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Router, routing};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{body, context, web};
use crate::app::App;
use crate::features::{join, meetings, system};

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "heydok", description = "Video meetings: open a link, type a name, talk."))]
struct Document;

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(meetings::http::create))
        .routes(routes!(meetings::http::exists))
        .routes(routes!(join::http::join))
        .routes(routes!(system::http::health))
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// The product's router: the API and the web client. The media server's routers stand beside it, under their own rules.
pub fn router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    api.merge(web::routes())
        .fallback(routing::any(web::fallback))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(body::BODY_BYTES_MAX))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), context::layer))
        .with_state(app.clone())
}
