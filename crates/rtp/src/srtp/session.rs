//! Session keys of one direction, and what they do to a packet.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::Profile;
use crate::word;

/// What stays in clear of RTCP: the fixed header and the sender's SSRC (RFC 3711, section 3.4).
pub(super) const HEADER_BYTES: usize = 8;
const INDEX_BYTES: usize = 4;
const AUTHENTICATION_KEY_BYTES: usize = 20;
/// The E bit before an SRTCP index.
const ENCRYPTED: u32 = 1 << 31;

/// What the keys are for; their numbers in the key derivation (RFC 3711, section 4.3.2): encryption, authentication, salt.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

impl Kind {
    fn labels(self) -> [u8; 3] {
        match self {
            Self::Rtp => [0, 1, 2],
            Self::Rtcp => [3, 4, 5],
        }
    }
}

pub(super) struct Session {
    /// 112 bits with AES-CM, 96 bits with AES-GCM.
    salt: u128,
    tag_bytes: usize,
    cipher: Cipher,
}

enum Cipher {
    CounterMode(Box<CounterMode>),
    Gcm(LessSafeKey),
}

struct CounterMode {
    key: EncryptingKey,
    authentication: hmac::Key,
}

impl Session {
    pub(super) fn derive(profile: Profile, kind: Kind, master_key: &[u8], master_salt: &[u8]) -> Option<Self> {
        let [encryption, authentication, salt] = kind.labels();
        let mut key = [0; 32];
        let key = &mut key[..profile.key_bytes()];
        derive_key(master_key, master_salt, encryption, key)?;
        let mut authentication_key = [0; AUTHENTICATION_KEY_BYTES];
        derive_key(master_key, master_salt, authentication, &mut authentication_key)?;
        let mut session_salt = [0; 14];
        let session_salt = &mut session_salt[..profile.salt_bytes()];
        derive_key(master_key, master_salt, salt, session_salt)?;
        Self::new(profile, key, session_salt, &authentication_key)
    }

    /// With session keys; AES-GCM needs none for authentication.
    pub(super) fn new(profile: Profile, key: &[u8], salt: &[u8], authentication: &[u8]) -> Option<Self> {
        let gcm = |algorithm| UnboundKey::new(algorithm, key).ok().map(|key| Cipher::Gcm(LessSafeKey::new(key)));
        let cipher = match profile {
            Profile::Aes128CmSha1_80 => Cipher::CounterMode(Box::new(CounterMode {
                key: counter_mode(key)?,
                authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, authentication),
            })),
            Profile::AeadAes128Gcm => gcm(&AES_128_GCM)?,
            Profile::AeadAes256Gcm => gcm(&AES_256_GCM)?,
        };
        let salt = salt.iter().fold(0, |salt, byte| salt << 8 | u128::from(*byte));
        Some(Self { salt, tag_bytes: profile.tag_bytes(), cipher })
    }

    /// What differs from packet to packet in the initialisation vectors of AES-CM (RFC 3711, section 4.1.1) and of AES-GCM
    /// (RFC 7714, sections 8.1 and 9.1): the same sum, of which the former is followed by the 16 bits of its block counter.
    fn salted(&self, ssrc: u32, index: u64) -> u128 {
        self.salt ^ u128::from(ssrc) << 48 ^ u128::from(index)
    }

    pub(super) fn protect_rtp(&self, packet: &mut Vec<u8>, header_bytes: usize, ssrc: u32, index: u64) -> Option<()> {
        let salted = self.salted(ssrc, index);
        match &self.cipher {
            Cipher::CounterMode(cipher) => {
                apply_keystream(&cipher.key, salted, packet.get_mut(header_bytes..)?)?;
                // The rollover counter is authenticated, not sent (RFC 3711, section 4.2).
                let rollovers = ((index >> 16) as u32).to_be_bytes();
                let tag = cipher.authenticate(packet, &rollovers);
                packet.extend_from_slice(&tag.as_ref()[..self.tag_bytes]);
            }
            Cipher::Gcm(key) => {
                let (header, payload) = packet.split_at_mut_checked(header_bytes)?;
                let tag = key.seal_in_place_separate_tag(nonce(salted), Aad::from(header), payload).ok()?;
                packet.extend_from_slice(tag.as_ref());
            }
        }
        Some(())
    }

    pub(super) fn protect_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) -> Option<()> {
        let salted = self.salted(ssrc, u64::from(index));
        let trailer = (ENCRYPTED | index).to_be_bytes();
        match &self.cipher {
            Cipher::CounterMode(cipher) => {
                apply_keystream(&cipher.key, salted, packet.get_mut(HEADER_BYTES..)?)?;
                packet.extend_from_slice(&trailer);
                let tag = cipher.authenticate(packet, &[]);
                packet.extend_from_slice(&tag.as_ref()[..self.tag_bytes]);
            }
            Cipher::Gcm(key) => {
                let (header, body) = packet.split_first_chunk_mut()?;
                let authenticated = Aad::from(header_and_trailer(header, trailer));
                let tag = key.seal_in_place_separate_tag(nonce(salted), authenticated, body).ok()?;
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&trailer);
            }
        }
        Some(())
    }

    /// The index of a protected RTCP packet; `None` if it is too short or not encrypted.
    pub(super) fn index_of(&self, packet: &[u8]) -> Option<u32> {
        let bytes = packet.len().checked_sub(INDEX_BYTES + self.tag_bytes).filter(|bytes| *bytes >= HEADER_BYTES)?;
        // Behind the tag with AES-GCM, before it with AES-CM.
        let at = match self.cipher {
            Cipher::CounterMode(_) => bytes,
            Cipher::Gcm(_) => bytes + self.tag_bytes,
        };
        word(packet, at).filter(|trailer| trailer & ENCRYPTED != 0).map(|trailer| trailer & !ENCRYPTED)
    }

    /// Appends the packet in clear; something else if it was not authentic.
    pub(super) fn unprotect_rtcp(&self, packet: &[u8], clear: &mut Vec<u8>, ssrc: u32, index: u32) -> Option<()> {
        let salted = self.salted(ssrc, u64::from(index));
        let (sealed, rest) = packet.split_at_checked(packet.len().checked_sub(INDEX_BYTES + self.tag_bytes)?)?;
        let (header, _) = sealed.split_first_chunk()?;
        match &self.cipher {
            Cipher::CounterMode(cipher) => {
                let (trailer, tag) = rest.split_at(INDEX_BYTES);
                let expected = cipher.authenticate(sealed, trailer);
                verify_slices_are_equal(&expected.as_ref()[..self.tag_bytes], tag).ok()?;
                clear.extend_from_slice(sealed);
                apply_keystream(&cipher.key, salted, &mut clear[HEADER_BYTES..])
            }
            Cipher::Gcm(key) => {
                let (tag, trailer) = rest.split_at(self.tag_bytes);
                let authenticated = Aad::from(header_and_trailer(header, *trailer.first_chunk()?));
                clear.extend_from_slice(sealed);
                let body = &mut clear[HEADER_BYTES..];
                key.open_in_place_separate_tag(nonce(salted), authenticated, tag, body).ok().map(|_| ())
            }
        }
    }
}

