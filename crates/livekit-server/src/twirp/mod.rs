//! Twirp (twitchtv.github.io/twirp): `POST /twirp/livekit.<Service>/<Method>` with JSON or protobuf.

mod error;
mod other_services;
mod room_service;
mod wire;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use node::token::{Claims, VideoGrant};

use tokio::time::timeout;

use crate::auth;
use crate::handle::Handle;
use error::TwirpError;
use wire::Encoding;

/// How long a request's body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// A call whose route, content type and token have been read.
struct Call<'a> {
    handle: &'a Handle,
    /// `None` without any token.
    claims: Option<Claims>,
    encoding: Encoding,
    body: &'a [u8],
}

impl Call<'_> {
    /// The grant, if `allowed` says so; Twirp knows no "permission denied" here, only `unauthenticated`.
    fn require(&self, allowed: impl FnOnce(&VideoGrant) -> bool) -> Result<(), TwirpError> {
        let grant = self.claims.as_ref().and_then(|claims| claims.video.as_ref());
        if grant.is_some_and(allowed) { Ok(()) } else { Err(TwirpError::unauthenticated()) }
    }

    /// `roomAdmin` for this very room.
    fn require_admin(&self, room: &str) -> Result<(), TwirpError> {
        self.require(|grant| grant.room_admin && grant.room == room)
    }
}

/// Any request below `/twirp/`.
pub(crate) async fn call(State(handle): State<Handle>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let claims = match auth::claims(&parts, handle.keys()) {
        Ok(claims) => claims,
        Err(refusal) => return refusal.into_response(),
    };
    let route = format!("{} {}", parts.method, parts.uri.path());
    if parts.method != Method::POST {
        let message = format!("unsupported method {:?} (only POST is allowed)", parts.method.as_str());
        return TwirpError::bad_route(message, route).into_response();
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(encoding) = Encoding::of(content_type) else {
        return TwirpError::bad_route(format!("unexpected Content-Type: {content_type:?}"), route).into_response();
    };
    let whole = Request::from_parts(parts, body);
    let path = whole.uri().path().trim_start_matches('/').trim_start_matches("twirp/").to_owned();
    let Ok(read) = timeout(BODY_WAIT, Bytes::from_request(whole, &())).await else {
        return TwirpError::malformed("the request body did not arrive in time").into_response();
    };
    let body = match read {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "request body too large").into_response();
        }
        Err(_) => {
            return TwirpError::malformed("the request body could not be read").into_response();
        }
    };
    let call = Call { handle: &handle, claims, encoding, body: &body };
    let answer = match path.split_once('/') {
        Some(("livekit.RoomService", method)) => room_service::call(&call, method).await,
        Some((service, method)) => other_services::call(&call, service, method),
        None => None,
    };
    let missing = || Err(TwirpError::bad_route(format!("no handler for path {:?}", format!("/twirp/{path}")), route));
    match answer.unwrap_or_else(missing) {
        Ok(bytes) => (StatusCode::OK, [(CONTENT_TYPE, encoding.content_type())], bytes).into_response(),
        Err(error) => error.into_response(),
    }
}
