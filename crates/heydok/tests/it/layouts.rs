use signal::token::{Claims, VideoGrant, sign};

use crate::server::{Server, json, shell};

const KEY: &str = "layout-test-key";
const SECRET: &str = "layout-test-secret-with-enough-characters";

/// A meeting goes from create to end in both layouts: one process, or `heydok serve` beside `heydok media`.
#[test]
fn both_layouts_hold_a_meeting() {
    let alone = Server::start("serve", 1, &[]);
    hold_a_meeting(&alone, &format!("ws://localhost:{}", alone.ports[0]));
    let keys = [("LIVEKIT_API_KEY", KEY), ("LIVEKIT_API_SECRET", SECRET)];
    let media = Server::start("media", 1, &keys);
    assert!(!media.printed.contains(SECRET));
    let url = format!("ws://localhost:{}", media.ports[0]);
    let beside = Server::start("serve", 1, &[keys[0], keys[1], ("LIVEKIT_URL", &url)]);
    hold_a_meeting(&beside, &url);
}

fn hold_a_meeting(server: &Server, livekit_url: &str) {
    let (folder, base) = (server.folder.path(), format!("http://localhost:{}", server.ports[0]));
    let made = json(folder, &format!("curl -s -X POST {base}/api/v1/meetings/create"));
    let path = format!("{base}/api/v1/meetings/{}", made["meeting_id"].as_str().unwrap());
    let joined = json(folder, &format!("curl -s {path}/join -d '{{\"display_name\":\"Anna\"}}'"));
    assert_eq!(joined["livekit_url"], livekit_url, "{joined}");
    let validate = format!(
        "{}/rtc/validate?access_token={}",
        livekit_url.replacen("ws", "http", 1),
        joined["token"].as_str().unwrap()
    );
    assert_eq!(shell(folder, &format!("curl -s '{validate}'")), "success");
    assert_eq!(json(folder, &format!("curl -s {base}/ready"))["ready"], true);
    let ended =
        json(folder, &format!("curl -s -X DELETE -H 'X-Host-Key: {}' {path}", made["host_key"].as_str().unwrap()));
    assert_eq!(ended["status"], "ended");
    assert_eq!(json(folder, &format!("curl -s {path}/exists"))["code"], "meeting_ended");
}

/// The room of an open meeting ends when nobody is in it, and the meeting does not: whoever has a valid token, of ours or of a
/// server SDK, comes in at any time. Once the meeting has ended, nobody does.
#[test]
fn an_open_meetings_room_is_there_for_every_token() {
    let settings = [
        ("LIVEKIT_API_KEY", KEY),
        ("LIVEKIT_API_SECRET", SECRET),
        ("EMPTY_TIMEOUT", "1s"),
        ("DEPARTURE_TIMEOUT", "1s"),
    ];
    let server = Server::start("serve", 1, &settings);
    let (folder, base) = (server.folder.path(), format!("http://localhost:{}", server.ports[0]));
    let made = json(folder, &format!("curl -s -X POST {base}/api/v1/meetings/create"));
    let (id, key) = (made["meeting_id"].as_str().unwrap(), made["host_key"].as_str().unwrap());
    let joined = json(folder, &format!("curl -s {base}/api/v1/meetings/{id}/join -d '{{\"display_name\":\"Anna\"}}'"));
    let of_an_sdk = token(VideoGrant { room_join: true, room: format!("meeting-{id}"), ..VideoGrant::default() });
    let lister = token(VideoGrant { room_list: true, ..VideoGrant::default() });
    let rooms = || {
        let call = format!("-H 'Content-Type: application/json' {base}/twirp/livekit.RoomService/ListRooms -d '{{}}'");
        json(folder, &format!("curl -s -H 'Authorization: Bearer {lister}' {call}"))["rooms"]
            .as_array()
            .map_or(0, Vec::len)
    };
    let validate = |token: &str| shell(folder, &format!("curl -s '{base}/rtc/validate?access_token={token}'"));
    // The status of a WebSocket handshake; curl would wait for messages.
    let connect = |token: &str| {
        let handshake = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='";
        let url = format!("{base}/rtc?access_token={token}&auto_subscribe=1&protocol=15");
        shell(folder, &format!("curl -s -m 1 -o answer -w '%{{http_code}}' {handshake} '{url}' || true"))
    };
    let ours = joined["token"].as_str().unwrap();
    for token in [ours, of_an_sdk.as_str()] {
        wait_until(|| rooms() == 0);
        assert_eq!(validate(token), "success");
        assert_eq!(rooms(), 1);
        wait_until(|| rooms() == 0);
        assert_eq!(connect(token), "101");
    }
    let elsewhere = token(VideoGrant { room_join: true, room: "meeting-abc-defg-hij".into(), ..VideoGrant::default() });
    assert_eq!(validate(&elsewhere), "requested room does not exist");
    json(folder, &format!("curl -s -X DELETE -H 'X-Host-Key: {key}' {base}/api/v1/meetings/{id}"));
    wait_until(|| rooms() == 0);
    assert_eq!(validate(ours), "requested room does not exist");
    assert_eq!(connect(ours), "404");
    assert_eq!(rooms(), 0);
}

fn token(video: VideoGrant) -> String {
    let claims = Claims {
        iss: KEY.into(),
        sub: "sdk".into(),
        exp: Some(4_102_444_800),
        video: Some(video),
        ..Claims::default()
    };
    sign(&claims, SECRET)
}

/// Asks until it is so; what a server does by its own clock cannot be awaited from outside.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    // Each time asks a server, which takes milliseconds.
    assert!((0..5_000).any(|_| is_so()), "it never happens");
}
