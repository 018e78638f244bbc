//! The composition root: what every feature gets handed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use http::HeaderValue;
use kit::{Secret, SharedClock, SharedEntropy, UnixMillis};

use crate::features::livekit::Livekit;

/// What the features need of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// First port that is listened on, for links when a request has no `Host`.
    pub port: u16,
    /// Scheme, host and port of FRONTEND_URL, without a slash at the end.
    pub frontend_origin: Option<String>,
    pub meeting_url_style: MeetingUrlStyle,
    /// Whether this process itself speaks TLS.
    pub tls: bool,
    /// Addresses whose `X-Forwarded-*` headers are believed, as (network, prefix length).
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    /// Origins that may embed the page, and that may call the API with credentials.
    pub embed_origins: Vec<String>,
    pub cors_origins: Vec<String>,
    /// LIVEKIT_URL: what clients connect to. None: the embedded server at our own address.
    pub livekit_url: Option<String>,
    pub livekit_api_key: String,
    pub livekit_api_secret: Secret,
    pub meeting_ttl: Duration,
    pub token_ttl: Duration,
    pub empty_timeout: Duration,
    pub departure_timeout: Duration,
    pub max_participants: i64,
    pub max_participants_hard: i64,
    pub anonymous_create: bool,
}

/// Which form of link E-01 answers with (D-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingUrlStyle {
    /// `/meeting/{code}`
    Path,
    /// `/meeting.html?id={code}`
    Html,
}

impl Settings {
    /// Whether `address` is a proxy of ours.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|(network, bits)| contains(*network, *bits, address))
    }

    /// The policy of every page: nothing from foreign hosts, media server connections excepted where one is configured.
    pub fn content_security_policy(&self) -> HeaderValue {
        let ancestors = if self.embed_origins.is_empty() { "'none'".to_owned() } else { self.embed_origins.join(" ") };
        let media = self
            .livekit_url
            .as_ref()
            .or(self.frontend_origin.as_ref())
            .map(|url| livekit_sources(url))
            .unwrap_or_default();
        let policy = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
             font-src 'self' data:; connect-src 'self'{media}; media-src 'self' blob: mediastream:; worker-src 'self' blob:; \
             manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
        );
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
    }
}

/// The media server's address for WebSockets, and for the request that livekit-client makes when a WebSocket fails.
fn livekit_sources(url: &str) -> String {
    match url.split_once("://") {
        Some(("wss" | "https", rest)) => format!(" wss://{rest} https://{rest}"),
        Some((_, rest)) => format!(" ws://{rest} http://{rest}"),
        None => String::new(),
    }
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

/// What the application is made of. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts, for [`App::new`].
pub struct Parts {
    pub settings: Settings,
    pub db: Db,
    pub clock: SharedClock,
    /// Source of ids, codes and secrets.
    pub entropy: SharedEntropy,
    pub livekit: Livekit,
    pub started_at: UnixMillis,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn livekit(&self) -> &Livekit {
        &self.0.livekit
    }

    pub fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    pub fn entropy(&self) -> &SharedEntropy {
        &self.0.entropy
    }

    /// When the process started.
    pub fn started_at(&self) -> UnixMillis {
        self.0.started_at
    }

    /// A new UUIDv7.
    pub fn new_id(&self) -> String {
        kit::new_id(self.now(), &*self.0.entropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let check = |network: &str, bits, address: &str, expected| {
            assert_eq!(
                contains(network.parse().unwrap(), bits, address.parse().unwrap()),
                expected,
                "{network}/{bits} {address}"
            );
        };
        check("10.0.0.0", 8, "10.200.3.4", true);
        check("10.0.0.0", 8, "11.0.0.1", false);
        check("127.0.0.1", 32, "127.0.0.2", false);
        check("0.0.0.0", 0, "1.2.3.4", true);
        check("fd00::", 8, "fd12::1", true);
        check("fd00::", 8, "::1", false);
        check("10.0.0.0", 8, "::1", false);
    }
}
