//! Who the client behind a connection is.

use std::net::IpAddr;

use crate::config::parse;

/// Proxies whose word about the client counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Cidr>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cidr {
    /// The address as IPv6, IPv4 mapped.
    bits: u128,
    /// Leading bits that count, of 128.
    length: u32,
}

impl TrustedProxies {
    /// Addresses and networks with commas; `loopback` and `private` stand for those ranges.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = parse::list(text, |entry| match entry {
            "loopback" => cidrs(&["127.0.0.0/8", "::1"]),
            "private" => {
                cidrs(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10"])
            }
            other => cidrs(&[other]),
        })?;
        Ok(Self(parsed.into_iter().flatten().collect()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = mapped(address);
        self.0.iter().any(|cidr| bits ^ cidr.bits <= mask(cidr.length))
    }

    /// The client behind a connection from `peer`: the last address of `X-Forwarded-For` that is no trusted proxy, if the
    /// peer itself is one. Texts that are no address end the search, because what stands before them proves nothing.
    pub fn client(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        for hop in forwarded_for.unwrap_or_default().rsplit(',').take(20) {
            let Some(address) = hop_address(hop.trim()) else {
                break;
            };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

/// `heydok media`, where no request context is at hand.
impl livekit_server::Proxies for TrustedProxies {
    fn is_proxy(&self, address: IpAddr) -> bool {
        self.contains(address)
    }

    fn client(&self, peer: IpAddr, headers: &http::HeaderMap) -> IpAddr {
        let hops = crate::http::context::all_values(headers, "x-forwarded-for");
        Self::client(self, peer.to_canonical(), hops.as_deref())
    }
}

/// The host bits under a prefix of `length`.
fn mask(length: u32) -> u128 {
    u128::MAX.checked_shr(length).unwrap_or(0)
}

fn mapped(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn cidrs(entries: &[&str]) -> Result<Vec<Cidr>, String> {
    entries.iter().map(|entry| cidr(entry)).collect()
}

fn cidr(entry: &str) -> Result<Cidr, String> {
    let wrong = || format!("`{entry}` is no address or network; write for example 10.0.0.2 or 10.0.0.0/8");
    let (address, length) = entry.split_once('/').map_or((entry, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let (offset, most) = if address.is_ipv4() { (96, 32) } else { (0, 128) };
    let length = match length {
        Some(length) => parse::number(length, 0, most).map_err(|_| wrong())?,
        None => most,
    };
    let length = offset + length;
    Ok(Cidr { bits: mapped(address) & !mask(length), length })
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    bare.parse()
        .or_else(|_| hop.parse::<std::net::SocketAddr>().map(|address| address.ip()))
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_contain_their_addresses() {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 192.0.2.7, 2001:db8::/32").unwrap();
        for inside in ["10.255.0.1", "192.0.2.7", "2001:db8:ffff::1", "::ffff:10.0.0.1"] {
            assert!(proxies.contains(ip(inside)), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1"] {
            assert!(!proxies.contains(ip(outside)), "{outside}");
        }
        assert!(TrustedProxies::parse("0.0.0.0/0").unwrap().contains(ip("203.0.113.9")));
        assert!(!TrustedProxies::parse("0.0.0.0/0").unwrap().contains(ip("2001:db8::1")));
        for wrong in ["10.0.0.0/33", "host", "10.0.0.0/x", "::/129"] {
            assert!(TrustedProxies::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_names_the_client() {
        let check = |trusted: &str, peer: &str, header: Option<&str>, expected: &str| {
            let proxies = TrustedProxies::parse(trusted).unwrap();
            assert_eq!(proxies.client(ip(peer), header), ip(expected), "{trusted} {peer} {header:?}");
        };
        check("", "203.0.113.1", Some("1.1.1.1"), "203.0.113.1");
        check("loopback", "127.0.0.1", None, "127.0.0.1");
        check("loopback", "::ffff:127.0.0.1", Some("203.0.113.1"), "203.0.113.1");
        check("loopback", "127.0.0.1", Some("6.6.6.6, 203.0.113.1"), "203.0.113.1");
        check("loopback,private", "127.0.0.1", Some("203.0.113.1, 10.0.0.3"), "203.0.113.1");
        check("loopback", "127.0.0.1", Some("203.0.113.1:4711"), "203.0.113.1");
        check("loopback", "127.0.0.1", Some("[2001:db8::1]:4711"), "2001:db8::1");
        check("loopback,private", "127.0.0.1", Some("6.6.6.6, unknown, 10.0.0.3"), "10.0.0.3");
    }
}
