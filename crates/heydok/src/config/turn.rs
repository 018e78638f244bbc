//! How browsers reach the media where the plain way is closed: our own TURN server, and those of others.

use std::time::Duration;

use kit::Secret;
use livekit_server::{IceLogin, IceServer, InterfaceFilter, RtcConfig};

use super::source::Values;
use super::{Problem, parse, reader::Reader, variable as v};

/// What is set about it.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Whether the embedded server relays.
    own_server: bool,
    /// Name and port at which a proxy ends TLS before it.
    domain: Option<(String, u16)>,
    /// Connections of one network to the TCP port.
    per_network: usize,
    interfaces: InterfaceFilter,
    urls: Vec<String>,
    user_name: Option<String>,
    credential: Option<Secret>,
    secret: Option<Secret>,
    ttl: Duration,
}

impl Reach {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let ttl = |text: &str| match parse::duration(text)? {
            ttl if ttl.as_secs() > 0 && ttl <= Duration::from_secs(86_400) => Ok(ttl),
            _ => Err("write a duration up to 24h".to_owned()),
        };
        Self {
            own_server: reader.value(&v::TURN_SERVER, parse::switch),
            domain: reader.optional(&v::TURN_DOMAIN, domain),
            per_network: reader.value(&v::RTC_TCP_PER_NETWORK, |text| parse::number(text, 1, 4096)) as usize,
            interfaces: reader.value(&v::RTC_INTERFACES, interfaces),
            urls: reader.value(&v::TURN_URLS, |text| parse::list(text, url)),
            user_name: reader.text(&v::TURN_USERNAME),
            credential: reader.text(&v::TURN_CREDENTIAL).map(Secret::new),
            secret: reader.text(&v::TURN_SECRET).map(Secret::new),
            ttl: reader.value(&v::TURN_TTL, ttl),
        }
    }

    /// What does not go together.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let sentence = match (&self.secret, &self.user_name, &self.credential) {
            (Some(_), None, None) | (None, Some(_), Some(_)) | (None, None, None) => None,
            (Some(_), _, _) => Some("TURN_SECRET makes user names itself; remove TURN_USERNAME and TURN_CREDENTIAL"),
            _ => Some("TURN_USERNAME and TURN_CREDENTIAL belong together; one of them is missing"),
        };
        let wants_login = self.urls.iter().any(|url| !url.starts_with("stun"));
        let without = wants_login && self.secret.is_none() && self.user_name.is_none() && self.credential.is_none();
        let without = without.then_some("TURN_URLS needs TURN_SECRET, or TURN_USERNAME and TURN_CREDENTIAL");
        problems.extend(sentence.or(without).map(|sentence| Problem::new("R-12", sentence.to_owned())));
    }

    /// Hands it to the embedded server; its file may say otherwise where no variable is set.
    pub(super) fn apply(&self, values: &Values, rtc: &mut RtcConfig) {
        if values.get(&v::TURN_SERVER).is_some() {
            rtc.turn = self.own_server;
        }
        if self.domain.is_some() {
            rtc.turn_tls.clone_from(&self.domain);
        }
        rtc.tcp_connections_per_network = self.per_network;
        if values.get(&v::RTC_INTERFACES).is_some() {
            rtc.interfaces = self.interfaces.clone();
        }
        let (stun, turn): (Vec<String>, Vec<String>) =
            self.urls.iter().cloned().partition(|url| url.starts_with("stun"));
        let login = match (&self.secret, &self.user_name, &self.credential) {
            (Some(secret), ..) => IceLogin::Derived { secret: secret.clone(), seconds: self.ttl.as_secs() },
            (None, Some(user_name), Some(password)) => {
                IceLogin::Fixed { user_name: user_name.clone(), password: password.clone() }
            }
            _ => IceLogin::Open,
        };
        for (urls, login) in [(turn, login), (stun, IceLogin::Open)] {
            if !urls.is_empty() {
                rtc.ice_servers.push(IceServer { urls, login });
            }
        }
    }
}

/// As a browser takes it: an address that it does not understand makes it refuse the whole call.
fn url(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not an address such as turns:turn.example.org:443?transport=tcp");
    let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (host, query) = rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
    let is_query = match query {
        None => true,
        Some(query) => scheme.starts_with("turn") && matches!(query, "transport=udp" | "transport=tcp"),
    };
    let is_host = !host.is_empty() && host.chars().all(|one| one.is_ascii_alphanumeric() || ".-:[]".contains(one));
    let is_scheme = matches!(scheme, "turn" | "turns" | "stun");
    if is_scheme && is_host && is_query { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn domain(text: &str) -> Result<(String, u16), String> {
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let is_name = !name.is_empty() && name.chars().all(|one| one.is_ascii_alphanumeric() || ".-".contains(one));
    match parse::port(port)? {
        port @ 1.. if is_name => Ok((name.to_owned(), port)),
        _ => Err("write a name, or a name and a port such as turn.example.org:443".to_owned()),
    }
}

fn interfaces(text: &str) -> Result<InterfaceFilter, String> {
    let names = parse::list(text, |name| Ok(name.to_owned()))?;
    let (except, only): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| name.starts_with('!'));
    let except: Vec<String> = except.into_iter().map(|name| name[1..].to_owned()).collect();
    if !only.is_empty() && !except.is_empty() {
        return Err("name either the interfaces to use, or with `!` those to leave out".to_owned());
    }
    Ok(InterfaceFilter { only, except, ..InterfaceFilter::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_browsers_take_them() {
        for good in ["turn:192.0.2.1", "turns:turn.example.org:443?transport=tcp", "stun:[2001:db8::1]:3478"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for wrong in
            ["turn.example.org", "http://a", "turn:", "turn:a b", "turn:a?transport=sctp", "stun:a?transport=udp"]
        {
            assert!(url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(domain("turn.example.org"), Ok(("turn.example.org".to_owned(), 443)));
        assert_eq!(domain("turn.example.org:5349"), Ok(("turn.example.org".to_owned(), 5349)));
        assert!(domain("turn.example.org:0").is_err() && domain("a/b").is_err() && domain("").is_err());
    }

    #[test]
    fn interfaces_are_named_or_left_out() {
        assert_eq!(interfaces("eth0, eth1").unwrap().only, ["eth0", "eth1"]);
        assert_eq!(interfaces("!wg0").unwrap().except, ["wg0"]);
        assert!(interfaces("eth0,!wg0").is_err());
    }
}
