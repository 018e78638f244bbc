//! STUN and TURN over real sockets, with the credentials that a participant is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use livekit_protocol as proto;
use livekit_server::{Handle, Server};
use node::Protocol;
use proto::signal_response::Message as Signal;
use testkit::turn::{Step, TurnClient};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::support::{Socket, config, join, next_signal, serve};

/// A Binding request without attributes.
const BINDING: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(20);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT, future).await.unwrap_or_else(|_| panic!("{what}"))
}

fn port(handle: &Handle, protocol: Protocol) -> SocketAddr {
    let candidates = &handle.addresses().candidates;
    candidates.iter().find(|one| one.protocol == protocol).expect("told to clients").advertised
}

/// The answer to [`BINDING`] that tells an address.
fn mapped(address: SocketAddr) -> Vec<u8> {
    let (family, octets) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    // Masked with the magic cookie and the transaction.
    let masked: Vec<u8> = octets.iter().zip(&BINDING[4..]).map(|(octet, mask)| octet ^ mask).collect();
    let length = |rest: usize| u8::try_from(rest + octets.len()).unwrap();
    let head = [&[1, 1, 0, length(8)][..], &BINDING[4..], &[0, 0x20, 0, length(4), 0, family]].concat();
    [head, (address.port() ^ 0x2112).to_be_bytes().to_vec(), masked].concat()
}

/// Settings for clients that come to this loopback address and to no other.
fn config_at(ip: IpAddr) -> livekit_server::Config {
    let mut settings = config();
    settings.rtc.node_ips = vec![ip];
    settings.rtc.loopback = false;
    settings
}

#[tokio::test]
async fn stun_is_answered_on_the_media_ports() {
    for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        stun_is_answered_at(ip).await;
    }
}

async fn stun_is_answered_at(ip: IpAddr) {
    let handle = Server::start(config_at(ip)).unwrap();
    let socket = UdpSocket::bind((ip, 0)).await.unwrap();
    socket.send_to(&BINDING, port(&handle, Protocol::Udp)).await.unwrap();
    let mut answer = [0; 100];
    let length = within("an answer over UDP", socket.recv(&mut answer)).await.unwrap();
    assert_eq!(answer[..length], mapped(socket.local_addr().unwrap()));

    let framed: Vec<u8> = [&[0, 20][..], &BINDING].concat();
    let length = u8::try_from(mapped(SocketAddr::new(ip, 0)).len()).unwrap();
    for (question, before) in [(framed.as_slice(), &[0, length][..]), (&BINDING, &[])] {
        let mut stream = TcpStream::connect(port(&handle, Protocol::TcpPassive)).await.unwrap();
        stream.write_all(question).await.unwrap();
        let expected = [before, &mapped(stream.local_addr().unwrap())].concat();
        let mut answer = vec![0; expected.len()];
        within("an answer over TCP", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer, expected);
    }
    handle.shutdown().await;
}

async fn told(socket: &mut Socket) -> proto::IceServer {
    match next_signal(socket).await {
        Some(Signal::Join(join)) => join.ice_servers.first().expect("an ICE server").clone(),
        other => panic!("{other:?}"),
    }
}

fn client(told: &proto::IceServer, handle: &Handle) -> TurnClient {
    TurnClient::new(&told.username, &told.credential, port(handle, Protocol::Udp))
}

/// Until the client's channel stands; and then until its allocation is gone.
async fn allocate_and_release(mut stream: impl AsyncRead + AsyncWrite + Unpin, turn: &mut TurnClient) {
    let (mut frames, mut buffer) = (node::TurnFrames::default(), [0; 2048]);
    stream.write_all(&turn.allocate()).await.unwrap();
    while !turn.ready && turn.errors.is_empty() {
        let length = within("an answer on the stream", stream.read(&mut buffer)).await.unwrap();
        assert_ne!(length, 0, "the stream ended");
        let mut answers = Vec::new();
        frames.push(&buffer[..length], |message| answers.push(turn.receive(message))).unwrap();
        for answer in answers {
            if let Step::Send(bytes) = answer {
                stream.write_all(&bytes).await.unwrap();
            }
        }
    }
    // Something that is not TURN ends the stream.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let end = within("the end of the stream", stream.read(&mut buffer)).await;
    assert_eq!(end.unwrap_or(0), 0);
}

