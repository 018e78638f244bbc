//! What is known of a request before any handler runs, and what every answer gets after it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use kit::Network;
use tracing::Instrument as _;

use super::problem::{self, Document, Problem};
use super::{cors, limit};
use crate::app::App;
use crate::config::ErrorDetailStyle;
use crate::http::limit::Limit;
use crate::https::OverTls;
use crate::limits::Decision;

/// Header that names a request in our answer and in our log.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest `Host` and request id that are believed.
const NAME_BYTES_MAX: usize = 255;
/// What 503 says about when to come again, in seconds: what passes by itself passes within these.
const RETRY_AFTER_S: u64 = 2;

/// Who asks, and by which name of ours.
#[derive(Debug, Clone)]
pub struct Context {
    pub request_id: String,
    /// The caller's address; behind a proxy only when TRUSTED_PROXIES names it.
    pub address: IpAddr,
    /// Whether the caller reached us by TLS.
    pub secure: bool,
    /// Whether browsers may remember to come by TLS only.
    strict: bool,
    /// The `Host` the caller used, if it looks like one.
    pub host: Option<String>,
    /// Whether peer and `Host` are this machine, and nothing says that a page or a proxy stands between.
    pub local: bool,
    limited: Arc<Mutex<Option<Decision>>>,
}

impl Context {
    /// Scheme, host and port that this server is reached by, without a slash at the end.
    pub fn origin(&self, app: &App) -> String {
        if let Some(origin) = &app.settings.frontend.url {
            return origin.clone();
        }
        let scheme = if self.secure { "https" } else { "http" };
        match &self.host {
            Some(host) => format!("{scheme}://{host}"),
            None => format!("{scheme}://localhost:{}", app.port),
        }
    }

    /// The same for links that go to others: who sits at this machine in a local network calls it by a name that means
    /// another machine to everybody else.
    pub fn link_origin(&self, app: &App) -> String {
        let is_here = self.host.as_deref().is_none_or(is_loopback_host);
        let lan = app.lan.as_ref().filter(|_| is_here && app.settings.frontend.url.is_none());
        lan.and_then(|lan| lan.origin(app.port)).unwrap_or_else(|| self.origin(app))
    }

    /// The caller's address, which proxies that TRUSTED_PROXIES names say in `X-Forwarded-For`.
    pub fn client_ip(app: &App, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let hops = all_values(headers, "x-forwarded-for");
        app.settings.listening.trusted_proxies.client(peer.to_canonical(), hops.as_deref())
    }

    /// What rate limits count by.
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }

    /// `heydok dev` on loopback: whoever sits at the machine owns every meeting (D-10).
    pub fn is_local_owner(&self, app: &App) -> bool {
        self.local && app.settings.operation.development && app.settings.listening.host.is_loopback()
    }

    /// Remembers which rate limit this request met, for the headers of its answer: of several, the tightest.
    pub fn limited_by(&self, decision: Decision) {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        *limited = Some(limited.map_or(decision, |earlier| earlier.tighter(decision)));
    }

    fn limit_met(&self) -> Option<Decision> {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("no request context"))
    }
}

/// Routes whose POST takes from a bucket of its own, and not from the common one.
const OWN_LIMIT: [&str; 4] =
    ["/api/v1/meetings/create", "/api/v1/meetings/{meeting_id}/join", "/api/v1/selftest", "/api/webhooks/livekit"];
/// What is worked out anew for each request, beside the API.
const COSTLY: [&str; 2] = ["/metrics", "/openapi.json"];

/// The outermost layer: makes the [`Context`], renders problems and adds the headers that every answer has. Whatever is logged
/// meanwhile has the `meeting_id` that [`concerns`] told.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let span = tracing::error_span!("request", meeting_id = tracing::field::Empty);
    answer(app, request, next).instrument(span).await
}

/// The request is about this meeting: every line of the log that it leads to says so.
pub fn concerns(meeting_code: &str) {
    tracing::Span::current().record("meeting_id", tracing::field::display(meeting_code));
}

