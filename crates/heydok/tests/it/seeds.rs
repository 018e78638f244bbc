use serde_json::Value;

use crate::server::{Server, json, shell};

/// The first seed's lines, but for the placeholder.
const CREATE: &str = r#"curl -X POST http://localhost:8000/api/v1/meetings/create \
     -H "Content-Type: application/json" \
     -d '{"name": "Test Meeting"}'"#;
const JOIN: &str = r#"curl -X POST http://localhost:8000/api/v1/meetings/[MEETING-ID]/join \
     -H "Content-Type: application/json" \
     -d '{"display_name": "Test User"}'"#;
/// The second seed's lines.
const CREATE_BARE: &str = "curl -X POST http://localhost:8002/api/v1/meetings/create";
const JOIN_EXAMPLE: &str = r#"curl -X POST http://localhost:8002/api/v1/meetings/abc-defg-hij/join \
  -H "Content-Type: application/json" \
  -d '{"display_name": "Test User"}'"#;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The printed lines run word for word against an unconfigured server (curl is told where `localhost:8000` and `:8002` are, so
/// that they need not be free), the printed `grep` finds the meeting, and no name, token or key is in the log.
#[test]
fn the_printed_curl_lines_work() {
    let mut server = Server::start("serve", 2, &[("LOG_LEVEL", "debug")]);
    let folder = server.folder.path();
    let route = |seed: u16, port: u16| format!("connect-to = \"localhost:{seed}:127.0.0.1:{port}\"\n");
    std::fs::write(
        folder.join(".curlrc"),
        format!("silent\n{}{}", route(8000, server.ports[0]), route(8002, server.ports[1])),
    )
    .unwrap();
    let made = json(folder, CREATE);
    let code = text(&made, "meeting_id");
    assert_eq!(text(&made, "meeting_url"), format!("http://localhost:8000/meeting/{code}"));
    let joined = json(folder, &JOIN.replace("[MEETING-ID]", code));
    assert_eq!(text(&joined, "meeting_id"), code);
    assert_eq!(text(&joined, "livekit_url"), "ws://localhost:8000");
    assert!(kit::is_participant_id(text(&joined, "participant_id")), "{joined}");
    let validated =
        shell(folder, &format!("curl http://localhost:8000/rtc/validate?access_token={}", text(&joined, "token")));
    assert_eq!(validated, "success");
    let bare = json(folder, CREATE_BARE);
    assert!(text(&bare, "meeting_url").starts_with("http://localhost:8002/meeting/"), "{bare}");
    assert_eq!(text(&json(folder, JOIN_EXAMPLE), "detail"), "Meeting not found");
    for path in ["info", "exists", "participants"] {
        assert_eq!(
            text(&json(folder, &format!("curl http://localhost:8000/api/v1/meetings/{code}/{path}")), "meeting_id"),
            code
        );
    }
    assert_eq!(text(&json(folder, "curl http://localhost:8000/health"), "livekit"), "connected");
    let key = text(&made, "host_key");
    let ended =
        json(folder, &format!("curl -X DELETE -H 'X-Host-Key: {key}' http://localhost:8000/api/v1/meetings/{code}"));
    assert_eq!(text(&ended, "message"), "Meeting ended successfully");
    let found = shell(folder, &format!("grep \"meeting_id={code}\" logs/app.log"));
    assert!(found.contains("room created"), "{found}");
    let log = server.log();
    for secret in ["Test User", "Test Meeting", text(&joined, "token"), text(&joined, "rejoin_token"), key, "eyJ"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert_eq!(server.terminate(), Some(0));
}
