//! Which thread has which room, and that nobody outside can tell.

use http::StatusCode;
use livekit_protocol::signal_response::Message as Signal;
use livekit_server::{Handle, Server};
use serde_json::json;
use tokio::task::JoinSet;

use super::support::{
    config, join, join_request, join_token, next_signal, open, room_service, serve, server_token, start,
};

/// Rooms of each media thread. What calls change is told at once.
fn rooms(handle: &Handle) -> Vec<u64> {
    let each = handle.stats_each();
    assert_eq!(each.len(), super::MEDIA_THREADS + 1, "media threads and the receiver");
    each[..super::MEDIA_THREADS].iter().map(|one| one.rooms).collect()
}

async fn call(handle: &Handle, method: &str, body: serde_json::Value) -> (StatusCode, serde_json::Value) {
    let room = body["name"].as_str().or_else(|| body["room"].as_str()).unwrap_or_default().to_owned();
    room_service(&handle.router(), &server_token(&room), method, &body).await
}

/// Names in a list of rooms or participants, sorted.
fn names(list: &serde_json::Value, of: &str, name: &str) -> Vec<String> {
    let all = list[of].as_array().into_iter().flatten();
    let mut names: Vec<String> = all.map(|one| one[name].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Rooms are shared out, lists are of all threads, calls find their room, and one that has ended is made again elsewhere.
#[tokio::test]
async fn rooms_are_shared_out_and_found() {
    let handle = start();
    let address = serve(handle.router()).await;
    for name in ["a", "b", "c", "d"] {
        assert_eq!(call(&handle, "CreateRoom", json!({"name": name})).await.0, StatusCode::OK);
    }
    assert_eq!(rooms(&handle), [2, 1, 1]);
    assert_eq!(names(&call(&handle, "ListRooms", json!({})).await.1, "rooms", "name"), ["a", "b", "c", "d"]);
    assert_eq!(names(&call(&handle, "ListRooms", json!({"names": ["c", "x"]})).await.1, "rooms", "name"), ["c"]);
    // The room of the first thread is made again while that one has most to do.
    assert_eq!(call(&handle, "DeleteRoom", json!({"room": "b"})).await.0, StatusCode::OK);
    assert_eq!(call(&handle, "CreateRoom", json!({"name": "e"})).await.0, StatusCode::OK);
    assert_eq!(rooms(&handle), [2, 1, 1]);
    assert_eq!(call(&handle, "DeleteRoom", json!({"room": "c"})).await.0, StatusCode::OK);
    let mut socket = join(address, "anna", "b").await;
    assert!(matches!(next_signal(&mut socket).await, Some(Signal::Join(_))));
    assert_eq!(rooms(&handle), [2, 1, 1]);
    for (room, expected) in [("b", &["anna"][..]), ("a", &[])] {
        let (_, list) = call(&handle, "ListParticipants", json!({"room": room})).await;
        assert_eq!(names(&list, "participants", "identity"), expected, "{room}");
    }
    let (status, _) = call(&handle, "UpdateRoomMetadata", json!({"room": "b", "metadata": "new"})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(call(&handle, "DeleteRoom", json!({"room": "never"})).await.0, StatusCode::NOT_FOUND);
    handle.shutdown().await;
}

/// Many who come first at the same time are in one room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_joiners_meet() {
    const ROOMS: usize = 6;
    const PEOPLE: usize = 5;
    let handle = start();
    let address = serve(handle.router()).await;
    let mut joining = JoinSet::new();
    for index in 0..ROOMS * PEOPLE {
        joining
            .spawn(async move { join(address, &format!("person-{index}"), &format!("room-{}", index % ROOMS)).await });
    }
    let sockets = joining.join_all().await;
    let (_, list) = call(&handle, "ListRooms", json!({})).await;
    assert_eq!(names(&list, "rooms", "name"), (0..ROOMS).map(|room| format!("room-{room}")).collect::<Vec<_>>());
    for room in list["rooms"].as_array().unwrap() {
        assert_eq!(room["numParticipants"], PEOPLE, "{room}");
    }
    assert_eq!(rooms(&handle), [2, 2, 2]);
    drop(sockets);
    handle.shutdown().await;
}

/// Limits are of the server, not of each thread.
#[tokio::test]
async fn limits_are_of_all_threads_together() {
    let mut settings = config();
    (settings.limits.rooms, settings.limits.participants) = (4, 2);
    let handle = Server::start(settings).unwrap();
    let address = serve(handle.router()).await;
    for name in ["a", "b", "c", "d"] {
        assert_eq!(call(&handle, "CreateRoom", json!({"name": name})).await.0, StatusCode::OK);
    }
    let (status, body) = call(&handle, "CreateRoom", json!({"name": "e"})).await;
    assert_eq!((status, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("resource_exhausted")));
    let mut inside = Vec::new();
    for room in ["a", "b"] {
        inside.push(join(address, "anna", room).await);
    }
    let path = format!("/rtc/v1?access_token={}&join_request={}", join_token("anna", "c"), join_request());
    let refused = open(address, &path).await.expect_err("the server is full");
    assert!(refused.to_string().contains("503"), "{refused}");
    drop(inside);
    handle.shutdown().await;
}
