//! The settings as the rest of the program sees them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit::Secret;

use super::parse;
use super::reader::Reader;
use super::source::Values;
use super::tls::{Tls, TlsMode};
use super::turn::Reach;
use super::variable as v;
use crate::limits::{Rate, TrustedProxies};

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses and ports.
    pub listening: Listening,
    /// Links and other origins.
    pub frontend: Frontend,
    /// Folders.
    pub storage: Storage,
    /// The database.
    pub database: Database,
    /// Keys that the operator set; generated ones come later.
    pub keys: Keys,
    /// The media server.
    pub livekit: LiveKit,
    /// What a meeting may be.
    pub meetings: Meetings,
    /// How long what is kept is kept.
    pub retention: Retention,
    /// How often anybody may do anything.
    pub rate_limits: RateLimits,
    /// How much is logged, and where.
    pub logging: Logging,
    /// Health, documentation, error answers.
    pub operation: Operation,
}

/// Addresses and ports.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Address of the HTTP ports.
    pub host: IpAddr,
    /// HTTP ports, at least one. `0` is any free one.
    pub ports: Vec<u16>,
    /// Proxies whose forwarding headers count.
    pub trusted_proxies: TrustedProxies,
    /// HTTPS.
    pub tls: Tls,
}

/// Links and other origins.
#[derive(Clone, Debug)]
pub struct Frontend {
    /// Public origin, without a slash at the end. `None`: scheme and host of each request.
    pub url: Option<String>,
    /// Form of meeting links.
    pub meeting_url_style: MeetingUrlStyle,
    /// Other origins that may send credentials.
    pub cors_origins: Vec<String>,
    /// Origins that may show our pages in a frame.
    pub embed_origins: Vec<String>,
}

/// Form of meeting links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeetingUrlStyle {
    /// `/meeting/abc-defg-hij`
    Path,
    /// `/meeting.html?id=abc-defg-hij`
    Html,
}

/// Folders.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Folder for the database and the generated secrets.
    pub data_dir: PathBuf,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Address, with its password where there is one.
    pub url: Secret,
    /// Most connections.
    pub connections_max: u32,
}

/// Keys that the operator set.
#[derive(Clone, Debug)]
pub struct Keys {
    /// SECRET_KEY.
    pub secret_key: Option<Secret>,
    /// JWT_SECRET.
    pub jwt_secret: Option<Secret>,
    /// ENCRYPTION_KEY.
    pub encryption_key: Option<Secret>,
    /// ENCRYPTION_KEY_PREVIOUS, for `heydok keys rotate`.
    pub encryption_key_previous: Option<Secret>,
    /// LIVEKIT_API_KEY.
    pub livekit_api_key: Option<String>,
    /// LIVEKIT_API_SECRET.
    pub livekit_api_secret: Option<Secret>,
    /// LIVEKIT_KEYS, for `heydok media`.
    pub livekit_keys: Option<Secret>,
}

/// Which media server is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveKitMode {
    /// The one inside this process.
    Embedded,
    /// Another one.
    External {
        /// Address for browsers: `ws` or `wss`.
        client_url: String,
        /// Address for this process: `http` or `https`.
        server_url: String,
    },
}

/// The media server.
#[derive(Clone, Debug)]
pub struct LiveKit {
    /// Embedded or external.
    pub mode: LiveKitMode,
    /// Another port for LiveKit clients.
    pub extra_port: Option<u16>,
    /// A `livekit.yaml`.
    pub config_file: Option<PathBuf>,
    /// Whether webhooks are accepted.
    pub webhooks: bool,
    /// The UDP port of the embedded server. `0` is any free one.
    pub udp_port: u16,
    /// The TCP port for browsers without UDP. `0` is any free one.
    pub tcp_port: Option<u16>,
    /// Media ports that browsers are told, where they differ.
    pub advertised_udp_port: Option<u16>,
    pub advertised_tcp_port: Option<u16>,
    /// Addresses that browsers are told. Empty: those of this machine.
    pub node_ips: Vec<IpAddr>,
    /// Threads that carry media; 0 = by the number of processors.
    pub media_threads: usize,
    /// How browsers reach the media where the plain way is closed.
    pub reach: Reach,
}

