//! What the forwarding decision must know of a payload: does a keyframe start here, and VP8's descriptor fields.

use str0m::format::Codec;

use crate::forward::Vp8Numbers;

/// Fields of a VP8 payload descriptor (RFC 7741 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Vp8Fields {
    /// Value, and whether it is written with 15 bits (else 7).
    pub(crate) picture_id: Option<(u16, bool)>,
    pub(crate) tl0_pic_idx: Option<u8>,
    pub(crate) key_idx: Option<u8>,
    /// Temporal layer, 0 if absent.
    pub(crate) temporal: u8,
    /// Y: this frame depends on the base layer only, so a receiver may begin the layer here.
    pub(crate) layer_sync: bool,
}

impl Vp8Fields {
    /// Parse the descriptor at the start of a payload; `None` if it is cut short.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut fields = Self::default();
        if payload.first()? & 0x80 == 0 {
            return Some(fields);
        }
        let extension = *payload.get(1)?;
        let mut rest = payload.get(2..)?.iter().copied();
        if extension & 0x80 != 0 {
            let high = rest.next()?;
            fields.picture_id = Some(if high & 0x80 != 0 {
                (u16::from(high & 0x7f) << 8 | u16::from(rest.next()?), true)
            } else {
                (u16::from(high), false)
            });
        }
        if extension & 0x40 != 0 {
            fields.tl0_pic_idx = Some(rest.next()?);
        }
        if extension & 0x30 != 0 {
            let byte = rest.next()?;
            if extension & 0x20 != 0 {
                fields.temporal = byte >> 6;
                fields.layer_sync = byte & 0x20 != 0;
            }
            if extension & 0x10 != 0 {
                fields.key_idx = Some(byte & 0x1f);
            }
        }
        Some(fields)
    }
}

/// Writes other numbers into the VP8 payload descriptor at the start of a payload, each as wide as the one that stands there.
pub(crate) fn renumber(payload: &mut [u8], numbers: Vp8Numbers) {
    let [first, extension, fields @ ..] = payload else { return };
    let extension = if *first & 0x80 != 0 { *extension } else { 0 };
    let mut fields = fields.iter_mut();
    if extension & 0x80 != 0
        && let Some(high) = fields.next()
    {
        let wide = *high & 0x80 != 0;
        let low = if wide { fields.next() } else { None };
        match (numbers.picture_id, low) {
            (Some(id), Some(low)) => [*high, *low] = (id | 0x8000).to_be_bytes(),
            (Some(id), None) if !wide => *high = id as u8 & 0x7f,
            _ => {}
        }
    }
    if extension & 0x40 != 0
        && let (Some(field), Some(index)) = (fields.next(), numbers.tl0_pic_idx)
    {
        *field = index;
    }
    if extension & 0x10 != 0
        && let (Some(field), Some(index)) = (fields.next(), numbers.key_idx)
    {
        *field = *field & 0xe0 | index & 0x1f;
    }
}

/// Whether this payload begins a picture that a decoder can start from.
///
/// Unknown codecs answer true: they are forwarded as they come.
pub(crate) fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => vp8_starts_keyframe(payload).unwrap_or(false),
        Codec::Vp9 => vp9_starts_keyframe(payload),
        Codec::H264 => h264_starts_keyframe(payload),
        // N bit of the aggregation header: first packet of a coded video sequence (AV1 RTP, section 4.4).
        Codec::Av1 => payload.first().is_some_and(|byte| byte & 0x08 != 0),
        _ => true,
    }
}

fn vp8_starts_keyframe(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    // S set and partition 0.
    if first & 0x10 == 0 || first & 0x07 != 0 {
        return Some(false);
    }
    let mut offset = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(1)?;
        offset = 2;
        if extension & 0x80 != 0 {
            offset += if payload.get(offset)? & 0x80 != 0 { 2 } else { 1 };
        }
        offset += usize::from(extension & 0x40 != 0);
        offset += usize::from(extension & 0x30 != 0);
    }
    // Inverse key frame flag of the VP8 payload header.
    Some(payload.get(offset)? & 0x01 == 0)
}

/// RFC 9628 section 4.2: begins a frame (B), not inter-predicted (P clear), lowest spatial layer.
fn vp9_starts_keyframe(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    let (picture_id, inter, layers, begin) = (first & 0x80, first & 0x40, first & 0x20, first & 0x08);
    if inter != 0 || begin == 0 {
        return false;
    }
    if layers == 0 {
        return true;
    }
    let mut offset = 1;
    if picture_id != 0 {
        let Some(&byte) = payload.get(offset) else {
            return false;
        };
        offset += if byte & 0x80 != 0 { 2 } else { 1 };
    }
    payload.get(offset).is_some_and(|byte| (byte >> 1) & 0x07 == 0)
}

