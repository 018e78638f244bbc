//! One signalling WebSocket: frames in both directions, pings, and a clean end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
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
    // An error is the end: a broken connection, or a message above the limit.
    while let Ok(Some(Ok(message))) = timeout(SILENCE_MAX, stream.next()).await {
        let frame = match message {
            Message::Binary(bytes) => Frame::Binary(bytes.into()),
            Message::Text(text) => Frame::Text(text.as_str().to_owned()),
            // Pongs only prove life; pings and closes are answered below us, and the stream ends by itself.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
        };
        if Connection::frame(handle, id, frame).await.is_err() {
            return;
        }
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
