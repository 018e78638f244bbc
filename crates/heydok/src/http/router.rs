//! Which path leads where. The OpenAPI document is made of the same table.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Router, routing};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{body, context, docs, web};
use crate::app::App;
use crate::features::{chat, join, livekit, meetings, participants, system};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "heydok", description = "Video meetings: open a link, type a name, talk.", license(name = "MIT")),
    tags((name = "meetings", description = "Create, join, look up, end"), (name = "chat", description = "Messages in a meeting"), (name = "system", description = "For operators and clients"))
)]
struct Document;

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(meetings::http::create))
        .routes(routes!(join::http::join))
        .routes(routes!(meetings::http::info))
        .routes(routes!(meetings::http::exists))
        .routes(routes!(participants::http::list))
        .routes(routes!(meetings::http::end))
        .routes(routes!(chat::http::list, chat::http::write))
        .routes(routes!(livekit::http::webhook))
        .routes(routes!(system::http::config))
        .routes(routes!(system::http::health))
        .routes(routes!(system::http::ready))
        .routes(routes!(system::http::metrics))
        .routes(routes!(system::http::version))
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// The product's router: the API and the web client. The media server's routers stand beside it, under their own rules.
pub fn router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    api.merge(web::routes())
        .merge(docs::routes())
        .fallback(routing::any(web::fallback))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(body::BODY_BYTES_MAX))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), context::layer))
        .with_state(app.clone())
}
