//! A stream to one subscriber: RTP packets of our own making (RFC 3550), and those that are sent again (RFC 4588).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtp::{Header, Protector};
use str0m::media::Mid;

use crate::codec;
use crate::extensions::{Forwarded, Ids};
use crate::forward::Vp8Numbers;

/// What is sent again comes from packets at most this old, and from so many at most (1 s at 18 Mbit/s).
const KEPT: Duration = Duration::from_secs(1);
const KEPT_PACKETS: usize = 2048;
/// A packet is not sent again within this time, or within a round trip.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// What is sent again takes at most this share of what a stream sent, a second's worth at once; so many bytes at least. Where a
/// fifth is lost, what is sent again as well, a quarter is needed on average.
const AGAIN_SHARE: f64 = 0.5;
const AGAIN_LEAST: f64 = 30_000.0;
/// Numbers that are remembered of a stream of pictures, and of sound: what comes later than so many others is dropped.
const USED_VIDEO: usize = 512;
const USED: usize = 64;
/// Of so many packets the largest is the one that fills a probe.
const FILLING: usize = 64;
/// A sender report is sent as long as packets were, this long ago at most.
const REPORTED: Duration = Duration::from_secs(10);

/// The SSRCs of a section that we send on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ssrcs {
    pub(crate) media: u32,
    /// Of what is sent again; sound is not.
    pub(crate) repair: Option<u32>,
}

/// A packet with its numbers, ready to leave or to leave again. Copies share the payload.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// Extended (RFC 3711 section 3.3.1): 16 bits of it are sent.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) captured: Instant,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    /// With which payload type it may be sent again.
    pub(crate) repair_type: Option<u8>,
    pub(crate) extensions: Forwarded,
    pub(crate) vp8: Option<Vp8Numbers>,
    pub(crate) payload: Arc<[u8]>,
}

/// How a packet leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    First,
    /// Asked for, or to fill a probe.
    Again,
    /// So many bytes of padding in its place (RFC 3550 section 5.1), to fill a probe.
    Padding(u8),
}

impl Leaves {
    /// As libwebrtc makes it. Where more is due, packets are sent once more.
    pub(crate) const PADDING: Self = Self::Padding(224);

    /// Bytes of the datagram, about: for estimator and pacer.
    pub(crate) fn size(self, packet: &Outgoing) -> usize {
        const AROUND: usize = 12 + 12 + 16;
        AROUND
            + match self {
                Self::First | Self::Again => packet.payload.len(),
                Self::Padding(bytes) => usize::from(bytes),
            }
    }
}

#[derive(Debug)]
struct Kept {
    packet: Outgoing,
    sent: Instant,
    again: Option<Instant>,
}

/// One stream to one subscriber.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) ssrcs: Ssrcs,
    mid: Mid,
    pub(crate) ids: Ids,
    clock_rate: u32,
    /// Of the packets sent last, the number and one, each at its place: none may be used twice (RFC 7714 section 8.1).
    used: Box<[u64]>,
    /// The receiver has reported on the stream: it knows which section it belongs to.
    known: bool,
    repair_sequence: u64,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Bytes that may be sent again now.
    allowance: f64,
    packets: u32,
    octets: u32,
    /// Of the packet sent last: its timestamp, when it was captured, and when it was sent.
    last: Option<(u32, Instant, Instant)>,
}

impl Sender {
    pub(crate) fn new(ssrcs: Ssrcs, mid: Mid, clock_rate: u32) -> Self {
        Self {
            ssrcs,
            mid,
            ids: Ids::default(),
            clock_rate,
            used: vec![0; if ssrcs.repair.is_some() { USED_VIDEO } else { USED }].into(),
            known: false,
            repair_sequence: u64::from(ssrcs.media >> 17),
            kept: VecDeque::new(),
            kept_bytes: 0,
            allowance: AGAIN_LEAST,
            packets: 0,
            octets: 0,
            last: None,
        }
    }

    /// Takes the number of a packet that leaves for the first time. False: it was used, or is so old that nobody knows.
    pub(crate) fn take_number(&mut self, packet: &Outgoing) -> bool {
        let place = packet.sequence as usize % self.used.len();
        let fresh = self.used[place] <= packet.sequence;
        if fresh {
            self.used[place] = packet.sequence + 1;
        }
        fresh
    }

