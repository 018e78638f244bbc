//! `heydok serve`: opens the store, puts the parts together, compares them with the media server, listens, and stops in order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use node::token::ApiKeys;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Parts};
use crate::config::{self, LiveKitMode, Refusal, Settings};
use crate::features::jobs::{self, Wake};
use crate::features::livekit::{self, Livekit, Reconciler, Rooms, Wire};
use crate::features::{housekeeping, installation};
use crate::http::limit::Limits;
use crate::http::{context, router};
use crate::secrets::{DataDir, Secrets};
use crate::startup::{self, Opened};

/// How long the first comparison with the media server may hold the start up.
const FIRST_SWEEP: Duration = Duration::from_secs(10);
/// How long requests in progress may take after we were asked to stop.
const DRAIN: Duration = Duration::from_secs(5);

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

/// Serves until SIGTERM or SIGINT. `development` is `heydok dev`.
///
/// # Errors
/// A [`Refusal`] where this installation must not or cannot start.
pub async fn serve(development: bool) -> anyhow::Result<()> {
    let Opened { settings, data_dir, db, clock, entropy } = startup::open(startup::configuration(development)?).await?;
    let ports: Vec<u16> = settings.listening.ports.iter().chain(&settings.livekit.extra_port).copied().collect();
    let listeners = listen(settings.listening.host, &ports).await?;
    let (secrets, cipher) = installation::open(&db, &settings.keys, &data_dir, &*entropy, clock.now()).await?;
    let (wire, embedded) = media_server(&settings, &secrets)?;
    let (key, secret) = (secrets.livekit_api_key.clone(), secrets.livekit_api_secret.clone());
    let app = App::new(Parts {
        limits: Limits::new(&settings.rate_limits),
        port: listeners[0].local_addr()?.port(),
        settings,
        secrets,
        db,
        started_at: clock.now(),
        livekit: Livekit::new(wire, key, secret, Arc::clone(&clock)),
        clock,
        entropy,
        cipher,
        rooms: Rooms::default(),
        reconciler: Reconciler::default(),
        wake: Wake::default(),
        stop: CancellationToken::new(),
    });
    if let Some(server) = &embedded {
        server.attach_webhook_receiver(webhook_receiver(&app));
    }
    first_sweep(&app).await;
    let tasks = TaskTracker::new();
    start_tasks(&app, &tasks);
    // Whoever started us may have closed our output after the line it waited for; that is no reason to stop.
    if let Err(error) = announce(&app, &data_dir, &listeners) {
        tracing::debug!(%error, "nobody reads what is printed");
    }
    tracing::info!(port = app.port, version = env!("CARGO_PKG_VERSION"), "listening");
    let router = match &embedded {
        Some(server) => router::router(&app).merge(server.router()),
        None => router::router(&app),
    };
    run(&app, listeners, router, embedded, &tasks).await;
    app.db.close().await;
    drop(data_dir);
    Ok(())
}

/// The way to the media server, and the embedded one if that is used.
fn media_server(settings: &Settings, secrets: &Secrets) -> anyhow::Result<(Wire, Option<livekit_server::Handle>)> {
    if let LiveKitMode::External { server_url, .. } = &settings.livekit.mode {
        let client = reqwest::Client::builder()
            .user_agent(concat!("heydok/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        return Ok((Wire::Http { client, base: server_url.clone() }, None));
    }
    let keys = ApiKeys::new(vec![(secrets.livekit_api_key.clone(), secrets.livekit_api_secret.expose().to_owned())]);
    let config = embedded_config(settings, Arc::new(keys))?;
    let server = livekit_server::Server::start(config)?;
    Ok((Wire::Memory(server.router()), Some(server)))
}

/// livekit-server's defaults, over them the file that LIVEKIT_CONFIG_FILE names, over that our settings. Rooms are made by us
/// before a token is given, so a participant makes none, unless that file says so.
fn embedded_config(settings: &Settings, keys: Arc<ApiKeys>) -> anyhow::Result<livekit_server::Config> {
    let mut standalone = livekit_server::StandaloneConfig::new(Arc::clone(&keys));
    standalone.server.room.auto_create = false;
    if let Some(path) = &settings.livekit.config_file {
        let file = livekit_server::apply_config_file(path, &mut standalone);
        for notice in file.map_err(|error| Refusal::one("R-12", error.to_string()))? {
            tracing::warn!("{notice}");
        }
    }
    standalone.server.rtc.udp_port = settings.livekit.udp_port;
    if !settings.livekit.node_ips.is_empty() {
        standalone.server.rtc.node_ips.clone_from(&settings.livekit.node_ips);
    }
    // The product signs with its own key.
    standalone.server.keys = keys;
    Ok(standalone.server)
}

/// The embedded server's webhooks, in memory: the same signed bytes as by network.
fn webhook_receiver(app: &App) -> Router {
    Router::new()
        .route("/api/v1/webhooks/livekit", post(livekit::http::webhook))
        .layer(from_fn_with_state(app.clone(), context::layer))
        .with_state(app.clone())
}

/// Before the port opens: rooms of running meetings exist again, so that a client that reconnects after a crash never gets a
/// 404, which would be final. An unreachable external server does not keep us from starting; `/ready` says so.
async fn first_sweep(app: &App) {
    match tokio::time::timeout(FIRST_SWEEP, app.reconciler.sweep(app)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the media server could not be asked at start"),
        Err(_) => tracing::warn!("the media server did not answer at start"),
    }
}

fn start_tasks(app: &App, tasks: &TaskTracker) {
    let reconciler = app.clone();
    tasks.spawn(async move { reconciler.reconciler.run(reconciler.clone()).await });
    tasks.spawn(jobs::run(app.clone()));
    tasks.spawn(housekeeping::run(app.clone()));
    tasks.close();
}

/// Says where everything is. The `listening on` lines have a fixed form, for programs that start us.
fn announce(app: &App, data_dir: &DataDir, listeners: &[TcpListener]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "heydok {} keeps its data in {}", env!("CARGO_PKG_VERSION"), data_dir.path().display())?;
    for listener in listeners {
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        writeln!(out, "listening on http://{address}")?;
    }
    let page = app.settings.frontend.url.clone().unwrap_or_else(|| format!("http://localhost:{}", app.port));
    writeln!(out, "open {page}")?;
    out.flush()?;
    Ok(())
}

async fn run(
    app: &App,
    listeners: Vec<TcpListener>,
    router: Router,
    embedded: Option<livekit_server::Handle>,
    tasks: &TaskTracker,
) {
    let servers = TaskTracker::new();
    for listener in listeners {
        servers.spawn(livekit_server::serve_http(listener, router.clone(), app.stop.clone()));
    }
    servers.close();
    let media_ended = async {
        match &embedded {
            Some(server) => server.stopped().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = asked_to_stop() => tracing::info!("stopping"),
        () = app.stop.cancelled() => {}
        _ = media_ended => tracing::error!("the media server ended; stopping, so that a supervisor starts everything anew"),
    }
    app.stop.cancel();
    if let Some(server) = &embedded {
        server.shutdown().await;
    }
    let drained = async {
        servers.wait().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

/// SIGTERM or SIGINT.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
