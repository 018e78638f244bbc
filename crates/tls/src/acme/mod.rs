//! A certificate from an ACME server (RFC 8555), proved by tls-alpn-01 (RFC 8737): the server looks at our own HTTPS port, so no
//! other port and no DNS account is needed.

mod schedule;
mod transport;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, KeyAuthorization, NewAccount,
    NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use kit::{SharedClock, SharedEntropy, UnixMillis};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use self::schedule::Failures;
use self::transport::Transport;
use self::trouble::Trouble;
use crate::certificates::Certificates;
use crate::pair::{Pair, Unusable};
use crate::private;

/// How long the server may take to look, and then to issue.
const POLL: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));
/// How often it is looked whether a renewal is due.
const STEP: Duration = Duration::from_secs(600);
/// Where stands, for those who may read the folder, why the last attempt failed.
const TROUBLE_FILE: &str = "trouble.txt";

/// Which certificate to get, and where.
#[derive(Debug, Clone)]
pub struct AcmeConfig {
    /// DNS names, without wildcards.
    pub names: Vec<String>,
    /// Address of the server's directory.
    pub directory: String,
    /// Where the server may write to.
    pub email: Option<String>,
    /// PEM file with root certificates that are believed besides those of the system.
    pub roots: Option<PathBuf>,
    /// Folder for account and certificates.
    pub folder: PathBuf,
}

/// Gets and renews a certificate.
#[derive(Debug)]
pub struct Acme {
    config: AcmeConfig,
    transport: Transport,
    account_file: PathBuf,
    certificate_file: PathBuf,
}

impl Acme {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// One sentence where the file of root certificates cannot be used.
    pub fn new(config: AcmeConfig) -> Result<Self, String> {
        let transport = Transport::new(config.roots.as_deref())?;
        // Each server has its own accounts, and a certificate for trying things out must not stay for the real one.
        let folder = config.folder.join(folder_name(&config.directory));
        let (account_file, certificate_file) = (folder.join("account.json"), folder.join("certificate.pem"));
        Ok(Self { config, transport, account_file, certificate_file })
    }

    /// Why whoever keeps account and certificates in `folder` failed the last time: one sentence with the fix. `None` where it did
    /// not, or has not tried since it started.
    pub fn trouble(folder: &Path) -> Option<String> {
        String::from_utf8(private::read(&folder.join(TROUBLE_FILE)).ok()??).ok()
    }

    /// The certificate that was issued before, where it is still good and has all the names.
    pub fn kept(&self, now: UnixMillis) -> Option<Pair> {
        let bytes = private::read(&self.certificate_file).ok().flatten()?;
        let pair = Pair::parse(&bytes, &bytes, now).ok()?;
        self.config.names.iter().all(|name| pair.facts().covers(name)).then_some(pair)
    }