/// What a meeting may be.
#[derive(Clone, Debug)]
pub struct Meetings {
    /// Most participants where a meeting does not say otherwise.
    pub participants_max: u32,
    /// Most participants that a meeting may ask for.
    pub participants_hard_max: u32,
    /// How long a link works.
    pub ttl: Duration,
    /// How long a room token works.
    pub token_ttl: Duration,
    /// A room that nobody entered is closed after this.
    pub empty_timeout: Duration,
    /// A room that everybody left is closed after this.
    pub departure_timeout: Duration,
    /// A meeting that runs longer is ended.
    pub duration_max: Duration,
    /// Whether anybody may make meetings.
    pub anonymous_create: bool,
    /// Whether recording was asked for; not built yet.
    pub recording: bool,
}

/// How long what is kept is kept; `None` is for ever.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Messages.
    pub chat: Option<Duration>,
    /// What is known of people without an account.
    pub guests: Option<Duration>,
    /// The audit log.
    pub audit: Option<Duration>,
}

/// How often anybody may do anything; `None` is unlimited.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// New meetings for each network.
    pub create: Option<Rate>,
    /// New meetings for each network, over the day.
    pub create_day: Option<Rate>,
    /// Joins for each network.
    pub join: Option<Rate>,
    /// Joins for each meeting.
    pub join_meeting: Option<Rate>,
    /// Unknown codes for each network.
    pub miss: Option<Rate>,
    /// Unknown codes in all.
    pub miss_total: Option<Rate>,
    /// Chat messages for each person.
    pub chat: Option<Rate>,
    /// Chat messages for each person, over the hour.
    pub chat_hour: Option<Rate>,
    /// Self-tests for each network.
    pub selftest: Option<Rate>,
    /// Webhooks for each network.
    pub webhook: Option<Rate>,
    /// Calls at once for each network.
    pub connections: Option<u32>,
    /// Everything else for each network.
    pub other: Option<Rate>,
}

/// How much is logged, and where.
#[derive(Clone, Debug)]
pub struct Logging {
    /// Filter directives.
    pub level: String,
    /// Form of a line.
    pub format: LogFormat,
    /// File besides standard error.
    pub file: Option<PathBuf>,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `time LEVEL target: message key=value`
    Text,
    /// One JSON object a line.
    Json,
}

/// Health, documentation, error answers.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Whether this is `heydok dev`.
    pub development: bool,
    /// Whether several instances were asked for; refused until they can share their work.
    pub cluster: bool,
    /// More detail in logs and errors.
    pub debug: bool,
    /// Token for `/metrics`.
    pub metrics_token: Option<Secret>,
    /// Who sees numbers in `/health`.
    pub health_details: HealthDetails,
    /// Form of `detail` in a 422.
    pub error_detail_style: ErrorDetailStyle,
    /// Shown with errors.
    pub support_url: Option<String>,
    /// Whether `/docs` answers.
    pub docs: bool,
}

/// Who sees numbers in `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthDetails {
    /// The same machine.
    Loopback,
    /// Everybody.
    Everybody,
    /// Nobody.
    Nobody,
}

/// Form of `detail` in a 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorDetailStyle {
    /// A sentence.
    Text,
    /// The list of invalid fields.
    FastApi,
}

impl Settings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let operation = Operation::read(reader);
        let storage = Storage { data_dir: reader.value(&v::DATA_DIR, |text| Ok(PathBuf::from(text))) };
        let listening = Listening::read(reader, operation.development);
        Self {
            frontend: Frontend::read(reader, &listening),
            listening,
            database: Database::read(reader, &storage.data_dir),
            storage,
            keys: Keys::read(reader),
            livekit: LiveKit::read(reader),
            meetings: Meetings::read(reader),
            retention: Retention::read(reader),
            rate_limits: RateLimits::read(reader),
            logging: Logging::read(reader, operation.debug),
            operation,
        }
    }
}

