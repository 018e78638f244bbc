//! `livekit.yaml`: the names of livekit-server's configuration file that mean something here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::Secret;
use node::token::ApiKeys;
use node::{IceLogin, IceServer};
use serde::Deserialize;
use serde_norway::Value;

use crate::config::RtcConfig;
use crate::standalone::StandaloneConfig;

/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("{path} is larger than 1 MiB")]
    TooLarge { path: String },
    #[error("LIVEKIT_CONFIG_FILE: {0}")]
    Yaml(#[from] serde_norway::Error),
    #[error("LIVEKIT_CONFIG_FILE: {name}: {problem}")]
    Value { name: &'static str, problem: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    port: Option<u16>,
    keys: BTreeMap<String, String>,
    room: Room,
    rtc: Rtc,
    turn: Turn,
    webhook: Webhook,
    logging: Logging,
    log_level: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Room {
    auto_create: Option<bool>,
    empty_timeout: Option<Value>,
    departure_timeout: Option<Value>,
    max_participants: Option<u32>,
    enable_remote_unmute: Option<bool>,
    max_metadata_size: Option<usize>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CongestionControl {
    use_send_side_bwe: Option<bool>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rtc {
    udp_port: Option<Value>,
    tcp_port: Option<u16>,
    node_ip: Option<IpAddr>,
    use_external_ip: Option<bool>,
    use_ice_lite: Option<bool>,
    congestion_control: CongestionControl,
    enable_loopback_candidate: Option<bool>,
    interfaces: Filter,
    ips: Filter,
    stun_servers: Vec<String>,
    turn_servers: Vec<TurnServer>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// Names of interfaces, or networks such as `10.0.0.0/8`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    includes: Vec<String>,
    excludes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TurnServer {
    host: String,
    port: u16,
    protocol: String,
    username: String,
    credential: String,
    secret: String,
    secret_file: Option<PathBuf>,
    ttl: i64,
}

/// It holds secrets.
impl std::fmt::Debug for TurnServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TurnServer").field("host", &self.host).finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Turn {
    enabled: Option<bool>,
    domain: Option<String>,
    external_tls: Option<bool>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Webhook {
    urls: Vec<String>,
    api_key: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logging {
    level: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// Reads the file at `path` over `config`. Returns one sentence for each name that has no effect.
pub fn apply_config_file(path: &Path, config: &mut StandaloneConfig) -> Result<Vec<String>, ConfigFileError> {
    let name = || path.display().to_string();
    let read = |source| ConfigFileError::Read { path: name(), source };
    if std::fs::metadata(path).map_err(read)?.len() > FILE_BYTES_MAX {
        return Err(ConfigFileError::TooLarge { path: name() });
    }
    apply_config_text(&std::fs::read_to_string(path).map_err(read)?, config)
}

/// Reads the text of such a file over `config`.
pub fn apply_config_text(text: &str, config: &mut StandaloneConfig) -> Result<Vec<String>, ConfigFileError> {
    // An empty document is null, which no struct reads.
    let file: File = serde_norway::from_str::<Option<File>>(text)?.unwrap_or_default();
    let warnings = warnings(&file);
    apply_turn(&file, &mut config.server.rtc)?;
    if let Some(port) = file.port {
        config.port = port;
    }
    if !file.keys.is_empty() {
        config.server.keys = Arc::new(ApiKeys::new(file.keys.into_iter().collect()));
        config.keys_given = true;
    }
    config.log_level = file.logging.level.or(file.log_level).or_else(|| config.log_level.take());
    apply_room(&file.room, config)?;
    apply_rtc(&file.rtc, config)?;
    if !file.webhook.urls.is_empty() {
        config.server.webhook.urls = file.webhook.urls;
    }
    if file.webhook.api_key.is_some() {
        config.server.webhook.api_key = file.webhook.api_key;
    }
    Ok(warnings)
}

fn apply_room(file: &Room, config: &mut StandaloneConfig) -> Result<(), ConfigFileError> {
    let room = &mut config.server.room;
    room.auto_create = file.auto_create.unwrap_or(room.auto_create);
    room.max_participants = file.max_participants.unwrap_or(room.max_participants);
    room.enable_remote_unmute = file.enable_remote_unmute.unwrap_or(room.enable_remote_unmute);
    if let Some(value) = &file.empty_timeout {
        room.empty_timeout_s = seconds("room.empty_timeout", value)?;
    }
    if let Some(value) = &file.departure_timeout {
        room.departure_timeout_s = seconds("room.departure_timeout", value)?;
    }
    if let Some(bytes) = file.max_metadata_size {
        config.server.limits.metadata_bytes = bytes;
    }
    Ok(())
}

fn apply_rtc(file: &Rtc, config: &mut StandaloneConfig) -> Result<(), ConfigFileError> {
    let rtc = &mut config.server.rtc;
    if let Some(value) = &file.udp_port {
        rtc.udp_port = port("rtc.udp_port", value)?;
    }
    if let Some(port) = file.tcp_port {
        rtc.tcp_port = Some(port).filter(|port| *port != 0);
    }
    if let Some(ip) = file.node_ip {
        rtc.node_ips = vec![ip];
    }
    rtc.ice_lite = file.use_ice_lite.unwrap_or(rtc.ice_lite);
    rtc.send_side_bwe = file.congestion_control.use_send_side_bwe.unwrap_or(rtc.send_side_bwe);
    rtc.loopback = file.enable_loopback_candidate.unwrap_or(rtc.loopback);
    Ok(())
}

fn apply_turn(file: &File, rtc: &mut RtcConfig) -> Result<(), ConfigFileError> {
    rtc.turn = file.turn.enabled.unwrap_or(rtc.turn);
    // Somebody else ends TLS and hands the stream to our TCP port.
    if let (Some(domain), Some(true)) = (&file.turn.domain, file.turn.external_tls) {
        rtc.turn_tls = Some((domain.clone(), 443));
    }
    let stun = file.rtc.stun_servers.iter().map(|address| format!("stun:{address}")).collect::<Vec<_>>();
    if !stun.is_empty() {
        rtc.ice_servers.push(IceServer { urls: stun, login: IceLogin::Open });
    }
    for server in &file.rtc.turn_servers {
        rtc.ice_servers.push(turn_server(server)?);
    }
    rtc.interfaces.only.clone_from(&file.rtc.interfaces.includes);
    rtc.interfaces.except.clone_from(&file.rtc.interfaces.excludes);
    rtc.interfaces.only_ips = networks("rtc.ips.includes", &file.rtc.ips.includes)?;
    rtc.interfaces.except_ips = networks("rtc.ips.excludes", &file.rtc.ips.excludes)?;
    Ok(())
}

fn turn_server(server: &TurnServer) -> Result<IceServer, ConfigFileError> {
    let problem = |problem: &str| ConfigFileError::Value { name: "rtc.turn_servers", problem: problem.into() };
    let (scheme, transport) = match server.protocol.as_str() {
        "tls" => ("turns", "tcp"),
        "tcp" | "" => ("turn", "tcp"),
        "udp" => ("turn", "udp"),
        _ => return Err(problem("protocol is tls, tcp or udp")),
    };
    if server.host.is_empty() || server.port == 0 {
        return Err(problem("each needs a host and a port"));
    }
    let secret = match &server.secret_file {
        Some(path) if server.secret.is_empty() => {
            let read = std::fs::read_to_string(path);
            read.map_err(|source| ConfigFileError::Read { path: path.display().to_string(), source })?.trim().to_owned()
        }
        _ => server.secret.clone(),
    };
    let login = if !secret.is_empty() {
        IceLogin::Derived { secret: Secret::new(secret), seconds: turn_ttl_s(server.ttl) }
    } else if server.secret_file.is_some() {
        return Err(problem("secret_file is empty"));
    } else {
        let password = Secret::new(server.credential.clone());
        IceLogin::Fixed { user_name: server.username.clone(), password }
    };
    let url = format!("{scheme}:{}:{}?transport={transport}", server.host, server.port);
    Ok(IceServer { urls: vec![url], login })
}

/// livekit-server's rule: four hours where nothing is said, five minutes for nonsense, a day at most.
fn turn_ttl_s(ttl: i64) -> u64 {
    match u64::try_from(ttl) {
        Ok(0) => 14_400,
        Ok(seconds) => seconds.min(86_400),
        Err(_) => 300,
    }
}

fn networks(name: &'static str, list: &[String]) -> Result<Vec<(IpAddr, u8)>, ConfigFileError> {
    let network = |text: &String| {
        let (ip, bits) = text.split_once('/').map_or((text.as_str(), None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.trim().parse().ok()?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.trim().parse().ok().filter(|bits| *bits <= most))?;
        Some((ip, bits))
    };
    let problem = |text: &String| ConfigFileError::Value { name, problem: format!("`{text}` is no network") };
    list.iter().map(|text| network(text).ok_or_else(|| problem(text))).collect()
}

/// Names without effect here, one sentence each.
fn warnings(file: &File) -> Vec<String> {
    let sections = [
        ("", &file.unknown),
        ("room.", &file.room.unknown),
        ("rtc.", &file.rtc.unknown),
        ("rtc.congestion_control.", &file.rtc.congestion_control.unknown),
        ("turn.", &file.turn.unknown),
        ("webhook.", &file.webhook.unknown),
        ("logging.", &file.logging.unknown),
    ];
    let unknown =
        sections.into_iter().flat_map(|(section, names)| names.keys().map(move |name| format!("{section}{name}")));
    let mut sentences: Vec<String> = unknown.map(|name| format!("{name} has no effect in this server")).collect();
    if file.turn.domain.is_some() && file.turn.external_tls != Some(true) {
        sentences
            .push("turn.domain has no effect without turn.external_tls: TURN over TLS is part of our own TLS".into());
    }
    if file.rtc.use_external_ip == Some(true) && file.rtc.node_ip.is_none() {
        sentences.push(
            "rtc.use_external_ip has no effect: no third party is asked; set rtc.node_ip to the public address".into(),
        );
    }
    sentences
}

/// Seconds as a number or as a Go duration such as `300s`, `5m` or `1h30m`.
fn seconds(name: &'static str, value: &Value) -> Result<u32, ConfigFileError> {
    let seconds = match value {
        Value::Number(number) => number.as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
        Value::String(text) => duration_seconds(text),
        _ => None,
    };
    let problem = || "is not a number of seconds, nor a duration such as 300s or 5m".to_owned();
    seconds.ok_or_else(|| ConfigFileError::Value { name, problem: problem() })
}

fn duration_seconds(text: &str) -> Option<u32> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let (mut total, mut number) = (0_u32, String::new());
    for character in text.trim().chars() {
        if character.is_ascii_digit() {
            number.push(character);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && !text.trim().is_empty()).then_some(total)
}

/// A port, or the first of a range such as `7882-7892`: one port is enough here.
fn port(name: &'static str, value: &Value) -> Result<u16, ConfigFileError> {
    let port = match value {
        Value::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Value::String(text) => text.split('-').next().and_then(|first| first.trim().parse().ok()),
        _ => None,
    };
    port.ok_or_else(|| ConfigFileError::Value { name, problem: "is not a port".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> StandaloneConfig {
        StandaloneConfig::new(Arc::new(ApiKeys::new(Vec::new())))
    }

    #[test]
    fn the_names_of_livekit_yaml_are_read() {
        let mut config = config();
        let text = "port: 7890\nkeys:\n  key1: secret-one\nroom:\n  auto_create: false\n  empty_timeout: 300s\n  \
                    departure_timeout: 30\n  max_participants: 9\nrtc:\n  udp_port: 7900\n  tcp_port: 0\n  node_ip: 203.0.113.4\n\
                    webhook:\n  api_key: key1\n  urls: [http://localhost:1/hook]\nlogging:\n  level: debug\n";
        assert_eq!(apply_config_text(text, &mut config).unwrap(), Vec::<String>::new());
        let server = &config.server;
        assert_eq!((config.port, server.rtc.udp_port, server.keys.secret("key1")), (7890, 7900, Some("secret-one")));
        assert_eq!(server.rtc.tcp_port, None);
        assert_eq!((server.room.auto_create, server.room.empty_timeout_s), (false, 300));
        assert_eq!((server.room.departure_timeout_s, server.room.max_participants), (30, 9));
        assert_eq!(server.rtc.node_ips, ["203.0.113.4".parse::<IpAddr>().unwrap()]);
        assert_eq!((server.webhook.urls.len(), server.webhook.api_key.as_deref()), (1, Some("key1")));
        assert_eq!((config.log_level.as_deref(), config.keys_given), (Some("debug"), true));
    }

    #[test]
    fn turn_servers_of_others_are_told_with_their_credentials() {
        let text = "rtc:\n  stun_servers: [stun.example.org:3478]\n  interfaces: {excludes: [wg0]}\n  ips: {includes: [10.0.0.0/8]}\n  \
                    turn_servers:\n  - {host: a.example.org, port: 443, protocol: tls, secret: north, ttl: 60}\n  \
                    - {host: b.example.org, port: 3478, protocol: udp, username: user, credential: word}\n\
                    turn: {enabled: false, udp_port: 3478, domain: turn.example.org, external_tls: true}\n";
        let mut config = config();
        let warnings = apply_config_text(text, &mut config).unwrap();
        assert_eq!(warnings, ["turn.udp_port has no effect in this server"]);
        let rtc = &config.server.rtc;
        assert_eq!((rtc.turn, rtc.turn_tls.clone()), (false, Some(("turn.example.org".to_owned(), 443))));
        let urls: Vec<_> = rtc.ice_servers.iter().flat_map(|server| server.urls.clone()).collect();
        let expected = [
            "stun:stun.example.org:3478",
            "turns:a.example.org:443?transport=tcp",
            "turn:b.example.org:3478?transport=udp",
        ];
        assert_eq!(urls, expected);
        let logins: Vec<_> = rtc.ice_servers.iter().map(|server| format!("{:?}", server.login)).collect();
        let expected =
            ["Open", "Derived { secret: [secret], seconds: 60 }", "Fixed { user_name: \"user\", password: [secret] }"];
        assert_eq!(logins, expected);
        assert_eq!(rtc.interfaces.except, ["wg0"]);
        assert_eq!(rtc.interfaces.only_ips, [("10.0.0.0".parse().unwrap(), 8)]);
        assert_eq!([0, -1, 60, 100_000].map(turn_ttl_s), [14_400, 300, 60, 86_400]);
        for wrong in [
            "turn_servers: [{host: a, port: 1, protocol: sctp}]",
            "turn_servers: [{}]",
            "ips: {includes: [10.0.0.0/33]}",
        ] {
            assert!(apply_config_text(&format!("rtc:\n  {wrong}\n"), &mut self::config()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_as_numbers_and_as_go_writes_them() {
        let cases = [
            ("300", Some(300)),
            ("300s", Some(300)),
            ("5m", Some(300)),
            ("1h30m", Some(5400)),
            ("'300'", Some(300)),
            ("0", Some(0)),
            ("-1", None),
            ("5x", None),
            ("s", None),
            ("1h3", None),
            ("''", None),
            ("[1]", None),
        ];
        for (text, expected) in cases {
            let mut config = config();
            let result = apply_config_text(&format!("room:\n  empty_timeout: {text}\n"), &mut config);
            assert_eq!(result.ok().map(|_| config.server.room.empty_timeout_s), expected, "{text}");
        }
    }

    #[test]
    fn names_without_effect_are_told() {
        let warnings = apply_config_text(
            "redis:\n  address: x\nrtc:\n  port_range_start: 1\n  use_external_ip: true\n  congestion_control: {allow_pause: true}\n",
            &mut config(),
        );
        let warnings = warnings.unwrap().join("\n");
        for name in ["redis", "rtc.port_range_start", "rtc.use_external_ip", "rtc.congestion_control.allow_pause"] {
            assert!(warnings.contains(name), "{name} in {warnings}");
        }
        assert_eq!(apply_config_text("", &mut config()).unwrap(), Vec::<String>::new());
        assert!(apply_config_text("port: many", &mut config()).is_err());
    }
}
