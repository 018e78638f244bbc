//! Everything that leaves towards one subscriber: encrypted, counted, paced where its line is narrow, and reported on.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use estimator::{Estimator, Pacer};
use rtp::{Protector, Unprotector, rtcp};

use crate::keys::Slot;
use crate::sender::{Leaves, Outgoing, Sender};

/// Between two sender reports of a stream. The first one follows the first packet at once, for lips and voice.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Up to 16 times this is taken off it, so that not all subscribers of a speaker are told in the same round.
const SPREAD: Duration = Duration::from_millis(12);
/// Sender reports in one datagram: 28 bytes each.
pub(crate) const REPORTS: usize = 40;
/// Between two looks of the estimator at the clock.
const PAUSE: Duration = Duration::from_millis(1);
/// Packets that wait for their turn at most; what comes then is dropped, and the picture begins anew.
const WAITING: usize = 2048;

/// Datagrams kept to be written anew: as many as leave at once, and none that is larger than what usually does.
const BUFFERS: usize = 1024;
const BUFFER_BYTES: usize = 2048;

/// A packet that waits for its turn, and its track.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) track: usize,
    pub(crate) ssrc: u32,
    pub(crate) since: Instant,
    pub(crate) packet: Outgoing,
    pub(crate) leaves: Leaves,
}

/// What the line to a subscriber carries, and what waits for it.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) estimator: Estimator,
    pub(crate) pacer: Pacer,
    waiting: VecDeque<Waiting>,
}

/// Everything that leaves towards one subscriber.
pub(crate) struct Egress {
    slot: Option<Slot>,
    keys: Option<(Protector, Unprotector)>,
    /// Where bandwidth is estimated.
    pub(crate) flow: Option<Flow>,
    /// The SSRC that our reports come from: SRTCP numbers packets by it, and those of str0m come from others.
    reporter: u32,
    pub(crate) report_at: Option<Instant>,
    /// Decrypted reports, and ours before they are encrypted; kept to reuse its memory.
    pub(crate) clear: Vec<u8>,
    /// Datagrams that leave with the next flush.
    pub(crate) out: Vec<Vec<u8>>,
    /// Bytes of RTP payload sent.
    pub(crate) bytes: u64,
    pub(crate) round_trip: Option<Duration>,
    /// When time passed last.
    passed: Instant,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its keys are nobody's business.
        formatter.debug_struct("Egress").field("flow", &self.flow).finish_non_exhaustive()
    }
}

impl Egress {
    pub(crate) fn new(now: Instant, slot: Option<Slot>, reporter: u32, estimates: bool) -> Self {
        let flow = || Flow { estimator: Estimator::new(now), pacer: Pacer::new(now), waiting: VecDeque::new() };
        Self {
            slot,
            keys: None,
            flow: estimates.then(flow),
            reporter,
            report_at: None,
            clear: Vec::new(),
            out: Vec::new(),
            bytes: 0,
            round_trip: None,
            passed: now,
        }
    }

    /// DTLS is up.
    pub(crate) fn secured(&mut self) {
        if self.keys.is_none() {
            self.keys = self.slot.take().and_then(|slot| slot.keys());
        }
    }

