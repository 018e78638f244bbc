//! RTP headers (RFC 3550, section 5.1) with header extensions (RFC 8285).

/// "Defined by profile" of the one-byte form and of the two-byte form (RFC 8285, sections 4.2 and 4.3).
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;

/// The fixed header of an RTP packet, without contributing sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// The payload ends with padding, whose last byte says how long it is.
    pub padding: bool,
}

/// Appends the header to `packet` and returns its length in bytes. `elements` are header extensions, (id, value); where there
/// are none there is no extension block. They take the two-byte form if one of them needs it: an id above 14, more than 16
/// bytes, or none. An element that neither form can carry (id 0, more than 255 bytes) is left out.
pub fn write_header<'a>(
    packet: &mut Vec<u8>,
    header: &Header,
    elements: impl Iterator<Item = (u8, &'a [u8])> + Clone,
) -> usize {
    let start = packet.len();
    packet.extend([0x80 | u8::from(header.padding) << 5, u8::from(header.marker) << 7 | header.payload_type & 0x7f]);
    packet.extend(header.sequence.to_be_bytes());
    packet.extend(header.timestamp.to_be_bytes());
    packet.extend(header.ssrc.to_be_bytes());
    let elements = elements.filter(|(id, value)| *id != 0 && value.len() <= 255);
    if elements.clone().next().is_some() {
        packet[start] |= 0x10;
        write_elements(packet, elements);
    }
    packet.len() - start
}

fn write_elements<'a>(packet: &mut Vec<u8>, elements: impl Iterator<Item = (u8, &'a [u8])> + Clone) {
    let one_byte = elements.clone().all(|(id, value)| id <= 14 && (1..=16).contains(&value.len()));
    packet.extend(if one_byte { ONE_BYTE } else { TWO_BYTE }.to_be_bytes());
    packet.extend([0; 2]);
    let start = packet.len();
    for (id, value) in elements {
        // No value is longer than 255 bytes here.
        let length = value.len() as u8;
        if one_byte {
            packet.push(id << 4 | (length - 1));
        } else {
            packet.extend([id, length]);
        }
        packet.extend_from_slice(value);
    }
    let words = (packet.len() - start).div_ceil(4);
    packet.resize(start + 4 * words, 0);
    // 255 elements of 257 bytes are fewer words than fit.
    packet[start - 2..start].copy_from_slice(&(words as u16).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 96,
        sequence: 0x1234,
        timestamp: 0x5678_9abc,
        ssrc: 0xdead_beef,
        padding: false,
    };

    fn written(header: &Header, elements: &[(u8, &[u8])]) -> Vec<u8> {
        let mut packet = vec![0xaa];
        let bytes = write_header(&mut packet, header, elements.iter().copied());
        assert_eq!(packet.len(), 1 + bytes);
        assert_eq!(packet.remove(0), 0xaa, "what was there stays");
        packet
    }

    /// RFC 3550, section 5.1.
    #[test]
    fn fixed_headers() {
        let fixed = [0x80, 0xe0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(written(&HEADER, &[]), fixed);
        let mut other = fixed;
        (other[0], other[1]) = (0xa0, 0x7f);
        assert_eq!(written(&Header { marker: false, payload_type: 0xff, padding: true, ..HEADER }, &[]), other);
    }

    /// RFC 8285, sections 4.2 and 4.3.
    #[test]
    fn extension_blocks() {
        let check = |elements: &[(u8, &[u8])], expected: &[u8]| {
            let packet = written(&HEADER, elements);
            assert_eq!(packet[0], if expected.is_empty() { 0x80 } else { 0x90 });
            assert_eq!(&packet[12..], expected, "{elements:?}");
        };
        let (long, longest) = ([7; 17], [7; 256]);
        check(&[(1, &[0xa])], &[0xbe, 0xde, 0, 1, 0x10, 0xa, 0, 0]);
        check(
            &[(1, &[0xa]), (2, &[0xb, 0xc]), (14, &[1, 2, 3, 4])],
            &[0xbe, 0xde, 0, 3, 0x10, 0xa, 0x21, 0xb, 0xc, 0xe3, 1, 2, 3, 4, 0, 0],
        );
        check(&[(3, &[9; 16])], &[&[0xbe, 0xde, 0, 5, 0x3f][..], &[9; 16], &[0; 3]].concat());
        check(&[(1, &[]), (2, &[5]), (3, &[1, 2, 3, 4])], &[0x10, 0, 0, 3, 1, 0, 2, 1, 5, 3, 4, 1, 2, 3, 4, 0]);
        check(&[(1, &[0xa]), (15, &[0xb])], &[0x10, 0, 0, 2, 1, 1, 0xa, 15, 1, 0xb, 0, 0]);
        check(&[(1, &long)], &[&[0x10, 0, 0, 5, 1, 17][..], &long, &[0]].concat());
        check(&[(0, &[1]), (1, &longest)], &[]);
        check(&[(0, &[1]), (4, &[1])], &[0xbe, 0xde, 0, 1, 0x40, 1, 0, 0]);
    }

    /// A reader of both forms, after the RFC's grammar.
    fn read(mut block: &[u8], one_byte: bool) -> Vec<(u8, Vec<u8>)> {
        let mut elements = Vec::new();
        while let [first, rest @ ..] = block {
            if *first == 0 {
                block = rest;
                continue;
            }
            let (id, length, rest) = if one_byte {
                (first >> 4, usize::from(first & 15) + 1, rest)
            } else {
                (*first, usize::from(rest[0]), &rest[1..])
            };
            elements.push((id, rest[..length].to_vec()));
            block = &rest[length..];
        }
        elements
    }

    proptest! {
        #[test]
        fn elements_are_read_again(elements in prop::collection::vec((1_u8.., prop::collection::vec(any::<u8>(), 0..40)), 1..20)) {
            let borrowed: Vec<(u8, &[u8])> = elements.iter().map(|(id, value)| (*id, &value[..])).collect();
            let packet = written(&HEADER, &borrowed);
            let one_byte = packet[12..14] == [0xbe, 0xde];
            prop_assert!(one_byte || packet[12..14] == [0x10, 0]);
            prop_assert_eq!(usize::from(u16::from_be_bytes([packet[14], packet[15]])) * 4, packet.len() - 16);
            prop_assert_eq!(read(&packet[16..], one_byte), elements);
        }
    }
}
