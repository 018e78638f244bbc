//! The embedded web client: its files, its page for every address of the application, and the redirects to it.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use kit::MeetingCode;

use super::assets::{Assets, File};
use super::problem::{self, Problem};
use crate::app::App;

mod files {
    use super::File;

    include!(concat!(env!("OUT_DIR"), "/web_files.rs"));
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(files::FILES));

/// What is shown when the binary was built without `web/dist`.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
<title>heydok</title><h1>The web client is not in this build</h1><p>Run <code>make build</code>, or <code>npm ci &amp;&amp; \
npm run build</code> and build the binary again. The API works without it: see <a href=\"/docs\">/docs</a>.</p></html>";

/// It is written anew for each reader, so it is never old.
const SECURITY_TXT_GOOD_FOR: Duration = Duration::from_secs(30 * 86_400);

/// All addresses that lead to the web client.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(page))
        .route("/meeting/{id}", get(page))
        .route("/meeting.html", get(page))
        .route("/embed/{code}", get(page))
        .route("/embed/meeting/{code}", get(page))
        .route("/test", get(page))
        .route("/privacy", get(page))
        .route("/accessibility", get(page))
        .route("/m/{code}", get(short_link))
        .route("/{code}", get(code_or_file))
        .route("/.well-known/security.txt", get(security_txt))
}

/// Everything else: a file of the client, or the page for addresses of the client's own router.
pub async fn fallback(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) || request.uri().path().starts_with("/api/") {
        return Problem::new(problem::NOT_FOUND).into_response();
    }
    let name = request.uri().path().trim_start_matches('/').to_owned();
    match file(&name, request.headers()) {
        Some(response) => response,
        None if name.contains('.') => Problem::new(problem::NOT_FOUND).into_response(),
        // The client shows its own "no such page"; the status is for everybody else.
        None => {
            let mut page = page(request.headers().clone()).await;
            *page.status_mut() = StatusCode::NOT_FOUND;
            page
        }
    }
}

async fn page(mut headers: HeaderMap) -> Response {
    // It is never kept, so there is nothing to compare with.
    headers.remove(IF_NONE_MATCH);
    match ASSETS.get("index.html") {
        Some(asset) => asset.respond(&headers, "no-store"),
        None => ([(CACHE_CONTROL, "no-store")], Html(NOT_BUILT)).into_response(),
    }
}

async fn code_or_file(Path(code): Path<String>, headers: HeaderMap, request: Request) -> Response {
    if MeetingCode::parse(&code).is_some() || MeetingCode::parse(&code.to_ascii_lowercase()).is_some() {
        return to_meeting(&code, request.uri().query());
    }
    match file(&code, &headers) {
        Some(response) => response,
        None => fallback(request).await,
    }
}

async fn short_link(Path(code): Path<String>, RawQuery(query): RawQuery) -> Response {
    to_meeting(&code, query.as_deref())
}

/// Whatever a link says besides the code (its language, say) goes along.
fn to_meeting(code: &str, query: Option<&str>) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    match MeetingCode::candidates(code).into_iter().next() {
        Some(code) => Redirect::permanent(&format!("/meeting/{code}{query}")).into_response(),
        None => Problem::new(problem::MEETING_NOT_FOUND).into_response(),
    }
}

/// RFC 9116, where the operator named somebody to write to.
async fn security_txt(State(app): State<App>) -> Response {
    let Some(contact) = &app.settings.operation.support_url else {
        return Problem::new(problem::NOT_FOUND).into_response();
    };
    let expires = app.now().plus(SECURITY_TXT_GOOD_FOR).rfc3339();
    let text = format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en, de\n");
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.get(name).filter(|_| name != "index.html")?;
    // Vite puts a hash of the contents into the names below `assets/`.
    let is_hashed = name.starts_with("assets/");
    Some(asset.respond(headers, if is_hashed { "public, max-age=31536000, immutable" } else { "public, max-age=3600" }))
}
