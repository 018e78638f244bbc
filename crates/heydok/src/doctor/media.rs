//! Calls as they are: joins as a client does and looks which ways carry media.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kit::Secret;
use livekit_protocol::IceServer;
use load::{Participant, Path, Plan, Stats, Target, Told, Transport};

use super::check::{Check, Id, State, Text, text};
use super::relay::{self, Asked};
use super::server::Third;

/// How long one way may take: with both ICE and DTLS it is a matter of milliseconds, over a bad line of seconds.
const WAY_LIMIT: Duration = Duration::from_secs(5);
/// How long sound and picture may take to be everywhere.
const MEDIA_LIMIT: Duration = Duration::from_secs(10);
/// Addresses that are tried for each transport.
const ADDRESSES_MAX: usize = 4;

/// A room, and how two participants of ours get into it. The third is there.
pub(super) struct Access {
    pub(super) target: Target,
    pub(super) room: String,
    pub(super) passes: [Pass; 2],
    pub(super) third: Third,
}

/// Who joins; without a token the target's key makes one.
pub(super) struct Pass {
    pub(super) identity: String,
    pub(super) token: Option<Secret>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Addresses that browsers are told, and whether each answered.
    pub(super) udp: Vec<(SocketAddr, bool)>,
    pub(super) tcp: Vec<(SocketAddr, bool)>,
    pub(super) relays: Vec<Asked>,
    /// Of the six ways between three participants those that carried both sound and picture; `None` where no address answered.
    pub(super) ways: Option<usize>,
}

/// Looks at every way.
///
/// # Errors
/// Why nobody can join.
pub(super) async fn look(access: Access) -> Result<Found, String> {
    let (told, servers) = scout(&access).await?;
    let (udp, tcp) = (addresses(&told, Transport::Udp), addresses(&told, Transport::Tcp));
    let [first, second] = &access.passes;
    let (udp, tcp, relays) = tokio::join!(
        reach(&access, first, &udp, Path::UdpTo),
        reach(&access, second, &tcp, Path::TcpTo),
        relay::ask(&servers),
    );
    let answered = |all: &[(SocketAddr, bool)]| all.iter().find(|(_, answered)| *answered).map(|(address, _)| *address);
    let path = answered(&udp).map(Path::UdpTo).or_else(|| answered(&tcp).map(Path::TcpTo));
    let ways = match path {
        Some(path) => Some(ways(access, path).await),
        None => None,
    };
    Ok(Found { udp, tcp, relays, ways })
}

/// Joins and listens to which addresses and relays are told.
async fn scout(access: &Access) -> Result<(Vec<Told>, Vec<IceServer>), String> {
    let plan = plan(access, &access.passes[0], Path::Udp);
    let mut scout = Participant::join(&access.target, plan).await.map_err(|error| error.to_string())?;
    // Some servers tell their addresses one by one, the last of them before media can flow.
    let _ = tokio::time::timeout(WAY_LIMIT, scout.until(|stats| stats.join.connected.is_some())).await;
    let told = scout.look(|stats| stats.told.clone());
    let servers = scout.ice_servers().to_vec();
    scout.leave().await;
    if told.is_empty() { Err("the server tells no address for media".to_owned()) } else { Ok((told, servers)) }
}

/// Those of a transport, without this machine's own where there are others.
fn addresses(told: &[Told], transport: Transport) -> Vec<SocketAddr> {
    let all = told.iter().filter(|told| told.transport == transport).map(|told| told.address);
    let (own, others): (Vec<_>, Vec<_>) = all.partition(|address| address.ip().is_loopback());
    let mut chosen = if others.is_empty() { own } else { others };
    chosen.truncate(ADDRESSES_MAX);
    chosen
}

fn plan(access: &Access, pass: &Pass, path: Path) -> Plan {
    Plan { path, token: pass.token.clone(), ..Plan::watcher(&access.room, &pass.identity) }
}

/// Connects to one address after the other.
async fn reach(
    access: &Access,
    pass: &Pass,
    addresses: &[SocketAddr],
    path: fn(SocketAddr) -> Path,
) -> Vec<(SocketAddr, bool)> {
    let mut reached = Vec::new();
    for address in addresses {
        let answered = match Participant::join(&access.target, plan(access, pass, path(*address))).await {
            Ok(mut participant) => {
                let connected = participant.until(|stats| stats.join.connected.is_some());
                let answered = tokio::time::timeout(WAY_LIMIT, connected).await == Ok(true);
                participant.leave().await;
                answered
            }
            Err(_) => false,
        };
        reached.push((*address, answered));
    }
    reached
}