    /// Sends a packet, at once or when it is its turn. `Err`: dropped, because too much waits already.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        track: usize,
        sender: &mut Sender,
        packet: Outgoing,
        leaves: Leaves,
        turn: &mut Turn,
    ) -> Result<(), Full> {
        let size = leaves.size(&packet);
        if sender.ids.transport.is_some()
            && let Some(flow) = &mut self.flow
            && !(flow.waiting.is_empty() && flow.pacer.may_send(now, size))
        {
            if flow.waiting.len() >= WAITING {
                return Err(Full);
            }
            let waiting = Waiting { track, ssrc: sender.ssrcs.media, since: now, packet, leaves };
            match leaves {
                Leaves::First => flow.waiting.push_back(waiting),
                // Others wait for it already.
                Leaves::Again | Leaves::Padding(_) => flow.waiting.push_front(waiting),
            }
            return Ok(());
        }
        self.leave(now, sender, packet, (leaves, false), turn);
        Ok(())
    }

    /// What waits longest, if it may leave now.
    pub(crate) fn next_waiting(&mut self, now: Instant) -> Option<Waiting> {
        let flow = self.flow.as_mut()?;
        let size = flow.waiting.front().map(|waiting| waiting.leaves.size(&waiting.packet))?;
        if !flow.pacer.may_send(now, size) {
            return None;
        }
        flow.waiting.pop_front()
    }

    pub(crate) fn is_waiting(&self, track: usize) -> bool {
        self.flow.as_ref().is_some_and(|flow| flow.waiting.iter().any(|waiting| waiting.track == track))
    }

    /// Since when the oldest packet waits.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        self.flow.as_ref()?.waiting.iter().map(|waiting| waiting.since).min()
    }

    /// Forget what waits of these tracks.
    pub(crate) fn drop_waiting(&mut self, tracks: &[usize]) {
        if let Some(flow) = self.flow.as_mut().filter(|_| !tracks.is_empty()) {
            flow.waiting.retain(|waiting| !tracks.contains(&waiting.track));
        }
    }

    /// Writes and encrypts a packet that leaves now, as `padding` or because somebody wants it; before DTLS is up it is dropped.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        sender: &mut Sender,
        packet: Outgoing,
        (leaves, padding): (Leaves, bool),
        turn: &mut Turn,
    ) {
        let Some((protector, _)) = &mut self.keys else { return };
        if !sender.may_leave(&packet, leaves) || (leaves == Leaves::First && !sender.take_number(&packet)) {
            return;
        }
        let size = leaves.size(&packet);
        let transport = match &mut self.flow {
            Some(flow) if sender.ids.transport.is_some() => Some(flow.estimator.sent(now, size, padding)),
            _ => None,
        };
        let mut datagram = turn.buffer(size + 24);
        if sender.write(&packet, leaves, transport, protector, &mut datagram).is_none() {
            return;
        }
        self.out.push(datagram);
        if !matches!(leaves, Leaves::Padding(_)) {
            self.bytes += packet.payload.len() as u64;
        }
        if leaves == Leaves::First {
            if !sender.began() || self.report_at.is_none() {
                self.report_at = Some(now);
            }
            sender.sent(now, packet);
        }
    }

    /// Decrypts a compound of the remote's reports. `None`: not authentic, or seen before.
    pub(crate) fn open(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let (_, unprotector) = self.keys.as_mut()?;
        let mut clear = std::mem::take(&mut self.clear);
        let opened = unprotector.rtcp(datagram, &mut clear);
        if opened.is_none() {
            self.clear = clear;
            return None;
        }
        Some(clear)
    }

    /// One datagram of sender reports. They begin with an empty receiver report of our own, for its SSRC.
    pub(crate) fn report(&mut self, reports: &[rtcp::SenderInfo]) {
        let Some((protector, _)) = &mut self.keys else { return };
        let mut datagram = Vec::with_capacity(64 + 28 * reports.len());
        rtcp::write_empty_receiver_report(&mut datagram, self.reporter);
        for report in reports {
            rtcp::write_sender_report(&mut datagram, report);
        }
        rtcp::write_source_description(&mut datagram, self.reporter, CNAME);
        if protector.rtcp(&mut datagram).is_some() {
            self.out.push(datagram);
        }
    }

    /// Whether sender reports are due, and if so, when the next ones are.
    pub(crate) fn reports_due(&mut self, now: Instant) -> bool {
        let due = self.report_at.is_some_and(|at| at <= now);
        if due {
            self.report_at = Some(now + REPORT_INTERVAL - SPREAD * (self.reporter % 16));
        }
        due
    }

    /// Time passes. Bytes of padding that are wanted now.
    pub(crate) fn pass_time(&mut self, now: Instant) -> usize {
        self.passed = now;
        let Some(flow) = &mut self.flow else { return 0 };
        flow.estimator.pass_time(now);
        flow.pacer.set_rate(now, flow.estimator.estimate());
        if flow.waiting.is_empty() { flow.estimator.padding_due(now) } else { 0 }
    }

    /// When time has to pass again.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let flow = self.flow.as_ref()?;
        let turn = flow.waiting.front().map(|waiting| flow.pacer.next(now, waiting.leaves.size(&waiting.packet)));
        // Where there is nothing to fill a probe with, its time stands still.
        let measure = flow.estimator.deadline().map(|at| at.max(self.passed + PAUSE));
        [turn, measure].into_iter().flatten().min()
    }
}

/// Names us as the source of all we send (RFC 3550 section 6.5.1).
const CNAME: &str = "heydok";

/// What a turn leaves to do, and memory for it.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Peers that the next flush looks at.
    pub(crate) dirty: Vec<usize>,
    /// Datagrams that have been sent, to be written anew.
    buffers: Vec<Vec<u8>>,
}

impl Turn {
    fn buffer(&mut self, bytes: usize) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.reserve(bytes);
        buffer
    }

    /// Takes back what was sent.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < BUFFERS && buffer.capacity() <= BUFFER_BYTES {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

/// Too much waits already.
#[derive(Debug)]
pub(crate) struct Full;

