//! RTCP (RFC 3550, RFC 4585, RFC 5104): reading what subscribers answer, writing what senders tell.

mod feedback;
mod write;

use std::time::Duration;

pub use feedback::Feedback;
pub use write::{
    SenderInfo, write_empty_receiver_report, write_goodbye, write_sender_report, write_source_description,
};

use crate::word;

/// Packets that are read of a compound; what follows is ignored.
const PACKETS_MAX: usize = 64;

mod kind {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const GOODBYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
}

/// Whether a datagram of a port that RTP and RTCP share is RTCP (RFC 5761, section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [0x80..=0xbf, 192..=223, ..])
}

/// The middle 32 bits of an NTP time (32.32): what a report tells of a sender report.
pub fn middle_of_ntp(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// One packet of a compound, or one entry of a full intra request.
#[derive(Clone, Debug)]
pub enum Packet<'a> {
    ReceiverReports {
        sender: u32,
        blocks: Blocks<'a>,
    },
    /// Its report blocks count as those of a receiver report.
    SenderReport {
        sender: u32,
        blocks: Blocks<'a>,
    },
    Nack {
        media: u32,
        lost: Lost<'a>,
    },
    PictureLoss {
        media: u32,
    },
    /// A repeated `sequence` is the same request.
    FullIntraRequest {
        media: u32,
        sequence: u8,
    },
    TransportFeedback(Feedback<'a>),
    /// draft-alvestrand-rmcat-remb-03.
    ReceiverEstimatedMaxBitrate {
        bits_per_second: u64,
    },
    Goodbye {
        ssrcs: Ssrcs<'a>,
    },
    /// Well formed, and of no interest to a sender.
    Other,
}

/// What a receiver says of one stream (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// In 256ths, since the last report.
    pub fraction_lost: u8,
    /// Negative where duplicates came.
    pub cumulative_lost: i32,
    /// With the number of times that the sequence numbers came round in the upper half.
    pub highest_sequence: u32,
    /// In units of the RTP timestamp.
    pub jitter: u32,
    /// [`middle_of_ntp`] of the last sender report; 0: none came.
    pub last_sender_report: u32,
    /// Since that report came, in units of 1/65,536 s.
    pub delay_since: u32,
}

impl ReportBlock {
    /// The round-trip time if the report came at `now`, in NTP time (32.32); `None` without a sender report, or where the
    /// figures make it negative.
    pub fn round_trip(&self, now: u64) -> Option<Duration> {
        let units = middle_of_ntp(now).wrapping_sub(self.last_sender_report).wrapping_sub(self.delay_since);
        (self.last_sender_report != 0 && units <= u32::MAX / 2)
            .then(|| Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16))
    }

    fn parse(bytes: &[u8; 24]) -> Self {
        let word = |at| word(bytes, at).unwrap_or_default();
        let lost = word(4);
        Self {
            ssrc: word(0),
            fraction_lost: (lost >> 24) as u8,
            // 24 bits with a sign.
            cumulative_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sender_report: word(16),
            delay_since: word(20),
        }
    }
}

/// Report blocks, 31 at most.
#[derive(Clone, Debug)]
pub struct Blocks<'a>(&'a [u8]);

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(ReportBlock::parse(block))
    }
}

/// SSRCs, 31 at most.
#[derive(Clone, Debug)]
pub struct Ssrcs<'a>(&'a [u8]);

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*ssrc))
    }
}

/// Sequence numbers that a receiver misses (RFC 4585, section 6.2.1), in the order in which it tells them: 17 at most for
/// each four bytes of the packet, and not necessarily different ones.
#[derive(Clone, Debug)]
pub struct Lost<'a> {
    entries: &'a [u8],
    first: u16,
    /// Bit n: `first + n + 1` is lost as well and has not been told yet.
    following: u16,
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.following != 0 {
            let at = self.following.trailing_zeros() as u16;
            self.following &= self.following - 1;
            return Some(self.first.wrapping_add(at + 1));
        }
        let ([a, b, c, d], rest) = self.entries.split_first_chunk()?;
        self.entries = rest;
        self.first = u16::from_be_bytes([*a, *b]);
        self.following = u16::from_be_bytes([*c, *d]);
        Some(self.first)
    }
}

