//! A running server and the tokens to talk to it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt as _;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use kit::Clock as _;
use livekit_protocol as proto;
use livekit_server::{Config, Handle, Server};
use node::token::{ApiKeys, Claims, VideoGrant, sign};
use prost::Message as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const KEY: &str = "test-key";
pub(crate) const SECRET: &str = "a-secret-of-sufficient-length-for-tests";

/// Settings for tests: a port of the system's choice, loopback only.
pub(crate) fn config() -> Config {
    let keys = ApiKeys::new(vec![(KEY.into(), SECRET.into())]);
    let mut config = Config::new(Arc::new(keys));
    config.rtc.udp_port = 0;
    config.rtc.tcp_port = Some(0);
    config.rtc.node_ips = vec!["127.0.0.1".parse().unwrap()];
    config.rtc.media_threads = super::MEDIA_THREADS;
    config
}

pub(crate) fn start() -> Handle {
    Server::start(config()).unwrap()
}

/// The wall clock in seconds.
pub(crate) fn now_s() -> u64 {
    kit::SystemClock.now().as_seconds().try_into().unwrap()
}

pub(crate) fn claims(identity: &str, video: VideoGrant) -> Claims {
    Claims { iss: KEY.into(), sub: identity.into(), exp: Some(now_s() + 600), video: Some(video), ..Claims::default() }
}

pub(crate) fn token(identity: &str, video: VideoGrant) -> String {
    sign(&claims(identity, video), SECRET)
}

pub(crate) fn join_grant(room: &str) -> VideoGrant {
    VideoGrant { room_join: true, room: room.into(), ..VideoGrant::default() }
}

pub(crate) fn join_token(identity: &str, room: &str) -> String {
    token(identity, join_grant(room))
}

/// A token that may do everything a server may, with `room`.
pub(crate) fn server_token(room: &str) -> String {
    let video =
        VideoGrant { room_create: true, room_list: true, room_admin: true, room: room.into(), ..VideoGrant::default() };
    token("", video)
}

/// A `join_request` as the Rust core writes it.
pub(crate) fn join_request() -> String {
    let join = proto::JoinRequest {
        client_info: Some(proto::ClientInfo { sdk: 1, protocol: 17, ..Default::default() }),
        connection_settings: Some(proto::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
        ..Default::default()
    };
    let wrapped = proto::WrappedJoinRequest { compression: 0, join_request: join.encode_to_vec() };
    URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec())
}

/// Status, headers and body of a request to a router.
pub(crate) async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

pub(crate) async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let (status, _, body) = ask(router, Request::get(path).body(Body::empty()).unwrap()).await;
    (status, String::from_utf8(body).unwrap())
}

/// Calls a RoomService method with JSON and returns the status and the decoded body.
pub(crate) async fn room_service(
    router: &Router,
    token: &str,
    method: &str,
    body: &serde_json::Value,
) -> (StatusCode, serde_json::Value) {
    let request = Request::post(format!("/twirp/livekit.RoomService/{method}"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, _, body) = ask(router, request).await;
    (status, serde_json::from_slice(&body).unwrap())
}

/// Serves the router on a port of the system's choice.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(livekit_server::serve_http(listener, router, CancellationToken::new()));
    address
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens a signalling WebSocket; the path carries the query.
pub(crate) async fn open(
    address: SocketAddr,
    path: &str,
) -> Result<Socket, Box<tokio_tungstenite::tungstenite::Error>> {
    let opened = tokio_tungstenite::connect_async(format!("ws://{address}{path}")).await;
    opened.map(|(socket, _)| socket).map_err(Box::new)
}

/// Joins `room` as `identity` on `/rtc/v1`.
pub(crate) async fn join(address: SocketAddr, identity: &str, room: &str) -> Socket {
    let path = format!("/rtc/v1?access_token={}&join_request={}", join_token(identity, room), join_request());
    open(address, &path).await.unwrap()
}

/// The next signalling message in a binary frame; pings in between are answered below us.
pub(crate) async fn next_signal(socket: &mut Socket) -> Option<proto::signal_response::Message> {
    loop {
        match socket.next().await?.ok()? {
            Message::Binary(bytes) => return proto::SignalResponse::decode(bytes).unwrap().message,
            Message::Close(_) => return None,
            _ => {}
        }
    }
}
