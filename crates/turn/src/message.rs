//! STUN messages (RFC 8489, section 5 and 14): read in place, written into a buffer. Public for clients in tests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;

/// Bytes before the attributes.
pub(crate) const HEADER_BYTES: usize = 20;
/// The four bytes that every message has behind its length.
pub(crate) const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes of a MESSAGE-INTEGRITY attribute with its head.
const INTEGRITY_BYTES: usize = 24;

/// Methods, RFC 8489 and RFC 8656 section 17.
pub mod method {
    pub const BINDING: u16 = 1;
    pub const ALLOCATE: u16 = 3;
    pub const REFRESH: u16 = 4;
    pub const SEND: u16 = 6;
    pub const DATA: u16 = 7;
    pub const CREATE_PERMISSION: u16 = 8;
    pub const CHANNEL_BIND: u16 = 9;
}

/// Attributes, RFC 8489 section 14 and RFC 8656 section 18.
pub mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    pub const LIFETIME: u16 = 0x000d;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const EVEN_PORT: u16 = 0x0018;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const DONT_FRAGMENT: u16 = 0x001a;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const RESERVATION_TOKEN: u16 = 0x0022;
}

/// What a message is (RFC 8489, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// A whole message. Attributes behind MESSAGE-INTEGRITY are not seen: nobody has signed them.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    pub method: u16,
    pub class: Class,
}

impl<'a> Message<'a> {
    /// `None` if `bytes` are not exactly one well-formed message.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (method, class) = kind(bytes)?;
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if length % 4 != 0 || bytes.len() != HEADER_BYTES + length {
            return None;
        }
        let mut rest = &bytes[HEADER_BYTES..];
        while !rest.is_empty() {
            rest = split(rest)?.1;
        }
        Some(Self { bytes, method, class })
    }

    /// By which an answer is known.
    pub fn transaction(&self) -> [u8; 12] {
        std::array::from_fn(|index| self.bytes[8 + index])
    }

    /// Attributes up to and with MESSAGE-INTEGRITY: type and value.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        let mut rest = &self.bytes[HEADER_BYTES..];
        std::iter::from_fn(move || {
            let (found, left) = split(rest)?;
            rest = if found.0 == attribute::MESSAGE_INTEGRITY { &[] } else { left };
            Some(found)
        })
    }

    /// The value of the first attribute of this type.
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// Whether there is an attribute of this type.
    pub fn has(&self, kind: u16) -> bool {
        self.attribute(kind).is_some()
    }

    /// The same as text.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(kind)?).ok()
    }

    /// The same as a number of four bytes.
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.attribute(kind)?.try_into().ok()?))
    }

    /// Each address of this type that is well-formed; `None` where one is not.
    pub fn addresses(&self, kind: u16) -> Option<Vec<SocketAddr>> {
        let values = self.attributes().filter(|(found, _)| *found == kind);
        values.map(|(_, value)| unmask(value, &self.transaction())).collect()
    }

    /// Whether MESSAGE-INTEGRITY (RFC 8489, section 14.5) was made with `key`.
    pub fn is_signed_with(&self, key: &[u8; 16]) -> bool {
        let mut offset = HEADER_BYTES;
        for (kind, value) in self.attributes() {
            if kind == attribute::MESSAGE_INTEGRITY {
                return sign(&self.bytes[..offset], key).verify_slice(value).is_ok();
            }
            offset += 4 + value.len().next_multiple_of(4);
        }
        false
    }
}

/// Method and class of what begins like a message.
pub(crate) fn kind(bytes: &[u8]) -> Option<(u16, Class)> {
    if bytes.len() < HEADER_BYTES || bytes[0] > 0x3f || bytes[4..8] != COOKIE {
        return None;
    }
    let word = u16::from_be_bytes([bytes[0], bytes[1]]);
    let method = (word & 0x000f) | ((word & 0x00e0) >> 1) | ((word & 0x3e00) >> 2);
    let class = match (word & 0x0100 != 0, word & 0x0010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    };
    Some((method, class))
}

/// Type and value.
pub type Attribute<'a> = (u16, &'a [u8]);

/// The first attribute and what is behind it.
fn split(bytes: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let [kind_high, kind_low, length_high, length_low, ref rest @ ..] = *bytes else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    let value = rest.get(..length)?;
    Some(((u16::from_be_bytes([kind_high, kind_low]), value), rest.get(length.next_multiple_of(4)..)?))
}

/// HMAC-SHA1 of a message cut before its MESSAGE-INTEGRITY, whose length counts that attribute.
fn sign(bytes: &[u8], key: &[u8; 16]) -> Hmac<Sha1> {
    let length = u16::try_from(bytes.len() - HEADER_BYTES + INTEGRITY_BYTES).unwrap_or(u16::MAX);
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&bytes[..2]);
    mac.update(&length.to_be_bytes());
    mac.update(&bytes[4..]);
    mac
}

/// What requests of a user are signed with (RFC 8489, section 9.2.2).
pub fn long_term_key(user_name: &str, realm: &str, password: &str) -> [u8; 16] {
    Md5::digest(format!("{user_name}:{realm}:{password}")).into()
}

