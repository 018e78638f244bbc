//! A certificate chain and its private key, as they stand in PEM files.

use std::sync::Arc;
use std::time::Duration;

use kit::UnixMillis;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Names of one certificate that are kept at most; the others are served all the same.
const NAMES_MAX: usize = 100;

/// A certificate with its key, ready to be shown to clients.
#[derive(Debug, Clone)]
pub struct Pair {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) facts: Facts,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// DNS names and addresses that it is good for.
    pub names: Vec<String>,
    /// Good from here.
    pub not_before: UnixMillis,
    /// Good until here.
    pub not_after: UnixMillis,
}

/// Why a chain and a key cannot be used. Each is the rest of a sentence that begins with the names of the files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing between BEGIN CERTIFICATE and END CERTIFICATE.
    #[error("the certificate file holds no certificate in PEM form (BEGIN CERTIFICATE)")]
    NoCertificate,
    /// No key, or a form of key that nobody knows.
    #[error("the key file holds no private key in PEM form (BEGIN PRIVATE KEY), or one with a pass phrase")]
    NoKey,
    /// A certificate that cannot be read, or one of a kind that TLS does not use.
    #[error("the first certificate cannot be read")]
    Unreadable,
    /// Two files that do not belong together.
    #[error("key and certificate do not belong together; the certificate file must begin with the server's own one")]
    Mismatch,
    /// Over.
    #[error("the certificate was good until {0} only; renew it")]
    Expired(String),
    /// Not yet begun: most often the clock is wrong.
    #[error("the certificate is good from {0} on only; set this machine's clock")]
    NotYet(String),
}

impl Pair {
    /// Reads the chain, the server's own certificate first, and the key.
    ///
    /// # Errors
    /// What keeps them from being used at `now`.
    pub fn parse(chain: &[u8], key: &[u8], now: UnixMillis) -> Result<Self, Unusable> {
        let pair = Self::parse_at_any_time(chain, key)?;
        match &pair.facts {
            facts if now >= facts.not_after => Err(Unusable::Expired(facts.not_after.rfc3339())),
            facts if now < facts.not_before => Err(Unusable::NotYet(facts.not_before.rfc3339())),
            _ => Ok(pair),
        }
    }

    /// The same for one that may be over.
    ///
    /// # Errors
    /// What keeps them from being used at all.
    pub fn parse_at_any_time(chain: &[u8], key: &[u8]) -> Result<Self, Unusable> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, pem::Error>>()
            .map_err(|_| Unusable::NoCertificate)?;
        let first = chain.first().ok_or(Unusable::NoCertificate)?;
        let facts = Facts::of(first).ok_or(Unusable::Unreadable)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| Unusable::NoKey)?;
        let key = any_supported_type(&key).map_err(|_| Unusable::NoKey)?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|_| Unusable::Mismatch)?;
        Ok(Self { key: Arc::new(key), facts })
    }

    /// What the certificate says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The server's own certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.key.cert.first().map(AsRef::as_ref).unwrap_or_default()
    }
}

impl Facts {
    /// Reads a certificate, DER; `None` where it is none.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative.iter().flat_map(|extension| &extension.value.general_names);
        let millis = |time: x509_parser::time::ASN1Time| UnixMillis(time.timestamp().saturating_mul(1_000));
        Some(Self {
            names: names.filter_map(name).take(NAMES_MAX).collect(),
            not_before: millis(certificate.validity().not_before),
            not_after: millis(certificate.validity().not_after),
        })
    }

    /// How long it is good for from `now`; zero where it is over.
    pub fn left(&self, now: UnixMillis) -> Duration {
        Duration::from_millis(u64::try_from(self.not_after.0.saturating_sub(now.0)).unwrap_or(0))
    }

    /// Whether it is good for the name or address `host`.
    pub fn covers(&self, host: &str) -> bool {
        let wildcard = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host) || wildcard.as_deref() == Some(name))
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{NOW, made, made_for};

    #[test]
    fn what_cannot_be_used_is_told() {
        let (good, other) = (made(&["meet.test"]), made(&["meet.test"]));
        let day = 86_400_000;
        let over = made_for(&["meet.test"], UnixMillis(NOW.0 - 2 * day), UnixMillis(NOW.0 - day));
        let later = made_for(&["meet.test"], UnixMillis(NOW.0 + day), UnixMillis(NOW.0 + 2 * day));
        type Case<'a> = (&'a str, &'a str, Result<(), &'a str>);
        let cases: [Case<'_>; 8] = [
            (&good.chain, &good.key, Ok(())),
            ("", &good.key, Err("no certificate")),
            (&good.key, &good.key, Err("no certificate")),
            (&good.chain, "", Err("no private key")),
            (&good.chain, &good.chain, Err("no private key")),
            (&good.chain, &other.key, Err("do not belong together")),
            (&over.chain, &over.key, Err("was good until 2026-11-20")),
            (&later.chain, &later.key, Err("good from 2026-11-22")),
        ];
        for (chain, key, expected) in cases {
            let found =
                Pair::parse(chain.as_bytes(), key.as_bytes(), NOW).map(|_| ()).map_err(|error| error.to_string());
            match expected {
                Ok(()) => assert_eq!(found, Ok(())),
                Err(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{part}: {found:?}"),
            }
        }
        assert!(Pair::parse_at_any_time(over.chain.as_bytes(), over.key.as_bytes()).is_ok());
    }

    #[test]
    fn a_certificate_says_what_it_is_good_for() {
        let made = made(&["meet.test", "*.rooms.test", "192.0.2.7", "2001:db8::7"]);
        let pair = Pair::parse(made.chain.as_bytes(), made.key.as_bytes(), NOW).unwrap();
        assert_eq!(pair.facts().names, ["meet.test", "*.rooms.test", "192.0.2.7", "2001:db8::7"]);
        for (host, covered) in [
            ("meet.test", true),
            ("MEET.test", true),
            ("a.rooms.test", true),
            ("a.b.rooms.test", false),
            ("rooms.test", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
        ] {
            assert_eq!(pair.facts().covers(host), covered, "{host}");
        }
        assert_eq!(pair.facts().left(NOW), Duration::from_secs(30 * 86_400));
        assert_eq!(pair.facts().left(UnixMillis(i64::MAX)), Duration::ZERO);
    }
}