/// Two of ours and the third send to each other: how many of the six ways carry both sound and picture.
async fn ways(access: Access, path: Path) -> usize {
    let mut people = Vec::new();
    for pass in &access.passes {
        let sending = crate::features::selftest::third_plan(&access.room, &pass.identity);
        let plan = Plan { path, token: pass.token.clone(), ..sending };
        if let Ok(participant) = Participant::join(&access.target, plan).await {
            people.push(participant);
        }
    }
    let received = |stats: &Stats| stats.audio_streams().min(stats.video_streams()).min(2);
    let all = async {
        for participant in &mut people {
            participant.until(|stats| received(stats) == 2).await;
        }
    };
    let _ = tokio::time::timeout(MEDIA_LIMIT, all).await;
    let third = access.third.ways(MEDIA_LIMIT).await;
    let seen: usize = people.iter().map(|participant| participant.look(received)).sum();
    futures::future::join_all(people.into_iter().map(Participant::leave)).await;
    seen + third
}

/// What is to be said of the ports.
pub(super) fn judge(found: &Found) -> Vec<Check> {
    let ports = [udp(&found.udp), tcp(&found.tcp)].into_iter();
    ports.chain(relay::judge(&found.relays)).chain([three_parties(found.ways)]).collect()
}

fn udp(reached: &[(SocketAddr, bool)]) -> Check {
    let (good, bad) = split(reached);
    match (good.is_empty(), bad.is_empty()) {
        (false, true) => Check::passed(Id::Udp, text!("UDP {good} answers.", "UDP {good} antwortet.")),
        (false, false) => Check::warning(Id::Udp, partly("UDP", &good, &bad)),
        (true, false) => Check::failed(
            Id::Udp,
            text!(
                "UDP {bad} does not arrive. Open it in your provider's firewall, and set RTC_NODE_IP to the address that browsers reach; until then calls use TCP and may stutter.",
                "UDP {bad} kommt nicht an. Öffnen Sie ihn in der Firewall Ihres Anbieters, und setzen Sie RTC_NODE_IP auf die Adresse, die Browser erreichen; bis dahin laufen Anrufe über TCP und können ruckeln."
            ),
        ),
        (true, true) => Check::failed(
            Id::Udp,
            text!(
                "The server tells browsers no address for UDP: set RTC_NODE_IP.",
                "Der Server nennt Browsern keine Adresse für UDP: Setzen Sie RTC_NODE_IP."
            ),
        ),
    }
}

fn tcp(reached: &[(SocketAddr, bool)]) -> Check {
    let (good, bad) = split(reached);
    match (good.is_empty(), bad.is_empty()) {
        (false, true) => Check::passed(Id::Tcp, text!("TCP {good} answers.", "TCP {good} antwortet.")),
        (false, false) => Check::warning(Id::Tcp, partly("TCP", &good, &bad)),
        (true, false) => Check::failed(
            Id::Tcp,
            text!(
                "TCP {bad} does not arrive. Open it in the firewall, with no HTTP proxy before it; until then people whose network blocks UDP cannot take part.",
                "TCP {bad} kommt nicht an. Öffnen Sie ihn in der Firewall, ohne HTTP-Proxy davor; bis dahin können Menschen, deren Netz UDP sperrt, nicht teilnehmen."
            ),
        ),
        (true, true) => Check::warning(
            Id::Tcp,
            text!(
                "There is no TCP port for media: set RTC_TCP_PORT, or people whose network blocks UDP cannot take part.",
                "Es gibt keinen TCP-Port für Medien: Setzen Sie RTC_TCP_PORT, sonst können Menschen, deren Netz UDP sperrt, nicht teilnehmen."
            ),
        ),
    }
}

fn partly(transport: &str, good: &str, bad: &str) -> Text {
    text!(
        "{transport} {good} answers, {bad} does not: open it too, or take that address out with RTC_NODE_IP.",
        "{transport} {good} antwortet, {bad} nicht: Öffnen Sie auch diesen, oder nehmen Sie die Adresse mit RTC_NODE_IP heraus."
    )
}

/// Those that answered and those that did not, as lists.
fn split(reached: &[(SocketAddr, bool)]) -> (String, String) {
    let list = |wanted| {
        let of = reached.iter().filter(move |(_, answered)| *answered == wanted);
        of.map(|(address, _)| address.to_string()).collect::<Vec<_>>().join(", ")
    };
    (list(true), list(false))
}

fn three_parties(ways: Option<usize>) -> Check {
    let sentence = |ways: usize| {
        text!(
            "Only {ways} of 6 ways between three participants carried sound and picture: see what else failed, then the log of the server.",
            "Nur {ways} von 6 Wegen zwischen drei Teilnehmenden trugen Ton und Bild: Sehen Sie, was noch nicht bestanden ist, dann ins Protokoll des Servers."
        )
    };
    match ways {
        None => Check::skipped(
            Id::ThreePartyMedia,
            text!("No way to the server was found for media.", "Für Medien fand sich kein Weg zum Server."),
        ),
        Some(6) => Check::passed(
            Id::ThreePartyMedia,
            text!(
                "Three participants received each other's sound and picture.",
                "Drei Teilnehmende empfingen gegenseitig Ton und Bild."
            ),
        ),
        Some(ways) => Check::failed(Id::ThreePartyMedia, sentence(ways)),
    }
}

