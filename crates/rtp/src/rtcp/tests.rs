use proptest::prelude::*;

use super::*;

/// Header, with the length that fits, and body.
fn packet(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let words = u16::try_from(body.len() / 4).expect("short");
    [&[0x80 | count, kind], &words.to_be_bytes()[..], body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn one(compound: &[u8]) -> Packet<'_> {
    let mut packets = parse(compound);
    let packet = packets.next().expect("a packet");
    assert!(packets.next().is_none(), "one packet");
    packet
}

#[test]
fn rtcp_is_told_from_rtp() {
    let check = |datagram: &[u8], expected| assert_eq!(is_rtcp(datagram), expected, "{datagram:?}");
    for kind in [192, 200, 206, 223] {
        check(&[0x80, kind, 0, 0], true);
        check(&[0xbf, kind], true);
    }
    // RTP, DTLS, STUN, and what is too short.
    for datagram in [&[0x80, 96][..], &[0x80, 191], &[0x80, 224], &[22, 200], &[0, 200], &[0xc0, 200], &[0x80], &[]] {
        check(datagram, false);
    }
}

const BLOCK: [u32; 6] = [0x1111_1111, 0x40ff_fffe, 0x0001_0203, 17, 0x8000_0000, 0x0001_0000];

#[test]
fn report_blocks_of_both_reports() {
    let expected = ReportBlock {
        ssrc: 0x1111_1111,
        fraction_lost: 64,
        cumulative_lost: -2,
        highest_sequence: 0x0001_0203,
        jitter: 17,
        last_sender_report: 0x8000_0000,
        delay_since: 0x0001_0000,
    };
    let receiver = packet(2, 201, &[words(&[5]), words(&BLOCK), words(&BLOCK)].concat());
    let Packet::ReceiverReports { sender: 5, blocks } = one(&receiver) else { panic!("a receiver report") };
    assert!(blocks.eq([expected, expected]));
    let sender = packet(1, 200, &[words(&[6, 1, 2, 3, 4, 5]), words(&BLOCK)].concat());
    let Packet::SenderReport { sender: 6, blocks } = one(&sender) else { panic!("a sender report") };
    assert!(blocks.eq([expected]));
    // A profile's extension behind the blocks is no block.
    let longer = packet(1, 201, &[words(&[5]), words(&BLOCK), words(&BLOCK)].concat());
    let Packet::ReceiverReports { blocks, .. } = one(&longer) else { panic!("a receiver report") };
    assert_eq!(blocks.count(), 1);
}

/// RFC 3550, figure 2.
#[test]
fn round_trip_times() {
    let block = |last_sender_report, delay_since| ReportBlock {
        last_sender_report,
        delay_since,
        ..ReportBlock::parse(&[0; 24])
    };
    let now = 0xb44d_b710_2000_0000;
    assert_eq!(middle_of_ntp(now), 0xb710_2000);
    let check = |block: ReportBlock, now, millis: Option<u64>| {
        assert_eq!(block.round_trip(now).map(|time| time.as_millis()), millis.map(u128::from), "{block:?}");
    };
    check(block(0xb705_2000, 0x0005_4000), 0xb44d_b710_8000_0000, Some(6125));
    check(block(0xb710_2000, 0), now, Some(0));
    check(block(0xb710_1000, 0x2000), now, None);
    check(block(0, 0), now, None);
    check(block(0xffff_8000, 0x4000), 0x0001_0000_0000_0000, Some(250));
}

#[test]
fn lost_packets() {
    let check = |entries: &[u32], expected: &[u16]| {
        let nack = packet(1, 205, &[words(&[1, 2]), words(entries)].concat());
        let Packet::Nack { media: 2, lost } = one(&nack) else { panic!("a NACK") };
        assert_eq!(lost.collect::<Vec<_>>(), expected);
    };
    check(&[], &[]);
    check(&[0x0010_0000], &[16]);
    check(&[0x0010_8001, 0x0100_0002], &[16, 17, 32, 256, 258]);
    check(&[0xffff_0003], &[65535, 0, 1]);
}

#[test]
fn requests_for_pictures() {
    assert!(matches!(one(&packet(1, 206, &words(&[1, 9]))), Packet::PictureLoss { media: 9 }));
    let requests = packet(4, 206, &words(&[1, 0, 7, 0x0300_0000, 8, 0xff00_0000]));
    let both = [requests, packet(1, 206, &words(&[1, 9])), packet(4, 206, &words(&[1, 0]))].concat();
    let told = parse(&both).map(|packet| match packet {
        Packet::FullIntraRequest { media, sequence } => (media, Some(sequence)),
        Packet::PictureLoss { media } => (media, None),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(7, Some(3)), (8, Some(255)), (9, None)]);
}

#[test]
fn estimates_of_receivers() {
    let check = |estimate: u32, expected: u64| {
        let remb = packet(15, 206, &[words(&[1, 0]), b"REMB".to_vec(), words(&[estimate, 5])].concat());
        let Packet::ReceiverEstimatedMaxBitrate { bits_per_second } = one(&remb) else { panic!("a REMB") };
        assert_eq!(bits_per_second, expected, "{estimate:x}");
    };
    check(0x0100_0000, 0);
    check(0x0100_0000 | 250_000, 250_000);
    check(0x0100_0000 | 3 << 18 | 250_000, 2_000_000);
    check(0x01ff_ffff, u64::MAX);
    check(0x01fc_0000, 0);
    assert!(matches!(one(&packet(15, 206, &words(&[1, 0, 0x4142_4344, 5]))), Packet::Other), "of somebody else");
}

/// What `packets()` says of a feedback with this base, count, and what follows the reference time.
fn arrivals(base: u16, count: u16, rest: &[u8]) -> Option<Vec<(u16, Option<i64>)>> {
    let start = words(&[1, 2, u32::from(base) << 16 | u32::from(count), 0x0001_0207]);
    let mut body = [&start[..], rest].concat();
    body.resize(body.len().next_multiple_of(4), 0);
    let compound = packet(15, 205, &body);
    let Packet::TransportFeedback(feedback) = parse(&compound).next()? else { panic!("feedback") };
    assert_eq!((feedback.base_sequence, feedback.count), (base, count));
    assert_eq!((feedback.reference_time, feedback.feedback_count), (0x102, 7));
    assert_eq!(feedback.reference_ticks(), 0x102 * 256);
    let mut packets = feedback.packets();
    let all = packets.by_ref().collect();
    assert_eq!(packets.next(), None, "the end is the end");
    Some(all)
}

#[test]
fn transport_feedback() {
    let check = |base, count, rest: &[u8], expected: &[(u16, Option<i64>)]| {
        assert_eq!(arrivals(base, count, rest).as_deref(), Some(expected), "{rest:x?}");
    };
    // A run of three that came within small times.
    check(10, 3, &[0x20, 3, 4, 0, 255], &[(10, Some(4)), (11, Some(4)), (12, Some(259))]);
    // A run of two that did not come, then one with a negative time.
    check(65_535, 3, &[0, 2, 0x40, 1, 0xff, 0xfe], &[(65_535, None), (0, None), (1, Some(-2))]);
    // One bit each: came, no, came, and eleven that did not; two of them are told.
    check(1, 5, &[0xa8, 0, 9, 1], &[(1, Some(9)), (2, None), (3, Some(10)), (4, None), (5, None)]);
    // Two bits each: small, large, none, large; then a run that is longer than the feedback.
    check(
        1,
        9,
        &[0b1101_1000, 0b1000_0000, 0x1f, 0xff, 1, 0x7f, 0xff, 0x80, 0],
        &[
            (1, Some(1)),
            (2, Some(32_768)),
            (3, None),
            (4, Some(0)),
            (5, None),
            (6, None),
            (7, None),
            (8, None),
            (9, None),
        ],
    );
    check(1, 0, &[], &[]);
    // A run of nobody, before one of two.
    check(1, 2, &[0x20, 0, 0x20, 2, 1, 1], &[(1, Some(1)), (2, Some(2))]);
}

#[test]
fn transport_feedback_that_is_cut_short() {
    // Chunks for fewer packets than it counts: nothing of it.
    assert_eq!(arrivals(1, 15, &[0xbf, 0xff]).map(|all| all.len()), None);
    assert_eq!(arrivals(1, 8192, &[0x1f, 0xff]).map(|all| all.len()), None);
    // Times for fewer packets than came: what has one.
    assert_eq!(arrivals(1, 9, &[0x20, 9, 5, 5]), Some(vec![(1, Some(5)), (2, Some(10))]));
    assert_eq!(arrivals(1, 3, &[0x40, 3, 0, 5]), Some(vec![(1, Some(5))]));
    // A reserved symbol: what is before it.
    assert_eq!(arrivals(1, 3, &[0b1101_1100, 0, 5, 5]), Some(vec![(1, Some(5))]));
    // More than are told: nine runs of 8,191.
    let runs = [0x1f, 0xff].repeat(9);
    let all = arrivals(0, 65_535, &runs).expect("feedback");
    assert_eq!(all.len(), 8192);
    assert!(all.iter().all(|(_, arrival)| arrival.is_none()));
}

#[test]
fn what_is_malformed_ends_a_compound() {
    let good = packet(1, 206, &words(&[1, 9]));
    let padded = |padding: &[u8]| {
        let mut bytes = packet(1, 206, &[&words(&[1, 9])[..], padding].concat());
        bytes[0] |= 0x20;
        bytes
    };
    let check = |bytes: Vec<u8>, kinds: usize| {
        let compound = [&good[..], &bytes, &good].concat();
        let mut packets = parse(&compound);
        assert_eq!(packets.by_ref().count(), kinds, "{bytes:x?}");
        assert!(packets.next().is_none(), "the end is the end: {bytes:x?}");
    };
    check(vec![], 2);
    check(packet(0, 204, &[0; 8]), 3);
    check(padded(&[0, 0, 0, 4]), 3);
    // Version, padding of no and of too many bytes, fewer entries than are counted, bodies that are too short.
    check([&[0x40], &good[1..]].concat(), 1);
    check(padded(&[0, 0, 0, 0]), 1);
    check(padded(&[0, 0, 0, 13]), 1);
    check(packet(2, 201, &[words(&[5]), words(&BLOCK)].concat()), 1);
    check(packet(0, 200, &words(&[5])), 1);
    check(packet(1, 200, &words(&[5])), 1);
    check(packet(0, 201, &[]), 1);
    check(packet(2, 203, &words(&[5])), 1);
    check(packet(1, 205, &words(&[5])), 1);
    check(packet(15, 205, &words(&[5, 6])), 1);
    check(packet(1, 206, &words(&[5])), 1);
    check(packet(4, 206, &words(&[5])), 1);
    check(packet(15, 206, &[words(&[5, 6]), b"REMB".to_vec()].concat()), 1);
    // Longer than there are bytes.
    check(vec![0x80, 201, 0xff, 0xff], 1);
    check(vec![0x80], 1);
    assert_eq!(parse(&good[..11]).count(), 0);
    assert_eq!(parse(&good.repeat(100)).count(), 64);
}

#[test]
fn what_we_write() {
    let mut out = Vec::new();
    write_empty_receiver_report(&mut out, 0x0102_0304);
    assert_eq!(out, [0x80, 201, 0, 1, 1, 2, 3, 4]);
    out.clear();
    let info = SenderInfo { ssrc: 1, ntp: 0x0000_0002_0000_0003, timestamp: 4, packets: 5, octets: 6 };
    write_sender_report(&mut out, &info);
    assert_eq!(out, packet(0, 200, &words(&[1, 2, 3, 4, 5, 6])));
    let check = |cname: &str, expected: &[u8]| {
        let mut out = vec![0xaa];
        write_source_description(&mut out, 7, cname);
        assert_eq!(out[1..], packet(1, 202, &[&words(&[7]), expected].concat()), "{cname}");
    };
    // One zero at least ends the list of items.
    check("", &[1, 0, 0, 0]);
    check("a", &[1, 1, b'a', 0]);
    check("ab", &[1, 2, b'a', b'b', 0, 0, 0, 0]);
    check(&"é".repeat(200), &[&[1, 254][..], "é".repeat(127).as_bytes(), &[0; 4]].concat());
}

proptest! {
    #[test]
    fn goodbyes_are_read_again(ssrcs in prop::collection::vec(any::<u32>(), 0..200)) {
        let mut out = Vec::new();
        write_goodbye(&mut out, &ssrcs);
        let mut told = Vec::new();
        for packet in parse(&out) {
            let Packet::Goodbye { ssrcs } = packet else { panic!("a goodbye") };
            told.extend(ssrcs);
        }
        prop_assert_eq!(told, ssrcs);
    }

    #[test]
    fn compounds_are_read_again(sender: u32, cname: String, ntp: u64) {
        let mut out = Vec::new();
        write_empty_receiver_report(&mut out, sender);
        write_sender_report(&mut out, &SenderInfo { ssrc: sender, ntp, timestamp: 1, packets: 2, octets: 3 });
        write_source_description(&mut out, sender, &cname);
        write_goodbye(&mut out, &[sender]);
        prop_assert!(is_rtcp(&out));
        let packets: Vec<_> = parse(&out).collect();
        let [
            Packet::ReceiverReports { sender: receiver_report, .. },
            Packet::SenderReport { sender: sender_report, .. },
            Packet::Other,
            Packet::Goodbye { ssrcs },
        ] = &packets[..] else { panic!("{packets:?}") };
        prop_assert_eq!([*receiver_report, *sender_report], [sender; 2]);
        prop_assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [sender]);
    }

    /// Statuses in chunks of every kind, as a receiver may put them together, come out as they went in.
    #[test]
    fn feedback_is_read_again(chunks in prop::collection::vec(chunk(), 1..30), base: u16) {
        let (mut bytes, mut deltas, mut expected, mut ticks) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for (chunk, statuses) in chunks {
            bytes.extend(chunk.to_be_bytes());
            for status in statuses {
                if let Some(delta) = status {
                    ticks += i64::from(delta.value);
                    let delta_bytes = delta.value.to_be_bytes();
                    deltas.extend_from_slice(if delta.large { &delta_bytes } else { &delta_bytes[1..] });
                }
                expected.push((base.wrapping_add(expected.len() as u16), status.map(|_| ticks)));
            }
        }
        let count = u16::try_from(expected.len()).expect("few");
        prop_assert_eq!(arrivals(base, count, &[bytes, deltas].concat()), Some(expected));
    }
}

