//! `heydok serve`: opens the store, puts the parts together, listens, and stops in order.

use std::io::Write as _;
use std::net::SocketAddr;

use axum::Router;
use kit::UnixMillis;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, MeetingUrlStyle, Parts, Settings};
use crate::config::{self, LiveKitMode, Refusal};
use crate::features::livekit::{Livekit, Wire};
use crate::http;
use crate::secrets::Secrets;
use crate::startup::{self, Opened};

/// Serves until SIGTERM or SIGINT. `development` is `heydok dev`.
///
/// # Errors
/// A [`Refusal`] where this installation must not or cannot start.
pub async fn serve(development: bool) -> anyhow::Result<()> {
    let opened = startup::open(startup::configuration(development)?).await?;
    let listeners = listen(opened.settings.listening.host, &opened.settings.listening.ports).await?;
    let port = listeners[0].local_addr()?.port();
    let wire = match &opened.settings.livekit.mode {
        LiveKitMode::External { server_url, .. } => {
            Wire::Http { client: reqwest::Client::builder().build()?, base: server_url.clone() }
        }
        LiveKitMode::Embedded => Wire::Memory(Router::new().fallback(|| async { "" })),
    };
    let secrets = Secrets::resolve(&opened.settings.keys, &opened.data_dir, &Default::default(), &*opened.entropy)?;
    let settings = settings(&opened, &secrets, port);
    announce(&opened, &listeners)?;
    let Opened { db, clock, entropy, data_dir, .. } = opened;
    let livekit = Livekit::new(wire, secrets.livekit_api_key, secrets.livekit_api_secret, clock.clone());
    let started_at: UnixMillis = clock.now();
    let app = App::new(Parts { settings, db, clock, entropy, livekit, started_at });
    run(listeners, http::router::router(&app), termination()).await?;
    app.db().close().await;
    drop(data_dir);
    Ok(())
}

fn settings(opened: &Opened, secrets: &Secrets, port: u16) -> Settings {
    let config::Settings { frontend, livekit, meetings, .. } = &opened.settings;
    Settings {
        port,
        frontend_origin: frontend.url.clone(),
        meeting_url_style: match frontend.meeting_url_style {
            config::MeetingUrlStyle::Path => MeetingUrlStyle::Path,
            config::MeetingUrlStyle::Html => MeetingUrlStyle::Html,
        },
        tls: false,
        trusted_proxies: Vec::new(),
        embed_origins: frontend.embed_origins.clone(),
        cors_origins: frontend.cors_origins.clone(),
        livekit_url: match &livekit.mode {
            LiveKitMode::External { client_url, .. } => Some(client_url.clone()),
            LiveKitMode::Embedded => None,
        },
        livekit_api_key: secrets.livekit_api_key.clone(),
        livekit_api_secret: secrets.livekit_api_secret.clone(),
        meeting_ttl: meetings.ttl,
        token_ttl: meetings.token_ttl,
        empty_timeout: meetings.empty_timeout,
        departure_timeout: meetings.departure_timeout,
        max_participants: i64::from(meetings.participants_max),
        max_participants_hard: i64::from(meetings.participants_hard_max),
        anonymous_create: true,
    }
}

/// Says where everything is. The `listening on` lines have a fixed form, for programs that start us.
fn announce(opened: &Opened, listeners: &[TcpListener]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "heydok {} keeps its data in {}", env!("CARGO_PKG_VERSION"), opened.data_dir.path().display())?;
    for listener in listeners {
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        writeln!(out, "listening on http://{address}")?;
    }
    let port = listeners[0].local_addr()?.port();
    let page = opened.settings.frontend.url.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
    Ok(writeln!(out, "open {page}")?)
}

/// Cancelled by SIGTERM (service managers) or SIGINT (a terminal).
fn termination() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        #[cfg(unix)]
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return asked.cancel();
        }
        let _ = tokio::signal::ctrl_c().await;
        asked.cancel();
    });
    stop
}

/// Opens one listener per port. Port 0 takes a free one.
///
/// # Errors
/// R-13 for each port that cannot be opened.
pub async fn listen(host: std::net::IpAddr, ports: &[u16]) -> Result<Vec<TcpListener>, Refusal> {
    let mut listeners = Vec::new();
    let mut problems = Vec::new();
    for port in ports {
        match TcpListener::bind(SocketAddr::new(host, *port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let sentence =
                    format!("port {port} cannot be opened ({error}); stop what uses it, or set PORT to a free one");
                problems.push(config::Problem::new("R-13", sentence));
            }
        }
    }
    if problems.is_empty() { Ok(listeners) } else { Err(Refusal(problems)) }
}

/// Serves `router` on all listeners until `stop`, then finishes the requests in progress.
pub async fn run(listeners: Vec<TcpListener>, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let tasks = TaskTracker::new();
    for listener in listeners {
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "listener failed");
                stop.cancel();
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}
