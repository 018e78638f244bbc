//! SRTP and SRTCP (RFC 3711, RFC 7714) with keys of a DTLS handshake (RFC 5764): one direction each.

mod replay;
mod session;

use crate::word;
use replay::Replay;
use session::{HEADER_BYTES, Kind, Session};

/// What a packet may have at most: no datagram is longer, and the block counter of AES-CM does not come round.
const PACKET_BYTES_MAX: usize = u16::MAX as usize;
/// An SRTCP index has 31 bits (RFC 3711, section 3.4).
const INDEX_MAX: u32 = (1 << 31) - 1;

/// Protection profiles (RFC 5764, section 4.1.2; RFC 7714, section 14.2), for RTP and RTCP alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Aes128CmSha1_80,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

impl Profile {
    /// Bytes that authenticate a packet. RTCP has four bytes of index besides.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes that the DTLS handshake exports: a key and a salt for each side.
    pub const fn keying_material_bytes(self) -> usize {
        2 * (self.key_bytes() + self.salt_bytes())
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    const fn salt_bytes(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Master key and master salt of one side out of `keying_material`: client key, server key, client salt, server salt
    /// (RFC 5764, section 4.2).
    fn master(self, keying_material: &[u8], client: bool) -> Option<(&[u8], &[u8])> {
        if keying_material.len() != self.keying_material_bytes() {
            return None;
        }
        let side = usize::from(!client);
        let (keys, salts) = keying_material.split_at(2 * self.key_bytes());
        Some((keys.chunks(self.key_bytes()).nth(side)?, salts.chunks(self.salt_bytes()).nth(side)?))
    }
}

/// Protects what we send.
pub struct Protector {
    rtp: Session,
    rtcp: Session,
    /// Index of the last RTCP packet.
    rtcp_index: u32,
}

impl Protector {
    /// With our side's keys out of the keying material of RFC 5764; `client`: we were the DTLS client. `None` if it has
    /// not [`Profile::keying_material_bytes`].
    pub fn new(profile: Profile, keying_material: &[u8], client: bool) -> Option<Self> {
        let (key, salt) = profile.master(keying_material, client)?;
        Some(Self {
            rtp: Session::derive(profile, Kind::Rtp, key, salt)?,
            rtcp: Session::derive(profile, Kind::Rtcp, key, salt)?,
            rtcp_index: 0,
        })
    }

    /// Encrypts `packet` behind its first `header_bytes` in place and appends the tag. `index` is the rollover counter (32
    /// bits) and the sequence number (16 bits); of one SSRC, two different packets must never have the same. `None`, and
    /// nothing to be sent, if the lengths or the index are impossible.
    pub fn rtp(&mut self, packet: &mut Vec<u8>, header_bytes: usize, index: u64) -> Option<()> {
        if header_bytes < 12 || header_bytes > packet.len() || packet.len() > PACKET_BYTES_MAX || index >> 48 != 0 {
            return None;
        }
        let ssrc = word(packet, 8)?;
        self.rtp.protect_rtp(packet, header_bytes, ssrc, index)
    }

    /// Encrypts a compound RTCP packet in place and appends E bit, index and tag. The index counts up by itself, for all
    /// SSRCs together; `None`, and nothing to be sent, at its end (2^31 packets) or if the length is impossible.
    pub fn rtcp(&mut self, packet: &mut Vec<u8>) -> Option<()> {
        if packet.len() < HEADER_BYTES || packet.len() > PACKET_BYTES_MAX || self.rtcp_index == INDEX_MAX {
            return None;
        }
        self.rtcp_index += 1;
        let ssrc = word(packet, 4)?;
        self.rtcp.protect_rtcp(packet, ssrc, self.rtcp_index)
    }
}

/// Opens what the remote sends to us as RTCP.
pub struct Unprotector {
    rtcp: Session,
    replay: Replay,
}

impl Unprotector {
    /// With the other side's keys; the arguments are those of [`Protector::new`].
    pub fn new(profile: Profile, keying_material: &[u8], client: bool) -> Option<Self> {
        let (key, salt) = profile.master(keying_material, !client)?;
        Some(Self { rtcp: Session::derive(profile, Kind::Rtcp, key, salt)?, replay: Replay::default() })
    }

    /// Authenticates `packet` and decrypts it into `clear`, which is emptied first. `None`, and `clear` empty, if it is not
    /// authentic, not encrypted, or came before: the last 64 indices of each of 64 senders are remembered.
    pub fn rtcp(&mut self, packet: &[u8], clear: &mut Vec<u8>) -> Option<()> {
        clear.clear();
        let ssrc = word(packet, 4)?;
        let index = self.rtcp.index_of(packet)?;
        if !self.replay.is_new(ssrc, index) {
            return None;
        }
        if self.rtcp.unprotect_rtcp(packet, clear, ssrc, index).is_none() {
            // What was decrypted until the tag turned out to be wrong is nobody's.
            clear.clear();
            return None;
        }
        self.replay.remember(ssrc, index);
        Some(())
    }
}

#[cfg(test)]
mod tests;
