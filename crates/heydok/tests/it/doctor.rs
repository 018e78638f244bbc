//! `heydok doctor`: everything passes where everything is whole, and what is broken is what fails.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::https;
use crate::server::Server;

const PORTS: [(&str, &str); 4] = [("PORT", "0"), ("HOST", "127.0.0.1"), ("RTC_UDP_PORT", "0"), ("RTC_TCP_PORT", "0")];

fn doctor(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heydok"));
    command.arg("doctor").args(arguments).env_clear().current_dir(folder);
    command.envs(PORTS).env("DATA_DIR", folder.join("data")).envs(variables.iter().copied());
    command.output().unwrap()
}

/// The report, and the state of each check as `id=state`.
fn report(output: &Output) -> (Value, Vec<String>) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {output:?}"));
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    let states = checks.iter().map(|check| format!("{}={}", text(check, "id"), text(check, "state"))).collect();
    assert_eq!(output.status.code(), Some(if report["ok"] == true { 0 } else { 1 }), "{report}");
    (report, states)
}

/// Runs it where no server does; `expected` must be among the states, each sentence of a failure holding `part`.
fn check(variables: &[(&str, &str)], prepare: impl FnOnce(&Path), expected: &[&str], part: &str) {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let (report, states) = report(&doctor(folder.path(), &["--json"], variables));
    for wanted in expected {
        assert!(states.iter().any(|state| state == wanted), "{wanted} is not in {states:?}: {report}");
    }
    for check in report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "failed") {
        for language in ["en", "de"] {
            assert!(check["text"][language].as_str().unwrap().contains(part), "{part} is not in {check}");
        }
    }
    let failed = expected.iter().filter(|state| state.ends_with("=failed")).count();
    let really = states.iter().filter(|state| state.ends_with("=failed")).count();
    assert_eq!(failed, really, "{states:?}");
}

const WHOLE: [&str; 6] =
    ["disk=passed", "database=passed", "clock=passed", "signalling=passed", "udp=passed", "three_party_media=passed"];

/// A server that runs is joined as a page joins it, and by its address from anywhere.
#[test]
fn a_running_server_is_whole() {
    let server = Server::start("serve", 1, &[]);
    let folder = server.folder.path();
    let (report_, states) = report(&doctor(folder, &["--json"], &[]));
    for wanted in WHOLE.into_iter().chain(["tcp=passed", "turn_udp=skipped", "turn_tcp=passed", "turn_tls=warning"]) {
        assert!(states.iter().any(|state| state == wanted), "{wanted}: {report_}");
    }
    let address = format!("127.0.0.1:{}", server.ports[0]);
    assert!(report_["subject"]["en"].as_str().unwrap().contains(&address), "{report_}");
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("http://{address}/meeting/abc-defg-hij");
    let (outside, states) = report(&doctor(elsewhere.path(), &[&url, "--json"], &[]));
    for wanted in
        ["clock=passed", "signalling=passed", "tls=passed", "udp=passed", "tcp=passed", "three_party_media=passed"]
    {
        assert!(states.iter().any(|state| state == wanted), "{wanted}: {outside}");
    }
    assert!(!elsewhere.path().join("data").exists(), "an address is enough");
}

