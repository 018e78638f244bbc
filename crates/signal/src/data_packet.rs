//! `DataPacket` at wire level.
//!
//! Decoding and encoding a packet with generated code deletes every field newer than the generator's input. So the
//! server reads the outer message field by field, copies all of them as they are, and replaces only what it owns: the
//! sender's identity and sid, and the kind of channel it came on (protobuf encoding: protobuf.dev, "Encoding").

/// Field numbers of `livekit.DataPacket`.
const KIND: u32 = 1;
const USER: u32 = 2;
const IDENTITY: u32 = 4;
const DESTINATION_IDENTITIES: u32 = 5;
const SEQUENCE: u32 = 16;
const SID: u32 = 17;
/// Oneof members with a meaning for routing.
const TRANSCRIPTION: u32 = 7;
const METRICS: u32 = 8;

/// Field numbers of `livekit.UserPacket`.
const USER_SID: u32 = 1;
const USER_DESTINATION_SIDS: u32 = 3;
const USER_IDENTITY: u32 = 5;
const USER_DESTINATION_IDENTITIES: u32 = 6;

/// Destinations listed in one packet at most; further ones are ignored.
const DESTINATIONS_MAX: usize = 1_000;

/// The packet is no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A packet with the sender stamped into it, and what routing needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stamped {
    pub(crate) bytes: Vec<u8>,
    /// Set by the sender for packets that are replayed after a reconnect; 0 = none.
    pub(crate) sequence: u32,
    /// Receivers by identity or sid; both empty = everybody else.
    pub(crate) destination_identities: Vec<String>,
    pub(crate) destination_sids: Vec<String>,
    pub(crate) is_metrics: bool,
    pub(crate) is_transcription: bool,
}

/// Copies `packet` with the sender's `sid` and `identity` in place of whatever it claimed. `lossy` is the kind of the
/// channel it came on.
pub(crate) fn stamp(packet: &[u8], sid: &str, identity: &str, lossy: bool) -> Result<Stamped, Malformed> {
    let mut stamped = Stamped { bytes: Vec::with_capacity(packet.len() + 64), ..Stamped::default() };
    if lossy {
        write_varint_field(&mut stamped.bytes, KIND, 1);
    }
    let mut reader = Reader { rest: packet };
    while let Some(field) = reader.next()? {
        match field.number {
            KIND | IDENTITY | SID => {}
            SEQUENCE => {
                stamped.sequence = u32::try_from(field.varint.unwrap_or(0)).unwrap_or(0);
                stamped.bytes.extend_from_slice(field.whole);
            }
            DESTINATION_IDENTITIES => {
                push_text(&mut stamped.destination_identities, field.content);
                stamped.bytes.extend_from_slice(field.whole);
            }
            USER => {
                let user = stamp_user(field.content, sid, identity, &mut stamped)?;
                write_bytes_field(&mut stamped.bytes, USER, &user);
            }
            number => {
                stamped.is_metrics |= number == METRICS;
                stamped.is_transcription |= number == TRANSCRIPTION;
                stamped.bytes.extend_from_slice(field.whole);
            }
        }
    }
    write_bytes_field(&mut stamped.bytes, IDENTITY, identity.as_bytes());
    write_bytes_field(&mut stamped.bytes, SID, sid.as_bytes());
    Ok(stamped)
}

/// The deprecated copies of sender and destinations inside `UserPacket`, which older clients read.
fn stamp_user(user: &[u8], sid: &str, identity: &str, stamped: &mut Stamped) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::with_capacity(user.len() + 64);
    let mut reader = Reader { rest: user };
    while let Some(field) = reader.next()? {
        match field.number {
            USER_SID | USER_IDENTITY => continue,
            USER_DESTINATION_SIDS => push_text(&mut stamped.destination_sids, field.content),
            USER_DESTINATION_IDENTITIES => push_text(&mut stamped.destination_identities, field.content),
            _ => {}
        }
        bytes.extend_from_slice(field.whole);
    }
    write_bytes_field(&mut bytes, USER_SID, sid.as_bytes());
    write_bytes_field(&mut bytes, USER_IDENTITY, identity.as_bytes());
    Ok(bytes)
}

fn push_text(list: &mut Vec<String>, content: &[u8]) {
    if list.len() < DESTINATIONS_MAX
        && let Ok(text) = std::str::from_utf8(content)
        && !list.iter().any(|have| have == text)
    {
        list.push(text.to_owned());
    }
}

