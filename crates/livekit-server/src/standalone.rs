//! `heydok media`: the embedded server alone, as livekit-server would run.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::HeaderMap;
use kit::{Entropy, SystemEntropy};
use node::token::ApiKeys;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::auth::ClientIp;
use crate::config::Config;
use crate::http_server::serve_http_behind;
use crate::server::{Server, StartError};

/// File in the data directory that keeps generated keys, readable by its owner only.
const KEYS_FILE: &str = "livekit-keys.yaml";
/// How long open HTTP requests may take after the media has been shut down.
const HTTP_WAIT: Duration = Duration::from_secs(3);

/// Who calls from behind which proxies.
pub trait Proxies: std::fmt::Debug + Send + Sync {
    /// Whether this is one of them.
    fn is_proxy(&self, address: IpAddr) -> bool;
    /// The client of a request that came from `peer`.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr;
}

/// Settings of a server that runs alone.
#[derive(Debug, Clone)]
pub struct StandaloneConfig {
    pub server: Config,
    /// Address of the HTTP port; unspecified = all.
    pub bind: IpAddr,
    /// HTTP port; 0 lets the system choose.
    pub port: u16,
    /// From a configuration file; applying it is up to the process's logging.
    pub log_level: Option<String>,
    /// Whether a configuration file brought keys.
    pub keys_given: bool,
    /// Routes beside the server's own.
    pub extra: Router,
    /// Whose word about the client counts; `None` = nobody's.
    pub proxies: Option<Arc<dyn Proxies>>,
}

impl StandaloneConfig {
    /// livekit-server's ports and defaults with the given keys.
    pub fn new(keys: Arc<ApiKeys>) -> Self {
        Self {
            server: Config::new(keys),
            bind: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            port: 7880,
            log_level: None,
            keys_given: false,
            extra: Router::new(),
            proxies: None,
        }
    }
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("TCP port {port} cannot be used: {source}; set PORT to a free one")]
    Bind { port: u16, source: io::Error },
    #[error("cannot keep the generated API key in {path}: {source}")]
    Keys { path: PathBuf, source: io::Error },
    #[error("{path} does not hold a key and a secret as `key: secret`; delete it to generate new ones")]
    KeysMalformed { path: PathBuf },
    #[error("LIVEKIT_API_KEY and LIVEKIT_API_SECRET belong together; one of them is missing")]
    KeyWithoutSecret,
    #[error("LIVEKIT_KEYS is not a list of `key: secret` lines")]
    KeysList,
    #[error("the HTTP server ended: {0}")]
    Http(io::Error),
    #[error("the media thread ended unexpectedly")]
    Media,
}

/// The keys to run with: `key` and `secret`, else `keys` (`LIVEKIT_KEYS`, lines of `key: secret`), else those kept in
/// `data_directory`, else new ones that are kept there. The flag tells whether they were generated now, to be printed
/// this one time.
pub fn load_or_create_keys(
    key: Option<&str>,
    secret: Option<&str>,
    keys: Option<&str>,
    data_directory: &Path,
) -> Result<(ApiKeys, bool), StandaloneError> {
    match (key, secret) {
        (Some(key), Some(secret)) => {
            return Ok((ApiKeys::new(vec![(key.into(), secret.into())]), false));
        }
        (None, None) => {}
        _ => return Err(StandaloneError::KeyWithoutSecret),
    }
    if let Some(text) = keys {
        return parse_keys(text).map(|keys| (keys, false)).ok_or(StandaloneError::KeysList);
    }
    let path = data_directory.join(KEYS_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => match parse_keys(&text) {
            Some(keys) => Ok((keys, false)),
            None => Err(StandaloneError::KeysMalformed { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (key, secret) = generate(&SystemEntropy);
            keep(&path, &format!("{key}: {secret}\n")).map_err(|source| StandaloneError::Keys { path, source })?;
            Ok((ApiKeys::new(vec![(key, secret)]), true))
        }
        Err(source) => Err(StandaloneError::Keys { path, source }),
    }
}

/// Lines (or comma-separated pairs) of `key: secret`.
fn parse_keys(text: &str) -> Option<ApiKeys> {
    let pairs = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs: Option<Vec<_>> = pairs
        .map(|line| {
            let (key, secret) = line.split_once(':')?;
            let clean = |part: &str| part.trim().trim_matches(['"', '\'']).to_owned();
            let (key, secret) = (clean(key), clean(secret));
            (!key.is_empty() && !secret.is_empty()).then_some((key, secret))
        })
        .collect();
    pairs.filter(|pairs| !pairs.is_empty()).map(ApiKeys::new)
}

/// A key in LiveKit's form (`API` and 12 characters) and a secret of 256 bits.
fn generate(entropy: &dyn Entropy) -> (String, String) {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let letter = |_| char::from(LETTERS[entropy.below(LETTERS.len() as u32) as usize]);
    (format!("API{}", (0..12).map(letter).collect::<String>()), (0..44).map(letter).collect())
}

/// Writes a file that only its owner reads, whole or not at all.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let draft = path.with_extension("yaml.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}

/// Serves until SIGTERM or SIGINT; see [`run_standalone_until`].
pub async fn run_standalone(
    config: StandaloneConfig,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), StandaloneError> {
    run_standalone_until(config, listening, termination()).await
}

/// Serves until `stop` resolves, then tells every client to reconnect, flushes and returns. `listening` gets the address
/// of the HTTP port once it is open.
pub async fn run_standalone_until(
    config: StandaloneConfig,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), StandaloneError> {
    let port = config.port;
    let listener = listen(config.bind, port).await.map_err(|source| StandaloneError::Bind { port, source })?;
    let handle = Server::start(config.server)?;
    let address = listener.local_addr().map_err(StandaloneError::Http)?;
    let closing = CancellationToken::new();
    let router = behind(config.proxies.as_ref(), handle.standalone_router().merge(config.extra));
    let is_proxy = move |address| config.proxies.as_ref().is_some_and(|proxies| proxies.is_proxy(address));
    let mut http = tokio::spawn(serve_http_behind(listener, router, closing.clone(), is_proxy));
    listening(address);
    let failed = tokio::select! {
        () = stop => false,
        failed = handle.stopped() => failed,
        // It serves until it is told to stop, so this is a panic.
        ended = &mut http => {
            let error = ended.map_err(io::Error::from).err();
            return Err(StandaloneError::Http(error.unwrap_or_else(|| io::Error::other("it stopped listening"))));
        }
    };
    // New requests are answered with 503 from here on; open ones may finish.
    handle.shutdown().await;
    closing.cancel();
    if tokio::time::timeout(HTTP_WAIT, &mut http).await.is_err() {
        http.abort();
    }
    if failed { Err(StandaloneError::Media) } else { Ok(()) }
}

/// The routes, told who calls from behind `proxies`.
fn behind(proxies: Option<&Arc<dyn Proxies>>, router: Router) -> Router {
    match proxies {
        Some(proxies) => router.layer(from_fn_with_state(Arc::clone(proxies), tell_client_ip)),
        None => router,
    }
}

async fn tell_client_ip(State(proxies): State<Arc<dyn Proxies>>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let client = proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(ClientIp(client));
    }
    next.run(request).await
}

/// All addresses of both families, or IPv4 alone where the machine has no IPv6.
async fn listen(bind: IpAddr, port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(SocketAddr::new(bind, port)).await {
        Err(error) if bind == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], port))).await
        }
        other => other,
    }
}

