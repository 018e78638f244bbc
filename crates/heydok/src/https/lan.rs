//! `heydok serve --lan`: HTTPS for the local network, by addresses that this machine has there.

use std::io::{self, IsTerminal as _, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use kit::{SharedClock, UnixMillis};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tls::{Certificates, Lan};
use tokio_util::sync::CancellationToken;

use crate::config::Refusal;

/// How often the addresses of this machine are looked at.
const PERIOD: Duration = Duration::from_secs(15);
/// Where the root certificate is had.
const ROOT_PATH: &str = "/heydok-lan.crt";
/// White on black, whatever the terminal's own colours are, and back.
const COLOURS: [&str; 2] = ["\u{1b}[97;40m", "\u{1b}[0m"];

/// HTTPS for the local network. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LanAccess {
    lan: Lan,
    /// What HOST says.
    host: IpAddr,
    address: Arc<Mutex<Option<IpAddr>>>,
    /// DER, as phones install it.
    root: Bytes,
}

impl LanAccess {
    /// Makes or finds the certificate for the addresses of this machine and shows it.
    ///
    /// # Errors
    /// R-10 where the data folder does not take it.
    pub fn open(host: IpAddr, data_dir: &Path, certificates: &Certificates, now: UnixMillis) -> Result<Self, Refusal> {
        let lan = Lan::new(&data_dir.join("tls/lan"));
        let refuse = |error: io::Error| {
            Refusal::one("R-10", format!("DATA_DIR does not take a certificate ({error}); make it writable"))
        };
        let root = lan.root_certificate(now).map_err(refuse)?.into();
        let access = Self { lan, host, address: Arc::default(), root };
        access.renew(certificates, &addresses(host), now).map_err(refuse)?;
        Ok(access)
    }

    /// Where other machines of the network find this server; `None` without a network.
    pub fn origin(&self, port: u16) -> Option<String> {
        let address = (*self.address.lock().unwrap_or_else(PoisonError::into_inner))?;
        // With brackets around IPv6.
        Some(format!("https://{}", SocketAddr::new(address, port)))
    }

    /// Looks whether this machine has other addresses, until `stop`.
    pub async fn follow(self, certificates: Arc<Certificates>, clock: SharedClock, stop: CancellationToken) {
        let mut tick = tokio::time::interval(PERIOD);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.renew(&certificates, &addresses(self.host), clock.now())
                && certificates
                    .keep_because(&format!("DATA_DIR does not take a certificate ({error}); make it writable"))
            {
                tracing::error!(%error, "no certificate for the new address");
            }
        }
    }

    fn renew(&self, certificates: &Certificates, addresses: &[IpAddr], now: UnixMillis) -> io::Result<()> {
        let pair = self.lan.pair(&names(addresses), now)?;
        let first = addresses.first().copied();
        let before = std::mem::replace(&mut *self.address.lock().unwrap_or_else(PoisonError::into_inner), first);
        if let Some(address) = first.filter(|_| before != first) {
            tracing::info!("in the local network this server is {address}");
        }
        if certificates.status().facts.as_ref() != Some(pair.facts()) {
            certificates.show(pair, now);
        }
        Ok(())
    }

    /// Where phones get the root certificate from.
    pub fn routes(&self) -> Router {
        let root = self.root.clone();
        let headers = [
            (CONTENT_TYPE, "application/x-x509-ca-cert"),
            (CONTENT_DISPOSITION, "attachment; filename=\"heydok-lan.crt\""),
        ];
        Router::new().route(ROOT_PATH, get(async move || (headers, root)))
    }

    /// Prints the address as text and as a QR code.
    ///
    /// # Errors
    /// Where nobody reads what is printed.
    pub fn announce(&self, out: &mut impl Write, port: u16) -> io::Result<()> {
        if self.host.is_loopback() {
            return writeln!(
                out,
                "HOST={} lets nobody else in: unset it, so that phones and computers in the same network reach this machine",
                self.host
            );
        }
        let Some(origin) = self.origin(port) else {
            return writeln!(
                out,
                "this machine has no address of a local network: connect it to one; with a public address set TLS_MODE=acme instead"
            );
        };
        writeln!(out, "open {origin} on phones and computers in the same network:\n")?;
        if let Ok(code) = qr_code(&origin) {
            let [begin, end] = if io::stdout().is_terminal() { COLOURS } else { [""; 2] };
            code.lines().try_for_each(|line| writeln!(out, "    {begin}{line}{end}"))?;
        }
        writeln!(
            out,
            "\nBrowsers there warn once, because no authority knows this machine: choose \"Advanced\", then to go on. They do \
             not warn where {origin}{ROOT_PATH} is installed as a root certificate; it vouches for local addresses only."
        )
    }
}

