//! E-92: open, watch and close the room of a page's self-test.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use kit::UnixMillis;
use node::Protocol;
use serde::Serialize;
use signal::token::{Claims, VideoGrant, sign};
use utoipa::ToSchema;

use super::rooms::{LIFETIME, Opened, SelftestRooms, Unopened};
use super::{THIRD, third};
use crate::app::App;
use crate::features::livekit;
use crate::http::body::FromFields;
use crate::http::limit::{self, Limit};
use crate::http::problem::{CAPACITY, Document, NOT_FOUND, ROOM_CREATE_FAILED};
use crate::http::{Body, Context, Fields, Problem};

/// The two connections of the page.
const PAGE: [&str; 2] = ["page-1", "page-2"];

/// Nothing needs to be said.
pub struct SelftestRequest;

impl FromFields for SelftestRequest {
    fn read(fields: &mut Fields) -> Self {
        fields.nothing_else();
        Self
    }
}

/// The way into the room, twice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Selftest)]
pub struct SelftestAnswer {
    /// Secret: whoever has it may watch and close the room.
    pub id: String,
    /// For `room.connect(livekit_url, token)`.
    #[schema(example = "wss://your-livekit-server.com")]
    pub livekit_url: String,
    /// One for each of `identities`.
    pub tokens: Vec<String>,
    #[schema(example = json!(["page-1", "page-2"]))]
    pub identities: Vec<&'static str>,
    /// Identity of the participant that the server brings.
    #[schema(example = "heydok")]
    pub third: &'static str,
    #[schema(example = "2026-01-01T10:01:00.000Z")]
    pub expires_at: String,
    #[schema(example = 60)]
    pub lifetime_seconds: u64,
    /// Ports for media that browsers are told; null where there is none, or where another server has them.
    #[schema(example = 7882)]
    pub udp_port: Option<u16>,
    #[schema(example = 7881)]
    pub tcp_port: Option<u16>,
    /// Bits of the third participant's video in a second.
    #[schema(example = 1_056_000)]
    pub video_bitrate: u32,
}

/// Start a self-test
///
/// Opens a room for at most a minute, in which two connections of a page and a participant of the server meet.
#[utoipa::path(post, path = "/api/v1/selftest", operation_id = "start_selftest", tag = "system",
    responses((status = 201, body = SelftestAnswer), (status = 400, body = Document), (status = 413, body = Document), (status = 422, body = Document), (status = 429, body = Document), (status = 502, body = Document), (status = 503, body = Document)))]
pub async fn start(
    State(app): State<App>,
    context: Context,
    body: Result<Body<SelftestRequest>, Problem>,
) -> Result<(StatusCode, Json<SelftestAnswer>), Problem> {
    limit::take(&app, &context, Limit::Selftest)?;
    body?;
    let opened = SelftestRooms::open(&app, context.network()).await.map_err(|unopened| match unopened {
        Unopened::Full => Problem::new(CAPACITY).detail("There is no place for a self-test now"),
        Unopened::Livekit(error) => Problem::new(ROOM_CREATE_FAILED).private(error),
    })?;
    let port = |protocol| {
        let told = &app.media.as_ref()?.addresses().candidates;
        told.iter().find(|told| told.protocol == protocol).map(|told| told.advertised.port())
    };
    let answer = SelftestAnswer {
        livekit_url: livekit::public_url(&app, &context),
        tokens: PAGE.iter().map(|identity| token(&app, &opened, identity)).collect(),
        identities: PAGE.to_vec(),
        third: THIRD,
        expires_at: opened.expires_at.to_string(),
        lifetime_seconds: LIFETIME.as_secs(),
        udp_port: port(Protocol::Udp),
        tcp_port: port(Protocol::TcpPassive),
        video_bitrate: third::video_bitrate(),
        id: opened.id,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// A token for this room, as long as it is open.
fn token(app: &App, opened: &Opened, identity: &str) -> String {
    let seconds = |at: UnixMillis| u64::try_from(at.as_seconds()).unwrap_or(0);
    let claims = Claims {
        iss: app.secrets.livekit_api_key.clone(),
        sub: identity.to_owned(),
        exp: Some(seconds(opened.expires_at)),
        video: Some(VideoGrant { room_join: true, room: opened.room.clone(), ..VideoGrant::default() }),
        ..Claims::default()
    };
    sign(&claims, app.secrets.livekit_api_secret.expose())
}

/// What arrived at the third participant, and what it sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SelftestThird {
    pub connected: bool,
    /// Streams that have brought packets.
    pub audio_streams: usize,
    pub video_streams: usize,
    pub audio_packets: u64,
    pub video_packets: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// Share of packets that did not arrive, 0 to 1.
    pub loss_ratio: f64,
    pub sent_packets: u64,
}

/// How the self-test goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SelftestState {
    #[schema(example = "2026-01-01T10:01:00.000Z")]
    pub expires_at: String,
    pub third: SelftestThird,
}

/// Watch a self-test
#[utoipa::path(get, path = "/api/v1/selftest/{id}", operation_id = "selftest", tag = "system", params(("id" = String, Path)),
    responses((status = 200, body = SelftestState), (status = 404, body = Document), (status = 429, body = Document)))]
pub async fn state(State(app): State<App>, Path(id): Path<String>) -> Result<Json<SelftestState>, Problem> {
    let (expires_at, seen) = app.selftests.look(&id).ok_or(NOT_FOUND)?;
    let third = SelftestThird {
        connected: seen.connected,
        audio_streams: seen.audio_streams,
        video_streams: seen.video_streams,
        audio_packets: seen.totals.audio,
        video_packets: seen.totals.video,
        bytes: seen.totals.bytes,
        loss_ratio: seen.totals.loss(),
        sent_packets: seen.totals.sent,
    };
    Ok(Json(SelftestState { expires_at: expires_at.to_string(), third }))
}

/// Close a self-test
///
/// Ends it and frees its place; also good where it has ended already.
#[utoipa::path(delete, path = "/api/v1/selftest/{id}", operation_id = "end_selftest", tag = "system", params(("id" = String, Path)),
    responses((status = 204), (status = 429, body = Document)))]
pub async fn end(State(app): State<App>, Path(id): Path<String>) -> StatusCode {
    app.selftests.close(&id);
    StatusCode::NO_CONTENT
}
