//! Values that must not be printed, and their digests.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Entropy;

/// A text that shows itself to nobody: `Debug` and `Display` print `[secret]`. [`Secret::expose`] is the only way to it,
/// so that each use can be found by its name.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Never log what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in characters, for rules about secrets that are too short.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal_in_constant_time(&self.0, &other.0)
    }
}

impl Eq for Secret {}

/// Whether two texts are equal, without telling by the time it takes where they differ. Their lengths are not hidden.
pub fn equal_in_constant_time(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// A new capability: 32 random bytes as 43 characters of base64url. Store only its [`token_digest`].
pub fn new_token(entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes);
    Secret(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a capability: SHA-256 in lower-case hex. Enough without salt, because the input has 256 random bits.
pub fn token_digest(token: &str) -> String {
    sha256_hex(token.as_bytes())
}

/// The password of a TURN user name, base64 of HMAC-SHA1 (draft-uberti-behave-turn-rest): whoever shares the secret derives
/// the same, so that nothing is kept of it.
pub fn turn_password(secret: &Secret, user_name: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(user_name.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// SHA-256 in lower-case hex, 64 characters.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SeededEntropy, SystemEntropy};

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[secret] [secret] Some([secret])");
        assert_eq!(secret.expose(), "correct horse");
    }

    #[test]
    fn secrets_compare_by_value() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("aa"));
    }

    #[test]
    fn tokens_have_43_characters_and_differ() {
        let first = new_token(&SystemEntropy);
        assert_eq!(first.chars(), 43);
        assert_ne!(first, new_token(&SystemEntropy));
        assert_eq!(new_token(&*SeededEntropy::new(1)), new_token(&*SeededEntropy::new(1)));
    }

    #[test]
    fn digests_are_sha_256_in_hex() {
        assert_eq!(token_digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    /// `printf %s '1700000000:anna' | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn turn_passwords_are_what_others_derive() {
        assert_eq!(turn_password(&Secret::new("north"), "1700000000:anna"), "WS1fjjHj2gNlXzhc/ZcwmC3ofIo=");
    }
}
