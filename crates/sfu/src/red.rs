//! Redundant audio (RED, RFC 2198): a packet carries the newest frame, and earlier ones once more.

use std::cell::OnceCell;
use std::sync::Arc;

use str0m::media::Pt;

/// Frames of a source that are remembered. A packet repeats what is at most 0.34 s older (RFC 2198 section 3), which is
/// less at 20 ms a frame.
const REMEMBERED: usize = 32;

/// One frame in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) payload_type: u8,
    /// How many ticks before the packet's timestamp.
    pub(crate) age: u32,
    pub(crate) payload: &'a [u8],
}

/// A packet taken apart, without copying.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redundant<'a> {
    headers: &'a [u8],
    earlier: &'a [u8],
    /// The newest frame, which the packet's own numbers belong to.
    pub(crate) primary: Frame<'a>,
}

impl<'a> Redundant<'a> {
    /// `None` if a payload is cut short.
    pub(crate) fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut length = 0;
        let mut at = 0;
        while *payload.get(at)? & 0x80 != 0 {
            let header = payload.get(at..at + 4)?;
            length += block_length(header);
            at += 4;
        }
        let (headers, rest) = payload.split_at(at);
        let (last, blocks) = rest.split_first()?;
        let (earlier, primary) = blocks.split_at_checked(length)?;
        Some(Self { headers, earlier, primary: Frame { payload_type: *last, age: 0, payload: primary } })
    }

    /// The repeated frames, oldest first.
    pub(crate) fn earlier(&self) -> impl ExactSizeIterator<Item = Frame<'a>> + use<'a> {
        let mut rest = self.earlier;
        self.headers.chunks_exact(4).map(move |header| {
            let (payload, after) = rest.split_at_checked(block_length(header)).unwrap_or((rest, &[]));
            rest = after;
            let age = u32::from(header[1]) << 6 | u32::from(header[2]) >> 2;
            Frame { payload_type: header[0] & 0x7f, age, payload }
        })
    }
}

/// Ten bits at the end of a block's header.
fn block_length(header: &[u8]) -> usize {
    usize::from(header[2] & 0x03) << 8 | usize::from(header[3])
}

/// What a packet has for subscribers: redundant audio as it came for those who take it, its newest frame for the others.
pub(crate) struct Contents<'a> {
    pub(crate) whole: &'a Arc<[u8]>,
    red: Option<Newest<'a>>,
}

struct Newest<'a> {
    frame: &'a [u8],
    copied: OnceCell<Arc<[u8]>>,
    /// The publisher's number for the codec, which stands inside the packet.
    opus: Pt,
}

/// A subscriber's payload types for redundant audio and for the codec in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RedTypes {
    pub(crate) red: Pt,
    pub(crate) opus: Pt,
}

impl<'a> Contents<'a> {
    pub(crate) fn plain(whole: &'a Arc<[u8]>) -> Self {
        Self { whole, red: None }
    }

    pub(crate) fn redundant(whole: &'a Arc<[u8]>, frame: &'a [u8], opus: Pt) -> Self {
        Self { whole, red: Some(Newest { frame, copied: OnceCell::new(), opus }) }
    }

    /// What a subscriber gets, with the payload type of redundant audio if it gets that. The newest frame is copied once,
    /// for all who take no other. Numbers inside a packet are the publisher's: who has another one for the codec would
    /// not understand it.
    pub(crate) fn towards(&self, takes: Option<RedTypes>) -> (Option<Pt>, Arc<[u8]>) {
        match (&self.red, takes) {
            (None, _) => (None, self.whole.clone()),
            (Some(newest), Some(takes)) if takes.opus == newest.opus => (Some(takes.red), self.whole.clone()),
            (Some(newest), _) => (None, newest.copied.get_or_init(|| newest.frame.into()).clone()),
        }
    }
}

/// The frames of a source that came, by themselves or repeated, so that each goes out once.
#[derive(Debug)]
pub(crate) struct History {
    ssrc: u32,
    /// Sequence number and timestamp, each at the place that its number has modulo the length.
    frames: [Option<(u64, u32)>; REMEMBERED],
}

impl History {
    pub(crate) fn new(ssrc: u32) -> Self {
        Self { ssrc, frames: [None; REMEMBERED] }
    }

    /// Note a frame. False: it came before, or is so old that nobody knows.
    pub(crate) fn note(&mut self, ssrc: u32, sequence: u64, timestamp: u32) -> bool {
        if self.ssrc != ssrc {
            *self = Self::new(ssrc);
        }
        let place = &mut self.frames[sequence as usize % REMEMBERED];
        if place.is_some_and(|(known, _)| known >= sequence) {
            return false;
        }
        *place = Some((sequence, timestamp));
        true
    }

    fn timestamp(&self, sequence: u64) -> Option<u32> {
        self.frames[sequence as usize % REMEMBERED]
            .filter(|(known, _)| *known == sequence)
            .map(|(_, timestamp)| timestamp)
    }

