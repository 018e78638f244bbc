//! The scripts that the seeds start and test the system with.

use std::process::Command;

use crate::server::{Server, root};

/// Whether the endpoint script finds nothing wrong at this port, and what it printed.
fn verify(port: u16) -> (bool, String) {
    let output = Command::new("python3")
        .arg("-B")
        .arg(root().join("test_meeting_api.py"))
        .arg(format!("http://localhost:{port}"))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// With the media server inside, and with one beside it.
#[test]
fn a_script_verifies_all_endpoints() {
    let (key, secret) = ("layout-key", "a-secret-of-more-than-32-characters-0");
    let keys = [("LIVEKIT_API_KEY", key), ("LIVEKIT_API_SECRET", secret)];
    let media = Server::start("media", 1, &keys);
    let url = format!("ws://localhost:{}", media.ports[0]);
    let beside = [keys.as_slice(), &[("LIVEKIT_URL", &url)]].concat();
    for settings in [&[][..], &beside] {
        let server = Server::start("serve", 1, settings);
        let (passed, printed) = verify(server.ports[0]);
        assert!(passed && printed.contains("all endpoints answer as documented"), "{printed}");
        assert!(!printed.contains("FAILED"), "{printed}");
    }
    // The media server alone is no product: the script must say so.
    let (passed, printed) = verify(media.ports[0]);
    assert!(!passed && printed.contains("FAILED  POST /api/v1/meetings/create"), "{printed}");
}

#[test]
fn the_start_scripts_start() {
    for (script, ports) in [("start-complete-system.sh", 2), ("start_dev.sh", 1), ("start_meeting_system.py", 1)] {
        let mut server = Server::start_by(script, ports, &[("LIVEKIT_PORT", "off")]);
        let health = format!("http://localhost:{}/health", server.ports[ports - 1]);
        let output = Command::new("curl").args(["-s", "-f", &health]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", server.printed);
        assert_eq!(server.terminate(), Some(0), "{script}");
    }
}

#[test]
fn the_system_test_starts_a_server_of_its_own() {
    let output = Command::new("python3")
        .arg("-B")
        .arg(root().join("test_meeting_system.py"))
        .env("HEYDOK_BIN", env!("CARGO_BIN_EXE_heydok"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
