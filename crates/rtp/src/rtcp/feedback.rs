//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

use crate::word;

/// Packets that one feedback tells of; what it says of more is ignored. A second of 100 Mbit/s has this many.
const PACKETS_MAX: u16 = 8192;
/// 64 ms, in ticks of 250 µs.
const TICKS_PER_REFERENCE: i64 = 256;

/// Which packets came, and when.
#[derive(Clone, Copy, Debug)]
pub struct Feedback<'a> {
    /// Transport-wide sequence number of the first packet that it tells of.
    pub base_sequence: u16,
    /// Packets that it tells of, from there.
    pub count: u16,
    /// 24 bits, in units of 64 ms on the receiver's clock, which comes round after twelve days.
    pub reference_time: u32,
    /// Counts the feedback packets of this receiver.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// `bytes`: what follows the SSRCs.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ([a, b, c, d], rest) = bytes.split_first_chunk()?;
        let (base_sequence, count) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        let time = word(rest, 0)?;
        let rest = &rest[4..];
        let (mut told, mut chunks) = (0, 0);
        while told < usize::from(count) {
            told += usize::from(Chunk::new(*rest.get(chunks..)?.first_chunk()?).packets);
            chunks += 2;
        }
        let (chunks, deltas) = rest.split_at(chunks);
        let (reference_time, feedback_count) = (time >> 8, time as u8);
        Some(Self { base_sequence, count, reference_time, feedback_count, chunks, deltas })
    }

    /// The reference time in ticks of 250 µs.
    pub fn reference_ticks(&self) -> i64 {
        i64::from(self.reference_time) * TICKS_PER_REFERENCE
    }

    /// Sequence numbers and when they came, in ticks of 250 µs since this feedback's reference time; `None`: not yet. Ends
    /// after 8,192 packets, and where a time is missing although it should be there.
    pub fn packets(self) -> impl Iterator<Item = (u16, Option<i64>)> + Clone {
        let packets = Packets {
            sequence: self.base_sequence,
            left: self.count.min(PACKETS_MAX),
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: Chunk::default(),
            ticks: 0,
        };
        packets.fuse()
    }
}

#[derive(Clone)]
struct Packets<'a> {
    sequence: u16,
    left: u16,
    chunks: &'a [u8],
    deltas: &'a [u8],
    chunk: Chunk,
    ticks: i64,
}

impl Iterator for Packets<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let arrival = self.arrival()?;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Some((sequence, arrival))
    }
}

impl Packets<'_> {
    /// When the next packet came, if it did.
    fn arrival(&mut self) -> Option<Option<i64>> {
        let symbol = loop {
            if let Some(symbol) = self.chunk.next() {
                break symbol;
            }
            let (chunk, rest) = self.chunks.split_first_chunk()?;
            self.chunks = rest;
            self.chunk = Chunk::new(*chunk);
        };
        let (delta, rest) = match symbol {
            0 => return Some(None),
            1 => self.deltas.split_first_chunk().map(|([delta], rest)| (i64::from(*delta), rest))?,
            2 => self.deltas.split_first_chunk().map(|(delta, rest)| (i64::from(i16::from_be_bytes(*delta)), rest))?,
            // Reserved: how long its time is nobody knows.
            _ => return None,
        };
        self.deltas = rest;
        self.ticks += delta;
        Some(Some(self.ticks))
    }
}

/// A packet status chunk: a symbol of one or two bits for each packet, the first one in front.
#[derive(Clone, Copy, Default)]
struct Chunk {
    symbols: u16,
    /// Bits of a symbol in `symbols`; 0: the same symbol for all.
    bits: u16,
    /// Packets still to be told.
    packets: u16,
}

impl Chunk {
    fn new(bytes: [u8; 2]) -> Self {
        let chunk = u16::from_be_bytes(bytes);
        match chunk >> 14 {
            0b10 => Self { symbols: chunk & 0x3fff, bits: 1, packets: 14 },
            0b11 => Self { symbols: chunk & 0x3fff, bits: 2, packets: 7 },
            _ => Self { symbols: chunk >> 13, bits: 0, packets: chunk & 0x1fff },
        }
    }
}

impl Iterator for Chunk {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.packets = self.packets.checked_sub(1)?;
        let mask = if self.bits == 1 { 1 } else { 3 };
        Some(self.symbols >> (self.packets * self.bits) & mask)
    }
}
