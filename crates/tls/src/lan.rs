//! A certificate that we make ourselves, for the addresses of this machine in its local network.
//!
//! Browsers warn of it once on each device, or not at all where somebody installed our root certificate. That one can vouch only
//! for private addresses and `.local` names, so whoever installs it trusts this machine with nothing else, even if its key is
//! stolen.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit::{UnixMillis, is_private};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints,
};

use crate::made::time_of;
use crate::pair::Pair;
use crate::private;

const DAY: Duration = Duration::from_secs(86_400);
/// How long the root certificate is good: who installed it should not have to again.
const ROOT_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long the server's certificate is good. Systems refuse longer lives (Apple: 398 days).
const LEAF_LIFE: Duration = Duration::from_secs(397 * 86_400);
/// With less left it is made anew.
const LEAF_LEFT: Duration = Duration::from_secs(30 * 86_400);
/// Name of the root certificate in the lists of phones and computers.
const ROOT_NAME: &str = "heydok (this local network only)";
/// Networks that the root certificate can vouch for: private, shared (RFC 6598: VPNs use them), link-local and loopback ones.
const NETWORKS: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];
/// Names that it can vouch for, with everything below them.
const DOMAINS: [&str; 2] = ["local", "localhost"];

/// The folder with the root certificate, its key and the server's certificate. They stay the same over restarts, so that browsers
/// do not warn again.
#[derive(Debug, Clone)]
pub struct Lan {
    folder: PathBuf,
}

impl Lan {
    /// Nothing is made yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A certificate for `names` (addresses or `.local` names; others are left out), made where there is none that has them all.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn pair(&self, names: &[String], now: UnixMillis) -> io::Result<Pair> {
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_ours(name)).collect();
        let leaf_file = self.folder.join("server.pem");
        if let Some(bytes) = private::read(&leaf_file)?
            && let Ok(pair) = Pair::parse(&bytes, &bytes, now)
            && names.iter().all(|name| pair.facts().covers(name))
            && pair.facts().left(now) > LEAF_LEFT
        {
            return Ok(pair);
        }
        let (root_pem, root_key) = self.root(now)?;
        let both = make_leaf(&names, &root_pem, root_key, now).map_err(io::Error::other)?;
        let pair = Pair::parse(both.as_bytes(), both.as_bytes(), now).map_err(io::Error::other)?;
        private::write(&leaf_file, both.as_bytes())?;
        Ok(pair)
    }

    /// The root certificate, DER, as phones install it.
    ///
    /// # Errors
    /// Where it cannot be read or made.
    pub fn root_certificate(&self, now: UnixMillis) -> io::Result<Vec<u8>> {
        let (pem, key) = self.root(now)?;
        let both = format!("{pem}\n{}", key.serialize_pem());
        Ok(Pair::parse(both.as_bytes(), both.as_bytes(), now).map_err(io::Error::other)?.certificate().to_vec())
    }

    fn root(&self, now: UnixMillis) -> io::Result<(String, KeyPair)> {
        let (certificate_file, key_file) = (self.folder.join("root.pem"), self.folder.join("root-key.pem"));
        let text =
            |path: &Path| Ok::<_, io::Error>(private::read(path)?.and_then(|bytes| String::from_utf8(bytes).ok()));
        if let (Some(pem), Some(key)) = (text(&certificate_file)?, text(&key_file)?)
            && let Ok(pair) = Pair::parse(pem.as_bytes(), key.as_bytes(), now)
            && pair.facts().left(now) > LEAF_LIFE
            && let Ok(key) = KeyPair::from_pem(&key)
        {
            return Ok((pem, key));
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let pem = root_params(now).self_signed(&key).map_err(io::Error::other)?.pem();
        private::write(&key_file, key.serialize_pem().as_bytes())?;
        private::write(&certificate_file, pem.as_bytes())?;
        Ok((pem, key))
    }
}

/// Whether the root certificate can vouch for this name or address.
fn is_ours(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(address) => is_private(address),
        Err(_) => DOMAINS.iter().any(|domain| name == *domain || name.ends_with(&format!(".{domain}"))),
    }
}

