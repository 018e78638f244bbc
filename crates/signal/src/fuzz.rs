//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use livekit_protocol as proto;
use livekit_protocol::data_packet::Value;
use prost::Message as _;

use crate::data_packet::stamp;

/// A data packet, as it came on either channel.
///
/// # Panics
///
/// If what goes out is not by whom it is from, changes with a second stamp, or cannot be read although what came in can.
pub fn data_packet(bytes: &[u8]) {
    let read = proto::DataPacket::decode(bytes);
    for lossy in [true, false] {
        let Ok(stamped) = stamp(bytes, "PA_true", "true", lossy) else { continue };
        let again = stamp(&stamped.bytes, "PA_true", "true", lossy);
        assert!(again.as_ref() == Ok(&stamped), "{again:?}");
        let Ok(packet) = proto::DataPacket::decode(stamped.bytes.as_slice()) else {
            assert!(read.is_err(), "nobody can read it any more");
            continue;
        };
        assert_eq!((packet.participant_identity.as_str(), packet.participant_sid.as_str()), ("true", "PA_true"));
        match &packet.value {
            Some(Value::User(user)) => {
                #[expect(deprecated, reason = "older clients read it there")]
                let named = (user.participant_identity.as_str(), user.participant_sid.as_str());
                assert_eq!(named, ("true", "PA_true"));
            }
            Some(Value::Metrics(_)) => assert!(stamped.is_metrics),
            Some(Value::Transcription(_)) => assert!(stamped.is_transcription),
            _ => {}
        }
    }
}
