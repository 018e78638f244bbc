//! The server under test: one that runs, or the embedded media server started for the time of the checks.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use kit::{Secret, UnixMillis, new_token};
use livekit_server::StartError;
use load::{Participant, Target};
use node::token::ApiKeys;
use reqwest::header::DATE;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::check::{Text, text};
use super::media::{Access, Pass};
use crate::config::{LiveKitMode, Settings, Values};
use crate::features::selftest;
use crate::serve::embedded_config;

/// How long a server may take to answer a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a running server is asked what its participant has seen.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

/// The third participant.
pub(super) enum Third {
    /// In this process.
    Ours(Box<Participant>),
    /// The server's: where it tells what it has seen.
    Theirs { client: reqwest::Client, address: String },
}

impl Third {
    /// To how many of the two others' sound and picture it can attest, asked until both are there or `limit` is over.
    pub(super) async fn ways(self, limit: Duration) -> usize {
        match self {
            Self::Ours(mut participant) => {
                let received = |stats: &load::Stats| stats.audio_streams().min(stats.video_streams()).min(2);
                let _ = tokio::time::timeout(limit, participant.until(|stats| received(stats) == 2)).await;
                participant.look(received)
            }
            Self::Theirs { client, address } => {
                let mut seen = 0;
                let ask = async {
                    let mut period = tokio::time::interval(LOOK_PERIOD);
                    while seen < 2 {
                        period.tick().await;
                        if let Some(state) = state(&client, &address).await {
                            seen = state.third.audio_streams.min(state.third.video_streams).min(2);
                        }
                    }
                };
                let _ = tokio::time::timeout(limit, ask).await;
                // It ends by itself too.
                let _ = client.delete(&address).send().await;
                seen
            }
        }
    }
}

#[derive(Deserialize)]
struct State {
    third: ThirdState,
}

#[derive(Deserialize)]
struct ThirdState {
    audio_streams: usize,
    video_streams: usize,
}

async fn state(client: &reqwest::Client, address: &str) -> Option<State> {
    client.get(address).send().await.ok()?.json().await.ok()
}

#[derive(Deserialize)]
struct Selftest {
    id: String,
    livekit_url: String,
    tokens: Vec<String>,
    identities: Vec<String>,
}

/// Why a running server gave no room.
pub(super) enum Closed {
    /// No answer, or one of something else.
    Signalling(Text),
    /// It runs, and has no place now.
    Busy,
}

/// A client for `base`.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("heydok/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::limited(3))
        .tls_info(true)
        .build()
}

/// Asks the server at `base` for a room. `near` is for one on this machine: it is reached the same way for signalling, whatever
/// its public address is. The time that the server's clock says comes with it.
pub(super) async fn ask(
    client: &reqwest::Client,
    base: &str,
    near: bool,
) -> (Result<Access, Closed>, Option<UnixMillis>) {
    let answer = match client.post(format!("{base}/api/v1/selftest")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let error = cause(&error);
            let sentence = text!(
                "{base} does not answer ({error}): check that heydok runs, the name in the DNS, the proxy and the firewall.",
                "{base} antwortet nicht ({error}): Prüfen Sie, ob heydok läuft, den Namen im DNS, den Proxy und die Firewall."
            );
            return (Err(Closed::Signalling(sentence)), None);
        }
    };
    let time = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(read_date);
    let status = answer.status();
    if status == reqwest::StatusCode::TOO_MANY_REQUESTS || status == reqwest::StatusCode::SERVICE_UNAVAILABLE {
        return (Err(Closed::Busy), time);
    }
    let access = match answer.json::<Selftest>().await {
        Ok(selftest) if status.is_success() => access(client, base, near, selftest),
        _ => None,
    };
    let access = access.ok_or_else(|| {
        Closed::Signalling(text!(
            "{base} answers {status} and is no heydok of this version: check the address, and that a proxy lets /api through.",
            "{base} antwortet mit {status} und ist kein heydok dieser Version: Prüfen Sie die Adresse, und ob ein Proxy /api durchlässt."
        ))
    });
    (access, time)
}

