use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use db::sql;
use http::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signal::token::{Claims, sign};

use crate::tests::{API_KEY, API_SECRET, START, TestApp, UNLIMITED, each_engine};

const EXTERNAL: [(&str, &str); 3] =
    [("LIVEKIT_URL", "wss://lk.test"), ("LIVEKIT_API_KEY", API_KEY), ("LIVEKIT_API_SECRET", API_SECRET)];

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
                "meeting.ended",
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
    assert_eq!(app.livekit.rooms(), std::slice::from_ref(&room), "that of {quiet} is made when somebody asks for it");
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

/// A server that is not ours cannot be told to make a room when somebody asks for it. So the room of each open meeting is made
/// again as soon as it is missed, and then waits for people until the meeting is over.
#[tokio::test]
async fn an_external_server_keeps_the_rooms_of_open_meetings() {
    let app = TestApp::with(&[UNLIMITED, &EXTERNAL].concat()).await;
    let open = app.create("").await;
    let ended = app.create("").await;
    let room = format!("meeting-{}", open.id);
    let made = app.livekit.take_created();
    assert_eq!((made[0].name.as_str(), made[0].empty_timeout, made[0].departure_timeout), (room.as_str(), 300, 20));
    app.delete_with(&format!("/api/v1/meetings/{}", ended.id), "x-host-key", &ended.host_key).await;
    app.work().await;
    app.advance(300);
    app.livekit.restart();
    for (name, left) in [(&room, 86_400 - 300), (&format!("meeting-{}", ended.id), 0)] {
        // What the webhook `room_finished` makes us do.
        app.app.reconciler.room(&app.app, name).await.unwrap();
        let timeouts: Vec<_> = app.livekit.take_created().iter().map(|made| made.empty_timeout).collect();
        assert_eq!(timeouts, if left > 0 { vec![left] } else { vec![] });
    }
    app.livekit.restart();
    app.advance(100);
    app.sweep().await;
    assert_eq!(app.livekit.rooms(), std::slice::from_ref(&room));
    assert_eq!(app.livekit.take_created()[0].empty_timeout, 86_400 - 400);
    app.livekit.take_calls();
    app.sweep().await;
    assert_eq!(app.livekit.take_calls(), ["ListRooms"], "a room that only waits is not asked for people");
    app.advance(86_400);
    app.sweep().await;
    assert!(app.livekit.rooms().is_empty());
}

/// A room that fails keeps no other one waiting, and rooms of other programs are none of our business.
#[tokio::test]
async fn one_bad_room_starves_no_other() {
    let app = TestApp::new().await;
    let mut codes = [app.create("").await.id, app.create("").await.id];
    // They are looked at in this order.
    codes.sort();
    let [bad, good] = codes;
    app.livekit.create_room("somebody-elses");
    app.livekit.connect("somebody-elses", "x", "X");
    app.livekit.connect(&format!("meeting-{bad}"), "b", "B");
    app.livekit.connect(&format!("meeting-{good}"), "g", "G");
    app.livekit.break_room(&format!("meeting-{bad}"));
    app.livekit.take_calls();
    app.sweep().await;
    assert_eq!(app.livekit.take_calls(), ["ListRooms", "ListParticipants", "ListParticipants"]);
    let count =
        async |code: &str| app.get(&format!("/api/v1/meetings/{code}/info")).await.json()["participant_count"].clone();
    assert_eq!((count(&bad).await, count(&good).await), (json!(0), json!(1)));
}

/// Whoever was inside when this process stopped left when it last looked, not when it came back; and each of them leaves.
#[tokio::test]
async fn ghosts_left_when_they_were_last_seen() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    app.enter(&meeting, "Ben").await;
    app.advance(30);
    app.sweep().await;
    let last_seen = app.app.now();
    // Anna leaves while nobody looks; then the media server is started anew as well, and Ben never comes back.
    app.livekit.disconnect(&room, &anna.participant_id);
    app.advance(3_600);
    app.sweep().await;
    app.livekit.restart();
    app.advance(15);
    app.sweep().await;
    let ben_last_seen = app.app.now();
    app.advance(30);
    app.sweep().await;
    app.sweep().await;
    let mut conn = app.app.db.read().await.unwrap();
    let rows =
        conn.all(sql("SELECT left_at, duration_seconds FROM meeting_participants ORDER BY left_at")).await.unwrap();
    let left: Vec<_> =
        rows.iter().map(|row| (row.at("left_at").unwrap(), row.int("duration_seconds").unwrap())).collect();
    assert_eq!(left, [(last_seen, 30), (ben_last_seen, 3_645)]);
    let ended = conn.one(sql("SELECT ended_at, end_reason FROM meeting_instances")).await.unwrap();
    assert_eq!((ended.at("ended_at").unwrap(), ended.text("end_reason").unwrap()), (ben_last_seen, "empty".into()));
    drop(conn);
    assert_eq!(kinds(&app).await.iter().filter(|kind| *kind == "participant.left").count(), 2);
}

