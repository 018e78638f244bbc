//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use kit::Secret;

use crate::api::{Config, Limits, Path, is_for_us};
use crate::credentials;
use crate::message::{Class, Writer, attribute, method};
use crate::server::Server;

const OURS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 7882);
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 5000);
const UNIX_MS: u64 = 1_700_000_000_000;
const USER: &str = "1700003600:fuzz";

/// Messages of a client that has an allocation and a channel, with and without its signature: data goes to us alone.
///
/// # Panics
///
/// If it goes elsewhere, or an answer is not one.
pub fn messages(now: Instant, bytes: &[u8]) {
    let secret = Secret::new("north");
    let config = Config { secret: Some(secret.clone()), peers: vec![OURS], limits: Limits::default() };
    let mut server = Server::new(config, now, UNIX_MS);
    let path = Path::Udp { remote: CLIENT, local: OURS };
    let nonce = credentials::nonce(&secret, &path.to_string(), UNIX_MS / 1000);
    let key = credentials::key(&secret, USER);
    let sign = |mut writer: Writer| {
        writer.attribute(attribute::USERNAME, USER.as_bytes());
        writer.attribute(attribute::REALM, credentials::REALM.as_bytes());
        writer.attribute(attribute::NONCE, nonce.as_bytes());
        writer.finish(Some(&key))
    };
    let mut allocate = Writer::new(method::ALLOCATE, Class::Request, [1; 12]);
    allocate.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    let mut bind = Writer::new(method::CHANNEL_BIND, Class::Request, [2; 12]);
    bind.attribute(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0]);
    bind.address(attribute::XOR_PEER_ADDRESS, OURS);
    let mut messages = vec![sign(allocate), sign(bind), bytes.to_vec()];
    // The same attributes under a good signature.
    let kind = crate::message::kind(bytes).map_or(method::REFRESH, |(method, _)| method);
    let mut signed = Writer::new(kind, Class::Request, [3; 12]);
    let mut rest = bytes.get(20..).unwrap_or_default();
    while let [kind_high, kind_low, length, value @ ..] = rest {
        let (value, left) = value.split_at(usize::from(*length).min(value.len()));
        signed.attribute(u16::from_be_bytes([*kind_high & 0x80, *kind_low]), value);
        rest = left;
    }
    messages.push(sign(signed));
    for message in messages.iter().filter(|message| is_for_us(message)) {
        if let Some(relayed) = server.receive(now, path, message) {
            assert_eq!(relayed.to, OURS, "somebody else was reached");
        }
        while let Some(output) = server.poll_output() {
            assert_eq!(output.path, path);
            assert!(output.contents.len() <= 256, "{} bytes", output.contents.len());
        }
    }
    assert!(server.allocations() <= 1);
}
