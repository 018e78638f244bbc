//! An HTTP/1.1 listener with limits that `axum::serve` does not have: connections, header size and header time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::crowd::Crowd;

/// Open connections at most; more wait in the system's queue. An upgraded one counts no more: the number of
/// participants bounds those.
const CONNECTIONS_MAX: usize = 16_384;
/// Bytes of a request's head at most: a join request in the address takes a few thousand.
const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Open connections of one address at most; a household or an office has some tens. This machine's own are not counted.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;
/// How long a client may take to send a request's head, and how long an idle connection is kept.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// How long a client may take to send a request's body, however many bytes it sends in between.
const BODY_WAIT: Duration = Duration::from_secs(60);
/// Bytes that the system takes of what a client does not read. It would be some mebibytes, which nobody counts.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 128 * 1024;
/// Pause after the system refused to accept (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves `router` until `stop`, then lets open requests finish; upgraded connections are not waited for. The peer
/// address is put into the requests as `ConnectInfo<SocketAddr>`.
pub async fn serve_http(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_http_behind(listener, router, stop, |_| false).await;
}

/// Like [`serve_http`], behind proxies: those of their connections are as many as they have clients, so they are not counted.
pub async fn serve_http_behind(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
) {
    let open = move |stream, _| std::future::ready(Some((stream, router.clone())));
    serve_http_opened(listener, open, stop, is_proxy).await;
}

/// Like [`serve_http_behind`], where something stands between the socket and HTTP (TLS): `open` makes of each connection what
/// HTTP is spoken on and the router for it, or `None` where there is nothing left to serve. It bounds its own time.
pub async fn serve_http_opened<S, F>(
    listener: TcpListener,
    open: impl Fn(TcpStream, SocketAddr) -> F,
    stop: CancellationToken,
    is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Option<(S, Router)>> + Send + 'static,
{
    let crowd = Crowd::new(CONNECTIONS_PER_ADDRESS_MAX, move |address| address.is_loopback() || is_proxy(address));
    serve_within(listener, open, stop, &crowd, Waits { head: HEAD_WAIT, body: BODY_WAIT }).await;
}

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
struct Waits {
    head: Duration,
    body: Duration,
}

async fn serve_within<S, F>(
    listener: TcpListener,
    open: impl Fn(TcpStream, SocketAddr) -> F,
    stop: CancellationToken,
    crowd: &Arc<Crowd>,
    waits: Waits,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Option<(S, Router)>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = accept(&listener, &places) => next,
        };
        match accepted {
            Ok((stream, peer)) => match crowd.enter(peer.ip()) {
                Some(share) => {
                    // Signalling messages are small and must not wait for each other; failing only costs latency.
                    let _ = stream.set_nodelay(true);
                    #[cfg(target_os = "linux")]
                    let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
                    let (opened, stop) = (open(stream, peer), stop.clone());
                    tasks.spawn(async move {
                        if let Some(Some((stream, router))) = stop.run_until_cancelled(opened).await {
                            serve_connection(stream, peer, router, stop, waits).await;
                        }
                        drop((place, share));
                    });
                }
                None => metrics::counter!("heydok_http_connections_refused_total").increment(1),
            },
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

async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    waits: Waits,
) {
    let service = router.map_request(move |request: http::Request<Incoming>| {
        let mut request = request.map(|body| Body::new(InTime::new(body, waits.body)));
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(waits.head).max_buf_size(HEAD_BYTES_MAX);
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

/// A request's body that must be whole in time.
struct InTime<B> {
    body: B,
    /// `None` where there is no body.
    late: Option<Pin<Box<Sleep>>>,
}

impl<B: hyper::body::Body> InTime<B> {
    fn new(body: B, wait: Duration) -> Self {
        let late = (!body.is_end_stream()).then(|| Box::pin(tokio::time::sleep(wait)));
        Self { body, late }
    }
}

impl<B: hyper::body::Body<Error: std::error::Error + Send + Sync + 'static> + Unpin> hyper::body::Body for InTime<B> {
    type Data = B::Data;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        // Asked first: somebody who always has one more byte is late too.
        if self.late.as_mut().is_some_and(|late| late.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the request's body took too long"))));
        }
        Pin::new(&mut self.body).poll_frame(context).map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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

    /// Too many headers are refused, and who is slow is hung up on: with the head, with the body, and with a body that drips.
    #[tokio::test]
    async fn floods_and_drips_are_cut_off() {
        let echo = |body: axum::body::Bytes| async move { body };
        let router = Router::new().route("/", axum::routing::post(echo));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let waits = Waits { head: Duration::from_millis(300), body: Duration::from_millis(300) };
        let crowd = Crowd::new(2, |_| false);
        let open = move |stream, _| std::future::ready(Some((stream, router.clone())));
        let served = serve_within(listener, open, stop.clone(), &crowd, waits);
        let attacks = async {
            let many = "x: y\r\n".repeat(200);
            let mut stream = TcpStream::connect(address).await.unwrap();
            let answer = exchange(&mut stream, &format!("POST / HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
            drop(stream);
            for (begin, expected) in [
                ("POST / HTTP/1.1\r\nhost: a\r\nx: ", ""),
                ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf", "HTTP/1.1 400"),
            ] {
                let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
                writer.write_all(begin.as_bytes()).await.unwrap();
                // One byte every now and then, until the other side has hung up.
                let drip = async {
                    let mut pause = tokio::time::interval(Duration::from_millis(20));
                    while writer.write_all(b"a").await.is_ok() {
                        pause.tick().await;
                    }
                };
                let mut answer = Vec::new();
                let patience = tokio::time::timeout(Duration::from_secs(20), async {
                    tokio::select! {
                        _ = reader.read_to_end(&mut answer) => {}
                        () = drip => {
                            let _ = reader.read_to_end(&mut answer).await;
                        }
                    }
                });
                patience.await.expect("who drips is cut off");
                let answer = String::from_utf8_lossy(&answer);
                assert!(answer.starts_with(expected) && !answer.contains(" 200 "), "{begin}: {answer}");
            }
            stop.cancel();
        };
        tokio::join!(served, attacks);
    }

    /// One address has its share of connections; one more is closed at once, and the next one after it left is served.
    #[tokio::test]
    async fn one_address_cannot_take_every_connection() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route("/", get(|| async { "OK" }));
        let crowd = Crowd::new(2, |_| false);
        let waits = Waits { head: HEAD_WAIT, body: BODY_WAIT };
        let open = move |stream, _| std::future::ready(Some((stream, router.clone())));
        let served = serve_within(listener, open, stop.clone(), &crowd, waits);
        let visits = async {
            let ask = async |stream: &mut TcpStream| exchange(stream, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut held = Vec::new();
            for _ in 0..2 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                assert!(ask(&mut stream).await.ends_with("OK"));
                held.push(stream);
            }
            assert_eq!(ask(&mut TcpStream::connect(address).await.unwrap()).await, "");
            let mut leaving = held.pop().unwrap();
            let answer = exchange(&mut leaving, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
            assert!(answer.ends_with("OK"));
            assert_eq!(leaving.read(&mut [0; 8]).await.unwrap(), 0, "the server has hung up");
            let again = async {
                // The place is free a moment after the hang-up was seen here.
                while !ask(&mut TcpStream::connect(address).await.unwrap()).await.ends_with("OK") {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), again).await.expect("there is room again");
            drop(held);
            stop.cancel();
        };
        tokio::join!(served, visits);
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
    }
}
