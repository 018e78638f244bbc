//! HTTPS in this process: whose certificate is shown, what a connection on the port leads to, and what plain HTTP is told.

mod lan;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Router};
use http::StatusCode;
use http::header::HOST;
use kit::{SharedClock, SharedEntropy};
use livekit_server::{Crowd, Handle, serve_http_behind, serve_http_opened};
use tls::{Acme, AcmeConfig, Certificates, Door, Facts, Files, Opened, Source};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::lan::LanAccess;
use crate::app::App;
use crate::config::{Listening, Refusal, TlsMode};
use crate::http::context::{is_host, is_loopback_host};
use crate::limits::TrustedProxies;

/// Handshakes of one network at once; one more is hung up on. An office where everybody opens the page has some tens.
const HANDSHAKES_PER_NETWORK_MAX: usize = 256;

/// Where account and certificates of TLS_MODE=acme are, in DATA_DIR.
pub const ACME_FOLDER: &str = "tls/acme";

/// Marks requests that came through TLS of ours.
#[derive(Debug, Clone, Copy)]
pub struct OverTls {
    /// Whether browsers may remember that this host is to be reached by HTTPS only, with no way around a warning.
    pub strict: bool,
}

/// HTTPS, ready to be served.
pub struct Https {
    port: Port,
    upkeep: Upkeep,
    redirect: Option<TcpListener>,
}

/// What is behind an HTTPS port.
#[derive(Clone)]
struct Port {
    certificates: Arc<Certificates>,
    door: Door,
    handshakes: Arc<Crowd>,
    proxies: TrustedProxies,
    stop: CancellationToken,
}

/// What keeps the certificate up to date.
enum Upkeep {
    Files(Files),
    Acme(Box<Acme>),
    Lan(LanAccess),
}

impl Https {
    /// Gets certificate and ports ready. `None` where HTTPS is not ours.
    ///
    /// # Errors
    /// R-15 where the certificate cannot be used, R-13 where TLS_REDIRECT_PORT cannot be opened.
    pub async fn open(
        listening: &Listening,
        data_dir: &Path,
        clock: &SharedClock,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, Refusal> {
        let Some((certificates, upkeep)) = ready(listening, data_dir, clock).await? else { return Ok(None) };
        let (proxies, exempt) = (listening.trusted_proxies.clone(), listening.trusted_proxies.clone());
        let is_exempt = move |address: IpAddr| address.is_loopback() || exempt.contains(address);
        let port = Port {
            door: Door::new(Arc::clone(&certificates)).map_err(|error| Refusal::one("R-15", error.to_string()))?,
            certificates,
            handshakes: Crowd::new(HANDSHAKES_PER_NETWORK_MAX, is_exempt),
            proxies,
            stop: stop.clone(),
        };
        Ok(Some(Self { port, upkeep, redirect: redirect_listener(listening).await? }))
    }

    /// What is shown at present, for those who ask how it stands.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.port.certificates
    }

    /// The way in from the local network, where that is what HTTPS is for.
    pub fn lan(&self) -> Option<&LanAccess> {
        match &self.upkeep {
            Upkeep::Lan(access) => Some(access),
            _ => None,
        }
    }

    /// Name and port at which browsers reach TURN over TLS on our HTTPS port. Not in a local network: nobody can tell a browser
    /// to go on where it does not believe a TURN server.
    pub fn turn_address(&self, listening: &Listening, page: Option<&str>, port: u16) -> Option<(String, u16)> {
        let name = match self.port.certificates.source() {
            Source::Lan => None,
            Source::Acme => listening.tls.domains.first().cloned(),
            Source::Files => name_of(&self.port.certificates.status().facts?, page),
        };
        Some((name?, if listening.ports.contains(&443) { 443 } else { port }))
    }

    /// Serves `router` on `listeners`, and TURN by `media`, until the application stops; what keeps the certificate up to date goes to `tasks`.
    ///
    /// # Errors
    /// Where the system does not know the port of a listener.
    pub fn start(
        self,
        app: &App,
        listeners: Vec<TcpListener>,
        router: &Router,
        media: Option<&Handle>,
        tasks: &mut JoinSet<()>,
    ) -> std::io::Result<JoinSet<()>> {
        let router = match &self.upkeep {
            Upkeep::Lan(access) => router.clone().merge(access.routes()),
            _ => router.clone(),
        };
        let mut servers = JoinSet::new();
        if let (Some(listener), Some(first)) = (self.redirect, listeners.first()) {
            servers.spawn(self.port.clone().redirect(listener, first.local_addr()?.port(), router.clone()));
        }
        for listener in listeners {
            servers.spawn(self.port.clone().serve(listener, router.clone(), media.cloned()));
        }
        tasks.spawn(self.upkeep.run(self.port, Arc::clone(&app.clock), Arc::clone(&app.entropy)));
        Ok(servers)
    }
}

