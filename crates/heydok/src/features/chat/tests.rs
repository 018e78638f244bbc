use db::sql;
use http::StatusCode;
use serde_json::{Value, json};

use crate::tests::{Answer, Entered, TestApp, UNLIMITED, each_engine};

async fn write(app: &TestApp, meeting: &str, who: &Entered, body: Value) -> Answer {
    app.post_with(
        &format!("/api/v1/meetings/{meeting}/chat"),
        body.to_string(),
        "authorization",
        &format!("Bearer {}", who.token),
    )
    .await
}

async fn read(app: &TestApp, meeting: &str, who: &Entered, query: &str) -> Value {
    app.get_with(&format!("/api/v1/meetings/{meeting}/chat{query}"), "authorization", &format!("Bearer {}", who.token))
        .await
        .json()
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

/// A message is stored encrypted under a number, told to the room on topic `chat`, and read by those it is for.
#[tokio::test]
async fn a_message_reaches_the_room_and_the_store() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let (anna, ben, cleo) =
        (app.enter(&meeting, "Anna").await, app.enter(&meeting, "Ben").await, app.enter(&meeting, "Cleo").await);
    let sent = write(&app, &meeting, &anna, json!({"text": "Hallo \u{202e}zusammen"})).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let message = sent.json();
    assert_eq!(
        (&message["seq"], &message["text"], &message["from"]["display_name"]),
        (&json!(1), &json!("Hallo zusammen"), &json!("Anna"))
    );
    assert_eq!(
        (&message["to"], &message["edited_at"], &message["reactions"]),
        (&Value::Null, &Value::Null, &json!({}))
    );
    write(&app, &meeting, &ben, json!({"text": "nur für dich", "to": anna.participant_id})).await;
    app.work().await;
    let told = app.livekit.take_sent();
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].topic.as_deref(), told[0].destination_identities.len()), (Some("chat"), 0));
    assert_eq!(serde_json::from_slice::<Value>(&told[0].data).unwrap(), message);
    assert_eq!(told[1].destination_identities, [anna.participant_id.clone(), ben.participant_id.clone()]);
    assert_eq!(texts(&read(&app, &meeting, &anna, "").await), ["Hallo zusammen", "nur für dich"]);
    assert_eq!(texts(&read(&app, &meeting, &ben, "?after_seq=1").await), ["nur für dich"]);
    assert_eq!(texts(&read(&app, &meeting, &cleo, "").await), ["Hallo zusammen"]);
    let first = read(&app, &meeting, &anna, "?limit=1").await;
    assert_eq!((texts(&first), &first["has_more"]), (vec!["Hallo zusammen"], &json!(true)));
    let stored = app
        .app
        .db
        .read()
        .await
        .unwrap()
        .one(sql("SELECT body FROM chat_messages WHERE seq = 1"))
        .await
        .unwrap()
        .text("body")
        .unwrap();
    assert!(stored.starts_with("v1:") && !stored.contains("Hallo"), "{stored}");
}

/// One client name, one message, however often and however fast it is sent.
#[tokio::test]
async fn the_same_client_id_is_stored_once() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let meeting = app.create("").await.id;
        let anna = app.enter(&meeting, "Anna").await;
        let body = json!({"text": "einmal", "client_id": "c1"});
        let answers = futures::future::join_all((0..6).map(|_| write(&app, &meeting, &anna, body.clone()))).await;
        let first = answers[0].json();
        assert!(
            answers.iter().all(|answer| answer.status == StatusCode::CREATED && answer.json() == first),
            "{answers:?}"
        );
        assert_eq!(texts(&read(&app, &meeting, &anna, "").await), ["einmal"]);
        let seqs =
            futures::future::join_all((0..6).map(|n| write(&app, &meeting, &anna, json!({"text": format!("{n}")}))))
                .await;
        let mut seqs: Vec<_> = seqs.iter().map(|answer| answer.json()["seq"].as_i64().unwrap()).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, [2, 3, 4, 5, 6, 7]);
    })
    .await;
}

