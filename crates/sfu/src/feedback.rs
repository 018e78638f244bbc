//! What subscribers report about the streams they get, and what is done about it.

use std::time::{Duration, Instant};

use estimator::Arrival;
use rtp::rtcp;

use crate::egress::REPORTS;
use crate::negotiate::Use;
use crate::peer::Peer;
use crate::sender::Leaves;
use crate::sfu::Sfu;
use crate::slab::Slab;
use crate::track::{Down, Track};

/// What one datagram can make us do at most: look at so many packets of feedback, send so many again (who lost more asks for the
/// rest with the next one), and read so many parts.
const TOLD: usize = 4096;
const AGAIN: usize = 256;
const PARTS: usize = 32;
/// Round-trip times beyond this are not believed.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);
/// The beginning of 2026 in seconds since that of 1900.
const BEGAN: u64 = 3_976_214_400;

impl Sfu {
    /// Takes in what may be reports of a peer's receivers. False: none of ours, or a publisher's too: for str0m.
    pub(crate) fn take_reports(&mut self, now: Instant, index: usize, datagram: &[u8]) -> bool {
        let Some(peer) = self.peers.get_mut(index).filter(|peer| !peer.streams.is_empty()) else { return false };
        let publishes = peer.negotiation.sections.values().any(|used| matches!(used, Use::Receive(_)));
        let Some(clear) = peer.egress.open(datagram) else {
            return !publishes;
        };
        let (mut told, mut again) = (TOLD, AGAIN);
        for packet in rtcp::parse(&clear).take(PARTS) {
            match packet {
                rtcp::Packet::ReceiverReports { blocks, .. } | rtcp::Packet::SenderReport { blocks, .. } => {
                    blocks.for_each(|block| self.reported(now, index, &block));
                }
                rtcp::Packet::Nack { media, lost } => {
                    self.send_again(now, index, media, lost.take(again).inspect(|_| again -= 1));
                }
                rtcp::Packet::PictureLoss { media } | rtcp::Packet::FullIntraRequest { media, .. } => {
                    self.counters.keyframes_wanted += 1;
                    self.subscriber_asks_keyframe(now, index, media);
                }
                rtcp::Packet::TransportFeedback(feedback) => {
                    if let Some(peer) = self.peers.get_mut(index)
                        && let Some(flow) = &mut peer.egress.flow
                    {
                        let arrivals =
                            feedback.packets().take(told).map(|(sequence, ticks)| Arrival { sequence, ticks });
                        flow.estimator.feedback(now, feedback.reference_time, arrivals);
                        self.counters.estimates += 1;
                        told = told.saturating_sub(usize::from(feedback.count));
                    }
                }
                _ => {}
            }
        }
        if let Some(peer) = self.peers.get_mut(index) {
            peer.egress.clear = clear;
        }
        self.line_measured(now, index);
        self.mark_filled(index);
        !publishes
    }

    fn reported(&mut self, now: Instant, index: usize, block: &rtcp::ReportBlock) {
        let ntp = self.ntp(now);
        let Self { peers, tracks, .. } = self;
        let Some((peer, _, down)) = stream(peers, tracks, index, block.ssrc) else { return };
        down.sender.reported();
        let round_trip = block.round_trip(ntp).filter(|time| *time < ROUND_TRIP_MAX);
        peer.egress.round_trip = round_trip.or(peer.egress.round_trip);
        peer.stats.reported(down.mid, block, round_trip);
    }

    fn send_again(&mut self, now: Instant, index: usize, media: u32, lost: impl Iterator<Item = u16>) {
        let Self { peers, tracks, counters, turn, .. } = self;
        let Some((peer, track, down)) = stream(peers, tracks, index, media) else { return };
        counters.nacks_received += 1;
        for number in lost {
            if let Some(packet) = down.sender.asked(now, number, peer.egress.round_trip) {
                let _ = peer.egress.send(now, track, &mut down.sender, packet, Leaves::Again, turn);
            }
        }
    }

