//! Entry point of the `heydok` binary.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use heydok::app::{App, MeetingUrlStyle, Parts, Settings};
use heydok::features::livekit::{Livekit, Wire};
use heydok::{http, serve};
use kit::{Clock as _, Secret, SystemClock, SystemEntropy};
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1);
    match argument.as_deref() {
        Some("openapi") => {
            let document = http::router::openapi().to_pretty_json()?;
            writeln!(std::io::stdout(), "{document}")?;
            Ok(())
        }
        Some("serve") | None => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve()),
        Some(other) => anyhow::bail!("unknown command {other}: use serve or openapi"),
    }
}

fn env(name: &str, default: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

async fn serve() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let ports: Vec<u16> =
        env("PORT", "8000").split(',').map(|port| port.trim().parse()).collect::<Result<_, _>>().context("PORT")?;
    let host = env("HOST", "0.0.0.0").parse().context("HOST")?;
    let listeners = serve::listen(host, &ports).await?;
    let data = std::path::PathBuf::from(env("DATA_DIR", "./data"));
    std::fs::create_dir_all(&data)?;
    let url = env("DATABASE_URL", &format!("sqlite://{}", data.join("heydok.db").display()));
    let db = db::Db::open(&db::Options { url, connections_max: 10 }).await?;
    let clock: kit::SharedClock = Arc::new(SystemClock);
    let key = env("LIVEKIT_API_KEY", "devkey");
    let secret = Secret::new(env("LIVEKIT_API_SECRET", "0123456789abcdef0123456789abcdef"));
    let settings = Settings {
        port: listeners[0].local_addr()?.port(),
        frontend_origin: std::env::var("FRONTEND_URL").ok().filter(|url| !url.is_empty()),
        meeting_url_style: if env("MEETING_URL_STYLE", "path") == "html" {
            MeetingUrlStyle::Html
        } else {
            MeetingUrlStyle::Path
        },
        tls: false,
        trusted_proxies: Vec::new(),
        embed_origins: Vec::new(),
        cors_origins: Vec::new(),
        livekit_url: std::env::var("LIVEKIT_URL").ok().filter(|url| !url.is_empty()),
        livekit_api_key: key.clone(),
        livekit_api_secret: secret.clone(),
        meeting_ttl: Duration::from_secs(86_400),
        token_ttl: Duration::from_secs(86_400),
        empty_timeout: Duration::from_secs(300),
        departure_timeout: Duration::from_secs(20),
        max_participants: 20,
        max_participants_hard: 500,
        anonymous_create: true,
    };
    let wire = match &settings.livekit_url {
        Some(url) => Wire::Http { client: reqwest::Client::builder().build()?, base: url.replacen("ws", "http", 1) },
        None => Wire::Memory(axum::Router::new().fallback(|| async { "" })),
    };
    let livekit = Livekit::new(wire, key, secret, clock.clone());
    let started_at = SystemClock.now();
    let app = App::new(Parts { settings, db, clock, entropy: Arc::new(SystemEntropy), livekit, started_at });
    let stop = CancellationToken::new();
    for listener in &listeners {
        writeln!(std::io::stdout(), "listening on http://localhost:{}", listener.local_addr()?.port())?;
    }
    let interrupted = stop.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        interrupted.cancel();
    });
    serve::run(listeners, http::router::router(&app), stop).await?;
    app.db().close().await;
    Ok(())
}
