//! `heydok serve`: opens the store, puts the parts together, compares them with the media server, listens, and stops in order.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use node::token::ApiKeys;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Parts};
use crate::config::{self, LiveKitMode, Refusal, Settings, Values, variable};
use crate::features::housekeeping;
use crate::features::installation::{self, Unusable};
use crate::features::jobs::{self, Wake};
use crate::features::livekit::{self, Livekit, Reconciler, Rooms, Wire};
use crate::features::selftest::SelftestRooms;
use crate::features::system::Probes;
use crate::http::limit::Limits;
use crate::http::{Context, measure, router};
use crate::https::Https;
use crate::metrics::Metrics;
use crate::secrets::{DataDir, Secrets};
use crate::startup::{self, Opened, Way};

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
                let sentence = match error.kind() {
                    ErrorKind::AddrNotAvailable => {
                        format!("{host} is no address of this machine; set HOST to one, or unset it for all of them")
                    }
                    ErrorKind::PermissionDenied => format!(
                        "port {port} needs a permission that this user does not have; run `sudo setcap cap_net_bind_service=+ep` on the heydok binary, or set PORT to one from 1024 on"
                    ),
                    _ => {
                        format!("port {port} cannot be opened ({error}); stop what uses it, or set PORT to a free one")
                    }
                };
                problems.push(config::Problem::new("R-13", sentence));
            }
        }
    }
    if problems.is_empty() { Ok(listeners) } else { Err(Refusal(problems)) }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A [`Refusal`] where this installation must not or cannot start.