#[cfg(test)]
pub(crate) mod tests {
    use estimator::Arrival;
    use rtp::Profile;
    use str0m::media::Mid;

    use super::*;
    use crate::extensions::Ids;
    use crate::sender::Ssrcs;
    use crate::sender::tests::packet;

    /// As if DTLS were up. The keys of the other end.
    pub(crate) fn secure(egress: &mut Egress) -> (Protector, Unprotector) {
        let profile = Profile::AeadAes128Gcm;
        let material = vec![7; profile.keying_material_bytes()];
        let [ours, theirs] = [false, true].map(|client| {
            let protector = Protector::new(profile, &material, client).unwrap();
            (protector, Unprotector::new(profile, &material, client).unwrap())
        });
        egress.keys = Some(ours);
        theirs
    }

    /// An estimator that heard nothing of twenty packets of 1,000 bytes, which were sent in a second, and when it wants to be asked
    /// next. Of the packets before so many in ten were lost.
    pub(crate) fn unheard(start: Instant, lost: u64) -> (Estimator, Instant) {
        let mut estimator = Estimator::new(start);
        let mut told = Vec::new();
        for ten in 0..30 {
            for one in 0..10 {
                let milliseconds = 100 * ten + 10 * one;
                let sequence = estimator.sent(start + Duration::from_millis(milliseconds), 1000, false);
                told.push(Arrival { sequence, ticks: (one >= lost).then_some(milliseconds.cast_signed() * 4) });
            }
            estimator.feedback(start + Duration::from_millis(100 * ten + 95), 0, told.drain(..));
        }
        for packet in 0..20 {
            estimator.sent(start + Duration::from_millis(3000 + 50 * packet), 1000, false);
        }
        (estimator, start + Duration::from_secs(4))
    }

    /// An estimator that has found the end of a line of 500 kbit/s, in the moment in which it looks for more.
    pub(crate) fn probing(start: Instant) -> (Estimator, Instant) {
        let mut estimator = Estimator::new(start);
        let (mut free, mut on_the_way) = (0, VecDeque::new());
        for millisecond in 0..10_000 {
            let now = start + Duration::from_millis(millisecond);
            // A packet takes the line 16 ms; for a second there are twice as many as it carries, then half.
            if millisecond % if millisecond < 1000 { 8 } else { 32 } == 0 {
                free = free.max(millisecond) + 16;
                on_the_way.push_back((estimator.sent(now, 1000, false), free));
            }
            if millisecond % 50 == 0 {
                let came = on_the_way.iter().take_while(|(_, at)| at + 20 <= millisecond).count();
                let told = |(sequence, at): (_, u64)| Arrival { sequence, ticks: Some(at.cast_signed() * 4) };
                estimator.feedback(now, 0, on_the_way.drain(..came).map(told));
            }
            estimator.set_wanted(now, 2_000_000);
            if estimator.padding_due(now) > 0 {
                return (estimator, now);
            }
        }
        panic!("it never looked for more: {estimator:?}");
    }

    /// Padding is no reason to take a line for wider: while nothing is heard, half of what else was sent may be sent.
    #[test]
    fn padding_does_not_count_as_sent() {
        let start = testkit::origin();
        for (padding, estimate) in [(false, 80_000 + 3_200), (true, 50_000)] {
            let mut egress = Egress::new(start, None, 77, true);
            secure(&mut egress);
            let (mut sender, mut turn) = (stream(1, Some(3)), Turn::default());
            for number in 0..=20 {
                let now = start + Duration::from_millis(50) * number;
                let packet = packet(u64::from(number), 1000);
                egress.leave(now, &mut sender, packet, (Leaves::Again, padding), &mut turn);
                if number == 0 {
                    let told = Arrival { sequence: 0, ticks: Some(0) };
                    let heard = now + Duration::from_millis(20);
                    egress.flow.as_mut().unwrap().estimator.feedback(heard, 0, [told].into_iter());
                }
            }
            egress.pass_time(start + Duration::from_millis(1050));
            let estimator = &egress.flow.as_ref().unwrap().estimator;
            assert_eq!(estimator.estimate(), Some(estimate), "padding: {padding}");
        }
    }

    /// What waits fills the line by itself.
    #[test]
    fn there_is_no_padding_while_packets_wait() {
        let (estimator, now) = probing(testkit::origin());
        let (mut egress, mut sender, mut turn) = (narrow(now), stream(1, Some(3)), Turn::default());
        egress.flow.as_mut().unwrap().estimator = estimator;
        for number in 0..2 {
            egress.send(now, 0, &mut sender, packet(number, 1000), Leaves::First, &mut turn).unwrap();
        }
        let later = now + Duration::from_millis(30);
        assert_eq!(egress.pass_time(later), 0);
        egress.drop_waiting(&[0]);
        assert!(egress.pass_time(later) > 0);
    }