/// The packets of a compound, 64 at most; ends quietly at the first malformed one.
pub fn parse(compound: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    Compound { rest: compound, intra_requests: &[] }.fuse().take(PACKETS_MAX)
}

struct Compound<'a> {
    rest: &'a [u8],
    /// Entries of a full intra request that are still to be told.
    intra_requests: &'a [u8],
}

impl<'a> Iterator for Compound<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            if let Some((entry, rest)) = self.intra_requests.split_first_chunk::<8>() {
                self.intra_requests = rest;
                return Some(Packet::FullIntraRequest { media: word(entry, 0)?, sequence: entry[4] });
            }
            let part = Part::split_from(&mut self.rest)?;
            if (part.kind, part.count) == (kind::PAYLOAD_FEEDBACK, 4) {
                self.intra_requests = part.body.get(8..)?;
            } else {
                return part.packet();
            }
        }
    }
}

/// A packet of a compound.
struct Part<'a> {
    kind: u8,
    /// The five bits that count, or tell the format of feedback.
    count: u8,
    /// Behind the first four bytes, without padding.
    body: &'a [u8],
}

impl<'a> Part<'a> {
    fn split_from(rest: &mut &'a [u8]) -> Option<Self> {
        let ([first, kind, high, low], after) = rest.split_first_chunk()?;
        let (mut body, after) = after.split_at_checked(4 * usize::from(u16::from_be_bytes([*high, *low])))?;
        if first >> 6 != 2 {
            return None;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            body = body.get(..body.len().checked_sub(padding).filter(|_| padding != 0)?)?;
        }
        *rest = after;
        Some(Self { kind: *kind, count: first & 0x1f, body })
    }

    fn packet(&self) -> Option<Packet<'a>> {
        let body = self.body;
        // So many entries of so many bytes, from there.
        let counted = |from: usize, bytes: usize| body.get(from..from + bytes * usize::from(self.count));
        let packet = match (self.kind, self.count) {
            (kind::SENDER_REPORT, _) => {
                Packet::SenderReport { sender: word(body, 0)?, blocks: Blocks(counted(24, 24)?) }
            }
            (kind::RECEIVER_REPORT, _) => {
                Packet::ReceiverReports { sender: word(body, 0)?, blocks: Blocks(counted(4, 24)?) }
            }
            (kind::GOODBYE, _) => Packet::Goodbye { ssrcs: Ssrcs(counted(0, 4)?) },
            (kind::TRANSPORT_FEEDBACK, 1) => {
                Packet::Nack { media: word(body, 4)?, lost: Lost { entries: &body[8..], first: 0, following: 0 } }
            }
            (kind::TRANSPORT_FEEDBACK, 15) => Packet::TransportFeedback(Feedback::parse(body.get(8..)?)?),
            (kind::PAYLOAD_FEEDBACK, 1) => Packet::PictureLoss { media: word(body, 4)? },
            (kind::PAYLOAD_FEEDBACK, 15) if body.get(8..12) == Some(&b"REMB"[..]) => {
                Packet::ReceiverEstimatedMaxBitrate { bits_per_second: estimated_bits_per_second(word(body, 12)?) }
            }
            _ => Packet::Other,
        };
        Some(packet)
    }
}

/// Number of SSRCs (8 bits), exponent (6 bits) and mantissa (18 bits); what is too much for 64 bits is as much as they hold.
fn estimated_bits_per_second(word: u32) -> u64 {
    let (exponent, mantissa) = (word >> 18 & 0x3f, u64::from(word & 0x3_ffff));
    u64::try_from(u128::from(mantissa) << exponent).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
