//! Who speaks HTTPS.

use std::net::IpAddr;
use std::path::PathBuf;

use super::reader::Reader;
use super::variable as v;
use super::{Problem, Settings, parse};

/// Who speaks HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Nobody, or a proxy.
    Off,
    /// A proxy that TRUSTED_PROXIES names.
    Proxy,
    /// We, with a certificate that somebody else keeps up to date.
    Files,
    /// We, with a certificate from an ACME server.
    Acme,
    /// We, with a certificate of our own for the local network.
    Lan,
}

/// HTTPS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who speaks it.
    pub mode: TlsMode,
    /// Certificate chain.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Names that an ACME certificate is for, the first one in links.
    pub domains: Vec<String>,
    /// Directory of the ACME server.
    pub acme_url: String,
    /// Where the ACME server may write to.
    pub acme_email: Option<String>,
    /// Root certificates of an ACME server of one's own.
    pub acme_ca: Option<PathBuf>,
    /// Where plain HTTP is sent to HTTPS. Outside: unset; inside: none.
    pub redirect_port: Option<Option<u16>>,
}

impl TlsMode {
    /// Whether we speak it ourselves.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Files | Self::Acme | Self::Lan)
    }

    /// Ports where none are set.
    pub(super) fn ports(self) -> Vec<u16> {
        match self {
            Self::Files | Self::Acme => vec![443],
            // The local network is for whoever is no administrator too.
            Self::Off | Self::Proxy | Self::Lan => vec![8000],
        }
    }
}

impl Tls {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let modes = [
            ("off", TlsMode::Off),
            ("proxy", TlsMode::Proxy),
            ("files", TlsMode::Files),
            ("acme", TlsMode::Acme),
            ("lan", TlsMode::Lan),
        ];
        let optional_port = |text: &str| match parse::word(text, &[("off", ())]) {
            Ok(()) => Ok(None),
            Err(_) => parse::port(text).map(Some),
        };
        Self {
            mode: reader.value(&v::TLS_MODE, |text| parse::word(text, &modes)),
            certificate: reader.text(&v::TLS_CERT).map(PathBuf::from),
            key: reader.text(&v::TLS_KEY).map(PathBuf::from),
            domains: reader.value(&v::TLS_DOMAIN, |text| parse::list(text, domain)),
            acme_url: reader.value(&v::TLS_ACME_URL, directory),
            acme_email: reader.optional(&v::TLS_ACME_EMAIL, email),
            acme_ca: reader.text(&v::TLS_ACME_CA).map(PathBuf::from),
            redirect_port: reader.optional(&v::TLS_REDIRECT_PORT, optional_port),
        }
    }
}

/// A public DNS name. Wildcards cannot be proved on a port, and addresses have no name.
fn domain(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_public = name.contains('.') && name.split('.').all(is_label) && name.parse::<IpAddr>().is_err();
    if is_public && name.len() <= 253 {
        Ok(name)
    } else {
        Err(format!("`{text}` is no public DNS name; write one as meet.example.com"))
    }
}

fn directory(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.has_host() => Ok(text.to_owned()),
        _ => Err("write the https:// address of the ACME server's directory".to_owned()),
    }
}

fn email(text: &str) -> Result<String, String> {
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && host.contains('.') && !text.contains([' ', ',', '?']) => {
            Ok(text.to_owned())
        }
        _ => Err("write one e-mail address".to_owned()),
    }
}

/// What does not go together.
pub(super) fn check(settings: &Settings, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) {
    let tls = &settings.listening.tls;
    if tls.mode != TlsMode::Files {
        let files = [("TLS_CERT", &tls.certificate), ("TLS_KEY", &tls.key)];
        let set = files.iter().filter(|(_, file)| file.is_some());
        warnings.extend(set.map(|(name, _)| format!("{name} has no effect: TLS_MODE is not files")));
    }
    let sentence = match tls.mode {
        TlsMode::Files if tls.certificate.is_none() || tls.key.is_none() => {
            "TLS_MODE=files needs TLS_CERT and TLS_KEY; name the two PEM files"
        }
        TlsMode::Acme if tls.domains.is_empty() => {
            "TLS_MODE=acme needs TLS_DOMAIN; write the DNS name that leads to this machine, as meet.example.com"
        }
        TlsMode::Proxy if settings.listening.trusted_proxies.is_empty() => {
            "TLS_MODE=proxy needs TRUSTED_PROXIES; write the address of the proxy, or loopback for one on this machine"
        }
        TlsMode::Acme if !settings.listening.ports.contains(&443) => {
            warnings.push("TLS_MODE=acme proves the name on port 443: forward that one to PORT".to_owned());
            return;
        }
        _ => return,
    };
    problems.push(Problem::new("R-15", sentence));
}
