//! Signalling messages as frames: protobuf in binary frames, proto-JSON in text frames.

use livekit_protocol as proto;
use prost::Message as _;

use crate::seam::Frame;

/// A frame that is no signalling message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a client's frame. Unknown members come out as `message: None`.
pub(crate) fn decode(frame: &Frame, bytes_max: usize) -> Result<proto::SignalRequest, Malformed> {
    match frame {
        Frame::Binary(bytes) if bytes.len() <= bytes_max => {
            proto::SignalRequest::decode(bytes.as_slice()).map_err(|_| Malformed)
        }
        Frame::Text(text) if text.len() <= bytes_max => serde_json::from_str(text).map_err(|_| Malformed),
        Frame::Binary(_) | Frame::Text(_) => Err(Malformed),
    }
}

/// Writes a message in the form that the client used last.
pub(crate) fn encode(message: proto::signal_response::Message, text: bool) -> Frame {
    let response = proto::SignalResponse { message: Some(message) };
    if text && let Ok(json) = serde_json::to_string(&response) {
        return Frame::Text(json);
    }
    Frame::Binary(response.encode_to_vec())
}
