use http::{Method, StatusCode};
use serde_json::{Value, json};
use signal::token::{ApiKeys, verify};

use crate::tests::{API_KEY, API_SECRET, START, TestApp, UNLIMITED, each_engine, request};

/// The answer has the seed's four fields and the additions; the token opens exactly this room, and nothing else.
#[tokio::test]
async fn a_guest_joins_with_a_name() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let joined = app.join(&meeting, " Max \u{202e}Mustermann ").await;
    assert_eq!(joined["meeting_id"], meeting.as_str());
    assert_eq!(joined["livekit_url"], "ws://meet.test");
    assert_eq!(joined["role"], "guest");
    assert_eq!(joined["room_name"], format!("meeting-{meeting}"));
    let participant_id = joined["participant_id"].as_str().unwrap();
    assert!(kit::is_participant_id(participant_id), "{participant_id}");
    let keys = ApiKeys::new(vec![(API_KEY.into(), API_SECRET.into())]);
    let claims = verify(joined["token"].as_str().unwrap(), &keys, START.as_seconds() as u64).unwrap();
    let payload = serde_json::to_value(&claims).unwrap();
    assert_eq!(payload["sub"], participant_id);
    assert_eq!(payload["name"], "Max Mustermann");
    assert_eq!(payload["exp"], START.as_seconds() + 86_400);
    assert_eq!(
        payload["video"],
        json!({
            "roomJoin": true, "room": format!("meeting-{meeting}"), "canPublish": true, "canSubscribe": true, "canPublishData": true,
            "canPublishSources": ["camera", "microphone", "screen_share", "screen_share_audio"], "canUpdateOwnMetadata": true,
        })
    );
}

/// Codes are repaired as people type them.
#[tokio::test]
async fn a_code_may_be_typed_carelessly() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    for typed in
        [meeting.to_ascii_uppercase(), meeting.replace('-', ""), meeting.replace('-', "."), meeting.replace('-', "%20")]
    {
        assert_eq!(app.join(&typed, "A").await["meeting_id"], meeting.as_str(), "{typed}");
    }
}

/// The rejoin token gives the same participant and the same token; a new name or an old token gives a new one.
#[tokio::test]
async fn who_comes_back_is_the_same_participant() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let first = app.join(&meeting, "A").await;
    let again = |name: &str| json!({ "display_name": name, "rejoin_token": first["rejoin_token"] });
    app.advance(60);
    let second = app.try_join(&meeting, &again("A")).await.json();
    assert_eq!(second, first);
    let renamed = app.try_join(&meeting, &again("B")).await.json();
    assert_eq!(renamed["participant_id"], first["participant_id"]);
    assert_ne!(renamed["token"], first["token"]);
    let unknown = app.try_join(&meeting, &json!({ "display_name": "A", "rejoin_token": "x".repeat(43) })).await.json();
    assert_ne!(unknown["participant_id"], first["participant_id"]);
}

/// MAX_PARTICIPANTS is 20 where nobody sets it, and the 21st is told.
#[tokio::test]
async fn twenty_come_in_where_nothing_is_set() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    for number in 0..20 {
        app.join(&meeting, &format!("Guest {number}")).await;
    }
    let late = app.try_join(&meeting, &json!({"display_name": "Late"})).await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "meeting_full"));
}

/// A guest who comes back with the host key is host from then on, and that is written down, once.
#[tokio::test]
async fn a_change_of_role_is_written_down() {
    let app = TestApp::new().await;
    let made = app.create("").await;
    let first = app.join(&made.id, "A").await;
    for _ in 0..2 {
        let body = json!({"display_name": "A", "rejoin_token": first["rejoin_token"], "host_key": made.host_key});
        let host = app.try_join(&made.id, &body).await.json();
        assert_eq!((&host["role"], &host["participant_id"]), (&json!("host"), &first["participant_id"]));
    }
    let query = db::sql("SELECT actor_kind, detail FROM audit_log WHERE action = 'role.changed'");
    let rows = app.app.db.read().await.unwrap().all(query).await.unwrap();
    assert_eq!(rows.len(), 1);
    let detail: Value = serde_json::from_str(&rows[0].text("detail").unwrap()).unwrap();
    assert_eq!(
        (rows[0].text("actor_kind").unwrap().as_str(), &detail["old"], &detail["new"]),
        ("host", &json!("guest"), &json!("host"))
    );
}

