use axum::body::Body;
use db::sql;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::features::record::verify_audit;
use crate::tests::{TestApp, UNLIMITED, each_engine, request};

const CREATE: &str = "/api/v1/meetings/create";

/// The answer is the union of what the seeds print, and more; an empty body is enough.
#[tokio::test]
async fn create_answers_as_the_seeds_print() {
    let app = TestApp::new().await;
    let answer = app.post(CREATE, r#"{"name":" Mein  Meeting ","unknown":1}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    let made = answer.json();
    let id = made["meeting_id"].as_str().unwrap();
    assert!(kit::MeetingCode::parse(id).is_some(), "{id}");
    assert_eq!(made["meeting_url"], format!("http://meet.test/meeting/{id}"));
    assert_eq!(made["created_at"], "2026-11-21T01:39:06Z");
    assert_eq!(made["expires_at"], "2026-11-22T01:39:06Z");
    assert_eq!(made["name"], "Mein Meeting");
    assert_eq!(made["status"], "active");
    assert_eq!(made["host_url"], format!("http://meet.test/meeting/{id}#host={}", made["host_key"].as_str().unwrap()));
    assert_eq!(app.livekit.rooms(), [format!("meeting-{id}")]);
    let bare = app.send(request(Method::POST, CREATE).body(Body::empty()).unwrap()).await;
    assert_eq!((bare.status, &bare.json()["name"]), (StatusCode::OK, &Value::Null));
}

/// Links take FRONTEND_URL, the second seed's form, or the proxy's word where that proxy is trusted.
#[tokio::test]
async fn links_follow_configuration_and_proxy() {
    let url = async |settings: &[(&str, &str)]| {
        let app = TestApp::with(settings).await;
        let request =
            request(Method::POST, CREATE).header("x-forwarded-proto", "https").header("x-forwarded-host", "domain.com");
        let made = app.send(request.body(Body::empty()).unwrap()).await.json();
        made["meeting_url"].as_str().unwrap().replace(made["meeting_id"].as_str().unwrap(), "ID")
    };
    assert_eq!(url(&[]).await, "http://meet.test/meeting/ID");
    assert_eq!(url(&[("MEETING_URL_STYLE", "html")]).await, "http://meet.test/meeting.html?id=ID");
    assert_eq!(url(&[("FRONTEND_URL", "https://meet.example.org")]).await, "https://meet.example.org/meeting/ID");
    assert_eq!(url(&[("TRUSTED_PROXIES", "192.0.2.0/24")]).await, "https://domain.com/meeting/ID");
}

/// Wrong bodies are refused by field; what is not built is refused rather than ignored.
#[tokio::test]
async fn create_refuses_bad_bodies() {
    let app = TestApp::new().await;
    for (body, status) in [
        ("{", StatusCode::BAD_REQUEST),
        ("[]", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"name":5}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"password":"abc"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"max_participants":1}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"max_participants":501}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"waiting_room":true}"#, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(app.post(CREATE, body).await.status, status, "{body}");
    }
    assert_eq!(
        app.post(CREATE, format!(r#"{{"name":"{}"}}"#, "x".repeat(121))).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(app.livekit.rooms().is_empty());
}

/// Without a room there is no meeting: 502 with the seed's sentence, and the code leads nowhere.
#[tokio::test]
async fn a_meeting_without_a_room_is_closed_again() {
    let app = TestApp::new().await;
    app.livekit.fail(true);
    let answer = app.post(CREATE, "").await;
    assert_eq!(
        (answer.status, answer.json()["detail"].as_str()),
        (StatusCode::BAD_GATEWAY, Some("Failed to create meeting room"))
    );
    let row = app.app.db.read().await.unwrap().one(sql("SELECT code, access_state FROM video_meetings")).await.unwrap();
    assert_eq!(row.text("access_state").unwrap(), "closed");
    assert_eq!(
        app.get(&format!("/api/v1/meetings/{}/exists", row.text("code").unwrap())).await.status,
        StatusCode::GONE
    );
}

/// The same key and body give the same answer; another body is refused; many at once make one meeting.
#[tokio::test]
async fn an_idempotency_key_makes_one_meeting() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let post = async |body: &str| app.post_with(CREATE, body.to_owned(), "idempotency-key", "k1").await;
        let answers = futures::future::join_all((0..8).map(|_| post(r#"{"name":"A"}"#))).await;
        assert!(
            answers.iter().all(|answer| answer.status == StatusCode::OK || answer.code() == "idempotency_in_progress"),
            "{answers:?}"
        );
        assert_eq!(app.livekit.rooms().len(), 1);
        let again = post(r#"{"name":"A"}"#).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let first = answers.iter().find(|answer| answer.status == StatusCode::OK).unwrap();
        assert_eq!(again.json(), first.json());
        assert_eq!(post(r#"{"name":"B"}"#).await.code(), "idempotency_key_reused");
        app.advance(24 * 3_600 + 1);
        assert_eq!(post(r#"{"name":"B"}"#).await.status, StatusCode::OK);
        let bad = app.post_with(CREATE, "", "idempotency-key", &"x".repeat(129)).await;
        assert_eq!(bad.code(), "validation_failed");
    })
    .await;
}

/// Two meetings never share a code, whoever draws first.
#[tokio::test]
async fn a_code_that_is_taken_is_drawn_again() {
    each_engine(async |db| {
        let code_of = async |seed: u64, id: &str| {
            let entropy = kit::SeededEntropy::new(seed);
            let new = crate::features::meetings::store::NewMeeting {
                id: id.into(),
                title: String::new(),
                host_key: String::new(),
                password: None,
                max_participants: 2,
                expires_at: crate::tests::START,
                settings: "{}".into(),
            };
            let (new, entropy) = (&new, &*entropy);
            let code: Result<Option<String>, db::Error> =
                db::write!(&**db, conn => crate::features::meetings::store::insert(conn, new, entropy, crate::tests::START).await);
            code.unwrap().unwrap()
        };
        // The same seed draws the same codes: the second and third meeting must go on drawing.
        let (first, second, third) = (code_of(9, "a").await, code_of(9, "b").await, code_of(9, "c").await);
        assert!(first != second && second != third && first != third, "{first} {second} {third}");
    })
    .await;
}

/// Info tells what anybody with the link may know, with an ETag.
#[tokio::test]
async fn info_tells_what_a_link_holder_may_know() {
    let app = TestApp::new().await;
    let made = app.create(r#"{"name":"N","password":"geheim"}"#).await;
    let path = format!("/api/v1/meetings/{}/info", made.id);
    let answer = app.get(&path).await;
    assert_eq!(
        answer.json(),
        json!({
            "meeting_id": made.id, "meeting_url": format!("http://meet.test/meeting/{}", made.id), "name": "N", "status": "active",
            "created_at": "2026-11-21T01:39:06Z", "expires_at": "2026-11-22T01:39:06Z", "scheduled_start": null, "scheduled_end": null,
            "participant_count": 0, "max_participants": 20, "password_required": true, "waiting_room": false, "recording_active": false,
            "consent": "notice", "platform": "heydok",
        })
    );
    assert_eq!(app.get_with(&path, "if-none-match", answer.header("etag")).await.status, StatusCode::NOT_MODIFIED);
    assert!(!answer.text.contains("geheim") && !answer.text.contains(&made.host_key));
}

/// A browser asks anew each time, and hears at once that a seat was taken or is free again.
#[tokio::test]
async fn info_is_never_stale() {
    let app = TestApp::new().await;
    let made = app.create(r#"{"max_participants":2}"#).await;
    let path = format!("/api/v1/meetings/{}/info", made.id);
    let empty = app.get(&path).await;
    assert_eq!(empty.header("cache-control"), "private, no-cache");
    let anna = app.enter(&made.id, "Anna").await;
    let taken = app.get_with(&path, "if-none-match", empty.header("etag")).await;
    assert_eq!((taken.status, taken.json()["participant_count"].as_i64()), (StatusCode::OK, Some(1)));
    app.livekit.disconnect(&format!("meeting-{}", made.id), &anna.participant_id);
    app.sweep().await;
    let free = app.get_with(&path, "if-none-match", taken.header("etag")).await;
    assert_eq!((free.status, free.json()["participant_count"].as_i64()), (StatusCode::OK, Some(0)));
}

/// ANONYMOUS_CREATE=false: nobody makes meetings but who sits at a development server; clients are told beforehand.
#[tokio::test]
async fn not_everybody_may_create_where_that_is_switched_off() {
    const CREATE: &str = "/api/v1/meetings/create";
    let closed = TestApp::with(&[("ANONYMOUS_CREATE", "false")]).await;
    let refused = closed.post(CREATE, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "feature_disabled"));
    assert!(closed.livekit.rooms().is_empty());
    assert_eq!(closed.get("/api/v1/config").await.json()["features"]["anonymous_create"], false);
    assert_eq!(TestApp::new().await.get("/api/v1/config").await.json()["features"]["anonymous_create"], true);
    let development = TestApp::with(&[("ANONYMOUS_CREATE", "false"), ("HEYDOK_ENV", "development")]).await;
    let at_the_machine = || {
        let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 50_000)));
        Request::post(CREATE).header("host", "localhost:8000").extension(peer)
    };
    let made = development.send(at_the_machine().body(Body::empty()).unwrap()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let page = at_the_machine().header("origin", "http://localhost:8000").body(Body::empty()).unwrap();
    assert_eq!(development.send(page).await.code(), "feature_disabled");
}

/// Who hangs up in the middle and tries again with the same key gets the meeting that was being made.
#[tokio::test]
async fn a_caller_who_hangs_up_gets_the_same_meeting_later() {
    const CREATE: &str = "/api/v1/meetings/create";
    let app = TestApp::new().await;
    app.livekit.hold(true);
    let asked = async {
        while app.livekit.take_calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = app.post_with(CREATE, "", "idempotency-key", "k1") => panic!("{answer:?}"),
        () = asked => {}
    }
    app.livekit.hold(false);
    let again = async {
        loop {
            let again = app.post_with(CREATE, "", "idempotency-key", "k1").await;
            if again.code() != "idempotency_in_progress" {
                break again;
            }
        }
    };
    let again = tokio::time::timeout(std::time::Duration::from_secs(10), again).await.expect("it is finished");
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::OK, "true"));
    assert_eq!(app.livekit.rooms(), [format!("meeting-{}", again.json()["meeting_id"].as_str().unwrap())]);
}

/// A meeting lives for a day; then its link says so, its room is closed, and it never comes back.
#[tokio::test]
async fn a_meeting_expires() {
    let app = TestApp::new().await;
    let made = app.create("").await;
    let meeting = made.id;
    let exists = format!("/api/v1/meetings/{meeting}/exists");
    assert_eq!(app.get(&exists).await.json(), json!({"exists": true, "status": "active", "meeting_id": meeting}));
    app.advance(24 * 3_600);
    let gone = app.get(&exists).await;
    assert_eq!(
        (gone.status, gone.code().as_str(), gone.json()["exists"].as_bool()),
        (StatusCode::GONE, "meeting_expired", Some(false))
    );
    app.sweep().await;
    assert!(app.livekit.rooms().is_empty());
    // Its host cannot end it once more, only take its words out.
    let path = format!("/api/v1/meetings/{meeting}");
    assert_eq!(app.delete_with(&path, "x-host-key", &made.host_key).await.status, StatusCode::OK);
    assert_eq!(app.get(&format!("{path}/info")).await.json()["status"], "expired");
    let ended = sql("SELECT COUNT(*) AS n FROM events WHERE type = 'meeting.ended'");
    assert_eq!(app.app.db.read().await.unwrap().one(ended).await.unwrap().int("n").unwrap(), 1);
    app.delete_with(&format!("{path}?mode=delete"), "x-host-key", &made.host_key).await;
    assert_eq!(app.get(&format!("{path}/info")).await.status, StatusCode::NOT_FOUND);
    let unknown = app.get("/api/v1/meetings/zzz-zzzz-zzz/exists").await;
    assert_eq!((unknown.status, unknown.json()["exists"].as_bool()), (StatusCode::NOT_FOUND, Some(false)));
}

/// Only the host ends a meeting; the second time nothing happens; deleting takes the words out.
#[tokio::test]
async fn only_the_host_ends_a_meeting() {
    let app = TestApp::new().await;
    let made = app.create(r#"{"name":"Secret plan"}"#).await;
    let other = app.create("").await;
    app.enter(&made.id, "Anna").await;
    let path = format!("/api/v1/meetings/{}", made.id);
    for (name, value) in [("x-host-key", other.host_key.as_str()), ("x-host-key", ""), ("accept", "*/*")] {
        let refused = app.delete_with(&path, name, value).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "host_key_invalid"));
    }
    assert_eq!(
        app.delete_with(&format!("{path}?mode=burn"), "x-host-key", &made.host_key).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    for _ in 0..2 {
        let ended = app.delete_with(&path, "x-host-key", &made.host_key).await;
        assert_eq!(
            ended.json(),
            json!({"message": "Meeting ended successfully", "meeting_id": made.id, "status": "ended"})
        );
    }
    app.work().await;
    assert_eq!(app.livekit.rooms(), [format!("meeting-{}", other.id)]);
    assert_eq!(app.get(&format!("{path}/info")).await.json()["status"], "ended");
    for _ in 0..2 {
        assert_eq!(
            app.delete_with(&format!("{path}?mode=delete"), "x-host-key", &made.host_key).await.status,
            StatusCode::OK
        );
    }
    app.work().await;
    assert_eq!(app.get(&format!("{path}/info")).await.status, StatusCode::NOT_FOUND);
    let mut conn = app.app.db.read().await.unwrap();
    let left = conn.one(sql("SELECT COUNT(*) AS n FROM meeting_participants WHERE name <> ''")).await.unwrap();
    assert_eq!(left.int("n").unwrap(), 0);
    let actions = conn.all(sql("SELECT action FROM audit_log ORDER BY seq")).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|row| row.text("action").unwrap()).collect();
    assert_eq!(actions, ["meeting.created", "meeting.created", "join.admitted", "meeting.ended", "meeting.deleted"]);
    assert_eq!(verify_audit(&mut conn).await.unwrap(), Ok(()));
}

/// `heydok dev` on loopback makes whoever sits at the machine the owner; a page or a proxy in between ends that.
#[tokio::test]
async fn the_local_owner_needs_no_key() {
    let delete = async |settings: &[(&str, &str)], host: &str, header: (&str, &str)| {
        let app = TestApp::with(settings).await;
        let made = app.create("").await;
        let request = http::Request::builder()
            .method(Method::DELETE)
            .uri(format!("/api/v1/meetings/{}", made.id))
            .header("host", host)
            .header(header.0, header.1)
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
        app.send(request.body(Body::empty()).unwrap()).await.status
    };
    let dev = [("HEYDOK_ENV", "development")];
    assert_eq!(delete(&dev, "localhost:8000", ("accept", "*/*")).await, StatusCode::OK);
    assert_eq!(delete(&dev, "evil.example", ("accept", "*/*")).await, StatusCode::FORBIDDEN);
    assert_eq!(delete(&dev, "localhost", ("origin", "http://localhost")).await, StatusCode::FORBIDDEN);
    assert_eq!(delete(&dev, "localhost", ("x-forwarded-for", "127.0.0.1")).await, StatusCode::FORBIDDEN);
    assert_eq!(delete(&[], "localhost", ("accept", "*/*")).await, StatusCode::FORBIDDEN);
    assert_eq!(
        delete(&[("HEYDOK_ENV", "development"), ("HOST", "0.0.0.0")], "localhost", ("accept", "*/*")).await,
        StatusCode::FORBIDDEN
    );
}

/// Ten meetings a minute for each network, said in the headers that SlowAPI sends.
#[tokio::test]
async fn creating_is_limited() {
    let app = TestApp::with(&[]).await;
    for left in (0..10).rev() {
        let answer = app.post(CREATE, "").await;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-remaining")),
            (StatusCode::OK, left.to_string().as_str())
        );
    }
    let limited = app.post(CREATE, "").await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.json()["error"], "Rate limit exceeded: 10 per 1 minute");
    assert_eq!(limited.header("x-ratelimit-limit"), "10");
    app.advance(60);
    assert_eq!(app.post(CREATE, "").await.status, StatusCode::OK);
}

/// Who is refused for the minute takes nothing from the day.
#[tokio::test]
async fn what_the_minute_refuses_the_day_does_not_count() {
    let app = TestApp::with(&[("RATE_LIMIT_CREATE", "2/minute"), ("RATE_LIMIT_CREATE_DAY", "4/day")]).await;
    for _ in 0..10 {
        app.post(CREATE, "").await;
    }
    app.advance(60);
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(app.post(CREATE, "").await.status, status);
    }
}

