//! Long-term credentials (RFC 8489, section 9.2) with user names that expire, as in "A REST API for Access to TURN
//! Services" (draft-uberti-behave-turn-rest): `expiry:name`, and a password that follows from it and a secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kit::{Secret, turn_password};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::message::long_term_key;

/// What clients are told to mix into their key.
pub(crate) const REALM: &str = "heydok";
/// Bytes of a user name at most; ours have about thirty.
const USER_NAME_BYTES_MAX: usize = 128;
/// Seconds that a nonce is good for.
const NONCE_SECONDS: u64 = 600;
/// Characters of a nonce: when it was made, and a seal over that and the path.
const NONCE_TIME_CHARS: usize = 8;
const NONCE_CHARS: usize = 24;

/// A user name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User<'a> {
    /// Seconds since 1970.
    pub(crate) expires_at: u64,
    /// Who it was made for.
    pub(crate) name: &'a str,
}

/// `None` for what we have never made.
pub(crate) fn user(user_name: &str) -> Option<User<'_>> {
    let (expires_at, name) = user_name.split_once(':').filter(|_| user_name.len() <= USER_NAME_BYTES_MAX)?;
    Some(User { expires_at: expires_at.parse().ok()?, name })
}

/// What MESSAGE-INTEGRITY is made with.
pub(crate) fn key(secret: &Secret, user_name: &str) -> [u8; 16] {
    long_term_key(user_name, REALM, &turn_password(secret, user_name))
}

/// A nonce for one path. Nobody can use it who does not receive what is sent there.
pub(crate) fn nonce(secret: &Secret, path: &str, unix_s: u64) -> String {
    let time = format!("{:08x}", unix_s & 0xffff_ffff);
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("nonce {time} {path}").as_bytes());
    let seal = mac.finalize().into_bytes();
    seal[..(NONCE_CHARS - NONCE_TIME_CHARS) / 2].iter().fold(time, |text, byte| text + &format!("{byte:02x}"))
}

/// Whether we made this nonce for this path, and lately.
pub(crate) fn is_fresh(secret: &Secret, path: &str, unix_s: u64, found: &[u8]) -> bool {
    let time = found.get(..NONCE_TIME_CHARS).and_then(|time| std::str::from_utf8(time).ok());
    let Some(made_at) = time.and_then(|time| u64::from_str_radix(time, 16).ok()) else {
        return false;
    };
    let age = (unix_s & 0xffff_ffff).checked_sub(made_at);
    let expected = nonce(secret, path, made_at);
    age.is_some_and(|age| age <= NONCE_SECONDS) && bool::from(expected.as_bytes().ct_eq(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_we_never_made_are_refused() {
        assert_eq!(user("1700000000:PA_anna"), Some(User { expires_at: 1_700_000_000, name: "PA_anna" }));
        for strange in ["", "anna", "x:anna", ":anna", "-1:anna"] {
            assert_eq!(user(strange), None, "{strange}");
        }
        assert_eq!(user(&format!("1:{}", "a".repeat(200))), None);
        assert_ne!(key(&Secret::new("one"), "1:a"), key(&Secret::new("other"), "1:a"));
    }

    #[test]
    fn a_nonce_is_good_for_its_path_and_its_time() {
        let made = nonce(&Secret::new("secret"), "path", 1_700_000_000);
        let fresh = |secret: &Secret, path: &str, at, nonce: &str| is_fresh(secret, path, at, nonce.as_bytes());
        assert!(fresh(&Secret::new("secret"), "path", 1_700_000_600, &made));
        assert!(!fresh(&Secret::new("secret"), "path", 1_700_000_601, &made));
        assert!(!fresh(&Secret::new("secret"), "path", 1_699_999_999, &made), "nobody has made it yet");
        assert!(!fresh(&Secret::new("secret"), "elsewhere", 1_700_000_000, &made));
        assert!(!fresh(&Secret::new("other"), "path", 1_700_000_000, &made));
        assert!(!fresh(&Secret::new("secret"), "path", 1_700_000_000, "6553f10"));
        assert!(!fresh(&Secret::new("secret"), "path", 1_700_000_000, ""));
        assert_eq!(made.len(), NONCE_CHARS);
    }
}
