//! RoomService and its neighbours over Twirp, in JSON and in protobuf.

use axum::body::Body;
use http::Request;
use livekit_protocol as proto;
use node::token::VideoGrant;
use serde_json::json;

use super::support::{ask, room_service, server_token, start, token};

async fn protobuf<T: prost::Message + Default>(
    router: &axum::Router,
    token: &str,
    method: &str,
    message: &impl prost::Message,
) -> (u16, T) {
    let request = Request::post(format!("/twirp/livekit.RoomService/{method}"))
        .header("content-type", "application/protobuf")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(message.encode_to_vec()))
        .unwrap();
    let (status, headers, body) = ask(router, request).await;
    assert_eq!(headers["content-type"], "application/protobuf", "{}", String::from_utf8_lossy(&body));
    (status.as_u16(), T::decode(body.as_slice()).unwrap())
}

/// What is created with one encoding is seen with the other.
#[tokio::test]
async fn both_encodings_tell_the_same() {
    let handle = start();
    let router = handle.router();
    let server = server_token("meeting-x");
    // snake_case is accepted, unknown fields are ignored.
    let body = json!({"name": "meeting-x", "empty_timeout": 77, "metadata": "é", "somethingNew": {"a": [1]}});
    let (status, room) = room_service(&router, &server, "CreateRoom", &body).await;
    assert_eq!((status.as_u16(), &room["name"], &room["emptyTimeout"]), (200, &json!("meeting-x"), &json!(77)));
    assert!(room["creationTime"].is_string(), "64-bit integers are strings: {room}");
    let request = proto::ListRoomsRequest { names: vec!["meeting-x".into()] };
    let (status, rooms) = protobuf::<proto::ListRoomsResponse>(&router, &server, "ListRooms", &request).await;
    assert_eq!((status, rooms.rooms.len()), (200, 1));
    let found = &rooms.rooms[0];
    assert_eq!(
        (found.empty_timeout, found.metadata.as_str(), found.sid.as_str()),
        (77, "é", room["sid"].as_str().unwrap())
    );
    let delete = proto::DeleteRoomRequest { room: "meeting-x".into() };
    let (status, _) = protobuf::<proto::DeleteRoomResponse>(&router, &server, "DeleteRoom", &delete).await;
    assert_eq!(status, 200);
    let (status, rooms) = room_service(&router, &server, "ListRooms", &json!({})).await;
    assert_eq!((status.as_u16(), rooms), (200, json!({})));
    handle.shutdown().await;
}

/// A method without its grant is "unauthenticated", as LiveKit says it, and nothing is done.
#[tokio::test]
async fn each_method_needs_its_grant() {
    let handle = start();
    let router = handle.router();
    let create = VideoGrant { room_create: true, ..VideoGrant::default() };
    let list = VideoGrant { room_list: true, ..VideoGrant::default() };
    let admin = VideoGrant { room_admin: true, room: "meeting-x".into(), ..VideoGrant::default() };
    let other = VideoGrant { room_admin: true, room: "meeting-y".into(), ..VideoGrant::default() };
    let room = json!({"room": "meeting-x", "identity": "anna"});
    let cases = [
        ("CreateRoom", json!({"name": "meeting-x"}), &list, 401, "unauthenticated"),
        ("CreateRoom", json!({"name": "meeting-x"}), &admin, 401, "unauthenticated"),
        ("CreateRoom", json!({"name": "meeting-x"}), &create, 200, ""),
        ("ListRooms", json!({}), &create, 401, "unauthenticated"),
        ("ListRooms", json!({}), &list, 200, ""),
        ("ListParticipants", room.clone(), &create, 401, "unauthenticated"),
        ("ListParticipants", room.clone(), &other, 401, "unauthenticated"),
        ("ListParticipants", room.clone(), &admin, 200, ""),
        ("GetParticipant", room.clone(), &other, 401, "unauthenticated"),
        ("GetParticipant", room.clone(), &admin, 404, "not_found"),
        ("RemoveParticipant", room.clone(), &admin, 404, "not_found"),
        ("MutePublishedTrack", room.clone(), &other, 401, "unauthenticated"),
        ("UpdateParticipant", room.clone(), &other, 401, "unauthenticated"),
        ("UpdateSubscriptions", room.clone(), &other, 401, "unauthenticated"),
        ("SendData", room.clone(), &other, 401, "unauthenticated"),
        ("UpdateRoomMetadata", room.clone(), &other, 401, "unauthenticated"),
        ("ForwardParticipant", room.clone(), &admin, 501, "unimplemented"),
        ("DeleteRoom", json!({"room": "meeting-x"}), &admin, 401, "unauthenticated"),
        ("DeleteRoom", json!({"room": "meeting-x"}), &create, 200, ""),
        ("DeleteRoom", json!({"room": "meeting-x"}), &create, 404, "not_found"),
    ];
    for (method, body, grant, status, code) in cases {
        let (found, answer) = room_service(&router, &token("", grant.clone()), method, &body).await;
        let found_code = answer.get("code").and_then(|code| code.as_str()).unwrap_or_default();
        assert_eq!((found.as_u16(), found_code), (status, code), "{method} {answer}");
        assert_eq!(code.is_empty(), answer.get("msg").is_none(), "{method} {answer}");
    }
    handle.shutdown().await;
}

