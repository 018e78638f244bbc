//! A black picture for who watches a camera that is switched off: the last one would stand still for ever.
//!
//! Both pictures are 16 x 16 pixels and were made with ffmpeg: one frame of its source `color=black:s=16x16`, encoded by
//! libvpx (`-c:v libvpx`), and by libx264 (`-profile:v baseline -level 1.0 -x264-params cabac=0:ref=1`, without its SEI).

use std::time::Instant;

use str0m::format::Codec;

use crate::capture;
use crate::extensions::Forwarded;
use crate::forward::Vp8Numbers;
use crate::sender::Outgoing;
use crate::sfu::Sfu;

/// How often it is sent, with each round of housekeeping: a lost packet that none follows is never asked for again.
pub(crate) const BLANKS: u8 = 5;

const VP8: [u8; 31] = [
    0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00, 0x00, 0x47, 0x08, 0x85, 0x85, 0x88, 0x99, 0x84, 0x88,
    0x02, 0x02, 0x00, 0x0c, 0x0d, 0x60, 0x00, 0xfe, 0xff, 0xab, 0x50, 0x80,
];

/// Sequence and picture parameter sets, and the IDR slice: in packets of their own, which every packetization mode allows
/// (RFC 6184 section 6.2).
const H264: [&[u8]; 3] = [
    &[
        0x67, 0x42, 0xc0, 0x0a, 0xda, 0x7b, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x00, 0x20,
        0xf1, 0x22, 0x6a,
    ],
    &[0x68, 0xce, 0x0f, 0x2c, 0x80],
    &[0x65, 0x88, 0x84, 0x05, 0x7f, 0xff, 0xff, 0x0f, 0x45, 0x00, 0x01, 0x42, 0xdf, 0x80],
];

impl Sfu {
    /// Sends it once to those who are owed one, in the codec that they have been getting.
    pub(crate) fn send_blanks(&mut self, index: usize, now: Instant) {
        let Self { tracks, peers, turn, .. } = self;
        let Some(track) = tracks.get_mut(index) else { return };
        for down in track.downs.iter_mut().filter(|down| down.blanks > 0) {
            down.blanks -= 1;
            let Some((format, Some((payload_type, repair_type)))) = down.payload_type else { continue };
            let Some(peer) = peers.get_mut(down.peer) else { continue };
            let is_vp8 = match format.codec {
                Codec::Vp8 => true,
                Codec::H264 => false,
                _ => continue,
            };
            let packets = if is_vp8 { 1 } else { H264.len() };
            let picture = down.forwarder.insert_picture(now, packets);
            let captured = picture.captured.or_else(|| now.checked_sub(capture::MARGIN)).unwrap_or(now);
            let payloads = if is_vp8 { vec![vp8(&picture.vp8)] } else { H264.map(<[u8]>::to_vec).into() };
            for (at, payload) in payloads.into_iter().enumerate() {
                let packet = Outgoing {
                    sequence: picture.sequence + at as u64,
                    timestamp: picture.timestamp,
                    captured,
                    marker: at + 1 == packets,
                    payload_type,
                    repair_type,
                    extensions: Forwarded::default(),
                    vp8: None,
                    payload: payload.into(),
                };
                peer.send(now, index, down, packet, turn);
            }
        }
    }
}

/// The picture behind a payload descriptor (RFC 7741 section 4.2) that goes on with what the stream has had so far.
fn vp8(numbers: &Vp8Numbers) -> Vec<u8> {
    // The start of partition 0.
    let (mut first, mut extension, mut fields) = (0x10, 0, Vec::new());
    if let Some(id) = numbers.picture_id {
        extension |= 0x80;
        fields.extend((id | 0x8000).to_be_bytes());
    }
    if let Some(index) = numbers.tl0_pic_idx {
        // Whoever has such an index also has a temporal layer.
        extension |= 0x60;
        fields.push(index);
    }
    extension |= if numbers.key_idx.is_some() { 0x10 } else { 0 };
    if extension & 0x30 != 0 {
        fields.push(numbers.key_idx.unwrap_or(0));
    }
    if extension != 0 {
        first |= 0x80;
        fields.insert(0, extension);
    }
    [&[first], fields.as_slice(), &VP8].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Vp8Fields, starts_keyframe};

    #[test]
    fn the_descriptor_has_what_the_stream_has_had() {
        for (picture_id, tl0_pic_idx, key_idx) in [
            (None, None, None),
            (Some(0x7fff), None, None),
            (Some(5), Some(255), None),
            (None, None, Some(31)),
            (Some(300), Some(0), Some(3)),
        ] {
            let payload = vp8(&Vp8Numbers { picture_id, tl0_pic_idx, key_idx });
            let fields = Vp8Fields::parse(&payload).unwrap();
            assert_eq!(fields.picture_id, picture_id.map(|id| (id, true)));
            assert_eq!((fields.tl0_pic_idx, fields.key_idx, fields.temporal), (tl0_pic_idx, key_idx, 0));
            assert!(starts_keyframe(Codec::Vp8, &payload) && payload.ends_with(&VP8));
        }
    }

    #[test]
    fn decoders_can_begin_with_it() {
        // RFC 6386 section 9.1: a keyframe, shown, with its start code, 16 x 16.
        assert_eq!((VP8[0] & 0x11, &VP8[3..10]), (0x10, &[0x9d, 0x01, 0x2a, 16, 0, 16, 0][..]));
        assert_eq!(H264.map(|unit| unit[0] & 0x1f), [7, 8, 5]);
        assert!(starts_keyframe(Codec::H264, H264[0]));
    }
}
