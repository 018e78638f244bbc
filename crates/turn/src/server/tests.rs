#![expect(clippy::disallowed_methods, reason = "some instant to count from")]

use super::*;
use crate::api::{Limits, is_for_us};

const UNIX_MS: u64 = 1_700_000_000_000;
const USER: &str = "1700003600:PA_anna";
const OURS: &str = "203.0.113.9:7882";
const OURS_V6: &str = "[2001:db8::9]:7882";
/// Requests ask for UDP.
const FOR_UDP: (u16, &[u8]) = (attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);

fn secret() -> Secret {
    Secret::new("north")
}

fn udp(port: u16) -> Path {
    Path::Udp { remote: SocketAddr::new("192.0.2.7".parse().unwrap(), port), local: "10.0.0.1:7882".parse().unwrap() }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    None,
    Success,
    Error(u16),
}

struct Bed {
    server: Server,
    start: Instant,
    now: Instant,
    transaction: u8,
    last: Vec<u8>,
}

impl Bed {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self::on(&[OURS, OURS_V6], limits)
    }

    /// A server whose media has these addresses, the best first.
    fn on(addresses: &[&str], limits: Limits) -> Self {
        let start = Instant::now();
        let peers = addresses.iter().map(|peer| peer.parse().unwrap()).collect();
        let config = Config { secret: Some(secret()), peers, limits };
        Self { server: Server::new(config, start, UNIX_MS), start, now: start, transaction: 0, last: Vec::new() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.server.handle_timeout(self.now);
    }

    fn answer(&mut self, path: Path, bytes: &[u8]) -> Answer {
        assert!(is_for_us(bytes));
        assert_eq!(self.server.receive(self.now, path, bytes), None);
        let Some(output) = self.server.poll_output() else { return Answer::None };
        assert_eq!((output.path, self.server.poll_output()), (path, None));
        self.last = output.contents;
        let message = Message::parse(&self.last).unwrap();
        match message.class {
            Class::Success => Answer::Success,
            Class::Error => {
                let code = message.attribute(attribute::ERROR_CODE).unwrap();
                Answer::Error(u16::from(code[2]) * 100 + u16::from(code[3]))
            }
            class => panic!("{class:?}"),
        }
    }

    fn nonce(&self, path: Path) -> String {
        let unix_s = UNIX_MS / 1000 + self.now.duration_since(self.start).as_secs();
        credentials::nonce(&secret(), &path.to_string(), unix_s)
    }

    /// A signed request of `user`.
    fn ask_as(&mut self, user: &str, path: Path, method: u16, attributes: &[(u16, &[u8])]) -> Answer {
        self.transaction += 1;
        let bytes = request(user, &self.nonce(path), method, [self.transaction; 12], attributes);
        self.answer(path, &bytes)
    }

    fn ask(&mut self, path: Path, method: u16, attributes: &[(u16, &[u8])]) -> Answer {
        self.ask_as(USER, path, method, attributes)
    }

    fn allocate(&mut self, path: Path) -> SocketAddr {
        assert_eq!(self.ask(path, method::ALLOCATE, &[FOR_UDP]), Answer::Success);
        self.told(attribute::XOR_RELAYED_ADDRESS)
    }

    /// An address in the last answer.
    fn told(&self, kind: u16) -> SocketAddr {
        Message::parse(&self.last).unwrap().addresses(kind).unwrap()[0]
    }

    fn permit(&mut self, path: Path, peer: &str) -> Answer {
        self.with_peer(path, method::CREATE_PERMISSION, peer, &[])
    }

    fn bind(&mut self, path: Path, number: u16, peer: &str) -> Answer {
        let number = [number.to_be_bytes(), [0, 0]].concat();
        self.with_peer(path, method::CHANNEL_BIND, peer, &[(attribute::CHANNEL_NUMBER, &number)])
    }

    fn with_peer(&mut self, path: Path, method: u16, peer: &str, more: &[(u16, &[u8])]) -> Answer {
        self.transaction += 1;
        let value = masked(peer, [self.transaction; 12]);
        self.transaction -= 1;
        let attributes = [&[(attribute::XOR_PEER_ADDRESS, value.as_slice())], more].concat();
        self.ask(path, method, &attributes)
    }

    fn send(&mut self, path: Path, peer: &str, data: &[u8]) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        let mut writer = Writer::new(method::SEND, Class::Indication, [5; 12]);
        writer.address(attribute::XOR_PEER_ADDRESS, peer.parse().unwrap());
        writer.attribute(attribute::DATA, data);
        let bytes = writer.finish(None);
        let relayed = self.server.receive(self.now, path, &bytes);
        assert_eq!(self.server.poll_output(), None, "an indication has no answer");
        relayed.map(|relayed| (relayed.from, relayed.to, relayed.contents.to_vec()))
    }

    fn send_channel(&mut self, path: Path, bytes: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
        let relayed = self.server.receive(self.now, path, bytes);
        relayed.map(|relayed| (relayed.to, relayed.contents.to_vec()))
    }
}

