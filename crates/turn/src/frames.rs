//! Messages on a stream (RFC 8656, section 12.5 and RFC 8489, section 6.2.2): each says itself how long it is.

use crate::message::{COOKIE, HEADER_BYTES};

/// Bytes of one message at most: the largest datagram that the media engine takes, with room for attributes around it.
const MESSAGE_BYTES_MAX: usize = 2560;

/// The stream is not STUN, or a message is too long; it cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign;

/// Takes a stream apart. Keeps the beginning of a message whose rest has not come yet, nothing else.
#[derive(Debug, Default)]
pub struct Frames {
    rest: Vec<u8>,
}

impl Frames {
    /// Hands out each message that `bytes` completes, channel data without its padding.
    ///
    /// # Errors
    ///
    /// [`Foreign`]; nothing more is handed out then, and the stream is to be closed.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Foreign> {
        if self.rest.is_empty() {
            let taken = take(bytes, &mut each)?;
            self.rest.extend_from_slice(&bytes[taken..]);
        } else {
            self.rest.extend_from_slice(bytes);
            let taken = take(&self.rest, &mut each)?;
            self.rest.drain(..taken);
        }
        Ok(())
    }
}

/// Hands out the whole messages at the beginning; returns how many bytes they have.
fn take(bytes: &[u8], each: &mut impl FnMut(&[u8])) -> Result<usize, Foreign> {
    let mut at = 0;
    while let Some((message, whole)) = measure(&bytes[at..])? {
        let Some(contents) = bytes.get(at..at + message).filter(|_| bytes.len() - at >= whole) else { break };
        each(contents);
        at += whole;
    }
    Ok(at)
}

/// Length of the first message, and the same with padding; `None` where too little of it is there.
fn measure(bytes: &[u8]) -> Result<Option<(usize, usize)>, Foreign> {
    let [first, _, high, low, ..] = *bytes else {
        return if bytes.first().is_some_and(|first| *first > 79) { Err(Foreign) } else { Ok(None) };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let message = match first {
        0..=63 => HEADER_BYTES + length,
        64..=79 => 4 + length,
        _ => return Err(Foreign),
    };
    let is_foreign = first < 64 && (length % 4 != 0 || bytes.get(4..8).is_some_and(|found| found != COOKIE));
    if is_foreign || message > MESSAGE_BYTES_MAX {
        return Err(Foreign);
    }
    Ok(Some((message, message.next_multiple_of(4))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(length: u16) -> Vec<u8> {
        let mut bytes = vec![0, 1];
        bytes.extend(length.to_be_bytes());
        bytes.extend(COOKIE);
        bytes.resize(HEADER_BYTES + usize::from(length), 5);
        bytes
    }

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        let channel = vec![0x40, 1, 0, 5, 1, 2, 3, 4, 5];
        let messages = [stun(0), channel, stun(24), vec![0x4f, 1, 0, 0], stun(4)];
        let stream: Vec<u8> = messages
            .iter()
            .flat_map(|one| {
                let mut padded = one.clone();
                padded.resize(one.len().next_multiple_of(4), 0);
                padded
            })
            .collect();
        for size in 1..=stream.len() {
            let (mut frames, mut all) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, |message| all.push(message.to_vec())).unwrap();
            }
            assert_eq!(all, messages, "pieces of {size}");
            assert!(frames.rest.is_empty());
        }
    }

    #[test]
    fn strangers_are_refused() {
        let cases: [(&str, Vec<u8>); 6] = [
            ("HTTP", b"GET / HTTP/1.1".to_vec()),
            ("TLS", vec![22, 3, 1, 2, 0, 1, 0, 1]),
            ("a cookie of another time", vec![0, 1, 0, 0, 1, 2, 3, 4]),
            ("a length that is not padded", vec![0, 1, 0, 3]),
            ("a message that is too long", vec![0, 1, 0xf0, 0]),
            ("media", vec![128]),
        ];
        for (name, bytes) in cases {
            assert_eq!(Frames::default().push(&bytes, |_| {}), Err(Foreign), "{name}");
        }
    }
}
