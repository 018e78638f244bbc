use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use db::sql;
use http::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signal::token::{Claims, sign};

use crate::tests::{API_KEY, API_SECRET, START, TestApp, UNLIMITED, each_engine};

async fn kinds(app: &TestApp) -> Vec<String> {
    let rows = app.app.db.read().await.unwrap().all(sql("SELECT type FROM events ORDER BY seq")).await.unwrap();
    rows.iter().map(|row| row.text("type").unwrap()).collect()
}

/// A meeting from the first arrival to the last leave, seen by looks alone: no webhook ever arrives. Looking twice changes nothing.
#[tokio::test]
async fn the_reconciler_alone_keeps_the_state() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let meeting = app.create("").await.id;
        let room = format!("meeting-{meeting}");
        let anna = app.enter(&meeting, "Anna").await;
        let ben = app.enter(&meeting, "Ben").await;
        app.sweep().await;
        let info = format!("/api/v1/meetings/{meeting}/info");
        assert_eq!(app.get(&info).await.json()["participant_count"], 2);
        app.advance(10);
        app.livekit.disconnect(&room, &anna.participant_id);
        app.sweep().await;
        app.sweep().await;
        app.livekit.disconnect(&room, &ben.participant_id);
        app.sweep().await;
        assert_eq!(app.get(&info).await.json()["participant_count"], 0);
        app.advance(20);
        app.sweep().await;
        assert_eq!(
            kinds(&app).await,
            [
                "meeting.created",
                "participant.admitted",
                "meeting.started",
                "participant.joined",
                "participant.admitted",
                "participant.joined",
                "participant.left",
                "participant.left",
                "meeting.instance_ended",
            ]
        );
        let row = app
            .app
            .db
            .read()
            .await
            .unwrap()
            .one(sql("SELECT peak, participants_count, end_reason FROM meeting_instances"))
            .await
            .unwrap();
        assert_eq!(
            (row.int("peak").unwrap(), row.int("participants_count").unwrap(), row.text("end_reason").unwrap()),
            (2, 2, "empty".into())
        );
        // The room is still open, and a second conference may begin.
        app.enter(&meeting, "Cleo").await;
        assert_eq!(app.get(&info).await.json()["status"], "active");
    })
    .await;
}

/// After kill -9 of the media server the rooms of running meetings exist again at once, and who comes back is the same person.
#[tokio::test]
async fn rooms_of_running_meetings_come_back() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    let ben = app.enter(&meeting, "Ben").await;
    let quiet = app.create("").await.id;
    app.advance(120);
    app.livekit.restart();
    app.sweep().await;
    assert_eq!(app.livekit.rooms(), std::slice::from_ref(&room), "nobody is on the way to {quiet}");
    assert_eq!(app.get(&format!("/api/v1/meetings/{meeting}/info")).await.json()["participant_count"], 2);
    app.livekit.connect(&room, &anna.participant_id, "Anna");
    app.advance(15);
    app.sweep().await;
    app.advance(16);
    app.sweep().await;
    let list = app.get(&format!("/api/v1/meetings/{meeting}/participants?include=left")).await.json();
    let mut left: Vec<_> = list["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["display_name"].as_str().unwrap_or_default().to_owned(), one["left_at"].is_null()))
        .collect();
    // They joined in the same millisecond, so either may come first.
    left.sort();
    assert_eq!(left, [("Anna".to_owned(), true), ("Ben".to_owned(), false)]);
    assert_eq!(kinds(&app).await.iter().filter(|kind| *kind == "participant.joined").count(), 2);
    let _ = ben;
}

