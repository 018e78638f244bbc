//! The signalling WebSocket over real sockets.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::write::GzEncoder;
use futures::future::join_all;
use futures::{SinkExt as _, StreamExt as _};
use livekit_protocol as proto;
use livekit_protocol::signal_response::Message as Signal;
use node::token::VideoGrant;
use prost::Message as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::support::{
    Socket, config, join, join_grant, join_request, join_token, next_signal, open, room_service, serve, server_token,
    start, token,
};

/// A refused upgrade never becomes a WebSocket, and leaves nobody behind in the room.
#[tokio::test]
async fn refusals_come_before_the_upgrade() {
    let mut settings = config();
    settings.room.auto_create = false;
    let handle = livekit_server::Server::start(settings).unwrap();
    let address = serve(handle.router()).await;
    let (token, join) = (join_token("anna", "meeting-x"), join_request());
    let cases = [
        ("/rtc/v1?access_token=nonsense".to_owned(), 401),
        ("/rtc/v1".to_owned(), 401),
        (format!("/rtc/v1?access_token={token}"), 400),
        (format!("/rtc/v1?access_token={token}&join_request=AAAA%25"), 400),
        (format!("/rtc/v1?access_token={token}&join_request={join}"), 404),
        (format!("/rtc?access_token={token}"), 404),
        (format!("/rtc/v2?access_token={token}&join_request={join}"), 404),
    ];
    for (path, status) in cases {
        match open(address, &path).await.map_err(|error| *error) {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    handle.shutdown().await;
}

/// The first message is the join response, on both paths and behind a doubled slash.
#[tokio::test]
async fn the_first_message_is_the_join_response() {
    let handle = start();
    let address = serve(handle.router()).await;
    let (token, join) = (join_token("anna", "meeting-x"), join_request());
    for path in [
        format!("/rtc/v1?access_token={token}&join_request={join}"),
        format!("//rtc/v1?access_token={token}&join_request={join}"),
        format!("/rtc?access_token={token}&protocol=16&sdk=go&auto_subscribe=1"),
    ] {
        let mut socket = open(address, &path).await.unwrap();
        match next_signal(&mut socket).await {
            Some(Signal::Join(join)) => {
                assert_eq!(join.room.unwrap().name, "meeting-x", "{path}");
                assert_eq!(join.participant.unwrap().identity, "anna", "{path}");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    handle.shutdown().await;
}

/// Whoever writes text frames is answered in text frames.
#[tokio::test]
async fn text_frames_are_proto_json() {
    let handle = start();
    let address = serve(handle.router()).await;
    let mut socket = join(address, "anna", "meeting-x").await;
    assert!(matches!(next_signal(&mut socket).await, Some(Signal::Join(_))));
    socket.send(Message::text(r#"{"ping": "1234"}"#)).await.unwrap();
    let text = loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            break text;
        }
    };
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(value.get("pong").is_some(), "{value}");
    handle.shutdown().await;
}

/// Frames that make no sense are ignored; one above the limit ends its connection and no other.
#[tokio::test]
async fn nonsense_is_survived_and_giants_are_shown_out() {
    let handle = start();
    let address = serve(handle.router()).await;
    let mut anna = join(address, "anna", "meeting-x").await;
    let mut ben = join(address, "ben", "meeting-x").await;
    assert!(matches!(next_signal(&mut anna).await, Some(Signal::Join(_))));
    anna.send(Message::binary(vec![0xff; 1000])).await.unwrap();
    anna.send(Message::text("{not json")).await.unwrap();
    let ping = proto::SignalRequest { message: Some(proto::signal_request::Message::Ping(7)) };
    anna.send(Message::binary(ping.encode_to_vec())).await.unwrap();
    wait_for_pong(&mut anna).await;
    // The server hangs up while we still write, so sending may fail too.
    let _ = ben.send(Message::binary(vec![0; 2 * 1024 * 1024 + 1])).await;
    while let Some(Ok(_)) = ben.next().await {}
    anna.send(Message::binary(ping.encode_to_vec())).await.unwrap();
    wait_for_pong(&mut anna).await;
    handle.shutdown().await;
}

async fn wait_for_pong(socket: &mut Socket) {
    loop {
        match next_signal(socket).await {
            Some(Signal::Pong(_)) => return,
            Some(_) => {}
            None => panic!("closed before the pong"),
        }
    }
}

/// A reader that stops reading is closed when its queue is full; the others get everything.
#[tokio::test]
async fn a_slow_reader_is_closed_and_nobody_waits_for_it() {
    const UPDATES: usize = 60;
    const BYTES: usize = 100_000;
    let handle = start();
    let router = handle.router();
    let address = serve(router.clone()).await;
    let mut quick = join(address, "quick", "meeting-x").await;
    assert!(matches!(next_signal(&mut quick).await, Some(Signal::Join(_))));
    let mut slow = join(address, "slow", "meeting-x").await;
    assert!(matches!(next_signal(&mut slow).await, Some(Signal::Join(_))));

    // In step with the quick reader, so that only the slow one ever has a full queue.
    for number in 1..=UPDATES {
        let start = format!("{number:04}");
        let body = json!({"room": "meeting-x", "metadata": format!("{start}{}", "x".repeat(BYTES))});
        let (status, answer) = room_service(&router, &server_token("meeting-x"), "UpdateRoomMetadata", &body).await;
        assert_eq!(status, 200, "{answer}");
        let seen = tokio::time::timeout(Duration::from_secs(10), wait_for_metadata(&mut quick, &start)).await;
        assert!(seen.is_ok(), "update {number} did not arrive");
    }
    // 6 MB were sent to it; what it gets now is what the two socket buffers held, then the end.
    let mut received = 0;
    while let Some(Ok(message)) = slow.next().await {
        received += message.len();
    }
    assert!(received < 1024 * 1024, "the system holds what nobody reads: {received}");
    handle.shutdown().await;
}

async fn wait_for_metadata(socket: &mut Socket, start: &str) {
    loop {
        match next_signal(socket).await {
            Some(Signal::RoomUpdate(update)) if update.room.as_ref().unwrap().metadata.starts_with(start) => return,
            Some(_) => {}
            None => panic!("the quick reader was closed"),
        }
    }
}

/// The room may be larger than what a reader's queue holds: who resumes is told of it all the same.
#[tokio::test]
async fn a_large_room_can_be_resumed_into() {
    const OTHERS: usize = 5;
    let handle = start();
    let address = serve(handle.router()).await;
    for number in 0..OTHERS {
        let identity = format!("guest-{number}");
        let grant = VideoGrant { can_update_own_metadata: Some(true), ..join_grant("meeting-x") };
        let join = proto::JoinRequest { metadata: "x".repeat(450_000), ..proto::JoinRequest::default() };
        let path = format!("/rtc/v1?access_token={}&join_request={}", token(&identity, grant), zipped(&join));
        let mut socket = open(address, &path).await.unwrap();
        tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    }
    let mut first = join(address, "anna", "meeting-x").await;
    let Some(Signal::Join(joined)) = next_signal(&mut first).await else { panic!("no join response") };
    assert_eq!(joined.other_participants.len(), OTHERS);
    let sid = joined.participant.unwrap().sid;
    let resume = format!("/rtc?access_token={}&reconnect=1&sid={sid}", join_token("anna", "meeting-x"));
    let mut second = open(address, &resume).await.unwrap();
    assert!(matches!(next_signal(&mut second).await, Some(Signal::Reconnect(_))));
    match next_signal(&mut second).await {
        Some(Signal::Update(update)) => assert_eq!(update.participants.len(), OTHERS + 1),
        other => panic!("{other:?}"),
    }
    handle.shutdown().await;
}

/// A `join_request` as livekit-client writes large ones.
fn zipped(join: &proto::JoinRequest) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&join.encode_to_vec()).unwrap();
    let wrapped = proto::WrappedJoinRequest { compression: 1, join_request: encoder.finish().unwrap() };
    URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec())
}

/// Those who leave in the same moment all get their word in: nobody stays behind as one whose connection broke, to be waited for.
#[tokio::test]
async fn many_leave_at_once() {
    const GUESTS: usize = 40;
    let handle = start();
    let address = serve(handle.router()).await;
    let mut witness = join(address, "witness", "meeting-x").await;
    let names: Vec<String> = (0..GUESTS).map(|number| format!("guest-{number}")).collect();
    let guests = join_all(names.iter().map(|name| join(address, name, "meeting-x"))).await;
    join_all(guests.into_iter().map(|mut guest| async move {
        let reason = proto::DisconnectReason::ClientInitiated as i32;
        let leave = proto::signal_request::Message::Leave(proto::LeaveRequest { reason, ..Default::default() });
        let leave = proto::SignalRequest { message: Some(leave) };
        guest.send(Message::Binary(leave.encode_to_vec().into())).await.unwrap();
        guest.close(None).await.unwrap();
    }))
    .await;
    let mut gone = Vec::new();
    while gone.len() < GUESTS {
        let next = tokio::time::timeout(Duration::from_secs(30), next_signal(&mut witness)).await;
        let Signal::Update(update) = next.expect("everybody has left").expect("still there") else { continue };
        let left = |info: &proto::ParticipantInfo| info.state() == proto::participant_info::State::Disconnected;
        gone.extend(update.participants.into_iter().filter(left).map(|info| info.disconnect_reason()));
    }
    assert_eq!(gone, [proto::DisconnectReason::ClientInitiated; GUESTS]);
    handle.shutdown().await;
}

/// A client that vanishes without a word is no connection any more.
#[tokio::test]
async fn connections_are_counted_out() {
    let handle = start();
    let address = serve(handle.router()).await;
    let socket = join(address, "anna", "meeting-x").await;
    wait_for_connections(&handle, 1).await;
    drop(socket);
    wait_for_connections(&handle, 0).await;
    handle.shutdown().await;
}

/// The figures are published once a second.
async fn wait_for_connections(handle: &livekit_server::Handle, expected: u64) {
    let reached = async {
        while handle.stats().connections != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.expect("the number of connections");
}

/// Nobody but the server answers on its port: what is not STUN, DTLS or RTP of a known peer is dropped.
#[tokio::test]
async fn datagrams_of_strangers_are_survived() {
    let handle = start();
    let udp = handle.addresses().candidates[0].advertised;
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for length in [0, 1, 12, 20, 100, 1200, 60_000] {
        for fill in [0x00, 0x01, 0x16, 0x80, 0xff] {
            stranger.send_to(&vec![fill; length], udp).await.unwrap();
        }
    }
    let address: SocketAddr = serve(handle.router()).await;
    let mut socket = join(address, "anna", "meeting-x").await;
    assert!(matches!(next_signal(&mut socket).await, Some(Signal::Join(_))));
    handle.shutdown().await;
}
