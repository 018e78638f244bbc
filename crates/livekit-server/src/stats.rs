//! Counters of the media thread: counted locally per packet, published once a second.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counted by the media thread between two publications.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets_in: u64,
    pub(crate) bytes_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) bytes_out: u64,
    /// Send calls; packets a call is what GSO gains.
    pub(crate) sends: u64,
    /// Datagrams dropped because the socket's send buffer was full.
    pub(crate) send_dropped: u64,
    /// Datagrams the system refused (no route, message too long).
    pub(crate) send_failed: u64,
    /// ICE-TCP connections refused at a limit.
    pub(crate) tcp_refused: u64,
    /// Connections closed because their reader was too slow.
    pub(crate) slow_readers: u64,
    /// Webhook events that found a full queue.
    pub(crate) webhooks_dropped: u64,
}

impl Counters {
    pub(crate) fn sent(&mut self, packets: usize, bytes: usize) {
        self.packets_out += packets as u64;
        self.bytes_out += bytes as u64;
    }

    /// Adds to the process's metrics and starts again from zero.
    fn publish(&mut self) {
        let counted = std::mem::take(self);
        metrics::counter!("heydok_media_packets_received_total").increment(counted.packets_in);
        metrics::counter!("heydok_media_bytes_received_total").increment(counted.bytes_in);
        metrics::counter!("heydok_media_packets_sent_total").increment(counted.packets_out);
        metrics::counter!("heydok_media_bytes_sent_total").increment(counted.bytes_out);
        metrics::counter!("heydok_media_send_calls_total").increment(counted.sends);
        metrics::counter!("heydok_media_packets_dropped_total").increment(counted.send_dropped);
        metrics::counter!("heydok_media_send_errors_total").increment(counted.send_failed);
        metrics::counter!("heydok_media_tcp_connections_refused_total").increment(counted.tcp_refused);
        metrics::counter!("heydok_signal_slow_readers_closed_total").increment(counted.slow_readers);
        metrics::counter!("heydok_webhook_events_dropped_total").increment(counted.webhooks_dropped);
    }
}

/// What the media thread tells the rest of the process, readable at any time.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    busy_permille: AtomicU32,
    connections: AtomicU64,
    participants: AtomicU64,
    rooms: AtomicU64,
    packets_out: AtomicU64,
    packets_in: AtomicU64,
    dropped: AtomicU64,
    pub(crate) shutting_down: AtomicBool,
}

/// A reading of the media thread's figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// Share of the last second in which the media thread worked, 0 to 1.
    pub load: f64,
    /// Open signalling connections.
    pub connections: u64,
    pub participants: u64,
    pub rooms: u64,
    /// Datagrams since the start.
    pub packets_in: u64,
    pub packets_out: u64,
    /// Datagrams dropped because the socket was full, since the start.
    pub packets_dropped: u64,
}