/// SIGTERM (service managers) or SIGINT (a terminal).
async fn termination() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    /// The client behind a proxy is the one whose connections are counted.
    #[tokio::test]
    async fn a_proxy_names_its_client() {
        #[derive(Debug)]
        struct Loopback;
        impl Proxies for Loopback {
            fn is_proxy(&self, address: IpAddr) -> bool {
                address.is_loopback()
            }
            fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
                let told = headers.get("x-forwarded-for").and_then(|told| told.to_str().ok()?.parse().ok());
                told.filter(|_| self.is_proxy(peer)).unwrap_or(peer)
            }
        }
        let ask = async |proxies: Option<Arc<dyn Proxies>>, peer: &str| {
            let who = |request: Request| {
                let (parts, _) = request.into_parts();
                std::future::ready(crate::auth::client_ip(&parts).to_string())
            };
            let router = behind(proxies.as_ref(), Router::new().route("/", axum::routing::get(who)));
            let peer: SocketAddr = peer.parse().unwrap();
            let request = Request::get("/").header("x-forwarded-for", "192.0.2.7").extension(ConnectInfo(peer));
            let response = router.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert_eq!(ask(Some(Arc::new(Loopback)), "127.0.0.1:1").await, "192.0.2.7");
        assert_eq!(ask(Some(Arc::new(Loopback)), "198.51.100.1:1").await, "198.51.100.1");
        assert_eq!(ask(None, "127.0.0.1:1").await, "127.0.0.1");
    }

    #[test]
    fn generated_keys_are_kept_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let (first, created) = load_or_create_keys(None, None, None, directory.path()).unwrap();
        assert!(created);
        let (again, created) = load_or_create_keys(None, None, None, directory.path()).unwrap();
        assert!(!created);
        assert_eq!(first.signer(), again.signer());
        let (key, secret) = first.signer().unwrap();
        assert!(key.starts_with("API") && key.len() == 15 && secret.len() >= 32, "{key}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(directory.path().join(KEYS_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn settings_win_over_kept_keys_and_halves_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let load = |key, secret, keys| load_or_create_keys(key, secret, keys, directory.path());
        let (keys, _) = load(Some("k"), Some("s"), Some("other: x")).unwrap();
        assert_eq!(keys.signer(), Some(("k", "s")));
        let (keys, _) = load(None, None, Some("a: b\n\"c\": 'd'")).unwrap();
        assert_eq!((keys.signer(), keys.secret("c")), (Some(("a", "b")), Some("d")));
        assert!(matches!(load(Some("k"), None, None), Err(StandaloneError::KeyWithoutSecret)));
        assert!(matches!(load(None, None, Some("nonsense")), Err(StandaloneError::KeysList)));
        std::fs::write(directory.path().join(KEYS_FILE), "torn").unwrap();
        assert!(matches!(load(None, None, None), Err(StandaloneError::KeysMalformed { .. })));
    }
}
