//! Which origins may read our answers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::app::App;

const EXPOSED: &str = "ETag, Link, Location, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, \
                       Retry-After, X-Request-Id, Idempotency-Replayed";
const REQUEST_HEADERS: &str =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-CSRF-Token, X-Host-Key, X-Request-Id";

/// What an origin may do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read it, and send credentials.
    Credentials,
    /// Read it.
    Public,
    Nothing,
}

/// FRONTEND_URL and CORS_ORIGINS exactly; everybody for what anybody with the link may see or do.
pub fn permission(app: &App, path: &str, origin: &str) -> Permission {
    let frontend = &app.settings.frontend;
    let listed = frontend.url.as_deref() == Some(origin) || frontend.cors_origins.iter().any(|listed| listed == origin);
    match listed {
        true => Permission::Credentials,
        false if is_public(path) => Permission::Public,
        false => Permission::Nothing,
    }
}

/// E-02, E-03 and E-04: pages elsewhere may embed them.
fn is_public(path: &str) -> bool {
    let rest = path.strip_prefix("/api/v1/meetings/").and_then(|rest| rest.split_once('/'));
    rest.is_some_and(|(_, action)| matches!(action, "join" | "info" | "exists"))
}

/// Whether this is a browser's question before the real request.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Writes the permission into an answer.
pub fn decorate(headers: &mut HeaderMap, permission: Permission, origin: &HeaderValue, preflight: bool) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    match permission {
        Permission::Nothing => return,
        Permission::Public => headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        Permission::Credentials => {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        }
    };
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}