    /// Whether a packet may leave in this way.
    pub(crate) fn may_leave(&self, packet: &Outgoing, leaves: Leaves) -> bool {
        leaves == Leaves::First || (self.ssrcs.repair.is_some() && packet.repair_type.is_some())
    }

    /// Writes a packet into an empty `datagram` and encrypts it; `transport` is its transport-wide number. `None`: it cannot be.
    pub(crate) fn write(
        &mut self,
        packet: &Outgoing,
        leaves: Leaves,
        transport: Option<u16>,
        protector: &mut Protector,
        datagram: &mut Vec<u8>,
    ) -> Option<()> {
        let (ssrc, payload_type, index) = match leaves {
            Leaves::First => (self.ssrcs.media, packet.payload_type, packet.sequence),
            Leaves::Again | Leaves::Padding(_) => {
                self.repair_sequence += 1;
                (self.ssrcs.repair?, packet.repair_type?, self.repair_sequence)
            }
        };
        let header = Header {
            marker: packet.marker,
            payload_type,
            sequence: index as u16,
            timestamp: packet.timestamp,
            ssrc,
            padding: matches!(leaves, Leaves::Padding(_)),
        };
        let transport = transport.map(u16::to_be_bytes);
        let orientation = packet.extensions.orientation.map(|orientation| [orientation]);
        let elements = [
            self.ids.mid.filter(|_| !self.known).map(|id| (id, self.mid.as_bytes())),
            self.ids.transport.zip(transport.as_ref().map(<[u8; 2]>::as_slice)),
            self.ids.orientation.zip(orientation.as_ref().map(<[u8; 1]>::as_slice)),
            self.ids.descriptor.zip(packet.extensions.descriptor.as_deref()),
        ];
        let header_bytes = rtp::write_header(datagram, &header, elements.into_iter().flatten());
        match leaves {
            Leaves::Padding(bytes) => datagram.resize(datagram.len() + usize::from(bytes), bytes),
            Leaves::Again => datagram.extend((packet.sequence as u16).to_be_bytes()),
            Leaves::First => {}
        }
        if !header.padding {
            let start = datagram.len();
            datagram.extend_from_slice(&packet.payload);
            if let Some(numbers) = packet.vp8 {
                codec::renumber(datagram.get_mut(start..)?, numbers);
            }
        }
        protector.rtp(datagram, header_bytes, index)
    }

    /// Notes what has left for the first time.
    pub(crate) fn sent(&mut self, now: Instant, packet: Outgoing) {
        let bytes = packet.payload.len();
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(bytes as u32);
        self.last = Some((packet.timestamp, packet.captured, now));
        if packet.repair_type.is_none() || self.ssrcs.repair.is_none() {
            return;
        }
        let old = |kept: &Kept| now.saturating_duration_since(kept.sent) > KEPT;
        while self.kept.len() >= KEPT_PACKETS || self.kept.front().is_some_and(old) {
            self.kept_bytes -= self.kept.pop_front().map_or(0, |gone| gone.packet.payload.len());
        }
        self.kept_bytes += bytes;
        let most = AGAIN_LEAST.max(self.kept_bytes as f64 * AGAIN_SHARE);
        self.allowance = (self.allowance + bytes as f64 * AGAIN_SHARE).min(most);
        // Nearly always the newest.
        let place = match self.kept.back() {
            Some(newest) if newest.packet.sequence > packet.sequence => {
                self.kept.partition_point(|kept| kept.packet.sequence < packet.sequence)
            }
            _ => self.kept.len(),
        };
        self.kept.insert(place, Kept { packet, sent: now, again: None });
    }

    /// A packet that the subscriber asks for once more, if it is there and may be sent again.
    pub(crate) fn asked(&mut self, now: Instant, number: u16, round_trip: Option<Duration>) -> Option<Outgoing> {
        let newest = self.kept.back()?.packet.sequence;
        let back = u64::from((newest as u16).wrapping_sub(number));
        let sequence = newest.checked_sub(back)?;
        let place = self.kept.binary_search_by_key(&sequence, |kept| kept.packet.sequence).ok()?;
        let kept = self.kept.get_mut(place)?;
        let pause = round_trip.unwrap_or_default().max(AGAIN_AFTER);
        if now.saturating_duration_since(kept.sent) > KEPT {
            return None;
        }
        if kept.again.is_some_and(|again| now.saturating_duration_since(again) < pause) {
            return None;
        }
        let bytes = kept.packet.payload.len() as f64;
        if self.allowance < bytes {
            return None;
        }
        self.allowance -= bytes;
        kept.again = Some(now);
        Some(kept.packet.clone())
    }