    /// The sequence number of a repeated frame that has not come, `back` packets before the one that repeats it.
    ///
    /// A sender may leave out frames that do not fit, so the numbers must fit the timestamps of the packets around it.
    /// With discontinuous transmission numbers go on while timestamps jump, so ticks alone do not tell the number.
    pub(crate) fn missing(&self, ssrc: u32, sequence: u64, back: u64, timestamp: u32) -> Option<u64> {
        let lost = sequence.checked_sub(back)?;
        if self.ssrc != ssrc || self.timestamp(lost).is_some() {
            return None;
        }
        let oldest = sequence.saturating_sub(REMEMBERED as u64 - 1);
        // Nothing before it: the source began later.
        let before = (oldest..lost).rev().find_map(|known| self.timestamp(known))?;
        let after = (lost + 1..=sequence).find_map(|known| self.timestamp(known))?;
        let ascends = |from: u32, to: u32| (to.wrapping_sub(from) as i32) > 0;
        (ascends(before, timestamp) && ascends(timestamp, after)).then_some(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block's header: payload type, age in ticks, length.
    fn header(payload_type: u8, age: u16, length: u16) -> [u8; 4] {
        let [high, low] = (age << 2 | length >> 8).to_be_bytes();
        [0x80 | payload_type, high, low, (length & 0xff) as u8]
    }

    #[test]
    fn packets_are_taken_apart() {
        let frame = |payload_type, age, payload| Frame { payload_type, age, payload };
        let plain = [&[111][..], b"new"].concat();
        let one = [&header(111, 960, 3)[..], &[111], b"old", b"new"].concat();
        let two = [&header(111, 1920, 5)[..], &header(63, 16_383, 0), &[111], b"older", b"new"].concat();
        let long = [&header(111, 960, 1023)[..], &[111], &[7; 1023], b"new"].concat();
        let cases: [(&[u8], &[Frame<'_>]); 4] = [
            (&plain, &[]),
            (&one, &[frame(111, 960, b"old")]),
            (&two, &[frame(111, 1920, b"older"), frame(63, 16_383, b"")]),
            (&long, &[frame(111, 960, &[7; 1023])]),
        ];
        for (payload, earlier) in cases {
            let red = Redundant::parse(payload).unwrap();
            assert_eq!(red.primary, frame(111, 0, b"new"));
            assert_eq!(red.earlier().collect::<Vec<_>>(), earlier);
        }
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let whole = [&header(111, 960, 3)[..], &[111], b"old", b"new"].concat();
        for length in 0..8 {
            assert!(Redundant::parse(&whole[..length]).is_none(), "{length} bytes");
        }
        let bare = Redundant::parse(&whole[..8]).unwrap();
        assert!(bare.primary.payload.is_empty());
        assert!(Redundant::parse(&[0xff; 1500]).is_none(), "headers without end");
    }

    /// Sequence and timestamp of what came; then a packet that repeats a frame, and where that belongs.
    #[test]
    fn lost_frames_find_their_number() {
        let check = |came: &[(u64, u32)], (sequence, back, timestamp), expected: Option<u64>| {
            let mut history = History::new(1);
            for &(sequence, timestamp) in came {
                assert!(history.note(1, sequence, timestamp), "{came:?}");
            }
            assert_eq!(history.missing(1, sequence, back, timestamp), expected, "{came:?}, {timestamp} in {sequence}");
        };
        let ticks = 960;
        check(&[(10, 0), (11, ticks), (12, 2 * ticks)], (12, 1, ticks), None);
        check(&[(10, 0), (12, 2 * ticks)], (12, 1, ticks), Some(11));
        check(&[(10, 0), (13, 3 * ticks)], (13, 2, ticks), Some(11));
        check(&[(10, 0), (13, 3 * ticks)], (13, 1, 2 * ticks), Some(12));
        // The source began with this packet.
        check(&[(12, 2 * ticks)], (12, 1, ticks), None);
        // The frame before was left out by the sender: what is repeated came itself.
        check(&[(10, 0), (12, 2 * ticks)], (12, 1, 0), None);
        // Silence was not sent: numbers go on, timestamps jump.
        check(&[(10, 0), (12, 20_000)], (12, 1, 19_040), Some(11));
        // Timestamps begin anew at 2^32.
        check(&[(10, u32::MAX - 5), (12, 1914)], (12, 1, 954), Some(11));
        check(&[(10, 0), (60, 50 * ticks)], (60, 1, 49 * ticks), None);
        check(&[(0, 0)], (0, 1, ticks), None);
    }

    #[test]
    fn each_frame_goes_out_once() {
        let mut history = History::new(1);
        assert!(history.note(1, 10, 0));
        assert!(!history.note(1, 10, 0));
        assert!(history.note(1, 12, 1920));
        assert!(history.note(1, 11, 960), "late");
        assert!(history.note(1, 43, 0));
        assert!(!history.note(1, 11, 960), "forgotten, so nobody knows");
        assert!(history.note(2, 11, 960), "another source");
    }
}
