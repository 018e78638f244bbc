//! Certificates for tests.

use std::sync::Arc;

use kit::UnixMillis;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// 2026-11-21T01:39:06Z: when tests begin.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_225_146_000);

/// A self-signed certificate and its key in PEM form.
pub(crate) struct Made {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Good for 30 days from [`NOW`].
pub(crate) fn made(names: &[&str]) -> Made {
    made_for(names, UnixMillis(NOW.0 - 1_000), UnixMillis(NOW.0 + 30 * 86_400_000))
}

pub(crate) fn made_for(names: &[&str], from: UnixMillis, until: UnixMillis) -> Made {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = crate::made::time_of(from);
    params.not_after = crate::made::time_of(until);
    let key = KeyPair::generate().unwrap();
    Made { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A client that believes this certificate.
pub(crate) fn client(pem: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