impl Listening {
    fn read(reader: &mut Reader<'_>, development: bool) -> Self {
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| format!("`{text}` is no IP address"));
        let unset = if development { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let ports = |text: &str| match parse::list(text, parse::port)? {
            ports if ports.is_empty() => Err("at least one port is needed".to_owned()),
            ports => Ok(ports),
        };
        let tls = Tls::read(reader);
        Self {
            host: reader.optional(&v::HOST, address).unwrap_or(unset),
            ports: reader.optional(&v::PORT, ports).unwrap_or_else(|| tls.mode.ports()),
            tls,
            trusted_proxies: reader.value(&v::TRUSTED_PROXIES, TrustedProxies::parse),
        }
    }
}

impl Listening {
    /// Where people find us, if a certificate says so.
    fn origin(&self) -> Option<String> {
        let named = self.tls.mode == TlsMode::Acme && self.ports.contains(&443);
        self.tls.domains.first().filter(|_| named).map(|name| format!("https://{name}"))
    }
}

impl Frontend {
    fn read(reader: &mut Reader<'_>, listening: &Listening) -> Self {
        let web = |text: &str| parse::origin(text, &["http", "https"]);
        // `*` is read here and refused by its own rule, which has the better sentence.
        let any_web = |text: &str| {
            if text == "*" { Ok("*".to_owned()) } else { web(text) }
        };
        Self {
            url: reader.optional(&v::FRONTEND_URL, web).or_else(|| listening.origin()),
            meeting_url_style: reader.value(&v::MEETING_URL_STYLE, |text| {
                parse::word(text, &[("path", MeetingUrlStyle::Path), ("html", MeetingUrlStyle::Html)])
            }),
            cors_origins: reader.value(&v::CORS_ORIGINS, |text| parse::list(text, any_web)),
            embed_origins: reader.value(&v::EMBED_ORIGINS, |text| parse::list(text, web)),
        }
    }
}

impl Database {
    fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let known = |text: &str| {
            let is_known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
            if is_known {
                Ok(text.to_owned())
            } else {
                Err("the address must begin with sqlite:, postgresql:// or postgres://".to_owned())
            }
        };
        let url = reader
            .optional(&v::DATABASE_URL, known)
            .unwrap_or_else(|| format!("sqlite://{}", data_dir.join("heydok.db").display()));
        Self {
            url: Secret::new(url),
            connections_max: reader.value(&v::DATABASE_MAX_CONNECTIONS, |text| parse::number(text, 1, 1_000)),
        }
    }
}

impl Keys {
    fn read(reader: &Reader<'_>) -> Self {
        Self {
            secret_key: reader.text(&v::SECRET_KEY).map(Secret::new),
            jwt_secret: reader.text(&v::JWT_SECRET).map(Secret::new),
            encryption_key: reader.text(&v::ENCRYPTION_KEY).map(Secret::new),
            encryption_key_previous: reader.text(&v::ENCRYPTION_KEY_PREVIOUS).map(Secret::new),
            livekit_api_key: reader.text(&v::LIVEKIT_API_KEY),
            livekit_api_secret: reader.text(&v::LIVEKIT_API_SECRET).map(Secret::new),
            livekit_keys: reader.text(&v::LIVEKIT_KEYS).map(Secret::new),
        }
    }
}

