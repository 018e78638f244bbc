use http::StatusCode;

use crate::tests::TestApp;

/// Names are public only where the link alone lets one in.
#[tokio::test]
async fn names_are_public_only_in_open_meetings() {
    let app = TestApp::new().await;
    let open = app.create("").await;
    let anna = app.enter(&open.id, "Anna").await;
    let path = format!("/api/v1/meetings/{}/participants", open.id);
    let listed = app.get(&path).await.json();
    assert_eq!(listed["count"], 1);
    assert_eq!(listed["participants"][0]["participant_id"], anna.participant_id.as_str());
    assert_eq!(listed["participants"][0]["display_name"], "Anna");
    app.livekit.disconnect(&format!("meeting-{}", open.id), &anna.participant_id);
    app.sweep().await;
    assert_eq!(app.get(&path).await.json()["count"], 0);
    assert_eq!(app.get(&format!("{path}?include=left")).await.json()["count"], 1);
    assert_eq!(app.get(&format!("{path}?include=all")).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let shut = app.create(r#"{"password":"geheim"}"#).await;
    let host =
        app.try_join(&shut.id, &serde_json::json!({"display_name": "H", "host_key": shut.host_key})).await.json();
    let path = format!("/api/v1/meetings/{}/participants", shut.id);
    let bearer = |token: &str| format!("Bearer {token}");
    assert_eq!(app.get(&path).await.code(), "forbidden");
    assert_eq!(app.get_with(&path, "authorization", &bearer("x.y.z")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get_with(&path, "authorization", &bearer(&anna.token)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get_with(&path, "x-host-key", "wrong").await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get_with(&path, "x-host-key", &shut.host_key).await.status, StatusCode::OK);
    assert_eq!(
        app.get_with(&path, "authorization", &bearer(host["token"].as_str().unwrap())).await.status,
        StatusCode::OK
    );
    assert_eq!(app.get("/api/v1/meetings/abc-defg-hij/participants").await.status, StatusCode::NOT_FOUND);
}
