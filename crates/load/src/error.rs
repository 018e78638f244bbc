//! Why load cannot be made.

use std::io;
use std::time::Duration;

/// Why a participant or a scenario failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("`{url}` is not an address of a server: use http://, https://, ws:// or wss://")]
    Url { url: String },
    #[error("signalling failed: {0}")]
    WebSocket(Box<tokio_tungstenite::tungstenite::Error>),
    #[error("the server does not speak the protocol: {0}")]
    Protocol(String),
    #[error("the server asked {identity} to leave: {reason}")]
    Left { identity: String, reason: String },
    #[error("media failed: {0}")]
    Media(#[from] str0m::RtcError),
    #[error("socket: {0}")]
    Socket(#[from] io::Error),
    #[error("{what} did not happen within {} s", within.as_secs())]
    Late { what: &'static str, within: Duration },
    #[error("process {pid} cannot be observed: {source}")]
    Process { pid: u32, source: io::Error },
}

impl LoadError {
    /// Whether the server is too busy to let anybody in (503), and may be asked again.
    pub(crate) fn is_busy(&self) -> bool {
        use tokio_tungstenite::tungstenite::{Error, http::StatusCode};
        let Self::WebSocket(error) = self else { return false };
        matches!(&**error, Error::Http(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE)
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for LoadError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}
