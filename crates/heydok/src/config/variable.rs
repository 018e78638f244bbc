//! One constant for each setting: its name, its default, what it accepts and what it means.
//!
//! `docs/configuration.md` is written from this file; a test fails where the two differ.

/// A setting that an operator can make.
#[derive(Debug)]
pub struct Variable {
    /// Name in the environment and in `.env`; `heydok.toml` uses the same name in lower case.
    pub name: &'static str,
    /// Value where nobody sets one, as it would be written. Empty: there is none.
    pub default: &'static str,
    /// What may be written, for a person.
    pub accepts: &'static str,
    /// What it does, in sentences.
    pub meaning: &'static str,
    /// Heading in the reference.
    pub section: Section,
    /// Whether the value is never shown.
    pub secret: bool,
}

/// Groups of settings, in the order of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Addresses, ports, links.
    Listening,
    /// Where things are kept.
    Storage,
    /// Keys.
    Secrets,
    /// The media server.
    LiveKit,
    /// What a meeting may be.
    Meetings,
    /// How often anybody may do anything.
    RateLimits,
    /// Logs, health, documentation.
    Operation,
}

impl Section {
    /// All sections, in order.
    pub const ALL: [Self; 7] = [
        Self::Listening,
        Self::Storage,
        Self::Secrets,
        Self::LiveKit,
        Self::Meetings,
        Self::RateLimits,
        Self::Operation,
    ];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Listening => "Addresses and links",
            Self::Storage => "Storage",
            Self::Secrets => "Secrets",
            Self::LiveKit => "Media server",
            Self::Meetings => "Meetings",
            Self::RateLimits => "Rate limits",
            Self::Operation => "Operation",
        }
    }
}

const fn setting(
    section: Section,
    name: &'static str,
    default: &'static str,
    accepts: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable { name, default, accepts, meaning, section, secret: false }
}

const fn secret(section: Section, name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: "", accepts: "text", meaning, section, secret: true }
}

macro_rules! variables {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: Variable = $value;)*
        /// Every setting, in the order of the reference.
        pub const ALL: &[&Variable] = &[$(&$name),*];
    };
}

use Section::{Listening, LiveKit, Meetings, Operation, RateLimits, Secrets, Storage};

