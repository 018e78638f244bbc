//! Webhooks as a receiver sees them, checked with other code than that which made them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::support::{KEY, SECRET, config, room_service, serve, server_token};

const PATH: &str = "/api/v1/webhooks/livekit";

#[derive(Deserialize)]
struct Signed {
    iss: String,
    sha256: String,
}

/// Checks content type and signature, and returns the event.
fn verified(headers: &HeaderMap, body: &[u8]) -> Value {
    assert_eq!(headers["content-type"], "application/webhook+json");
    let token = headers["authorization"].to_str().unwrap();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims = HashSet::from(["exp".to_owned()]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let claims = jsonwebtoken::decode::<Signed>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims.iss, KEY);
    assert_eq!(claims.sha256, STANDARD.encode(Sha256::digest(body)));
    serde_json::from_slice(body).unwrap()
}

#[derive(Clone)]
struct Receiver {
    events: mpsc::UnboundedSender<Value>,
    /// Statuses answered first, before all else is accepted.
    failures: Arc<Mutex<Vec<StatusCode>>>,
}

fn receiver(failures: &[StatusCode]) -> (Router, mpsc::UnboundedReceiver<Value>) {
    let (events, received) = mpsc::unbounded_channel();
    let state = Receiver { events, failures: Arc::new(Mutex::new(failures.to_vec())) };
    let answer = async |State(state): State<Receiver>, headers: HeaderMap, body: axum::body::Bytes| {
        let event = verified(&headers, &body);
        if let Some(status) = state.failures.lock().unwrap().pop() {
            return status;
        }
        state.events.send(event).unwrap();
        StatusCode::OK
    };
    (Router::new().route(PATH, post(answer)).with_state(state), received)
}

async fn next(events: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    tokio::time::timeout(Duration::from_secs(20), events.recv()).await.expect("an event").expect("a sender")
}

/// Every receiver gets every event of a room, signed, in order; a failing one gets it again, a refusing one does not.
#[tokio::test]
async fn each_receiver_gets_signed_events_in_order() {
    let (healthy, mut by_http) = receiver(&[]);
    let (failing, mut after_failure) = receiver(&[StatusCode::INTERNAL_SERVER_ERROR]);
    let (refusing, mut after_refusal) = receiver(&[StatusCode::FORBIDDEN]);
    let (memory, mut in_memory) = receiver(&[]);
    let mut settings = config();
    for router in [healthy, failing, refusing] {
        settings.webhook.urls.push(format!("http://{}{PATH}", serve(router).await));
    }
    let handle = livekit_server::Server::start(settings).unwrap();
    handle.attach_webhook_receiver(memory);
    let router = handle.router();
    for (method, body) in [("CreateRoom", json!({"name": "meeting-x"})), ("DeleteRoom", json!({"room": "meeting-x"}))] {
        assert_eq!(room_service(&router, &server_token("meeting-x"), method, &body).await.0, 200);
    }
    for events in [&mut by_http, &mut after_failure, &mut in_memory] {
        let (started, finished) = (next(events).await, next(events).await);
        assert_eq!((&started["event"], &started["room"]["name"]), (&json!("room_started"), &json!("meeting-x")));
        assert_eq!((&finished["event"], &finished["room"]["name"]), (&json!("room_finished"), &json!("meeting-x")));
        assert_ne!(started["id"], finished["id"]);
        assert!(started["createdAt"].is_string(), "{started}");
    }
    assert_eq!(next(&mut after_refusal).await["event"], "room_finished", "what was refused is not repeated");
    handle.shutdown().await;
}

/// What happens on the way out is still told.
#[tokio::test]
async fn a_shutdown_delivers_what_waits() {
    let (memory, mut events) = receiver(&[]);
    let handle = livekit_server::Server::start(config()).unwrap();
    handle.attach_webhook_receiver(memory);
    room_service(&handle.router(), &server_token(""), "CreateRoom", &json!({"name": "meeting-x"})).await;
    handle.shutdown().await;
    assert_eq!(next(&mut events).await["event"], "room_started");
}
