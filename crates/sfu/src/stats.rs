//! What a peer's connection was like over an interval.

use std::collections::HashMap;
use std::time::Duration;

use rtp::rtcp::ReportBlock;
use str0m::media::{Mid, Rid};
use str0m::stats::MediaIngressStats;

use crate::api::{Counters, PeerStats};

/// Between two reports.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Sums over the streams of a peer, turned into one report per interval.
#[derive(Debug, Default)]
pub(crate) struct StatsWindow {
    ready: bool,
    rtt: Option<Duration>,
    bytes: (u64, u64),
    last_bytes: (u64, u64),
    lost: (Weighted, Weighted),
    /// Highest sequence number and packets lost, as the receiver of each section told last.
    reported: HashMap<Mid, (u64, u64)>,
    /// Requests for lost packets to the peer so far, by section and layer.
    nacks: HashMap<(Mid, Option<Rid>), u64>,
    totals: Totals,
    /// Packets counted by us since the last report (str0m's totals vanish with their streams).
    pub(crate) packets_up: u64,
    pub(crate) packets_down: u64,
    /// Packets sent to the peer that it has not reported on.
    pub(crate) packets_sent: u64,
}

/// What a peer adds to the counters of all.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    nacks: u64,
    reported: u64,
    lost: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Weighted {
    sum: f64,
    weight: f64,
}

impl Weighted {
    fn add(&mut self, value: Option<f32>, weight: u64) {
        if let Some(value) = value {
            let weight = weight.max(1) as f64;
            self.sum += f64::from(value) * weight;
            self.weight += weight;
        }
    }

    fn mean(self) -> f32 {
        if self.weight > 0.0 { (self.sum / self.weight) as f32 } else { 0.0 }
    }
}

impl StatsWindow {
    /// `sent`: bytes of payload that subscribers got.
    pub(crate) fn peer(&mut self, stats: &str0m::stats::PeerStats, sent: u64) {
        self.ready = true;
        self.bytes = (stats.bytes_rx, sent);
        let pair = stats.selected_candidate_pair.as_ref();
        self.rtt = stats.rtt.or_else(|| pair.and_then(|pair| pair.current_round_trip_time)).or(self.rtt);
    }

    pub(crate) fn ingress(&mut self, stats: &MediaIngressStats) {
        self.lost.0.add(stats.loss, stats.packets);
        let before = self.nacks.entry((stats.mid, stats.rid)).or_default();
        self.totals.nacks += stats.nacks.saturating_sub(*before);
        *before = stats.nacks;
    }

    /// What a subscriber says of a stream: highest sequence number so far and packets lost; lost reports then lose nothing.
    pub(crate) fn reported(&mut self, mid: Mid, block: &ReportBlock, round_trip: Option<Duration>) {
        self.rtt = round_trip.or(self.rtt);
        let now = (u64::from(block.highest_sequence), u64::try_from(block.cumulative_lost).unwrap_or(0));
        let Some(before) = self.reported.insert(mid, now) else {
            return;
        };
        // A client can say anything: no more than was sent.
        let expected = now.0.saturating_sub(before.0).min(self.packets_sent);
        self.packets_sent -= expected;
        if expected > 0 {
            let lost = now.1.saturating_sub(before.1) as f32 / expected as f32;
            self.lost.1.add(Some(lost.min(1.0)), expected);
            self.totals.reported += expected;
            self.totals.lost += now.1.saturating_sub(before.1).min(expected);
        }
    }

    /// Moves what was counted since the last time to the counters of all peers.
    pub(crate) fn move_totals(&mut self, counters: &mut Counters) {
        let totals = std::mem::take(&mut self.totals);
        counters.nacks_sent += totals.nacks;
        counters.packets_reported += totals.reported;
        counters.packets_lost += totals.lost;
    }

    /// A section's sender was replaced: its totals begin anew.
    pub(crate) fn forget(&mut self, mid: Mid) {
        self.reported.remove(&mid);
        self.nacks.retain(|(other, _), _| *other != mid);
    }

    /// The report, once per interval.
    pub(crate) fn take(&mut self) -> Option<PeerStats> {
        if !std::mem::take(&mut self.ready) {
            return None;
        }
        let rate = |now: u64, before: u64| now.saturating_sub(before) * 8 * 1000 / INTERVAL.as_millis() as u64;
        let report = PeerStats {
            rtt_ms: self.rtt.map(|rtt| rtt.as_secs_f32() * 1000.0),
            loss_up: self.lost.0.mean(),
            loss_down: self.lost.1.mean(),
            bitrate_up: rate(self.bytes.0, self.last_bytes.0),
            bitrate_down: rate(self.bytes.1, self.last_bytes.1),
            packets_up: std::mem::take(&mut self.packets_up),
            packets_down: std::mem::take(&mut self.packets_down),
            estimate: None,
        };
        self.last_bytes = self.bytes;
        self.lost = Default::default();
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingress(nacks: u64) -> MediaIngressStats {
        MediaIngressStats {
            mid: Mid::from("0"),
            rid: None,
            bytes: 0,
            packets: 0,
            firs: 0,
            plis: 0,
            nacks,
            jitter: 0,
            rtt: None,
            loss: None,
            timestamp: testkit::origin(),
            remote: None,
        }
    }

    /// str0m counts from the beginning of a stream; what was counted of the one before stays counted.
    #[test]
    fn totals_go_on_when_a_source_is_replaced() {
        let (mut window, mut counters) = (StatsWindow::default(), Counters::default());
        window.ingress(&ingress(3));
        window.ingress(&ingress(5));
        window.forget(Mid::from("0"));
        window.ingress(&ingress(4));
        window.move_totals(&mut counters);
        window.move_totals(&mut counters);
        assert_eq!(counters.nacks_sent, 9);
    }

    /// Duplicates make the total of losses fall below zero, and a lost report loses nothing.
    #[test]
    fn losses_are_counted_between_reports() {
        let (mut window, mut counters) =
            (StatsWindow { packets_sent: 350, ..StatsWindow::default() }, Counters::default());
        for (highest_sequence, cumulative_lost) in [(100, -3), (200, 10), (200, 10), (400, 20), (9000, 8000)] {
            let block = ReportBlock {
                ssrc: 1,
                fraction_lost: 0,
                cumulative_lost,
                highest_sequence,
                jitter: 0,
                last_sender_report: 0,
                delay_since: 0,
            };
            window.reported(Mid::from("0"), &block, None);
        }
        window.move_totals(&mut counters);
        assert_eq!((counters.packets_reported, counters.packets_lost), (350, 70));
    }
}
