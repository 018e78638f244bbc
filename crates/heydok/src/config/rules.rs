//! The start-up rules that can be decided from the settings alone. The others are decided where the
//! database, the data folder and the ports are opened.

use super::settings::{LiveKitMode, Settings};
use super::source::Values;
use super::variable::{self as v, Variable};
use super::{Problem, parse, tls};

/// Fewest characters of each of our three secrets.
const SECRET_CHARS_MIN: usize = 32;

/// Adds what is wrong to `problems`, and what an operator should only know to `warnings`.
pub(super) fn check(settings: &Settings, values: &Values, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) {
    let mut unsafe_values = Vec::new();
    short_secrets(values, &mut unsafe_values);
    sample_values(values, &mut unsafe_values);
    equal_secrets(values, &mut unsafe_values);
    plain_http(settings, &mut unsafe_values);
    any_origin(settings, &mut unsafe_values);
    if settings.operation.development {
        warnings
            .extend(unsafe_values.into_iter().map(|problem| format!("{} (refused in production)", problem.sentence)));
    } else {
        problems.extend(unsafe_values);
    }
    debug_in_public(settings, problems, warnings);
    external_livekit(settings, problems);
    half_a_key(settings, problems);
    settings.livekit.reach.check(problems);
    cluster(settings, problems);
    participants(settings, problems);
    tls::check(settings, problems, warnings);
    not_built(settings, values, warnings);
}

const SECRETS: [&Variable; 3] = [&v::SECRET_KEY, &v::JWT_SECRET, &v::ENCRYPTION_KEY];

fn set<'a>(values: &'a Values, variable: &Variable) -> Option<&'a str> {
    values.get(variable).map(|(value, _)| value.as_str())
}

