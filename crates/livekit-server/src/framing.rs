//! What a client speaks that has connected to the TCP port: ICE, whose datagrams have two bytes of length in front of them
//! (RFC 4571, section 2), or STUN and TURN, whose messages say themselves how long they are (RFC 8489, section 6.2.2).

use std::io;

use node::TurnFrames;

/// Bytes before each datagram.
pub(crate) const HEADER_BYTES: usize = 2;
/// Bytes of a datagram at most: the 2,000 that the media engine takes, with room.
const DATAGRAM_BYTES_MAX: usize = 2048;

/// Bytes by which the two are told apart: a STUN message has its cookie here, where a frame of ICE has the length of the
/// message in it, which would be too long.
const TELLING_BYTES: usize = 8;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Ice,
    Turn,
}

/// A stream of a client.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Too few bytes have come.
    Undecided(Vec<u8>),
    Ice(Frames),
    Turn(TurnFrames),
}

impl Framing {
    /// Hands out each datagram or message that `bytes` completes.
    ///
    /// # Errors
    ///
    /// `InvalidData` for what is neither, after which the stream cannot be read on.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Speech, &[u8])) -> io::Result<()> {
        match self {
            Self::Undecided(begun) => {
                begun.extend_from_slice(bytes);
                if begun.len() < TELLING_BYTES {
                    return Ok(());
                }
                let begun = std::mem::take(begun);
                let is_turn = begun[4..TELLING_BYTES] == COOKIE;
                *self = if is_turn { Self::Turn(TurnFrames::default()) } else { Self::Ice(Frames::default()) };
                self.push(&begun, each)
            }
            Self::Ice(frames) => frames.push(bytes, |datagram| each(Speech::Ice, datagram)),
            Self::Turn(frames) => frames.push(bytes, |message| each(Speech::Turn, message)).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "the stream goes on with something else than TURN")
            }),
        }
    }
}

impl Default for Framing {
    fn default() -> Self {
        Self::Undecided(Vec::new())
    }
}

/// Takes a stream of ICE apart. Keeps the beginning of a datagram whose rest has not come yet, nothing else.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Vec<u8>,
    /// Whether the first datagram has been seen.
    begun: bool,
}

impl Frames {
    /// Hands out each datagram that `bytes` completes. Empty ones are skipped.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a datagram that is too long, or a first one that is not STUN: then this is no ICE client, and
    /// the stream cannot be read on.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        while !self.rest.is_empty() {
            let wanted = match self.rest[..] {
                [high, low, ..] => Self::checked(high, low)?,
                _ => HEADER_BYTES,
            };
            let taken = wanted.saturating_sub(self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.rest.len() < wanted {
                return Ok(());
            }
            // What was wanted may have been the header alone.
            if Self::checked(self.rest[0], self.rest[1])? == self.rest.len() {
                let mut whole = std::mem::take(&mut self.rest);
                self.hand_out(&whole[HEADER_BYTES..], &mut each)?;
                whole.clear();
                self.rest = whole;
            }
        }
        while let [high, low, ..] = *bytes {
            let wanted = Self::checked(high, low)?;
            let Some(contents) = bytes.get(HEADER_BYTES..wanted) else { break };
            self.hand_out(contents, &mut each)?;
            bytes = &bytes[wanted..];
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes of the frame whose length field is `high`, `low`.
    fn checked(high: u8, low: u8) -> io::Result<usize> {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > DATAGRAM_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a datagram is too long"));
        }
        Ok(HEADER_BYTES + length)
    }

    fn hand_out(&mut self, contents: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<()> {
        // STUN begins with two zero bits (RFC 8489, section 5).
        if !self.begun && contents.first().is_none_or(|first| *first > 3) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the stream does not begin with STUN"));
        }
        self.begun = true;
        if !contents.is_empty() {
            each(contents);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(datagrams: &[&[u8]]) -> Vec<u8> {
        datagrams.iter().flat_map(|one| [&(one.len() as u16).to_be_bytes(), *one].concat()).collect()
    }

    #[test]
    fn datagrams_come_out_whole_however_they_arrive() {
        let datagrams: [&[u8]; 5] = [&[0, 1, 2, 3], &[200], &[], &[7; 1500], &[128, 0]];
        let stream = framed(&datagrams);
        let expected: Vec<&[u8]> = datagrams.iter().copied().filter(|one| !one.is_empty()).collect();
        for size in 1..stream.len() {
            let (mut frames, mut all) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, |datagram| all.push(datagram.to_vec())).unwrap();
            }
            assert_eq!(all, expected, "pieces of {size}");
            assert!(frames.rest.is_empty());
        }
    }

    #[test]
    fn turn_is_told_from_ice_by_its_first_bytes() {
        let binding = [&[0, 1, 0, 0][..], &COOKIE, &[7; 12]].concat();
        for size in 1..=binding.len() {
            let read = |stream: &[u8]| {
                let (mut framing, mut all) = (Framing::default(), Vec::new());
                for piece in stream.chunks(size) {
                    framing.push(piece, |_, datagram| all.push(datagram.to_vec())).unwrap();
                }
                (all, matches!(framing, Framing::Turn(_)))
            };
            assert_eq!(read(&binding), (vec![binding.clone()], true), "pieces of {size}");
            assert_eq!(read(&framed(&[&binding])), (vec![binding.clone()], false), "pieces of {size}");
        }
        let push = |bytes: &[u8]| Framing::default().push(bytes, |_, _| {});
        assert!(push(b"GET / HTTP/1.1\r\n").is_err(), "an HTTP client");
        assert!(push(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).is_err(), "a TLS client");
        assert!(push(&[&binding[..], b"GET /"].concat()).is_err(), "a client that changes its mind");
    }

    #[test]
    fn strangers_are_refused() {
        let push = |bytes: &[u8]| Frames::default().push(bytes, |_| {});
        assert!(push(b"GET / HTTP/1.1\r\n").is_err(), "an HTTP client");
        assert!(push(&framed(&[&[22, 3, 1, 0, 0]])).is_err(), "a TLS client");
        assert!(push(&[0xff, 0xff]).is_err(), "too long");
        assert!(push(&framed(&[&[0, 1, 0, 0], &[22, 254, 253]])).is_ok(), "STUN, then DTLS");
    }
}