variables! {
    /// Address to bind.
    HOST = setting(Listening, "HOST", "0.0.0.0", "IP address",
        "Address that the HTTP port is bound to; `::` takes IPv6 as well as IPv4. `heydok dev` binds `127.0.0.1`.");
    /// Ports to bind.
    PORT = setting(Listening, "PORT", "8000", "port, or several with commas",
        "HTTP ports. Page, API and LiveKit signalling answer on each of them. `0` takes any free port. With TLS_MODE `acme`, `files` or `lan` they speak HTTPS; with the first two the default is 443.");
    /// Public address of the web client.
    FRONTEND_URL = setting(Listening, "FRONTEND_URL", "", "http or https address without a path",
        "Public address of this server, used in meeting links. Unset: scheme and host of the request. Browsers give camera and microphone only to `https` pages and to `localhost`.");
    /// Form of meeting links.
    MEETING_URL_STYLE = setting(Listening, "MEETING_URL_STYLE", "path", "path, html",
        "Form of meeting links: `/meeting/abc-defg-hij` or `/meeting.html?id=abc-defg-hij`. Both pages always exist.");
    /// Other origins with credentials.
    CORS_ORIGINS = setting(Listening, "CORS_ORIGINS", "", "origins with commas",
        "Other web pages that may call the API with credentials. `*` is refused; joining and reading a meeting is open to any origin anyway, without credentials.");
    /// Pages that may embed ours.
    EMBED_ORIGINS = setting(Listening, "EMBED_ORIGINS", "", "origins with commas",
        "Pages that may show ours in a frame.");
    /// Proxies whose word about the client counts.
    TRUSTED_PROXIES = setting(Listening, "TRUSTED_PROXIES", "", "addresses or networks with commas; loopback, private",
        "Reverse proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. From anybody else these headers are ignored. `heydok media` counts connections by them too.");
    /// Who speaks HTTPS.
    TLS_MODE = setting(Listening, "TLS_MODE", "off", "off, acme, files, lan, proxy",
        "Who speaks HTTPS. `acme`: heydok, with a certificate that it gets for TLS_DOMAIN and renews by itself. `files`: heydok, with the one of TLS_CERT and TLS_KEY. `lan`: heydok, with one of its own for the local network (`heydok serve --lan`). `proxy`: a proxy that TRUSTED_PROXIES names. `off`: nobody, or a proxy. Without effect in `heydok media`.");
    /// Names of the certificate.
    TLS_DOMAIN = setting(Listening, "TLS_DOMAIN", "", "DNS names with commas",
        "With TLS_MODE `acme`: names that lead to this machine, the first one for links. Port 443 must be reachable from outside, no other port.");
    /// The ACME server.
    TLS_ACME_URL = setting(Listening, "TLS_ACME_URL", "https://acme-v02.api.letsencrypt.org/directory", "https address",
        "Directory of the ACME server (RFC 8555), Let's Encrypt by default. Setting TLS_MODE to `acme` agrees to its terms of service.");
    /// Whom the ACME server writes to.
    TLS_ACME_EMAIL = setting(Listening, "TLS_ACME_EMAIL", "", "e-mail address",
        "Where the ACME server may write to, for example about certificates that are not renewed.");
    /// Root of an ACME server of one's own.
    TLS_ACME_CA = setting(Listening, "TLS_ACME_CA", "", "file",
        "Root certificates (PEM) by which an ACME server of your own is believed, besides those of the system.");
    /// The certificate.
    TLS_CERT = setting(Listening, "TLS_CERT", "", "file",
        "Certificate chain (PEM), the server's own certificate first. A changed file is used within seconds, without a restart; a broken one is told in the log and the old one kept.");
    /// Its key.
    TLS_KEY = setting(Listening, "TLS_KEY", "", "file",
        "Private key of TLS_CERT (PEM, without a pass phrase).");
    /// Plain HTTP beside HTTPS.
    TLS_REDIRECT_PORT = setting(Listening, "TLS_REDIRECT_PORT", "", "port, off",
        "Port where plain HTTP is sent to HTTPS. Unset: 80 beside 443, if it can be opened. On the HTTPS ports themselves plain HTTP is always sent to HTTPS.");

    /// Folder for everything kept.
    DATA_DIR = setting(Storage, "DATA_DIR", "./data", "folder",
        "Folder for the database and the generated secrets. One process at a time uses it.");
    /// Database.
    DATABASE_URL = setting(Storage, "DATABASE_URL", "", "sqlite:, postgresql: or postgres: address",
        "Unset: SQLite in `<DATA_DIR>/heydok.db`. `sqlite::memory:` forgets everything at the end. May hold a password, so it is shown without one.");
    /// Connections.
    DATABASE_MAX_CONNECTIONS = setting(Storage, "DATABASE_MAX_CONNECTIONS", "10", "1 to 1000",
        "Most connections to the database. SQLite writes through one of them.");
    /// Chat.
    RETENTION_CHAT = setting(Storage, "RETENTION_CHAT", "30d", "duration, 0 to keep",
        "After this time the messages of ended conferences are deleted.");
    /// Guests.
    RETENTION_GUESTS = setting(Storage, "RETENTION_GUESTS", "90d", "duration, 0 to keep",
        "After this time names, admissions and the timeline of people without an account are deleted. Their ids stay: ours are random, those of programs that sign LiveKit tokens themselves are what these chose.");
    /// The audit log.
    RETENTION_AUDIT = setting(Storage, "RETENTION_AUDIT", "400d", "duration, 0 to keep",
        "After this time the oldest part of the audit log is cut off, so that the rest still proves itself.");
    /// Several instances.
    CLUSTER = setting(Storage, "CLUSTER", "false", "true or false",
        "Several instances that share their work. This version runs alone, so `true` is refused (R-7).");
    /// Redis.
    REDIS_URL = Variable { secret: true, ..setting(Storage, "REDIS_URL", "", "redis: or rediss: address",
        "Accepted so that existing configuration starts. One server needs no Redis and this version does not use it.") };

    /// Cookies and signed addresses.
    SECRET_KEY = secret(Secrets, "SECRET_KEY",
        "Reserved for values that we sign, give out and take back; this version makes none. At least 32 characters. Unset: generated into `<DATA_DIR>/secrets.toml`.");
    /// Bearer tokens of other applications.
    JWT_SECRET = secret(Secrets, "JWT_SECRET",
        "Reserved for the tokens of an existing application, which this version does not accept yet. At least 32 characters. Unset: generated into `<DATA_DIR>/secrets.toml`.");
    /// Data at rest.
    ENCRYPTION_KEY = secret(Secrets, "ENCRYPTION_KEY",
        "Protects what is encrypted in the database, chat for example. At least 32 characters; without it this data is lost. Unset: generated into `<DATA_DIR>/secrets.toml`.");
    /// The key before.
    ENCRYPTION_KEY_PREVIOUS = secret(Secrets, "ENCRYPTION_KEY_PREVIOUS",
        "For `heydok keys rotate`: the key that the database is under, while ENCRYPTION_KEY is already the new one.");
    /// LiveKit key.
    LIVEKIT_API_KEY = setting(Secrets, "LIVEKIT_API_KEY", "", "text",
        "Name of the LiveKit key; official LiveKit server SDKs use it with LIVEKIT_API_SECRET. Unset with the embedded server: generated into `<DATA_DIR>/secrets.toml`.");
    /// LiveKit secret.
    LIVEKIT_API_SECRET = secret(Secrets, "LIVEKIT_API_SECRET",
        "Signs room tokens. Unset with the embedded server: generated into `<DATA_DIR>/secrets.toml`.");
    /// Several LiveKit keys.
    LIVEKIT_KEYS = Variable { accepts: "`key: secret`, several with commas or on lines of their own", ..secret(Secrets, "LIVEKIT_KEYS",
        "For `heydok media` only, as livekit-server reads it: its keys, the first of which signs webhooks. LIVEKIT_API_KEY and LIVEKIT_API_SECRET win over it.") };

    /// Embedded or external.
    LIVEKIT_MODE = setting(LiveKit, "LIVEKIT_MODE", "auto", "auto, embedded, external",
        "`auto`: external if LIVEKIT_URL is set, otherwise the server built into this binary.");
    /// External server for clients.
    LIVEKIT_URL = setting(LiveKit, "LIVEKIT_URL", "", "ws, wss, http or https address",
        "Address of an external LiveKit server as browsers reach it; a name where it has IPv6 alone, because a page cannot be allowed an IPv6 address by its policy.");
    /// External server for us.
    LIVEKIT_HOST = setting(LiveKit, "LIVEKIT_HOST", "", "http or https address",
        "Address of the external LiveKit server as this process reaches it. Unset: taken from LIVEKIT_URL.");
    /// Extra signalling port.
    LIVEKIT_PORT = setting(LiveKit, "LIVEKIT_PORT", "off", "port, off",
        "Another port on which the embedded server answers LiveKit clients, `7880` for clients that expect that one. Without effect with an external server.");
    /// livekit.yaml.
    LIVEKIT_CONFIG_FILE = setting(LiveKit, "LIVEKIT_CONFIG_FILE", "", "file",
        "A `livekit.yaml` whose `room`, `rtc` and `webhook` settings the embedded server takes over where no variable says otherwise. Its `keys` are accepted besides ours; its `port` counts for `heydok media` only.");
    /// Webhooks from an external server.
    LIVEKIT_WEBHOOK = setting(LiveKit, "LIVEKIT_WEBHOOK", "on", "on, off",
        "Whether webhooks of the LiveKit server are accepted, at `/api/webhooks/livekit`. Without them changes are noticed within 15 seconds.");
    /// Media port.
    RTC_UDP_PORT = setting(LiveKit, "RTC_UDP_PORT", "7882", "port",
        "The one UDP port for all sound and video of the embedded server. Open it in the firewall.");
    /// Media port for those without UDP.
    RTC_TCP_PORT = setting(LiveKit, "RTC_TCP_PORT", "7881", "port, off",
        "TCP port of the embedded server for browsers that cannot send UDP (ICE-TCP). Open it in the firewall too; no HTTP proxy can stand before it.");
    /// Told UDP port.
    RTC_ADVERTISED_UDP_PORT = setting(LiveKit, "RTC_ADVERTISED_UDP_PORT", "", "1 to 65535",
        "UDP port that browsers are told, where another one is forwarded to `RTC_UDP_PORT`. Unset: the same.");
    /// Told TCP port.
    RTC_ADVERTISED_TCP_PORT = setting(LiveKit, "RTC_ADVERTISED_TCP_PORT", "", "1 to 65535",
        "TCP port that browsers are told, where another one is forwarded to `RTC_TCP_PORT`. Unset: the same.");
    /// Advertised address.
    RTC_NODE_IP = setting(LiveKit, "RTC_NODE_IP", "", "IP addresses with commas",
        "Addresses at which browsers reach the media ports. Unset: the addresses of this machine. Set it behind NAT or in a cloud.");

    /// Threads that carry media.
    RTC_MEDIA_THREADS = setting(LiveKit, "RTC_MEDIA_THREADS", "auto", "1 to 16, auto",
        "Threads of the embedded server that carry media; each has rooms of its own, so one room is never on two. `auto`: one less than there are processors. From two on, one more thread reads the media ports for them.");
    /// Interfaces whose addresses are found.
    RTC_INTERFACES = setting(LiveKit, "RTC_INTERFACES", "", "names with commas, or `!` and a name",
        "Network interfaces of this machine whose addresses browsers are told where RTC_NODE_IP is unset: only `eth0`, or all but `!wg0`. Unset: all but those of containers.");
    /// TCP connections of one network.
    RTC_TCP_PER_NETWORK = setting(LiveKit, "RTC_TCP_PER_NETWORK", "256", "1 to 4096",
        "Connections of one client network to RTC_TCP_PORT, and as many of its streams of TURN over TLS. An office of people whose firewall lets no UDP out needs one each, or a few.");
    /// Own TURN server.
    TURN_SERVER = setting(LiveKit, "TURN_SERVER", "on", "on, off",
        "Whether the embedded server relays for browsers that reach its media ports in no other way (TURN over RTC_TCP_PORT and TLS). It relays to itself only, and its passwords last an hour.");
    /// TURN over TLS that a proxy ends.
    TURN_DOMAIN = setting(LiveKit, "TURN_DOMAIN", "", "name, or name:port",
        "Name at which a proxy ends TLS and hands the stream to RTC_TCP_PORT; browsers are told `turns:` with it, at port 443 unless another is given. The certificate must be for this name.");
    /// Servers of others.
    TURN_URLS = setting(LiveKit, "TURN_URLS", "", "turn:, turns: or stun: addresses with commas",
        "TURN servers of others that browsers are told besides our own, such as `turns:turn.example.org:443?transport=tcp`. They need TURN_SECRET, or TURN_USERNAME and TURN_CREDENTIAL.");
    /// Secret shared with them.
    TURN_SECRET = secret(LiveKit, "TURN_SECRET",
        "Secret that the servers of TURN_URLS share with us (coturn: `static-auth-secret`); each participant gets a user name that expires.");
    /// How long a user name is good.
    TURN_TTL = setting(LiveKit, "TURN_TTL", "4h", "duration up to 24h",
        "How long the user names are good that follow from TURN_SECRET.");
    /// The same user name for everybody.
    TURN_USERNAME = setting(LiveKit, "TURN_USERNAME", "", "text",
        "User name at the servers of TURN_URLS, the same for everybody. Every participant can read it, and TURN_CREDENTIAL too.");
    /// Its password.
    TURN_CREDENTIAL = secret(LiveKit, "TURN_CREDENTIAL",
        "Password for TURN_USERNAME.");

    /// Participants.
    MAX_PARTICIPANTS = setting(Meetings, "MAX_PARTICIPANTS", "20", "2 to MAX_PARTICIPANTS_HARD",
        "Most people in a meeting that does not say otherwise.");
    /// Upper bound for that.
    MAX_PARTICIPANTS_HARD = setting(Meetings, "MAX_PARTICIPANTS_HARD", "500", "2 to 10000",
        "Most people that any meeting may allow.");
    /// How long a link works.
    MEETING_TTL = setting(Meetings, "MEETING_TTL", "24h", "duration",
        "How long a meeting link works.");
    /// How long a token works.
    TOKEN_TTL = setting(Meetings, "TOKEN_TTL", "24h", "duration, at most 24h",
        "How long a room token works. It never outlives its meeting by more than ten minutes.");
    /// Empty rooms.
    EMPTY_TIMEOUT = setting(Meetings, "EMPTY_TIMEOUT", "300s", "duration",
        "After this time a room that nobody entered is closed. The link stays good.");
    /// Left rooms.
    DEPARTURE_TIMEOUT = setting(Meetings, "DEPARTURE_TIMEOUT", "20s", "duration",
        "After this time a room that everybody left is closed. The link stays good.");
    /// Longest meeting.
    MAX_MEETING_DURATION = setting(Meetings, "MAX_MEETING_DURATION", "24h", "duration",
        "A meeting that runs longer is ended.");
    /// Creating without an account.
    ANONYMOUS_CREATE = setting(Meetings, "ANONYMOUS_CREATE", "true", "true, false",
        "Whether anybody who reaches this server may create meetings. `false`: nobody but the caller of `heydok dev` on this machine, because accounts are not built yet; existing meetings can still be joined.");
    /// Recording.
    ENABLE_RECORDING = setting(Meetings, "ENABLE_RECORDING", "false", "true, false",
        "Accepted so that existing configuration starts. This version does not record; `true` only warns.");

    /// New meetings per network.
    RATE_LIMIT_CREATE = setting(RateLimits, "RATE_LIMIT_CREATE", "10/min", "rate, off",
        "New meetings for each client network.");
    /// New meetings per day.
    RATE_LIMIT_CREATE_DAY = setting(RateLimits, "RATE_LIMIT_CREATE_DAY", "100/day", "rate, off",
        "New meetings for each client network, over the day.");
    /// Joins per network.
    RATE_LIMIT_JOIN = setting(RateLimits, "RATE_LIMIT_JOIN", "30/min", "rate, off",
        "Joins for each client network.");
    /// Joins per meeting.
    RATE_LIMIT_JOIN_MEETING = setting(RateLimits, "RATE_LIMIT_JOIN_MEETING", "300/min", "rate, off",
        "Joins for each meeting.");
    /// Wrong codes per network.
    RATE_LIMIT_MISS = setting(RateLimits, "RATE_LIMIT_MISS", "20/min", "rate, off",
        "Unknown meeting codes for each client network; after that each look-up from there is refused, found or not.");
    /// Wrong codes in all.
    RATE_LIMIT_MISS_TOTAL = setting(RateLimits, "RATE_LIMIT_MISS_TOTAL", "500/min", "rate, off",
        "Unknown meeting codes in all; above it, networks with three misses in the last hour are refused.");
    /// Chat.
    RATE_LIMIT_CHAT = setting(RateLimits, "RATE_LIMIT_CHAT", "30/min", "rate, off",
        "Chat messages for each person.");
    /// Chat per hour.
    RATE_LIMIT_CHAT_HOUR = setting(RateLimits, "RATE_LIMIT_CHAT_HOUR", "1000/h", "rate, off",
        "Chat messages for each person, over the hour.");
    /// Self-tests.
    RATE_LIMIT_SELFTEST = setting(RateLimits, "RATE_LIMIT_SELFTEST", "30/min", "rate, off",
        "Self-tests of the connection for each client network: the test page starts one, and so does each page before a meeting. Whatever is set, at most 20 run at once, and 5 of one network.");
    /// Vendor and media server webhooks.
    RATE_LIMIT_WEBHOOK = setting(RateLimits, "RATE_LIMIT_WEBHOOK", "1200/min", "rate, off",
        "Webhooks that are refused, for each network that sends them: unsigned ones, or any with LIVEKIT_WEBHOOK off. Signed ones are not counted.");
    /// Calls at once.
    MAX_CONNECTIONS_PER_NETWORK = setting(RateLimits, "MAX_CONNECTIONS_PER_NETWORK", "1000", "1 to 100000, off",
        "People of one client network who may be in calls of the embedded server at once; one more gets 429. Off in `heydok media` unless set. Of one network, as many as RTC_TCP_PER_NETWORK says can use RTC_TCP_PORT.");
    /// Everything else.
    RATE_LIMIT_OTHER = setting(RateLimits, "RATE_LIMIT_OTHER", "600/min", "rate, off",
        "All other calls for each client network.");

    /// Production or development.
    HEYDOK_ENV = setting(Operation, "HEYDOK_ENV", "production", "production, development",
        "`heydok dev` is `development`: unsafe values only warn, and on loopback the caller acts as owner of every meeting.");
    /// More detail.
    DEBUG = setting(Operation, "DEBUG", "false", "true, false",
        "Adds detail to the log, and the cause of a server error (`cause`) to answers that go to this machine. Opens nothing. Refused with a FRONTEND_URL that is not on this machine.");
    /// Log level.
    LOG_LEVEL = setting(Operation, "LOG_LEVEL", "info", "error, warn, info, debug, trace, or filter directives",
        "How much is logged. `debug` where DEBUG is on. Directives as `info,sfu=debug` work too.");
    /// Log format.
    LOG_FORMAT = setting(Operation, "LOG_FORMAT", "text", "text, json",
        "`text` has `meeting_id=abc-defg-hij` on each line that concerns a meeting; `json` has it as a key.");
    /// Log file.
    LOG_FILE = setting(Operation, "LOG_FILE", "logs/app.log", "file, -",
        "File that the log is written to besides standard error; `-` for none. Rotated at 20 MiB, five old files are kept.");
    /// Metrics.
    METRICS_TOKEN = secret(Operation, "METRICS_TOKEN",
        "Bearer token for `/metrics`. Unset: `/metrics` answers only this machine, asked by a loopback name and not through a proxy; set it for a Prometheus elsewhere.");
    /// Health.
    HEALTH_DETAILS = setting(Operation, "HEALTH_DETAILS", "loopback", "loopback, on, off",
        "Who sees numbers in `/health`: the same machine, everybody, nobody.");
    /// Error answers.
    ERROR_DETAIL_STYLE = setting(Operation, "ERROR_DETAIL_STYLE", "string", "string, fastapi",
        "`fastapi` puts the list of invalid fields into `detail` of a 422, as FastAPI does.");
    /// Support link.
    SUPPORT_URL = setting(Operation, "SUPPORT_URL", "", "https or mailto address",
        "Where people get help: shown with errors that they cannot solve, and given to clients in `/api/v1/config`.");
    /// API documentation.
    DOCS = setting(Operation, "DOCS", "on", "on, off",
        "Whether `/docs` and `/openapi.json` answer.");
}

