//! The keys of a connection, as its DTLS handshake made them (RFC 5764): what subscribers get is encrypted by us.
//!
//! str0m tells nobody its keys, but lets its DTLS be replaced: ours is the usual one with a listener.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rtp::{Profile, Protector, Unprotector};
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
};

thread_local! {
    /// Where the DTLS instance made last on this thread puts its keys.
    static LAST: RefCell<Option<Slot>> = const { RefCell::new(None) };
}

/// Holds the keys once the handshake is through.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<OnceLock<Material>>);

struct Material {
    profile: Profile,
    bytes: Vec<u8>,
    /// We were the DTLS client.
    client: bool,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Slot")
    }
}

impl Slot {
    /// That of the connection that was made last on this thread.
    pub(crate) fn of_last() -> Option<Self> {
        LAST.take()
    }

    /// What encrypts our packets and decrypts the remote's reports; `None` before the handshake is through.
    pub(crate) fn keys(&self) -> Option<(Protector, Unprotector)> {
        let Material { profile, bytes, client } = self.0.get()?;
        Some((Protector::new(*profile, bytes, *client)?, Unprotector::new(*profile, bytes, *client)?))
    }
}

/// str0m's usual cryptography, listened to.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static LISTENING: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || {
        let usual = str0m::crypto::from_feature_flags();
        let listening = Box::leak(Box::new(Listening(usual.dtls_provider)));
        Arc::new(CryptoProvider { dtls_provider: listening, ..usual })
    };
    Arc::clone(LISTENING.get_or_init(make))
}

#[derive(Debug)]
struct Listening(&'static dyn DtlsProvider);

impl DtlsProvider for Listening {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, str0m::crypto::CryptoError> {
        let usual = self.0.new_dtls(certificate, now, version, mtu)?;
        let slot = Slot::default();
        LAST.set(Some(slot.clone()));
        Ok(Box::new(Listener { usual, slot }))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

/// What we call a profile; `None`: one that we do not know.
fn ours(profile: SrtpProfile) -> Option<Profile> {
    match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Aes128CmSha1_80),
        SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
        SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
        _ => None,
    }
}

#[derive(Debug)]
struct Listener {
    usual: Box<dyn DtlsInstance>,
    slot: Slot,
}

impl DtlsInstance for Listener {
    fn set_active(&mut self, active: bool) {
        self.usual.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.usual.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let client = self.usual.is_active();
        let output = self.usual.poll_output(buffer);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output
            && let Some(profile) = ours(*profile)
        {
            // A connection has one handshake; keys of another would be for numbers that were used already.
            let _ = self.slot.0.set(Material { profile, bytes: material.to_vec(), client });
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.usual.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.usual.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.usual.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.usual.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.usual.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.usual.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.usual.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the handshake has chosen: the other end opens what we encrypt.
    #[test]
    fn each_profile_has_its_keys() {
        for chosen in [SrtpProfile::AES128_CM_SHA1_80, SrtpProfile::AEAD_AES_128_GCM, SrtpProfile::AEAD_AES_256_GCM] {
            let profile = ours(chosen).expect("offered by str0m");
            let bytes: Vec<u8> = (0..).take(chosen.keying_material_len()).collect();
            let [(mut protector, _), (_, mut unprotector)] = [true, false].map(|client| {
                let slot = Slot::default();
                assert!(slot.0.set(Material { profile, bytes: bytes.clone(), client }).is_ok());
                slot.keys().expect("as long as the handshake makes them")
            });
            let mut report = Vec::new();
            rtp::rtcp::write_empty_receiver_report(&mut report, 7);
            let mut clear = Vec::new();
            protector.rtcp(&mut report).unwrap();
            assert!(unprotector.rtcp(&report, &mut clear).is_some(), "{chosen:?}");
        }
    }
}