    /// Nothing of what was sent is of use any more: it is not sent again, but for one packet to fill probes with.
    pub(crate) fn forget(&mut self) {
        let last = self.kept.drain(..).max_by_key(|kept| kept.packet.payload.len());
        self.kept_bytes = last.as_ref().map_or(0, |kept| kept.packet.payload.len());
        self.kept = last.into_iter().collect();
    }

    /// A packet that may be sent once more only to find out what the way carries.
    pub(crate) fn padding(&self) -> Option<&Outgoing> {
        self.kept.iter().rev().take(FILLING).map(|kept| &kept.packet).max_by_key(|packet| packet.payload.len())
    }

    /// The receiver knows the stream.
    pub(crate) fn reported(&mut self) {
        self.known = true;
    }

    /// What a sender report at `now` says, which is `ntp` on the clock of all of them.
    pub(crate) fn report(&self, now: Instant, ntp: u64) -> Option<rtp::rtcp::SenderInfo> {
        let (timestamp, captured, sent) = self.last?;
        if now.saturating_duration_since(sent) > REPORTED {
            return None;
        }
        let elapsed = now.saturating_duration_since(captured);
        let ticks = elapsed.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        Some(rtp::rtcp::SenderInfo {
            ssrc: self.ssrcs.media,
            ntp,
            timestamp: timestamp.wrapping_add(ticks as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }

    /// Whether anything was sent.
    pub(crate) fn began(&self) -> bool {
        self.last.is_some()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::codec::Vp8Fields;

    const SSRCS: Ssrcs = Ssrcs { media: 0x0102_0304, repair: Some(0x0506_0708) };

    pub(crate) fn packet(sequence: u64, bytes: usize) -> Outgoing {
        Outgoing {
            sequence,
            timestamp: 3000,
            captured: testkit::origin(),
            marker: true,
            payload_type: 96,
            repair_type: Some(97),
            extensions: Forwarded::default(),
            vp8: None,
            payload: vec![0xab; bytes].into(),
        }
    }

    /// A sender that has sent these numbers, ten milliseconds apart.
    fn sender(numbers: &[u64], bytes: usize) -> (Sender, Instant) {
        let mut sender = Sender::new(SSRCS, Mid::from("7"), 90_000);
        let mut now = testkit::origin();
        for number in numbers {
            now += Duration::from_millis(10);
            sender.sent(now, packet(*number, bytes));
        }
        (sender, now)
    }

    fn written(sender: &mut Sender, packet: &Outgoing, leaves: Leaves) -> Vec<u8> {
        let material = vec![7; rtp::Profile::AeadAes128Gcm.keying_material_bytes()];
        let mut protector = Protector::new(rtp::Profile::AeadAes128Gcm, &material, false).unwrap();
        let mut datagram = Vec::new();
        sender.write(packet, leaves, Some(0x1122), &mut protector, &mut datagram).unwrap();
        datagram
    }

    #[test]
    fn what_is_kept_is_found_by_its_number() {
        // A late one, a gap, and the numbers come round.
        let (mut sender, now) = sender(&[65_530, 65_533, 65_531, 65_536], 100);
        let mut found = |number: u16| sender.asked(now, number, None).map(|packet| packet.sequence);
        assert_eq!(
            [65_530, 65_531, 65_533, 0].map(&mut found),
            [Some(65_530), Some(65_531), Some(65_533), Some(65_536)]
        );
        assert_eq!([65_532, 1, 40_000].map(&mut found), [None; 3]);
    }

    #[test]
    fn packets_are_kept_for_a_second_and_so_many_of_them() {
        let (mut sender, now) = sender(&[1], 10);
        assert!(sender.asked(now + KEPT + Duration::from_millis(1), 1, None).is_none());
        for number in 2..=KEPT_PACKETS as u64 + 1 {
            sender.sent(now, packet(number, 10));
        }
        assert_eq!([1, 2].map(|number| sender.asked(now + KEPT, number, None).is_some()), [false, true]);
    }

    /// Sound, and pictures for those who take nothing again.
    #[test]
    fn what_cannot_be_sent_again_is_not_kept() {
        let sound = (Ssrcs { repair: None, ..SSRCS }, packet(1, 10));
        let picture = (SSRCS, Outgoing { repair_type: None, ..packet(1, 10) });
        for (ssrcs, packet) in [sound, picture] {
            let mut sender = Sender::new(ssrcs, Mid::from("7"), 90_000);
            assert!(sender.may_leave(&packet, Leaves::First));
            assert!(!sender.may_leave(&packet, Leaves::Again) && !sender.may_leave(&packet, Leaves::PADDING));
            sender.sent(testkit::origin(), packet);
            assert!(sender.kept.is_empty() && sender.began());
        }
    }

    #[test]
    fn probes_are_filled_with_the_largest_of_the_last_packets() {
        let (mut sender, now) = sender(&[], 0);
        let sizes = [5000, 100, 900].into_iter().chain([100; FILLING - 1]);
        for (number, bytes) in (1..).zip(sizes) {
            sender.sent(now, packet(number, bytes));
        }
        assert_eq!(sender.padding().map(|packet| packet.payload.len()), Some(900));
    }

    /// Two packets of one number would tell the key that makes others believe them (RFC 7714 section 8.1).
    #[test]
    fn no_number_is_used_twice() {
        let mut sender = Sender::new(Ssrcs { repair: None, ..SSRCS }, Mid::from("7"), 48_000);
        let mut takes = |number| sender.take_number(&packet(number, 10));
        assert_eq!(
            [0, 1, 3, 2, 2, 3, 200, 199, 136, 140].map(&mut takes),
            [true, true, true, true, false, false, true, true, false, true]
        );
        // Pictures come in many packets.
        let mut sender = Sender::new(SSRCS, Mid::from("7"), 90_000);
        assert_eq!([600, 536, 88].map(|number| sender.take_number(&packet(number, 10))), [true, true, false]);
    }

    /// Many report the same loss again before what was sent again can have arrived.
    #[test]
    fn nothing_is_sent_twice_within_a_round_trip() {
        for round_trip in [None, Some(Duration::from_millis(1))] {
            let (mut sender, now) = sender(&[5], 100);
            let mut asked = |ms: u64| sender.asked(now + Duration::from_millis(ms), 5, round_trip).is_some();
            assert_eq!([0, 19, 20].map(&mut asked), [true, false, true], "{round_trip:?}");
        }
        let (mut sender, now) = sender(&[5], 100);
        let round_trip = Some(Duration::from_millis(100));
        let mut asked = |ms: u64| sender.asked(now + Duration::from_millis(ms), 5, round_trip).is_some();
        assert_eq!([0, 50, 99, 100, 150, 200].map(&mut asked), [true, false, false, true, false, true]);
    }

    #[test]
    fn what_is_sent_again_has_its_share() {
        let numbers: Vec<u64> = (1..=200).collect();
        let (mut sender, now) = sender(&numbers, 1000);
        let again = (0..=200u16).filter(|number| sender.asked(now, *number, None).is_some()).count();
        // A second is kept: 101 packets, and half as many bytes are granted.
        assert_eq!(again, 50);
        for number in 201..=208 {
            sender.sent(now, packet(number, 1000));
        }
        assert_eq!((201..=208).filter(|number| sender.asked(now, *number, None).is_some()).count(), 4);
    }

    #[test]
    fn what_is_forgotten_is_not_sent_again() {
        let (mut sender, now) = sender(&[1, 2, 3], 100);
        sender.forget();
        let kept: Vec<u16> = (1..=3).filter(|number| sender.asked(now, *number, None).is_some()).collect();
        assert_eq!(kept.len(), 1, "to fill probes with: {kept:?}");
        assert!(sender.padding().is_some());
    }

    #[test]
    fn a_repair_has_numbers_of_its_own_and_the_old_one_inside() {
        let (mut sender, _) = sender(&[], 0);
        sender.ids = Ids { mid: Some(1), transport: Some(3), ..Ids::default() };
        let packet = packet(0x1_0005, 100);
        let first = written(&mut sender, &packet, Leaves::First);
        // Version 2 with an extension; marker and payload type; number.
        assert_eq!(first[..4], [0x90, 0x80 | 96, 0, 5]);
        assert_eq!(first[8..12], SSRCS.media.to_be_bytes());
        // RFC 8285: the section's name, and the transport-wide number of two bytes.
        assert_eq!(first[12..22], [0xbe, 0xde, 0, 2, 0x10, b'7', 0x31, 0x11, 0x22, 0]);
        assert_eq!(first.len(), 12 + 12 + 100 + 16);
        sender.reported();
        let again = written(&mut sender, &packet, Leaves::Again);
        assert_eq!(again[..2], [0x90, 0x80 | 97]);
        assert_eq!(again[8..12], SSRCS.repair.unwrap().to_be_bytes());
        assert_eq!(again[12..20], [0xbe, 0xde, 0, 1, 0x31, 0x11, 0x22, 0]);
        assert_eq!(again.len(), 12 + 8 + 2 + 100 + 16);
        let filling = written(&mut sender, &packet, Leaves::Padding(200));
        assert_eq!(filling[..2], [0xb0, 0x80 | 97], "with padding");
        assert_eq!(filling.len(), 12 + 8 + 200 + 16);
        let next = written(&mut sender, &packet, Leaves::Again);
        let number = |datagram: &[u8]| u16::from_be_bytes([datagram[2], datagram[3]]);
        assert_eq!([&filling, &next].map(|one| number(one).wrapping_sub(number(&again))), [1, 2]);
    }

    /// What the payload says of pictures is ours each time; what header extensions say of them is the publisher's.
    #[test]
    fn pictures_have_their_numbers_each_time() {
        let renumbered = [0x90, 0x80, 0x81, 0x23, 1, 2, 3];
        let numbers = Vp8Numbers { picture_id: Some(0x123), ..Vp8Numbers::default() };
        assert_eq!(Vp8Fields::parse(&renumbered).unwrap().picture_id, Some((0x123, true)));
        let source = [0x90, 0x80, 0xf6, 0x54, 1, 2, 3];
        let as_it_came = Outgoing { vp8: Some(numbers), payload: source.into(), ..packet(5, 0) };
        let as_it_leaves = Outgoing { payload: renumbered.into(), ..packet(5, 0) };
        for leaves in [Leaves::First, Leaves::Again] {
            let [one, other] =
                [&as_it_came, &as_it_leaves].map(|packet| written(&mut sender(&[], 0).0, packet, leaves));
            assert_eq!(one, other, "{leaves:?}");
        }
        let (mut sender, _) = sender(&[], 0);
        sender.ids = Ids { orientation: Some(4), descriptor: Some(5), ..Ids::default() };
        let extensions = Forwarded { orientation: Some(0x81), descriptor: Some([7, 8].into()) };
        for leaves in [Leaves::First, Leaves::Again] {
            let datagram = written(&mut sender, &Outgoing { extensions: extensions.clone(), ..packet(5, 10) }, leaves);
            assert_eq!(datagram[12..24], [0xbe, 0xde, 0, 2, 0x40, 0x81, 0x51, 7, 8, 0, 0, 0], "{leaves:?}");
        }
    }

    /// The report says what the media clock shows at its own time, not at that of the last packet.
    #[test]
    fn a_report_tells_time() {
        let (mut sender, now) = sender(&[], 0);
        assert!(sender.report(now, 1).is_none());
        for (number, bytes) in [(1, 100), (2, 50)] {
            sender.sent(now, Outgoing { captured: now, ..packet(number, bytes) });
        }
        let report = sender.report(now + Duration::from_secs(1), 5).unwrap();
        assert_eq!((report.ssrc, report.ntp, report.packets, report.octets), (SSRCS.media, 5, 2, 150));
        assert_eq!(report.timestamp, 3000 + 90_000);
        assert!(sender.report(now + REPORTED + Duration::from_millis(1), 6).is_none(), "a stream that stands still");
    }
}
