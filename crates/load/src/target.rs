//! The server under load.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use kit::{Clock as _, Secret, SystemClock};
use livekit_protocol as proto;
use prost::Message as _;
use signal::token::{Claims, VideoGrant, sign};
use url::Url;

use crate::error::LoadError;

/// How long tokens are good for. A run is over much earlier.
const TOKEN_LIFE: Duration = Duration::from_secs(6 * 3600);

/// A LiveKit server and the key that signs for it.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    key: String,
    secret: Secret,
}

impl Target {
    /// `url` as servers print it (`http://`, `https://`) or as clients are given it (`ws://`, `wss://`).
    pub fn new(url: &str, key: &str, secret: &str) -> Result<Self, LoadError> {
        let refused = || LoadError::Url { url: url.to_owned() };
        let mut parsed = Url::parse(url).map_err(|_| refused())?;
        let scheme = match parsed.scheme() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(refused()),
        };
        parsed.set_scheme(scheme).map_err(|()| refused())?;
        if parsed.host_str().is_none() {
            return Err(refused());
        }
        if !parsed.path().ends_with('/') {
            let path = format!("{}/", parsed.path());
            parsed.set_path(&path);
        }
        Ok(Self { url: parsed, key: key.to_owned(), secret: Secret::new(secret) })
    }

    /// The address, without any secret in it.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Host and port, to find the way there.
    pub(crate) fn authority(&self) -> (String, u16) {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.url.port_or_known_default().unwrap_or(443))
    }

    /// A token that may do everything a participant may do in `room`.
    pub(crate) fn token(&self, room: &str, identity: &str) -> String {
        let expiry = SystemClock.now().plus(TOKEN_LIFE).as_seconds();
        let claims = Claims {
            iss: self.key.clone(),
            sub: identity.to_owned(),
            exp: u64::try_from(expiry).ok(),
            video: Some(VideoGrant { room_join: true, room: room.to_owned(), ..VideoGrant::default() }),
            ..Claims::default()
        };
        sign(&claims, self.secret.expose())
    }

    /// The address of the signalling WebSocket with `join` inside (`/rtc/v1`).
    pub(crate) fn signal_url(&self, join: &proto::JoinRequest) -> Result<Url, LoadError> {
        let wrapped = proto::WrappedJoinRequest {
            compression: proto::wrapped_join_request::Compression::Gzip as i32,
            join_request: gzip(&join.encode_to_vec())?,
        };
        let mut url = self.url.join("rtc/v1").map_err(|_| LoadError::Url { url: self.url.to_string() })?;
        url.query_pairs_mut().append_pair("join_request", &URL_SAFE.encode(wrapped.encode_to_vec()));
        Ok(url)
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use signal::token::{ApiKeys, verify};

    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        let url = |text| Target::new(text, "k", "s").map(|target| target.url().to_owned()).ok();
        assert_eq!(url("http://localhost:7880").as_deref(), Some("ws://localhost:7880/"));
        assert_eq!(url("wss://h/prefix").as_deref(), Some("wss://h/prefix/"));
        assert_eq!(url("ftp://h"), None);
        assert_eq!(url("localhost:7880"), None);
        let target = Target::new("https://[::1]", "k", "s").unwrap();
        assert_eq!(target.authority(), ("::1".to_owned(), 443));
        let joined = target.signal_url(&proto::JoinRequest::default()).unwrap();
        assert!(joined.as_str().starts_with("wss://[::1]/rtc/v1?join_request="), "{joined}");
    }

    #[test]
    fn the_token_opens_one_room() {
        let target = Target::new("ws://h", "key", "secret").unwrap();
        let keys = ApiKeys::new(vec![("key".into(), "secret".into())]);
        let now = u64::try_from(SystemClock.now().as_seconds()).unwrap();
        let claims = verify(&target.token("room", "me"), &keys, now).unwrap();
        assert_eq!((claims.identity(), claims.grant().room.as_str()), ("me", "room"));
        assert!(!format!("{target:?}").contains("secret\""));
    }
}