#[derive(Clone, Copy, Debug)]
struct Delta {
    value: i16,
    large: bool,
}

fn status(two_bits: bool) -> impl Strategy<Value = Option<Delta>> {
    prop_oneof![
        Just(None),
        (0_i16..256).prop_map(|value| Some(Delta { value, large: false })),
        any::<i16>().prop_map(move |value| {
            if two_bits { Some(Delta { value, large: true }) } else { Some(Delta { value: value & 255, large: false }) }
        }),
    ]
}

fn symbol(status: Option<Delta>) -> u16 {
    status.map_or(0, |delta| if delta.large { 2 } else { 1 })
}

/// A chunk and what it says.
fn chunk() -> impl Strategy<Value = (u16, Vec<Option<Delta>>)> {
    let run = (status(true), 1_u16..100)
        .prop_map(|(status, length)| (symbol(status) << 13 | length, vec![status; usize::from(length)]));
    let bits = |statuses: &[Option<Delta>], bits: u16| {
        statuses.iter().fold(0, |bytes, status| bytes << bits | symbol(*status))
    };
    let one_bit = prop::collection::vec(status(false), 14).prop_map(move |all| (0x8000 | bits(&all, 1), all));
    let two_bits = prop::collection::vec(status(true), 7).prop_map(move |all| (0xc000 | bits(&all, 2), all));
    prop_oneof![run, one_bit, two_bits]
}
