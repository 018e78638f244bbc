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