fn short_secrets(values: &Values, problems: &mut Vec<Problem>) {
    for variable in SECRETS {
        let Some(chars) = set(values, variable).map(|value| value.chars().count()) else {
            continue;
        };
        if chars < SECRET_CHARS_MIN {
            let name = variable.name;
            let sentence = format!(
                "{name} has {chars} characters and needs at least {SECRET_CHARS_MIN}; make one with `openssl rand -base64 32`, or leave it unset to have it generated"
            );
            problems.push(Problem::new("R-1", sentence));
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

fn sample_values(values: &Values, problems: &mut Vec<Problem>) {
    let keys = [&v::LIVEKIT_API_KEY, &v::LIVEKIT_API_SECRET, &v::LIVEKIT_KEYS];
    for variable in SECRETS.into_iter().chain(keys) {
        let Some(value) = set(values, variable) else { continue };
        let in_pairs = |value: &str| value.split([':', ',', '\n']).map(unquoted).any(is_sample);
        if is_sample(value) || (variable.name == v::LIVEKIT_KEYS.name && in_pairs(value)) {
            let name = variable.name;
            let sentence =
                format!("{name} is a sample value that everybody knows; set a value of your own, or leave it unset");
            problems.push(Problem::new("R-2", sentence));
        }
    }
}

/// Whether a secret or the name of a key is one that documentation prints.
pub(crate) fn is_sample(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let beginnings = ["your_", "your-", "changeme", "change_me", "change-me", "example", "<"];
    let words = ["secret", "devkey", "password", "test", "..."];
    beginnings.iter().any(|beginning| value.starts_with(beginning)) || words.contains(&value.as_str())
}

fn equal_secrets(values: &Values, problems: &mut Vec<Problem>) {
    for (index, left) in SECRETS.iter().enumerate() {
        for right in &SECRETS[index + 1..] {
            if set(values, left).is_some() && set(values, left) == set(values, right) {
                let sentence = format!("{} and {} are equal; give each its own value", left.name, right.name);
                problems.push(Problem::new("R-3", sentence));
            }
        }
    }
}

fn debug_in_public(settings: &Settings, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) {
    let what = match (settings.operation.development, settings.operation.debug) {
        (true, _) => "development mode",
        (false, true) => "DEBUG=true",
        (false, false) => return,
    };
    let public = settings.frontend.url.as_deref().filter(|url| !parse::is_loopback(url));
    match public {
        Some(url) => {
            let sentence = format!(
                "{what} with FRONTEND_URL {url} would show details to everybody; use `heydok serve` with DEBUG=false there"
            );
            problems.push(Problem::new("R-4", sentence));
        }
        None if settings.operation.debug => {
            warnings.push("DEBUG=true adds detail to logs and error answers".to_owned());
        }
        None => {}
    }
}

fn external_livekit(settings: &Settings, problems: &mut Vec<Problem>) {
    let LiveKitMode::External { client_url, .. } = &settings.livekit.mode else {
        return;
    };
    if parse::origin(client_url, &["ws", "wss"]).is_err() {
        let sentence = "LIVEKIT_URL must be the address of the LiveKit server, as wss://livekit.example.com; unset it to use the embedded server";
        problems.push(Problem::new("R-5", sentence));
    }
    if settings.keys.livekit_api_key.is_none() || settings.keys.livekit_api_secret.is_none() {
        let sentence = "an external LiveKit server needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET; set both to the values of that server";
        problems.push(Problem::new("R-5", sentence));
    }
}

fn half_a_key(settings: &Settings, problems: &mut Vec<Problem>) {
    let (key, secret) = (&settings.keys.livekit_api_key, &settings.keys.livekit_api_secret);
    if settings.livekit.mode == LiveKitMode::Embedded && key.is_some() != secret.is_some() {
        let sentence = "LIVEKIT_API_KEY and LIVEKIT_API_SECRET belong together; set both, or neither to have them made";
        problems.push(Problem::new("R-5", sentence));
    }
}

/// Somebody who asks for several instances must not get one that keeps everything to itself.
fn cluster(settings: &Settings, problems: &mut Vec<Problem>) {
    if settings.operation.cluster {
        let sentence = "this version runs alone: several instances cannot share their work yet; unset CLUSTER";
        problems.push(Problem::new("R-7", sentence));
    }
}

fn plain_http(settings: &Settings, problems: &mut Vec<Problem>) {
    let Some(url) = &settings.frontend.url else {
        return;
    };
    if url.starts_with("http://") && !parse::is_loopback(url) {
        let sentence = format!(
            "FRONTEND_URL {url} is plain http, where browsers refuse camera and microphone; write https://, with a certificate (TLS_MODE) or behind an HTTPS proxy"
        );
        problems.push(Problem::new("R-6", sentence));
    }
}

fn any_origin(settings: &Settings, problems: &mut Vec<Problem>) {
    if settings.frontend.cors_origins.iter().any(|origin| origin == "*") {
        let sentence = "CORS_ORIGINS=* would let every page act in the name of its visitors; list the origins, as https://app.example.com";
        problems.push(Problem::new("R-11", sentence));
    }
}

fn participants(settings: &Settings, problems: &mut Vec<Problem>) {
    let (usual, hard) = (settings.meetings.participants_max, settings.meetings.participants_hard_max);
    if usual > hard {
        let sentence = format!(
            "MAX_PARTICIPANTS {usual} is above MAX_PARTICIPANTS_HARD {hard}; lower the first or raise the second"
        );
        problems.push(Problem::new("R-12", sentence));
    }
}

fn not_built(settings: &Settings, values: &Values, warnings: &mut Vec<String>) {
    if settings.meetings.recording {
        warnings.push("ENABLE_RECORDING=true has no effect: this version does not record".to_owned());
    }
    if settings.livekit.extra_port.is_some() && settings.livekit.mode != LiveKitMode::Embedded {
        warnings.push("LIVEKIT_PORT has no effect: LIVEKIT_URL names another LiveKit server".to_owned());
    }
    if set(values, &v::REDIS_URL).is_some() {
        warnings.push("REDIS_URL has no effect: one server needs no Redis".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    const LONG_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const LONG_B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn sources(environment: &[(&str, &str)]) -> Sources {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Sources { environment, ..Sources::default() }
    }

    fn check_rules(environment: &[(&str, &str)], expected: &[&str]) {
        let found: Vec<&str> = match load(&sources(environment)) {
            Ok(_) => Vec::new(),
            Err(refusal) => refusal.0.iter().map(|problem| problem.rule).collect(),
        };
        assert_eq!(found, expected, "{environment:?}");
    }

    #[test]
    fn unsafe_values_are_refused_by_their_rule() {
        check_rules(&[], &[]);
        check_rules(&[("SECRET_KEY", "short")], &["R-1"]);
        check_rules(&[("SECRET_KEY", LONG_A), ("JWT_SECRET", LONG_B)], &[]);
        check_rules(&[("JWT_SECRET", "your_jwt_secret_key_minimum_32_characters")], &["R-2"]);
        check_rules(&[("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "secret")], &["R-2", "R-2"]);
        check_rules(&[("LIVEKIT_KEYS", "mine: of-my-own, devkey: secret")], &["R-2"]);
        check_rules(&[("LIVEKIT_KEYS", "mine: of-my-own")], &[]);
        check_rules(&[("SECRET_KEY", LONG_A), ("ENCRYPTION_KEY", LONG_A)], &["R-3"]);
        check_rules(&[("DEBUG", "true"), ("FRONTEND_URL", "https://meet.example.com")], &["R-4"]);
        check_rules(&[("HEYDOK_ENV", "development"), ("FRONTEND_URL", "https://meet.example.com")], &["R-4"]);
        check_rules(&[("DEBUG", "true"), ("FRONTEND_URL", "http://localhost:3000")], &[]);
        check_rules(&[("LIVEKIT_URL", "wss://livekit.example.com")], &["R-5"]);
        check_rules(&[("LIVEKIT_MODE", "external")], &["R-5", "R-5"]);
        check_rules(&[("LIVEKIT_URL", "ftp://x"), ("LIVEKIT_API_KEY", "k"), ("LIVEKIT_API_SECRET", LONG_A)], &["R-5"]);
        check_rules(&[("LIVEKIT_API_KEY", "mine")], &["R-5"]);
        check_rules(&[("FRONTEND_URL", "http://meet.example.com")], &["R-6"]);
        check_rules(&[("CLUSTER", "true")], &["R-7"]);
        check_rules(&[("CLUSTER", "maybe")], &["R-12"]);
        check_rules(&[("CLUSTER", "false")], &[]);
        check_rules(&[("CORS_ORIGINS", "https://a.example,*")], &["R-11"]);
        check_rules(
            &[("PORT", "eight"), ("MEETING_TTL", "soon"), ("RATE_LIMIT_JOIN", "30")],
            &["R-12", "R-12", "R-12"],
        );
        check_rules(&[("MAX_PARTICIPANTS", "501")], &["R-12"]);
        let urls = ("TURN_URLS", "turns:turn.example.org:443?transport=tcp");
        check_rules(&[urls], &["R-12"]);
        check_rules(&[urls, ("TURN_SECRET", "north")], &[]);
        check_rules(&[urls, ("TURN_USERNAME", "user")], &["R-12"]);
        check_rules(&[urls, ("TURN_USERNAME", "user"), ("TURN_CREDENTIAL", "word")], &[]);
        check_rules(&[urls, ("TURN_SECRET", "north"), ("TURN_USERNAME", "user")], &["R-12"]);
        check_rules(&[("TURN_URLS", "stun:stun.example.org"), ("TURN_TTL", "25h")], &["R-12"]);
        check_rules(&[("TLS_MODE", "files"), ("TLS_CERT", "cert.pem")], &["R-15"]);
        check_rules(&[("TLS_MODE", "files"), ("TLS_CERT", "cert.pem"), ("TLS_KEY", "key.pem")], &[]);
        check_rules(&[("TLS_MODE", "acme")], &["R-15"]);
        check_rules(&[("TLS_MODE", "acme"), ("TLS_DOMAIN", "meet.example.com")], &[]);
        for domain in ["localhost", "*.example.com", "192.0.2.7", "meet_.example.com", "https://meet.example.com"] {
            check_rules(&[("TLS_DOMAIN", domain)], &["R-12"]);
        }
        check_rules(&[("TLS_ACME_URL", "http://ca.example.com"), ("TLS_ACME_EMAIL", "anna")], &["R-12", "R-12"]);
        check_rules(&[("TLS_MODE", "proxy")], &["R-15"]);
        check_rules(&[("TLS_MODE", "proxy"), ("TRUSTED_PROXIES", "loopback")], &[]);
        check_rules(&[("TLS_MODE", "ssl"), ("TLS_REDIRECT_PORT", "http")], &["R-12", "R-12"]);
    }

    /// Where nothing is set, everything is as the documents print it.
    #[test]
    fn nothing_set_is_what_the_documents_say() {
        let loaded = load(&sources(&[])).unwrap();
        let settings = loaded.settings;
        assert_eq!(
            (settings.listening.host.to_string().as_str(), &settings.listening.ports[..]),
            ("0.0.0.0", &[8000][..])
        );
        assert_eq!(settings.logging.file.as_deref(), Some(std::path::Path::new("logs/app.log")));
        let meetings = settings.meetings;
        assert_eq!((meetings.recording, meetings.participants_max, meetings.anonymous_create), (false, 20, true));
        assert_eq!((meetings.ttl.as_secs(), meetings.token_ttl.as_secs()), (86_400, 86_400));
        assert_eq!((meetings.empty_timeout.as_secs(), meetings.departure_timeout.as_secs()), (300, 20));
        assert_eq!(loaded.warnings, Vec::<String>::new());
    }

    /// With a certificate of ours the port is 443 and links say the name; in the local network anybody may open the port.
    #[test]
    fn https_has_a_port_and_an_address() {
        let check = |environment: &[(&str, &str)], ports: &[u16], url: Option<&str>| {
            let settings = load(&sources(environment)).unwrap().settings;
            assert_eq!(
                (&settings.listening.ports[..], settings.frontend.url.as_deref()),
                (ports, url),
                "{environment:?}"
            );
        };
        let acme = ("TLS_MODE", "acme");
        check(&[acme, ("TLS_DOMAIN", "Meet.example.com, b.example.com")], &[443], Some("https://meet.example.com"));
        check(&[acme, ("TLS_DOMAIN", "meet.example.com"), ("PORT", "8443")], &[8443], None);
        let other = ("FRONTEND_URL", "https://b.example.com");
        check(&[acme, ("TLS_DOMAIN", "meet.example.com"), other], &[443], Some("https://b.example.com"));
        check(&[("TLS_MODE", "files"), ("TLS_CERT", "a"), ("TLS_KEY", "b")], &[443], None);
        check(&[("TLS_MODE", "lan")], &[8000], None);
        check(&[("TLS_DOMAIN", "meet.example.com")], &[8000], None);
    }

    /// Planned settings and those of other servers are told, so that nobody relies on them.
    #[test]
    fn settings_without_effect_are_told() {
        let warnings = |name: &str, value: &str| load(&sources(&[(name, value)])).unwrap().warnings;
        for (name, value) in [
            ("TLS_CERT", "/nowhere/cert.pem"),
            ("ASSETS_URL", "https://cdn.test"),
            ("JWT_SECRET_PREVIOUS", LONG_A),
            ("REDIS_URL", "redis://localhost"),
            ("SMTP_URL", "smtp://localhost"),
            ("ENABLE_RECORDING", "true"),
        ] {
            let told = warnings(name, value);
            assert!(told.len() == 1 && told[0].starts_with(name) && told[0].contains("has no effect"), "{told:?}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once_and_no_value_of_a_secret_is() {
        let environment = [("SECRET_KEY", "hunter2"), ("CORS_ORIGINS", "*"), ("HOST", "here")];
        let text = load(&sources(&environment)).unwrap_err().to_string();
        for rule in ["R-1", "R-11", "R-12"] {
            assert!(text.contains(rule), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn development_only_warns_about_unsafe_values() {
        let environment = [("HEYDOK_ENV", "development"), ("SECRET_KEY", "short"), ("CORS_ORIGINS", "*")];
        let loaded = load(&sources(&environment)).unwrap();
        assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
        assert!(loaded.settings.listening.host.is_loopback());
    }

    #[test]
    fn the_external_server_has_two_addresses() {
        let external = |url: &str, host: &str| {
            let environment = [
                ("LIVEKIT_URL", url),
                ("LIVEKIT_HOST", host),
                ("LIVEKIT_API_KEY", "k"),
                ("LIVEKIT_API_SECRET", LONG_A),
            ];
            load(&sources(&environment)).unwrap().settings.livekit.mode
        };
        let expected = |client: &str, server: &str| LiveKitMode::External {
            client_url: client.to_owned(),
            server_url: server.to_owned(),
        };
        assert_eq!(external("wss://lk.example.com/", ""), expected("wss://lk.example.com", "https://lk.example.com"));
        assert_eq!(external("http://127.0.0.1:7880", ""), expected("ws://127.0.0.1:7880", "http://127.0.0.1:7880"));
        assert_eq!(
            external("wss://lk.example.com", "http://lk:7880"),
            expected("wss://lk.example.com", "http://lk:7880")
        );
    }

    #[test]
    fn the_printed_sample_of_the_first_document_starts_with_a_warning() {
        let environment = [("DEBUG", "true"), ("FRONTEND_URL", "http://localhost:3000"), ("LOG_LEVEL", "INFO")];
        let loaded = load(&sources(&environment)).unwrap();
        assert_eq!(loaded.warnings, ["DEBUG=true adds detail to logs and error answers"]);
    }
}
