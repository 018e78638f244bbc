//! The whole application for tests: the real router, a fresh database, a clock that stands still, a media server in memory.

mod livekit;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use db::Db;
pub(crate) use db::testing::{TestDb, each_engine};
use http::{HeaderMap, Method, Request, StatusCode};
use kit::{MockClock, Secret, SharedClock, SystemEntropy, UnixMillis};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) use livekit::FakeLivekit;

use crate::app::{App, Parts};
use crate::config::{self, Sources};
use crate::features::installation;
use crate::features::jobs::{self, Wake};
use crate::features::livekit::{Livekit, Reconciler, Rooms, Wire};
use crate::features::selftest::SelftestRooms;
use crate::features::system::Probes;
use crate::http::limit::Limits;
use crate::http::router;
use crate::metrics::Metrics;
use crate::secrets::Secrets;

/// When every test begins: 2026-11-21T01:39:06.007Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_225_146_007);
pub(crate) const API_KEY: &str = "test-key";
pub(crate) const API_SECRET: &str = "test-secret-of-more-than-32-characters";

/// The application under test.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) livekit: FakeLivekit,
    router: Router,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The problem's code; empty where there is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Requests of one test come from here unless they say otherwise.
pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "meet.test")
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))))
}

impl TestApp {
    /// On a fresh SQLite database that goes with it, with the given settings over the defaults.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let db = Db::open(&db::Options { url: "sqlite::memory:".into(), connections_max: 1 }).await.unwrap();
        Self::on(&db, settings).await
    }

    /// On a fresh SQLite database, with default settings and without rate limits.
    pub(crate) async fn new() -> Self {
        Self::with(UNLIMITED).await
    }

    /// Where the key that signs room tokens is missing.
    pub(crate) async fn without_key() -> Self {
        let db = Db::open(&db::Options { url: "sqlite::memory:".into(), connections_max: 1 }).await.unwrap();
        Self::build(&db, UNLIMITED, "", Metrics::apart().0).await
    }

    /// On a given database.
    pub(crate) async fn on(db: &Db, settings: &[(&str, &str)]) -> Self {
        Self::build(db, settings, API_KEY, Metrics::apart().0).await
    }

    /// Whose metrics are read from here; the test installs what counts for them.
    pub(crate) async fn measured(metrics: Metrics, settings: &[(&str, &str)]) -> Self {
        let db = Db::open(&db::Options { url: "sqlite::memory:".into(), connections_max: 1 }).await.unwrap();
        Self::build(&db, settings, API_KEY, metrics).await
    }

    async fn build(db: &Db, settings: &[(&str, &str)], api_key: &str, metrics: Metrics) -> Self {
        let environment: BTreeMap<_, _> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = config::load(&Sources { environment, ..Sources::default() }).unwrap().settings;
        let clock = MockClock::at(START);
        let shared: SharedClock = clock.clone();
        let encryption_key = Secret::new("encryption-key-of-more-than-32-characters");
        let cipher = installation::unlock(db, &encryption_key, &SystemEntropy, START).await.unwrap();
        let livekit = FakeLivekit::new(clock.clone());
        let app = App::new(Parts {
            limits: Limits::new(&settings.rate_limits),
            metrics,
            secrets: Secrets {
                secret_key: Secret::new("secret-key"),
                jwt_secret: Secret::new("jwt-secret"),
                encryption_key,
                livekit_api_key: api_key.into(),
                livekit_api_secret: Secret::new(API_SECRET),
                generated: Vec::new(),
            },
            settings,
            port: 8000,
            db: db.clone(),
            livekit: Livekit::new(
                Wire::Memory(livekit.router()),
                API_KEY.into(),
                Secret::new(API_SECRET),
                shared.clone(),
            ),
            media: None,
            selftests: SelftestRooms::default(),
            clock: shared,
            entropy: Arc::new(SystemEntropy),
            cipher,
            rooms: Rooms::default(),
            reconciler: Reconciler::default(),
            wake: Wake::default(),
            probes: Probes::default(),
            certificates: None,
            lan: None,
            stop: CancellationToken::new(),
            started_at: START,
        });
        let router = router::router(&app);
        Self { app, clock, livekit, router }
    }

    /// Sends a request through the real router.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// From another network than all other requests: `192.0.2.<last>`.
    pub(crate) async fn send_from(&self, last: u8, request: http::request::Builder, body: impl Into<Body>) -> Answer {
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, last], 50_000)));
        self.send(request.extension(peer).body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// With one more header.
    pub(crate) async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send(request(Method::GET, path).header(name, value).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(request(Method::POST, path).header("content-type", "application/json").body(body.into()).unwrap())
            .await
    }

    pub(crate) async fn post_with(&self, path: &str, body: impl Into<Body>, name: &str, value: &str) -> Answer {
        let request = request(Method::POST, path).header("content-type", "application/json").header(name, value);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn delete_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send(request(Method::DELETE, path).header(name, value).body(Body::empty()).unwrap()).await
    }

    /// Makes a meeting.
    pub(crate) async fn create(&self, body: &str) -> Made {
        let answer = self.post("/api/v1/meetings/create", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        Made { id: text("meeting_id"), host_key: text("host_key") }
    }

    /// Joins, and says so if that fails.
    pub(crate) async fn join(&self, meeting: &str, name: &str) -> Value {
        let answer = self.try_join(meeting, &serde_json::json!({ "display_name": name })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn try_join(&self, meeting: &str, body: &Value) -> Answer {
        self.post(&format!("/api/v1/meetings/{meeting}/join"), body.to_string()).await
    }

    /// Joins, connects to the media server, and lets the reconciler see it. The room token comes back.
    pub(crate) async fn enter(&self, meeting: &str, name: &str) -> Entered {
        let joined = self.join(meeting, name).await;
        let participant_id = joined["participant_id"].as_str().unwrap().to_owned();
        self.livekit.connect(&format!("meeting-{meeting}"), &participant_id, name);
        self.sweep().await;
        Entered {
            participant_id,
            token: joined["token"].as_str().unwrap().to_owned(),
            rejoin_token: joined["rejoin_token"].as_str().unwrap().to_owned(),
        }
    }

    /// One look at everything, and all the work that follows.
    pub(crate) async fn sweep(&self) {
        self.app.reconciler.sweep(&self.app).await.unwrap();
        self.work().await;
    }

    /// Does all jobs that are due.
    pub(crate) async fn work(&self) {
        jobs::run_due(&self.app, "test", 0).await.unwrap();
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A meeting that a test made.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) host_key: String,
}

/// Somebody inside.
pub(crate) struct Entered {
    pub(crate) participant_id: String,
    pub(crate) token: String,
    pub(crate) rejoin_token: String,
}

/// Settings without rate limits.
pub(crate) const UNLIMITED: &[(&str, &str)] = &[
    ("RATE_LIMIT_CREATE", "off"),
    ("RATE_LIMIT_CREATE_DAY", "off"),
    ("RATE_LIMIT_JOIN", "off"),
    ("RATE_LIMIT_JOIN_MEETING", "off"),
    ("RATE_LIMIT_MISS", "off"),
    ("RATE_LIMIT_MISS_TOTAL", "off"),
    ("RATE_LIMIT_CHAT", "off"),
    ("RATE_LIMIT_OTHER", "off"),
];
