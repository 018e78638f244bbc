use ::signal::token::{Claims, VideoGrant, sign};
use livekit_protocol::leave_request::Action;
use livekit_protocol::{DisconnectReason, SimulateScenario, signal_request, simulate_scenario};

use crate::server::{Server, json, shell};
use crate::signal::Signal;

/// SIGTERM, as service managers send it: everybody is told to come back, the process ends well, and nothing of what people
/// are called, wrote or may do stands in a log of the most detail.
#[tokio::test]
async fn a_stopped_server_tells_everybody_to_come_back() {
    let mut server = Server::start("serve", 1, &[("LOG_LEVEL", "trace")]);
    let (folder, port) = (server.folder.path().to_owned(), server.ports[0]);
    let path = format!("http://localhost:{port}/api/v1/meetings");
    let made = json(&folder, &format!("curl -s {path}/create -d '{{\"name\":\"Quartalszahlen\"}}'"));
    let code = made["meeting_id"].as_str().unwrap();
    let mut people = Vec::new();
    let mut tokens = vec![made["host_key"].as_str().unwrap().to_owned()];
    for name in ["Annegret", "Benedikt"] {
        let joined = json(&folder, &format!("curl -s {path}/{code}/join -d '{{\"display_name\":\"{name}\"}}'"));
        let text = |name: &str| joined[name].as_str().unwrap().to_owned();
        people.push(Signal::join(port, &text("token")).await);
        tokens.extend([text("token"), text("rejoin_token")]);
    }
    let mut ending = tokio::task::spawn_blocking(move || (server.terminate(), server));
    for person in &mut people {
        let leave = person.leave().await;
        assert_eq!((leave.action(), leave.reason()), (Action::Reconnect, DisconnectReason::ServerShutdown));
        assert!(person.next().await.is_none(), "nothing follows");
    }
    let (code_of_process, server) = (&mut ending).await.unwrap();
    assert_eq!(code_of_process, Some(0));
    let log = server.log();
    assert!(log.contains("stopping") && log.contains(&format!("meeting_id={code}")), "{log}");
    for secret in ["Quartalszahlen", "Annegret", "Benedikt", "eyJ"].into_iter().chain(tokens.iter().map(String::as_str))
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// `heydok media` takes several keys as livekit-server does, obeys what test suites of clients simulate, shows its metrics to
/// this machine only, and goes like `heydok serve`.
#[tokio::test]
async fn the_media_server_alone_is_like_livekits() {
    const KEYS: &str = "first: a-secret-of-more-than-32-characters-1, second: a-secret-of-more-than-32-characters-2";
    let mut media = Server::start("media", 1, &[("LIVEKIT_KEYS", KEYS), ("RTC_NODE_IP", "203.0.113.9")]);
    assert!(!media.printed.contains("LIVEKIT_API_KEY"), "no key was made: {}", media.printed);
    let (folder, port) = (media.folder.path().to_owned(), media.ports[0]);
    let now_s = u64::try_from(kit::Clock::now(&kit::SystemClock).as_seconds()).unwrap();
    let token = |key: &str, secret: &str, identity: &str| {
        let video = VideoGrant { room_join: true, room: "any".into(), ..VideoGrant::default() };
        let (iss, sub) = (key.to_owned(), identity.to_owned());
        sign(&Claims { iss, sub, exp: Some(now_s + 600), video: Some(video), ..Claims::default() }, secret)
    };
    let mut anna = Signal::join(port, &token("first", "a-secret-of-more-than-32-characters-1", "anna")).await;
    let mut ben = Signal::join(port, &token("second", "a-secret-of-more-than-32-characters-2", "ben")).await;
    let scenario = simulate_scenario::Scenario::LeaveRequestFullReconnect(true);
    let scenario = SimulateScenario { scenario: Some(scenario) };
    anna.send(signal_request::Message::Simulate(scenario)).await;
    assert_eq!(anna.leave().await.action(), Action::Reconnect);
    let metrics = shell(&folder, &format!("curl -s http://127.0.0.1:{port}/metrics"));
    assert!(metrics.contains("\nprocess_resident_memory_bytes "), "{metrics}");
    let status = format!(
        "curl -s -o /dev/null -w '%{{http_code}}' -H 'X-Forwarded-For: 192.0.2.1' http://127.0.0.1:{port}/metrics"
    );
    assert_eq!(shell(&folder, &status), "401", "not through a proxy");
    let mut ending = tokio::task::spawn_blocking(move || media.terminate());
    assert_eq!(ben.leave().await.action(), Action::Reconnect);
    drop((anna, ben));
    assert_eq!((&mut ending).await.unwrap(), Some(0));
}
