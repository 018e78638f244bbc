use http::{Method, StatusCode};
use serde_json::json;

use crate::tests::{TestApp, request};

const PATH: &str = "/api/v1/selftest";

/// A room of its own, two tokens that open nothing else, and a secret id that shows and closes it.
#[tokio::test]
async fn a_page_gets_a_room_for_a_minute() {
    let app = TestApp::new().await;
    let answer = app.post(PATH, "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let started = answer.json();
    assert_eq!(
        (&started["livekit_url"], &started["identities"], &started["third"], &started["expires_at"]),
        (&json!("ws://meet.test"), &json!(["page-1", "page-2"]), &json!("heydok"), &json!("2026-11-21T01:40:06.007Z"))
    );
    assert_eq!((&started["udp_port"], &started["video_bitrate"]), (&json!(null), &json!(1_056_000)));
    for (index, identity) in ["page-1", "page-2"].into_iter().enumerate() {
        let claims = app.app.verify(started["tokens"][index].as_str().unwrap()).unwrap();
        let grant = claims.grant();
        assert_eq!((claims.identity(), claims.exp), (identity, Some(1_795_225_206)));
        assert!(grant.room_join && grant.room.starts_with("selftest-"), "{grant:?}");
        assert!(!grant.room_admin && !grant.room_create && !grant.room_list && !grant.room_record);
    }
    let path = format!("{PATH}/{}", started["id"].as_str().unwrap());
    let state = app.get(&path).await.json();
    assert_eq!((&state["expires_at"], &state["third"]["connected"]), (&started["expires_at"], &json!(false)));
    assert_eq!(app.delete_with(&path, "x-test", "1").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.code(), "not_found");
    assert_eq!(app.delete_with(&path, "x-test", "1").await.status, StatusCode::NO_CONTENT);
}

/// Requests and rooms are bounded, each with its own answer, and what makes no sense is refused.
#[tokio::test]
async fn self_tests_are_bounded() {
    let app = TestApp::with(&[("RATE_LIMIT_SELFTEST", "7/min")]).await;
    assert_eq!(app.post(PATH, "{\"room\":\"mine\"}").await.code(), "validation_failed");
    for _ in 0..5 {
        assert_eq!(app.post(PATH, "{}").await.status, StatusCode::CREATED);
    }
    let full = app.post(PATH, "").await;
    assert_eq!((full.code().as_str(), full.header("retry-after").is_empty()), ("capacity", false));
    assert_eq!(app.post(PATH, "").await.code(), "rate_limited");
    let other = app.send_from(2, request(Method::POST, PATH), "").await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.text);
}

/// Where the media server does not answer, the place is free again.
#[tokio::test]
async fn a_room_that_cannot_be_made_takes_no_place() {
    let app = TestApp::new().await;
    app.livekit.fail(true);
    for _ in 0..6 {
        assert_eq!(app.post(PATH, "").await.code(), "room_create_failed");
    }
    app.livekit.fail(false);
    assert_eq!(app.post(PATH, "").await.status, StatusCode::CREATED);
}