pub async fn serve(way: Way) -> anyhow::Result<()> {
    let opened = startup::open(startup::configuration(way)?).await?;
    let Opened { mut settings, values, data_dir, db, clock, entropy } = opened;
    let stop = CancellationToken::new();
    let https = Https::open(&settings.listening, data_dir.path(), &clock, &stop).await?;
    let ports: Vec<u16> = settings.listening.ports.iter().chain(&settings.livekit.extra_port).copied().collect();
    let listeners = listen(settings.listening.host, &ports).await?;
    let (secrets, cipher) =
        installation::open(&db, &settings.keys, &data_dir, &*entropy, clock.now()).await.map_err(Unusable::told)?;
    let port = listeners[0].local_addr()?.port();
    let turn_tls = https
        .as_ref()
        .and_then(|https| https.turn_address(&settings.listening, settings.frontend.url.as_deref(), port));
    let (wire, embedded) = media_server(&mut settings, &values, &secrets, turn_tls)?;
    let (key, secret) = (secrets.livekit_api_key.clone(), secrets.livekit_api_secret.clone());
    let app = App::new(Parts {
        limits: Limits::new(&settings.rate_limits),
        metrics: Metrics::install(),
        port,
        settings,
        secrets,
        db,
        started_at: clock.now(),
        livekit: Livekit::new(wire, key, secret, Arc::clone(&clock)),
        media: embedded.clone(),
        selftests: SelftestRooms::default(),
        clock,
        entropy,
        cipher,
        rooms: Rooms::default(),
        reconciler: Reconciler::default(),
        wake: Wake::default(),
        probes: Probes::default(),
        certificates: https.as_ref().map(|https| Arc::clone(https.certificates())),
        lan: https.as_ref().and_then(Https::lan).cloned(),
        stop,
    });
    if let Some(server) = embedded.as_ref().filter(|_| app.settings.livekit.webhooks) {
        server.attach_webhook_receiver(livekit::http::receiver_in_memory(&app));
    }
    first_sweep(&app).await;
    let mut tasks = start_tasks(&app);
    if let Err(error) = data_dir.tell(&format!("http://{}", reachable(listeners[0].local_addr()?))) {
        tracing::warn!(%error, "`heydok doctor` will not find this server");
    }
    // Whoever started us may have closed our output after the line it waited for; that is no reason to stop.
    if let Err(error) = announce(&app, &data_dir, &listeners) {
        tracing::debug!(%error, "nobody reads what is printed");
    }
    tracing::info!(port = app.port, version = env!("CARGO_PKG_VERSION"), "listening");
    let router = match &embedded {
        Some(server) => router::router(&app).merge(signalling(&app, server)),
        None => router::router(&app),
    };
    let media_ended = async {
        if let Some(server) = &embedded {
            server.stopped().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let mut servers = match https {
        Some(https) => https.start(&app, listeners, &router, embedded.as_ref(), &mut tasks)?,
        None => start_listening(&app, listeners, &router),
    };
    let result = until_the_end(&mut servers, &mut tasks, asked_to_stop(), media_ended).await;
    wind_down(&app, embedded.as_ref(), servers, tasks).await;
    drop(data_dir);
    result
}

/// Tells everybody, lets open requests finish, and folds the database's log back.
async fn wind_down(
    app: &App,
    embedded: Option<&livekit_server::Handle>,
    mut servers: JoinSet<()>,
    mut tasks: JoinSet<()>,
) {
    app.stop.cancel();
    if let Some(server) = embedded {
        server.shutdown().await;
    }
    let drained = async {
        while servers.join_next().await.is_some() {}
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
    app.db.close().await;
}

/// The media server's routes, behind the door that has a room for every open meeting, and told who calls from behind
/// TRUSTED_PROXIES.
fn signalling(app: &App, server: &livekit_server::Handle) -> Router {
    let door = livekit::arrival::Door { app: app.clone(), keys: Arc::clone(server.keys()) };
    let router = server.router().layer(from_fn_with_state(door, livekit::arrival::layer));
    let router = router.layer(from_fn_with_state(app.clone(), tell_client_ip));
    router.layer(from_fn_with_state(app.clone(), measure::layer))
}

async fn tell_client_ip(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let address = Context::client_ip(&app, peer.ip(), request.headers());
        request.extensions_mut().insert(livekit_server::ClientIp(address));
    }
    next.run(request).await
}

/// The way to the media server, and the embedded one if that is used.
fn media_server(
    settings: &mut Settings,
    values: &Values,
    secrets: &Secrets,
    turn_tls: Option<(String, u16)>,
) -> anyhow::Result<(Wire, Option<livekit_server::Handle>)> {
    if let LiveKitMode::External { server_url, .. } = &settings.livekit.mode {
        let client = reqwest::Client::builder()
            .user_agent(concat!("heydok/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        return Ok((Wire::Http { client, base: server_url.clone() }, None));
    }
    let mut config = embedded_config(settings, values, Arc::new(secrets.api_keys()))?;
    // A proxy that TURN_DOMAIN names is told instead.
    config.rtc.turn_tls = config.rtc.turn_tls.or(turn_tls);
    let server = livekit_server::Server::start(config).map_err(startup::ports)?;
    Ok((Wire::Memory(server.router()), Some(server)))
}

/// livekit-server's defaults, over them the file that LIVEKIT_CONFIG_FILE names, over that what variables say. Rooms are made
/// by us before a token is given, so a participant makes none, unless that file says so; what the file says of rooms is what
/// we make them with.
pub(crate) fn embedded_config(
    settings: &mut Settings,
    values: &Values,
    keys: Arc<ApiKeys>,
) -> anyhow::Result<livekit_server::Config> {
    let mut standalone = livekit_server::StandaloneConfig::new(Arc::clone(&keys));
    standalone.server.room.auto_create = false;
    // Guests may change their own, and whatever one of them writes goes to everybody.
    standalone.server.limits.metadata_bytes = 8 * 1024;
    standalone.server.limits.attributes_bytes = 8 * 1024;
    if let Some(path) = &settings.livekit.config_file {
        let file = livekit_server::apply_config_file(path, &mut standalone);
        for notice in file.map_err(|error| Refusal::one("R-12", error.to_string()))? {
            tracing::warn!("{notice}");
        }
        let is_unset = |variable| values.get(variable).is_none();
        let (room, meetings) = (&standalone.server.room, &mut settings.meetings);
        if is_unset(&variable::EMPTY_TIMEOUT) {
            meetings.empty_timeout = Duration::from_secs(room.empty_timeout_s.into());
        }
        if is_unset(&variable::DEPARTURE_TIMEOUT) {
            meetings.departure_timeout = Duration::from_secs(room.departure_timeout_s.into());
        }
        if is_unset(&variable::MAX_PARTICIPANTS) && room.max_participants > 0 {
            meetings.participants_max = room.max_participants.clamp(2, meetings.participants_hard_max);
        }
    }
    settings.livekit.apply(values, &mut standalone.server.rtc);
    if let Some(connections) = settings.rate_limits.connections {
        standalone.server.connections_per_address = connections as usize;
    }
    standalone.server.keys =
        if standalone.keys_given { with_keys_of_file(settings, &keys, &standalone.server.keys)? } else { keys };
    Ok(standalone.server)
}

/// The product signs with its own key; programs that have one of the file's keys may use that.
fn with_keys_of_file(settings: &Settings, own: &ApiKeys, file: &ApiKeys) -> anyhow::Result<Arc<ApiKeys>> {
    for (key, _) in file.pairs().iter().filter(|(key, secret)| config::is_sample(key) || config::is_sample(secret)) {
        let sentence = format!(
            "the key {key} in LIVEKIT_CONFIG_FILE is a sample that everybody knows; replace it with one of your own, or remove it"
        );
        if !settings.operation.development {
            return Err(Refusal::one("R-2", sentence).into());
        }
        tracing::warn!("{sentence} (refused in production)");
    }
    Ok(Arc::new(ApiKeys::new(own.pairs().iter().chain(file.pairs()).cloned().collect())))
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

/// What goes on behind the requests, until `app.stop`.
fn start_tasks(app: &App) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let reconciler = app.clone();
    tasks.spawn(async move { reconciler.reconciler.run(reconciler.clone()).await });
    tasks.spawn(jobs::run(app.clone()));
    tasks.spawn(housekeeping::run(app.clone()));
    tasks.spawn(app.metrics.clone().keep(app.stop.clone()));
    tasks
}

/// Says where everything is. The `listening on` lines have a fixed form, for programs that start us.
fn announce(app: &App, data_dir: &DataDir, listeners: &[TcpListener]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "heydok {} keeps its data in {}", env!("CARGO_PKG_VERSION"), data_dir.path().display())?;
    let scheme = if app.certificates.is_some() { "https" } else { "http" };
    for listener in listeners {
        writeln!(out, "listening on {scheme}://{}", reachable(listener.local_addr()?))?;
    }
    // This machine needs no certificate, and gets no warning about one that nobody vouches for.
    let scheme = if app.lan.is_some() { "http" } else { scheme };
    let page = app.settings.frontend.url.clone().unwrap_or_else(|| format!("{scheme}://localhost:{}", app.port));
    writeln!(out, "open {page}")?;
    if let Some(lan) = &app.lan {
        lan.announce(&mut out, app.port)?;
    }
    out.flush()?;
    Ok(())
}

/// An address by which this machine reaches a port of its own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn start_listening(app: &App, listeners: Vec<TcpListener>, router: &Router) -> JoinSet<()> {
    let mut servers = JoinSet::new();
    for listener in listeners {
        let proxies = app.settings.listening.trusted_proxies.clone();
        let is_proxy = move |address| proxies.contains(address);
        servers.spawn(livekit_server::serve_http_behind(listener, router.clone(), app.stop.clone(), is_proxy));
    }
    servers
}

/// Waits until we are asked to stop, or until something ended that must not: that is an error, so that the process fails and
/// a supervisor starts everything anew.
async fn until_the_end(
    servers: &mut JoinSet<()>,
    tasks: &mut JoinSet<()>,
    asked: impl Future<Output = ()>,
    media_ended: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let ended = tokio::select! {
        () = asked => None,
        () = media_ended => Some("media server"),
        // They go on until they are told to stop, so this is a panic.
        Some(_) = servers.join_next() => Some("HTTP server"),
        Some(_) = tasks.join_next() => Some("background work"),
    };
    let Some(which) = ended else {
        tracing::info!("stopping");
        return Ok(());
    };
    tracing::error!("the {which} ended; stopping, so that a supervisor starts everything anew");
    Err(anyhow::anyhow!("heydok stops: the {which} ended unexpectedly; the log says why"))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Being asked is an orderly end; what ended by itself fails the process and is named.
    #[tokio::test]
    async fn what_ends_by_itself_fails_the_process() {
        let never = std::future::pending::<()>;
        let running = || JoinSet::from_iter([never()]);
        let panicked = || JoinSet::from_iter([async { panic!("on purpose") }]);
        assert!(until_the_end(&mut running(), &mut running(), async {}, never()).await.is_ok());
        let http = until_the_end(&mut panicked(), &mut running(), never(), never()).await.unwrap_err();
        assert!(http.to_string().contains("the HTTP server ended"), "{http}");
        let tasks = until_the_end(&mut running(), &mut panicked(), never(), never()).await.unwrap_err();
        assert!(tasks.to_string().contains("the background work ended"), "{tasks}");
        let media = until_the_end(&mut running(), &mut running(), never(), async {}).await.unwrap_err();
        assert!(media.to_string().contains("the media server ended"), "{media}");
    }

    /// What a guest writes of itself goes to everybody in the room, so it is little.
    #[test]
    fn guests_keep_little_of_their_own() {
        let mut loaded = config::load(&config::Sources::default()).unwrap();
        let keys = Arc::new(ApiKeys::new(Vec::new()));
        let limits = embedded_config(&mut loaded.settings, &loaded.values, keys).unwrap().limits;
        assert_eq!((limits.metadata_bytes, limits.attributes_bytes), (8 * 1024, 8 * 1024));
    }
}
