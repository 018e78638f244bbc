//! RTP payloads with real headers and no picture or sound, and the stamp that says when they were made.

/// VP8 payload descriptor (RFC 7741 section 4.2) with 15-bit picture id, TL0PICIDX and TID.
const DESCRIPTOR_BYTES: usize = 6;
/// Frame tag, start code and dimensions of a keyframe (RFC 6386 section 9.1).
const KEYFRAME_HEADER_BYTES: usize = 10;
/// Marks a payload of ours; the time follows.
const MAGIC: [u8; 8] = *b"hdk-load";
const STAMP_BYTES: usize = MAGIC.len() + 8;
/// The shortest payload that holds all headers and the stamp.
pub(crate) const PAYLOAD_BYTES_MIN: usize = DESCRIPTOR_BYTES + KEYFRAME_HEADER_BYTES + STAMP_BYTES;

/// A frame, of which packets are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vp8Frame {
    pub(crate) picture_id: u16,
    pub(crate) keyframe: bool,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Vp8Frame {
    /// One packet of `bytes`; `first` starts the frame. `tl0` counts base-layer frames: there is only the base layer.
    pub(crate) fn packet(&self, first: bool, bytes: usize, sent_us: u64) -> Vec<u8> {
        let mut payload = vec![0x55; bytes.max(PAYLOAD_BYTES_MIN)];
        let picture = (self.picture_id & 0x7fff).to_be_bytes();
        // X; S starts a partition. I, L and T are present, K is not. TID 0 with Y: no dependency beyond TL0.
        let descriptor =
            [0x80 | u8::from(first) << 4, 0b1110_0000, 0x80 | picture[0], picture[1], self.picture_id as u8, 0x20];
        payload[..DESCRIPTOR_BYTES].copy_from_slice(&descriptor);
        if first {
            let [low, high] = self.width.to_le_bytes();
            let [top, bottom] = self.height.to_le_bytes();
            // Frame tag: not-keyframe bit, version 0, shown; the first partition's size is not real.
            let header = [0x10 | u8::from(!self.keyframe), 0x02, 0x00, 0x9d, 0x01, 0x2a, low, high, top, bottom];
            let length = if self.keyframe { KEYFRAME_HEADER_BYTES } else { 3 };
            payload[DESCRIPTOR_BYTES..DESCRIPTOR_BYTES + length].copy_from_slice(&header[..length]);
        }
        stamp(&mut payload, sent_us);
        payload
    }
}

/// One Opus packet: a table-of-contents byte (RFC 6716 section 3.1) for one 20 ms fullband frame, then noise.
pub(crate) fn opus(bytes: usize, sent_us: u64) -> Vec<u8> {
    let mut payload = vec![0x2a; bytes.max(1 + STAMP_BYTES)];
    payload[0] = 0xf8;
    stamp(&mut payload, sent_us);
    payload
}

/// Whether a VP8 payload, with a descriptor as any server sends it, starts a keyframe.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    str0m::rtp::Vp8Descriptor::parse(payload).is_ok_and(|descriptor| descriptor.starts_keyframe(payload))
}

fn stamp(payload: &mut [u8], sent_us: u64) {
    let at = payload.len() - STAMP_BYTES;
    payload[at..at + MAGIC.len()].copy_from_slice(&MAGIC);
    payload[at + MAGIC.len()..].copy_from_slice(&sent_us.to_be_bytes());
}

/// When a payload of ours was made, in microseconds of the maker's clock; `None` for what servers make up themselves.
pub(crate) fn sent_us(payload: &[u8]) -> Option<u64> {
    let (rest, time) = payload.split_last_chunk::<8>()?;
    rest.ends_with(&MAGIC).then(|| u64::from_be_bytes(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_survives_and_is_not_invented() {
        let frame = Vp8Frame { picture_id: 7, keyframe: true, width: 640, height: 360 };
        assert_eq!(sent_us(&frame.packet(true, 1100, 42)), Some(42));
        assert_eq!(frame.packet(false, 1100, 42).len(), 1100);
        assert_eq!(sent_us(&opus(80, u64::MAX)), Some(u64::MAX));
        assert_eq!(sent_us(&opus(0, 3)), Some(3));
        for foreign in [&[][..], &[0xf8, 0xff, 0xfe], &[0; 1100]] {
            assert_eq!(sent_us(foreign), None);
        }
    }

    #[test]
    fn a_keyframe_is_one_to_who_parses_it() {
        let frame = |keyframe| Vp8Frame { picture_id: 0x7fff, keyframe, width: 1280, height: 720 };
        assert!(starts_keyframe(&frame(true).packet(true, 1100, 0)));
        assert!(!starts_keyframe(&frame(true).packet(false, 1100, 0)));
        assert!(!starts_keyframe(&frame(false).packet(true, 1100, 0)));
        assert!(!starts_keyframe(&[]));
    }
}
