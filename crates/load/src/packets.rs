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

/// A whole keyframe: 64 x 64 grey pixels, as libvpx makes it. What follows it in a packet belongs to no pixel.
const STILL: [u8; 37] = [
    0xf0, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x00, 0x40, 0x00, 0x00, 0x47, 0x08, 0x85, 0x85, 0x88, 0x99, 0x84, 0x88,
    0x02, 0x02, 0x00, 0x06, 0x70, 0x3c, 0x42, 0x60, 0x0a, 0xb2, 0x20, 0xf7, 0x30, 0x00, 0xfe, 0xc3, 0xe0, 0x00,
];

/// A frame, of which packets are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vp8Frame {
    pub(crate) picture_id: u16,
    pub(crate) keyframe: bool,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// One packet of a frame that any decoder shows: always the same grey, however many bytes it has.
pub(crate) fn still(picture_id: u16, first: bool, bytes: usize, sent_us: u64) -> Vec<u8> {
    let mut payload = vec![0; bytes.max(DESCRIPTOR_BYTES + STILL.len() + STAMP_BYTES)];
    payload[..DESCRIPTOR_BYTES].copy_from_slice(&descriptor(picture_id, first));
    if first {
        payload[DESCRIPTOR_BYTES..DESCRIPTOR_BYTES + STILL.len()].copy_from_slice(&STILL);
    }
    stamp(&mut payload, sent_us);
    payload
}

/// X; S starts a partition. I, L and T are present, K is not. TID 0 with Y: no dependency beyond TL0.
fn descriptor(picture_id: u16, first: bool) -> [u8; DESCRIPTOR_BYTES] {
    let picture = (picture_id & 0x7fff).to_be_bytes();
    [0x80 | u8::from(first) << 4, 0b1110_0000, 0x80 | picture[0], picture[1], picture_id as u8, 0x20]
}

impl Vp8Frame {
    /// One packet of `bytes`; `first` starts the frame. `tl0` counts base-layer frames: there is only the base layer.
    pub(crate) fn packet(&self, first: bool, bytes: usize, sent_us: u64) -> Vec<u8> {
        let mut payload = vec![0x55; bytes.max(PAYLOAD_BYTES_MIN)];
        payload[..DESCRIPTOR_BYTES].copy_from_slice(&descriptor(self.picture_id, first));
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

/// One Opus packet (RFC 6716 section 3.2.5): one 20 ms fullband frame of silence, the rest padding.
pub(crate) fn opus(bytes: usize, sent_us: u64) -> Vec<u8> {
    const HEADER_BYTES: usize = 3;
    const SILENCE: [u8; 2] = [0xff, 0xfe];
    let padding = bytes.saturating_sub(HEADER_BYTES + SILENCE.len()).clamp(STAMP_BYTES, 254);
    let mut payload = vec![0; HEADER_BYTES + SILENCE.len() + padding];
    payload[..HEADER_BYTES].copy_from_slice(&[0xfb, 0x41, padding as u8]);
    payload[HEADER_BYTES..HEADER_BYTES + SILENCE.len()].copy_from_slice(&SILENCE);
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
        assert_eq!(opus(80, 0).len(), 80);
        assert_eq!(sent_us(&still(7, false, 1100, 42)), Some(42));
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
        assert!(starts_keyframe(&still(1, true, 1100, 0)) && !starts_keyframe(&still(1, false, 1100, 0)));
        assert!(!starts_keyframe(&[]));
    }
}
