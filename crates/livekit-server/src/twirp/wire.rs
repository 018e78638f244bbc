//! The two encodings of a Twirp message.

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::TwirpError;

/// How a request is written; the answer is written alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// proto-JSON.
    Json,
    Protobuf,
}

impl Encoding {
    /// Reads the media type; parameters such as a charset do not matter.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "application/protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/protobuf",
        }
    }

    pub(super) fn decode<T: Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<T, TwirpError> {
        match self {
            Self::Json => {
                serde_json::from_slice(body).map_err(|_| TwirpError::malformed("the json request could not be decoded"))
            }
            Self::Protobuf => {
                T::decode(body).map_err(|_| TwirpError::malformed("the protobuf request could not be decoded"))
            }
        }
    }

    pub(super) fn encode<T: Message + Serialize>(self, message: &T) -> Result<Vec<u8>, TwirpError> {
        match self {
            Self::Json => {
                serde_json::to_vec(message).map_err(|_| TwirpError::internal("the answer could not be written"))
            }
            Self::Protobuf => Ok(message.encode_to_vec()),
        }
    }
}