/// Requests that are no Twirp calls, or calls to what is not offered.
#[tokio::test]
async fn everything_else_has_its_error() {
    let handle = start();
    let router = handle.router();
    let server = server_token("meeting-x");
    let (post, get, json, protobuf) = ("POST", "GET", "application/json", "application/protobuf");
    let cases = [
        (get, "livekit.RoomService/ListRooms", json, "{}", 404, "bad_route"),
        (post, "livekit.RoomService/ListRooms", "text/plain", "{}", 404, "bad_route"),
        (post, "livekit.RoomService/ListRooms", "application/json; charset=utf-8", "{}", 200, ""),
        (post, "livekit.RoomService/DoMagic", json, "{}", 404, "bad_route"),
        (post, "livekit.Magic/ListRooms", json, "{}", 404, "bad_route"),
        (post, "livekit.RoomService", json, "{}", 404, "bad_route"),
        (post, "livekit.RoomService/ListRooms", json, "{", 400, "malformed"),
        (post, "livekit.RoomService/ListRooms", protobuf, "\x07", 400, "malformed"),
        (post, "livekit.Egress/ListEgress", json, "{}", 200, ""),
        (post, "livekit.Egress/StartRoomCompositeEgress", json, "{}", 501, "unimplemented"),
        (post, "livekit.Ingress/ListIngress", json, "{}", 200, ""),
        (post, "livekit.Ingress/CreateIngress", json, "{}", 501, "unimplemented"),
        (post, "livekit.SIP/ListSIPDispatchRule", json, "{}", 200, ""),
        (post, "livekit.SIP/CreateSIPParticipant", json, "{}", 501, "unimplemented"),
        (post, "livekit.AgentDispatchService/ListDispatch", json, "{}", 200, ""),
        (post, "livekit.AgentDispatchService/CreateDispatch", json, "{}", 501, "unimplemented"),
    ];
    for (method, path, content_type, body, status, code) in cases {
        let request = Request::builder()
            .method(method)
            .uri(format!("/twirp/{path}"))
            .header("content-type", content_type)
            .header("authorization", format!("Bearer {server}"))
            .body(Body::from(body))
            .unwrap();
        let (found, headers, answer) = ask(&router, request).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let found_code = answer.get("code").and_then(|code| code.as_str()).unwrap_or_default();
        assert_eq!((found.as_u16(), found_code), (status, code), "{method} {path} {answer}");
        assert!(headers["content-type"].to_str().unwrap().starts_with("application/json"));
    }
    handle.shutdown().await;
}

/// Without a token each service refuses in Twirp's form; a wrong token is refused before that, as plain text.
#[tokio::test]
async fn who_is_not_known_gets_nothing() {
    let handle = start();
    let router = handle.router();
    for path in ["livekit.RoomService/ListRooms", "livekit.Egress/ListEgress", "livekit.Ingress/CreateIngress"] {
        let request = Request::post(format!("/twirp/{path}")).header("content-type", "application/json");
        let (status, _, body) = ask(&router, request.body(Body::from("{}")).unwrap()).await;
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &error["code"]), (401, &json!("unauthenticated")), "{path}");
        let request = Request::post(format!("/twirp/{path}")).header("content-type", "application/json");
        let request = request.header("authorization", "Bearer a.b.c").body(Body::from("{}")).unwrap();
        let (status, _, body) = ask(&router, request).await;
        assert_eq!((status.as_u16(), body.as_slice()), (401, &b"invalid authorization token"[..]), "{path}");
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn bodies_are_bounded() {
    let handle = start();
    let request = Request::post("/twirp/livekit.RoomService/ListRooms")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", server_token("")))
        .body(Body::from(vec![b' '; 10 * 1024 * 1024 + 1]))
        .unwrap();
    assert_eq!(ask(&handle.router(), request).await.0, 413);
    handle.shutdown().await;
}
