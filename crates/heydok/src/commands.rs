//! The commands besides `serve`: `heydok config`, `openapi`, `migrate` and `media`.

use std::io::Write as _;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use kit::{Clock as _, Secret, SystemClock, SystemEntropy};
use livekit_server::{StandaloneConfig, StandaloneError, apply_config_file, load_or_create_keys, run_standalone};
use tokio_util::sync::CancellationToken;

use crate::cli::{ConfigArguments, MigrateArguments, RotateArguments};
use crate::config;
use crate::config::{Loaded, Refusal, variable};
use crate::features::installation::{self, Unusable};
use crate::features::system;
use crate::http::context::is_local;
use crate::http::router;
use crate::metrics::Metrics;
use crate::secrets::{DataDir, KeyChange};
use crate::startup::{self, Way};

/// Prints each setting with its origin, or the reference of all settings.
///
/// # Errors
/// What is wrong with the configuration.
pub fn config(arguments: &ConfigArguments) -> anyhow::Result<()> {
    if arguments.reference {
        return print(&config::reference());
    }
    print(&config::show(&startup::configuration(Way::Usual)?.values))
}

/// Prints the OpenAPI document.
///
/// # Errors
/// Where it cannot be written.
pub fn openapi() -> anyhow::Result<()> {
    print(&(router::openapi().to_pretty_json()? + "\n"))
}

/// Brings the database to the newest schema, or prints the SQL of its engine.
///
/// # Errors
/// What is wrong with the configuration or the database.
pub async fn migrate(arguments: &MigrateArguments) -> anyhow::Result<()> {
    let settings = startup::configuration(Way::Usual)?.settings;
    if arguments.print_sql {
        return print(&db::schema_sql(settings.database.url.expose()));
    }
    let data_dir = DataDir::open(&settings.storage.data_dir)?;
    startup::open_database(&settings).await?.close().await;
    drop(data_dir);
    print(&format!("the database has schema version {}\n", db::SCHEMA_VERSION))
}

/// Puts the database under a new ENCRYPTION_KEY, and with `--data` what is encrypted in it under a new data key.
///
/// # Errors
/// What is wrong with the configuration, the keys or the database.
pub async fn rotate_keys(arguments: &RotateArguments) -> anyhow::Result<()> {
    let settings = startup::configuration(Way::Usual)?.settings;
    let folder = DataDir::open(&settings.storage.data_dir)?;
    let db = startup::open_database(&settings).await?;
    let (now, entropy) = (SystemClock.now(), SystemEntropy);
    let change = KeyChange::prepare(&settings.keys, &folder, &entropy)?;
    let new = change.new.clone();
    let keys = installation::rewrap(&db, &change.old, &new, &entropy, now).await.map_err(Unusable::told)?;
    change.finish(&folder)?;
    print(&match keys {
        0 => "the database is under this ENCRYPTION_KEY already\n".to_owned(),
        keys => format!("{keys} data keys are under the new ENCRYPTION_KEY\n"),
    })?;
    if arguments.data {
        let values = installation::renew_data(&db, &new, &entropy, now).await.map_err(Unusable::told)?;
        print(&format!("{values} values are encrypted with a new data key\n"))?;
    }
    db.close().await;
    Ok(())
}

/// Runs the embedded media server alone, as livekit-server would.
///
/// # Errors
/// What is wrong with the configuration, the data folder or the ports.
pub async fn media() -> anyhow::Result<()> {
    let loaded = startup::configuration(Way::Usual)?;
    startup::start_log(&loaded)?;
    let data_dir = DataDir::open_for_media(&loaded.settings.storage.data_dir)?;
    let mut config = standalone(&loaded, &data_dir)?;
    let metrics = Metrics::install();
    config.extra = metrics_route(metrics.clone(), loaded.settings.operation.metrics_token.clone());
    tokio::spawn(metrics.keep(CancellationToken::new()));
    run_standalone(config, |mut address| {
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        // Without standard output there is nobody to tell.
        let _ = print(&format!("listening on http://{address}\n"));
    })
    .await
    .map_err(|error| match error {
        StandaloneError::Start(error) => startup::ports(error),
        StandaloneError::Bind { .. } => Refusal::one("R-13", error.to_string()).into(),
        other => other.into(),
    })?;
    Ok(())
}

/// `/metrics`, for the same people as in `heydok serve`.
fn metrics_route(metrics: Metrics, token: Option<Secret>) -> Router {
    let answer = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap| {
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let local = is_local(peer.ip(), host, &headers);
        let allowed = system::http::may_read_metrics(token.as_ref(), local, &headers);
        let answer =
            if allowed { system::http::metrics_text(&metrics) } else { StatusCode::UNAUTHORIZED.into_response() };
        std::future::ready(answer)
    };
    Router::new().route("/metrics", get(answer))
}

/// livekit-server's defaults, over them the file that LIVEKIT_CONFIG_FILE names, over that what variables say.
fn standalone(loaded: &Loaded, data_dir: &DataDir) -> anyhow::Result<StandaloneConfig> {
    let Loaded { settings, values, .. } = loaded;
    let key = settings.keys.livekit_api_key.as_deref();
    let secret = settings.keys.livekit_api_secret.as_ref().map(Secret::expose);
    let several = settings.keys.livekit_keys.as_ref().map(Secret::expose);
    let mut config = StandaloneConfig::new(std::sync::Arc::new(node::token::ApiKeys::new(Vec::new())));
    // livekit-server obeys these too, and the test suites of its clients need them.
    config.server.simulate_scenarios = true;
    if let Some(path) = &settings.livekit.config_file {
        for notice in apply_config_file(path, &mut config)? {
            tracing::warn!("{notice}");
        }
    }
    if key.is_some() || secret.is_some() || several.is_some() || !config.keys_given {
        let (keys, is_new) = load_or_create_keys(key, secret, several, data_dir.path())?;
        if let Some((key, secret)) = keys.signer().filter(|_| is_new) {
            print(&format!("new LiveKit key, shown this once: LIVEKIT_API_KEY={key} LIVEKIT_API_SECRET={secret}\n"))?;
        }
        config.server.keys = std::sync::Arc::new(keys);
    }
    let is_set = |variable| values.get(variable).is_some();
    if is_set(&variable::HOST) {
        config.bind = settings.listening.host;
    }
    if is_set(&variable::PORT) {
        let [port] = settings.listening.ports[..] else {
            return Err(Refusal::one("R-12", "`heydok media` listens on one port; set PORT to one number").into());
        };
        config.port = port;
    }
    if let Some(connections) =
        settings.rate_limits.connections.filter(|_| is_set(&variable::MAX_CONNECTIONS_PER_NETWORK))
    {
        config.server.connections_per_address = connections as usize;
    }
    settings.livekit.apply(values, &mut config.server.rtc);
    config.proxies = Some(std::sync::Arc::new(settings.listening.trusted_proxies.clone()));
    Ok(config)
}

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
