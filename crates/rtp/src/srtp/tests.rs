//! Published vectors, and round trips against an opener that is written here after the RFCs' words.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use proptest::prelude::*;

use super::session::derive_key;
use super::*;

const PROFILES: [Profile; 3] = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let number = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    digits.chunks(2).map(number).collect()
}

fn keys(profile: Profile) -> Vec<u8> {
    (0..profile.keying_material_bytes()).map(|byte| byte as u8 ^ 0x5a).collect()
}

fn protector(profile: Profile) -> Protector {
    Protector::new(profile, &keys(profile), true).expect("keys of the right length")
}

fn unprotector(profile: Profile) -> Unprotector {
    Unprotector::new(profile, &keys(profile), false).expect("keys of the right length")
}

fn derived(key: &[u8], salt: &[u8], label: u8, bytes: usize) -> Vec<u8> {
    let mut derived = vec![0xff; bytes];
    derive_key(key, salt, label, &mut derived).expect("a key of 16 or 32 bytes");
    derived
}

/// RFC 3711, appendix B.2.
#[test]
fn the_keystream_of_rfc_3711() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    let session = Session::new(Profile::Aes128CmSha1_80, &key, &salt, &[0; 20]).expect("a key of 16 bytes");
    let mut packet = vec![0; 12 + 1_044_512];
    session.protect_rtp(&mut packet, 12, 0, 0).expect("protected");
    let check = |block: usize, expected: &str| {
        assert_eq!(packet[12 + 16 * block..][..16], hex(expected), "block {block:x}");
    };
    check(0, "E03EAD0935C95E80E166B16DD92B4EB4");
    check(1, "D23513162B02D0F72A43A2FE4A5F97AB");
    check(2, "41E95B3BB0A2E8DD477901E4FCA894C0");
    check(0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4");
    check(0xff00, "362B7C3C6773516318A077D7FC5073AE");
    check(0xff01, "6A2CC3787889374FBEB4C81B17BA6C44");
}

