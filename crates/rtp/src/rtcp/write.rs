//! Packets that senders send, appended to a compound.

use super::kind;

/// Entries that the five bits of a header can count.
const COUNT_MAX: usize = 31;
/// Bytes of an item of a source description at most.
const ITEM_BYTES_MAX: usize = 255;
const CNAME: u8 = 1;

/// What a sender report says (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    pub ssrc: u32,
    /// Seconds since 1900 and 2^-32 s.
    pub ntp: u64,
    /// The same moment as an RTP timestamp.
    pub timestamp: u32,
    pub packets: u32,
    /// Of payload.
    pub octets: u32,
}

fn write_start(out: &mut Vec<u8>, count: u8, kind: u8, words: u16) {
    out.extend([0x80 | count, kind]);
    out.extend(words.to_be_bytes());
}

/// A receiver report without blocks: what a compound begins with that has no sender report (RFC 3550, section 6.1).
pub fn write_empty_receiver_report(out: &mut Vec<u8>, sender: u32) {
    write_start(out, 0, kind::RECEIVER_REPORT, 1);
    out.extend(sender.to_be_bytes());
}

/// A sender report without blocks.
pub fn write_sender_report(out: &mut Vec<u8>, info: &SenderInfo) {
    write_start(out, 0, kind::SENDER_REPORT, 6);
    out.extend(info.ssrc.to_be_bytes());
    out.extend(info.ntp.to_be_bytes());
    for word in [info.timestamp, info.packets, info.octets] {
        out.extend(word.to_be_bytes());
    }
}

/// A source description with the canonical name of `ssrc`, of which the first 255 bytes are told.
pub fn write_source_description(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let cname = &cname.as_bytes()[..cname.floor_char_boundary(ITEM_BYTES_MAX)];
    // SSRC, kind and length of the item, the item, and one zero at least.
    let words = (4 + 2 + cname.len() + 1).div_ceil(4);
    let end = out.len() + 4 + 4 * words;
    // 66 words at most.
    write_start(out, 1, kind::SOURCE_DESCRIPTION, words as u16);
    out.extend(ssrc.to_be_bytes());
    out.extend([CNAME, cname.len() as u8]);
    out.extend_from_slice(cname);
    out.resize(end, 0);
}

/// A goodbye for each 31 of `ssrcs`; nothing for none.
pub fn write_goodbye(out: &mut Vec<u8>, ssrcs: &[u32]) {
    for ssrcs in ssrcs.chunks(COUNT_MAX) {
        write_start(out, ssrcs.len() as u8, kind::GOODBYE, ssrcs.len() as u16);
        out.extend(ssrcs.iter().flat_map(|ssrc| ssrc.to_be_bytes()));
    }
}
