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