fn request(user: &str, nonce: &str, method: u16, transaction: [u8; 12], attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(method, Class::Request, transaction);
    attributes.iter().for_each(|(kind, value)| writer.attribute(*kind, value));
    writer.attribute(attribute::USERNAME, user.as_bytes());
    writer.attribute(attribute::REALM, REALM.as_bytes());
    writer.attribute(attribute::NONCE, nonce.as_bytes());
    writer.finish(Some(&credentials::key(&secret(), user)))
}

/// The value of an address attribute.
fn masked(address: &str, transaction: [u8; 12]) -> Vec<u8> {
    let mut writer = Writer::new(method::SEND, Class::Request, transaction);
    writer.address(attribute::XOR_PEER_ADDRESS, address.parse().unwrap());
    writer.finish(None)[24..].to_vec()
}

#[test]
fn a_binding_request_is_answered_with_where_it_came_from() {
    let mut bed = Bed::new();
    let bare = Writer::new(method::BINDING, Class::Request, [3; 12]).finish(None);
    let v6 = Path::Framed { remote: "[2001:db8::1]:5".parse().unwrap(), local: OURS_V6.parse().unwrap() };
    let stream = Path::Stream { id: StreamId(1), remote: "192.0.2.7:443".parse().unwrap() };
    for (path, bytes) in [(udp(5000), 32), (v6, 44), (stream, 32)] {
        assert_eq!(bed.answer(path, &bare), Answer::Success);
        assert_eq!(bed.told(attribute::XOR_MAPPED_ADDRESS), path.remote());
        assert_eq!(bed.last.len(), bytes, "an answer is hardly larger than its question");
    }
}

/// Whoever forges the address of another cannot make us flood it.
#[test]
fn who_has_not_shown_a_password_is_answered_in_measure() {
    let mut bed = Bed::new();
    let binding = Writer::new(method::BINDING, Class::Request, [3; 12]).finish(None);
    let allocate = Writer::new(method::ALLOCATE, Class::Request, [3; 12]).finish(None);
    let mut answered = 0;
    for number in 0..5000 {
        let bytes = if number % 2 == 0 { &binding } else { &allocate };
        answered += usize::from(bed.answer(udp(number), bytes) != Answer::None);
    }
    assert_eq!((answered, bed.server.counters().unanswered), (1000, 4000));
    assert!(bed.last.len() <= 68, "{}", bed.last.len());
}

