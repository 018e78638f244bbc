//! The composition root: what every feature gets handed.

use std::sync::Arc;

use db::Db;
use http::HeaderValue;
use kit::{SharedClock, SharedEntropy, UnixMillis};
use signal::token::{Claims, TokenError};
use tokio_util::sync::CancellationToken;

use crate::config::{LiveKitMode, Settings};
use crate::crypto::Cipher;
use crate::features::jobs::Wake;
use crate::features::livekit::{Livekit, Reconciler, Rooms};
use crate::features::selftest::SelftestRooms;
use crate::features::system::Probes;
use crate::http::limit::Limits;
use crate::https::LanAccess;
use crate::metrics::Metrics;
use crate::secrets::Secrets;

/// What the application is made of. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts, for [`App::new`].
pub struct Parts {
    pub settings: Settings,
    pub secrets: Secrets,
    /// First port that is listened on, for links when a request has no `Host`.
    pub port: u16,
    pub db: Db,
    pub clock: SharedClock,
    /// Source of ids, codes and secrets.
    pub entropy: SharedEntropy,
    /// The media server.
    pub livekit: Livekit,
    /// The embedded one, if that is used.
    pub media: Option<livekit_server::Handle>,
    /// Rooms in which pages find out what works.
    pub selftests: SelftestRooms,
    /// Encrypts what people wrote.
    pub cipher: Cipher,
    pub limits: Limits,
    /// What was counted.
    pub metrics: Metrics,
    /// Rooms known to exist, so that joining needs no question to the media server.
    pub rooms: Rooms,
    /// Compares what we believe with what the media server says.
    pub reconciler: Reconciler,
    /// Wakes the worker after a job was enqueued.
    pub wake: Wake,
    /// What the database and the media server said lately to `/health` and `/ready`.
    pub probes: Probes,
    /// The certificate, where HTTPS is ours.
    pub certificates: Option<Arc<tls::Certificates>>,
    /// The way in from the local network, with `--lan`.
    pub lan: Option<LanAccess>,
    /// Cancelled when the process is asked to end.
    pub stop: CancellationToken,
    pub started_at: UnixMillis,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// The claims of a room token or a webhook's token that our own key signed.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let now_s = u64::try_from(self.now().as_seconds()).unwrap_or(0);
        signal::token::verify(token, &self.secrets.api_keys(), now_s)
    }

    /// A new UUIDv7.
    pub fn new_id(&self) -> String {
        kit::new_id(self.now(), &*self.entropy)
    }

    /// The policy of every page: nothing from foreign hosts, except the media server where one is configured.
    pub fn content_security_policy(&self) -> HeaderValue {
        let embed = &self.settings.frontend.embed_origins;
        let ancestors = if embed.is_empty() { "'none'".to_owned() } else { embed.join(" ") };
        let media = match &self.settings.livekit.mode {
            LiveKitMode::External { client_url, .. } => livekit_sources(client_url),
            LiveKitMode::Embedded => self.settings.frontend.url.as_deref().map(livekit_sources).unwrap_or_default(),
        };
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
    match url.to_ascii_lowercase().split_once("://") {
        Some(("wss" | "https", rest)) => format!(" wss://{rest} https://{rest}"),
        Some((_, rest)) => format!(" ws://{rest} http://{rest}"),
        None => String::new(),
    }
}