async fn answer(app: App, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let over_tls = request.extensions().get::<OverTls>().copied();
    let context = read(&app, peer, over_tls, request.headers(), request.uri());
    let path = request.uri().path().to_owned();
    let origin = request.headers().get(ORIGIN).cloned();
    let preflight = cors::is_preflight(request.method(), request.headers());
    request.extensions_mut().insert(context.clone());
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        match admit(&app, &context, &request) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        response = render(&app, response, &path, &context);
    }
    if let Some(decision) = context.limit_met() {
        limit::decorate(&mut response, &decision);
    }
    if let Some(origin) = origin.filter(|_| path.starts_with("/api/")) {
        let permission = cors::permission(&app, &path, origin.to_str().unwrap_or_default());
        cors::decorate(response.headers_mut(), permission, &origin, preflight);
    }
    decorate(&app, response.headers_mut(), &context, !path.starts_with("/api/"));
    response
}

/// Every call that has no limit of its own instead counts against the common one. Pages and their files come out of memory;
/// `/health` and `/ready` are asked by supervisors, who must never hear 429, and look at most once a second.
fn admit(app: &App, context: &Context, request: &Request) -> Result<(), Problem> {
    let path = request.uri().path();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let own = request.method() == Method::POST && route.is_some_and(|route| OWN_LIMIT.contains(&route));
    let counted = path.starts_with("/api/") || path.starts_with("/docs") || COSTLY.contains(&path);
    if counted && !own { limit::take(app, context, Limit::Other) } else { Ok(()) }
}

fn read(app: &App, peer: Option<IpAddr>, over_tls: Option<OverTls>, headers: &HeaderMap, uri: &http::Uri) -> Context {
    let proxies = &app.settings.listening.trusted_proxies;
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_canonical();
    let trusted = proxies.contains(peer);
    let forwarded = |name: &str| if trusted { text(headers, name) } else { None };
    let host = forwarded("x-forwarded-host")
        .or_else(|| text(headers, HOST.as_str()))
        .or_else(|| uri.authority().map(|a| a.as_str()));
    let host = host.filter(|host| is_host(host)).map(str::to_ascii_lowercase);
    let proxied = forwarded("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    Context {
        request_id: text(headers, X_REQUEST_ID.as_str())
            .filter(|id| is_request_id(id))
            .map_or_else(|| app.new_id(), str::to_owned),
        address: Context::client_ip(app, peer, headers),
        secure: over_tls.is_some() || proxied,
        strict: over_tls.map_or(proxied, |over_tls| over_tls.strict),
        local: is_local(peer, host.as_deref(), headers),
        host,
        limited: Arc::default(),
    }
}

/// Whether peer and `Host` are this machine, and nothing says that a page or a proxy stands between.
pub fn is_local(peer: IpAddr, host: Option<&str>, headers: &HeaderMap) -> bool {
    let between = [ORIGIN.as_str(), "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"];
    peer.to_canonical().is_loopback()
        && host.is_some_and(is_loopback_host)
        && !between.iter().any(|name| headers.contains_key(*name))
}

pub(crate) fn is_loopback_host(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// All lines of a header as one list (RFC 9110, 5.3): some proxies add a line instead of writing into the one that is there.
/// Every line of a header that may come in several, as one list.
pub(crate) fn all_values<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cow<'h, str>> {
    let mut lines = headers.get_all(name).iter();
    // A line that is no text stays as something that is no address either, so that nothing before it is believed.
    let text = |line: &'h HeaderValue| line.to_str().unwrap_or("?");
    let first = Cow::Borrowed(text(lines.next()?));
    Some(lines.fold(first, |list, line| Cow::Owned(format!("{list},{}", text(line)))))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_request_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(crate) fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= NAME_BYTES_MAX && host.bytes().all(allowed)
}

