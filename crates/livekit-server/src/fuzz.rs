//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use crate::framing::Framing;

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