/// What an address is XORed with (RFC 8489, section 14.2): cookie and transaction.
fn mask(transaction: &[u8; 12]) -> [u8; 16] {
    std::array::from_fn(|index| if index < 4 { COOKIE[index] } else { transaction[index - 4] })
}

fn unmask(value: &[u8], transaction: &[u8; 12]) -> Option<SocketAddr> {
    let mask = mask(transaction);
    let (head, address) = value.split_at_checked(4)?;
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let ip = match (head[1], address.len()) {
        (1, 4) => IpAddr::V4(Ipv4Addr::from(std::array::from_fn::<u8, 4, _>(|i| address[i] ^ mask[i]))),
        (2, 16) => IpAddr::V6(Ipv6Addr::from(std::array::from_fn::<u8, 16, _>(|i| address[i] ^ mask[i]))),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes one message.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    transaction: [u8; 12],
}

impl Writer {
    /// Begins with a head whose length is filled in at the end.
    pub fn new(method: u16, class: Class, transaction: [u8; 12]) -> Self {
        let bits = match class {
            Class::Request => 0,
            Class::Indication => 0x0010,
            Class::Success => 0x0100,
            Class::Error => 0x0110,
        };
        let word = (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2) | bits;
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&word.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&COOKIE);
        bytes.extend_from_slice(&transaction);
        Self { bytes, transaction }
    }

    /// Adds an attribute, padded.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Adds an address, masked.
    pub fn address(&mut self, kind: u16, address: SocketAddr) {
        let mask = mask(&self.transaction);
        let (family, octets) = match address.ip() {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let port = address.port().to_be_bytes();
        let mut value = vec![0, family, port[0] ^ mask[0], port[1] ^ mask[1]];
        value.extend(octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask));
        self.attribute(kind, &value);
    }

    /// ERROR-CODE without a reason phrase, which nobody reads and everybody pays for.
    pub fn error(&mut self, code: u16) {
        self.attribute(attribute::ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
    }

    /// The finished message, signed where there is a key.
    pub fn finish(mut self, key: Option<&[u8; 16]>) -> Vec<u8> {
        if let Some(key) = key {
            let code = sign(&self.bytes, key).finalize().into_bytes();
            self.attribute(attribute::MESSAGE_INTEGRITY, &code);
        }
        let length = u16::try_from(self.bytes.len() - HEADER_BYTES).unwrap_or(u16::MAX);
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// The response of RFC 5769, section 2.2: mapped to 192.0.2.1:32853.
    #[test]
    fn the_sample_response_is_read_and_written() {
        let sample = bytes(
            "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220\
             002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96",
        );
        let message = Message::parse(&sample).unwrap();
        assert_eq!((message.method, message.class), (method::BINDING, Class::Success));
        let mapped = "192.0.2.1:32853".parse().unwrap();
        assert_eq!(message.addresses(attribute::XOR_MAPPED_ADDRESS), Some(vec![mapped]));
        assert!(!message.has(0x8028), "FINGERPRINT stands behind what is signed");
        let mut writer = Writer::new(method::BINDING, Class::Success, message.transaction());
        writer.address(attribute::XOR_MAPPED_ADDRESS, mapped);
        let written = writer.finish(None);
        assert_eq!(written[20..], sample[36..48]);
    }

    #[test]
    fn addresses_of_both_families_come_back() {
        for address in ["192.0.2.9:1", "[2001:db8::17]:65535"] {
            let address: SocketAddr = address.parse().unwrap();
            let mut writer = Writer::new(method::SEND, Class::Indication, [7; 12]);
            writer.address(attribute::XOR_PEER_ADDRESS, address);
            let written = writer.finish(None);
            let message = Message::parse(&written).unwrap();
            assert_eq!((message.method, message.class), (method::SEND, Class::Indication));
            assert_eq!(message.addresses(attribute::XOR_PEER_ADDRESS), Some(vec![address]));
        }
    }

    #[test]
    fn a_changed_bit_breaks_the_signature() {
        let key = [9; 16];
        let mut writer = Writer::new(method::REFRESH, Class::Request, [1; 12]);
        writer.attribute(attribute::USERNAME, b"anna");
        let written = writer.finish(Some(&key));
        assert!(Message::parse(&written).unwrap().is_signed_with(&key));
        assert!(!Message::parse(&written).unwrap().is_signed_with(&[8; 16]));
        for bit in (0..written.len() * 8).filter(|bit| !(16..64).contains(bit)) {
            let mut changed = written.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let signed = Message::parse(&changed).is_some_and(|message| message.is_signed_with(&key));
            assert!(!signed, "bit {bit}");
        }
    }

    #[test]
    fn what_is_not_whole_is_no_message() {
        let mut writer = Writer::new(method::ALLOCATE, Class::Request, [1; 12]);
        writer.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        let written = writer.finish(None);
        assert!(Message::parse(&written).is_some());
        assert!((0..written.len()).all(|length| Message::parse(&written[..length]).is_none()));
        assert!(Message::parse(&[written, vec![0; 4]].concat()).is_none());
    }
}
