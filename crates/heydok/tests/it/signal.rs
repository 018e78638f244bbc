//! A participant who only signals: enough to be told things.

use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use livekit_protocol::{SignalRequest, SignalResponse, signal_request, signal_response};
use prost::Message as _;
use rustls::ClientConfig;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

/// An open signalling connection.
pub(crate) struct Signal(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Signal {
    /// Joins with a room token at `127.0.0.1:<port>` and reads the answer.
    pub(crate) async fn join(port: u16, token: &str) -> Self {
        let url = format!("ws://127.0.0.1:{port}/rtc?access_token={token}&protocol=16&auto_subscribe=1");
        Self::open(&url, None).await
    }

    /// The same at `wss://localhost:<port>`.
    pub(crate) async fn join_over_tls(port: u16, token: &str, tls: Arc<ClientConfig>) -> Self {
        let url = format!("wss://localhost:{port}/rtc?access_token={token}&protocol=16&auto_subscribe=1");
        Self::open(&url, Some(Connector::Rustls(tls))).await
    }

    async fn open(url: &str, connector: Option<Connector>) -> Self {
        let (socket, _) = connect_async_tls_with_config(url, None, false, connector).await.unwrap();
        let mut signal = Self(socket);
        let first = signal.next().await;
        assert!(matches!(first, Some(signal_response::Message::Join(_))), "{first:?}");
        signal
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<signal_response::Message> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Binary(bytes) => return SignalResponse::decode(bytes).unwrap().message,
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(crate) async fn send(&mut self, message: signal_request::Message) {
        let request = SignalRequest { message: Some(message) };
        self.0.send(Message::Binary(request.encode_to_vec().into())).await.unwrap();
    }

    /// What everybody is told who must leave, and then nothing but the end of the connection.
    pub(crate) async fn leave(&mut self) -> livekit_protocol::LeaveRequest {
        let told = async {
            loop {
                let message = self.next().await.expect("a Leave comes before the end");
                if let signal_response::Message::Leave(leave) = message {
                    return leave;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), told).await.expect("a Leave comes")
    }
}
