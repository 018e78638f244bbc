//! What a connection speaks, told by its first bytes.

/// Magic cookie of every STUN and TURN message, bytes 4 to 8 (RFC 8489, section 5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// First byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// Bytes that are always enough for an answer.
pub(crate) const FIRST_BYTES_MAX: usize = 8;

/// What the first bytes begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// An HTTP request: a method is written in capital letters (RFC 9110, section 9.1).
    Http,
    /// STUN or TURN.
    Turn,
    /// A TLS handshake.
    Tls,
    /// Nothing that we answer.
    Unknown,
}

/// `None` where more bytes are needed, never with [`FIRST_BYTES_MAX`] of them.
pub(crate) fn first(bytes: &[u8]) -> Option<First> {
    match bytes {
        [] => None,
        [letter, ..] if letter.is_ascii_uppercase() => Some(First::Http),
        [HANDSHAKE, ..] => Some(First::Tls),
        // A STUN message begins with two zero bits; ChannelData cannot come before one.
        [0..64, ..] if bytes.len() < FIRST_BYTES_MAX => None,
        [0..64, ..] if bytes[4..FIRST_BYTES_MAX] == MAGIC_COOKIE => Some(First::Turn),
        _ => Some(First::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_told_apart() {
        let cases: [(&[u8], Option<First>); 13] = [
            (b"", None),
            (b"G", Some(First::Http)),
            (b"OPTIONS ", Some(First::Http)),
            (b"get / HT", Some(First::Unknown)),
            (&[22], Some(First::Tls)),
            (&[22, 3, 1, 2, 0, 1, 0, 1], Some(First::Tls)),
            // Binding, then Allocate, then one whose cookie has not come yet, then old STUN without one.
            (&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], Some(First::Turn)),
            (&[0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42], Some(First::Turn)),
            (&[0, 1, 0, 0, 0x21, 0x12, 0xa4], None),
            (&[0, 1, 0, 0, 1, 2, 3, 4], Some(First::Unknown)),
            // ChannelData, RTP, anything else.
            (&[0x60, 0, 0, 0], Some(First::Unknown)),
            (&[0x80, 96, 0, 1], Some(First::Unknown)),
            (&[0xff], Some(First::Unknown)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(first(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn eight_bytes_are_always_enough() {
        for byte in 0..=u8::MAX {
            assert!(first(&[byte; FIRST_BYTES_MAX]).is_some(), "{byte}");
        }
    }
}