fn root_params(now: UnixMillis) -> CertificateParams {
    let mut params = issuer_params();
    params.not_before = time_of(UnixMillis(now.0 - millis(DAY)));
    params.not_after = time_of(now.plus(ROOT_LIFE));
    let networks = NETWORKS.iter().filter_map(|(address, length)| {
        Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address.parse().ok()?, *length)))
    });
    let domains = DOMAINS.iter().map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: domains.chain(networks).collect(), excluded_subtrees: Vec::new() });
    params
}

/// What an issuer needs of the root certificate, and what is the same each time.
fn issuer_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, ROOT_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

/// Chain and key in one text.
fn make_leaf(names: &[&str], root_pem: &str, root_key: KeyPair, now: UnixMillis) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "heydok");
    params.not_before = time_of(UnixMillis(now.0 - millis(DAY)));
    params.not_after = time_of(UnixMillis(now.0 - millis(DAY)).plus(LEAF_LIFE));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &Issuer::new(issuer_params(), root_key))?;
    Ok(format!("{}\n{root_pem}\n{}", leaf.pem(), key.serialize_pem()))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::NOW;
    use rustls::RootCertStore;
    use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::server::ParsedCertificate;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Whether somebody who installed the root certificate believes the server under this name.
    fn believed(root: &[u8], pair: &Pair, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(root.to_vec())).unwrap();
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let leaf = ParsedCertificate::try_from(&pair.key.cert[0]).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_millis(NOW.0 as u64));
        verify_server_cert_signed_by_trust_anchor(&leaf, &roots, &pair.key.cert[1..], now, algorithms.all).is_ok()
            && verify_server_name(&leaf, &ServerName::try_from(name.to_owned()).unwrap()).is_ok()
    }

    #[test]
    fn it_is_kept_until_an_address_is_new_or_time_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let lan = Lan::new(&folder.path().join("lan"));
        let root = lan.root_certificate(NOW).unwrap();
        let first = lan
            .pair(&names(&["192.168.1.5", "anna.local", "localhost", "203.0.113.7", "meet.example.com"]), NOW)
            .unwrap();
        assert_eq!(first.facts().names, ["192.168.1.5", "anna.local", "localhost"], "public names are left out");
        assert!(believed(&root, &first, "192.168.1.5") && believed(&root, &first, "anna.local"));
        assert!(!believed(&root, &first, "192.168.1.6"));

        let again = lan.pair(&names(&["192.168.1.5"]), NOW).unwrap();
        assert_eq!(again.certificate(), first.certificate(), "what was there is good for it");
        let moved = lan.pair(&names(&["10.1.2.3"]), NOW).unwrap();
        assert_eq!(moved.facts().names, ["10.1.2.3"]);
        assert!(believed(&root, &moved, "10.1.2.3"), "the root certificate is the same");
        let later = lan.pair(&names(&["10.1.2.3"]), NOW.plus(LEAF_LIFE - LEAF_LEFT)).unwrap();
        assert_ne!(later.certificate(), moved.certificate());
    }

    /// Whatever counts as private is in one of the networks of the root certificate.
    #[test]
    fn private_addresses_are_those_that_the_root_vouches_for() {
        let root = NETWORKS.map(|(address, _)| address.parse().unwrap());
        assert!(root.into_iter().all(is_private));
    }

    /// A stolen root key vouches for nothing outside of local networks.
    #[test]
    fn the_root_vouches_for_local_names_only() {
        let folder = tempfile::tempdir().unwrap();
        let lan = Lan::new(folder.path());
        let root = lan.root_certificate(NOW).unwrap();
        for (name, expected) in [
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("a.local", true),
            ("bank.example.com", false),
            ("203.0.113.7", false),
        ] {
            let (pem, key) = lan.root(NOW).unwrap();
            let both = make_leaf(&[name], &pem, key, NOW).unwrap();
            let pair = Pair::parse(both.as_bytes(), both.as_bytes(), NOW).unwrap();
            assert_eq!(believed(&root, &pair, name), expected, "{name}");
        }
    }
}
