//! Which addresses clients are told to send media to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kit::is_private;
use node::{Candidate, Protocol};

use crate::config::InterfaceFilter;

/// Addresses at most: each one costs every client connectivity checks.
const CANDIDATES_MAX: usize = 8;

/// The addresses told to clients, and how they were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// True where the settings named the addresses, false where the interfaces did.
    pub configured: bool,
}

impl Advertised {
    fn of(&self, protocol: Protocol) -> impl Iterator<Item = &Candidate> + Clone {
        self.candidates.iter().filter(move |candidate| candidate.protocol == protocol)
    }

    /// One line for the log: what clients are told, why, and what to do where that is wrong.
    pub fn explain(&self) -> String {
        let port = |protocol| {
            let candidate = self.of(protocol).next()?;
            let (advertised, bound) = (candidate.advertised.port(), candidate.bound.port());
            let aside = if advertised == bound { String::new() } else { format!(" (told as {advertised})") };
            Some(format!("{bound}{aside}"))
        };
        let udp = port(Protocol::Udp).unwrap_or_default();
        let tcp = port(Protocol::TcpPassive).map(|port| format!(", else on TCP port {port}")).unwrap_or_default();
        let list = self.of(Protocol::Udp).map(|candidate| candidate.advertised.ip().to_string());
        let list = list.collect::<Vec<_>>().join(", ");
        let why = if self.configured {
            "from RTC_NODE_IP"
        } else {
            "found on this machine's interfaces; where clients reach it by another address, set RTC_NODE_IP"
        };
        let here = self.of(Protocol::Udp).all(|candidate| candidate.advertised.ip().is_loopback());
        let here = if here { "; that is this machine alone, nobody else gets sound or video" } else { "" };
        format!("media on UDP port {udp}{tcp}; clients are told to use {list} ({why}{here})")
    }

    /// The bound address for a datagram that arrived for `destination`: one of the candidates, so that the node knows it.
    pub(crate) fn bound(
        &self,
        protocol: Protocol,
        destination: Option<IpAddr>,
        remote: SocketAddr,
    ) -> Option<SocketAddr> {
        let exact = |ip| self.of(protocol).find(|candidate| candidate.bound.ip() == ip);
        let family = || self.of(protocol).find(|candidate| candidate.bound.is_ipv4() == remote.is_ipv4());
        destination.and_then(exact).or_else(family).map(|candidate| candidate.bound)
    }
}

/// An address of this machine and the interface that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) interface: String,
    pub(crate) ip: IpAddr,
}

/// Reads the interfaces that `filter` lets through. An error leaves loopback only: a machine without network can still hold a meeting with itself.
pub(crate) fn interfaces(filter: &InterfaceFilter) -> Vec<Local> {
    match if_addrs::get_if_addrs() {
        Ok(found) => {
            let all = found.into_iter().map(|one| Local { ip: one.ip(), interface: one.name });
            all.filter(|local| passes(filter, local)).collect()
        }
        Err(error) => {
            tracing::warn!(%error, "cannot list the network interfaces; only this machine can connect");
            Vec::new()
        }
    }
}

/// Whether clients may be told of an address. Loopback is not filtered: it is told or not by a setting of its own.
fn passes(filter: &InterfaceFilter, local: &Local) -> bool {
    let named = |names: &[String]| names.contains(&local.interface);
    let within = |networks: &[(IpAddr, u8)]| networks.iter().any(|network| contains(*network, local.ip));
    let interface = if filter.only.is_empty() { !named(&filter.except) } else { named(&filter.only) };
    let ip = if filter.only_ips.is_empty() { !within(&filter.except_ips) } else { within(&filter.only_ips) };
    local.ip.is_loopback() || (interface && ip)
}

fn contains((network, bits): (IpAddr, u8), ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let shift = 32_u32.saturating_sub(bits.into());
            network.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let shift = 128_u32.saturating_sub(bits.into());
            network.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

/// Addresses by which other machines may reach this one, the most public first.
pub fn reachable_addresses() -> Vec<IpAddr> {
    let locals = interfaces(&InterfaceFilter::default());
    reachable(&locals, true).into_iter().map(|local| local.ip).collect()
}

/// A port that media arrives at, and the one that clients are told, which differs behind a port forwarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) bound: u16,
    pub(crate) advertised: u16,
}

/// Ports that media arrives at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) udp: Port,
    /// `None` = no ICE-TCP.
    pub(crate) tcp: Option<Port>,
}

