//! What containers, services and packages are made of: they name only what heydok reads, and ports that it opens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use heydok::cli::Cli;
use heydok::config::{Sources, load, variable};
use serde_norway::Value;

use crate::server::root;

/// Files of settings, as `NAME=value` lines; a `#` straight before a name is a setting that somebody may want.
const ENVIRONMENTS: [&str; 3] = ["env.production.example", "packaging/heydok.env", "packaging/media.env"];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_norway::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A value as it would be written.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        other => panic!("no plain value: {other:?}"),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().map(text).collect()
}

fn environment(service: &Value) -> BTreeMap<String, String> {
    let pairs = service["environment"].as_mapping().unwrap();
    pairs.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn port(variable: &variable::Variable) -> u16 {
    variable.default.parse().unwrap()
}

/// All settings of such a file, also those that are commented out.
fn settings(path: &str) -> BTreeMap<String, String> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let pair = |line: &str| {
        let (name, value) = line.trim_start_matches('#').split_once('=')?;
        is_name(name).then(|| (name.to_owned(), value.to_owned()))
    };
    read(path).lines().filter_map(pair).collect()
}

#[test]
fn packaging_names_only_settings_that_exist() {
    let mut named: Vec<(&str, String)> = Vec::new();
    for path in ENVIRONMENTS {
        named.extend(settings(path).into_keys().map(|name| (path, name)));
    }
    for path in ["docker-compose.yml", "docker-compose.dev.yml"] {
        for service in yaml(path)["services"].as_mapping().unwrap().values() {
            named.extend(environment(service).into_keys().map(|name| (path, name)));
        }
    }
    let image = read("Dockerfile");
    let variables = image.lines().filter_map(|line| line.strip_prefix("ENV ")).flat_map(str::split_whitespace);
    named.extend(variables.map(|pair| ("Dockerfile", pair.split('=').next().unwrap().to_owned())));
    assert!(named.len() > 40, "{named:?}");
    for (path, name) in named {
        assert!(variable::by_name(&name).is_some(), "{path} names {name}, which nothing reads");
    }
}