/// Who is not inside, was removed, or has no token, writes nothing.
#[tokio::test]
async fn only_participants_write() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let anna = app.enter(&meeting, "Anna").await;
    let other = app.create("").await.id;
    let stranger = app.enter(&other, "Mallory").await;
    let path = format!("/api/v1/meetings/{meeting}/chat");
    assert_eq!(app.post(&path, r#"{"text":"x"}"#).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get(&path).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(write(&app, &meeting, &stranger, json!({"text": "x"})).await.code(), "forbidden");
    for body in [
        json!({}),
        json!({"text": ""}),
        json!({"text": "x".repeat(4_001)}),
        json!({"text": "x", "to": "guest-00000000"}),
        json!({"text": 1}),
    ] {
        assert_eq!(
            write(&app, &meeting, &anna, body.clone()).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body:.60}"
        );
    }
    // Not seen yet, because the webhook was lost: the server looks before it refuses.
    let late = app.join(&meeting, "Late").await;
    let late = Entered {
        participant_id: late["participant_id"].as_str().unwrap().into(),
        token: late["token"].as_str().unwrap().into(),
        rejoin_token: String::new(),
    };
    assert_eq!(write(&app, &meeting, &late, json!({"text": "x"})).await.code(), "invalid_state");
    app.livekit.connect(&format!("meeting-{meeting}"), &late.participant_id, "Late");
    assert_eq!(write(&app, &meeting, &late, json!({"text": "x"})).await.status, StatusCode::CREATED);
    let (meeting_id, now) = (
        crate::features::meetings::store::find(&mut app.app.db.read().await.unwrap(), &meeting)
            .await
            .unwrap()
            .unwrap()
            .id,
        app.app.now(),
    );
    let removed: Result<u64, db::Error> = db::write!(&app.app.db, conn => crate::features::join::store::remove(conn, &meeting_id, &anna.participant_id, now).await);
    assert_eq!(removed.unwrap(), 1);
    assert_eq!(write(&app, &meeting, &anna, json!({"text": "x"})).await.code(), "participant_removed");
    let back = app.try_join(&meeting, &json!({"display_name": "Anna", "rejoin_token": anna.rejoin_token})).await;
    assert_eq!(back.code(), "participant_removed");
}

