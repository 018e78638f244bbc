//! The relays (TURN, RFC 8656) that browsers are told: each is asked for an address.

use std::net::SocketAddr;
use std::time::Duration;

use kit::Secret;
use livekit_protocol::IceServer;

use super::check::{Check, Id, text};
use super::turn_client::{Refused, allocate};

/// How long a relay may take in all.
const RELAY_LIMIT: Duration = Duration::from_secs(5);
/// Relays of one kind that are tried.
const RELAYS_MAX: usize = 8;

/// How browsers reach a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Udp,
    Tcp,
    Tls,
}

impl Over {
    fn id(self) -> Id {
        match self {
            Self::Udp => Id::TurnUdp,
            Self::Tcp => Id::TurnTcp,
            Self::Tls => Id::TurnTls,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// One relay, and how to log in.
#[derive(Debug, Clone)]
pub(super) struct Relay {
    /// Host and port.
    pub(super) address: String,
    pub(super) user_name: String,
    pub(super) credential: Secret,
    pub(super) over: Over,
}

/// What came of one: the address that it lent, or why there is none.
#[derive(Debug)]
pub(super) struct Asked {
    address: String,
    over: Over,
    lent: Result<SocketAddr, Refused>,
}

/// Asks each relay that is among what browsers are told.
pub(super) async fn ask(servers: &[IceServer]) -> Vec<Asked> {
    let relays: Vec<Relay> = [Over::Udp, Over::Tcp, Over::Tls].iter().flat_map(|over| told(servers, *over)).collect();
    let each = relays.into_iter().map(|relay| async move {
        let lent = tokio::time::timeout(RELAY_LIMIT, allocate(&relay)).await;
        Asked { lent: lent.unwrap_or(Err(Refused::Silent)), address: relay.address, over: relay.over }
    });
    futures::future::join_all(each).await
}

/// Those that are reached in this way, with the ports that are meant where none is told (RFC 7065, section 3.2).
fn told(servers: &[IceServer], over: Over) -> impl Iterator<Item = Relay> {
    let urls = servers.iter().flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let relays = urls.filter_map(move |(server, url)| {
        let (scheme, address) = url.split_once(':')?;
        let (address, query) = address.split_once('?').unwrap_or((address, ""));
        let (found, port) = match (scheme, query) {
            ("turn", "transport=tcp") => (Over::Tcp, 3478),
            ("turn", _) => (Over::Udp, 3478),
            ("turns", _) => (Over::Tls, 5349),
            _ => return None,
        };
        // The colons of an IPv6 address stand in brackets.
        let has_port = address.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        (found == over).then(|| Relay {
            address: if has_port { address.to_owned() } else { format!("{address}:{port}") },
            user_name: server.username.clone(),
            credential: Secret::new(server.credential.clone()),
            over,
        })
    });
    relays.take(RELAYS_MAX)
}

/// What is to be said of them, a check for each way.
pub(super) fn judge(asked: &[Asked]) -> [Check; 3] {
    [Over::Udp, Over::Tcp, Over::Tls].map(|over| {
        let those: Vec<&Asked> = asked.iter().filter(|one| one.over == over).collect();
        if those.is_empty() { none(over) } else { judge_way(over, &those) }
    })
}

fn none(over: Over) -> Check {
    if over == Over::Tls {
        return Check::warning(
            over.id(),
            text!(
                "Browsers are told no relay over TLS: people whose network lets nothing out but TLS to port 443 cannot take part; let heydok speak HTTPS (TLS_MODE), or set TURN_DOMAIN.",
                "Browsern wird kein Relais über TLS genannt: Menschen, deren Netz nur TLS zu Port 443 hinauslässt, können nicht teilnehmen; lassen Sie heydok HTTPS sprechen (TLS_MODE), oder setzen Sie TURN_DOMAIN."
            ),
        );
    }
    let name = over.name();
    Check::skipped(
        over.id(),
        text!("Browsers are told no relay over {name}.", "Browsern wird kein Relais über {name} genannt."),
    )
}

/// The first that is no good decides what is said; it is a failure where none is good.
fn judge_way(over: Over, asked: &[&Asked]) -> Check {
    let good = asked.iter().filter(|one| one.lent.is_ok()).map(|one| one.address.as_str()).collect::<Vec<_>>();
    let bad = asked.iter().find_map(|one| one.lent.as_ref().err().map(|refused| (&one.address, refused)));
    let name = over.name();
    let sentence = match bad {
        None => {
            let good = good.join(", ");
            return Check::passed(
                over.id(),
                text!(
                    "The relay (TURN) {good} lends addresses over {name}.",
                    "Das Relais (TURN) {good} verleiht über {name} Adressen."
                ),
            );
        }
        Some((address, Refused::Silent)) => text!(
            "The relay (TURN) {address} does not answer over {name}: check that it runs, and open that port in the firewall.",
            "Das Relais (TURN) {address} antwortet nicht über {name}: Prüfen Sie, ob es läuft, und öffnen Sie diesen Port in der Firewall."
        ),
        Some((address, Refused::Certificate(why))) => text!(
            "The certificate of the relay (TURN) {address} is not believed ({why}), and browsers let nobody go on: use one of a known authority for that name.",
            "Dem Zertifikat des Relais (TURN) {address} wird nicht vertraut ({why}), und Browser lassen niemanden fortfahren: Nehmen Sie eines einer bekannten Stelle für diesen Namen."
        ),
        // No or another user, an expired one, and a quota that is used up.
        Some((address, Refused::Code(code @ (401 | 441)))) => text!(
            "The relay (TURN) {address} refuses what browsers are told to log in with ({code}): correct TURN_SECRET, or TURN_USERNAME and TURN_CREDENTIAL.",
            "Das Relais (TURN) {address} weist ab, womit Browser sich anmelden sollen ({code}): Berichtigen Sie TURN_SECRET oder TURN_USERNAME und TURN_CREDENTIAL."
        ),
        Some((address, Refused::Code(code))) => text!(
            "The relay (TURN) {address} lends no address over {name} (error {code}): its log says why.",
            "Das Relais (TURN) {address} verleiht über {name} keine Adresse (Fehler {code}): Sein Protokoll sagt, warum."
        ),
    };
    if good.is_empty() { Check::failed(over.id(), sentence) } else { Check::warning(over.id(), sentence) }
}

#[cfg(test)]
mod tests {
    use kit::{Clock as _, SystemClock, turn_password};
    use tokio::net::UdpSocket;

    use super::super::check::State;
    use super::*;

    #[test]
    fn relays_are_read_as_browsers_read_them() {
        let urls = [
            "turn:192.0.2.1:7882?transport=udp",
            "turn:192.0.2.1:7881?transport=tcp",
            "turn:[2001:db8::1]",
            "turn:h",
            "turns:h:443?transport=tcp",
            "turns:i",
            "stun:192.0.2.1:7882",
        ];
        let server = IceServer { urls: urls.map(str::to_owned).to_vec(), ..IceServer::default() };
        let addresses = |over| told(std::slice::from_ref(&server), over).map(|relay| relay.address).collect::<Vec<_>>();
        assert_eq!(addresses(Over::Udp), ["192.0.2.1:7882", "[2001:db8::1]:3478", "h:3478"]);
        assert_eq!(addresses(Over::Tcp), ["192.0.2.1:7881"]);
        assert_eq!(addresses(Over::Tls), ["h:443", "i:5349"]);
    }

    #[test]
    fn a_relay_that_lends_nothing_is_named() {
        let address = "192.0.2.1:3478";
        let good = || Ok("192.0.0.8:1".parse().unwrap());
        type Lent = Result<SocketAddr, Refused>;
        let cases: [(Vec<Lent>, State, &str); 7] = [
            (vec![], State::Skipped, "no relay over TCP"),
            (vec![good()], State::Passed, address),
            (vec![Err(Refused::Silent)], State::Failed, "open that port"),
            (vec![good(), Err(Refused::Silent)], State::Warning, "open that port"),
            (vec![Err(Refused::Certificate("expired".into()))], State::Failed, "not believed (expired)"),
            (vec![Err(Refused::Code(401))], State::Failed, "TURN_SECRET"),
            (vec![Err(Refused::Code(486))], State::Failed, "error 486"),
        ];
        for (lent, state, part) in cases {
            let of = |lent| Asked { address: address.to_owned(), over: Over::Tcp, lent };
            let asked: Vec<Asked> = lent.into_iter().map(of).collect();
            let [udp, tcp, tls] = judge(&asked);
            assert_eq!((udp.state, tls.state), (State::Skipped, State::Warning));
            assert!(tcp.state == state && tcp.text.en.contains(part), "{asked:?}: {tcp:?}");
        }
    }

    /// A real relay lends to whom it knows and has the address back, refuses others, and when it is gone that is seen.
    #[tokio::test]
    async fn a_relay_lends_and_takes_back() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = socket.local_addr().unwrap();
        let secret = Secret::new("shared");
        let (now, unix_ms) = (SystemClock.instant(), u64::try_from(SystemClock.now().0).unwrap());
        let config = turn::Config { secret: Some(secret.clone()), peers: vec![local], limits: turn::Limits::default() };
        let mut relay = turn::Server::new(config, now, unix_ms);
        let user_name = format!("{}:anna", unix_ms / 1000 + 60);
        let server = |credential: String| {
            let urls = vec![format!("turn:{local}")];
            [IceServer { urls, username: user_name.clone(), credential }]
        };
        // What remains to be done when the doctor has its answer is done when it asks the next time.
        let mut served = async |questions: usize, asking: &[IceServer]| {
            let serving = async {
                let mut buffer = [0; 2048];
                for _ in 0..questions {
                    let (length, remote) = socket.recv_from(&mut buffer).await.unwrap();
                    let path = turn::Path::Udp { remote, local };
                    relay.receive(SystemClock.instant(), path, &buffer[..length]);
                    while let Some(answer) = relay.poll_output() {
                        socket.send_to(&answer.contents, remote).await.unwrap();
                    }
                }
                relay.allocations()
            };
            let (mut asked, allocations) = tokio::join!(ask(asking), serving);
            (asked.remove(0).lent, allocations)
        };
        let good = server(turn_password(&secret, &user_name));
        let (lent, left) = served(3, &good).await;
        assert_eq!(lent.unwrap().ip().to_string(), "192.0.0.8");
        assert_eq!(left, 0, "it was given back");
        assert_eq!(served(2, &server("guessed".to_owned())).await, (Err(Refused::Code(401)), 0));
        drop(socket);
        assert_eq!(ask(&good).await.remove(0).lent, Err(Refused::Silent));
    }
}
