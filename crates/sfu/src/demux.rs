//! Which peer a datagram belongs to: by the STUN user name, else by the address it came from.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use crate::api::{Protocol, Route};

/// A remote address and how it is reached.
pub(crate) type Remote = (Protocol, SocketAddr);

/// Maps from ICE user names and remote addresses to peer indices.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    ufrags: HashMap<String, usize>,
    addresses: HashMap<Remote, usize>,
    /// What has changed, where somebody wants to know.
    routes: Option<VecDeque<Route>>,
}

impl Demux {
    pub(crate) fn tell_routes(&mut self) {
        self.routes.get_or_insert_default();
    }

    pub(crate) fn poll_route(&mut self) -> Option<Route> {
        self.routes.as_mut()?.pop_front()
    }

    fn tell(&mut self, route: impl FnOnce() -> Route) {
        if let Some(routes) = &mut self.routes {
            routes.push_back(route());
        }
    }

    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<usize> {
        self.ufrags.get(ufrag).copied()
    }

    pub(crate) fn by_address(&self, remote: &Remote) -> Option<usize> {
        self.addresses.get(remote).copied()
    }

    pub(crate) fn set_ufrag(&mut self, ufrag: String, peer: usize) {
        self.tell(|| Route::Name(ufrag.clone()));
        self.ufrags.insert(ufrag, peer);
    }

    pub(crate) fn remove_ufrag(&mut self, ufrag: &str) {
        self.ufrags.remove(ufrag);
        self.tell(|| Route::NameGone(ufrag.to_owned()));
    }

    /// An authenticated packet came from here: whoever had this address before has lost it.
    pub(crate) fn learn(&mut self, remote: Remote, peer: usize) {
        self.addresses.insert(remote, peer);
        self.tell(|| Route::Address(remote.0, remote.1));
    }

    /// We ask there whether the peer answers; an address that is somebody's stays theirs.
    pub(crate) fn expect(&mut self, remote: Remote, peer: usize) -> bool {
        if !self.addresses.contains_key(&remote) {
            self.tell(|| Route::Expected(remote.0, remote.1));
        }
        *self.addresses.entry(remote).or_insert(peer) == peer
    }

    pub(crate) fn forget(&mut self, remote: &Remote, peer: usize) {
        if self.by_address(remote) == Some(peer) {
            self.addresses.remove(remote);
            self.tell(|| Route::AddressGone(remote.0, remote.1));
        }
    }

    /// User names and addresses known.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.ufrags.len(), self.addresses.len())
    }
}

/// Whether a datagram is STUN (RFC 7983).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= 20 && datagram[0] < 2
}

/// The part of the USERNAME attribute that names us (RFC 8445 section 7.2.2), if there is one.
pub fn local_ufrag(stun: &[u8]) -> Option<&str> {
    const USERNAME: u16 = 0x0006;
    std::str::from_utf8(attribute(stun, USERNAME)?).ok()?.split(':').next()
}

/// Whether a message carries USE-CANDIDATE (RFC 8445 section 7.1.2): its sender wants media on this path.
pub(crate) fn uses_candidate(stun: &[u8]) -> bool {
    const USE_CANDIDATE: u16 = 0x0025;
    attribute(stun, USE_CANDIDATE).is_some()
}

/// The value of the first attribute of a kind (RFC 8489 section 14).
fn attribute(stun: &[u8], wanted: u16) -> Option<&[u8]> {
    const HEADER: usize = 20;
    let mut rest = stun.get(HEADER..)?;
    loop {
        let [type_high, type_low, length_high, length_low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let value = rest.get(4..4 + length)?;
        if u16::from_be_bytes([type_high, type_low]) == wanted {
            return Some(value);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([0; 12]);
        for (kind, value) in attributes {
            bytes.extend(kind.to_be_bytes());
            bytes.extend((value.len() as u16).to_be_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn the_first_half_of_the_user_name_is_ours() {
        assert_eq!(local_ufrag(&stun(&[(0x8022, b"abcde"), (6, b"ours:theirs")])), Some("ours"));
        assert_eq!(local_ufrag(&stun(&[(0x8022, b"abc")])), None);
        assert_eq!(local_ufrag(&stun(&[(6, &[0xff, 0xfe])])), None);
        let mut cut = stun(&[(6, b"ours:theirs")]);
        for length in (0..cut.len()).rev() {
            cut.truncate(length);
            let _ = local_ufrag(&cut);
        }
    }

    #[test]
    fn an_expected_address_does_not_displace_a_learned_one() {
        let mut demux = Demux::default();
        let remote = (Protocol::Udp, "192.0.2.1:5000".parse().unwrap());
        demux.learn(remote, 1);
        assert!(!demux.expect(remote, 2));
        demux.forget(&remote, 2);
        assert_eq!(demux.by_address(&remote), Some(1));
        demux.learn(remote, 2);
        assert_eq!(demux.by_address(&remote), Some(2));
    }
}
