use signal::token::{Claims, VideoGrant, sign};

use crate::server::{Server, json, shell};
use crate::signal::Signal;

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

/// DATABASE_URL chooses where meetings are kept: in PostgreSQL, or nowhere but in memory.
#[tokio::test]
async fn a_meeting_is_kept_where_database_url_says() {
    let memory = Server::start("serve", 1, &[("DATABASE_URL", "sqlite::memory:")]);
    hold_a_meeting(&memory, &format!("ws://localhost:{}", memory.ports[0]));
    assert!(!memory.folder.path().join("data/heydok.db").exists());
    let Some(database) = db::testing::postgres().await else { return };
    let server = Server::start("serve", 1, &[("DATABASE_URL", &database.url)]);
    hold_a_meeting(&server, &format!("ws://localhost:{}", server.ports[0]));
    assert!(!server.folder.path().join("data/heydok.db").exists());
    let count = db::sql("SELECT COUNT(*) AS n FROM video_meetings WHERE access_state = 'closed'");
    assert_eq!(database.read().await.unwrap().one(count).await.unwrap().int("n").unwrap(), 1);
    drop(server);
    database.remove().await;
}

/// LIVEKIT_PORT opens one more port for LiveKit clients, who are sent to the port that they came by.
#[test]
fn the_extra_port_answers_livekit_clients() {
    let server = Server::start("serve", 2, &[("PORT", "0"), ("LIVEKIT_PORT", "0")]);
    assert_ne!(server.ports[0], server.ports[1]);
    hold_a_meeting(&server, &format!("ws://localhost:{}", server.ports[0]));
    let base = format!("http://localhost:{}", server.ports[1]);
    let folder = server.folder.path();
    let made = json(folder, &format!("curl -s -X POST {base}/api/v1/meetings/create"));
    let join = format!("{base}/api/v1/meetings/{}/join", made["meeting_id"].as_str().unwrap());
    let joined = json(folder, &format!("curl -s {join} -d '{{\"display_name\":\"Anna\"}}'"));
    assert_eq!(joined["livekit_url"], format!("ws://localhost:{}", server.ports[1]));
    let url = format!("{base}/rtc/validate?access_token={}", joined["token"].as_str().unwrap());
    assert_eq!(shell(folder, &format!("curl -s '{url}'")), "success");
}

/// The keys of a `livekit.yaml` open the media server besides ours; a printed sample among them does not.
#[test]
fn the_keys_of_livekit_yaml_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("livekit-config.yaml");
    let printed =
        "port: 7880\nkeys:\n  your_api_key: your_secret\n\nroom:\n  auto_create: true\n  empty_timeout: 300s\n";
    std::fs::write(&file, printed.replace("your_api_key", KEY).replace("your_secret", SECRET)).unwrap();
    let server = Server::start("serve", 1, &[("LIVEKIT_CONFIG_FILE", file.to_str().unwrap())]);
    hold_a_meeting(&server, &format!("ws://localhost:{}", server.ports[0]));
    let lister = token(VideoGrant { room_list: true, ..VideoGrant::default() });
    let call = format!("http://localhost:{}/twirp/livekit.RoomService/ListRooms", server.ports[0]);
    let headers = format!("-H 'Authorization: Bearer {lister}' -H 'Content-Type: application/json'");
    let answer = json(server.folder.path(), &format!("curl -s {headers} {call} -d '{{}}'"));
    assert!(answer["code"].is_null(), "{answer}");
    std::fs::write(&file, printed).unwrap();
    let binary = env!("CARGO_BIN_EXE_heydok");
    let start = format!(
        "LIVEKIT_CONFIG_FILE={} PORT=0 RTC_UDP_PORT=0 RTC_TCP_PORT=0 {binary} serve 2>&1; echo code $?",
        file.display()
    );
    let refused = shell(folder.path(), &start);
    assert!(
        refused.contains("R-2: the key your_api_key in LIVEKIT_CONFIG_FILE") && refused.ends_with("code 78\n"),
        "{refused}"
    );
}

