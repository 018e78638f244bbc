//! An HTTP/1.1 listener with limits that `axum::serve` does not have: connections, header size and header time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Open connections at most; more wait in the system's queue. An upgraded one counts no more: the number of
/// participants bounds those.
const CONNECTIONS_MAX: usize = 16_384;
/// Bytes of a request's head at most: a join request in the address takes a few thousand.
const HEAD_BYTES_MAX: usize = 128 * 1024;
/// How long a client may take to send a request's head, and how long an idle connection is kept.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// Pause after the system refused to accept (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves `router` until `stop`, then lets open requests finish; upgraded connections are not waited for. The peer
/// address is put into the requests as `ConnectInfo<SocketAddr>`.
pub async fn serve_http(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = accept(&listener, &places) => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(serve_connection(stream, peer, router.clone(), stop.clone(), place));
            }
            // The client was faster in leaving than we in accepting.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, io::Result<(TcpStream, SocketAddr)>) {
    // The semaphore is never closed, so there is always a permit in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    (place, listener.accept().await)
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    _place: Option<OwnedSemaphorePermit>,
) {
    // Signalling messages are small and must not wait for each other; failing only costs latency.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_BYTES_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn started(router: Router) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        (address, stop.clone(), tokio::spawn(serve_http(listener, router, stop)))
    }

    async fn exchange(stream: &mut TcpStream, request: &str) -> String {
        // The server may hang up in the middle of a head that is too large.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn requests_know_their_peer_and_heads_are_bounded() {
        let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let (address, stop, server) = started(Router::new().route("/", get(peer))).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with(&stream.local_addr().unwrap().to_string()),
            "{answer}"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer =
            exchange(&mut stream, &format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(4 * HEAD_BYTES_MAX))).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        stop.cancel();
        server.await.unwrap();
    }

    /// Who sends half a head holds nothing for longer than the wait, and does not keep the server from stopping.
    #[tokio::test]
    async fn a_client_that_does_not_finish_does_not_hold_the_server() {
        let (address, stop, server) = started(Router::new().route("/", get(|| async { "OK" }))).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer.ends_with("OK"));
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), server).await.expect("an idle connection is closed").unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