/// Where none runs the media server is started for the checks, and nothing is left behind.
#[test]
fn an_installation_that_does_not_run_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(folder.path(), &["--language", "de"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("dort läuft kein heydok") && text.contains("\nbestanden       udp"), "{text}");
    assert!(text.contains("Drei Teilnehmende empfingen gegenseitig Ton und Bild."), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let all = Ipv4Addr::UNSPECIFIED;
    let udp = UdpSocket::bind((all, 0)).unwrap();
    let tcp = TcpListener::bind((all, 0)).unwrap();
    let (udp_port, tcp_port) =
        (udp.local_addr().unwrap().port().to_string(), tcp.local_addr().unwrap().port().to_string());
    let (udp_port, tcp_port) = (udp_port.as_str(), tcp_port.as_str());
    check(
        &[("RTC_UDP_PORT", udp_port)],
        |_| {},
        &["udp=failed", "signalling=skipped", "three_party_media=skipped"],
        udp_port,
    );
    check(&[("RTC_TCP_PORT", tcp_port)], |_| {}, &["tcp=failed", "udp=skipped"], tcp_port);
    check(&[("PORT", tcp_port)], |_| {}, &["signalling=failed", "udp=passed"], tcp_port);
}

/// UDP that does not arrive is named, and the call is seen to go over TCP.
#[test]
fn udp_that_does_not_arrive_is_named() {
    let nobody = nobody("udp");
    let expected = ["udp=failed", "tcp=passed", "three_party_media=passed"];
    check(&[("RTC_ADVERTISED_UDP_PORT", &nobody)], |_| {}, &expected, &nobody);
    check(&[("RTC_TCP_PORT", "off")], |_| {}, &["udp=passed", "tcp=warning"], "");
}

/// An address that nobody is at: no way works, and all name it.
#[test]
fn a_wrong_advertised_address_is_named() {
    let expected = ["udp=failed", "tcp=failed", "turn_tcp=failed", "three_party_media=skipped"];
    check(&[("RTC_NODE_IP", "192.0.2.1")], |_| {}, &expected, "192.0.2.1");
}

/// A port for this protocol that nobody listens at.
fn nobody(protocol: &str) -> String {
    let all = (Ipv4Addr::UNSPECIFIED, 0);
    let address = match protocol {
        "udp" => UdpSocket::bind(all).unwrap().local_addr(),
        _ => TcpListener::bind(all).unwrap().local_addr(),
    };
    address.unwrap().port().to_string()
}

/// Relays that are not there, and that do not know who comes: heydok's own server, asked with a secret that is not its own.
#[test]
fn a_relay_that_lends_no_address_is_named() {
    let secret = ("TURN_SECRET", "not the one that the relay has");
    for (protocol, bound, check_) in [("udp", "RTC_UDP_PORT", "turn_udp"), ("tcp", "RTC_TCP_PORT", "turn_tcp")] {
        let (gone, own) = (nobody(protocol), nobody(protocol));
        let url = |port: &str| format!("turn:127.0.0.1:{port}?transport={protocol}");
        let failed = format!("{check_}=failed");
        // Our own relay is told over TCP; without it there is none that is good.
        let only = [secret, ("TURN_SERVER", "off"), ("TURN_URLS", &url(&gone))];
        check(&only, |_| {}, &[&failed, "udp=passed", "tcp=passed"], &gone);
        let state = if protocol == "tcp" { "turn_tcp=warning" } else { &failed };
        check(&[secret, (bound, &own), ("TURN_URLS", &url(&own))], |_| {}, &[state], "TURN_SECRET");
    }
    let (gone, off) = (nobody("tcp"), [("TURN_SERVER", "off")]);
    check(&[("TURN_DOMAIN", &format!("localhost:{gone}"))], |_| {}, &["turn_tls=failed", "turn_tcp=passed"], &gone);
    check(&off, |_| {}, &["turn_udp=skipped", "turn_tcp=skipped", "turn_tls=warning"], "");
}

/// The relay on the HTTPS port: it lends to whom believes its certificate, and is said to be of no use to others.
#[test]
fn a_relay_over_tls_needs_a_certificate_that_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    https::write_pair(folder.path());
    let server = https::with_files(folder.path());
    let certificate = folder.path().join("cert.pem");
    let believing = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    let (told, states) = report(&doctor(server.folder.path(), &["--json"], &believing));
    for wanted in ["turn_tls=passed", "turn_tcp=passed", "three_party_media=passed"] {
        assert!(states.iter().any(|state| state == wanted), "{wanted}: {told}");
    }
    let (told, states) = report(&doctor(server.folder.path(), &["--json"], &[]));
    let lost = told["checks"].as_array().unwrap().iter().find(|check| check["id"] == "turn_tls").unwrap();
    assert!(states.iter().any(|state| state == "turn_tls=failed"), "{told}");
    assert!(lost["text"]["en"].as_str().unwrap().contains("is not believed"), "{lost}");
    drop(server);
    let key = folder.path().join("key.pem");
    let stopped = [("TLS_MODE", "files"), ("TLS_CERT", believing[0].1), ("TLS_KEY", key.to_str().unwrap())];
    check(&stopped, |_| {}, &["turn_tls=skipped", "turn_tcp=passed", "tls=warning"], "");
    https::write_pair_until(folder.path(), 2020);
    check(&stopped, |_| {}, &["tls=failed"], "2020-01-01");
}