/// RFC 3711, appendix B.3.
#[test]
fn the_key_derivation_of_rfc_3711() {
    let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
    let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
    assert_eq!(derived(&key, &salt, 0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived(&key, &salt, 2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2");
    assert_eq!(derived(&key, &salt, 1, 94), authentication);
}

/// RFC 6188, section 7.2: with a key of 256 bits.
#[test]
fn the_key_derivation_of_rfc_6188() {
    let key = hex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6");
    let salt = hex("3b04803de51ee7c96423ab5b78d2");
    let encryption = hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4");
    assert_eq!(derived(&key, &salt, 0, 32), encryption);
    assert_eq!(derived(&key, &salt, 1, 20), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    assert_eq!(derived(&key, &salt, 2, 14), hex("fa31791685ca444a9e07c6c64e93"));
}

/// The known answers of libsrtp's own test (srtp_validate and srtp_validate_gcm): from master keys to packets.
#[test]
fn the_packets_of_libsrtp() {
    let check = |profile: Profile, key: &str, salt: &str, rtp: &str, rtcp: &str| {
        let (key, salt) = (hex(key), hex(salt));
        // As the server, whose keys stand behind the client's.
        let keying_material = [&vec![0; key.len()], &key, &vec![0; salt.len()], &salt].map(|part| &part[..]).concat();
        let mut sender = Protector::new(profile, &keying_material, false).expect("keys of the right length");
        let mut packet = hex("800f1234decafbadcafebabe abababababababababababababababab");
        sender.rtp(&mut packet, 12, 0x1234).expect("protected");
        assert_eq!(packet, hex(&format!("800f1234decafbadcafebabe {rtp}")));
        let clear = hex("81c8000bcafebabe abababababababababababababababab");
        let mut packet = clear.clone();
        sender.rtcp(&mut packet).expect("protected");
        assert_eq!(packet, hex(&format!("81c8000bcafebabe {rtcp}")));
        let mut receiver = Unprotector::new(profile, &keying_material, true).expect("keys of the right length");
        let mut opened = Vec::new();
        receiver.rtcp(&packet, &mut opened).expect("authentic");
        assert_eq!(opened, clear);
    };
    check(
        Profile::Aes128CmSha1_80,
        "e1f97a0d3e018be0d64fa32c06de4139",
        "0ec675ad498afeebb6960b3aabe6",
        "4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
        "7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798",
    );
    check(
        Profile::AeadAes128Gcm,
        "000102030405060708090a0b0c0d0e0f",
        "a0a1a2a3a4a5a6a7a8a9aaab",
        "c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
        "c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001",
    );
}

const QUID_PRO_QUO: &str = "517569642070726f2071756f";

fn gcm_of_rfc_7714(profile: Profile) -> Session {
    let key: Vec<u8> = (0..profile.key_bytes()).map(|byte| byte as u8).collect();
    Session::new(profile, &key, &hex(QUID_PRO_QUO), &[]).expect("a key of the right length")
}

/// RFC 7714, sections 16.1.1 and 16.2.1.
#[test]
fn the_rtp_packets_of_rfc_7714() {
    let check = |profile, sealed: &str| {
        let mut packet = hex("8040f17b8041f8d35501a0b2
            47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573");
        gcm_of_rfc_7714(profile).protect_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b).expect("protected");
        assert_eq!(packet, hex(&format!("8040f17b8041f8d35501a0b2 {sealed}")), "{profile:?}");
    };
    check(
        Profile::AeadAes128Gcm,
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce",
    );
    check(
        Profile::AeadAes256Gcm,
        "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13",
    );
}

const RTCP_OF_RFC_7714: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61
    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

/// RFC 7714, sections 17.1 and 17.2.
#[test]
fn the_rtcp_packets_of_rfc_7714() {
    let check = |profile, sealed: &str| {
        let clear = hex(RTCP_OF_RFC_7714);
        let sealed = hex(&format!("81c8000d4d617273 {sealed} 800005d4"));
        let mut packet = clear.clone();
        let session = gcm_of_rfc_7714(profile);
        session.protect_rtcp(&mut packet, 0x4d61_7273, 0x5d4).expect("protected");
        assert_eq!(packet, sealed, "{profile:?}");
        let mut receiver = Unprotector { rtcp: session, replay: Replay::default() };
        let mut opened = Vec::new();
        receiver.rtcp(&packet, &mut opened).expect("authentic");
        assert_eq!(opened, clear, "{profile:?}");
    };
    check(
        Profile::AeadAes128Gcm,
        "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b
         c84aa45896cf4d2fc5abf87245d9eade",
    );
    check(
        Profile::AeadAes256Gcm,
        "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad
         1d1eb30c4446839f57ff6f6cb26ac3be",
    );
}

/// RFC 7714, section 17.3, and the same with AES-CM: authentic, and in clear. Nobody whom we talk to sends that.
#[test]
fn rtcp_that_is_not_encrypted_is_refused() {
    let profile = Profile::Aes128CmSha1_80;
    let keys = keys(profile);
    let authentication = derived(&keys[..16], &keys[32..46], 4, 20);
    let authentication = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &authentication);
    for (trailer, opened) in [("80000001", true), ("00000002", false)] {
        let mut packet = hex(&format!("80c9000100000007 {trailer}"));
        let tag = hmac::sign(&authentication, &packet);
        packet.extend_from_slice(&tag.as_ref()[..10]);
        assert_eq!(unprotector(profile).rtcp(&packet, &mut Vec::new()).is_some(), opened, "{trailer}");
    }
    let packet = hex(&format!("{RTCP_OF_RFC_7714} 841dd9683dd78ec92ae58790125f62b3 000005d4"));
    let mut receiver = Unprotector { rtcp: gcm_of_rfc_7714(Profile::AeadAes128Gcm), replay: Replay::default() };
    assert_eq!(receiver.rtcp(&packet, &mut Vec::new()), None);
}

/// Opens RTP of the DTLS client, byte by byte after RFC 3711 (sections 4.1.1 and 4.2) and RFC 7714 (section 8).
fn open_rtp(profile: Profile, packet: &[u8], header_bytes: usize, rollovers: u32) -> Option<Vec<u8>> {
    let keys = keys(profile);
    let (key_bytes, salt_bytes) = if profile == Profile::AeadAes256Gcm { (32, 12) } else { (16, profile.salt_bytes()) };
    let (master_key, master_salt) = (&keys[..key_bytes], &keys[2 * key_bytes..][..salt_bytes]);
    let (key, salt) = (derived(master_key, master_salt, 0, key_bytes), derived(master_key, master_salt, 2, salt_bytes));
    let (sealed, tag) = packet.split_at_checked(packet.len().checked_sub(profile.tag_bytes())?)?;
    let index = [&rollovers.to_be_bytes()[..], &packet[2..4]].concat();
    let mut vector = [0; 16];
    vector[..salt_bytes].copy_from_slice(&salt);
    // SSRC and index end where the salt ends.
    let mixed = [&packet[8..12], &index].concat();
    vector[salt_bytes - 10..].iter_mut().zip(mixed).for_each(|(byte, other)| *byte ^= other);
    let mut clear = sealed.to_vec();
    if profile == Profile::Aes128CmSha1_80 {
        let authentication = derived(master_key, master_salt, 1, 20);
        let authentication = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &authentication);
        let expected = hmac::sign(&authentication, &[sealed, &rollovers.to_be_bytes()].concat());
        if &expected.as_ref()[..10] != tag {
            return None;
        }
        let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &key).ok()?).ok()?;
        key.less_safe_encrypt(&mut clear[header_bytes..], EncryptionContext::Iv128(vector.into())).ok()?;
    } else {
        let algorithm = if key_bytes == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(&vector[..12]).ok()?;
        let header = Aad::from(&sealed[..header_bytes]);
        key.open_in_place_separate_tag(nonce, header, tag, &mut clear[header_bytes..]).ok()?;
    }
    Some(clear)
}