/// Who has a token that is no longer good is removed on arrival: the same rule as at the door.
#[tokio::test]
async fn admission_is_checked_again_on_arrival() {
    let app = TestApp::new().await;
    let meeting = app.create(r#"{"max_participants":2}"#).await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    app.livekit.connect(&room, "sdk-client", "Robot");
    app.livekit.connect(&room, "sdk-too-many", "Robot 2");
    app.sweep().await;
    assert_eq!(app.livekit.identities(&room), [anna.participant_id.as_str(), "sdk-client"]);
    let list = app.get(&format!("/api/v1/meetings/{meeting}/participants")).await.json();
    let listed = list["participants"].as_array().unwrap();
    let external = |name: &str| listed.iter().find(|one| one["display_name"] == name).map(|one| &one["external"]);
    assert_eq!((external("Anna"), external("Robot")), (Some(&json!(false)), Some(&json!(true))));
    let meeting_row =
        crate::features::meetings::store::find(&mut app.app.db.read().await.unwrap(), &meeting).await.unwrap().unwrap();
    let (id, now) = (meeting_row.id.as_str(), app.app.now());
    let removed: Result<u64, db::Error> = db::write!(&app.app.db, conn => crate::features::join::store::remove(conn, id, &anna.participant_id, now).await);
    assert_eq!(removed.unwrap(), 1);
    app.sweep().await;
    assert_eq!(app.livekit.identities(&room), ["sdk-client"]);
    let lock = sql("UPDATE video_meetings SET locked = TRUE");
    let locked: Result<u64, db::Error> = db::write!(&app.app.db, conn => conn.execute(lock.clone()).await);
    assert_eq!(locked.unwrap(), 1);
    app.livekit.connect(&room, "sdk-late", "Late");
    app.sweep().await;
    assert_eq!(app.livekit.identities(&room), ["sdk-client"], "inside stays, new ones do not");
}

/// The room of an ended meeting is closed whenever it shows up; a room that is no meeting of ours is left alone.
#[tokio::test]
async fn only_rooms_of_ended_meetings_are_closed() {
    let app = TestApp::new().await;
    let made = app.create("").await;
    app.delete_with(&format!("/api/v1/meetings/{}", made.id), "x-host-key", &made.host_key).await;
    app.work().await;
    for room in [format!("meeting-{}", made.id), "somebody-elses".to_owned(), "meeting-zzz-zzzz-zzz".to_owned()] {
        app.livekit.create_room(&room);
        app.livekit.connect(&room, "sdk", "S");
    }
    app.sweep().await;
    assert_eq!(app.livekit.rooms(), ["meeting-zzz-zzzz-zzz", "somebody-elses"]);
}

/// What a crash left half made is closed after two minutes.
#[tokio::test]
async fn half_made_meetings_are_closed() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let creating = sql("UPDATE video_meetings SET access_state = 'creating'");
    let changed: Result<u64, db::Error> = db::write!(&app.app.db, conn => conn.execute(creating.clone()).await);
    assert_eq!(changed.unwrap(), 1);
    app.advance(60);
    app.sweep().await;
    assert_eq!(app.get(&format!("/api/v1/meetings/{meeting}/exists")).await.status, StatusCode::NOT_FOUND);
    app.advance(61);
    app.sweep().await;
    assert_eq!(app.get(&format!("/api/v1/meetings/{meeting}/exists")).await.code(), "meeting_cancelled");
}

/// A webhook is believed only with our signature over its very bytes, and makes us look, nothing more.
#[tokio::test]
async fn webhooks_are_signed_hints() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let body =
        json!({"event": "room_finished", "room": {"name": format!("meeting-{meeting}")}, "createdAt": "1"}).to_string();
    let token = |sha256: String, secret: &str| {
        sign(
            &Claims { iss: API_KEY.into(), exp: Some(START.as_seconds() as u64 + 60), sha256, ..Claims::default() },
            secret,
        )
    };
    let good = token(STANDARD.encode(Sha256::digest(body.as_bytes())), API_SECRET);
    let post = async |body: &str, authorization: &str| {
        app.post_with("/api/webhooks/livekit", body.to_owned(), "authorization", authorization).await.status
    };
    assert!(app.app.rooms.is_known(&format!("meeting-{meeting}")));
    assert_eq!(
        post(&body, &token(STANDARD.encode(Sha256::digest(body.as_bytes())), "another-secret")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        post(&body, &token(STANDARD.encode(Sha256::digest(b"other")), API_SECRET)).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(post(&body, "").await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&body.replace("finished", "started"), &good).await, StatusCode::UNAUTHORIZED);
    assert!(app.app.rooms.is_known(&format!("meeting-{meeting}")), "nobody unsigned changes anything");
    assert_eq!(post(&body, &good).await, StatusCode::OK);
    assert!(!app.app.rooms.is_known(&format!("meeting-{meeting}")));
    let junk = "{";
    assert_eq!(
        post(junk, &token(STANDARD.encode(Sha256::digest(junk.as_bytes())), API_SECRET)).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        app.post_with("/api/webhooks/livekit", vec![b' '; 300_000], "authorization", &good).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let deaf = TestApp::with(&[("LIVEKIT_WEBHOOK", "off")]).await;
    let refused = deaf.post_with("/api/webhooks/livekit", body.clone(), "authorization", &good).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "feature_disabled"));
}
