//! A media server that keeps rooms in memory and answers the RoomService calls of the product.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use kit::{Clock as _, MockClock};
use prost::Message;
use signal::token::{ApiKeys, VideoGrant, verify};

use super::{API_KEY, API_SECRET};
use crate::features::livekit::proto;

/// Its state can be looked at and changed by the test.
#[derive(Clone)]
pub(crate) struct FakeLivekit(Arc<Mutex<Inner>>, Arc<MockClock>);

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<String, Vec<proto::ParticipantInfo>>,
    calls: Vec<String>,
    sent: Vec<proto::SendDataRequest>,
    failing: bool,
    /// The room that nothing is told of, only "no".
    broken: Option<String>,
    /// CreateRoom is not answered for now.
    held: bool,
    /// Chat messages are never answered.
    silent: bool,
    connections: usize,
    created: Vec<proto::CreateRoomRequest>,
}

impl FakeLivekit {
    pub(crate) fn new(clock: Arc<MockClock>) -> Self {
        Self(Arc::default(), clock)
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().route("/twirp/livekit.RoomService/{method}", post(call)).with_state(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything is answered with 503 from now on.
    pub(crate) fn fail(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// This one room is answered for with 503 from now on.
    pub(crate) fn break_room(&self, room: &str) {
        self.lock().broken = Some(room.to_owned());
    }

    /// Whether CreateRoom waits from now on.
    pub(crate) fn hold(&self, held: bool) {
        self.lock().held = held;
    }

    /// Messages into rooms are never answered from now on.
    pub(crate) fn silence_all(&self) {
        self.lock().silent = true;
    }

    /// What CreateRoom was asked with since the last time this was asked.
    pub(crate) fn take_created(&self) -> Vec<proto::CreateRoomRequest> {
        std::mem::take(&mut self.lock().created)
    }

    /// Somebody connects with a token: no question asked, as LiveKit asks none of us.
    pub(crate) fn connect(&self, room: &str, identity: &str, name: &str) {
        let mut inner = self.lock();
        inner.connections += 1;
        let participant = proto::ParticipantInfo {
            sid: format!("PA_{}", inner.connections),
            identity: identity.to_owned(),
            name: name.to_owned(),
            state: proto::participant_info::State::Active.into(),
            joined_at_ms: self.1.now().get() + i64::try_from(inner.connections).unwrap(),
            ..Default::default()
        };
        let room = inner.rooms.entry(room.to_owned()).or_default();
        room.retain(|other| other.identity != identity);
        room.push(participant);
    }

    pub(crate) fn disconnect(&self, room: &str, identity: &str) {
        if let Some(room) = self.lock().rooms.get_mut(room) {
            room.retain(|other| other.identity != identity);
        }
    }

    /// kill -9: all rooms are gone.
    pub(crate) fn restart(&self) {
        self.lock().rooms.clear();
    }

    pub(crate) fn rooms(&self) -> Vec<String> {
        self.lock().rooms.keys().cloned().collect()
    }

    pub(crate) fn identities(&self, room: &str) -> Vec<String> {
        self.lock()
            .rooms
            .get(room)
            .map(|people| people.iter().map(|one| one.identity.clone()).collect())
            .unwrap_or_default()
    }

    /// A room that somebody else made with our key.
    pub(crate) fn create_room(&self, room: &str) {
        self.lock().rooms.entry(room.to_owned()).or_default();
    }

    /// The calls since the last time this was asked.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Data messages since the last time this was asked.
    pub(crate) fn take_sent(&self) -> Vec<proto::SendDataRequest> {
        std::mem::take(&mut self.lock().sent)
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, r#"{"code":"not_found","msg":"requested room does not exist"}"#).into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "callers make the answer in place")]
fn ok(answer: impl Message) -> Response {
    answer.encode_to_vec().into_response()
}

async fn call(
    State(livekit): State<FakeLivekit>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == "SendData" && livekit.lock().silent {
        std::future::pending::<()>().await;
    }
    livekit.lock().calls.push(method.clone());
    while method == "CreateRoom" && livekit.lock().held {
        tokio::task::yield_now().await;
    }
    let mut inner = livekit.lock();
    if inner.failing {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let keys = ApiKeys::new(vec![(API_KEY.into(), API_SECRET.into())]);
    let now_s = u64::try_from(livekit.1.now().as_seconds()).unwrap();
    let grant = verify(token, &keys, now_s).expect("the product signs its calls").grant();
    answer(&mut inner, &method, &grant, &body)
}

fn answer(inner: &mut Inner, method: &str, grant: &VideoGrant, body: &[u8]) -> Response {
    match method {
        "CreateRoom" => {
            assert!(grant.room_create);
            let request = proto::CreateRoomRequest::decode(body).unwrap();
            inner.rooms.entry(request.name.clone()).or_default();
            inner.created.push(request.clone());
            ok(proto::Room { sid: format!("RM_{}", request.name), name: request.name, ..Default::default() })
        }
        "ListRooms" => {
            assert!(grant.room_list);
            let names = proto::ListRoomsRequest::decode(body).unwrap().names;
            let rooms = inner.rooms.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
            let rooms = rooms
                .map(|(name, people)| proto::Room {
                    sid: format!("RM_{name}"),
                    name: name.clone(),
                    num_participants: u32::try_from(people.len()).unwrap(),
                    ..Default::default()
                })
                .collect();
            ok(proto::ListRoomsResponse { rooms })
        }
        "DeleteRoom" => {
            let room = proto::DeleteRoomRequest::decode(body).unwrap().room;
            assert!(grant.room_create);
            if inner.rooms.remove(&room).is_some() { ok(proto::DeleteRoomResponse::default()) } else { not_found() }
        }
        "ListParticipants" => {
            let room = proto::ListParticipantsRequest::decode(body).unwrap().room;
            assert!(grant.room_admin && grant.room == room);
            if inner.broken.as_ref() == Some(&room) {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            match inner.rooms.get(&room) {
                Some(participants) => ok(proto::ListParticipantsResponse { participants: participants.clone() }),
                None => not_found(),
            }
        }
        "RemoveParticipant" => {
            let request = proto::RoomParticipantIdentity::decode(body).unwrap();
            assert!(grant.room_admin && grant.room == request.room);
            let Some(room) = inner.rooms.get_mut(&request.room) else { return not_found() };
            room.retain(|one| one.identity != request.identity);
            ok(proto::RemoveParticipantResponse::default())
        }
        "SendData" => {
            let request = proto::SendDataRequest::decode(body).unwrap();
            assert!(grant.room_admin && grant.room == request.room);
            inner.sent.push(request);
            ok(proto::SendDataResponse::default())
        }
        other => panic!("the product called {other}"),
    }
}