    /// Gets a certificate where `certificates` has none or one that is due, and renews it in time, until `stop`. What goes wrong
    /// is told in the log, by `certificates` and by [`Acme::trouble`], and tried again.
    pub async fn follow(
        self,
        certificates: Arc<Certificates>,
        clock: SharedClock,
        entropy: SharedEntropy,
        stop: CancellationToken,
    ) {
        let mut failures = Failures::default();
        // What an earlier process told is over.
        self.leave_word(None);
        let work = async {
            loop {
                let chance = chance(&entropy);
                let due = match certificates.current() {
                    _ if failures.count > 0 => clock.now().plus(schedule::retry(failures, chance)),
                    Some(pair) => schedule::renewal(pair.facts(), chance),
                    None => clock.now(),
                };
                sleep_until(due, &clock).await;
                failures = match self.renew(&certificates, &clock).await {
                    Ok(()) => Failures::default(),
                    Err(heard) => Failures { count: failures.count + 1, heard },
                };
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Gets a new certificate and shows it. The error is whether the server heard us.
    async fn renew(&self, certificates: &Certificates, clock: &SharedClock) -> Result<(), bool> {
        let issued = self.issue(certificates, clock).await;
        certificates.forget_challenges();
        match issued {
            Ok(pair) => {
                self.leave_word(None);
                certificates.show(pair, clock.now());
                Ok(())
            }
            Err(trouble) => {
                if trouble.code() == "accountDoesNotExist" {
                    // The next attempt makes a new one.
                    let _ = std::fs::remove_file(&self.account_file);
                }
                let sentence = trouble.sentence(&self.config.directory, &self.config.names);
                self.leave_word(Some(&sentence));
                tracing::error!("no new certificate: {sentence}");
                certificates.keep_because(&sentence);
                Err(trouble.is_heard())
            }
        }
    }

    /// For [`Acme::trouble`].
    fn leave_word(&self, trouble: Option<&str>) {
        let file = self.config.folder.join(TROUBLE_FILE);
        let left = match trouble {
            Some(sentence) => private::write(&file, sentence.as_bytes()),
            None => private::remove(&file),
        };
        if let Err(error) = left {
            tracing::warn!(%error, "`heydok doctor` will not know how it stands with the certificate");
        }
    }

    async fn issue(&self, certificates: &Certificates, clock: &SharedClock) -> Result<Pair, Trouble> {
        let account = self.account().await?;
        let names: Vec<Identifier> = self.config.names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        prove(&mut order, certificates).await?;
        match order.poll_ready(&POLL).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) => return Err(refusal(&mut order, None).await),
            Err(Error::Api(problem)) => return Err(refusal(&mut order, Some(problem)).await),
            Err(other) => return Err(other.into()),
        }
        let unusable = |error: rcgen::Error| Trouble::Unusable(error.to_string());
        let key = KeyPair::generate().map_err(unusable)?;
        let mut request = CertificateParams::new(self.config.names.clone()).map_err(unusable)?;
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(&key).map_err(unusable)?;
        order.finalize_csr(request.der()).await?;
        let chain = order.poll_certificate(&POLL).await?;
        let both = format!("{chain}\n{}", key.serialize_pem());
        let pair = Pair::parse(both.as_bytes(), both.as_bytes(), clock.now());
        let pair = pair.map_err(|why: Unusable| Trouble::Unusable(why.to_string()))?;
        private::write(&self.certificate_file, both.as_bytes()).map_err(Trouble::Folder)?;
        Ok(pair)
    }

    /// The account at this server, made at the first time. Whoever sets TLS_MODE=acme agrees to the server's terms.
    async fn account(&self) -> Result<Account, Trouble> {
        let builder = || Account::builder_with_http(Box::new(self.transport.clone()));
        if let Some(bytes) = private::read(&self.account_file).map_err(Trouble::Folder)?
            && let Ok(credentials) = serde_json::from_slice::<AccountCredentials>(&bytes)
        {
            return Ok(builder().from_credentials(credentials).await?);
        }
        let contact = self.config.email.iter().map(|email| format!("mailto:{email}")).collect::<Vec<_>>();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder().create(&new, self.config.directory.clone(), None).await?;
        let bytes = serde_json::to_vec(&credentials).map_err(|error| Trouble::Unusable(error.to_string()))?;
        private::write(&self.account_file, &bytes).map_err(Trouble::Folder)?;
        tracing::info!("a new account at {}, with its terms of service agreed to", self.config.directory);
        Ok(account)
    }
}

/// Shows for each name that is not proved yet what the server looks for, and asks it to look.
async fn prove(order: &mut Order, certificates: &Certificates) -> Result<(), Trouble> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(Trouble::NoChallenge(name));
        };
        let shown = challenge_certificate(&name, &challenge.key_authorization());
        certificates.answer_challenge(&name, Arc::new(shown.map_err(|error| Trouble::Unusable(error.to_string()))?));
        challenge.set_ready().await?;
    }
    Ok(())
}

/// Why an order came to nothing: what the server says of the first name that it could not prove, else of the order.
async fn refusal(order: &mut Order, of_order: Option<Problem>) -> Trouble {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        // What is known of it is from before the server looked.
        let Ok(state) = authorization.refresh().await else { break };
        let name = state.identifier().to_string();
        if let Some(error) = state.challenges.iter().find_map(|challenge| challenge.error.clone()) {
            return Trouble::Problem(Some(name), error);
        }
    }
    let unknown = Problem { r#type: None, detail: None, status: None, subproblems: Vec::new() };
    Trouble::Problem(None, of_order.unwrap_or(unknown))
}

/// The certificate that proves a name (RFC 8737, section 3).
fn challenge_certificate(name: &str, authorization: &KeyAuthorization) -> Result<CertifiedKey, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(authorization.digest().as_ref())];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let signing = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    let signing = any_supported_type(&signing).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// Something from 0 to 1.
fn chance(entropy: &SharedEntropy) -> f64 {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// In steps, because the clock may be set and the machine may sleep meanwhile.
async fn sleep_until(at: UnixMillis, clock: &SharedClock) {
    loop {
        let left = u64::try_from(at.0.saturating_sub(clock.now().0)).unwrap_or(0);
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(left).min(STEP)).await;
    }
}

/// A directory's address as the name of a folder.
fn folder_name(directory: &str) -> String {
    let name = directory.trim_start_matches("https://");
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    name.chars().map(plain).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Source;

    /// Of what an earlier process told nothing is known any more.
    #[tokio::test]
    async fn a_new_process_has_no_trouble_yet() {
        let folder = tempfile::tempdir().unwrap();
        let config = AcmeConfig {
            names: vec!["meet.test".to_owned()],
            directory: "https://127.0.0.1:1/dir".to_owned(),
            email: None,
            roots: None,
            folder: folder.path().to_owned(),
        };
        let acme = Acme::new(config).unwrap();
        acme.leave_word(Some("the port is closed"));
        assert_eq!(Acme::trouble(folder.path()).as_deref(), Some("the port is closed"));
        let stop = CancellationToken::new();
        stop.cancel();
        let (clock, entropy) = (Arc::new(kit::SystemClock), Arc::new(kit::SystemEntropy));
        acme.follow(Certificates::new(Source::Acme), clock, entropy, stop).await;
        assert_eq!(Acme::trouble(folder.path()), None);
    }
}