/// Only the server knows why it gets no certificate; who may read its folder is told while it runs, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn why_there_is_no_certificate_is_told_to_its_operator() {
    let directory = format!("https://127.0.0.1:{}/dir", nobody("tcp"));
    let acme = [
        ("TLS_MODE", "acme"),
        ("TLS_DOMAIN", "meet.test"),
        ("TLS_ACME_URL", directory.as_str()),
        ("FRONTEND_URL", "https://meet.test"),
    ];
    let server = Server::start("serve", 1, &acme);
    server.says("no new certificate: ").await;
    let folder = server.folder.path();
    let (report_, states) = tokio::task::block_in_place(|| report(&doctor(folder, &["--json"], &acme)));
    assert!(states.iter().any(|state| state == "tls=failed"), "{report_}");
    let found = report_["checks"].as_array().unwrap().iter().find(|check| check["id"] == "tls").unwrap();
    let (en, de) = (found["text"]["en"].as_str().unwrap(), found["text"]["de"].as_str().unwrap());
    assert!(en.starts_with("No certificate of meet.test was seen"), "{en}");
    for text in [en, de] {
        assert!(text.contains(&directory) && text.contains("TLS_ACME_URL"), "{text}");
    }
    let word = folder.join("data/tls/acme/trouble.txt");
    assert_eq!(std::fs::metadata(&word).unwrap().permissions().mode() & 0o777, 0o600);

    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}", server.ports[0]);
    let stranger = tokio::task::block_in_place(|| doctor(elsewhere.path(), &[&url, "--json"], &acme));
    let (outside, states) = report(&stranger);
    assert!(states.iter().any(|state| state == "tls=passed"), "it answers, and this machine needs none: {outside}");
    assert!(!outside.to_string().contains(&directory), "{outside}");

    let kept = std::fs::read(&word).unwrap();
    drop(server);
    let later = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(later.path().join("data/tls/acme")).unwrap();
    std::fs::write(later.path().join("data/tls/acme/trouble.txt"), kept).unwrap();
    let (stopped, _) = tokio::task::block_in_place(|| report(&doctor(later.path(), &["--json"], &acme)));
    assert!(!stopped.to_string().contains(&directory), "that was another time: {stopped}");
}

/// Real certificates of the public address: one that is over, one that nobody believes, and the same believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_browsers_refuse_is_named() {
    let (over, good) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    https::write_pair_until(over.path(), 2020);
    https::write_pair(good.path());
    let own = good.path().join("cert.pem");
    let own = ("SSL_CERT_FILE", own.to_str().unwrap());
    for (folder, believing, expected, part) in [
        (&over, None, "tls=failed", "2020-01-01"),
        (&good, None, "tls=failed", "localhost"),
        (&good, Some(own), "tls=passed", ""),
    ] {
        let url = format!("https://localhost:{}", https::show(folder.path()).await);
        let variables: Vec<_> = [("FRONTEND_URL", url.as_str())].into_iter().chain(believing).collect();
        tokio::task::block_in_place(|| check(&variables, |_| {}, &[expected, "udp=passed"], part));
    }
}

#[test]
fn a_folder_or_a_database_that_cannot_be_used_is_named() {
    let file = |folder: &Path| std::fs::write(folder.join("data"), "a file").unwrap();
    check(&[("DATA_DIR", "data/below")], file, &["disk=failed"], "data");
    let garbage = |folder: &Path| {
        std::fs::create_dir(folder.join("data")).unwrap();
        std::fs::write(folder.join("data/heydok.db"), "no database ".repeat(1_000)).unwrap();
    };
    check(&[], garbage, &["disk=passed", "database=failed", "udp=passed"], "");
    check(&[("DATABASE_URL", "postgresql://127.0.0.1:1/heydok")], |_| {}, &["database=failed"], "DATABASE_URL");
    check(&[("DATABASE_URL", "sqlite::memory:")], |_| {}, &["database=warning"], "");
}