/// RFC 6184: a sequence parameter set or the start of an IDR slice, alone, aggregated or fragmented.
fn h264_starts_keyframe(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let Some(&first) = payload.first() else {
        return false;
    };
    match first & 0x1f {
        IDR | SPS => true,
        FU_A => payload.get(1).is_some_and(|header| header & 0x80 != 0 && header & 0x1f == IDR),
        STAP_A => {
            let mut rest = &payload[1..];
            while let [high, low, nal, ..] = rest {
                if matches!(nal & 0x1f, IDR | SPS) {
                    return true;
                }
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let Some(next) = rest.get(2 + length..) else {
                    return false;
                };
                rest = next;
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands there stays as wide as it is, and nothing behind the descriptor is touched.
    #[test]
    fn numbers_are_written_where_they_stand() {
        let numbers = Vp8Numbers { picture_id: Some(0x1234), tl0_pic_idx: Some(7), key_idx: Some(3) };
        let cases: [(&[u8], &[u8]); 7] = [
            (&[0x10, 0xaa], &[0x10, 0xaa]),
            (&[0x90, 0x80, 0x05, 0xaa], &[0x90, 0x80, 0x34, 0xaa]),
            (&[0x90, 0x80, 0x80, 0x05, 0xaa], &[0x90, 0x80, 0x92, 0x34, 0xaa]),
            (&[0x90, 0xe0, 0x80, 0x05, 0x01, 0x60, 0xaa], &[0x90, 0xe0, 0x92, 0x34, 0x07, 0x60, 0xaa]),
            (&[0x90, 0x30, 0x7f, 0xaa], &[0x90, 0x30, 0x63, 0xaa]),
            (&[0x90, 0x40, 0x01, 0xaa], &[0x90, 0x40, 0x07, 0xaa]),
            (&[0x90, 0x80, 0x80], &[0x90, 0x80, 0x80]),
        ];
        for (before, expected) in cases {
            let mut payload = before.to_vec();
            renumber(&mut payload, numbers);
            assert_eq!(payload, expected, "{before:x?}");
        }
        for cut in 0..4 {
            renumber(&mut [0x90, 0xf0, 0x80, 0x05][..cut], numbers);
        }
    }

    #[test]
    fn vp8_descriptor_fields_are_read() {
        // X, S; I L T K; 15-bit picture id 0x1234; TL0 7; T=2 Y=1 key 9; key frame.
        let payload = [0x90, 0xf0, 0x92, 0x34, 7, 0b1010_1001, 0x10];
        let fields = Vp8Fields::parse(&payload).unwrap();
        assert_eq!(
            fields,
            Vp8Fields {
                picture_id: Some((0x1234, true)),
                tl0_pic_idx: Some(7),
                key_idx: Some(9),
                temporal: 2,
                layer_sync: true
            }
        );
        assert!(starts_keyframe(Codec::Vp8, &payload));
        assert!(!starts_keyframe(Codec::Vp8, &[0x90, 0xf0, 0x92, 0x34, 7, 0b1010_1001, 0x11]));
        assert!(Vp8Fields::parse(&[0x90, 0xf0, 0x92]).is_none());
        assert!(Vp8Fields::parse(&[]).is_none());
    }

    #[test]
    fn keyframes_of_other_codecs() {
        let cases: &[(Codec, &[u8], bool)] = &[
            (Codec::H264, &[0x67, 1], true),
            (Codec::H264, &[0x65, 1], true),
            (Codec::H264, &[0x61, 1], false),
            (Codec::H264, &[0x78, 0, 2, 0x09, 0, 0, 1, 0x67], true),
            (Codec::H264, &[0x78, 0xff, 0xff, 0x09], false),
            (Codec::H264, &[0x7c, 0x85], true),
            (Codec::H264, &[0x7c, 0x05], false),
            (Codec::Vp9, &[0x08], true),
            (Codec::Vp9, &[0x48], false),
            (Codec::Vp9, &[0xa8, 0x81, 0x00, 0x00], true),
            (Codec::Vp9, &[0xa8, 0x81, 0x00, 0x02], false),
            (Codec::Av1, &[0x18], true),
            (Codec::Av1, &[0x10], false),
            (Codec::Opus, &[], true),
            (Codec::Vp8, &[], false),
        ];
        for (codec, payload, expected) in cases {
            assert_eq!(starts_keyframe(*codec, payload), *expected, "{codec:?} {payload:?}");
        }
    }
}