    /// Sends what has waited for its turn, and what the estimator wants to be filled up.
    pub(crate) fn pass_time_of_line(&mut self, now: Instant, index: usize) {
        let Self { peers, tracks, turn, .. } = self;
        let Some(peer) = peers.get_mut(index) else { return };
        let mut padding = peer.egress.pass_time(now);
        while let Some(waiting) = peer.egress.next_waiting(now) {
            let down = tracks.get_mut(waiting.track).and_then(|track| track.down_of(index));
            if let Some(down) = down.filter(|down| down.sender.ssrcs.media == waiting.ssrc) {
                peer.egress.leave(now, &mut down.sender, waiting.packet, (waiting.leaves, false), turn);
            }
        }
        let video = peer.line.video.clone();
        while padding > 0 {
            let filled = video.iter().find_map(|track| {
                let down = tracks.get_mut(*track)?.down_of(index)?;
                let packet = down.sender.padding()?.clone();
                let leaves = if padding < packet.payload.len() { Leaves::PADDING } else { Leaves::Again };
                let bytes = leaves.size(&packet);
                peer.egress.leave(now, &mut down.sender, packet, (leaves, true), turn);
                Some(bytes)
            });
            let Some(bytes) = filled else { break };
            padding = padding.saturating_sub(bytes);
        }
        self.line_measured(now, index);
    }

    /// Tells receivers how the clocks of their streams run.
    pub(crate) fn report_streams(&mut self, now: Instant) {
        let ntp = self.ntp(now);
        for index in 0..self.peers.end() {
            let Self { peers, tracks, .. } = self;
            let Some(peer) = peers.get_mut(index) else { continue };
            if !peer.egress.reports_due(now) {
                continue;
            }
            let mut reports: Vec<_> = peer
                .streams
                .values()
                .filter_map(|track| tracks.get_mut(*track)?.down_of(index)?.sender.report(now, ntp))
                .collect();
            reports.sort_by_key(|report| report.ssrc);
            for reports in reports.chunks(REPORTS) {
                peer.egress.report(reports);
            }
            if reports.is_empty() {
                peer.egress.report_at = None;
            }
            self.mark_filled(index);
        }
    }

    /// The time in our sender reports, 32.32 bits: as if this SFU had begun at [`BEGAN`]. What counts is that it runs; nobody
    /// may take it for the time of day (RFC 3550 section 6.4.1), but some receivers expect one after 1970.
    fn ntp(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started);
        ((BEGAN + elapsed.as_secs()) << 32) + (u64::from(elapsed.subsec_nanos()) << 32) / 1_000_000_000
    }
}

/// The stream that a peer knows by this SSRC, and its track.
fn stream<'a>(
    peers: &'a mut Slab<Peer>,
    tracks: &'a mut Slab<Track>,
    index: usize,
    media: u32,
) -> Option<(&'a mut Peer, usize, &'a mut Down)> {
    let peer = peers.get_mut(index)?;
    let track = *peer.streams.get(&media)?;
    let down = tracks.get_mut(track)?.down_of(index)?;
    Some((peer, track, down))
}

#[cfg(test)]
mod tests {
    use str0m::media::Mid;

    use super::*;
    use crate::egress::tests::{probing, secure, unheard};
    use crate::sender::tests::packet;
    use crate::{Config, Limits, MediaKind, PeerId, PeerOptions, TrackId};

    /// The SSRC of whoever reports.
    const REPORTER: u32 = 9;

    /// An SFU that sends a picture to somebody, and the keys of that one.
    struct Bed {
        sfu: Sfu,
        now: Instant,
        media: u32,
        theirs: rtp::Protector,
    }

    impl Bed {
        fn new() -> Self {
            let start = testkit::origin();
            let mut sfu = Sfu::new(Config { candidates: Vec::new(), limits: Limits::default() }, start);
            // Round-trip times of an hour need a clock that has run for so long.
            let now = start + Duration::from_secs(3600);
            sfu.add_peer(now, PeerId(1), PeerOptions { receives: true, ..PeerOptions::default() }).unwrap();
            sfu.bind_down(0, Mid::from("0"), TrackId(1), MediaKind::Video, now);
            let peer = sfu.peers.get_mut(0).unwrap();
            let (theirs, _) = secure(&mut peer.egress);
            let media = *peer.streams.keys().next().unwrap();
            Self { sfu, now, media, theirs }
        }

        fn egress(&mut self) -> &mut crate::egress::Egress {
            &mut self.sfu.peers.get_mut(0).unwrap().egress
        }

