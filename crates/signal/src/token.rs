//! LiveKit access tokens: JSON Web Tokens (RFC 7519) signed with HS256.
//!
//! The one place that makes and reads room tokens: the embedded server verifies with it, the product signs with it, and
//! both agree with the published server SDKs (docs.livekit.io, "Authentication").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Longest token read, in bytes. The published SDKs make tokens under 2 kB; metadata may add to it.
pub const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Allowed difference between our clock and the signer's, in seconds.
const LEEWAY_S: u64 = 60;

/// API keys and their secrets.
#[derive(Clone)]
pub struct ApiKeys {
    /// Key name to secret, in order of preference: the first one signs.
    keys: Vec<(String, String)>,
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.keys.iter().map(|(key, _)| key)).finish()
    }
}

impl ApiKeys {
    /// Keeps `keys` (name, secret); the first one signs what the server itself makes.
    pub fn new(keys: Vec<(String, String)>) -> Self {
        Self { keys }
    }

    /// The secret of `key`.
    pub fn secret(&self, key: &str) -> Option<&str> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, secret)| secret.as_str())
    }

    /// All pairs of name and secret, in order of preference.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.keys
    }

    /// The pair that signs, if there is any.
    pub fn signer(&self) -> Option<(&str, &str)> {
        self.keys.first().map(|(key, secret)| (key.as_str(), secret.as_str()))
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("token is malformed")]
    Malformed,
    #[error("token is not signed with HS256")]
    Algorithm,
    #[error("token names an unknown API key")]
    UnknownKey,
    #[error("token signature is wrong")]
    Signature,
    #[error("token is expired or has no expiry")]
    Expired,
    #[error("token is not valid yet")]
    NotYetValid,
}

/// The payload of a token. Times are seconds since 1970 (RFC 7519 NumericDate).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// API key that signed it.
    #[serde(default)]
    pub iss: String,
    /// Identity of the participant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "numeric_date")]
    pub exp: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "numeric_date")]
    pub nbf: Option<u64>,
    /// Display name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Base64 SHA-256 of a webhook body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoGrant>,
    /// `RoomConfiguration` in proto-JSON, applied when the token's holder makes the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_config: Option<serde_json::Value>,
}

/// What the holder may do (LiveKit "video grant"). The `can_*` options are tri-state: absent means yes, except
/// `can_update_own_metadata`, where absent means no.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoGrant {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_create: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_list: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_record: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_admin: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_join: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// Sources that may be published (`camera`, `microphone`, `screen_share`, `screen_share_audio`); empty = all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ingress_admin: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recorder: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub agent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe_metrics: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_room: String,
}

impl Claims {
    /// `sub`, or `jti` as older SDKs put it.
    pub fn identity(&self) -> &str {
        if self.sub.is_empty() { &self.jti } else { &self.sub }
    }

    /// The video grant, empty where the token has none.
    pub fn grant(&self) -> VideoGrant {
        self.video.clone().unwrap_or_default()
    }
}

/// Some SDKs write NumericDate as a floating-point number.
fn numeric_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    // Saturating: a negative or absurd date becomes 0 or u64::MAX, both of which fail validation where it matters.
    Ok(number.map(|seconds| seconds as u64))
}

/// Signs `claims` with `secret` as a compact JWS. `claims.iss` must name the key that `secret` belongs to.
pub fn sign(claims: &Claims, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, signed.as_bytes()).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Verifies algorithm, key, signature, `exp` (required) and `nbf` against `unix_s`, the wall clock in seconds.
pub fn verify(token: &str, keys: &ApiKeys, unix_s: u64) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = decode(header)?;
    if header.alg != "HS256" {
        return Err(TokenError::Algorithm);
    }
    let claims: Claims = decode(payload)?;
    let secret = keys.secret(&claims.iss).ok_or(TokenError::UnknownKey)?;
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| TokenError::Malformed)?;
    mac(secret, signed.as_bytes()).verify_slice(&signature).map_err(|_| TokenError::Signature)?;
    if claims.exp.is_none_or(|exp| exp.saturating_add(LEEWAY_S) <= unix_s) {
        return Err(TokenError::Expired);
    }
    if claims.nbf.is_some_and(|nbf| nbf > unix_s.saturating_add(LEEWAY_S)) {
        return Err(TokenError::NotYetValid);
    }
    Ok(claims)
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

fn mac(secret: &str, data: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104), so this cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(data);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn keys() -> ApiKeys {
        ApiKeys::new(vec![("key".into(), "secret-of-sufficient-length".into())])
    }

    fn claims() -> Claims {
        Claims {
            iss: "key".into(),
            sub: "guest-12345678".into(),
            exp: Some(NOW + 600),
            video: Some(VideoGrant { room_join: true, room: "meeting-x".into(), ..VideoGrant::default() }),
            ..Claims::default()
        }
    }

    /// What is signed can be read back; each single defect is named by its own error.
    #[test]
    fn each_defect_has_its_error() {
        let good = sign(&claims(), "secret-of-sufficient-length");
        assert_eq!(verify(&good, &keys(), NOW), Ok(claims()));
        assert_eq!(verify(&sign(&claims(), "other"), &keys(), NOW), Err(TokenError::Signature));
        assert_eq!(verify(&good, &keys(), NOW + 661), Err(TokenError::Expired));
        let unknown = Claims { iss: "nobody".into(), ..claims() };
        assert_eq!(verify(&sign(&unknown, "secret-of-sufficient-length"), &keys(), NOW), Err(TokenError::UnknownKey));
        let early = Claims { nbf: Some(NOW + 120), ..claims() };
        assert_eq!(verify(&sign(&early, "secret-of-sufficient-length"), &keys(), NOW), Err(TokenError::NotYetValid));
        let endless = Claims { exp: None, ..claims() };
        assert_eq!(verify(&sign(&endless, "secret-of-sufficient-length"), &keys(), NOW), Err(TokenError::Expired));
        let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#), good.split('.').nth(1).unwrap());
        assert_eq!(verify(&none, &keys(), NOW), Err(TokenError::Algorithm));
        for broken in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert_eq!(verify(broken, &keys(), NOW), Err(TokenError::Malformed), "{broken}");
        }
    }
}