/// A media server that is down for a while gets the messages later, in their order.
#[tokio::test]
async fn messages_wait_for_the_media_server() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let anna = app.enter(&meeting, "Anna").await;
    app.livekit.fail(true);
    for text in ["one", "two"] {
        assert_eq!(write(&app, &meeting, &anna, json!({ "text": text })).await.status, StatusCode::CREATED);
        app.work().await;
    }
    assert!(app.livekit.take_sent().is_empty());
    app.livekit.fail(false);
    app.advance(60);
    app.work().await;
    let told: Vec<Value> =
        app.livekit.take_sent().iter().map(|sent| serde_json::from_slice(&sent.data).unwrap()).collect();
    assert_eq!(told.iter().map(|message| message["text"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
}

/// The process ended after a message was stored and before its answer was kept: tried again, it is the same message.
#[tokio::test]
async fn a_key_is_enough_to_store_a_message_once() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let anna = app.enter(&meeting, "Anna").await;
    let post = async || {
        let path = format!("/api/v1/meetings/{meeting}/chat");
        let request = crate::tests::request(http::Method::POST, &path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", anna.token)).header("idempotency-key", "k1");
        app.send(request.body(r#"{"text":"Hallo"}"#.into()).unwrap()).await
    };
    let first = post().await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let lost = sql("UPDATE idempotency_keys SET state = 'running', status = NULL, response = NULL");
    let result: Result<u64, db::Error> = db::write!(&app.app.db, conn => conn.execute(lost.clone()).await);
    assert_eq!(result.unwrap(), 1);
    app.advance(61);
    let second = post().await;
    assert_eq!((second.status, second.json()["id"].as_str()), (StatusCode::CREATED, first.json()["id"].as_str()));
    assert_eq!(read(&app, &meeting, &anna, "").await["messages"].as_array().unwrap().len(), 1);
}

/// Whether somebody is inside cannot be known while the media server is away.
#[tokio::test]
async fn an_unreachable_media_server_is_told_as_such() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let joined = app.join(&meeting, "Anna").await;
    app.livekit.fail(true);
    let path = format!("/api/v1/meetings/{meeting}/chat");
    let bearer = format!("Bearer {}", joined["token"].as_str().unwrap());
    let refused = app.post_with(&path, r#"{"text":"Hallo"}"#, "authorization", &bearer).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_GATEWAY, "livekit_unreachable"));
    assert_eq!(refused.json()["detail"], "LiveKit Connection Failed");
}

/// A token alone lets nobody listen or speak: not before its holder is in the room, and not after they left.
#[tokio::test]
async fn only_who_is_inside_reads_and_writes() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    let room = format!("meeting-{meeting}");
    let anna = app.enter(&meeting, "Anna").await;
    write(&app, &meeting, &anna, json!({"text": "unter uns", "client_id": "c1"})).await;
    let joined = app.join(&meeting, "Eve").await;
    let eve = Entered {
        participant_id: joined["participant_id"].as_str().unwrap().into(),
        token: joined["token"].as_str().unwrap().into(),
        rejoin_token: String::new(),
    };
    assert_eq!(read(&app, &meeting, &eve, "").await["code"], "invalid_state");
    app.livekit.connect(&room, &eve.participant_id, "Eve");
    assert_eq!(texts(&read(&app, &meeting, &eve, "").await), ["unter uns"], "we look before we refuse");
    app.livekit.disconnect(&room, &anna.participant_id);
    app.sweep().await;
    assert_eq!(read(&app, &meeting, &anna, "").await["code"], "invalid_state");
    assert_eq!(write(&app, &meeting, &anna, json!({"text": "x"})).await.code(), "invalid_state");
    let again = write(&app, &meeting, &anna, json!({"text": "unter uns", "client_id": "c1"})).await;
    assert_eq!(again.status, StatusCode::CREATED, "what is stored already is answered again");
    assert_eq!(texts(&read(&app, &meeting, &eve, "").await), ["unter uns"]);
}

/// An answer goes to a message that its writer can read; ids have no invisible characters.
#[tokio::test]
async fn ids_in_a_message_are_checked() {
    each_engine(async |db| {
        let app = TestApp::on(db, UNLIMITED).await;
        let meeting = app.create("").await.id;
        let (anna, ben, cleo) =
            (app.enter(&meeting, "Anna").await, app.enter(&meeting, "Ben").await, app.enter(&meeting, "Cleo").await);
        let secret = write(&app, &meeting, &anna, json!({"text": "psst", "to": ben.participant_id})).await.json();
        let other = app.create("").await.id;
        let dora = app.enter(&other, "Dora").await;
        let foreign = write(&app, &other, &dora, json!({"text": "x"})).await.json();
        for body in [
            json!({"text": "x", "to": "\u{0}"}),
            json!({"text": "x", "client_id": "a\u{0}b"}),
            json!({"text": "x", "reply_to": "\u{0}"}),
            json!({"text": "x", "reply_to": "nothing"}),
            json!({"text": "x", "reply_to": secret["id"]}),
            json!({"text": "x", "reply_to": foreign["id"]}),
        ] {
            let answer = write(&app, &meeting, &cleo, body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {}", answer.text);
        }
        let answered = write(&app, &meeting, &ben, json!({"text": "ja?", "reply_to": secret["id"]})).await;
        assert_eq!((answered.status, &answered.json()["reply_to"]), (StatusCode::CREATED, &secret["id"]));
    })
    .await;
}

/// Who is refused for the minute takes nothing from the hour.
#[tokio::test]
async fn what_the_minute_refuses_the_hour_does_not_count() {
    let app = TestApp::with(&[("RATE_LIMIT_CHAT", "2/minute"), ("RATE_LIMIT_CHAT_HOUR", "4/hour")]).await;
    let meeting = app.create("").await.id;
    let anna = app.enter(&meeting, "Anna").await;
    let status = async || write(&app, &meeting, &anna, json!({"text": "x"})).await.status;
    for _ in 0..10 {
        status().await;
    }
    app.advance(60);
    for expected in [StatusCode::CREATED, StatusCode::CREATED, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(status().await, expected);
    }
}
