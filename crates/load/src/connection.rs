//! The signalling WebSocket of one participant.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use livekit_protocol as proto;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::LoadError;

/// How long official clients wait for the upgrade.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest message a server may send us.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Protobuf messages in both directions.
pub(crate) struct Connection(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Connection {
    /// Connects to `/rtc…` with a token in the header, as the Rust SDK does.
    pub(crate) async fn open(url: &url::Url, token: &str) -> Result<Self, LoadError> {
        let mut request = url.as_str().into_client_request()?;
        let header = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|error| LoadError::Protocol(format!("the token is no header: {error}")))?;
        request.headers_mut().insert("authorization", header);
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connecting = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        let (stream, _) = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| LoadError::Late { what: "the WebSocket upgrade", within: CONNECT_TIMEOUT })??;
        Ok(Self(stream))
    }

    pub(crate) async fn send(&mut self, message: proto::signal_request::Message) -> Result<(), LoadError> {
        let request = proto::SignalRequest { message: Some(message) };
        Ok(self.0.send(Message::Binary(request.encode_to_vec().into())).await?)
    }

    /// The next message; `None` once the server has closed. Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<Option<proto::signal_response::Message>, LoadError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let response = proto::SignalResponse::decode(bytes)
                        .map_err(|error| LoadError::Protocol(format!("not a SignalResponse: {error}")))?;
                    if let Some(message) = response.message {
                        return Ok(Some(message));
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Says goodbye and closes.
    pub(crate) async fn leave(mut self) -> Result<(), LoadError> {
        let leave = proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated as i32,
            ..proto::LeaveRequest::default()
        };
        self.send(proto::signal_request::Message::Leave(leave)).await?;
        Ok(self.0.close(None).await?)
    }
}
