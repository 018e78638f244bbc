//! How the server goes down, and how it runs alone.

use futures::StreamExt as _;
use http::StatusCode;
use livekit_protocol::leave_request::Action;
use livekit_protocol::signal_response::Message as Signal;
use livekit_server::{StandaloneConfig, StartError};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::support::{config, get, join, join_token, next_signal, serve, start};

/// Clients are told to reconnect before their connection is closed, in a way that browsers call clean.
#[tokio::test]
async fn clients_are_told_to_reconnect() {
    let handle = start();
    let address = serve(handle.router()).await;
    let mut socket = join(address, "anna", "meeting-x").await;
    assert!(matches!(next_signal(&mut socket).await, Some(Signal::Join(_))));
    let reader = tokio::spawn(async move {
        let mut told = None;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(bytes) => {
                    let response: livekit_protocol::SignalResponse = prost::Message::decode(bytes).unwrap();
                    if let Some(Signal::Leave(leave)) = response.message {
                        told = Some(leave.action());
                    }
                }
                Message::Close(frame) => return (told, frame.map(|frame| frame.code)),
                _ => {}
            }
        }
        (told, None)
    });
    handle.shutdown().await;
    assert_eq!(reader.await.unwrap(), (Some(Action::Reconnect), Some(CloseCode::Normal)));
    // Whoever comes now is sent elsewhere, not away for good.
    let path = format!("/rtc/validate?access_token={}", join_token("ben", "meeting-x"));
    assert_eq!(get(&handle.router(), &path).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!handle.stopped().await, "it ended, but did not fail");
    handle.shutdown().await;
}

#[tokio::test]
async fn a_taken_udp_port_is_named() {
    let handle = start();
    let mut settings = config();
    settings.rtc.udp_port = handle.addresses().candidates[0].advertised.port();
    match livekit_server::Server::start(settings) {
        Err(error @ StartError::PortInUse { .. }) => assert!(error.to_string().contains("RTC_UDP_PORT"), "{error}"),
        other => panic!("{other:?}"),
    }
    handle.shutdown().await;
}

/// Alone it answers at its root, takes clients, and goes when asked.
#[tokio::test]
async fn a_server_alone_serves_until_it_is_stopped() {
    let server = config();
    let mut settings = StandaloneConfig::new(server.keys.clone());
    settings.server = server;
    settings.port = 0;
    let (opened, address) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(livekit_server::run_standalone_until(
        settings,
        |address| opened.send(address).unwrap(),
        async move { stopped.await.unwrap() },
    ));
    let port = address.await.unwrap().port();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let root = client.get(format!("http://{address}/")).send().await.unwrap();
    assert_eq!((root.status().as_u16(), root.text().await.unwrap().as_str()), (200, "OK"));
    let mut socket = join(address, "anna", "meeting-x").await;
    assert!(matches!(next_signal(&mut socket).await, Some(Signal::Join(_))));
    stop.send(()).unwrap();
    while next_signal(&mut socket).await.is_some() {}
    drop(socket);
    running.await.unwrap().unwrap();
}
