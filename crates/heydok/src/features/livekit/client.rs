//! LiveKit's RoomService (Twirp, protobuf) with short-lived server tokens.
//!
//! One struct for both deployments: to a LiveKit cluster by HTTP, or with the same bytes into the embedded server's router.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use kit::{Secret, SharedClock};
use prost::Message;
use signal::token::{Claims, VideoGrant, sign};
use tower::ServiceExt as _;

pub use livekit_protocol as proto;

/// How long a server token is valid. Requests take milliseconds; clocks differ by seconds.
const TOKEN_TTL_S: u64 = 60;
/// Most bytes of an answer: ListParticipants of the fullest room stays far below.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// Why the media server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the media server cannot be reached: {0}")]
    Unreachable(String),
    /// A Twirp error: its code (`not_found`, `unauthenticated`, …) and message.
    #[error("the media server refused: {code}: {message}")]
    Refused { code: String, message: String },
    #[error("the media server's answer is no protobuf: {0}")]
    Unreadable(#[from] prost::DecodeError),
}

impl Error {
    /// Whether the room or participant does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "not_found")
    }
}

/// How requests get there.
#[derive(Debug, Clone)]
pub enum Wire {
    /// To a LiveKit server: its HTTP address without a slash at the end.
    Http { client: reqwest::Client, base: String },
    /// Into the embedded server's Twirp router.
    Memory(Router),
}

/// The client.
#[derive(Debug, Clone)]
pub struct Livekit {
    wire: Wire,
    key: String,
    secret: Secret,
    clock: SharedClock,
}

impl Livekit {
    pub fn new(wire: Wire, key: String, secret: Secret, clock: SharedClock) -> Self {
        Self { wire, key, secret, clock }
    }

    /// Makes the room, or finds it if it exists.
    pub async fn create_room(&self, request: &proto::CreateRoomRequest) -> Result<proto::Room, Error> {
        let grant = VideoGrant { room_create: true, ..VideoGrant::default() };
        self.call("CreateRoom", grant, request).await
    }

    /// All rooms, or those of `names`.
    pub async fn list_rooms(&self, names: Vec<String>) -> Result<Vec<proto::Room>, Error> {
        let grant = VideoGrant { room_list: true, ..VideoGrant::default() };
        let answer: proto::ListRoomsResponse =
            self.call("ListRooms", grant, &proto::ListRoomsRequest { names }).await?;
        Ok(answer.rooms)
    }

    /// Ends the room and disconnects everybody.
    pub async fn delete_room(&self, room: &str) -> Result<(), Error> {
        let grant = VideoGrant { room_create: true, ..VideoGrant::default() };
        let request = proto::DeleteRoomRequest { room: room.to_owned() };
        let answer: Result<proto::DeleteRoomResponse, Error> = self.call("DeleteRoom", grant, &request).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Who is in the room; empty if there is no such room.
    pub async fn list_participants(&self, room: &str) -> Result<Vec<proto::ParticipantInfo>, Error> {
        let request = proto::ListParticipantsRequest { room: room.to_owned() };
        let answer: Result<proto::ListParticipantsResponse, Error> =
            self.call("ListParticipants", admin(room), &request).await;
        match answer {
            Ok(answer) => Ok(answer.participants),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Disconnects a participant; nothing happens if it is gone already.
    pub async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), Error> {
        let request = proto::RoomParticipantIdentity {
            room: room.to_owned(),
            identity: identity.to_owned(),
            ..Default::default()
        };
        let answer: Result<proto::RemoveParticipantResponse, Error> =
            self.call("RemoveParticipant", admin(room), &request).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a data message to everybody in the room, or to `identities`.
    pub async fn send_data(&self, request: &proto::SendDataRequest) -> Result<(), Error> {
        let _: proto::SendDataResponse = self.call("SendData", admin(&request.room), request).await?;
        Ok(())
    }

    async fn call<A: Message + Default>(
        &self,
        method: &'static str,
        grant: VideoGrant,
        request: &impl Message,
    ) -> Result<A, Error> {
        let path = format!("/twirp/livekit.RoomService/{method}");
        let token = self.token(grant);
        let (status, answer) = match &self.wire {
            Wire::Http { client, base } => {
                by_network(client, &format!("{base}{path}"), &token, request.encode_to_vec()).await?
            }
            Wire::Memory(router) => in_memory(router, &path, &token, request.encode_to_vec()).await?,
        };
        if status == StatusCode::OK {
            return Ok(A::decode(answer)?);
        }
        Err(refusal(status, &answer))
    }

    fn token(&self, grant: VideoGrant) -> String {
        let now_s = u64::try_from(self.clock.now().as_seconds()).unwrap_or(0);
        let claims = Claims {
            iss: self.key.clone(),
            sub: "heydok".into(),
            nbf: Some(now_s.saturating_sub(10)),
            exp: Some(now_s + TOKEN_TTL_S),
            video: Some(grant),
            ..Claims::default()
        };
        sign(&claims, self.secret.expose())
    }
}

fn admin(room: &str) -> VideoGrant {
    VideoGrant { room_admin: true, room: room.to_owned(), ..VideoGrant::default() }
}

async fn by_network(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), Error> {
    let request =
        client.post(url).bearer_auth(token).header(CONTENT_TYPE, "application/protobuf").timeout(PATIENCE).body(body);
    let unreachable = |error: reqwest::Error| Error::Unreachable(error.without_url().to_string());
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::Unreachable("its answer is too large".into()));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok((status, answer.into()))
}

async fn in_memory(router: &Router, path: &str, token: &str, body: Vec<u8>) -> Result<(StatusCode, Bytes), Error> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/protobuf")
        .body(Body::from(body))
        .map_err(|error| Error::Unreachable(error.to_string()))?;
    let exchange = async {
        let Ok(response) = router.clone().oneshot(request).await;
        let status = response.status();
        let answer = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        answer.map(|answer| (status, answer)).map_err(|error| Error::Unreachable(error.to_string()))
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(result) => result,
        Err(_) => Err(Error::Unreachable("it did not answer in time".into())),
    }
}

#[derive(serde::Deserialize)]
struct TwirpError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    msg: String,
}

fn refusal(status: StatusCode, body: &[u8]) -> Error {
    match serde_json::from_slice::<TwirpError>(body) {
        Ok(error) if !error.code.is_empty() => {
            Error::Refused { code: error.code, message: error.msg.chars().take(200).collect() }
        }
        _ if status.is_server_error() => Error::Unreachable(format!("it answered {status}")),
        _ => Error::Refused { code: status.as_u16().to_string(), message: String::new() },
    }
}