/// When the budget of misses is used up, the room token of somebody in the meeting still opens it, and no other token does. The
/// refusal says whose budget is empty, and nothing of the meeting.
#[tokio::test]
async fn participants_do_not_guess() {
    let app = TestApp::with(&[("RATE_LIMIT_MISS", "3/minute"), ("RATE_LIMIT_MISS_TOTAL", "off")]).await;
    let (meeting, other) = (app.create("").await.id, app.create("").await.id);
    let (anna, mallory) = (app.enter(&meeting, "Anna").await, app.enter(&other, "Mallory").await);
    for _ in 0..3 {
        app.get("/api/v1/meetings/abc-defg-hij/exists").await;
    }
    let read = async |meeting: &str, token: &str| {
        let path = format!("/api/v1/meetings/{meeting}/chat");
        app.get_with(&path, "authorization", &format!("Bearer {token}")).await.status
    };
    assert_eq!(read(&meeting, &anna.token).await, StatusCode::OK);
    for token in [mallory.token.as_str(), "x"] {
        assert_eq!(read(&meeting, token).await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(read("abc-defg-hij", token).await, StatusCode::TOO_MANY_REQUESTS);
    }
    let refused = app.get(&format!("/api/v1/meetings/{meeting}/exists")).await;
    assert_eq!((refused.status, &refused.json()["exists"]), (StatusCode::TOO_MANY_REQUESTS, &Value::Null));
    assert_eq!(refused.header("ratelimit-policy"), r#""miss";q=3;w=60"#);
    assert!(refused.header("ratelimit").starts_with(r#""miss";r=0;"#), "{}", refused.header("ratelimit"));
}

/// Texts that no id can be are nobody's meeting, on both engines.
#[tokio::test]
async fn odd_names_are_no_meeting() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        for name in ["%00", "abc%00defg-hij", "%EF%BF%BD", "a%20b", "%27%20OR%201=1", &"x".repeat(200)] {
            let answer = app.get(&format!("/api/v1/meetings/{name}/info")).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "meeting_not_found"), "{name}");
        }
    })
    .await;
}