/// Each wrong person is refused with the seed's sentence; the host key opens what it should.
#[tokio::test]
async fn wrong_persons_are_refused() {
    let app = TestApp::new().await;
    let made = app.create(r#"{"password":"geheim"}"#).await;
    let check = async |body: Value, status: StatusCode, code: &str, detail: &str| {
        let answer = app.try_join(&made.id, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body} {}", answer.text);
        assert_eq!(answer.json()["detail"], detail);
    };
    check(json!({"display_name": "A"}), StatusCode::FORBIDDEN, "password_required", "Meeting password required").await;
    check(
        json!({"display_name": "A", "password": "falsch"}),
        StatusCode::FORBIDDEN,
        "password_wrong",
        "Wrong meeting password",
    )
    .await;
    check(
        json!({"display_name": "A", "host_key": "nope"}),
        StatusCode::FORBIDDEN,
        "host_key_invalid",
        "The host key is missing or wrong",
    )
    .await;
    let guest = app.try_join(&made.id, &json!({"display_name": "A", "password": "geheim"})).await;
    assert_eq!(guest.json()["role"], "guest");
    let host = app.try_join(&made.id, &json!({"display_name": "H", "host_key": made.host_key})).await;
    assert_eq!(host.json()["role"], "host");
    let ended = app.delete_with(&format!("/api/v1/meetings/{}", made.id), "x-host-key", &made.host_key).await;
    assert_eq!(ended.status, StatusCode::OK);
    check(json!({"display_name": "A"}), StatusCode::GONE, "meeting_ended", "Meeting has ended").await;
    let unknown = app.try_join("abc-defg-hij", &json!({"display_name": "A"})).await;
    assert_eq!((unknown.status, unknown.json()["detail"].as_str()), (StatusCode::NOT_FOUND, Some("Meeting not found")));
}

/// Nothing that can be sent as a body makes the server do more than refuse it by name.
#[tokio::test]
async fn bad_bodies_are_named() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let path = format!("/api/v1/meetings/{meeting}/join");
    let check = async |body: String, status: StatusCode, code: &str| {
        let answer = app.post(&path, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{:.80} {}", body, answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    };
    for body in ["{", "{]", "\u{0}", "{\"display_name\":\"\\ud800\"}"] {
        check(body.into(), StatusCode::BAD_REQUEST, "malformed_json").await;
    }
    for body in [
        "",
        "{}",
        "[]",
        "\"x\"",
        r#"{"display_name":null}"#,
        r#"{"display_name":7}"#,
        r#"{"display_name":" \u200b\u0007 "}"#,
    ] {
        check(body.into(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed").await;
    }
    check(json!({"display_name": "x".repeat(51)}).to_string(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed")
        .await;
    check(json!({"display_name": "x".repeat(300_000)}).to_string(), StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    let named = app.post(&path, r#"{"display_name":""}"#).await.json();
    assert_eq!(
        named["errors"][0],
        json!({"loc": ["body", "display_name"], "msg": "must not be empty", "type": "string_too_short", "pointer": "/display_name"})
    );
    let ignored = app.post(&path, r#"{"display_name":"A","unknown":{"deep":[1]}}"#).await;
    assert_eq!(ignored.status, StatusCode::OK);
}

/// Once the room exists nobody asks the media server anything; a missing room is made again; a broken media server is a 502.
#[tokio::test]
async fn joining_needs_no_question_once_the_room_exists() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    assert_eq!(app.livekit.take_calls(), ["CreateRoom"]);
    app.join(&meeting, "A").await;
    assert_eq!(app.livekit.take_calls(), Vec::<String>::new());
    app.app.rooms.forget(&format!("meeting-{meeting}"));
    app.join(&meeting, "B").await;
    assert_eq!(app.livekit.take_calls(), ["CreateRoom"]);
    app.app.rooms.forget(&format!("meeting-{meeting}"));
    app.livekit.fail(true);
    let answer = app.try_join(&meeting, &json!({"display_name": "C"})).await;
    assert_eq!(
        (answer.status, answer.json()["detail"].as_str()),
        (StatusCode::BAD_GATEWAY, Some("Failed to create meeting room"))
    );
}

/// Ten people who press the button at once never share an identity, and never get one seat more than there is.
#[tokio::test]
async fn racing_guests_get_their_own_identity_and_no_seat_too_many() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let meeting = app.create(r#"{"max_participants":6}"#).await.id;
        let body = json!({"display_name": "A"});
        let answers = futures::future::join_all((0..10).map(|_| app.try_join(&meeting, &body))).await;
        let mut identities: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::OK)
            .map(|answer| answer.json()["participant_id"].to_string())
            .collect();
        assert_eq!(identities.len(), 6);
        identities.sort();
        identities.dedup();
        assert_eq!(identities.len(), 6);
        assert_eq!(answers.iter().filter(|answer| answer.code() == "meeting_full").count(), 4);
        // Who never connects frees the seat after a minute.
        app.advance(61);
        assert_eq!(app.try_join(&meeting, &body).await.status, StatusCode::OK);
    })
    .await;
}

/// 30 joins a minute for each network, and unknown codes are counted apart: then hits and misses look alike.
#[tokio::test]
async fn joins_and_guesses_are_limited() {
    let app = TestApp::with(&[("RATE_LIMIT_JOIN", "5/minute"), ("RATE_LIMIT_MISS", "3/minute")]).await;
    let made = app.create("").await;
    let body = json!({"display_name": "A"});
    let first = app.try_join(&made.id, &body).await;
    assert_eq!(first.header("ratelimit-policy"), r#""join";q=5;w=60"#);
    assert_eq!(first.header("x-ratelimit-remaining"), "4");
    for _ in 0..3 {
        assert_eq!(app.try_join("abc-defg-hij", &body).await.status, StatusCode::NOT_FOUND);
    }
    let hit = app.get(&format!("/api/v1/meetings/{}/info", made.id)).await;
    let miss = app.get("/api/v1/meetings/abc-defg-hij/info").await;
    assert_eq!((hit.status, miss.status), (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(
        app.get_with(&format!("/api/v1/meetings/{}/info", made.id), "x-host-key", &made.host_key).await.status,
        StatusCode::OK
    );
    app.try_join(&made.id, &body).await;
    let limited = app.try_join(&made.id, &body).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.json()["error"], "Rate limit exceeded: 5 per 1 minute");
    assert!(!limited.header("retry-after").is_empty());
}

/// Without a LiveKit key nobody gets a token, and the sentence is the seed's.
#[tokio::test]
async fn a_server_without_a_key_says_that_tokens_fail() {
    let app = TestApp::without_key().await;
    let meeting = app.create("").await.id;
    let answer = app.try_join(&meeting, &json!({"display_name": "A"})).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "token_failed"));
    assert_eq!(answer.json()["detail"], "Failed to generate access token");
}

/// Once the budget of misses is used up, only a proof opens the door: what is claimed to be one learns nothing of the meeting.
#[tokio::test]
async fn a_guess_is_no_proof() {
    let app = TestApp::with(&[("RATE_LIMIT_MISS", "3/minute"), ("RATE_LIMIT_JOIN", "off")]).await;
    let made = app.create(r#"{"password":"geheim"}"#).await;
    let anna =
        app.try_join(&made.id, &json!({"display_name": "Anna", "password": "geheim"})).await.json()["rejoin_token"]
            .clone();
    for _ in 0..3 {
        assert_eq!(app.try_join("abc-defg-hij", &json!({"display_name": "x"})).await.status, StatusCode::NOT_FOUND);
    }
    let mut answers = Vec::new();
    for claimed in [
        json!({"display_name": "x", "rejoin_token": "x"}),
        json!({"display_name": "x", "rejoin_token": "x", "password": "geheim"}),
        json!({"display_name": "x", "host_key": "x"}),
        json!({"display_name": "x", "password": "geheim"}),
    ] {
        for meeting in [made.id.as_str(), "abc-defg-hij"] {
            let answer = app.try_join(meeting, &claimed).await;
            let mut shown = answer.json();
            for member in ["instance", "request_id"] {
                shown.as_object_mut().unwrap().remove(member);
            }
            answers.push((answer.status, answer.header("ratelimit").to_owned(), shown));
        }
    }
    assert_eq!(answers[0].0, StatusCode::TOO_MANY_REQUESTS);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    for proof in
        [json!({"display_name": "Anna", "rejoin_token": anna}), json!({"display_name": "H", "host_key": made.host_key})]
    {
        assert_eq!(app.try_join(&made.id, &proof).await.status, StatusCode::OK, "{proof}");
    }
}

/// Who is refused for their own haste takes nothing from what all who come to a meeting share, however they spell its code.
#[tokio::test]
async fn one_network_locks_nobody_out() {
    let app = TestApp::with(&[("RATE_LIMIT_JOIN", "2/minute"), ("RATE_LIMIT_JOIN_MEETING", "4/minute")]).await;
    let meeting = app.create("").await.id;
    let body = json!({"display_name": "A"});
    for _ in 0..20 {
        app.try_join(&meeting, &body).await;
    }
    let spelled = [meeting.to_ascii_uppercase(), meeting.replace('-', ""), meeting.replace('-', ".")];
    let mut statuses = Vec::new();
    for (last, spelling) in (10..).zip(&spelled) {
        let request = request(Method::POST, &format!("/api/v1/meetings/{spelling}/join"));
        statuses.push(app.send_from(last, request, body.to_string()).await.status);
    }
    assert_eq!(statuses, [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);
}

/// A name that is too long for any meeting takes from no bucket of joins.
#[tokio::test]
async fn a_name_that_is_too_long_names_no_meeting() {
    let app = TestApp::with(&[("RATE_LIMIT_JOIN", "1/minute"), ("RATE_LIMIT_OTHER", "2/minute")]).await;
    let long = "x".repeat(129);
    let body = json!({"display_name": "A"});
    for status in [StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(app.try_join(&long, &body).await.status, status);
    }
    assert_eq!(app.try_join("abc-defg-hij", &body).await.status, StatusCode::NOT_FOUND);
}

/// What the media server refused holds no seat: the next try finds it free.
#[tokio::test]
async fn a_failed_room_keeps_no_seat() {
    let app = TestApp::new().await;
    let meeting = app.create(r#"{"max_participants":2}"#).await.id;
    let room = format!("meeting-{meeting}");
    let body = json!({"display_name": "A"});
    app.livekit.fail(true);
    for _ in 0..3 {
        app.app.rooms.forget(&room);
        assert_eq!(app.try_join(&meeting, &body).await.code(), "room_create_failed");
    }
    app.livekit.fail(false);
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::CONFLICT] {
        assert_eq!(app.try_join(&meeting, &body).await.status, status);
    }
}

/// Who comes back has a seat from the moment the token is given, also when the old connection is still to be missed; who does
/// not arrive within a minute loses it.
#[tokio::test]
async fn the_seat_of_who_comes_back_is_kept() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let meeting = app.create(r#"{"max_participants":2}"#).await.id;
        let room = format!("meeting-{meeting}");
        app.enter(&meeting, "Anna").await;
        let ben = app.enter(&meeting, "Ben").await;
        let back = json!({"display_name": "Ben", "rejoin_token": ben.rejoin_token});
        let cleo = json!({"display_name": "Cleo"});
        for reload in [true, false] {
            if reload {
                assert_eq!(app.try_join(&meeting, &back).await.status, StatusCode::OK);
            }
            app.livekit.disconnect(&room, &ben.participant_id);
            app.sweep().await;
            if !reload {
                assert_eq!(app.try_join(&meeting, &back).await.status, StatusCode::OK);
            }
            assert_eq!(app.try_join(&meeting, &cleo).await.code(), "meeting_full", "{reload}");
            app.livekit.connect(&room, &ben.participant_id, "Ben");
            app.sweep().await;
            assert_eq!(app.livekit.identities(&room).len(), 2, "Ben may stay");
        }
        app.livekit.disconnect(&room, &ben.participant_id);
        app.sweep().await;
        assert_eq!(app.try_join(&meeting, &back).await.status, StatusCode::OK);
        app.advance(61);
        assert_eq!(app.try_join(&meeting, &cleo).await.status, StatusCode::OK);
    })
    .await;
}

/// A password that is typed at the door as it was typed at the desk is right, whatever either program made of it.
#[tokio::test]
async fn the_same_typed_password_is_right() {
    let app = TestApp::new().await;
    for typed in ["  ge  heim ", "gehe\u{308}im", "ge\u{200b}heim", "geheim\n"] {
        let meeting = app.create(&json!({"password": typed}).to_string()).await.id;
        let joined = app.try_join(&meeting, &json!({"display_name": "A", "password": typed})).await;
        assert_eq!(joined.status, StatusCode::OK, "{typed:?} {}", joined.text);
        assert_eq!(
            app.try_join(&meeting, &json!({"display_name": "A", "password": " \u{200b}"})).await.code(),
            "password_required"
        );
    }
}

/// A thousand attempts in a minute: from one network all but its quota are told when to come again, before the database is
/// asked; from a thousand networks a meeting lets in what it has seats for and looks at no more than its own quota.
#[tokio::test]
async fn a_thousand_attempts_a_minute_are_met_at_the_door() {
    let app = TestApp::with(&[]).await;
    let attempt = async |meeting: &str, network: u16| {
        let [high, low] = network.to_be_bytes();
        let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from(([203, 0, high, low], 50_000)));
        let request = http::Request::post(format!("/api/v1/meetings/{meeting}/join")).header("host", "meet.test");
        let body = axum::body::Body::from(r#"{"display_name":"A"}"#);
        let answer = app.send(request.extension(peer).body(body).unwrap()).await;
        assert_eq!(!answer.header("retry-after").is_empty(), answer.status == StatusCode::TOO_MANY_REQUESTS);
        answer.code()
    };
    let count = |codes: &[String], code: &str| codes.iter().filter(|one| *one == code).count();
    let first = app.create(r#"{"max_participants":40}"#).await.id;
    let mut codes = Vec::new();
    for _ in 0..1_000 {
        codes.push(attempt(&first, 0).await);
    }
    assert_eq!((count(&codes, ""), count(&codes, "rate_limited")), (30, 970));
    let second = app.create(r#"{"max_participants":40}"#).await.id;
    codes.clear();
    for network in 1..=1_000 {
        codes.push(attempt(&second, network).await);
    }
    assert_eq!((count(&codes, ""), count(&codes, "meeting_full"), count(&codes, "rate_limited")), (40, 260, 700));
}

/// The log of the most detail names meetings and participants by their ids only: no name, no word of the chat, no password, no
/// key and no token.
#[tokio::test]
async fn nothing_of_what_people_say_is_logged() {
    let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::<u8>::new()));
    let sink: crate::logging::Sink = written.clone();
    let app = TestApp::new().await;
    let settings = crate::config::Logging {
        level: crate::logging::parse_level("trace").unwrap(),
        format: crate::config::LogFormat::Text,
        file: None,
    };
    let _logging =
        tracing::subscriber::set_default(crate::logging::subscriber(&settings, app.clock.clone(), vec![sink]));
    let made = app.create(r#"{"name":"Quartalszahlen","password":"Losungswort"}"#).await;
    let body = json!({"display_name": "Annegret", "password": "Losungswort"});
    let joined = app.try_join(&made.id, &body).await.json();
    let text = |name: &str| joined[name].as_str().unwrap().to_owned();
    app.livekit.connect(&text("room_name"), &text("participant_id"), "Annegret");
    app.livekit.connect(&text("room_name"), "clara@example.org", "Clara");
    app.sweep().await;
    app.try_join(&made.id, &json!({"display_name": "Benedikt", "password": "Rateversuch"})).await;
    let path = format!("/api/v1/meetings/{}/chat", made.id);
    let bearer = format!("Bearer {}", text("token"));
    let said = app.post_with(&path, r#"{"text":"Geheimplan"}"#, "authorization", &bearer).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    // A message that cannot be told: failures are logged too.
    app.livekit.fail(true);
    app.post_with(&path, r#"{"text":"Zweitplan"}"#, "authorization", &bearer).await;
    app.work().await;
    app.post("/api/v1/meetings/create", r#"{"name":"Budgetrunde"}"#).await;
    app.livekit.fail(false);
    app.delete_with(&format!("/api/v1/meetings/{}", made.id), "x-host-key", &made.host_key).await;
    app.work().await;
    let log = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    for expected in [&format!("meeting_id={}", made.id), "participant_id=guest-", "job failed", "room_create_failed"] {
        assert!(log.contains(expected), "{expected} is not in {log}");
    }
    let (token, rejoin) = (text("token"), text("rejoin_token"));
    for private in [
        "Quartalszahlen",
        "Budgetrunde",
        "Losungswort",
        "Rateversuch",
        "Annegret",
        "Benedikt",
        "clara@example.org",
        "Geheimplan",
        "Zweitplan",
        "eyJ",
        &made.host_key,
        &token,
        &rejoin,
        API_SECRET,
    ] {
        assert!(!log.contains(private), "{private} is in {log}");
    }
}
