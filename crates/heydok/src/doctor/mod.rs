//! `heydok doctor`: whether calls will work, and where not, why.
//!
//! In the folder of an installation it looks at that: its folder, database, clock and certificate, and then joins its server as
//! browsers do, or where none runs starts the media server on the configured ports for the time of the checks. With an address
//! it looks at a server from outside, which is the only place from where a firewall is seen. Nothing is changed, and nobody
//! else is asked.

pub mod check;
mod local;
mod media;
mod relay;
mod server;
mod tls;
mod turn_client;

use std::net::IpAddr;

use kit::{SystemClock, UnixMillis};
use livekit_server::StartError;

use self::check::{Check, Id, Language, Report, State, text};
use self::local::Moment;
use self::media::Access;
use self::server::{Closed, Started, Unstarted};
use crate::cli::DoctorArguments;
use crate::config::{Loaded, Problem, Refusal, TlsMode};
use crate::secrets::{DataDir, Holder};
use crate::{serve, startup};

/// Runs all checks and prints what they found; `false` where one failed.
///
/// # Errors
/// What is wrong with the configuration or the address.
pub async fn run(arguments: &DoctorArguments) -> anyhow::Result<bool> {
    let report = match &arguments.address {
        Some(address) => from_outside(address).await?,
        None => installation(startup::configuration(startup::Way::Usual)?).await?,
    };
    let language = arguments.language.unwrap_or_else(|| Language::of_environment(|name| std::env::var(name).ok()));
    let told =
        if arguments.json { serde_json::to_string_pretty(&report.json())? + "\n" } else { report.lines(language) };
    crate::commands::print(&told)?;
    Ok(report.is_ok())
}

/// A server somewhere, seen from this machine.
async fn from_outside(address: &str) -> anyhow::Result<Report> {
    let base = origin(address)?;
    let begin = Moment::now(&SystemClock);
    let (mut checks, time) = running(&base, false, &page(Some(&base)).await).await?;
    let tls = tls::check(Some(&base), kit::Clock::now(&SystemClock)).await;
    checks.insert(1, tls);
    checks.insert(0, local::clock(begin, Moment::now(&SystemClock), time));
    Ok(Report { subject: text!("{base}, seen from this machine", "{base}, von diesem Rechner aus"), checks })
}

/// Scheme, host and port of what somebody pasted, which may be a link to a meeting.
fn origin(address: &str) -> Result<String, Refusal> {
    let told = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let origin = url::Url::parse(&told).ok().map(|url| url.origin().ascii_serialization());
    origin.filter(|origin| origin.starts_with("http")).ok_or_else(|| {
        Refusal::one("R-12", format!("`{address}` is no address of a server; write it as https://meet.example.com"))
    })
}

/// The installation in this folder.
async fn installation(loaded: Loaded) -> anyhow::Result<Report> {
    let begin = Moment::now(&SystemClock);
    let settings = &loaded.settings;
    let data_dir = settings.storage.data_dir.clone();
    let frontend = settings.frontend.url.clone();
    let mut checks = vec![local::disk(&data_dir), local::database(settings).await];
    let holder = DataDir::holder(&data_dir);
    let runs = matches!(holder, Holder::Server(_));
    let certificate = tls::installation(settings, runs, kit::Clock::now(&SystemClock)).await;
    let page = page(frontend.as_deref()).await;
    let folder = data_dir.display();
    let (subject, (found, time)) = match holder {
        Holder::Server(base) => {
            let subject = text!(
                "The heydok that runs at {base} with its data in {folder}, seen from its own machine. To see its firewall, run `heydok doctor <address>` on another one.",
                "Das heydok, das unter {base} mit seinen Daten in {folder} läuft, vom eigenen Rechner aus. Um seine Firewall zu sehen, rufen Sie `heydok doctor <Adresse>` auf einem anderen auf."
            );
            (subject, running(&base, true, &page).await?)
        }
        Holder::Somebody => {
            let subject = text!(
                "The heydok that uses {folder}; it does not say where it listens.",
                "Das heydok, das {folder} benutzt; es sagt nicht, wo es lauscht."
            );
            let reason =
                text!("Try again when it has started.", "Versuchen Sie es noch einmal, wenn es gestartet ist.");
            (subject, (vec![Check::skipped(Id::Signalling, reason)], None))
        }
        Holder::Nobody => {
            let subject = text!(
                "The installation with its data in {folder}; no heydok runs there, so its media server was started for the checks.",
                "Die Installation mit ihren Daten in {folder}; dort läuft kein heydok, daher wurde ihr Medienserver für die Prüfungen gestartet."
            );
            (subject, (stopped(loaded, &page).await, None))
        }
    };
    checks.push(local::clock(begin, Moment::now(&SystemClock), time));
    checks.push(certificate);
    checks.extend(found);
    Ok(Report { subject, checks })
}

/// The addresses of the page's host, where its name leads anywhere.
async fn page(address: Option<&str>) -> Vec<IpAddr> {
    let url = address.and_then(|address| url::Url::parse(address).ok());
    let Some((host, port)) = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?))) else {
        return Vec::new();
    };
    let host = host.trim_matches(['[', ']']);
    tokio::net::lookup_host((host, port)).await.map(|all| all.map(|one| one.ip()).collect()).unwrap_or_default()
}

/// What a running server is found to do.
async fn running(base: &str, near: bool, page: &[IpAddr]) -> anyhow::Result<(Vec<Check>, Option<UnixMillis>)> {
    let (access, time) = server::ask(&server::client()?, base, near).await;
    let checks = match access {
        Ok(access) => calls(access, page).await,
        Err(Closed::Signalling(sentence)) => unreachable(Check::failed(Id::Signalling, sentence)),
        Err(Closed::Busy) => {
            let sentence = text!(
                "{base} answers, and has no place for a self-test now: try again in a minute.",
                "{base} antwortet, hat aber gerade keinen Platz für einen Selbsttest: Versuchen Sie es in einer Minute noch einmal."
            );
            unreachable(Check::skipped(Id::Signalling, sentence))
        }
    };
    Ok((checks, time))
}