/// The DNS name of a certificate that leads here: that of the page's address, else the first.
fn name_of(facts: &Facts, page: Option<&str>) -> Option<String> {
    let is_name = |name: &&str| !name.contains('*') && name.parse::<IpAddr>().is_err();
    let page = page.and_then(|page| url::Url::parse(page).ok());
    let page = page.as_ref().and_then(url::Url::host_str).filter(is_name).filter(|host| facts.covers(host));
    page.or_else(|| facts.names.iter().map(String::as_str).find(is_name)).map(str::to_owned)
}

impl Port {
    /// Serves HTTPS, and TURN over TLS where the media server is ours. Plain HTTP on the same port is sent to HTTPS.
    async fn serve(self, listener: TcpListener, router: Router, media: Option<Handle>) {
        let over_tls = router.clone().layer(Extension(OverTls { strict: self.certificates.source() != Source::Lan }));
        let plain = router.layer(from_fn_with_state(None, to_https));
        let Self { door, handshakes, proxies, stop, .. } = self;
        let open = move |stream: TcpStream, peer: SocketAddr| {
            let (door, place) = (door.clone(), handshakes.enter(peer.ip()));
            let (over_tls, plain, media) = (over_tls.clone(), plain.clone(), media.clone());
            async move {
                let opened = match place {
                    Some(place) => door.open(stream, place).await,
                    None => Err(tls::Closed::Crowded),
                };
                match opened {
                    Ok(Opened::Https(stream)) => Some((stream, over_tls)),
                    Ok(Opened::Http(stream)) => Some((stream, plain)),
                    Ok(Opened::Turn(stream)) => {
                        // Who is in a call is told before the way of its media ends, so that ends with the media server.
                        if let Some(media) = media {
                            tokio::spawn(async move { media.serve_turn_stream(stream, peer).await });
                        }
                        None
                    }
                    Err(closed) => {
                        metrics::counter!("heydok_tls_closed_total", "reason" => closed.reason()).increment(1);
                        tracing::debug!(%closed, "a connection led nowhere");
                        None
                    }
                }
            }
        };
        serve_http_opened(listener, open, stop, move |address| proxies.contains(address)).await;
    }

    /// Sends plain HTTP on a port of its own to HTTPS on `port`.
    async fn redirect(self, listener: TcpListener, port: u16, router: Router) {
        let Self { proxies, stop, .. } = self;
        let router = router.layer(from_fn_with_state(Some(port), to_https));
        serve_http_behind(listener, router, stop, move |address| proxies.contains(address)).await;
    }
}

/// A certificate to begin with, and what keeps it up to date.
async fn ready(
    listening: &Listening,
    data_dir: &Path,
    clock: &SharedClock,
) -> Result<Option<(Arc<Certificates>, Upkeep)>, Refusal> {
    let tls = &listening.tls;
    let refuse = |sentence: String| Refusal::one("R-15", sentence);
    let ready = match tls.mode {
        TlsMode::Off | TlsMode::Proxy => return Ok(None),
        TlsMode::Files => {
            let certificates = Certificates::new(Source::Files);
            // A rule has seen to it that both are set.
            let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
            let mut files = Files::new(&path(&tls.certificate), &path(&tls.key));
            if let Some(found) = files.look(clock.now()).await {
                let pair = found.map_err(|why| refuse(format!("TLS_CERT and TLS_KEY: {why}")))?;
                certificates.show(pair, clock.now());
            }
            (certificates, Upkeep::Files(files))
        }
        TlsMode::Acme => {
            let certificates = Certificates::new(Source::Acme);
            let acme = Acme::new(AcmeConfig {
                names: tls.domains.clone(),
                directory: tls.acme_url.clone(),
                email: tls.acme_email.clone(),
                roots: tls.acme_ca.clone(),
                folder: data_dir.join(ACME_FOLDER),
            });
            let acme = acme.map_err(refuse)?;
            match acme.kept(clock.now()) {
                Some(pair) => certificates.show(pair, clock.now()),
                None => tracing::info!("asking {} for a certificate for {}", tls.acme_url, tls.domains.join(", ")),
            }
            (certificates, Upkeep::Acme(Box::new(acme)))
        }
        TlsMode::Lan => {
            let certificates = Certificates::new(Source::Lan);
            let access = LanAccess::open(listening.host, data_dir, &certificates, clock.now())?;
            (certificates, Upkeep::Lan(access))
        }
    };
    Ok(Some(ready))
}