        /// Takes in a compound of an empty receiver report and these: kind, format or count, and what follows.
        fn take(&mut self, parts: &[(u8, u8, Vec<u32>)]) -> bool {
            let mut compound = Vec::new();
            rtcp::write_empty_receiver_report(&mut compound, REPORTER);
            for (kind, count, words) in parts {
                compound.extend([0x80 | count, *kind]);
                compound.extend((words.len() as u16).to_be_bytes());
                compound.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            }
            self.theirs.rtcp(&mut compound).unwrap();
            self.sfu.take_reports(self.now, 0, &compound)
        }

        /// A report block with this round trip.
        fn report(&mut self, round_trip: Option<Duration>) -> Option<Duration> {
            let sent =
                round_trip.map_or(0, |time| rtcp::middle_of_ntp(self.sfu.ntp(self.now.checked_sub(time).unwrap())));
            self.take(&[(201, 1, vec![REPORTER, self.media, 0, 0, 0, sent, 0])]);
            self.egress().round_trip
        }

        /// NACKs of the packets from `first` on, 17 by each of `entries`.
        fn nack(&self, first: u32, entries: u32) -> (u8, u8, Vec<u32>) {
            let lost = (0..entries).map(|entry| (first + entry * 17) << 16 | 0xffff);
            (205, 1, [REPORTER, self.media].into_iter().chain(lost).collect())
        }
    }

    #[test]
    fn one_datagram_asks_for_so_much_and_no_more() {
        let mut bed = Bed::new();
        let down = bed.sfu.tracks.get_mut(0).unwrap().down_of(0).unwrap();
        let first = 100;
        for number in first..first + 600 {
            down.sender.sent(bed.now, packet(number, 10));
        }
        let nacks = [bed.nack(100, 10), bed.nack(270, 10), bed.nack(440, 2)];
        assert!(bed.take(&nacks), "str0m has nothing to do with it");
        assert_eq!(bed.egress().out.len(), AGAIN);
        let asked = bed.sfu.counters.keyframes_wanted;
        let loss = (206, 1, vec![REPORTER, bed.media]);
        bed.take(&vec![loss; PARTS + 5]);
        // The empty report is a part too.
        assert_eq!(bed.sfu.counters.keyframes_wanted - asked, PARTS as u64 - 1);
    }

    /// What nobody looks at does not tell how long the way is.
    #[test]
    fn so_much_feedback_is_looked_at() {
        // Packets that did not come, and four that did: draft-holmer-rmcat-transport-wide-cc-extensions-01, run lengths.
        let came = |base: u32, missing: u32| {
            let words = [base << 16 | (missing + 4), 1 << 8, missing << 16 | 1 << 13 | 4, 0x0404_0404];
            (205, 15, [REPORTER, 0].into_iter().chain(words).collect::<Vec<u32>>())
        };
        let missing = |count: u32| (205, 15, vec![REPORTER, 0, count, 1 << 8, count << 16]);
        let told = TOLD as u32;
        for (parts, heard) in [
            (vec![came(0, told - 4)], true),
            (vec![came(0, told)], false),
            (vec![missing(told - 100), came(told - 100, 96)], true),
            (vec![missing(told - 100), came(told - 100, 100)], false),
        ] {
            let mut bed = Bed::new();
            let now = bed.now;
            for _ in 0..told + 4 {
                bed.egress().flow.as_mut().unwrap().estimator.sent(now, 1000, false);
            }
            bed.now += Duration::from_millis(50);
            bed.take(&parts);
            assert_eq!(bed.egress().flow.as_ref().unwrap().estimator.round_trip().is_some(), heard, "{parts:?}");
        }
    }

    /// What is sent again waits for its turn like everything else; what waits for a stream that is another one by now is dropped.
    #[test]
    fn what_waits_is_for_the_stream_that_it_was_sent_on() {
        for replaced in [false, true] {
            let mut bed = Bed::new();
            let now = bed.now;
            bed.egress().flow.as_mut().unwrap().pacer.set_rate(now, Some(80_000));
            let Sfu { tracks, peers, turn, .. } = &mut bed.sfu;
            let down = tracks.get_mut(0).unwrap().down_of(0).unwrap();
            down.sender.ids.transport = Some(3);
            peers.get_mut(0).unwrap().send(now, 0, down, packet(1, 1000), turn);
            let again = bed.nack(1, 1);
            bed.take(&[again]);
            assert_eq!(bed.egress().out.len(), 1);
            if replaced {
                bed.sfu.tracks.get_mut(0).unwrap().down_of(0).unwrap().sender.ssrcs.media += 1;
            }
            bed.sfu.pass_time_of_line(now + Duration::from_secs(1), 0);
            assert_eq!(bed.egress().out.len(), if replaced { 1 } else { 2 });
        }
    }