/// What the server that is not running would do.
async fn stopped(loaded: Loaded, page: &[IpAddr]) -> Vec<Check> {
    let Loaded { settings, values, .. } = loaded;
    let ports: Vec<u16> = settings.listening.ports.iter().chain(&settings.livekit.extra_port).copied().collect();
    let speaks_tls = matches!(settings.listening.tls.mode, TlsMode::Files | TlsMode::Acme);
    let page_ports = serve::listen(settings.listening.host, &ports).await;
    let mut checks = match Started::start(settings, &values).await {
        Ok(started) => {
            let (access, ending) = started.split();
            let checks = calls(access, page).await;
            ending.end().await;
            checks
        }
        Err(Unstarted::Ports(error)) => unreachable(taken(&error)),
        Err(Unstarted::Other(error)) => {
            let sentence = text!(
                "The media server could not be used: {error}",
                "Der Medienserver ließ sich nicht benutzen: {error}"
            );
            unreachable(Check::failed(Id::Signalling, sentence))
        }
    };
    let untold = |check: &&mut Check| check.id == Id::TurnTls && check.state == State::Warning;
    if speaks_tls && let Some(relay) = checks.iter_mut().find(untold) {
        *relay = Check::skipped(
            Id::TurnTls,
            text!(
                "It is on the HTTPS port, which was not opened: look again when heydok runs.",
                "Es ist auf dem HTTPS-Port, der nicht geöffnet wurde: Sehen Sie noch einmal nach, wenn heydok läuft."
            ),
        );
    }
    if let Err(Refusal(problems)) = page_ports {
        let sentence = problems.iter().map(|Problem { sentence, .. }| sentence.as_str()).collect::<Vec<_>>().join("; ");
        checks.retain(|check| check.id != Id::Signalling);
        checks.insert(0, Check::failed(Id::Signalling, text!("{sentence}", "{sentence}")));
    }
    checks
}

/// A port for media that cannot be opened.
fn taken(error: &StartError) -> Check {
    match error {
        StartError::PortInUse { port } => Check::failed(
            Id::Udp,
            text!(
                "UDP port {port} is in use by another program: stop that, or set RTC_UDP_PORT to a free one.",
                "UDP-Port {port} wird von einem anderen Programm benutzt: Beenden Sie es, oder setzen Sie RTC_UDP_PORT auf einen freien."
            ),
        ),
        StartError::Bind { port, source } => Check::failed(
            Id::Udp,
            text!(
                "UDP port {port} cannot be opened ({source}): media needs UDP; where a platform has none, set LIVEKIT_URL to use another LiveKit server.",
                "UDP-Port {port} lässt sich nicht öffnen ({source}): Medien brauchen UDP; wo eine Plattform keins hat, setzen Sie LIVEKIT_URL, um einen anderen LiveKit-Server zu benutzen."
            ),
        ),
        StartError::TcpPortInUse { port } => Check::failed(
            Id::Tcp,
            text!(
                "TCP port {port} is in use by another program: stop that, or set RTC_TCP_PORT to a free one, or to off.",
                "TCP-Port {port} wird von einem anderen Programm benutzt: Beenden Sie es, oder setzen Sie RTC_TCP_PORT auf einen freien oder auf off."
            ),
        ),
        StartError::BindTcp { port, source } => Check::failed(
            Id::Tcp,
            text!(
                "TCP port {port} cannot be opened ({source}): set RTC_TCP_PORT to another, or to off.",
                "TCP-Port {port} lässt sich nicht öffnen ({source}): Setzen Sie RTC_TCP_PORT auf einen anderen oder auf off."
            ),
        ),
        StartError::Thread(source) => Check::failed(
            Id::Signalling,
            text!("The media server cannot start: {source}", "Der Medienserver kann nicht starten: {source}"),
        ),
    }
}

/// Joins, and looks at everything that needs it.
async fn calls(access: Access, page: &[IpAddr]) -> Vec<Check> {
    match media::look(access).await {
        Ok(found) => {
            let joined = text!("Joining a call works.", "Der Beitritt zu einem Anruf gelingt.");
            let mut checks = vec![Check::passed(Id::Signalling, joined), media::advertised(&found, page)];
            checks.extend(media::judge(&found));
            checks
        }
        Err(error) => unreachable(Check::failed(
            Id::Signalling,
            text!(
                "Nobody can join ({error}): check that a proxy lets WebSockets through on /rtc, and the log of the server.",
                "Niemand kann beitreten ({error}): Prüfen Sie, ob ein Proxy WebSockets auf /rtc durchlässt, und das Protokoll des Servers."
            ),
        )),
    }
}

/// What could not be looked at, because of `reason`.
fn unreachable(reason: Check) -> Vec<Check> {
    let rest = [
        Id::Signalling,
        Id::AdvertisedAddress,
        Id::Udp,
        Id::Tcp,
        Id::TurnUdp,
        Id::TurnTcp,
        Id::TurnTls,
        Id::ThreePartyMedia,
    ];
    let found = reason.id;
    let skipped = rest.into_iter().filter(|id| *id != found).map(|id| {
        let name = found.name();
        Check::skipped(id, text!("Not looked at: see {name}.", "Nicht geprüft: siehe {name}."))
    });
    std::iter::once(reason).chain(skipped.collect::<Vec<_>>()).collect()
}
