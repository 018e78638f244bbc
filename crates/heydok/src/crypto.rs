//! Encryption of columns: `v1:<data key id>:<nonce>:<ciphertext>`, XChaCha20-Poly1305, bound to table, column and row.
//!
//! Data keys are random, one or more for each purpose, and stand in the database wrapped by a key that HKDF-SHA256 makes of
//! ENCRYPTION_KEY. So that key can be changed without rewriting what is encrypted.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use kit::{Entropy, Secret};
use sha2::Sha256;

/// Bytes of an XChaCha20 nonce; long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;

/// What the canary says, so that the wrong key is noticed before anything is read with it.
const CANARY: &[u8] = b"heydok";

/// Why something could not be decrypted. Says nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The text is not of the form that we write.
    #[error("the value is not an encrypted column")]
    Malformed,
    /// The data key is not among the known ones.
    #[error("the value was encrypted with an unknown data key")]
    UnknownKey,
    /// Wrong key, or the value was changed or moved to another row.
    #[error("the value does not belong to this key and place")]
    Refused,
}

/// The place of a value; a value moved elsewhere does not decrypt.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name of the table.
    pub table: &'a str,
    /// Name of the column.
    pub column: &'a str,
    /// Id of the row.
    pub row: &'a str,
}

impl Place<'_> {
    fn additional_data(&self) -> Vec<u8> {
        format!("{}\n{}\n{}", self.table, self.column, self.row).into_bytes()
    }
}

/// The key made of ENCRYPTION_KEY. It wraps data keys and does nothing else.
pub struct WrappingKey(XChaCha20Poly1305);

impl std::fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrappingKey([secret])")
    }
}

impl WrappingKey {
    /// Derives the key from ENCRYPTION_KEY.
    pub fn new(encryption_key: &Secret) -> Self {
        let mut key = [0_u8; 32];
        // Fails only for outputs above 255 hashes; this is one.
        let expanded =
            Hkdf::<Sha256>::new(None, encryption_key.expose().as_bytes()).expand(b"heydok data keys v1", &mut key);
        debug_assert!(expanded.is_ok());
        Self(XChaCha20Poly1305::new(&Key::from(key)))
    }

    /// Draws a data key for `id` and gives it in the form that the database keeps.
    pub fn new_data_key(&self, id: &str, entropy: &dyn Entropy) -> String {
        let mut key = [0_u8; 32];
        entropy.fill(&mut key);
        seal(&self.0, "wrap", &data_key_place(id), &key, entropy)
    }

    /// A value that only this key opens.
    pub fn canary(&self, entropy: &dyn Entropy) -> String {
        seal(&self.0, "canary", CANARY, CANARY, entropy)
    }

    /// Whether `canary` was written with this key (rule R-8).
    pub fn opens(&self, canary: &str) -> bool {
        open(&self.0, "canary", CANARY, canary).is_ok_and(|text| text == CANARY)
    }

    /// A data key that `old` wrapped, wrapped by this key.
    ///
    /// # Errors
    /// Where `old` does not open it.
    pub fn rewrap(&self, old: &Self, id: &str, wrapped: &str, entropy: &dyn Entropy) -> Result<String, CryptoError> {
        let key = open(&old.0, "wrap", &data_key_place(id), wrapped)?;
        Ok(seal(&self.0, "wrap", &data_key_place(id), &key, entropy))
    }

    fn unwrap_data_key(&self, id: &str, wrapped: &str) -> Result<XChaCha20Poly1305, CryptoError> {
        let bytes = open(&self.0, "wrap", &data_key_place(id), wrapped)?;
        let key: [u8; 32] = bytes.try_into().map_err(|_| CryptoError::Malformed)?;
        Ok(XChaCha20Poly1305::new(&Key::from(key)))
    }
}

fn data_key_place(id: &str) -> Vec<u8> {
    Place { table: "data_keys", column: "wrapped", row: id }.additional_data()
}