/// Two rows of the code in each line of text; light is printed, dark is left out.
fn qr_code(text: &str) -> Result<String, qrcode::types::QrError> {
    let code = QrCode::with_error_correction_level(text, qrcode::EcLevel::L)?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// The private addresses that other machines reach this port by, the most likely first.
fn addresses(host: IpAddr) -> Vec<IpAddr> {
    let found = if host.is_unspecified() { livekit_server::reachable_addresses() } else { vec![host] };
    // A port of 0.0.0.0 is for IPv4 only, one of :: for both.
    let ours = |address: &IpAddr| kit::is_private(*address) && (address.is_ipv4() || host.is_ipv6());
    sorted(found.into_iter().filter(ours).collect(), default_route())
}

/// Where packets to the world leave, there the network is that people mean.
fn sorted(mut addresses: Vec<IpAddr>, default_route: Option<IpAddr>) -> Vec<IpAddr> {
    addresses.sort_by_key(|address| Some(*address) != default_route);
    addresses
}

fn default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Nothing is sent; the address is one for documentation (RFC 5737).
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// What the certificate is for: the addresses, the name that computers of one network know each other by, and this machine.
fn names(addresses: &[IpAddr]) -> Vec<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_ascii_lowercase();
    let is_label = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let addresses = addresses.iter().map(ToString::to_string);
    addresses
        .chain(is_label.then(|| format!("{host}.local")))
        .chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The text is the code: each half of a character is one module, light ones printed.
    #[test]
    fn the_printed_code_is_the_address() {
        let text = qr_code("https://192.168.1.5:8000").unwrap();
        let rows: Vec<(Vec<bool>, Vec<bool>)> = text
            .lines()
            .map(|line| line.chars().map(|half| ("▀█".contains(half), "▄█".contains(half))).unzip())
            .collect();
        let printed: Vec<Vec<bool>> = rows.into_iter().flat_map(|(upper, lower)| [upper, lower]).collect();
        let code = QrCode::with_error_correction_level("https://192.168.1.5:8000", qrcode::EcLevel::L).unwrap();
        let (width, quiet) = (code.width(), 4);
        assert_eq!(printed[0].len(), width + 2 * quiet);
        for (y, row) in printed.iter().enumerate().take(width + 2 * quiet) {
            for (x, light) in row.iter().enumerate() {
                let inside = (quiet..width + quiet).contains(&x) && (quiet..width + quiet).contains(&y);
                let dark = inside && code[(x - quiet, y - quiet)] == qrcode::Color::Dark;
                assert_eq!(*light, !dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn the_network_that_leads_out_comes_first() {
        let found = vec![ip("10.8.0.2"), ip("192.168.1.5"), ip("fd00::5")];
        let first = |route: Option<&str>| sorted(found.clone(), route.map(ip))[0];
        assert_eq!(
            (first(Some("192.168.1.5")), first(Some("203.0.113.7")), first(None)),
            (ip("192.168.1.5"), ip("10.8.0.2"), ip("10.8.0.2"))
        );
    }

    /// What is printed leads others here, or says why it cannot.
    #[test]
    fn the_way_in_is_printed() {
        let printed = |host: &str, address: Option<&str>| {
            let folder = tempfile::tempdir().unwrap();
            let address = Arc::new(Mutex::new(address.map(ip)));
            let access = LanAccess { lan: Lan::new(folder.path()), host: ip(host), address, root: Bytes::new() };
            let mut out = Vec::new();
            access.announce(&mut out, 8000).unwrap();
            String::from_utf8(out).unwrap()
        };
        let told = printed("0.0.0.0", Some("192.168.1.5"));
        assert!(told.contains("open https://192.168.1.5:8000 on phones") && told.contains("▄▄▄▄▄"), "{told}");
        assert!(told.contains("https://192.168.1.5:8000/heydok-lan.crt"), "{told}");
        assert!(printed("0.0.0.0", None).contains("no address of a local network"));
        let closed = printed("127.0.0.1", Some("127.0.0.1"));
        assert!(closed.contains("HOST=127.0.0.1 lets nobody else in") && !closed.contains('▄'), "{closed}");
    }

    /// A root certificate that phones cannot get is told at the start, also where that of the server is whole.
    #[test]
    fn a_root_that_cannot_be_read_is_told() {
        let (folder, now) = (tempfile::tempdir().unwrap(), crate::tests::START);
        let open =
            || LanAccess::open(ip("127.0.0.1"), folder.path(), &Certificates::new(tls::Source::Lan), now).map(|_| ());
        open().unwrap();
        let key = folder.path().join("tls/lan/root-key.pem");
        std::fs::remove_file(&key).unwrap();
        std::fs::create_dir(&key).unwrap();
        assert_eq!(open().unwrap_err().0[0].rule, "R-10");
    }

    /// A new address gets a certificate of its own and is what others are told from then on.
    #[test]
    fn a_new_address_is_a_new_certificate() {
        let (folder, certificates, now) =
            (tempfile::tempdir().unwrap(), Certificates::new(tls::Source::Lan), crate::tests::START);
        let access = LanAccess::open(ip("127.0.0.1"), folder.path(), &certificates, now).unwrap();
        let shown = || certificates.status().facts.unwrap();
        access.renew(&certificates, &[ip("192.168.1.5")], now).unwrap();
        assert_eq!(access.origin(8000).as_deref(), Some("https://192.168.1.5:8000"));
        let first = shown();
        assert!(first.covers("192.168.1.5") && first.covers("localhost"));
        access.renew(&certificates, &[ip("192.168.1.5")], now).unwrap();
        assert_eq!(shown(), first);
        access.renew(&certificates, &[ip("fd00::7")], now).unwrap();
        assert_eq!(access.origin(8000).as_deref(), Some("https://[fd00::7]:8000"));
        assert!(shown().covers("fd00::7"));
        access.renew(&certificates, &[], now).unwrap();
        assert_eq!(access.origin(8000), None);
    }
}