    /// Towards somebody whose line carries 80 kbit/s: the pacer lets a packet of 1,000 bytes go each 42 ms.
    fn narrow(now: Instant) -> Egress {
        let mut egress = Egress::new(now, None, 77, true);
        secure(&mut egress);
        egress.flow.as_mut().unwrap().pacer.set_rate(now, Some(80_000));
        egress
    }

    fn stream(media: u32, transport: Option<u8>) -> Sender {
        let mut sender = Sender::new(Ssrcs { media, repair: Some(media + 1) }, Mid::from("0"), 90_000);
        sender.ids = Ids { transport, ..Ids::default() };
        sender
    }

    #[test]
    fn what_waits_keeps_its_order_and_sound_does_not_wait() {
        let start = testkit::origin();
        let (mut egress, mut turn) = (narrow(start), Turn::default());
        let (mut pictures, mut sound) = (stream(1, Some(3)), stream(5, None));
        let mut send = |egress: &mut Egress, at, number, leaves| {
            egress.send(at, 0, &mut pictures, packet(number, 1000), leaves, &mut turn).unwrap();
            egress.out.len()
        };
        let left = [1, 2, 3].map(|number| send(&mut egress, start, number, Leaves::First));
        assert_eq!(left, [1, 1, 1]);
        assert_eq!(send(&mut egress, start, 1, Leaves::Again), 1);
        let woken = egress.deadline(start).map(|at| at - start);
        assert_eq!(woken, Some(Duration::from_micros(1600)), "41.6 ms after what may leave at once");
        // It is somebody's turn, but not this one's.
        let later = start + Duration::from_millis(50);
        assert_eq!(send(&mut egress, later, 4, Leaves::First), 1);
        egress.send(start, 1, &mut sound, packet(1, 1000), Leaves::First, &mut turn).unwrap();
        assert_eq!(egress.out.len(), 2);
        let mut order = Vec::new();
        for round in 0..10 {
            let now = later + Duration::from_millis(10) * round;
            order.extend(egress.next_waiting(now).map(|waiting| (round, waiting.packet.sequence)));
            assert!(egress.next_waiting(now).is_none(), "one in 42 ms");
        }
        assert_eq!(order.iter().map(|(_, number)| *number).collect::<Vec<_>>(), [1, 2, 3, 4], "{order:?}");
    }

    #[test]
    fn so_much_waits_and_no_more() {
        let now = testkit::origin();
        let (mut egress, mut sender, mut turn) = (narrow(now), stream(1, Some(3)), Turn::default());
        let mut send = |number| egress.send(now, 0, &mut sender, packet(number, 1000), Leaves::First, &mut turn);
        assert!((0..=WAITING as u64).all(|number| send(number).is_ok()));
        assert!(send(9_999).is_err());
    }

    /// A compound begins with a report of our own SSRC: that of another one would share its numbers with str0m's.
    #[test]
    fn reports_begin_with_ours_and_end_with_a_name() {
        let mut egress = Egress::new(testkit::origin(), None, 77, false);
        let (_, mut theirs) = secure(&mut egress);
        egress.report(&[rtcp::SenderInfo { ssrc: 5, ntp: 1, timestamp: 2, packets: 3, octets: 4 }]);
        let mut clear = Vec::new();
        theirs.rtcp(&egress.out[0], &mut clear).unwrap();
        let parts: Vec<_> = rtcp::parse(&clear).collect();
        assert!(matches!(
            parts[..],
            [
                rtcp::Packet::ReceiverReports { sender: 77, .. },
                rtcp::Packet::SenderReport { sender: 5, .. },
                rtcp::Packet::Other
            ]
        ));
        assert!(clear.windows(CNAME.len()).any(|bytes| bytes == CNAME.as_bytes()));
    }

    /// The first packet of each stream is reported on at once, then all each second, but not everybody's in the same round.
    #[test]
    fn reports_are_due_each_second() {
        let now = testkit::origin();
        let mut turn = Turn::default();
        for (reporter, next) in [(32, 1000), (33, 988), (47, 820)] {
            let mut egress = Egress::new(now, None, reporter, false);
            secure(&mut egress);
            assert!(!egress.reports_due(now), "nothing was sent");
            let next = now + Duration::from_millis(next);
            for media in [1, 5] {
                egress.leave(now, &mut stream(media, None), packet(1, 10), (Leaves::First, false), &mut turn);
                assert!(egress.reports_due(now) && !egress.reports_due(next - Duration::from_millis(1)));
            }
            assert!(egress.reports_due(next));
        }
    }
}