fn access(client: &reqwest::Client, base: &str, near: bool, selftest: Selftest) -> Option<Access> {
    let Selftest { id, livekit_url, tokens, identities } = selftest;
    // Tokens are the server's own, so no key is needed.
    let target = Target::new(if near { base } else { &livekit_url }, "", "").ok()?;
    let mut passes =
        identities.into_iter().zip(tokens).map(|(identity, token)| Pass { identity, token: Some(Secret::new(token)) });
    let passes = [passes.next()?, passes.next()?];
    let third = Third::Theirs { client: client.clone(), address: format!("{base}/api/v1/selftest/{id}") };
    Some(Access { target, room: String::new(), passes, third })
}

/// The innermost reason, which is what helps.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The `Date` of an answer (RFC 9110, 5.6.7).
fn read_date(text: &str) -> Option<UnixMillis> {
    use time::format_description::well_known::Rfc2822;
    let seconds = time::OffsetDateTime::parse(text, &Rfc2822).ok()?.unix_timestamp();
    Some(UnixMillis(seconds.saturating_mul(1_000)))
}

/// Where nothing runs: the embedded server on the ports that are configured, or the LiveKit server that LIVEKIT_URL names.
pub(super) struct Started {
    pub(super) access: Access,
    embedded: Option<livekit_server::Handle>,
    stop: CancellationToken,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unstarted {
    #[error(transparent)]
    Ports(#[from] StartError),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Started {
    /// Starts it and lets the third participant in. Nothing is kept: the keys are made for this run.
    pub(super) async fn start(mut settings: Settings, values: &Values) -> Result<Self, Unstarted> {
        let stop = CancellationToken::new();
        let room = format!("doctor-{}", new_token(&kit::SystemEntropy).expose());
        let external = match &settings.livekit.mode {
            LiveKitMode::External { server_url, .. } => Some(server_url.clone()),
            LiveKitMode::Embedded => None,
        };
        let (url, key, secret, embedded) = match external {
            Some(url) => {
                let keys = &settings.keys;
                let secret = keys.livekit_api_secret.clone().unwrap_or_else(|| Secret::new(""));
                (url, keys.livekit_api_key.clone().unwrap_or_default(), secret, None)
            }
            None => {
                let secret = new_token(&kit::SystemEntropy);
                let keys = Arc::new(ApiKeys::new(vec![("doctor".to_owned(), secret.expose().to_owned())]));
                let mut config = embedded_config(&mut settings, values, keys)?;
                config.room.auto_create = true;
                config.webhook = livekit_server::WebhookConfig::default();
                let handle = livekit_server::Server::start(config)?;
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(anyhow::Error::from)?;
                let url = format!("http://{}", listener.local_addr().map_err(anyhow::Error::from)?);
                tokio::spawn(livekit_server::serve_http(listener, handle.router(), stop.clone()));
                (url, "doctor".to_owned(), secret, Some(handle))
            }
        };
        let access = Self::access(&url, &key, &secret, room).await;
        match access {
            Ok(access) => Ok(Self { access, embedded, stop }),
            Err(error) => {
                stop.cancel();
                if let Some(handle) = embedded {
                    handle.shutdown().await;
                }
                Err(Unstarted::Other(error))
            }
        }
    }

    async fn access(url: &str, key: &str, secret: &Secret, room: String) -> anyhow::Result<Access> {
        let target = Target::new(url, key, secret.expose())?;
        let third = selftest::join_third(&target, &room).await?;
        let passes = ["page-1", "page-2"].map(|identity| Pass { identity: identity.to_owned(), token: None });
        Ok(Access { target, room, passes, third: Third::Ours(Box::new(third)) })
    }

    /// Takes the way in; what is left ends the server.
    pub(super) fn split(self) -> (Access, Ending) {
        (self.access, Ending { embedded: self.embedded, stop: self.stop })
    }
}

/// What must end with the checks.
pub(super) struct Ending {
    embedded: Option<livekit_server::Handle>,
    stop: CancellationToken,
}

impl Ending {
    pub(super) async fn end(self) {
        self.stop.cancel();
        if let Some(handle) = self.embedded {
            handle.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer() {
        assert_eq!(read_date("Sat, 21 Nov 2026 01:39:06 GMT"), Some(UnixMillis(1_795_225_146_000)));
        assert_eq!(read_date("yesterday"), None);
    }
}