/// Plain HTTP goes no further than this machine: whoever sits there needs no certificate for `http://localhost`, and neither
/// do health checks. `port`: of HTTPS, where it is another one than that of the request.
async fn to_https(
    State(port): State<Option<u16>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    if peer.ip().to_canonical().is_loopback() && host.is_some_and(is_loopback_host) {
        return next.run(request).await;
    }
    match host {
        // For the time being: HSTS says more where that is right.
        Some(host) => Redirect::temporary(&address(host, port, &request)).into_response(),
        None => (StatusCode::BAD_REQUEST, "This server speaks HTTPS: open the same address with https://.\n")
            .into_response(),
    }
}

fn address(host: &str, port: Option<u16>, request: &Request) -> String {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Some(port) = port else {
        return format!("https://{host}{path}");
    };
    // The colons of an IPv6 address stand in brackets.
    let name = match host.rsplit_once(':') {
        Some((name, digits)) if !digits.contains(']') => name,
        _ => host,
    };
    match port {
        443 => format!("https://{name}{path}"),
        port => format!("https://{name}:{port}{path}"),
    }
}

/// The port where plain HTTP is sent to HTTPS: the one that was set, else 80 beside 443 if it can be had.
///
/// # Errors
/// R-13 where a port that was set cannot be opened.
async fn redirect_listener(listening: &Listening) -> Result<Option<TcpListener>, Refusal> {
    let (tls, host) = (&listening.tls, listening.host);
    let port = tls.redirect_port.unwrap_or_else(|| listening.ports.contains(&443).then_some(80));
    let Some(port) = port else { return Ok(None) };
    match TcpListener::bind(SocketAddr::new(host, port)).await {
        Ok(listener) => {
            tracing::info!("plain HTTP on port {port} is sent to HTTPS");
            Ok(Some(listener))
        }
        Err(error) if tls.redirect_port.is_none() => {
            tracing::warn!(
                "port 80 cannot be opened ({error}), so http:// addresses are not sent to https://; free it, or set TLS_REDIRECT_PORT=off"
            );
            Ok(None)
        }
        Err(error) => {
            let sentence = format!("TLS_REDIRECT_PORT {port} cannot be opened ({error}); free it, or set it to off");
            Err(Refusal::one("R-13", sentence))
        }
    }
}

impl Upkeep {
    /// Keeps the certificate up to date until the application stops.
    async fn run(self, port: Port, clock: SharedClock, entropy: SharedEntropy) {
        let Port { certificates, stop, .. } = port;
        match self {
            Self::Files(files) => files.follow(certificates, clock, stop).await,
            Self::Acme(acme) => acme.follow(certificates, clock, entropy, stop).await,
            Self::Lan(access) => access.follow(certificates, clock, stop).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for several machines leads to ours by the name of the page.
    #[test]
    fn relays_have_the_name_of_the_page() {
        let name = |names: &[&str], page: Option<&str>| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            name_of(&Facts { names, not_before: kit::UnixMillis(0), not_after: kit::UnixMillis(1) }, page)
        };
        let names = &["example.com", "meet.example.com", "*.rooms.example.com"];
        for (names, page, expected) in [
            (&names[..], Some("https://meet.example.com"), Some("meet.example.com")),
            (names, Some("https://a.rooms.example.com:8443"), Some("a.rooms.example.com")),
            (names, Some("https://elsewhere.example"), Some("example.com")),
            (names, None, Some("example.com")),
            (&["192.0.2.1", "*.example.com"], Some("https://192.0.2.1"), None),
        ] {
            assert_eq!(name(names, page).as_deref(), expected, "{page:?}");
        }
    }
}
