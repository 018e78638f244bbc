//! How much one client network may have open at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kit::Network;

/// Counts open things by client network.
///
/// Its memory is bounded by what is open.
pub struct Crowd {
    max: usize,
    exempt: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    open: Mutex<HashMap<Network, usize>>,
}

/// One open thing; dropping it makes room.
#[derive(Debug)]
pub struct Place {
    /// `None` for those who are not counted.
    counted: Option<(Arc<Crowd>, Network)>,
}

impl Crowd {
    /// At most `max` for each network; those for whom `exempt` is true are not counted (proxies, this machine).
    pub fn new(max: usize, exempt: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { max, exempt: Box::new(exempt), open: Mutex::default() })
    }

    /// A place for one more of this address; `None` where its network has too many.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        if (self.exempt)(address) {
            return Some(Place { counted: None });
        }
        let network = Network::of(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { counted: Some((Arc::clone(self), network)) })
    }
}

#[cfg(test)]
impl Crowd {
    /// Whether nothing is remembered of anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.lock().unwrap().is_empty()
    }
}

impl std::fmt::Debug for Crowd {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Crowd").field("max", &self.max).finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((crowd, network)) = &self.counted else { return };
        let mut open = crowd.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                open.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_its_share_and_no_more() {
        let crowd = Crowd::new(2, |address| address.is_loopback());
        let first = crowd.enter(ip("192.0.2.1")).unwrap();
        let second = crowd.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert!(crowd.enter(ip("192.0.2.1")).is_none(), "however its address is written");
        let other = crowd.enter(ip("192.0.2.2")).unwrap();
        drop(second);
        let third = crowd.enter(ip("192.0.2.1")).unwrap();
        let here: Vec<_> = (0..9).map(|_| crowd.enter(ip("127.0.0.1")).unwrap()).collect();
        drop((first, third, other, here));
        assert!(crowd.is_empty(), "nothing is remembered of who has gone");
    }

    #[test]
    fn a_household_is_one_network() {
        let crowd = Crowd::new(1, |_| false);
        let _first = crowd.enter(ip("2001:db8:1:2::3")).unwrap();
        assert!(crowd.enter(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(crowd.enter(ip("2001:db8:1:3::3")).is_some());
    }
}
