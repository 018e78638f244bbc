//! The certificate that is shown at present, and how it stands with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use kit::UnixMillis;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::pair::{Facts, Pair};

/// Name of the protocol that an ACME server speaks to see who we are (RFC 8737).
pub(crate) const ACME_TLS_ALPN: &[u8] = b"acme-tls/1";

/// Whoever renews files does so long before this much is left.
const LITTLE_LEFT: Duration = Duration::from_secs(10 * 86_400);

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Files that somebody else keeps up to date.
    Files,
    /// An ACME server, as Let's Encrypt.
    Acme,
    /// Made by ourselves, for the local network.
    Lan,
}

/// How it stands with the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub source: Source,
    /// What is shown; `None` before the first certificate was issued.
    pub facts: Option<Facts>,
    /// Why there is no newer one although there should be: one sentence with the fix.
    pub trouble: Option<String>,
}

/// The certificate that is shown at present. It can be replaced while connections are open: those keep theirs.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    current: RwLock<Option<Pair>>,
    trouble: Mutex<Option<String>>,
    /// What is shown to an ACME server, by name. As many as names are being proved.
    challenges: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    /// None yet.
    pub fn new(source: Source) -> Arc<Self> {
        Arc::new(Self { source, current: RwLock::default(), trouble: Mutex::default(), challenges: Mutex::default() })
    }

    /// Shows this one from now on, and says so in the log.
    pub fn show(&self, pair: Pair, now: UnixMillis) {
        let (names, until) = (pair.facts.names.join(", "), pair.facts.not_after.rfc3339());
        tracing::info!("the certificate is for {names} and good until {until}");
        if self.source == Source::Files && pair.facts.left(now) < LITTLE_LEFT {
            tracing::warn!("the certificate is good until {until} only; renew it");
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(pair);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Remembers why there is no newer one. Returns whether that is news.
    pub fn keep_because(&self, trouble: &str) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.as_deref() != Some(trouble);
        *known = Some(trouble.to_owned());
        is_news
    }

    /// How it stands with the certificate.
    pub fn status(&self) -> Status {
        Status {
            source: self.source,
            facts: self.current().map(|pair| pair.facts),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Where certificates come from.
    pub fn source(&self) -> Source {
        self.source
    }

    pub(crate) fn current(&self) -> Option<Pair> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn answer_challenge(&self, name: &str, key: Arc<CertifiedKey>) {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), key);
    }

    pub(crate) fn forget_challenges(&self) {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut offered| offered.any(|one| one == ACME_TLS_ALPN)) {
            let challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
            return challenges.get(hello.server_name()?).cloned();
        }
        self.current().map(|pair| pair.key)
    }
}
