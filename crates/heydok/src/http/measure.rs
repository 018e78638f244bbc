//! Counts and times every request by the template of its route, never by its address.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use crate::app::App;

/// The layer.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = app.clock.instant();
    let method = method(request.method());
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::counter!("heydok_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    let seconds = app.clock.instant().saturating_duration_since(began).as_secs_f64();
    metrics::histogram!("heydok_http_request_duration_seconds", "route" => route).record(seconds);
    response
}

/// Anybody may invent methods; a label may not.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}
