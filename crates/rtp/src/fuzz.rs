//! Functions of foreign bytes, for the fuzz drivers: each must come back, whatever the bytes are.

use crate::rtcp::{self, Packet};
use crate::{Profile, Protector, Unprotector};

const PROFILES: [Profile; 3] = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];

/// A compound of RTCP packets, read to the end.
///
/// # Panics
///
/// If more is read than there can be.
pub fn rtcp(bytes: &[u8]) {
    let _ = rtcp::is_rtcp(bytes);
    let mut packets = 0;
    for packet in rtcp::parse(bytes) {
        packets += 1;
        match packet {
            Packet::ReceiverReports { blocks, .. } | Packet::SenderReport { blocks, .. } => {
                let now = bytes.len() as u64 * 0x0123_4567_89ab;
                assert!(
                    blocks.filter(|block| block.round_trip(now).is_none_or(|time| time.as_secs() < 32_768)).count()
                        <= 31
                );
            }
            Packet::Nack { lost, .. } => assert!(lost.count() <= 17 * bytes.len() / 4),
            Packet::TransportFeedback(feedback) => {
                let told =
                    feedback.packets().filter(|(sequence, _)| sequence.wrapping_sub(feedback.base_sequence) < 8192);
                assert!(told.count() <= usize::from(feedback.count));
            }
            Packet::Goodbye { ssrcs } => assert!(ssrcs.count() <= 31),
            Packet::PictureLoss { .. }
            | Packet::FullIntraRequest { .. }
            | Packet::ReceiverEstimatedMaxBitrate { .. }
            | Packet::Other => {}
        }
    }
    assert!(packets <= 64);
}

/// An SRTCP packet as it is, and the same bytes protected: what is opened is what was protected, and only once.
///
/// # Panics
///
/// If it is not.
pub fn srtcp(bytes: &[u8]) {
    for profile in PROFILES {
        let keys: Vec<u8> = (0..profile.keying_material_bytes()).map(|byte| byte as u8).collect();
        let mut receiver = Unprotector::new(profile, &keys, true).expect("keys of the right length");
        let mut clear = Vec::new();
        if receiver.rtcp(bytes, &mut clear).is_none() {
            assert!(clear.is_empty(), "something is left of a packet that was refused");
        }
        let mut receiver = Unprotector::new(profile, &keys, true).expect("keys of the right length");
        let mut sender = Protector::new(profile, &keys, false).expect("keys of the right length");
        let mut packet = bytes.to_vec();
        if sender.rtcp(&mut packet).is_some() {
            assert!(
                receiver.rtcp(&packet, &mut clear).is_some() && clear == bytes,
                "another packet than was protected"
            );
            assert!(receiver.rtcp(&packet, &mut clear).is_none(), "a replay");
        }
    }
}