/// Chooses what to advertise. `node_ips` from the settings win; `ipv6` says whether the socket speaks it.
pub(crate) fn advertise(locals: &[Local], node_ips: &[IpAddr], loopback: bool, ipv6: bool, ports: Ports) -> Advertised {
    let reachable = reachable(locals, ipv6);
    let mut pairs: Vec<(IpAddr, IpAddr)> = Vec::new();
    if node_ips.is_empty() {
        pairs.extend(reachable.iter().map(|local| (local.ip, local.ip)));
    } else {
        pairs.extend(node_ips.iter().map(|ip| (*ip, bound_for(*ip, locals, &reachable))));
    }
    pairs.truncate(CANDIDATES_MAX);
    // Loopback is last, and only clients on this machine are told of it.
    if loopback || pairs.is_empty() {
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        if !pairs.iter().any(|(advertised, _)| *advertised == v4) {
            pairs.push((v4, v4));
        }
    }
    let with = |protocol, port: Port| {
        pairs.iter().map(move |(advertised, bound)| Candidate {
            protocol,
            advertised: SocketAddr::new(*advertised, port.advertised),
            bound: SocketAddr::new(*bound, port.bound),
        })
    };
    let tcp = ports.tcp.into_iter().flat_map(|port| with(Protocol::TcpPassive, port));
    Advertised { candidates: with(Protocol::Udp, ports.udp).chain(tcp).collect(), configured: !node_ips.is_empty() }
}

/// What others may reach, best first.
fn reachable(locals: &[Local], ipv6: bool) -> Vec<&Local> {
    let mut found: Vec<&Local> =
        locals.iter().filter(|local| is_reachable(local) && (ipv6 || local.ip.is_ipv4())).collect();
    found.sort_by_key(|local| rank(local.ip));
    found
}

/// The address that datagrams for a configured one arrive at: itself, or behind a one-to-one NAT the best of its family.
fn bound_for(advertised: IpAddr, locals: &[Local], reachable: &[&Local]) -> IpAddr {
    if locals.iter().any(|local| local.ip == advertised) {
        return advertised;
    }
    let family = reachable.iter().find(|local| local.ip.is_ipv4() == advertised.is_ipv4());
    let nowhere = if advertised.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
    family.map_or(nowhere, |local| local.ip)
}

/// Container bridges and link-local addresses are of no use to anybody outside.
fn is_reachable(local: &Local) -> bool {
    const BRIDGES: [&str; 5] = ["docker", "br-", "veth", "virbr", "cni"];
    let link_local = match local.ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !link_local
        && !local.ip.is_loopback()
        && !local.ip.is_unspecified()
        && !BRIDGES.iter().any(|bridge| local.interface.starts_with(bridge))
}

/// An IPv4 address that an IPv6 socket shows as mapped, in its own form.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::from((v4, v6.port())),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