/// When a conference is ended around people, each of them leaves, before its end is told, once.
#[tokio::test]
async fn everybody_leaves_a_conference_that_is_ended() {
    for settings in [&[][..], &[("MAX_MEETING_DURATION", "1h")]] {
        let app = TestApp::with(&[UNLIMITED, settings].concat()).await;
        let made = app.create("").await;
        app.enter(&made.id, "Anna").await;
        app.enter(&made.id, "Ben").await;
        if settings.is_empty() {
            app.delete_with(&format!("/api/v1/meetings/{}", made.id), "x-host-key", &made.host_key).await;
        } else {
            app.advance(3_600);
            app.sweep().await;
        }
        let kinds = kinds(&app).await;
        assert_eq!(kinds[kinds.len() - 3..], ["participant.left", "participant.left", "meeting.ended"], "{settings:?}");
        app.sweep().await;
        let rows =
            app.app.db.read().await.unwrap().all(sql("SELECT leave_reason FROM participant_sessions")).await.unwrap();
        let reasons: Vec<_> = rows.iter().map(|row| row.text("leave_reason").unwrap()).collect();
        assert_eq!(reasons, ["room_ended", "room_ended"]);
    }
}

/// Somebody refused who comes again and again is written down once in a while, not at each look.
#[tokio::test]
async fn a_refusal_is_written_down_once() {
    let app = TestApp::new().await;
    let meeting = app.create(r#"{"max_participants":2}"#).await.id;
    let room = format!("meeting-{meeting}");
    app.enter(&meeting, "Anna").await;
    app.enter(&meeting, "Ben").await;
    let denied = async || {
        let count = sql("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'join.denied'");
        app.app.db.read().await.unwrap().one(count).await.unwrap().int("n").unwrap()
    };
    for _ in 0..3 {
        app.livekit.connect(&room, "loop", "Loop");
        app.sweep().await;
        assert!(!app.livekit.identities(&room).contains(&"loop".to_owned()));
        app.advance(1);
    }
    assert_eq!(denied().await, 1);
    app.livekit.connect(&room, "other", "Other");
    app.sweep().await;
    assert_eq!(denied().await, 2);
    app.advance(3_600);
    app.livekit.connect(&room, "loop", "Loop");
    app.sweep().await;
    assert_eq!(denied().await, 3);
}

/// A removal that had to wait asks again whether it is still wanted: a seat may have become free meanwhile.
#[tokio::test]
async fn who_was_let_in_again_is_not_removed() {
    let app = TestApp::new().await;
    let meeting = app.create(r#"{"max_participants":2}"#).await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    app.enter(&meeting, "Ben").await;
    app.livekit.connect(&room, "late", "Late");
    // The look refuses, the removal has not been done yet.
    app.app.reconciler.sweep(&app.app).await.unwrap();
    app.livekit.disconnect(&room, &anna.participant_id);
    app.app.reconciler.sweep(&app.app).await.unwrap();
    app.work().await;
    assert!(app.livekit.identities(&room).contains(&"late".to_owned()));
}

/// A room into which no message can be sent keeps nobody in another room who was removed from it.
#[tokio::test]
async fn a_slow_room_delays_no_removal() {
    let app = TestApp::new().await;
    let slow = [app.create("").await.id, app.create("").await.id, app.create("").await.id, app.create("").await.id];
    let full = app.create(r#"{"max_participants":2}"#).await.id;
    let room = format!("meeting-{full}");
    app.enter(&full, "Anna").await;
    app.enter(&full, "Ben").await;
    let mut writers = Vec::new();
    for meeting in &slow {
        writers.push((meeting, app.enter(meeting, "Cleo").await));
    }
    app.livekit.silence_all();
    for (meeting, writer) in writers {
        let path = format!("/api/v1/meetings/{meeting}/chat");
        let written =
            app.post_with(&path, r#"{"text":"x"}"#, "authorization", &format!("Bearer {}", writer.token)).await;
        assert_eq!(written.status, StatusCode::CREATED, "{}", written.text);
    }
    let workers = tokio::spawn(crate::features::jobs::run(app.app.clone()));
    app.livekit.connect(&room, "late", "Late");
    app.app.reconciler.sweep(&app.app).await.unwrap();
    let removed = async {
        while app.livekit.identities(&room).contains(&"late".to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(4), removed).await.expect("the removal does not wait");
    workers.abort();
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

/// What happens to people and meetings is in the log under the meeting's code, and so is each failure.
#[tokio::test]
async fn every_line_about_a_meeting_names_it() {
    let written = Arc::new(Mutex::new(Vec::<u8>::new()));
    let settings = crate::config::Logging { level: "info".into(), format: crate::config::LogFormat::Text, file: None };
    let sink: crate::logging::Sink = written.clone();
    let clock = kit::MockClock::at(START);
    // For all tests of the process: places that were first reached in a thread without a listener are asked again this way.
    tracing::subscriber::set_global_default(crate::logging::subscriber(&settings, clock, vec![sink])).unwrap();
    tracing::callsite::rebuild_interest_cache();
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    app.livekit.disconnect(&room, &anna.participant_id);
    app.sweep().await;
    app.app.rooms.forget(&room);
    app.livekit.fail(true);
    assert_eq!(app.try_join(&meeting, &json!({"display_name": "Ben"})).await.code(), "room_create_failed");
    app.livekit.fail(false);
    app.livekit.break_room(&room);
    app.sweep().await;
    // A room that answers again is empty, which ends its conference and lets the meeting expire.
    app.livekit.break_room("");
    app.advance(86_400);
    app.sweep().await;
    app.sweep().await;
    let all = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    // Other tests write there too.
    let about = format!(" meeting_id={meeting}");
    let lines: Vec<&str> = all.lines().filter(|line| line.contains(&about)).collect();
    let log = lines.join("\n");
    for words in [
        "room created",
        "participant admitted",
        "conference started",
        "participant joined",
        "participant left",
        "request failed",
        "a room could not be looked at",
        "meeting expired",
    ] {
        let line = lines.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words:?} in\n{log}"));
        assert_eq!(line.matches(&about).count(), 1, "{line}");
    }
    assert!(!log.contains("Anna") && !log.contains("Ben"), "{log}");
    for words in ["participant joined", "participant left"] {
        assert!(log.contains(&format!("{words} meeting_id={meeting} participant_id={}", anna.participant_id)), "{log}");
    }
}

/// Who signs is never limited, because what is refused is not sent again; who does not is.
#[tokio::test]
async fn only_unsigned_webhooks_are_limited() {
    let app = TestApp::with(&[("RATE_LIMIT_WEBHOOK", "2/minute")]).await;
    let body = json!({"event": "room_started", "room": {"name": "r"}}).to_string();
    let sha256 = STANDARD.encode(Sha256::digest(body.as_bytes()));
    let exp = Some(START.as_seconds() as u64 + 60);
    let good = sign(&Claims { iss: API_KEY.into(), exp, sha256, ..Claims::default() }, API_SECRET);
    let post = async |authorization: &str| {
        app.post_with("/api/webhooks/livekit", body.clone(), "authorization", authorization).await.status
    };
    for _ in 0..5 {
        assert_eq!(post(&good).await, StatusCode::OK);
    }
    for status in [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(post("x").await, status);
    }
    assert_eq!(post(&good).await, StatusCode::OK);
    // The embedded server's way, which has no address.
    let receiver = crate::features::livekit::http::receiver_in_memory(&app.app);
    let in_memory = async |authorization: &str| {
        let request = http::Request::post("/api/v1/webhooks/livekit").header("authorization", authorization);
        let request = request.body(axum::body::Body::from(body.clone())).unwrap();
        tower::ServiceExt::oneshot(receiver.clone(), request).await.unwrap().status()
    };
    assert_eq!(in_memory("x").await, StatusCode::UNAUTHORIZED);
    for _ in 0..5 {
        assert_eq!(in_memory(&good).await, StatusCode::OK);
    }
}