/// Forged datagrams can use up what is answered over UDP; whoever has opened a connection does not notice.
#[test]
fn a_flood_of_forged_datagrams_leaves_connections_alone() {
    let mut bed = Bed::new();
    let allocate = Writer::new(method::ALLOCATE, Class::Request, [3; 12]).finish(None);
    let from = |number: u32| SocketAddr::new(IpAddr::V4(number.into()), 5000);
    for number in 0..10_000 {
        bed.answer(Path::Udp { remote: from(number), local: OURS.parse().unwrap() }, &allocate);
    }
    let remote = from(20_000);
    assert_eq!(bed.answer(Path::Udp { remote, local: OURS.parse().unwrap() }, &allocate), Answer::None);
    let stream = Path::Stream { id: StreamId(1), remote };
    assert_eq!(bed.answer(stream, &allocate), Answer::Error(401));
    let binding = Writer::new(method::BINDING, Class::Request, [3; 12]).finish(None);
    for path in [stream, Path::Framed { remote, local: OURS.parse().unwrap() }] {
        assert_eq!(bed.answer(path, &binding), Answer::Success);
    }
}

#[test]
fn credentials_are_asked_for_and_checked() {
    let mut bed = Bed::new();
    let path = udp(5000);
    let nonce = bed.nonce(path);
    let good = request(USER, &nonce, method::ALLOCATE, [1; 12], &[FOR_UDP]);
    let unsigned = {
        let mut writer = Writer::new(method::ALLOCATE, Class::Request, [1; 12]);
        writer.attribute(FOR_UDP.0, FOR_UDP.1);
        writer.finish(None)
    };
    let without_nonce = {
        let mut writer = Writer::new(method::ALLOCATE, Class::Request, [1; 12]);
        writer.attribute(attribute::USERNAME, USER.as_bytes());
        writer.finish(Some(&credentials::key(&secret(), USER)))
    };
    let foreign = credentials::key(&Secret::new("south"), USER);
    let forged = {
        let mut writer = Writer::new(method::ALLOCATE, Class::Request, [1; 12]);
        writer.attribute(attribute::USERNAME, USER.as_bytes());
        writer.attribute(attribute::REALM, REALM.as_bytes());
        writer.attribute(attribute::NONCE, nonce.as_bytes());
        writer.finish(Some(&foreign))
    };
    let expired = request("1700000000:PA_anna", &nonce, method::ALLOCATE, [1; 12], &[FOR_UDP]);
    let nobody = request("anna", &nonce, method::ALLOCATE, [1; 12], &[FOR_UDP]);
    let of_another = request(USER, &bed.nonce(udp(5001)), method::ALLOCATE, [1; 12], &[FOR_UDP]);
    let invented = request(USER, "6553f100aaaaaaaaaaaaaaaa", method::ALLOCATE, [1; 12], &[FOR_UDP]);
    let cases = [
        ("no signature", &unsigned, 401),
        ("no nonce", &without_nonce, 400),
        ("another secret", &forged, 401),
        ("an expired user name", &expired, 401),
        ("a name that is none of ours", &nobody, 401),
        ("the nonce of another path", &of_another, 438),
        ("a nonce that we never made", &invented, 438),
    ];
    for (name, bytes, code) in cases {
        assert_eq!(bed.answer(path, bytes), Answer::Error(code), "{name}");
        let message = Message::parse(&bed.last).unwrap();
        let challenge = (message.text(attribute::REALM), message.text(attribute::NONCE));
        let expected = if code == 400 { (None, None) } else { (Some(REALM), Some(nonce.as_str())) };
        assert_eq!(challenge, expected, "{name}");
    }
    assert_eq!(bed.server.allocations(), 0);
    assert_eq!(bed.answer(path, &good), Answer::Success);
    assert!(Message::parse(&bed.last).unwrap().is_signed_with(&credentials::key(&secret(), USER)));
}

/// A call may last longer than the credentials it began with; its nonce is renewed meanwhile.
#[test]
fn an_allocation_outlives_its_user_name_and_its_nonce() {
    let mut bed = Bed::new();
    let path = udp(5000);
    bed.allocate(path);
    let old = bed.nonce(path);
    for _ in 0..10 {
        bed.pass(590);
        assert_eq!(bed.ask(path, method::REFRESH, &[]), Answer::Success);
    }
    let stale = request(USER, &old, method::REFRESH, [99; 12], &[]);
    assert_eq!(bed.answer(path, &stale), Answer::Error(438));
    assert_eq!(bed.ask(udp(5001), method::ALLOCATE, &[FOR_UDP]), Answer::Error(401), "it has expired by now");
    bed.pass(605);
    assert_eq!(bed.server.allocations(), 0, "nobody refreshed it");
    assert!(bed.server.networks.is_empty() && bed.server.users.is_empty() && bed.server.relayed.is_empty());
    assert_eq!(bed.server.poll_timeout(), None);
}

