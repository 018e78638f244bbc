//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;

use crate::framing::Framing;
use crate::join::{self, Query};

/// A stream of framed datagrams, or of TURN messages, whole and in pieces: the first byte says how long the pieces are.
///
/// # Panics
///
/// If it matters how the stream was cut.
pub fn framing(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let mut whole = Vec::new();
    let one = Framing::default().push(stream, |speech, datagram| whole.push((speech, datagram.to_vec())));
    let (mut frames, mut apart) = (Framing::default(), Vec::new());
    let many = stream
        .chunks(usize::from(*piece).max(1))
        .try_for_each(|piece| frames.push(piece, |speech, datagram| apart.push((speech, datagram.to_vec()))));
    assert_eq!(one.is_ok(), many.is_ok(), "pieces change the verdict");
    assert_eq!(whole, apart, "pieces change the datagrams");
}

/// The query of `/rtc`, and a join request, whose armour is put on so that what is inside is reached.
///
/// # Panics
///
/// If `validate` accepts what `/rtc` reads otherwise, or a join request is larger than it may be.
pub fn join(bytes: &[u8]) {
    let query = Query::parse(&String::from_utf8_lossy(bytes));
    let (strict, lenient) = (join::from_query(&query, true), join::from_query(&query, false));
    assert!(strict.is_err() || strict == lenient, "{strict:?} and {lenient:?}");
    assert!(lenient.is_ok());
    let armoured = URL_SAFE_NO_PAD.encode(bytes);
    for text in [query.get("join_request"), Some(armoured.as_str())].into_iter().flatten() {
        if let Ok(join) = join::decode(text) {
            assert!(join.encoded_len() <= 2 * 1024 * 1024, "{} bytes", join.encoded_len());
        }
    }
}
