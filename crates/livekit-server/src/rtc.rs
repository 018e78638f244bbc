//! `/rtc`, `/rtc/v1` and their `validate` paths: the same checks, then a WebSocket or a word.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, UPGRADE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use node::token::Claims;
use node::{ClientAddress, ConnectRequest, Reject, SignalPath};

use crate::auth;
use crate::handle::Handle;
use crate::join::{self, Query};
use crate::websocket;

/// `/rtc`: parameters in the query.
pub(crate) async fn v0(State(handle): State<Handle>, request: Request) -> Response {
    upgrade(&handle, request, SignalPath::V0).await
}

/// `/rtc/v1`: `join_request` is mandatory.
pub(crate) async fn v1(State(handle): State<Handle>, request: Request) -> Response {
    upgrade(&handle, request, SignalPath::V1).await
}

pub(crate) async fn v0_validate(State(handle): State<Handle>, request: Request) -> Response {
    validate(&handle, request, SignalPath::V0).await
}

pub(crate) async fn v1_validate(State(handle): State<Handle>, request: Request) -> Response {
    validate(&handle, request, SignalPath::V1).await
}

/// Clients read this body when their upgrade failed, so each refusal here is worded as for the upgrade.
async fn validate(handle: &Handle, request: Request, path: SignalPath) -> Response {
    let (parts, _) = request.into_parts();
    let answer = match connect_request(handle, &parts, path, true) {
        Ok(request) => match handle.place(request.address.0) {
            Ok(_place) => handle.validate(request).await,
            Err(reject) => Err(reject),
        },
        Err(reject) => Err(reject),
    };
    match answer {
        Ok(()) => (StatusCode::OK, "success").into_response(),
        Err(reject) => refuse(&reject),
    }
}

/// Checks, then starts the session, then upgrades: the first message is ready when the WebSocket opens.
async fn upgrade(handle: &Handle, request: Request, path: SignalPath) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_upgrade(&parts.method, &parts.headers) {
        // Whoever shows a token that is not ours learns that first, as in livekit-server.
        return match auth::claims(&parts, handle.keys()) {
            Ok(_) => StatusCode::NOT_FOUND.into_response(),
            Err(refusal) => refusal.into_response(),
        };
    }
    let request = match connect_request(handle, &parts, path, false) {
        Ok(request) => request,
        Err(reject) => return refuse(&reject),
    };
    let place = match handle.place(request.address.0) {
        Ok(place) => place,
        Err(reject) => return refuse(&reject),
    };
    let socket = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    let connection = match handle.connect(request).await {
        Ok(connection) => connection,
        Err(reject) => return refuse(&reject),
    };
    let bytes = handle.signal_message_bytes();
    let tasks = handle.tracker().clone();
    let handle = handle.clone();
    socket
        .max_message_size(bytes)
        .max_frame_size(bytes)
        // Should the upgrade fail, the closure is dropped, and with it the connection.
        .on_upgrade(move |socket| {
            tasks.track_future(async move {
                websocket::pump(handle, connection, socket).await;
                drop(place);
            })
        })
}

fn connect_request(handle: &Handle, parts: &Parts, path: SignalPath, strict: bool) -> Result<ConnectRequest, Reject> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let claims =
        auth::claims(parts, handle.keys()).map_err(|(status, message)| Reject { status: status.as_u16(), message })?;
    let denied = || Reject { status: 401, message: "permissions denied".into() };
    let mut claims = claims.filter(|claims| claims.video.is_some()).ok_or_else(denied)?;
    let bad = |error: join::JoinError| Reject { status: 400, message: error.to_string() };
    let (path, join) = match query.get("join_request") {
        // The parameter chooses the mode, whatever the path.
        Some(join_request) => (SignalPath::V1, join::decode(join_request).map_err(bad)?),
        None if path == SignalPath::V1 => return Err(bad(join::JoinError::Missing)),
        None => (SignalPath::V0, join::from_query(&query, strict).map_err(bad)?),
    };
    if path == SignalPath::V0
        && let Some(publish) = query.get("publish")
    {
        publish_only(&mut claims, publish).then_some(()).ok_or_else(denied)?;
    }
    let ip = auth::client_ip(parts);
    let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(ConnectRequest { claims, path, join, user_agent: user_agent.to_owned(), address: ClientAddress(ip) })
}

/// A second connection of a participant that only publishes; false where its token does not allow to publish.
fn publish_only(claims: &mut Claims, publish: &str) -> bool {
    claims.sub = format!("{}#{publish}", claims.identity());
    let Some(video) = claims.video.as_mut() else {
        return false;
    };
    video.can_subscribe = Some(false);
    video.can_publish.unwrap_or(true)
}

/// A WebSocket handshake of HTTP/1.1 (RFC 6455, 4.1) or HTTP/2 (RFC 8441).
fn is_upgrade(method: &Method, headers: &HeaderMap) -> bool {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value: &str| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    method == Method::CONNECT || (has(CONNECTION, "upgrade") && has(UPGRADE, "websocket"))
}

fn refuse(reject: &Reject) -> Response {
    let status = StatusCode::from_u16(reject.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, reject.message.clone()).into_response()
}
