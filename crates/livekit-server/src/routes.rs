//! Which media thread a datagram is for, where several share the port: by the ICE user name that STUN asks for, else by the
//! address that it comes from. The threads tell what is theirs; nothing is learned from what nobody has authenticated.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use node::{Datagram, Protocol, Route};

/// What the threads have told and the receiver has not taken yet. It does so in each of its turns, which are a second apart
/// at most; until then this is as large as what their peers change.
#[derive(Debug, Default)]
pub(crate) struct RouteLog(Mutex<Vec<(usize, Route)>>);

impl RouteLog {
    pub(crate) fn tell(&self, thread: usize, route: Route) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((thread, route));
    }
}

/// The receiver's table.
#[derive(Debug)]
pub(crate) struct Routes {
    log: Arc<RouteLog>,
    names: HashMap<String, usize>,
    addresses: HashMap<(Protocol, SocketAddr), usize>,
}

impl Routes {
    pub(crate) fn new(log: Arc<RouteLog>) -> Self {
        Self { log, names: HashMap::new(), addresses: HashMap::new() }
    }

    /// Takes what the threads have told.
    pub(crate) fn update(&mut self) {
        let told = std::mem::take(&mut *self.log.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (thread, route) in told {
            match route {
                Route::Name(name) => _ = self.names.insert(name, thread),
                Route::NameGone(name) => _ = self.names.remove(&name),
                Route::Address(protocol, remote) => _ = self.addresses.insert((protocol, remote), thread),
                // A candidate that a client made up must not take another's packets away.
                Route::Expected(protocol, remote) => _ = self.addresses.entry((protocol, remote)).or_insert(thread),
                Route::AddressGone(protocol, remote) => {
                    if self.addresses.get(&(protocol, remote)) == Some(&thread) {
                        self.addresses.remove(&(protocol, remote));
                    }
                }
            }
        }
    }

    /// The thread that a datagram is for; `None`: nobody knows it.
    pub(crate) fn find(&mut self, datagram: &Datagram<'_>) -> Option<usize> {
        self.known(datagram).or_else(|| {
            // It may have been told after the last look and before this datagram came.
            self.update();
            self.known(datagram)
        })
    }

    fn known(&self, datagram: &Datagram<'_>) -> Option<usize> {
        let named = node::is_stun(datagram.contents).then(|| node::local_ufrag(datagram.contents)).flatten();
        let by_name = named.and_then(|name| self.names.get(name));
        by_name.or_else(|| self.addresses.get(&(datagram.protocol, datagram.remote))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: &[u8] = &[128; 40];

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn datagram(port: u16, contents: &[u8]) -> Datagram<'_> {
        Datagram { protocol: Protocol::Udp, remote: address(port), local: address(7882), contents }
    }

    /// A Binding request to `name`, of four letters.
    fn stun(name: &str) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 16, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([0; 12]);
        bytes.extend([0, 6, 0, 9]);
        bytes.extend(format!("{name}:them\0\0\0").into_bytes());
        bytes
    }

    #[test]
    fn a_datagram_goes_to_the_thread_that_named_it() {
        let log = Arc::new(RouteLog::default());
        let mut routes = Routes::new(Arc::clone(&log));
        let udp = Protocol::Udp;
        let (to_ours, to_other) = (stun("ours"), stun("else"));
        assert_eq!(routes.find(&datagram(1, &to_ours)), None, "nobody has told anything");
        log.tell(2, Route::Name("ours".into()));
        log.tell(1, Route::Name("else".into()));
        assert_eq!(routes.find(&datagram(1, &to_ours)), Some(2), "told since the last look");
        assert_eq!(routes.find(&datagram(1, MEDIA)), None, "asking is not enough to have an address");
        log.tell(2, Route::Address(udp, address(1)));
        assert_eq!(routes.find(&datagram(1, MEDIA)), Some(2));
        assert_eq!(routes.find(&datagram(1, &to_other)), Some(1), "the name says more than the address");
        // Whoever makes up that he is there gets nothing; whoever shows it does, and keeps it.
        log.tell(0, Route::Expected(udp, address(1)));
        log.tell(0, Route::Expected(udp, address(3)));
        routes.update();
        assert_eq!((routes.find(&datagram(1, MEDIA)), routes.find(&datagram(3, MEDIA))), (Some(2), Some(0)));
        log.tell(1, Route::Address(udp, address(1)));
        log.tell(2, Route::AddressGone(udp, address(1)));
        log.tell(0, Route::AddressGone(udp, address(3)));
        log.tell(2, Route::NameGone("ours".into()));
        routes.update();
        assert_eq!((routes.find(&datagram(1, MEDIA)), routes.find(&datagram(3, MEDIA))), (Some(1), None));
        assert_eq!(routes.find(&datagram(7, &to_ours)), None);
        log.tell(1, Route::AddressGone(udp, address(1)));
        log.tell(1, Route::NameGone("else".into()));
        routes.update();
        assert!(routes.names.is_empty() && routes.addresses.is_empty(), "nothing is left of nobody");
    }
}