/// Whatever port is taken, the start is refused in one sentence and with the code that tells a supervisor not to try again.
#[test]
fn a_taken_port_refuses_the_start() {
    let (udp, tcp) =
        (std::net::UdpSocket::bind("0.0.0.0:0").unwrap(), std::net::TcpListener::bind("0.0.0.0:0").unwrap());
    let (udp_port, tcp_port) = (udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port());
    for (command, name, port) in [
        ("serve", "RTC_UDP_PORT", udp_port),
        ("serve", "RTC_TCP_PORT", tcp_port),
        ("serve", "PORT", tcp_port),
        ("media", "RTC_UDP_PORT", udp_port),
        ("media", "PORT", tcp_port),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let binary = env!("CARGO_BIN_EXE_heydok");
        let start =
            format!("export PORT=0 RTC_UDP_PORT=0 RTC_TCP_PORT=0; {name}={port} {binary} {command} 2>&1; echo code $?");
        let refused = shell(folder.path(), &start);
        assert!(
            refused.matches("R-13").count() == 1 && refused.contains(name) && refused.ends_with("code 78\n"),
            "{command} {name}: {refused}"
        );
    }
}

/// What is under a generated key opens after that key was changed, and with no other key.
#[test]
fn a_changed_key_opens_what_the_old_one_closed() {
    let mut server = Server::start("serve", 1, &[]);
    let create = format!("curl -s http://localhost:{}/api/v1/meetings/create", server.ports[0]);
    let made = json(server.folder.path(), &format!("{create} -d '{{\"password\":\"Losungswort\"}}'"));
    assert_eq!(server.terminate(), Some(0));
    let (folder, binary) = (server.folder.path(), env!("CARGO_BIN_EXE_heydok"));
    let ports = "export PORT=0 RTC_UDP_PORT=0 RTC_TCP_PORT=0";
    let other =
        format!("{ports} ENCRYPTION_KEY=another-key-of-more-than-32-characters; {binary} serve 2>&1; echo code $?");
    let refused = shell(folder, &other);
    assert!(refused.contains("R-8") && refused.ends_with("code 78\n"), "{refused}");
    let printed = shell(folder, &format!("{binary} keys rotate --data"));
    assert_eq!(printed, "1 data keys are under the new ENCRYPTION_KEY\n1 values are encrypted with a new data key\n");
    let join = format!(
        "{ports}; {binary} serve > out 2> err & until grep -q '^open' out; do :; done; \
         port=$(sed -n 's|^listening on http://[^:]*:||p' out | head -n 1); \
         curl -s http://localhost:$port/api/v1/meetings/{}/join -d '{{\"display_name\":\"Anna\",\"password\":\"Losungswort\"}}'; \
         kill $!; wait $!",
        made["meeting_id"].as_str().unwrap()
    );
    assert_eq!(json(folder, &join)["role"], "guest");
}

/// The room of an open meeting ends when nobody is in it, and the meeting does not: whoever has a valid token, of ours or of a
/// server SDK, comes in at any time. Once the meeting has ended, nobody does.
#[tokio::test]
async fn an_open_meetings_room_is_there_for_every_token() {
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
    let made_again = || server.log().matches("room created again").count();
    // The status of a WebSocket handshake that is refused.
    let refusal = |token: &str| {
        let handshake = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='";
        let url = format!("{base}/rtc?access_token={token}&auto_subscribe=1&protocol=15");
        shell(folder, &format!("curl -s -o answer -w '%{{http_code}}' {handshake} '{url}'"))
    };
    let ours = joined["token"].as_str().unwrap();
    for (token, before) in [(ours, 0), (of_an_sdk.as_str(), 2)] {
        wait_until(|| rooms() == 0);
        assert_eq!((validate(token).as_str(), made_again()), ("success", before + 1));
        wait_until(|| rooms() == 0);
        drop(Signal::join(server.ports[0], token).await);
        assert_eq!(made_again(), before + 2);
    }
    let elsewhere = token(VideoGrant { room_join: true, room: "meeting-abc-defg-hij".into(), ..VideoGrant::default() });
    assert_eq!(validate(&elsewhere), "requested room does not exist");
    json(folder, &format!("curl -s -X DELETE -H 'X-Host-Key: {key}' {base}/api/v1/meetings/{id}"));
    wait_until(|| rooms() == 0);
    assert_eq!(validate(ours), "requested room does not exist");
    assert_eq!(refusal(ours), "404");
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