#[test]
fn allocations_are_given_as_they_are_asked_for() {
    type Case<'a> = (&'a str, &'a [(u16, &'a [u8])], Answer);
    let cases: [Case<'_>; 9] = [
        ("UDP", &[FOR_UDP], Answer::Success),
        ("nothing said of the transport", &[], Answer::Error(400)),
        ("TCP", &[(attribute::REQUESTED_TRANSPORT, &[6, 0, 0, 0])], Answer::Error(442)),
        ("IPv6", &[FOR_UDP, (attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])], Answer::Success),
        ("a family that is not", &[FOR_UDP, (attribute::REQUESTED_ADDRESS_FAMILY, &[3, 0, 0, 0])], Answer::Error(440)),
        ("a pair of ports", &[FOR_UDP, (attribute::EVEN_PORT, &[0x80])], Answer::Error(508)),
        ("no fragments", &[FOR_UDP, (attribute::DONT_FRAGMENT, &[])], Answer::Success),
        ("something unheard of", &[FOR_UDP, (0x7abc, &[1])], Answer::Error(420)),
        ("something that may be unheard of", &[FOR_UDP, (0xfabc, &[1])], Answer::Success),
    ];
    for (name, attributes, expected) in cases {
        let mut bed = Bed::new();
        assert_eq!(bed.ask(udp(5000), method::ALLOCATE, attributes), expected, "{name}");
        if expected == Answer::Success {
            let relayed = bed.told(attribute::XOR_RELAYED_ADDRESS);
            assert!(Server::is_relayed(relayed), "{name}: {relayed}");
            assert_eq!(relayed.is_ipv6(), name == "IPv6");
            assert_eq!(bed.told(attribute::XOR_MAPPED_ADDRESS), udp(5000).remote());
        }
    }
}

/// A browser never asks for a family, and can only use the one that it is told of media addresses in.
#[test]
fn who_does_not_say_gets_an_address_of_a_family_that_others_reach() {
    const LOOPBACK: &str = "127.0.0.1:7882";
    for (addresses, ipv4) in [
        (&[OURS_V6, OURS, LOOPBACK][..], true),
        (&[OURS, LOOPBACK], true),
        (&[OURS_V6, LOOPBACK], false),
        (&[OURS_V6], false),
        (&[LOOPBACK], true),
    ] {
        let relayed = Bed::on(addresses, Limits::default()).allocate(udp(5000));
        assert_eq!(relayed.is_ipv4(), ipv4, "{addresses:?}");
    }
}

#[test]
fn one_path_has_one_allocation() {
    let mut bed = Bed::new();
    let path = udp(5000);
    let first = request(USER, &bed.nonce(path), method::ALLOCATE, [77; 12], &[FOR_UDP]);
    assert_eq!(bed.answer(path, &first), Answer::Success);
    let relayed = bed.told(attribute::XOR_RELAYED_ADDRESS);
    assert_eq!(bed.answer(path, &first), Answer::Success, "the answer was lost");
    assert_eq!(bed.told(attribute::XOR_RELAYED_ADDRESS), relayed);
    assert_eq!(bed.ask(path, method::ALLOCATE, &[FOR_UDP]), Answer::Error(437));
    assert_eq!(bed.ask_as("1700003601:PA_anna", path, method::REFRESH, &[]), Answer::Error(441));
    assert_eq!(bed.ask(udp(5001), method::REFRESH, &[]), Answer::Error(437));
    assert_eq!(bed.ask(path, method::REFRESH, &[(attribute::LIFETIME, &[0; 4])]), Answer::Success);
    assert_eq!(bed.server.allocations(), 0);
    assert_ne!(bed.allocate(path), relayed, "an address does not come back soon");
}