struct Field<'a> {
    number: u32,
    /// Tag and content, as they stand.
    whole: &'a [u8],
    /// Content of a length-delimited field, else empty.
    content: &'a [u8],
    varint: Option<u64>,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        if number == 0 {
            return Err(Malformed);
        }
        let mut content: &[u8] = &[];
        let mut varint = None;
        match tag & 7 {
            0 => varint = Some(self.varint()?),
            1 => drop(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                content = self.take(length)?;
            }
            5 => drop(self.take(4)?),
            // Groups (3, 4) are no part of proto3.
            _ => return Err(Malformed),
        }
        let whole = &start[..start.len() - self.rest.len()];
        Ok(Some(Field { number, whole, content, varint }))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The low seven bits always fit a byte.
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn write_varint_field(bytes: &mut Vec<u8>, number: u32, value: u64) {
    write_varint(bytes, u64::from(number << 3));
    write_varint(bytes, value);
}

fn write_bytes_field(bytes: &mut Vec<u8>, number: u32, content: &[u8]) {
    if content.is_empty() {
        return;
    }
    write_varint(bytes, u64::from(number << 3 | 2));
    write_varint(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use livekit_protocol as proto;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    /// The sender cannot pretend to be somebody else, fields we do not know survive, and the rest is untouched.
    #[test]
    fn spoofed_sender_is_replaced_and_unknown_fields_survive() {
        let mut bytes = proto::DataPacket {
            participant_identity: "victim".into(),
            participant_sid: "PA_victim".into(),
            destination_identities: vec!["ben".into()],
            sequence: 7,
            value: Some(proto::data_packet::Value::User(proto::UserPacket {
                payload: b"hello".to_vec(),
                topic: Some("chat".into()),
                ..proto::UserPacket::default()
            })),
            ..proto::DataPacket::default()
        }
        .encode_to_vec();
        write_bytes_field(&mut bytes, 900, b"from the future");
        let stamped = stamp(&bytes, "PA_me", "me", true).unwrap();
        let read = proto::DataPacket::decode(stamped.bytes.as_slice()).unwrap();
        assert_eq!((read.participant_identity.as_str(), read.participant_sid.as_str()), ("me", "PA_me"));
        assert_eq!((stamped.sequence, read.sequence), (7, 7));
        assert_eq!(stamped.destination_identities, ["ben"]);
        assert!(stamped.bytes.windows(15).any(|window| window == b"from the future"));
        let Some(proto::data_packet::Value::User(user)) = read.value else { panic!("user packet expected") };
        assert_eq!((user.payload.as_slice(), user.topic.as_deref()), (b"hello".as_slice(), Some("chat")));
    }

    /// Metrics go to who may see them, transcriptions come from agents; everything else is anybody's.
    #[test]
    fn kinds_with_a_meaning_are_told_apart() {
        use proto::data_packet::Value;
        for (value, is_metrics, is_transcription) in [
            (Value::User(proto::UserPacket::default()), false, false),
            (Value::SipDtmf(proto::SipDtmf { digit: "1".into(), ..Default::default() }), false, false),
            (Value::Transcription(proto::Transcription::default()), false, true),
            (Value::Metrics(proto::MetricsBatch::default()), true, false),
            (Value::ChatMessage(proto::ChatMessage::default()), false, false),
            (Value::StreamHeader(proto::data_stream::Header::default()), false, false),
        ] {
            let packet = proto::DataPacket { value: Some(value), ..proto::DataPacket::default() };
            let stamped = stamp(&packet.encode_to_vec(), "PA_me", "me", false).unwrap();
            assert_eq!((stamped.is_metrics, stamped.is_transcription), (is_metrics, is_transcription), "{packet:?}");
        }
    }

    proptest! {
        /// Whatever arrives, stamping either refuses or yields a message that names the true sender.
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(stamped) = stamp(&bytes, "PA_me", "me", false) {
                let mut reader = Reader { rest: &stamped.bytes };
                let mut identity = None;
                while let Ok(Some(field)) = reader.next() {
                    if field.number == IDENTITY { identity = Some(field.content.to_vec()); }
                }
                prop_assert_eq!(identity.as_deref(), Some(b"me".as_slice()));
            }
        }
    }
}