/// Smaller is better: public before private, IPv4 before IPv6, those of a VPN (RFC 6598) last.
fn rank(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) if !is_private(ip) => 0,
        IpAddr::V6(_) if !is_private(ip) => 1,
        IpAddr::V4(v4) if v4.is_private() => 2,
        IpAddr::V6(_) => 3,
        IpAddr::V4(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(interface: &str, ip: &str) -> Local {
        Local { interface: interface.into(), ip: ip.parse().unwrap() }
    }

    fn machine() -> Vec<Local> {
        vec![
            local("lo", "127.0.0.1"),
            local("eth0", "192.168.1.5"),
            local("eth0", "fe80::1"),
            local("eth0", "2001:db8::5"),
            local("docker0", "172.17.0.1"),
        ]
    }

    const UDP: Ports = Ports { udp: Port { bound: 7882, advertised: 7882 }, tcp: None };

    fn told(advertised: &Advertised) -> Vec<(String, String)> {
        let pair = |one: &Candidate| (one.advertised.ip().to_string(), one.bound.ip().to_string());
        advertised.candidates.iter().map(pair).collect()
    }

    #[test]
    fn settings_win_over_interfaces_and_loopback_is_last() {
        type Case<'a> = (&'a [&'a str], bool, bool, &'a [(&'a str, &'a str)]);
        let cases: [Case<'_>; 6] = [
            (
                &[],
                true,
                true,
                &[("2001:db8::5", "2001:db8::5"), ("192.168.1.5", "192.168.1.5"), ("127.0.0.1", "127.0.0.1")],
            ),
            (&[], false, false, &[("192.168.1.5", "192.168.1.5")]),
            // Who is on this machine comes in although the address outside was set.
            (&["203.0.113.9"], true, true, &[("203.0.113.9", "192.168.1.5"), ("127.0.0.1", "127.0.0.1")]),
            (
                &["203.0.113.9", "2001:db8::9"],
                false,
                true,
                &[("203.0.113.9", "192.168.1.5"), ("2001:db8::9", "2001:db8::5")],
            ),
            (&["172.17.0.1"], true, true, &[("172.17.0.1", "172.17.0.1"), ("127.0.0.1", "127.0.0.1")]),
            (&["127.0.0.1"], true, true, &[("127.0.0.1", "127.0.0.1")]),
        ];
        for (node_ips, loopback, ipv6, expected) in cases {
            let node_ips: Vec<IpAddr> = node_ips.iter().map(|ip| ip.parse().unwrap()).collect();
            let advertised = advertise(&machine(), &node_ips, loopback, ipv6, UDP);
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!(told(&advertised), expected, "{node_ips:?} {loopback:?} {ipv6}");
        }
    }

    /// Everybody in the house reaches 192.168.1.5, and only who is in the same VPN the address of that.
    #[test]
    fn an_address_of_a_vpn_is_no_public_one() {
        let machine =
            [local("tailscale0", "100.101.102.103"), local("wlan0", "192.168.1.5"), local("wlan0", "fd00::5")];
        let order = |locals: &[Local]| {
            let advertised = advertise(locals, &[], false, true, UDP);
            told(&advertised).into_iter().map(|(ip, _)| ip).collect::<Vec<_>>()
        };
        assert_eq!(order(&machine), ["192.168.1.5", "fd00::5", "100.101.102.103"]);
        assert_eq!(order(&[machine[0].clone(), local("eth0", "203.0.113.9")])[0], "203.0.113.9");
    }

    #[test]
    fn interfaces_are_filtered_by_name_and_address() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let networks =
            |list: &[(&str, u8)]| list.iter().map(|(ip, bits)| (ip.parse().unwrap(), *bits)).collect::<Vec<_>>();
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [(&'a str, u8)], &'a [(&'a str, u8)], &'a [&'a str]);
        let cases: [Case<'_>; 7] = [
            (&[], &[], &[], &[], &["127.0.0.1", "192.168.1.5", "fe80::1", "2001:db8::5", "172.17.0.1"]),
            (&["docker0"], &[], &[], &[], &["127.0.0.1", "172.17.0.1"]),
            (&[], &["eth0"], &[], &[], &["127.0.0.1", "172.17.0.1"]),
            (&["eth0"], &["eth0"], &[], &[], &["127.0.0.1", "192.168.1.5", "fe80::1", "2001:db8::5"]),
            (&[], &[], &[("192.168.0.0", 16)], &[], &["127.0.0.1", "192.168.1.5"]),
            (&[], &[], &[], &[("2000::", 3), ("172.17.0.1", 32)], &["127.0.0.1", "192.168.1.5", "fe80::1"]),
            (&[], &[], &[("0.0.0.0", 0)], &[], &["127.0.0.1", "192.168.1.5", "172.17.0.1"]),
        ];
        for (only, except, only_ips, except_ips, expected) in cases {
            let filter = InterfaceFilter {
                only: names(only),
                except: names(except),
                only_ips: networks(only_ips),
                except_ips: networks(except_ips),
            };
            let left = machine().into_iter().filter(|local| passes(&filter, local));
            let left: Vec<_> = left.map(|local| local.ip.to_string()).collect();
            assert_eq!(left, expected, "{filter:?}");
        }
    }

    #[test]
    fn a_machine_without_network_still_has_loopback() {
        let advertised = advertise(&[], &[], false, true, UDP);
        assert_eq!(told(&advertised), [("127.0.0.1".to_owned(), "127.0.0.1".to_owned())]);
    }

    #[test]
    fn a_datagram_belongs_to_the_candidate_it_arrived_at() {
        let advertised = advertise(&machine(), &[], true, true, UDP);
        let bound = |destination: Option<&str>, remote: &str| {
            let destination = destination.map(|ip| ip.parse().unwrap());
            advertised.bound(Protocol::Udp, destination, remote.parse().unwrap()).map(|bound| bound.to_string())
        };
        assert_eq!(bound(Some("127.0.0.1"), "127.0.0.1:5").as_deref(), Some("127.0.0.1:7882"));
        assert_eq!(bound(Some("172.17.0.1"), "172.17.0.2:5").as_deref(), Some("192.168.1.5:7882"));
        assert_eq!(bound(None, "[2001:db8::77]:5").as_deref(), Some("[2001:db8::5]:7882"));
    }

    #[test]
    fn ports_are_told_apart_from_bound_ones() {
        let ports =
            Ports { udp: Port { bound: 7882, advertised: 40_000 }, tcp: Some(Port { bound: 7881, advertised: 443 }) };
        let advertised = advertise(&machine(), &["203.0.113.9".parse().unwrap()], false, true, ports);
        let pair = |one: &Candidate| (one.protocol, one.advertised.to_string(), one.bound.to_string());
        assert_eq!(
            advertised.candidates.iter().map(pair).collect::<Vec<_>>(),
            [
                (Protocol::Udp, "203.0.113.9:40000".to_owned(), "192.168.1.5:7882".to_owned()),
                (Protocol::TcpPassive, "203.0.113.9:443".to_owned(), "192.168.1.5:7881".to_owned()),
            ]
        );
        let line = advertised.explain();
        assert!(line.contains("UDP port 7882 (told as 40000), else on TCP port 7881 (told as 443)"), "{line}");
    }

    #[test]
    fn the_log_line_says_who_is_left_out() {
        let line = |node_ip: &str| advertise(&machine(), &[node_ip.parse().unwrap()], false, true, UDP).explain();
        assert!(line("127.0.0.1").contains("this machine alone"));
        assert!(!line("192.168.1.5").contains("this machine alone"));
    }

    #[test]
    fn the_log_line_names_the_fix() {
        let line = advertise(&machine(), &[], true, false, UDP).explain();
        assert!(
            line.contains("UDP port 7882") && line.contains("192.168.1.5") && line.contains("RTC_NODE_IP"),
            "{line}"
        );
    }
}