#[test]
fn quotas_hold_for_users_networks_and_all() {
    let limits = |allocations, allocations_per_network, allocations_per_user| Limits {
        allocations,
        allocations_per_network,
        allocations_per_user,
        ..Limits::default()
    };
    let cases = [("user", limits(9, 9, 2), 486), ("network", limits(9, 2, 9), 486), ("all", limits(2, 9, 9), 508)];
    for (name, limits, code) in cases {
        let mut bed = Bed::with(limits);
        bed.allocate(udp(1));
        bed.allocate(udp(2));
        assert_eq!(bed.ask(udp(3), method::ALLOCATE, &[FOR_UDP]), Answer::Error(code), "{name}");
        // A later user name of the same participant counts with the first.
        let again = bed.ask_as("1700003700:PA_anna", udp(3), method::ALLOCATE, &[FOR_UDP]);
        assert_eq!(again, Answer::Error(code), "{name}");
        assert_eq!(bed.ask(udp(1), method::REFRESH, &[(attribute::LIFETIME, &[0; 4])]), Answer::Success);
        bed.allocate(udp(3));
    }
}

#[test]
fn only_our_media_port_is_reached() {
    let mut bed = Bed::new();
    let path = udp(5000);
    assert_eq!(bed.permit(path, OURS), Answer::Error(437), "without an allocation");
    let relayed = bed.allocate(path);
    let cases = [
        ("our address", OURS, Answer::Success),
        ("another port of it, which no data goes to", "203.0.113.9:22", Answer::Success),
        ("this machine", "127.0.0.1:7882", Answer::Error(403)),
        ("the network behind us", "10.0.0.1:7882", Answer::Error(403)),
        ("somebody", "198.51.100.1:7882", Answer::Error(403)),
        ("another family", OURS_V6, Answer::Error(443)),
    ];
    for (name, peer, expected) in cases {
        assert_eq!(bed.permit(path, peer), expected, "{name}");
    }
    assert_eq!(bed.ask(path, method::CREATE_PERMISSION, &[]), Answer::Error(400));
    let (from, to) = (relayed, OURS.parse().unwrap());
    assert_eq!(bed.send(path, OURS, b"hello"), Some((from, to, b"hello".to_vec())));
    assert_eq!(bed.send(path, "203.0.113.9:22", b"hello"), None);
    assert_eq!(bed.send(path, "198.51.100.1:7882", b"hello"), None);
    assert_eq!(bed.send(udp(5001), OURS, b"hello"), None, "another path has no allocation");
}

#[test]
fn data_comes_back_as_it_went() {
    let mut bed = Bed::new();
    let path = udp(5000);
    let (relayed, ours) = (bed.allocate(path), OURS.parse().unwrap());
    let wrap = |bed: &mut Bed| bed.server.wrap(bed.now, ours, relayed, b"hello".to_vec());
    assert_eq!(wrap(&mut bed), None, "the client has not permitted it");
    assert_eq!(bed.permit(path, OURS), Answer::Success);
    let output = wrap(&mut bed).unwrap();
    let message = Message::parse(&output.contents).unwrap();
    assert_eq!((output.path, message.method, message.class), (path, method::DATA, Class::Indication));
    assert_eq!(message.addresses(attribute::XOR_PEER_ADDRESS), Some(vec![ours]));
    assert_eq!(message.attribute(attribute::DATA), Some(&b"hello"[..]));
    assert_eq!(bed.bind(path, 0x4001, OURS), Answer::Success);
    assert_eq!(wrap(&mut bed).unwrap().contents, b"\x40\x01\x00\x05hello");
    assert_eq!(bed.send_channel(path, b"\x40\x01\x00\x05hello"), Some((ours, b"hello".to_vec())));
    assert_eq!(bed.send_channel(path, b"\x40\x01\x00\x05hello\0\0\0"), Some((ours, b"hello".to_vec())));
    assert_eq!(bed.send_channel(path, b"\x40\x01\x00\x06hello"), None, "cut short");
    assert_eq!(bed.send_channel(path, b"\x40\x02\x00\x05hello"), None, "a channel that is not bound");
    bed.pass(299);
    assert!(wrap(&mut bed).is_some());
    bed.pass(2);
    assert_eq!(wrap(&mut bed), None, "permissions last five minutes");
    assert_eq!(bed.server.wrap(bed.now, ours, SocketAddr::new(relayed.ip(), 1), vec![1]), None);
}