impl CounterMode {
    /// The whole HMAC-SHA1 of `packet` and what follows it, of which the profile takes the first bytes.
    fn authenticate(&self, packet: &[u8], following: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(following);
        context.sign()
    }
}

/// What AES-GCM authenticates of RTCP besides what it encrypts (RFC 7714, section 9.2).
fn header_and_trailer(header: &[u8; HEADER_BYTES], trailer: [u8; INDEX_BYTES]) -> [u8; HEADER_BYTES + INDEX_BYTES] {
    let mut both = [0; HEADER_BYTES + INDEX_BYTES];
    both[..HEADER_BYTES].copy_from_slice(header);
    both[HEADER_BYTES..].copy_from_slice(&trailer);
    both
}

fn nonce(salted: u128) -> Nonce {
    let [_, _, _, _, nonce @ ..] = salted.to_be_bytes();
    Nonce::assume_unique_for_key(nonce)
}

fn counter_mode(key: &[u8]) -> Option<EncryptingKey> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()
}

/// Encrypts and decrypts `bytes` (RFC 3711, section 4.1.1).
fn apply_keystream(key: &EncryptingKey, salted: u128, bytes: &mut [u8]) -> Option<()> {
    let vector = EncryptionContext::Iv128((salted << 16).to_be_bytes().into());
    key.less_safe_encrypt(bytes, vector).ok().map(|_| ())
}

/// Fills `derived` (RFC 3711, section 4.3.1, at derivation rate 0). A salt of 96 bits has zeros behind it (RFC 7714,
/// section 11).
pub(super) fn derive_key(master_key: &[u8], master_salt: &[u8], label: u8, derived: &mut [u8]) -> Option<()> {
    let mut salt = [0; 16];
    salt[2..].get_mut(..master_salt.len())?.copy_from_slice(master_salt);
    derived.fill(0);
    apply_keystream(&counter_mode(master_key)?, u128::from_be_bytes(salt) ^ u128::from(label) << 48, derived)
}