impl Shared {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            load: f64::from(self.busy_permille.load(Ordering::Relaxed)) / 1000.0,
            connections: self.connections.load(Ordering::Relaxed),
            participants: self.participants.load(Ordering::Relaxed),
            rooms: self.rooms.load(Ordering::Relaxed),
            packets_in: self.packets_in.load(Ordering::Relaxed),
            packets_out: self.packets_out.load(Ordering::Relaxed),
            packets_dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// What the node tells about itself.
#[derive(Debug, Default)]
pub(crate) struct NodeFigures {
    pub(crate) connections: u64,
    pub(crate) participants: u64,
    pub(crate) rooms: u64,
    pub(crate) tracks: u64,
    pub(crate) media: node::Counters,
    pub(crate) allocations: u64,
    pub(crate) turn: node::TurnCounters,
}

impl NodeFigures {
    pub(crate) fn of(node: &node::Node) -> Self {
        let sizes = node.sizes();
        Self {
            connections: sizes.connections as u64,
            participants: sizes.participants as u64,
            rooms: sizes.rooms as u64,
            tracks: sizes.tracks as u64,
            media: node.counters(),
            allocations: sizes.allocations as u64,
            turn: node.turn_counters(),
        }
    }
}

/// Measures the busy share and publishes once a second.
#[derive(Debug)]
pub(crate) struct Meter {
    since: Instant,
    busy: Duration,
    pub(crate) counters: Counters,
    /// Packets reported on and lost, as of the last publication.
    reported: (u64, u64),
}

/// How often figures are published.
const PERIOD: Duration = Duration::from_secs(1);

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, busy: Duration::ZERO, counters: Counters::default(), reported: (0, 0) }
    }

    /// Accounts one turn of the loop that worked from `woke` to `done`; true if it is time to publish.
    pub(crate) fn turn(&mut self, woke: Instant, done: Instant) -> bool {
        self.busy += done.saturating_duration_since(woke);
        done.saturating_duration_since(self.since) >= PERIOD
    }

    /// Publishes what was counted since the last time. The busy share, 0 to 1.
    pub(crate) fn publish(&mut self, done: Instant, node: &NodeFigures, shared: &Shared) -> f64 {
        let elapsed = done.saturating_duration_since(self.since);
        let permille = (self.busy.as_secs_f64() / elapsed.as_secs_f64() * 1000.0).min(1000.0) as u32;
        shared.busy_permille.store(permille, Ordering::Relaxed);
        shared.connections.store(node.connections, Ordering::Relaxed);
        shared.participants.store(node.participants, Ordering::Relaxed);
        shared.rooms.store(node.rooms, Ordering::Relaxed);
        shared.packets_in.fetch_add(self.counters.packets_in, Ordering::Relaxed);
        shared.packets_out.fetch_add(self.counters.packets_out, Ordering::Relaxed);
        shared.dropped.fetch_add(self.counters.send_dropped, Ordering::Relaxed);
        metrics::gauge!("heydok_media_thread_busy_ratio").set(f64::from(permille) / 1000.0);
        metrics::gauge!("heydok_signal_connections").set(node.connections as f64);
        metrics::gauge!("heydok_media_participants").set(node.participants as f64);
        metrics::gauge!("heydok_media_rooms").set(node.rooms as f64);
        metrics::gauge!("heydok_media_tracks").set(node.tracks as f64);
        metrics::gauge!("heydok_turn_allocations").set(node.allocations as f64);
        publish_turn(&node.turn);
        self.publish_media(&node.media, node.participants == 0);
        self.counters.publish();
        self.busy = Duration::ZERO;
        self.since = done;
        f64::from(permille) / 1000.0
    }

    /// The media engine counts since its start.
    fn publish_media(&mut self, media: &node::Counters, nobody: bool) {
        metrics::counter!("heydok_media_rtp_received_total").absolute(media.received);
        metrics::counter!("heydok_media_audio_restored_total").absolute(media.restored);
        metrics::counter!("heydok_media_rtp_forwarded_total").absolute(media.forwarded);
        metrics::counter!("heydok_media_unknown_datagrams_total").absolute(media.unknown_datagrams);
        metrics::counter!("heydok_media_data_refused_total").absolute(media.data_refused);
        metrics::counter!("heydok_media_excessive_total").absolute(media.excessive);
        metrics::counter!("heydok_media_peer_faults_total").absolute(media.faults);
        metrics::counter!("heydok_media_nacks_received_total").absolute(media.nacks_received);
        metrics::counter!("heydok_media_nacks_sent_total").absolute(media.nacks_sent);
        metrics::counter!("heydok_media_keyframe_requests_received_total").absolute(media.keyframes_wanted);
        metrics::counter!("heydok_media_keyframe_requests_sent_total").absolute(media.keyframes_asked);
        metrics::counter!("heydok_media_bandwidth_estimates_total").absolute(media.estimates);
        metrics::counter!("heydok_media_pictures_lowered_total").absolute(media.lowered);
        metrics::counter!("heydok_media_pictures_paused_total").absolute(media.paused);
        metrics::counter!("heydok_media_pictures_held_back_total").absolute(media.held_back);
        metrics::counter!("heydok_media_rtp_reported_total").absolute(media.packets_reported);
        metrics::counter!("heydok_media_rtp_lost_total").absolute(media.packets_lost);
        if let Some(ratio) = self.loss_since(media, nobody) {
            metrics::gauge!("heydok_packet_loss_ratio").set(ratio);
        }
    }

    /// Share of packets that did not reach subscribers, by the reports since the last time; `None` = no report came, so what
    /// was said last stands.
    fn loss_since(&mut self, media: &node::Counters, nobody: bool) -> Option<f64> {
        let before = std::mem::replace(&mut self.reported, (media.packets_reported, media.packets_lost));
        let reported = media.packets_reported.saturating_sub(before.0);
        let lost = media.packets_lost.saturating_sub(before.1);
        if reported == 0 { nobody.then_some(0.0) } else { Some(lost as f64 / reported as f64) }
    }
}

/// The TURN server counts since its start.
fn publish_turn(turn: &node::TurnCounters) {
    metrics::counter!("heydok_stun_answers_total").absolute(turn.bindings);
    metrics::counter!("heydok_stun_unanswered_total").absolute(turn.unanswered);
    metrics::counter!("heydok_turn_allocations_made_total").absolute(turn.allocations);
    metrics::counter!("heydok_turn_allocations_refused_total").absolute(turn.allocations_refused);
    metrics::counter!("heydok_turn_packets_relayed_total").absolute(turn.relayed_in + turn.relayed_out);
    metrics::counter!("heydok_turn_packets_dropped_total").absolute(turn.relay_dropped);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busy_share_is_work_over_elapsed_time() {
        let start = kit::Clock::instant(&kit::SystemClock);
        let shared = Shared::default();
        let mut meter = Meter::new(start);
        meter.counters.packets_in = 7;
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!meter.turn(start, at(250)), "nothing before a second has passed");
        assert!(meter.turn(at(999), at(1000)));
        meter.publish(at(1000), &NodeFigures { connections: 3, ..NodeFigures::default() }, &shared);
        let stats = shared.stats();
        assert!((stats.load - 0.251).abs() < 0.002, "{}", stats.load);
        assert_eq!((stats.connections, stats.packets_in), (3, 7));
    }

    /// What was said last stands until a report comes or everybody has left.
    #[test]
    fn loss_is_told_by_the_reports_of_the_interval() {
        let mut meter = Meter::new(kit::Clock::instant(&kit::SystemClock));
        let media =
            |packets_reported, packets_lost| node::Counters { packets_reported, packets_lost, ..Default::default() };
        assert_eq!(meter.loss_since(&media(0, 0), true), Some(0.0));
        assert_eq!(meter.loss_since(&media(100, 5), false), Some(0.05));
        assert_eq!(meter.loss_since(&media(100, 5), false), None);
        assert_eq!(meter.loss_since(&media(300, 5), false), Some(0.0));
        assert_eq!(meter.loss_since(&media(300, 5), true), Some(0.0));
    }
}