impl LiveKit {
    fn read(reader: &mut Reader<'_>) -> Self {
        let optional_port = |text: &str| match parse::word(text, &[("off", ())]) {
            Ok(()) => Ok(None),
            Err(_) => parse::port(text).map(Some),
        };
        // 0 lets the system choose when we bind; told to a client it would be nowhere.
        let told_port = |text: &str| match parse::port(text)? {
            0 => Err("write a number from 1 to 65535".to_owned()),
            port => Ok(port),
        };
        let addresses = |text: &str| {
            parse::list(text, |one| one.parse::<IpAddr>().map_err(|_| format!("`{one}` is no IP address")))
        };
        Self {
            mode: LiveKitMode::read(reader),
            extra_port: reader.value(&v::LIVEKIT_PORT, optional_port),
            config_file: reader.text(&v::LIVEKIT_CONFIG_FILE).map(PathBuf::from),
            webhooks: reader.value(&v::LIVEKIT_WEBHOOK, parse::switch),
            udp_port: reader.value(&v::RTC_UDP_PORT, parse::port),
            tcp_port: reader.value(&v::RTC_TCP_PORT, optional_port),
            advertised_udp_port: reader.optional(&v::RTC_ADVERTISED_UDP_PORT, told_port),
            advertised_tcp_port: reader.optional(&v::RTC_ADVERTISED_TCP_PORT, told_port),
            node_ips: reader.value(&v::RTC_NODE_IP, addresses),
            media_threads: reader.value(&v::RTC_MEDIA_THREADS, media_threads),
            reach: Reach::read(reader),
        }
    }
}

impl LiveKit {
    /// Hands the settings of the media ports to the embedded server; its file may say otherwise where no variable is set.
    pub fn apply(&self, values: &Values, rtc: &mut livekit_server::RtcConfig) {
        if values.get(&v::RTC_UDP_PORT).is_some() {
            rtc.udp_port = self.udp_port;
        }
        if values.get(&v::RTC_TCP_PORT).is_some() {
            rtc.tcp_port = self.tcp_port;
        }
        rtc.advertised_udp_port = self.advertised_udp_port;
        rtc.advertised_tcp_port = self.advertised_tcp_port;
        if !self.node_ips.is_empty() {
            rtc.node_ips.clone_from(&self.node_ips);
        }
        rtc.media_threads = self.media_threads;
        self.reach.apply(values, rtc);
    }
}

/// `auto` is 0.
fn media_threads(text: &str) -> Result<usize, String> {
    match parse::word(text, &[("auto", 0)]) {
        Ok(auto) => Ok(auto),
        Err(_) => parse::number(text, 1, livekit_server::MEDIA_THREADS_MAX as u32).map(|threads| threads as usize),
    }
}

impl LiveKitMode {
    fn read(reader: &mut Reader<'_>) -> Self {
        let external = reader.value(&v::LIVEKIT_MODE, |text| {
            parse::word(text, &[("auto", None), ("embedded", Some(false)), ("external", Some(true))])
        });
        // An address that does not parse is told by its rule, together with a missing one.
        let url = reader.text(&v::LIVEKIT_URL);
        let host = reader.optional(&v::LIVEKIT_HOST, |text| parse::origin(text, &["http", "https"]));
        if !external.unwrap_or_else(|| url.is_some()) {
            return Self::Embedded;
        }
        let url = url.unwrap_or_default().trim_end_matches('/').to_owned();
        Self::External {
            server_url: host.unwrap_or_else(|| swap_scheme(&url, "wss", "https", "ws", "http")),
            client_url: swap_scheme(&url, "https", "wss", "http", "ws"),
        }
    }
}

fn swap_scheme(url: &str, secure: &str, secure_to: &str, plain: &str, plain_to: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(secure) => {
            format!("{secure_to}://{rest}")
        }
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(plain) => {
            format!("{plain_to}://{rest}")
        }
        _ => url.to_owned(),
    }
}

impl Meetings {
    fn read(reader: &mut Reader<'_>) -> Self {
        let at_most_a_day = |text: &str| match parse::duration(text)? {
            ttl if ttl <= Duration::from_secs(86_400) => Ok(ttl),
            _ => Err("a room token works at most 24h".to_owned()),
        };
        Self {
            participants_max: reader.value(&v::MAX_PARTICIPANTS, |text| parse::number(text, 2, 10_000)),
            participants_hard_max: reader.value(&v::MAX_PARTICIPANTS_HARD, |text| parse::number(text, 2, 10_000)),
            ttl: reader.value(&v::MEETING_TTL, parse::duration),
            token_ttl: reader.value(&v::TOKEN_TTL, at_most_a_day),
            empty_timeout: reader.value(&v::EMPTY_TIMEOUT, parse::duration),
            departure_timeout: reader.value(&v::DEPARTURE_TIMEOUT, parse::duration),
            duration_max: reader.value(&v::MAX_MEETING_DURATION, parse::duration),
            anonymous_create: reader.value(&v::ANONYMOUS_CREATE, parse::switch),
            recording: reader.value(&v::ENABLE_RECORDING, parse::switch),
        }
    }
}