/// What only root or a user namespace can break: a full disk, a read-only one, and a firewall before the media port.
#[test]
fn a_full_disk_and_a_firewall_are_named() {
    let may = |namespaces: &str| {
        let tried = Command::new("unshare").args(["-r", namespaces, "true"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let run = |namespaces: &str, script: &str| {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("unshare")
            .args(["-r", namespaces, "sh", "-ec", script])
            .envs(PORTS)
            .env("DATA_DIR", "data")
            .env("HEYDOK", env!("CARGO_BIN_EXE_heydok"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        report(&output)
    };
    if may("-m") {
        let full =
            "mkdir data; mount -t tmpfs -o size=64k none data; head -c 60k /dev/zero > data/f; $HEYDOK doctor --json";
        let (report, states) = run("-m", full);
        assert!(states.contains(&"disk=failed".to_owned()) && report.to_string().contains(" is full: "), "{report}");
        let small = "mkdir data; mount -t tmpfs -o size=8m none data; $HEYDOK doctor --json";
        let (report, states) = run("-m", small);
        assert!(states.contains(&"disk=failed".to_owned()) && report.to_string().contains("MiB are free"), "{report}");
        let read_only = "mkdir data; mount -t tmpfs -o ro none data; $HEYDOK doctor --json";
        let (report, states) = run("-m", read_only);
        assert!(states.contains(&"disk=failed".to_owned()) && report.to_string().contains("read-only"), "{report}");
    } else {
        eprintln!("no mount namespace may be made here: full and read-only disks were not tried");
    }
    // Without nftables a route that leads nowhere stands for the firewall.
    let network = "ip link set lo up; ip link add dummy0 type dummy; ip addr add 198.18.0.1/24 dev dummy0; ip link set dummy0 up; \
        drop() { nft add table inet t && nft 'add chain inet t i { type filter hook input priority 0; }' \
          && nft add rule inet t i $1 dport $2 drop || { \
          ip rule add pref 9 lookup local; ip rule del pref 0; ip rule add pref 5 ipproto $1 dport $2 blackhole; }; }; ";
    let ready = |script: &str| {
        let tried = Command::new("unshare").args(["-r", "-n", "sh", "-ec", script]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if ready(network) {
        let ports = "export RTC_UDP_PORT=7882 RTC_TCP_PORT=7881; ";
        let whole = format!("{network}{ports}$HEYDOK doctor --json");
        let (report, states) = run("-n", &whole);
        for wanted in ["udp=passed", "tcp=passed", "three_party_media=passed"] {
            assert!(states.contains(&wanted.to_owned()), "{wanted}: {report}");
        }
        for (rule, expected) in [
            ("udp 7882", ["udp=failed", "tcp=passed", "turn_tcp=passed", "three_party_media=passed"]),
            ("tcp 7881", ["udp=passed", "tcp=failed", "turn_tcp=failed", "three_party_media=passed"]),
        ] {
            let blocked = format!("{network}drop {rule}; {ports}$HEYDOK doctor --json");
            let (report, states) = run("-n", &blocked);
            for wanted in expected {
                assert!(states.contains(&wanted.to_owned()), "{rule}, {wanted}: {report}");
            }
        }
    } else {
        eprintln!("no network namespace may be made here: the firewall was not tried");
    }
}

/// Where the system lets nobody bind the UDP port, `heydok serve` does not start, and both name the way out.
#[test]
fn without_udp_start_up_refuses_and_names_livekit_url() {
    let without = "ip link set lo up; exec setpriv --bounding-set=-net_bind_service";
    let run = |command: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["-r", "-n", "sh", "-ec", &format!("{without} {command}")]).current_dir(folder.path());
        unshare.envs(PORTS).env("RTC_UDP_PORT", "100").env("LOG_FILE", "-").env("HEYDOK", env!("CARGO_BIN_EXE_heydok"));
        unshare.output().unwrap()
    };
    if !run("true").status.success() {
        eprintln!("no network namespace may be made here: a host without UDP was not tried");
        return;
    }
    let refused = run("$HEYDOK serve");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("R-13: cannot bind UDP port 100") && said.contains("LIVEKIT_URL"), "{said}");
    let (report, states) = report(&run("$HEYDOK doctor --json"));
    assert!(states.contains(&"udp=failed".to_owned()) && report.to_string().contains("LIVEKIT_URL"), "{report}");
}
