//! Our own TURN addresses, as clients are told them.

use std::net::SocketAddr;

use kit::Secret;
use node::{Candidate, IceLogin, IceServer, Protocol};

use crate::config::RtcConfig;

/// How long credentials are good for a new allocation; one that exists goes on as long as its call. An ICE restart brings
/// new ones.
const CREDENTIAL_SECONDS: u64 = 3600;

/// Ours, then those of others. `secret` is what our TURN server derives passwords from.
///
/// Nothing on the UDP port is named, although STUN and TURN are answered there. Browsers (libwebrtc) have one UDP socket for
/// media and for the servers they are told: what comes from the address of such a server they take for its answer, so
/// that none of our media would reach them; and whoever reaches that port needs no relay.
pub(crate) fn all(rtc: &RtcConfig, candidates: &[Candidate], secret: &Secret) -> Vec<IceServer> {
    let tcp = best(candidates, Protocol::TcpPassive).map(|address| format!("turn:{address}?transport=tcp"));
    let tls = rtc.turn_tls.iter().map(|(name, port)| format!("turns:{name}:{port}?transport=tcp"));
    let urls: Vec<String> = tcp.chain(tls).collect();
    let login = IceLogin::Derived { secret: secret.clone(), seconds: CREDENTIAL_SECONDS };
    // Browsers refuse a server without an address, and the whole call with it.
    let own = (rtc.turn && !urls.is_empty()).then_some(IceServer { urls, login });
    own.into_iter().chain(rtc.ice_servers.iter().cloned()).collect()
}

/// The best address of each family: every address costs each client an allocation for each of its networks. This machine's
/// loopback counts where there is nothing else.
fn best(candidates: &[Candidate], protocol: Protocol) -> impl Iterator<Item = SocketAddr> {
    let here = candidates.iter().filter(|one| one.protocol == protocol).map(|one| one.advertised).collect::<Vec<_>>();
    let outside = |ipv4: bool| here.iter().find(|one| one.is_ipv4() == ipv4 && !one.ip().is_loopback()).copied();
    let found: Vec<_> = [outside(true), outside(false)].into_iter().flatten().collect();
    if found.is_empty() { here.into_iter().take(1).collect() } else { found }.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(addresses: &[&str]) -> Vec<Candidate> {
        let of = |protocol, port| {
            addresses.iter().map(move |ip| {
                let advertised = SocketAddr::new(ip.parse().unwrap(), port);
                Candidate { protocol, advertised, bound: advertised }
            })
        };
        of(Protocol::Udp, 7882).chain(of(Protocol::TcpPassive, 7881)).collect()
    }

    #[test]
    fn clients_are_told_our_own_addresses() {
        type Case<'a> = (&'a [&'a str], RtcConfig, &'a [&'a str]);
        let rtc = RtcConfig::default;
        let cases: [Case<'_>; 5] = [
            (&["203.0.113.9", "192.168.1.5", "127.0.0.1"], rtc(), &["turn:203.0.113.9:7881?transport=tcp"]),
            (
                &["2001:db8::9", "203.0.113.9"],
                RtcConfig { turn_tls: Some(("meet.example.org".into(), 443)), ..rtc() },
                &[
                    "turn:203.0.113.9:7881?transport=tcp",
                    "turn:[2001:db8::9]:7881?transport=tcp",
                    "turns:meet.example.org:443?transport=tcp",
                ],
            ),
            (&["127.0.0.1"], rtc(), &["turn:127.0.0.1:7881?transport=tcp"]),
            (&["203.0.113.9"], RtcConfig { turn: false, ..rtc() }, &[]),
            (&["203.0.113.9"], RtcConfig { ice_lite: false, ..rtc() }, &["turn:203.0.113.9:7881?transport=tcp"]),
        ];
        for (addresses, rtc, expected) in cases {
            let servers = all(&rtc, &candidates(addresses), &Secret::new("north"));
            let urls: Vec<String> = servers.into_iter().flat_map(|server| server.urls).collect();
            assert_eq!(urls, expected, "{addresses:?}");
        }
        let without_tcp: Vec<_> = candidates(&["203.0.113.9"]).drain(..1).collect();
        assert!(all(&rtc(), &without_tcp, &Secret::new("north")).is_empty());
    }
}