fn profiles() -> impl Strategy<Value = Profile> {
    prop::sample::select(PROFILES.to_vec())
}

proptest! {
    #[test]
    fn rtp_is_opened_again(
        profile in profiles(),
        clear in prop::collection::vec(any::<u8>(), 12..1500),
        header_bytes in 12_usize..80,
        rollovers: u32,
        flipped in 0_usize..12_000,
    ) {
        let header_bytes = header_bytes.min(clear.len());
        let index = u64::from(rollovers) << 16 | u64::from(u16::from_be_bytes([clear[2], clear[3]]));
        let mut packet = clear.clone();
        prop_assert!(protector(profile).rtp(&mut packet, header_bytes, index).is_some());
        prop_assert_eq!(packet.len(), clear.len() + profile.tag_bytes());
        prop_assert_eq!(&packet[..header_bytes], &clear[..header_bytes]);
        let opened = open_rtp(profile, &packet, header_bytes, rollovers);
        prop_assert_eq!(opened.as_ref(), Some(&clear));
        prop_assert_eq!(open_rtp(profile, &packet, header_bytes, rollovers ^ 1), None);
        let flipped = flipped % (8 * packet.len());
        packet[flipped / 8] ^= 1 << (flipped % 8);
        prop_assert_eq!(open_rtp(profile, &packet, header_bytes, rollovers), None);
    }

    #[test]
    fn rtcp_is_opened_again_once(profile in profiles(), clear in prop::collection::vec(any::<u8>(), 8..1500), flipped in 0_usize..12_000) {
        let (mut sender, mut receiver) = (protector(profile), unprotector(profile));
        let (mut packet, mut opened) = (clear.clone(), vec![1, 2, 3]);
        prop_assert!(sender.rtcp(&mut packet).is_some());
        prop_assert_eq!(packet.len(), clear.len() + profile.tag_bytes() + 4);
        let mut tampered = packet.clone();
        let flipped = flipped % (8 * packet.len());
        tampered[flipped / 8] ^= 1 << (flipped % 8);
        prop_assert_eq!(receiver.rtcp(&tampered, &mut opened), None);
        prop_assert!(opened.is_empty());
        prop_assert!(receiver.rtcp(&packet, &mut opened).is_some());
        prop_assert_eq!(&opened, &clear);
        prop_assert_eq!(receiver.rtcp(&packet, &mut opened), None);
        prop_assert!(opened.is_empty());
    }
}

/// An empty receiver report of `ssrc`, protected.
fn report(sender: &mut Protector, ssrc: u32) -> Vec<u8> {
    let mut packet = Vec::new();
    crate::rtcp::write_empty_receiver_report(&mut packet, ssrc);
    sender.rtcp(&mut packet).expect("protected");
    packet
}

