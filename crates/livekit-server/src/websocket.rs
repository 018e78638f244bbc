//! One signalling WebSocket: frames in both directions, pings, and a clean end.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use kit::{Clock as _, SystemClock};
use node::{ConnectionId, Frame};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::connection::{Connection, Incoming, ToClient};
use crate::handle::Handle;

/// How often the server pings.
const PING_PERIOD: Duration = Duration::from_secs(10);
/// Silence after which a client is taken for gone: it answers pings and sends its own every 5 s.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// How long one message may take to leave.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Messages that a client may send at once, and the time that earns it one more. A join sends dozens, then a few a
/// second.
const BURST_MAX: u32 = 500;
const MESSAGE_PERIOD: Duration = Duration::from_millis(10);
/// How long the client has to answer our close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Moves frames until either side ends. Dropping `connection` at the end tells the node.
pub(crate) async fn pump(handle: Handle, mut connection: Connection, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let cut = connection.incoming.cut.clone();
    let id = connection.id;
    let both = async {
        let writing = write(&mut sink, &mut connection.incoming);
        let reading = read(&handle, id, &mut stream);
        tokio::pin!(writing, reading);
        tokio::select! {
            // What is queued already (a Leave) still goes out if the client only half closed; a broken pipe ends it.
            () = &mut reading => {}
            () = &mut writing => {
                // Reading to the end of the stream completes the close handshake: browsers report 1006 otherwise.
                let _ = timeout(CLOSE_WAIT, &mut reading).await;
            }
        }
    };
    tokio::select! {
        () = both => {}
        () = cut.cancelled() => {}
    }
}

async fn read(handle: &Handle, id: ConnectionId, stream: &mut SplitStream<WebSocket>) {
    let mut pace = Pace::new(SystemClock.instant());
    // An error is the end: a broken connection, or a message above the limit.
    while let Ok(Some(Ok(message))) = timeout(SILENCE_MAX, stream.next()).await {
        let frame = match message {
            Message::Binary(bytes) => Frame::Binary(bytes.into()),
            Message::Text(text) => Frame::Text(text.as_str().to_owned()),
            // Pongs only prove life; pings and closes are answered below us, and the stream ends by itself.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
        };
        // Not reading lets the client's own socket fill: it slows down instead of losing messages.
        if let Some(pause) = pace.next(SystemClock.instant()) {
            tokio::time::sleep(pause).await;
        }
        if Connection::frame(handle, id, frame).await.is_err() {
            return;
        }
    }
}

/// How fast one client's messages are taken: a bucket of [`BURST_MAX`] that refills every [`MESSAGE_PERIOD`].
#[derive(Debug)]
struct Pace {
    /// When the bucket is full again.
    full_at: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one message from the bucket; how long to wait first, if it is empty.
    fn next(&mut self, now: Instant) -> Option<Duration> {
        self.full_at = self.full_at.max(now) + MESSAGE_PERIOD;
        let ahead = self.full_at.saturating_duration_since(now).saturating_sub(MESSAGE_PERIOD * BURST_MAX);
        (!ahead.is_zero()).then_some(ahead)
    }
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, incoming: &mut Incoming) {
    let mut ping = interval(PING_PERIOD);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    loop {
        let (message, bytes) = tokio::select! {
            next = incoming.next() => match next {
                Some(ToClient::Frame(Frame::Binary(bytes))) => { let length = bytes.len(); (Message::Binary(bytes.into()), length) }
                Some(ToClient::Frame(Frame::Text(text))) => { let length = text.len(); (Message::Text(text.into()), length) }
                Some(ToClient::Close) | None => {
                    let close = CloseFrame { code: close_code::NORMAL, reason: "".into() };
                    let _ = timeout(WRITE_WAIT, sink.send(Message::Close(Some(close)))).await;
                    return;
                }
            },
            _ = ping.tick() => (Message::Ping(Bytes::new()), 0),
        };
        match timeout(WRITE_WAIT, sink.send(message)).await {
            Ok(Ok(())) => incoming.written(bytes),
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::ws::WebSocketUpgrade;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::connection::{Outgoing, Undelivered, pair};

    /// A connection whose client keeps it open.
    async fn connected() -> (Outgoing, impl Sized) {
        let (outgoing, incoming) = pair();
        let incoming = Arc::new(Mutex::new(Some(incoming)));
        let open = move |upgrade: WebSocketUpgrade| async move {
            let mut incoming = incoming.lock().unwrap().take().expect("one client");
            upgrade.on_upgrade(async move |socket| write(&mut socket.split().0, &mut incoming).await)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(crate::serve_http(listener, Router::new().route("/", get(open)), CancellationToken::new()));
        let (client, _) = tokio_tungstenite::connect_async(format!("ws://{address}/")).await.unwrap();
        (outgoing, client)
    }

    /// Whatever the messages are like, what somebody who reads nothing makes us hold is at most a mebibyte, the system's share
    /// included; then the connection ends.
    #[tokio::test]
    async fn who_does_not_read_holds_a_mebibyte() {
        const SYSTEM: usize = 128 * 1024;
        for sizes in
            [&[100][..], &[5_000], &[60_000, 61_000], &[200_000, 220_000], &[300_000, 100_000], &[430_000, 450_000]]
        {
            let (mut outgoing, client) = connected().await;
            let before = testkit::memory::live();
            let (mut most, mut sent) = (0, 0);
            let end = loop {
                let bytes = sizes[sent % sizes.len()];
                if let Err(end) = outgoing.push(Frame::Binary(vec![1; bytes])) {
                    break end;
                }
                sent += 1;
                // What is queued is written as far as the system takes it.
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                most = most.max(testkit::memory::live().saturating_sub(before));
            };
            assert_eq!(end, Undelivered::TooSlow);
            assert!((64 * 1024..=1024 * 1024 - SYSTEM).contains(&most), "{most} bytes held in messages of {sizes:?}");
            drop(client);
        }
    }

    /// A burst passes at once, a flood only at the steady rate, and silence earns the burst again.
    #[test]
    fn a_flood_is_slowed_to_the_steady_rate() {
        let start = SystemClock.instant();
        let mut pace = Pace::new(start);
        let at_once = (0..BURST_MAX).filter(|_| pace.next(start).is_none()).count();
        assert_eq!(at_once, BURST_MAX as usize);
        let mut now = start;
        for _ in 0..100 {
            now += pace.next(now).unwrap_or_default();
        }
        assert_eq!(now - start, MESSAGE_PERIOD * 100);
        let later = now + MESSAGE_PERIOD * BURST_MAX;
        assert!((0..BURST_MAX).all(|_| pace.next(later).is_none()));
        assert!(pace.next(later).is_some());
    }
}
