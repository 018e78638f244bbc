//! The parameters of a connection: `join_request`, or the query of `/rtc` put into the same message.

use std::collections::HashMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use flate2::read::GzDecoder;
use livekit_protocol as proto;
use livekit_protocol::client_info::{Capability, Sdk};
use livekit_protocol::wrapped_join_request::Compression;
use prost::Message as _;

/// Bytes of a join request at most, after decompression: livekit-server's limit.
const JOIN_REQUEST_BYTES_MAX: u64 = 1024 * 1024;

/// URL-safe base64 as the clients write it: some keep the padding, some do not.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why parameters cannot be read: the text of a 400, as livekit-server words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    #[error("join_request is required")]
    Missing,
    #[error("cannot base64 decode wrapped join request")]
    Base64,
    #[error("cannot unmarshal wrapped join request")]
    Wrapper,
    #[error("join request too large")]
    TooLarge,
    #[error("cannot read decompressed join request")]
    Gzip,
    #[error("cannot unmarshal join request")]
    Request,
    #[error("cannot decode attributes")]
    Attributes,
}

/// Query parameters by name; the first value of each counts.
#[derive(Debug, Default)]
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let mut all = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            all.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(all)
    }

    /// A parameter, absent where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    fn number(&self, name: &str) -> i32 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| matches!(value, "1" | "true"))
    }
}

/// Reads `join_request`: base64 of a `WrappedJoinRequest`, whose content may be compressed.
pub(crate) fn decode(join_request: &str) -> Result<proto::JoinRequest, JoinError> {
    let wrapped = URL_SAFE.decode(join_request).map_err(|_| JoinError::Base64)?;
    let wrapped = proto::WrappedJoinRequest::decode(wrapped.as_slice()).map_err(|_| JoinError::Wrapper)?;
    let bytes = match Compression::try_from(wrapped.compression) {
        Ok(Compression::Gzip) => decompress(&wrapped.join_request)?,
        Ok(Compression::None) => wrapped.join_request,
        Err(_) => return Err(JoinError::Wrapper),
    };
    if bytes.len() as u64 > JOIN_REQUEST_BYTES_MAX {
        return Err(JoinError::TooLarge);
    }
    proto::JoinRequest::decode(bytes.as_slice()).map_err(|_| JoinError::Request)
}

fn decompress(compressed: &[u8]) -> Result<Vec<u8>, JoinError> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know, whatever the archive claims about itself.
    let mut reader = GzDecoder::new(compressed).take(JOIN_REQUEST_BYTES_MAX + 1);
    reader.read_to_end(&mut bytes).map_err(|_| JoinError::Gzip)?;
    Ok(bytes)
}

/// Puts the query of `/rtc` into a join request. `strict` makes unreadable attributes an error (`validate`).
pub(crate) fn from_query(query: &Query, strict: bool) -> Result<proto::JoinRequest, JoinError> {
    let attributes = match query.get("attributes").map(attributes) {
        None => HashMap::new(),
        Some(Ok(attributes)) => attributes,
        Some(Err(error)) if strict => return Err(error),
        Some(Err(_)) => HashMap::new(),
    };
    let reconnect = query.flag("reconnect").unwrap_or_default();
    Ok(proto::JoinRequest {
        client_info: Some(client_info(query)),
        connection_settings: Some(proto::ConnectionSettings {
            auto_subscribe: query.flag("auto_subscribe").unwrap_or(true),
            adaptive_stream: query.flag("adaptive_stream").unwrap_or_default(),
            subscriber_allow_pause: query.flag("subscriber_allow_pause"),
            disable_ice_lite: query.flag("disable_ice_lite").unwrap_or_default(),
            auto_subscribe_data_track: query.flag("auto_subscribe_data_track"),
        }),
        participant_attributes: attributes,
        reconnect,
        reconnect_reason: query.number("reconnect_reason"),
        participant_sid: if reconnect { query.text("sid") } else { String::new() },
        ..proto::JoinRequest::default()
    })
}

fn attributes(encoded: &str) -> Result<HashMap<String, String>, JoinError> {
    let bytes = URL_SAFE.decode(encoded).map_err(|_| JoinError::Attributes)?;
    serde_json::from_slice(&bytes).map_err(|_| JoinError::Attributes)
}

