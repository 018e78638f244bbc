//! The embedded web client: its files, its page for every address of the application, and the redirects to it.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use kit::MeetingCode;
use serde::Deserialize;

use super::problem::{self, Problem};
use crate::app::App;

mod files {
    include!(concat!(env!("OUT_DIR"), "/web_files.rs"));
}

struct File {
    bytes: &'static [u8],
    etag: HeaderValue,
}

static FILES: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    let file = |bytes: &'static [u8]| {
        let etag = format!("\"{}\"", &kit::sha256_hex(bytes)[..32]);
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
        File { bytes, etag }
    };
    files::FILES.iter().map(|(name, bytes)| (*name, file(bytes))).collect()
});

/// What is shown when the binary was built without `web/dist`.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
<title>heydok</title><h1>The web client is not in this build</h1><p>Run <code>make build</code>, or <code>npm ci &amp;&amp; \
npm run build</code> and build the binary again. The API works without it: see <a href=\"/docs\">/docs</a>.</p></html>";

/// All addresses that lead to the web client.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(page))
        .route("/meeting/{id}", get(page))
        .route("/meeting.html", get(page))
        .route("/embed/{code}", get(page))
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
        None => (StatusCode::NOT_FOUND, page(HeaderMap::new()).await).into_response(),
    }
}

async fn page(_headers: HeaderMap) -> Response {
    let body = match FILES.get("index.html") {
        Some(file) => Html(file.bytes).into_response(),
        None => Html(NOT_BUILT).into_response(),
    };
    ([(CACHE_CONTROL, "no-store")], body).into_response()
}

async fn code_or_file(Path(code): Path<String>, headers: HeaderMap, request: Request) -> Response {
    if MeetingCode::parse(&code).is_some() || MeetingCode::parse(&code.to_ascii_lowercase()).is_some() {
        return to_meeting(&code);
    }
    match file(&code, &headers) {
        Some(response) => response,
        None => fallback(request).await,
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn short_link(Path(code): Path<String>, Query(Nothing {}): Query<Nothing>) -> Response {
    to_meeting(&code)
}

fn to_meeting(code: &str) -> Response {
    match MeetingCode::candidates(code).into_iter().next() {
        Some(code) => Redirect::permanent(&format!("/meeting/{code}")).into_response(),
        None => Problem::new(problem::MEETING_NOT_FOUND).into_response(),
    }
}

async fn security_txt() -> Response {
    let text = "Contact: see SECURITY.md in the source\nPreferred-Languages: en, de\n";
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let (name, file) = FILES.get_key_value(name).filter(|(name, _)| **name != "index.html")?;
    // Vite puts a hash of the contents into the names below `assets/`.
    let cache =
        if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    if headers.get(IF_NONE_MATCH) == Some(&file.etag) {
        return Some((StatusCode::NOT_MODIFIED, [(ETAG, file.etag.clone())]).into_response());
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(name))),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (ETAG, file.etag.clone()),
    ];
    Some((headers, file.bytes).into_response())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}
