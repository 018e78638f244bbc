//! Which path leads where. The OpenAPI document is made of the same table.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Router, routing};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{body, context, docs, measure, web};
use crate::app::App;
use crate::features::{chat, join, livekit, meetings, participants, selftest, system};

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
        .routes(routes!(selftest::http::start))
        .routes(routes!(selftest::http::state, selftest::http::end))
        .routes(routes!(system::http::config))
        .routes(routes!(system::http::health))
        .routes(routes!(system::http::ready))
        .routes(routes!(system::http::metrics))
        .routes(routes!(system::http::version))
}

/// Schemas of request bodies: their optional members may be left out. In answers nothing is ever missing (C-02).
const REQUESTS: [&str; 3] = ["CreateMeeting", "JoinMeeting", "SendChat"];

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = api().split_for_parts().1;
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            if let RefOr::T(Schema::Object(object)) = schema
                && !REQUESTS.contains(&name.as_str())
            {
                // A problem without wrong fields has no `errors`.
                object.required = object.properties.keys().filter(|member| *member != "errors").cloned().collect();
            }
        }
        let token =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
        components.add_security_scheme("room_token", token);
    }
    document
}

/// The product's router: the API and the web client. The media server's routers stand beside it, under their own rules.
pub fn router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    api.merge(docs::routes())
        .layer(CompressionLayer::new())
        // The web client's files are compressed once, see `assets`.
        .merge(web::routes())
        .fallback(routing::any(web::fallback))
        .layer(DefaultBodyLimit::max(body::BODY_BYTES_MAX))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), context::layer))
        .layer(from_fn_with_state(app.clone(), measure::layer))
        .with_state(app.clone())
}

#[cfg(test)]
mod tests {
    /// The committed copy that the clients are generated from is this program's own. `UPDATE=1` writes it anew.
    #[test]
    fn the_committed_openapi_document_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packages/client/openapi.json");
        let document = super::openapi().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &document).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == document, "run `heydok openapi > packages/client/openapi.json`, then `npm run codegen`");
    }
}