fn client_info(query: &Query) -> proto::ClientInfo {
    let capabilities = query.get("capabilities").unwrap_or_default().split(',');
    proto::ClientInfo {
        sdk: sdk(query.get("sdk").unwrap_or_default()).into(),
        version: query.text("version"),
        protocol: query.number("protocol"),
        os: query.text("os"),
        os_version: query.text("os_version"),
        device_model: query.text("device_model"),
        browser: query.text("browser"),
        browser_version: query.text("browser_version"),
        network: query.text("network"),
        other_sdks: query.text("other_sdks"),
        client_protocol: query.number("client_protocol"),
        capabilities: capabilities.filter_map(|name| Capability::from_str_name(name.trim())).map(Into::into).collect(),
        ..proto::ClientInfo::default()
    }
}

fn sdk(name: &str) -> Sdk {
    match name {
        "js" => Sdk::Js,
        "ios" | "swift" => Sdk::Swift,
        "android" => Sdk::Android,
        "flutter" => Sdk::Flutter,
        "go" => Sdk::Go,
        "unity" => Sdk::Unity,
        "reactnative" => Sdk::ReactNative,
        "rust" => Sdk::Rust,
        "python" => Sdk::Python,
        "cpp" => Sdk::Cpp,
        "unityweb" => Sdk::UnityWeb,
        "node" => Sdk::Node,
        "esp32" => Sdk::Esp32,
        _ => Sdk::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::{URL_SAFE as PADDED, URL_SAFE_NO_PAD};
    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn wrapped(compression: Compression, join_request: Vec<u8>) -> Vec<u8> {
        proto::WrappedJoinRequest { compression: compression.into(), join_request }.encode_to_vec()
    }

    fn request() -> proto::JoinRequest {
        proto::JoinRequest { metadata: "m".into(), participant_sid: "PA_x".into(), ..Default::default() }
    }

    #[test]
    fn every_form_that_clients_use_is_read() {
        let plain = wrapped(Compression::None, request().encode_to_vec());
        let zipped = wrapped(Compression::Gzip, gzip(&request().encode_to_vec()));
        for form in [PADDED.encode(&plain), URL_SAFE_NO_PAD.encode(&plain), PADDED.encode(&zipped)] {
            assert_eq!(decode(&form), Ok(request()), "{form}");
        }
    }

    #[test]
    fn each_defect_has_its_text() {
        let bomb = gzip(&vec![0; 8 * 1024 * 1024]);
        let cases = [
            ("%%%".to_owned(), JoinError::Base64),
            (PADDED.encode([0xff, 0xff]), JoinError::Wrapper),
            (PADDED.encode([0x08, 0x07]), JoinError::Wrapper),
            (PADDED.encode(wrapped(Compression::Gzip, bomb)), JoinError::TooLarge),
            (PADDED.encode(wrapped(Compression::None, vec![0; 1024 * 1024 + 1])), JoinError::TooLarge),
            (PADDED.encode(wrapped(Compression::Gzip, vec![1, 2, 3])), JoinError::Gzip),
            (PADDED.encode(wrapped(Compression::None, vec![0xff])), JoinError::Request),
        ];
        for (text, expected) in cases {
            assert_eq!(decode(&text), Err(expected));
        }
    }

    #[test]
    fn the_query_of_rtc_becomes_a_join_request() {
        let query = Query::parse(
            "protocol=16&client_protocol=1&sdk=flutter&version=2.1&os=ios&auto_subscribe=0&adaptive_stream=1\
             &subscriber_allow_pause=0&reconnect=1&sid=PA_7&reconnect_reason=3&capabilities=CAP_PACKET_TRAILER,NEW\
             &device_model=a%20b+c&attributes=eyJhIjoiYiJ9",
        );
        let join = from_query(&query, true).unwrap();
        let (client, settings) = (join.client_info.unwrap(), join.connection_settings.unwrap());
        assert_eq!((client.protocol, client.client_protocol, client.sdk()), (16, 1, Sdk::Flutter));
        assert_eq!((client.device_model.as_str(), client.capabilities.len()), ("a b c", 1));
        assert_eq!((settings.auto_subscribe, settings.adaptive_stream), (false, true));
        assert_eq!((settings.subscriber_allow_pause, settings.auto_subscribe_data_track), (Some(false), None));
        assert_eq!((join.reconnect, join.participant_sid.as_str(), join.reconnect_reason), (true, "PA_7", 3));
        assert_eq!(join.participant_attributes.get("a").map(String::as_str), Some("b"));
    }

    #[test]
    fn subscribing_is_the_default_and_broken_attributes_only_matter_to_validate() {
        let query = Query::parse("attributes=!&sid=PA_1");
        assert_eq!(from_query(&query, true), Err(JoinError::Attributes));
        let join = from_query(&query, false).unwrap();
        assert!(join.connection_settings.unwrap().auto_subscribe && join.participant_attributes.is_empty());
        assert_eq!(join.participant_sid, "", "a sid counts only with reconnect");
    }
}
