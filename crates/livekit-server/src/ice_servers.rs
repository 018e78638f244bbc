//! Our own STUN and TURN addresses, as clients are told them.

use std::net::SocketAddr;

use kit::Secret;
use node::{Candidate, IceLogin, IceServer, Protocol};

use crate::config::RtcConfig;

/// How long credentials are good for a new allocation; one that exists goes on as long as its call. An ICE restart brings
/// new ones.
const CREDENTIAL_SECONDS: u64 = 3600;

/// Ours, then those of others. `secret` is what our TURN server derives passwords from.
pub(crate) fn all(rtc: &RtcConfig, candidates: &[Candidate], secret: &Secret) -> Vec<IceServer> {
    let of = |protocol| best(candidates, protocol);
    let mut servers = Vec::new();
    // Whoever looks for its own mapped address does so for a server that checks it: an ICE-lite one does not.
    if !rtc.ice_lite {
        let urls = of(Protocol::Udp).map(|address| format!("stun:{address}")).collect();
        servers.push(IceServer { urls, login: IceLogin::Open });
    }
    if rtc.turn {
        let udp = of(Protocol::Udp).map(|address| format!("turn:{address}?transport=udp"));
        let tcp = of(Protocol::TcpPassive).map(|address| format!("turn:{address}?transport=tcp"));
        let tls = rtc.turn_tls.iter().map(|(name, port)| format!("turns:{name}:{port}?transport=tcp"));
        let login = IceLogin::Derived { secret: secret.clone(), seconds: CREDENTIAL_SECONDS };
        servers.push(IceServer { urls: udp.chain(tcp).chain(tls).collect(), login });
    }
    servers.extend(rtc.ice_servers.iter().cloned());
    servers
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
            (
                &["203.0.113.9", "192.168.1.5", "127.0.0.1"],
                rtc(),
                &["turn:203.0.113.9:7882?transport=udp", "turn:203.0.113.9:7881?transport=tcp"],
            ),
            (
                &["2001:db8::9", "203.0.113.9"],
                RtcConfig { turn_tls: Some(("meet.example.org".into(), 443)), ..rtc() },
                &[
                    "turn:203.0.113.9:7882?transport=udp",
                    "turn:[2001:db8::9]:7882?transport=udp",
                    "turn:203.0.113.9:7881?transport=tcp",
                    "turn:[2001:db8::9]:7881?transport=tcp",
                    "turns:meet.example.org:443?transport=tcp",
                ],
            ),
            (&["127.0.0.1"], rtc(), &["turn:127.0.0.1:7882?transport=udp", "turn:127.0.0.1:7881?transport=tcp"]),
            (&["203.0.113.9"], RtcConfig { turn: false, ..rtc() }, &[]),
            (
                &["203.0.113.9", "127.0.0.1"],
                RtcConfig { turn: false, ice_lite: false, ..rtc() },
                &["stun:203.0.113.9:7882"],
            ),
        ];
        for (addresses, rtc, expected) in cases {
            let servers = all(&rtc, &candidates(addresses), &Secret::new("north"));
            let urls: Vec<String> = servers.into_iter().flat_map(|server| server.urls).collect();
            assert_eq!(urls, expected, "{addresses:?}");
        }
    }
}