/// Gives an error its body. Errors that the framework made (404, 405, 413) have no [`Problem`] yet.
fn render(app: &App, response: Response, path: &str, context: &Context) -> Response {
    let problem = response.extensions().get::<Problem>().cloned();
    let problem = match problem {
        Some(problem) => problem,
        None if response.headers().get(CONTENT_TYPE).is_some_and(is_final) => return response,
        None => Problem::new(match response.status() {
            StatusCode::NOT_FOUND => problem::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED => problem::METHOD_NOT_ALLOWED,
            StatusCode::PAYLOAD_TOO_LARGE => problem::TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => problem::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::SERVICE_UNAVAILABLE => problem::MAINTENANCE,
            status if status.is_client_error() => problem::VALIDATION_FAILED,
            _ => problem::INTERNAL,
        }),
    };
    if problem.code.status.is_server_error() {
        let cause = problem.private.as_deref().unwrap_or_default();
        tracing::error!(code = problem.code.code, request_id = %context.request_id, cause, "request failed");
    }
    let mut extra: serde_json::Map<_, _> =
        problem.extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    // DEBUG, but for whoever sits at the machine only: a cause may name files and addresses.
    if let Some(cause) = problem.private.as_deref().filter(|_| app.settings.operation.debug && context.local) {
        extra.insert("cause".to_owned(), cause.into());
    }
    let document = Document {
        r#type: format!("/docs/errors#{}", problem.code.code),
        title: problem.code.status.canonical_reason().unwrap_or("Error"),
        status: problem.code.status.as_u16(),
        detail: detail(app, &problem),
        instance: path,
        code: problem.code.code,
        request_id: &context.request_id,
        errors: &problem.errors,
        extra,
    };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.status = problem.code.status;
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // They were about the body that is replaced, which may have been compressed.
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.remove(http::header::CONTENT_ENCODING);
    if parts.status == StatusCode::SERVICE_UNAVAILABLE {
        parts.headers.entry(RETRY_AFTER).or_insert(HeaderValue::from(RETRY_AFTER_S));
    }
    (parts, Body::from(body)).into_response()
}

/// One sentence; or FastAPI's list of wrong fields, for clients that were written for it (ERROR_DETAIL_STYLE).
fn detail(app: &App, problem: &Problem) -> serde_json::Value {
    let list = app.settings.operation.error_detail_style == ErrorDetailStyle::FastApi && !problem.errors.is_empty();
    match list.then(|| serde_json::to_value(&problem.errors)) {
        Some(Ok(errors)) => errors,
        _ => serde_json::Value::String(problem.detail.clone().into_owned()),
    }
}

/// Bodies that are complete as they are (pages, health).
fn is_final(content_type: &HeaderValue) -> bool {
    let content_type = content_type.as_bytes();
    content_type.starts_with(b"text/html") || content_type.starts_with(b"application/json")
}

fn decorate(app: &App, headers: &mut HeaderMap, context: &Context, page: bool) {
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if context.strict {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if page {
        headers.entry(http::header::CONTENT_SECURITY_POLICY).or_insert_with(|| app.content_security_policy());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestApp;

    /// A proxy that adds a line of its own is believed like one that writes into the line that was there.
    #[tokio::test]
    async fn every_line_of_x_forwarded_for_counts() {
        let app = TestApp::with(&[("TRUSTED_PROXIES", "192.0.2.0/24")]).await.app;
        let check = |peer: [u8; 4], lines: &[&'static [u8]], expected: [u8; 4]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
            }
            let context = read(&app, Some(peer.into()), None, &headers, &http::Uri::from_static("/"));
            assert_eq!(context.address, IpAddr::from(expected), "{lines:?}");
        };
        check([192, 0, 2, 1], &[b"6.6.6.6", b"203.0.113.7"], [203, 0, 113, 7]);
        check([192, 0, 2, 1], &[b"6.6.6.6", b"203.0.113.7, 192.0.2.9"], [203, 0, 113, 7]);
        check([192, 0, 2, 1], &[b"6.6.6.6", b"\xff", b"192.0.2.9"], [192, 0, 2, 9]);
        check([192, 0, 2, 1], &[], [192, 0, 2, 1]);
        check([203, 0, 113, 9], &[b"6.6.6.6"], [203, 0, 113, 9]);
    }

    /// 503 says when to come again, whoever made it.
    #[tokio::test]
    async fn what_passes_by_itself_says_when() {
        let app = TestApp::new().await.app;
        let context = read(&app, None, None, &HeaderMap::new(), &http::Uri::from_static("/"));
        for answer in [
            Problem::from(db::Error::Busy).into_response(),
            Problem::new(problem::ID_SPACE).into_response(),
            StatusCode::SERVICE_UNAVAILABLE.into_response(),
        ] {
            let answer = render(&app, answer, "/", &context);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()[RETRY_AFTER], "2");
        }
        let answer = render(&app, Problem::internal("x").into_response(), "/", &context);
        assert!(!answer.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn hosts_and_request_ids_are_believed_only_when_well_formed() {
        for host in ["localhost:8000", "[::1]:80", "meet.example.org", "a_b.test"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a b", "a/b", "evil\r\nx", "ä.test", "a@b"] {
            assert!(!is_host(host), "{host}");
        }
        assert!(is_request_id("0123-abcd"));
        assert!(!is_request_id("short"));
        assert!(!is_request_id("0123 abcd"));
    }
}