#[test]
fn keys_of_the_other_side_open_nothing() {
    for profile in PROFILES {
        let keys = keys(profile);
        for client in [true, false] {
            let packet = report(&mut Protector::new(profile, &keys, client).expect("keys"), 7);
            for receiver_is_client in [true, false] {
                let mut receiver = Unprotector::new(profile, &keys, receiver_is_client).expect("keys");
                let opened = receiver.rtcp(&packet, &mut Vec::new());
                assert_eq!(opened.is_some(), receiver_is_client != client, "{profile:?}");
            }
        }
    }
}

#[test]
fn keying_material_has_one_length() {
    for (profile, bytes) in PROFILES.into_iter().zip([60, 56, 88]) {
        assert_eq!(profile.keying_material_bytes(), bytes);
        for wrong in [0, bytes - 1, bytes + 1] {
            assert!(Protector::new(profile, &vec![1; wrong], true).is_none());
            assert!(Unprotector::new(profile, &vec![1; wrong], true).is_none());
        }
    }
}

#[test]
fn packets_come_in_any_order_and_once() {
    let mut sender = protector(Profile::AeadAes128Gcm);
    let mut receiver = unprotector(Profile::AeadAes128Gcm);
    let packets: Vec<Vec<u8>> = (0..200).map(|_| report(&mut sender, 7)).collect();
    let mut check = |at: usize, fresh: bool| {
        assert_eq!(receiver.rtcp(&packets[at], &mut Vec::new()).is_some(), fresh, "packet {at}");
    };
    for (at, fresh) in [(1, true), (0, true), (0, false), (1, false), (64, true), (2, true), (2, false), (1, false)] {
        check(at, fresh);
    }
    // The window is 64 long: 101 is as old as it reaches with 164.
    for (at, fresh) in [(164, true), (101, true), (100, false), (101, false), (164, false), (163, true), (199, true)] {
        check(at, fresh);
    }
}

#[test]
fn sixty_four_senders_are_remembered() {
    let mut sender = protector(Profile::AeadAes128Gcm);
    let mut receiver = unprotector(Profile::AeadAes128Gcm);
    let packets: Vec<Vec<u8>> = (0..65).map(|ssrc| report(&mut sender, ssrc)).collect();
    let mut opens = |packet: &[u8]| receiver.rtcp(packet, &mut Vec::new()).is_some();
    for packet in &packets[..64] {
        assert!(opens(packet));
    }
    // Sender 0 is heard of again, so that sender 1 is forgotten.
    assert!(opens(&report(&mut sender, 0)));
    assert!(opens(&packets[64]));
    assert!(!opens(&packets[0]));
    assert!(!opens(&packets[2]));
    assert!(opens(&packets[1]), "forgotten");
}

#[test]
fn impossible_packets_are_not_protected() {
    let check = |bytes: usize, header_bytes: usize, index: u64, possible: bool| {
        let protected = protector(Profile::AeadAes128Gcm).rtp(&mut vec![0x80; bytes], header_bytes, index);
        assert_eq!(protected.is_some(), possible, "{bytes} {header_bytes} {index:x}");
    };
    check(12, 12, (1 << 48) - 1, true);
    check(12, 12, 1 << 48, false);
    check(40, 11, 0, false);
    check(40, 41, 0, false);
    check(65_535, 12, 0, true);
    check(65_536, 12, 0, false);
    for (bytes, possible) in [(7, false), (8, true), (65_535, true), (65_536, false)] {
        assert_eq!(protector(Profile::AeadAes128Gcm).rtcp(&mut vec![0x80; bytes]).is_some(), possible, "{bytes}");
    }
}

#[test]
fn indices_of_rtcp_end() {
    let mut sender = protector(Profile::Aes128CmSha1_80);
    sender.rtcp_index = INDEX_MAX - 1;
    let mut packet = report(&mut sender, 7);
    assert_eq!(packet[8..12], [0xff; 4]);
    assert!(unprotector(Profile::Aes128CmSha1_80).rtcp(&packet, &mut Vec::new()).is_some());
    assert_eq!(sender.rtcp(&mut packet), None);
}