/// What a participant is told opens an allocation on each of the ways there are, and nothing else does.
#[tokio::test]
async fn a_participant_is_relayed_over_each_way() {
    for (ip, relay) in [(IpAddr::V4(Ipv4Addr::LOCALHOST), "192.0.0.8"), (IpAddr::V6(Ipv6Addr::LOCALHOST), "100::1")] {
        is_relayed_over_each_way(ip, relay).await;
    }
}

async fn is_relayed_over_each_way(ip: IpAddr, relay: &str) {
    let mut settings = config_at(ip);
    settings.rtc.turn_tls = Some(("meet.example.org".into(), 443));
    let handle = Server::start(settings).unwrap();
    let address = serve(handle.router()).await;
    let mut signal = join(address, "anna", "room").await;
    let told = told(&mut signal).await;
    let (udp, tcp) = (port(&handle, Protocol::Udp), port(&handle, Protocol::TcpPassive));
    let expected = [format!("turn:{tcp}?transport=tcp"), "turns:meet.example.org:443?transport=tcp".to_owned()];
    assert_eq!(told.urls, expected);

    let socket = UdpSocket::bind((ip, 0)).await.unwrap();
    socket.connect(udp).await.unwrap();
    let mut turn = client(&told, &handle);
    socket.send(&turn.allocate()).await.unwrap();
    let mut buffer = [0; 2048];
    while !turn.ready {
        let length = within("an answer over UDP", socket.recv(&mut buffer)).await.unwrap();
        if let Step::Send(bytes) = turn.receive(&buffer[..length]) {
            socket.send(&bytes).await.unwrap();
        }
    }
    assert_eq!(turn.relayed.map(|relayed| relayed.ip().to_string()).as_deref(), Some(relay));

    let mut turn = client(&told, &handle);
    allocate_and_release(TcpStream::connect(tcp).await.unwrap(), &mut turn).await;
    assert!(turn.ready, "{:?}", turn.errors);

    let (ours, theirs) = tokio::io::duplex(4096);
    let serving = tokio::spawn({
        let handle = handle.clone();
        async move { handle.serve_turn_stream(theirs, "192.0.2.7:50000".parse().unwrap()).await }
    });
    let mut turn = client(&told, &handle);
    allocate_and_release(ours, &mut turn).await;
    assert!(turn.ready, "{:?}", turn.errors);
    within("the stream is let go", serving).await.unwrap();

    let forged = proto::IceServer { credential: "guessed".into(), ..told };
    let mut turn = client(&forged, &handle);
    allocate_and_release(TcpStream::connect(tcp).await.unwrap(), &mut turn).await;
    assert_eq!((turn.ready, turn.errors), (false, vec![401]));
    handle.shutdown().await;
}

/// One network has so many streams, and a server that stops ends all of them.
#[tokio::test]
async fn streams_are_bounded_and_end_with_the_server() {
    let mut settings = config();
    settings.rtc.tcp_connections_per_network = 1;
    let handle = Server::start(settings).unwrap();
    let serve = |stream| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.serve_turn_stream(stream, "192.0.2.7:50000".parse().unwrap()).await })
    };
    let (mut first, theirs) = tokio::io::duplex(4096);
    let serving = serve(theirs);
    first.write_all(&BINDING).await.unwrap();
    let mut answer = [0; 32];
    within("an answer", first.read_exact(&mut answer)).await.unwrap();
    let (mut second, theirs) = tokio::io::duplex(4096);
    within("the second is refused", serve(theirs)).await.unwrap();
    assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
    handle.shutdown().await;
    within("the end", serving).await.unwrap();
    assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
}