/// On a stream channel data is padded, or nobody could read on.
#[test]
fn a_stream_has_padding_and_an_end() {
    let mut bed = Bed::new();
    let (id, remote) = (StreamId(7), "192.0.2.7:60000".parse().unwrap());
    let path = Path::Stream { id, remote };
    let relayed = bed.allocate(path);
    assert_eq!(bed.bind(path, 0x4abc, OURS), Answer::Success);
    let output = bed.server.wrap(bed.now, OURS.parse().unwrap(), relayed, b"hello".to_vec()).unwrap();
    assert_eq!(output.contents, b"\x4a\xbc\x00\x05hello\0\0\0");
    assert!(bed.server.has_allocation(&path));
    bed.server.stream_closed(id, remote);
    assert!(!bed.server.has_allocation(&path));
}

#[test]
fn a_channel_stands_for_one_address() {
    let mut bed = Bed::new();
    let path = udp(5000);
    bed.allocate(path);
    let cases = [
        ("first", 0x4000, OURS, Answer::Success),
        ("again", 0x4000, OURS, Answer::Success),
        ("a second number", 0x4001, OURS, Answer::Error(400)),
        ("too low", 0x3fff, OURS, Answer::Error(400)),
        ("too high", 0x5000, OURS, Answer::Error(400)),
        ("another port", 0x4002, "203.0.113.9:22", Answer::Error(403)),
        ("somebody", 0x4002, "198.51.100.1:7882", Answer::Error(403)),
        ("another family", 0x4002, OURS_V6, Answer::Error(443)),
    ];
    for (name, number, peer, expected) in cases {
        assert_eq!(bed.bind(path, number, peer), expected, "{name}");
    }
    assert_eq!(bed.ask(path, method::CHANNEL_BIND, &[]), Answer::Error(400));
}

#[test]
fn a_client_sends_so_much_and_no_more() {
    let mut bed = Bed::with(Limits { bytes_per_second: 10_000, ..Limits::default() });
    let path = udp(5000);
    bed.allocate(path);
    assert_eq!(bed.permit(path, OURS), Answer::Success);
    let mut count = || (0..20).filter(|_| bed.send(path, OURS, &[0; 996]).is_some()).count();
    assert_eq!((count(), bed.server.counters().relay_dropped), (10, 10));
}

/// Without a secret there is no TURN, and no answer that says so.
#[test]
fn turn_can_be_off() {
    let mut bed = Bed::new();
    bed.server.config.secret = None;
    assert_eq!(bed.ask(udp(1), method::ALLOCATE, &[FOR_UDP]), Answer::None);
    let binding = Writer::new(method::BINDING, Class::Request, [3; 12]).finish(None);
    assert_eq!(bed.answer(udp(1), &binding), Answer::Success);
}

#[test]
fn ice_and_media_are_left_alone() {
    let mut named = Writer::new(method::BINDING, Class::Request, [3; 12]);
    named.attribute(attribute::USERNAME, b"ours:theirs");
    let answer = Writer::new(method::BINDING, Class::Success, [3; 12]).finish(None);
    let cases: [(&str, &[u8], bool); 6] = [
        ("a check of ICE", &named.finish(None), false),
        ("its answer", &answer, false),
        ("DTLS", &[22, 254, 253, 0], false),
        ("RTP", &[128, 96, 0, 1], false),
        ("nothing", &[], false),
        ("channel data", &[64, 0, 0, 0], true),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(is_for_us(bytes), expected, "{name}");
    }
}