/// The data keys of one purpose: the newest encrypts, all decrypt.
pub struct Cipher {
    active: String,
    keys: BTreeMap<String, XChaCha20Poly1305>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Cipher {
    /// Opens wrapped data keys (id and wrapped text); the last one encrypts.
    ///
    /// # Errors
    /// A key that the wrapping key does not open, or no key at all.
    pub fn open(wrapping: &WrappingKey, wrapped: &[(String, String)]) -> Result<Self, CryptoError> {
        let (active, _) = wrapped.last().ok_or(CryptoError::UnknownKey)?;
        let keys = wrapped
            .iter()
            .map(|(id, text)| Ok((id.clone(), wrapping.unwrap_data_key(id, text)?)))
            .collect::<Result<_, CryptoError>>()?;
        Ok(Self { active: active.clone(), keys })
    }

    /// Name of the key that encrypts.
    pub fn active(&self) -> &str {
        &self.active
    }

    /// Encrypts `plaintext` for its place.
    pub fn encrypt(&self, place: Place<'_>, plaintext: &str, entropy: &dyn Entropy) -> String {
        // `open` put the active key into the map.
        let key = &self.keys[&self.active];
        seal(key, &self.active, &place.additional_data(), plaintext.as_bytes(), entropy)
    }

    /// Decrypts what [`Cipher::encrypt`] wrote for the same place.
    ///
    /// # Errors
    /// Where the text is none of ours, or was written with another key or for another place.
    pub fn decrypt(&self, place: Place<'_>, text: &str) -> Result<String, CryptoError> {
        let id = text.split(':').nth(1).ok_or(CryptoError::Malformed)?;
        let key = self.keys.get(id).ok_or(CryptoError::UnknownKey)?;
        let plaintext = open(key, id, &place.additional_data(), text)?;
        String::from_utf8(plaintext).map_err(|_| CryptoError::Malformed)
    }
}

fn seal(key: &XChaCha20Poly1305, id: &str, place: &[u8], plaintext: &[u8], entropy: &dyn Entropy) -> String {
    let mut nonce = [0_u8; NONCE_BYTES];
    entropy.fill(&mut nonce);
    let payload = Payload { msg: plaintext, aad: place };
    // Encryption fails only above 256 GiB, and bodies end at 256 KiB.
    let ciphertext = key.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
    format!("v1:{id}:{}:{}", URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(ciphertext))
}

fn open(key: &XChaCha20Poly1305, id: &str, place: &[u8], text: &str) -> Result<Vec<u8>, CryptoError> {
    let mut parts = text.split(':');
    let (Some("v1"), Some(written_id), Some(nonce), Some(ciphertext), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(CryptoError::Malformed);
    };
    if written_id != id {
        return Err(CryptoError::UnknownKey);
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| CryptoError::Malformed);
    let nonce: [u8; NONCE_BYTES] = decode(nonce)?.try_into().map_err(|_| CryptoError::Malformed)?;
    let payload = Payload { msg: &decode(ciphertext)?, aad: place };
    key.decrypt(&XNonce::from(nonce), payload).map_err(|_| CryptoError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::SystemEntropy;

    const PLACE: Place<'_> = Place { table: "chat_messages", column: "text", row: "1" };

    fn wrapping(text: &str) -> WrappingKey {
        WrappingKey::new(&Secret::new(text))
    }

    fn cipher(wrapping: &WrappingKey, ids: &[&str]) -> Cipher {
        let keys: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), wrapping.new_data_key(id, &SystemEntropy))).collect();
        Cipher::open(wrapping, &keys).unwrap()
    }

    #[test]
    fn what_is_encrypted_can_be_read_again_only_at_its_place() {
        let cipher = cipher(&wrapping("a"), &["k1"]);
        let text = cipher.encrypt(PLACE, "grüße 👋", &SystemEntropy);
        assert!(text.starts_with("v1:k1:"));
        assert_eq!(cipher.decrypt(PLACE, &text).as_deref(), Ok("grüße 👋"));
        for elsewhere in
            [Place { row: "2", ..PLACE }, Place { column: "note", ..PLACE }, Place { table: "notes", ..PLACE }]
        {
            assert_eq!(cipher.decrypt(elsewhere, &text), Err(CryptoError::Refused));
        }
        assert_ne!(text, cipher.encrypt(PLACE, "grüße 👋", &SystemEntropy), "each time another nonce");
    }

    #[test]
    fn the_newest_key_encrypts_and_older_ones_still_decrypt() {
        let wrapping = wrapping("a");
        let first = ("k1".to_owned(), wrapping.new_data_key("k1", &SystemEntropy));
        let second = ("k2".to_owned(), wrapping.new_data_key("k2", &SystemEntropy));
        let before = Cipher::open(&wrapping, std::slice::from_ref(&first)).unwrap();
        let text = before.encrypt(PLACE, "old", &SystemEntropy);
        let after = Cipher::open(&wrapping, &[first, second]).unwrap();
        assert_eq!(after.decrypt(PLACE, &text).as_deref(), Ok("old"));
        assert!(after.encrypt(PLACE, "new", &SystemEntropy).starts_with("v1:k2:"));
        assert_eq!(before.decrypt(PLACE, &after.encrypt(PLACE, "new", &SystemEntropy)), Err(CryptoError::UnknownKey));
    }

    #[test]
    fn another_encryption_key_opens_nothing() {
        let (right, wrong) = (wrapping("a"), wrapping("b"));
        let canary = right.canary(&SystemEntropy);
        assert!(right.opens(&canary));
        assert!(!wrong.opens(&canary));
        assert!(!right.opens("") && !right.opens("v1:canary:x:y"));
        let wrapped = [("k1".to_owned(), right.new_data_key("k1", &SystemEntropy))];
        assert_eq!(Cipher::open(&wrong, &wrapped).unwrap_err(), CryptoError::Refused);
        let renamed = [("k2".to_owned(), wrapped[0].1.clone())];
        assert!(Cipher::open(&right, &renamed).is_err(), "a wrapped key belongs to its id");
    }

    #[test]
    fn foreign_and_changed_texts_are_refused() {
        let cipher = cipher(&wrapping("a"), &["k1"]);
        let text = cipher.encrypt(PLACE, "hello", &SystemEntropy);
        let mut changed = text.clone().into_bytes();
        let last = changed.len() - 2;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(cipher.decrypt(PLACE, &changed), Err(CryptoError::Refused));
        for foreign in ["", "hello", "v1:k1:::", "v2:k1:a:b", "v1:k1:a", &format!("{text}:x"), "v1:k1:AAAA:AAAA"] {
            assert!(cipher.decrypt(PLACE, foreign).is_err(), "{foreign}");
        }
    }
}