/// Whether people outside can use what browsers are told; `page` is where the page is reached, as far as that is known.
pub(super) fn advertised(found: &Found, page: &[IpAddr]) -> Check {
    let mut told: Vec<IpAddr> = Vec::new();
    for (address, _) in found.udp.iter().chain(&found.tcp) {
        if !told.contains(&address.ip()) {
            told.push(address.ip());
        }
    }
    let list = told.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let public_page = page.iter().find(|ip| is_public(**ip));
    if told.iter().any(|ip| is_public(*ip)) {
        return Check::passed(
            Id::AdvertisedAddress,
            text!("Browsers are told {list}.", "Browsern wird {list} genannt."),
        );
    }
    if let Some(page) = public_page {
        return Check::failed(
            Id::AdvertisedAddress,
            text!(
                "Browsers are told {list}, which nobody outside your network reaches: set RTC_NODE_IP to the public address of this server, for example {page}.",
                "Browsern wird {list} genannt, was von außerhalb Ihres Netzes niemand erreicht: Setzen Sie RTC_NODE_IP auf die öffentliche Adresse dieses Servers, zum Beispiel {page}."
            ),
        );
    }
    let state = if page.is_empty() { State::Warning } else { State::Passed };
    Check::new(
        Id::AdvertisedAddress,
        state,
        text!(
            "Browsers are told {list}: good inside your network; for people outside set RTC_NODE_IP to the public address of this server.",
            "Browsern wird {list} genannt: gut innerhalb Ihres Netzes; für Menschen außerhalb setzen Sie RTC_NODE_IP auf die öffentliche Adresse dieses Servers."
        ),
    )
}

/// Whether an address is one of the whole internet.
fn is_public(ip: IpAddr) -> bool {
    !kit::is_private(ip) && !ip.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(list: &[(&str, bool)]) -> Vec<(SocketAddr, bool)> {
        list.iter().map(|(address, answered)| (address.parse().unwrap(), *answered)).collect()
    }

    /// A port fails where nothing answers, and is only warned about where something does.
    #[test]
    fn ports_that_do_not_answer_are_named() {
        let (good, bad) = (("192.0.2.1:7882", true), ("[2001:db8::1]:7882", false));
        for (list, udp_state, tcp_state) in [
            (&[good][..], State::Passed, State::Passed),
            (&[good, bad], State::Warning, State::Warning),
            (&[bad], State::Failed, State::Failed),
            (&[], State::Failed, State::Warning),
        ] {
            let list = reached(list);
            let (udp, tcp) = (udp(&list), tcp(&list));
            assert_eq!((udp.state, tcp.state), (udp_state, tcp_state), "{list:?}");
            if list.iter().any(|(_, answered)| !answered) {
                for check in [udp, tcp] {
                    assert!(
                        check.text.en.contains("[2001:db8::1]:7882") && check.text.de.contains("[2001:db8::1]:7882")
                    );
                }
            }
        }
        let states = [None, Some(6), Some(5), Some(0)].map(|ways| three_parties(ways).state);
        assert_eq!(states, [State::Skipped, State::Passed, State::Failed, State::Failed]);
    }

    /// A page that the whole internet reaches must not send its visitors to a private address.
    #[test]
    fn a_private_address_is_no_good_for_a_public_page() {
        let check = |told: &str, page: &[&str]| {
            let found = Found { udp: reached(&[(told, true)]), ..Found::default() };
            let page: Vec<IpAddr> = page.iter().map(|ip| ip.parse().unwrap()).collect();
            advertised(&found, &page)
        };
        for (told, page, state) in [
            ("203.0.113.9:7882", &["203.0.113.9"][..], State::Passed),
            ("203.0.113.9:7882", &[], State::Passed),
            ("10.0.0.5:7882", &["203.0.113.9"], State::Failed),
            ("100.64.3.4:7882", &["203.0.113.9"], State::Failed),
            ("[fd00::5]:7882", &["2001:db8::9"], State::Failed),
            ("10.0.0.5:7882", &[], State::Warning),
            ("10.0.0.5:7882", &["10.0.0.5"], State::Passed),
        ] {
            assert_eq!(check(told, page).state, state, "{told} {page:?}");
        }
        assert!(check("10.0.0.5:7882", &["203.0.113.9"]).text.en.contains("RTC_NODE_IP"));
    }

    #[test]
    fn loopback_is_tried_only_where_there_is_nothing_else() {
        let told = |list: &[&str]| {
            let told: Vec<Told> = list
                .iter()
                .map(|address| Told { transport: Transport::Udp, address: address.parse().unwrap() })
                .collect();
            addresses(&told, Transport::Udp).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(&["192.0.2.1:1", "127.0.0.1:1"]), ["192.0.2.1:1"]);
        assert_eq!(told(&["127.0.0.1:1"]), ["127.0.0.1:1"]);
    }
}