/// Settings that are planned and do nothing yet; whoever sets one is told.
pub const NOT_YET: &[&str] = &[
    "ADMIN_CONTENT_ACCESS",
    "AI_CONTEXT_TOKENS",
    "AI_ENGINE",
    "ASSETS_URL",
    "BACKUP_KEEP",
    "BACKUP_SCHEDULE",
    "BACKUP_URL",
    "DISK_RESERVE",
    "ERROR_TRACKING_DSN",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_PUBSUB_TOPIC",
    "GOOGLE_PUSH_AUDIENCE",
    "GOOGLE_PUSH_SERVICE_ACCOUNT",
    "HUBSPOT_CLIENT_ID",
    "HUBSPOT_CLIENT_SECRET",
    "ICE_SERVERS",
    "JWT_AUDIENCE",
    "JWT_AUTO_PROVISION",
    "JWT_ISSUER",
    "JWT_SECRET_PREVIOUS",
    "JWT_USER_CLAIM",
    "MAIL_FROM",
    "MICROSOFT_CLIENT_ID",
    "MICROSOFT_CLIENT_SECRET",
    "MICROSOFT_TENANT_ID",
    "NODE_ADDRESS",
    "NODE_ID",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "RETENTION_RECORDINGS",
    "RETENTION_TRANSCRIPTS",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "SALESFORCE_CLIENT_ID",
    "SALESFORCE_CLIENT_SECRET",
    "SEARCH_INDEX",
    "SIGNUP",
    "SMTP_URL",
    "STORAGE_REDIRECT",
    "STORAGE_URL",
    "STT_API_KEY",
    "STT_BASE_URL",
    "STT_MODEL",
    "TOKEN_MAX_AGE",
    "UPLOAD_MAX",
    "WEBHOOK_ALLOW_PRIVATE",
    "ZOOM_CLIENT_ID",
    "ZOOM_CLIENT_SECRET",
    "ZOOM_WEBHOOK_SECRET_TOKEN",
];

/// Beginnings of names of planned settings that come in numbers.
pub const NOT_YET_FAMILIES: &[&str] = &["AI_PRICE_", "CRM_", "OIDC_", "PUSH_"];

/// The setting called `name`, in either case.
pub fn by_name(name: &str) -> Option<&'static Variable> {
    ALL.iter().copied().find(|variable| variable.name.eq_ignore_ascii_case(name))
}