impl Retention {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            chat: reader.value(&v::RETENTION_CHAT, parse::retention),
            guests: reader.value(&v::RETENTION_GUESTS, parse::retention),
            audit: reader.value(&v::RETENTION_AUDIT, parse::retention),
        }
    }
}

impl RateLimits {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            create: reader.value(&v::RATE_LIMIT_CREATE, parse::rate),
            create_day: reader.value(&v::RATE_LIMIT_CREATE_DAY, parse::rate),
            join: reader.value(&v::RATE_LIMIT_JOIN, parse::rate),
            join_meeting: reader.value(&v::RATE_LIMIT_JOIN_MEETING, parse::rate),
            miss: reader.value(&v::RATE_LIMIT_MISS, parse::rate),
            miss_total: reader.value(&v::RATE_LIMIT_MISS_TOTAL, parse::rate),
            chat: reader.value(&v::RATE_LIMIT_CHAT, parse::rate),
            chat_hour: reader.value(&v::RATE_LIMIT_CHAT_HOUR, parse::rate),
            selftest: reader.value(&v::RATE_LIMIT_SELFTEST, parse::rate),
            webhook: reader.value(&v::RATE_LIMIT_WEBHOOK, parse::rate),
            connections: reader.value(&v::MAX_CONNECTIONS_PER_NETWORK, |text| {
                match parse::word(text, &[("off", ())]) {
                    Ok(()) => Ok(None),
                    Err(_) => parse::number(text, 1, 100_000).map(Some),
                }
            }),
            other: reader.value(&v::RATE_LIMIT_OTHER, parse::rate),
        }
    }
}

impl Logging {
    fn read(reader: &mut Reader<'_>, debug: bool) -> Self {
        let unset = if debug { "debug" } else { v::LOG_LEVEL.default };
        Self {
            level: reader.optional(&v::LOG_LEVEL, crate::logging::parse_level).unwrap_or_else(|| unset.to_owned()),
            format: reader.value(&v::LOG_FORMAT, |text| {
                parse::word(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
            }),
            file: reader.value(&v::LOG_FILE, |text| Ok((text != "-").then(|| PathBuf::from(text)))),
        }
    }
}

impl Operation {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            development: reader
                .value(&v::HEYDOK_ENV, |text| parse::word(text, &[("production", false), ("development", true)])),
            cluster: reader.value(&v::CLUSTER, parse::switch),
            debug: reader.value(&v::DEBUG, parse::switch),
            metrics_token: reader.text(&v::METRICS_TOKEN).map(Secret::new),
            health_details: reader.value(&v::HEALTH_DETAILS, |text| {
                parse::word(
                    text,
                    &[
                        ("loopback", HealthDetails::Loopback),
                        ("on", HealthDetails::Everybody),
                        ("off", HealthDetails::Nobody),
                    ],
                )
            }),
            error_detail_style: reader.value(&v::ERROR_DETAIL_STYLE, |text| {
                parse::word(text, &[("string", ErrorDetailStyle::Text), ("fastapi", ErrorDetailStyle::FastApi)])
            }),
            support_url: reader.optional(&v::SUPPORT_URL, |text| {
                let known = ["https://", "http://", "mailto:"].iter().any(|scheme| text.starts_with(scheme));
                if known {
                    Ok(text.to_owned())
                } else {
                    Err("the address must begin with https:// or mailto:".to_owned())
                }
            }),
            docs: reader.value(&v::DOCS, parse::switch),
        }
    }
}