/// As they stand, and with every suggestion taken up.
#[test]
fn the_settings_files_are_accepted() {
    for path in ENVIRONMENTS {
        let as_it_stands = Sources { dotenv: Some(read(path)), ..Sources::default() };
        load(&as_it_stands).unwrap_or_else(|refusal| panic!("{path}: {refusal}"));
        let mut all = settings(path);
        for (name, value) in all.iter_mut().filter(|(_, value)| value.is_empty()) {
            *value = format!("a-value-of-my-own-for-{name}-and-long-enough");
        }
        let dotenv = all.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let taken_up = load(&Sources { dotenv: Some(dotenv), ..Sources::default() });
        let warnings = taken_up.unwrap_or_else(|refusal| panic!("{path}: {refusal}")).warnings;
        assert_eq!(warnings, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn packaging_and_defaults_agree_on_ports() {
    let (http, udp, tcp) = (port(&variable::PORT), port(&variable::RTC_UDP_PORT), port(&variable::RTC_TCP_PORT));
    assert!(read("Dockerfile").contains(&format!("EXPOSE {http}/tcp {udp}/udp {tcp}/tcp\n")));
    let compose = yaml("docker-compose.dev.yml");
    let backend = &compose["services"]["backend"];
    let variables = environment(backend);
    let opened = [variables["PORT"].as_str(), &variables["LIVEKIT_PORT"]];
    let mut opened: BTreeSet<String> = opened.iter().flat_map(|ports| ports.split(',')).map(str::to_owned).collect();
    opened.extend([format!("{udp}/udp"), tcp.to_string()]);
    let mut published = BTreeSet::new();
    for line in texts(&backend["ports"]) {
        let (outside, inside) = line.rsplit_once(':').unwrap();
        let number = inside.trim_end_matches("/udp");
        assert_eq!(outside.rsplit(':').next(), Some(number), "{line}: heydok tells browsers the port that it opens");
        published.insert(inside.to_owned());
    }
    assert_eq!(published, opened);
    for path in ["packaging/proxy/nginx.conf", "packaging/proxy/Caddyfile", "packaging/proxy/traefik.yml"] {
        assert!(read(path).contains(&format!("127.0.0.1:{http}")), "{path}");
    }
    for path in ENVIRONMENTS {
        for (name, port) in [("RTC_UDP_PORT", udp), ("RTC_TCP_PORT", tcp)] {
            let said = settings(path).remove(name);
            assert!(said.is_none_or(|said| said == port.to_string()), "{path}");
        }
    }
}

#[test]
fn the_services_have_the_names_of_the_documents() {
    let compose = yaml("docker-compose.yml");
    let services = &compose["services"];
    assert!(services["backend"]["profiles"].is_null(), "`docker-compose up -d` starts it");
    assert_eq!(texts(&services["livekit"]["profiles"]), ["livekit"]);
    for service in ["backend", "livekit"] {
        // No port is forwarded, so the one that browsers are told is the one that is open.
        assert_eq!(text(&services[service]["network_mode"]), "host");
        assert_eq!(environment(&services[service])["DATA_DIR"], "/data");
        assert!(texts(&services[service]["volumes"]).iter().any(|volume| volume.ends_with(":/data")), "{service}");
    }
    assert!(yaml("docker-compose.dev.yml")["services"]["backend"].is_mapping());
}

#[test]
fn the_media_server_takes_its_file_without_a_warning() {
    let mut config = livekit_server::StandaloneConfig::new(std::sync::Arc::new(node::token::ApiKeys::new(Vec::new())));
    let warnings = livekit_server::apply_config_file(&root().join("livekit-config.yaml"), &mut config).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(!config.keys_given, "a key that everybody knows is no key");
    assert_eq!(config.server.rtc.udp_port, port(&variable::RTC_UDP_PORT));
    assert_eq!(config.server.rtc.tcp_port, Some(port(&variable::RTC_TCP_PORT)));
    let compose = yaml("docker-compose.yml");
    assert_eq!(environment(&compose["services"]["livekit"])["PORT"], config.port.to_string());
    assert!(settings("env.production.example")["LIVEKIT_HOST"].ends_with(&format!(":{}", config.port)));
}

#[test]
fn packaging_starts_commands_that_exist() {
    let compose = |path: &str, service: &str| text(&yaml(path)["services"][service]["command"]);
    let after = |path: &str, start: &str| {
        let found = read(path).lines().find_map(|line| line.strip_prefix(start).map(str::to_owned));
        found.unwrap_or_else(|| panic!("{path} has no {start}"))
    };
    let commands = [
        (after("Procfile", "web: target/release/heydok "), "serve"),
        (after("packaging/heydok.service", "ExecStart=/usr/bin/heydok "), "serve"),
        (after("packaging/heydok-media.service", "ExecStart=/usr/bin/heydok "), "media"),
        (after("Dockerfile", "CMD ").trim_matches(['[', ']', '"']).to_owned(), "serve"),
        (compose("docker-compose.yml", "livekit"), "media"),
        (compose("docker-compose.dev.yml", "backend"), "dev"),
    ];
    for (command, expected) in commands {
        assert_eq!(command, expected);
        assert!(Cli::try_parse_from(["heydok", &command]).is_ok(), "{command}");
    }
}

/// The package holds what its services start and read, as they expect it.
#[test]
fn the_debian_package_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(root())
            .env("DPKG_DEB_COMPRESSOR_TYPE", "none")
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let built = run("packaging/deb/build.sh", &[env!("CARGO_BIN_EXE_heydok"), &path("out")]);
    let package = built.trim().strip_prefix("built ").unwrap();
    run("dpkg-deb", &["--extract", package, &path("files")]);
    run("dpkg-deb", &["--control", package, &path("control")]);
    let files = folder.path().join("files");
    for unit in ["heydok", "heydok-media"] {
        let unit = std::fs::read_to_string(files.join(format!("usr/lib/systemd/system/{unit}.service"))).unwrap();
        let named = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim_start_matches('/');
        let binary = named("ExecStart=").split(' ').next().unwrap();
        for file in [binary, named("EnvironmentFile="), named("Documentation=file://")] {
            assert!(files.join(file).is_file(), "{file}");
        }
    }
    let config = settings("packaging/media.env").remove("LIVEKIT_CONFIG_FILE").unwrap();
    assert!(files.join(config.trim_start_matches('/')).is_file(), "{config}");
    let control = |name: &str| std::fs::read_to_string(folder.path().join("control").join(name)).unwrap();
    assert_eq!(
        control("conffiles"),
        "/etc/heydok/heydok.env\n/etc/heydok/livekit-config.yaml\n/etc/heydok/media.env\n"
    );
    assert!(control("control").contains(concat!("Version: ", env!("CARGO_PKG_VERSION"), "\n")));
    for script in ["postinst", "prerm", "postrm"] {
        run("sh", &["-n", &path(&format!("control/{script}"))]);
    }
    assert!(mode(&files.join("etc/heydok/heydok.env")) & 0o077 == 0, "settings may hold secrets");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().unwrap().permissions().mode()
}