    /// Nothing is heard any more, so it is time alone that makes the estimate smaller; what the line loses is taken off.
    #[test]
    fn an_estimate_is_taken_up_as_time_passes() {
        for (lost, carried) in [(0, 80_000..=80_000), (1, 71_000..=76_000)] {
            let mut bed = Bed::new();
            let (estimator, due) = unheard(bed.now, lost);
            bed.egress().flow.as_mut().unwrap().estimator = estimator;
            bed.sfu.pass_time_of_line(due - Duration::from_millis(1), 0);
            assert_eq!(bed.sfu.peers.get(0).unwrap().line.estimate, None);
            bed.sfu.pass_time_of_line(due, 0);
            let estimate = bed.sfu.peers.get(0).unwrap().line.estimate;
            assert!(estimate.is_some_and(|bits| carried.contains(&bits)), "{lost} in ten lost: {estimate:?}");
        }
    }

    /// Where more is due than padding has room for, packets are sent once more.
    #[test]
    fn probes_are_filled_with_packets_where_much_is_due() {
        let mut bed = Bed::new();
        let (estimator, now) = probing(bed.now);
        bed.egress().flow.as_mut().unwrap().estimator = estimator;
        let down = bed.sfu.tracks.get_mut(0).unwrap().down_of(0).unwrap();
        down.sender.ids.transport = Some(3);
        down.sender.sent(now, packet(1, 300));
        bed.sfu.pass_time_of_line(now, 0);
        let sizes: Vec<usize> = bed.egress().out.iter().map(Vec::len).collect();
        assert!(bed.egress().bytes >= 300 && sizes[0] >= 300, "{sizes:?}");
    }

    #[test]
    fn keyframes_are_asked_for_in_two_ways() {
        let mut bed = Bed::new();
        let media = bed.media;
        bed.take(&[(206, 1, vec![REPORTER, media])]);
        assert_eq!(bed.sfu.counters.keyframes_wanted, 1);
        bed.take(&[(206, 4, vec![REPORTER, 0, media, 1 << 24])]);
        assert_eq!(bed.sfu.counters.keyframes_wanted, 2);
    }

    #[test]
    fn a_round_trip_is_believed_if_it_can_be() {
        let mut bed = Bed::new();
        assert_eq!(bed.report(Some(Duration::from_secs(11))), None);
        assert_eq!(bed.report(Some(Duration::from_millis(500))), Some(Duration::from_millis(500)));
        // No sender report came since.
        assert_eq!(bed.report(None), Some(Duration::from_millis(500)));
    }

    /// Who publishes reports to str0m too; nobody who sends rubbish does.
    #[test]
    fn reports_of_publishers_are_for_both() {
        let mut bed = Bed::new();
        let peer = bed.sfu.peers.get_mut(0).unwrap();
        peer.negotiation.sections.insert(Mid::from("1"), Use::Receive(TrackId(2)));
        assert!(!bed.take(&[]));
    }

    /// More streams than one datagram reports on.
    #[test]
    fn all_streams_are_reported_on() {
        let mut bed = Bed::new();
        for track in 2..=REPORTS as u64 + 1 {
            let mid = Mid::from(track.to_string().as_str());
            bed.sfu.bind_down(0, mid, TrackId(track), MediaKind::Video, bed.now);
        }
        for track in 0..=REPORTS {
            bed.sfu.tracks.get_mut(track).unwrap().down_of(0).unwrap().sender.sent(bed.now, packet(1, 10));
        }
        bed.egress().report_at = Some(bed.now);
        bed.sfu.flush(bed.now);
        bed.sfu.report_streams(bed.now);
        assert_eq!(bed.sfu.turn.dirty, [0], "they leave with the next flush");
        assert_eq!(std::mem::take(&mut bed.egress().out).len(), 2);
        // Nothing was sent for a long time.
        let later = bed.now + Duration::from_secs(20);
        bed.sfu.report_streams(later);
        assert_eq!((bed.egress().out.len(), bed.egress().report_at), (0, None));
    }
}
