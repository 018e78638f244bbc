//! Counters of the media threads: counted locally per packet, published once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counted by a thread between two publications.
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
    /// Datagrams that another thread of the server did not take in time.
    pub(crate) ring_dropped: u64,
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
        metrics::counter!("heydok_media_ring_dropped_total").increment(counted.ring_dropped);
    }
}

/// What the threads tell each other and the rest of the process, readable at any time.
#[derive(Debug)]
pub(crate) struct Figures(Vec<Shared>);

/// What one thread tells.
#[derive(Debug, Default)]
struct Shared {
    busy_permille: AtomicU32,
    connections: AtomicU64,
    participants: AtomicU64,
    rooms: AtomicU64,
    tracks: AtomicU64,
    packets_out: AtomicU64,
    packets_in: AtomicU64,
    dropped: AtomicU64,
    /// Packets that subscribers reported on, and those of them that were lost, in the last second that brought reports.
    reported: AtomicU64,
    lost: AtomicU64,
}

/// A reading of a thread's figures, or of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Share of the last second in which the thread worked, 0 to 1; of all together that of the busiest.
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
    fn stats(&self) -> Stats {
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

impl Figures {
    pub(crate) fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self((0..threads).map(|_| Shared::default()).collect()))
    }

    fn sum(&self, figure: impl Fn(&Shared) -> &AtomicU64) -> u64 {
        self.0.iter().map(|shared| figure(shared).load(Ordering::Relaxed)).sum()
    }

    /// Of each thread.
    pub(crate) fn each(&self) -> Vec<Stats> {
        self.0.iter().map(Shared::stats).collect()
    }

    /// Of all together.
    pub(crate) fn stats(&self) -> Stats {
        self.each().into_iter().fold(Stats::default(), |sum, one| Stats {
            load: sum.load.max(one.load),
            connections: sum.connections + one.connections,
            participants: sum.participants + one.participants,
            rooms: sum.rooms + one.rooms,
            packets_in: sum.packets_in + one.packets_in,
            packets_out: sum.packets_out + one.packets_out,
            packets_dropped: sum.packets_dropped + one.packets_dropped,
        })
    }

    /// Share of the last second in which a thread worked, in thousandths.
    pub(crate) fn load_permille(&self, thread: usize) -> u32 {
        self.0.get(thread).map_or(0, |shared| shared.busy_permille.load(Ordering::Relaxed))
    }

    /// Rooms and participants of all threads but this.
    pub(crate) fn elsewhere(&self, thread: usize) -> (usize, usize) {
        let others = self.0.iter().enumerate().filter(|(other, _)| *other != thread);
        others.fold((0, 0), |(rooms, participants), (_, shared)| {
            let read = |figure: &AtomicU64| usize::try_from(figure.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
            (rooms + read(&shared.rooms), participants + read(&shared.participants))
        })
    }

    /// Tells at once what counts for limits.
    pub(crate) fn tell(&self, thread: usize, rooms: usize, participants: usize) {
        if let Some(shared) = self.0.get(thread) {
            shared.rooms.store(rooms as u64, Ordering::Relaxed);
            shared.participants.store(participants as u64, Ordering::Relaxed);
        }
    }

    /// What all threads have together.
    fn publish(&self) {
        metrics::gauge!("heydok_signal_connections").set(self.sum(|one| &one.connections) as f64);
        metrics::gauge!("heydok_media_participants").set(self.sum(|one| &one.participants) as f64);
        metrics::gauge!("heydok_media_rooms").set(self.sum(|one| &one.rooms) as f64);
        metrics::gauge!("heydok_media_tracks").set(self.sum(|one| &one.tracks) as f64);
        let (reported, lost) = (self.sum(|one| &one.reported), self.sum(|one| &one.lost));
        let ratio = if reported == 0 { 0.0 } else { lost as f64 / reported as f64 };
        metrics::gauge!("heydok_packet_loss_ratio").set(ratio);
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
    /// `None` where TURN is another thread's.
    pub(crate) allocations: Option<u64>,
    pub(crate) turn: node::TurnCounters,
}

impl NodeFigures {
    pub(crate) fn of(node: &node::Node, is_behind: bool) -> Self {
        let sizes = node.sizes();
        Self {
            connections: sizes.connections as u64,
            participants: sizes.participants as u64,
            rooms: sizes.rooms as u64,
            tracks: sizes.tracks as u64,
            media: node.counters(),
            allocations: (!is_behind).then_some(sizes.allocations as u64),
            turn: node.turn_counters(),
        }
    }
}

/// Measures the busy share of one thread and publishes once a second.
#[derive(Debug)]
pub(crate) struct Meter {
    since: Instant,
    busy: Duration,
    pub(crate) counters: Counters,
    /// What the engine and the TURN server had counted at the last publication.
    media: node::Counters,
    turn: node::TurnCounters,
    figures: Arc<Figures>,
    thread: usize,
    name: String,
}

/// How often figures are published.
const PERIOD: Duration = Duration::from_secs(1);

impl Meter {
    /// Of the thread with this number. Its name is a label of the metrics.
    pub(crate) fn new(now: Instant, figures: Arc<Figures>, thread: usize, name: String) -> Self {
        Self {
            since: now,
            busy: Duration::ZERO,
            counters: Counters::default(),
            media: node::Counters::default(),
            turn: node::TurnCounters::default(),
            figures,
            thread,
            name,
        }
    }

    /// Accounts one turn of the loop that worked from `woke` to `done`; true if it is time to publish.
    pub(crate) fn turn(&mut self, woke: Instant, done: Instant) -> bool {
        self.busy += done.saturating_duration_since(woke);
        done.saturating_duration_since(self.since) >= PERIOD
    }

    /// Publishes what was counted since the last time. The busy share, 0 to 1.
    pub(crate) fn publish(&mut self, done: Instant, node: &NodeFigures) -> f64 {
        let elapsed = done.saturating_duration_since(self.since);
        let permille = (self.busy.as_secs_f64() / elapsed.as_secs_f64() * 1000.0).min(1000.0) as u32;
        if let Some(shared) = self.figures.0.get(self.thread) {
            shared.busy_permille.store(permille, Ordering::Relaxed);
            shared.connections.store(node.connections, Ordering::Relaxed);
            shared.participants.store(node.participants, Ordering::Relaxed);
            shared.rooms.store(node.rooms, Ordering::Relaxed);
            shared.tracks.store(node.tracks, Ordering::Relaxed);
            shared.packets_in.fetch_add(self.counters.packets_in, Ordering::Relaxed);
            shared.packets_out.fetch_add(self.counters.packets_out, Ordering::Relaxed);
            shared.dropped.fetch_add(self.counters.send_dropped, Ordering::Relaxed);
            if let Some((reported, lost)) = self.loss_since(&node.media, node.participants == 0) {
                shared.reported.store(reported, Ordering::Relaxed);
                shared.lost.store(lost, Ordering::Relaxed);
            }
        }
        let load = f64::from(permille) / 1000.0;
        metrics::gauge!("heydok_media_thread_busy_ratio", "thread" => self.name.clone()).set(load);
        self.figures.publish();
        if let Some(allocations) = node.allocations {
            metrics::gauge!("heydok_turn_allocations").set(allocations as f64);
        }
        self.publish_turn(&node.turn);
        self.publish_media(&node.media);
        self.counters.publish();
        self.busy = Duration::ZERO;
        self.since = done;
        load
    }

    /// The media engine counts since its start.
    fn publish_media(&mut self, media: &node::Counters) {
        let before = std::mem::replace(&mut self.media, *media);
        metrics::counter!("heydok_media_rtp_received_total").increment(media.received.saturating_sub(before.received));
        metrics::counter!("heydok_media_audio_restored_total")
            .increment(media.restored.saturating_sub(before.restored));
        metrics::counter!("heydok_media_rtp_forwarded_total")
            .increment(media.forwarded.saturating_sub(before.forwarded));
        metrics::counter!("heydok_media_unknown_datagrams_total")
            .increment(media.unknown_datagrams.saturating_sub(before.unknown_datagrams));
        metrics::counter!("heydok_media_data_refused_total")
            .increment(media.data_refused.saturating_sub(before.data_refused));
        metrics::counter!("heydok_media_excessive_total").increment(media.excessive.saturating_sub(before.excessive));
        metrics::counter!("heydok_media_peer_faults_total").increment(media.faults.saturating_sub(before.faults));
        metrics::counter!("heydok_media_nacks_received_total")
            .increment(media.nacks_received.saturating_sub(before.nacks_received));
        metrics::counter!("heydok_media_nacks_sent_total")
            .increment(media.nacks_sent.saturating_sub(before.nacks_sent));
        metrics::counter!("heydok_media_keyframe_requests_received_total")
            .increment(media.keyframes_wanted.saturating_sub(before.keyframes_wanted));
        metrics::counter!("heydok_media_keyframe_requests_sent_total")
            .increment(media.keyframes_asked.saturating_sub(before.keyframes_asked));
        metrics::counter!("heydok_media_bandwidth_estimates_total")
            .increment(media.estimates.saturating_sub(before.estimates));
        metrics::counter!("heydok_media_pictures_lowered_total")
            .increment(media.lowered.saturating_sub(before.lowered));
        metrics::counter!("heydok_media_pictures_paused_total").increment(media.paused.saturating_sub(before.paused));
        metrics::counter!("heydok_media_pictures_held_back_total")
            .increment(media.held_back.saturating_sub(before.held_back));
        metrics::counter!("heydok_media_rtp_reported_total")
            .increment(media.packets_reported.saturating_sub(before.packets_reported));
        metrics::counter!("heydok_media_rtp_lost_total")
            .increment(media.packets_lost.saturating_sub(before.packets_lost));
    }

    /// Packets that subscribers reported on since the last time, and those of them that were lost; `None` = no report came,
    /// so what was said last stands.
    fn loss_since(&self, media: &node::Counters, nobody: bool) -> Option<(u64, u64)> {
        let reported = media.packets_reported.saturating_sub(self.media.packets_reported);
        let lost = media.packets_lost.saturating_sub(self.media.packets_lost);
        (reported > 0 || nobody).then_some((reported, lost))
    }

    /// The TURN server counts since its start.
    fn publish_turn(&mut self, turn: &node::TurnCounters) {
        let before = std::mem::replace(&mut self.turn, *turn);
        metrics::counter!("heydok_stun_answers_total").increment(turn.bindings.saturating_sub(before.bindings));
        metrics::counter!("heydok_stun_unanswered_total").increment(turn.unanswered.saturating_sub(before.unanswered));
        metrics::counter!("heydok_turn_allocations_made_total")
            .increment(turn.allocations.saturating_sub(before.allocations));
        metrics::counter!("heydok_turn_allocations_refused_total")
            .increment(turn.allocations_refused.saturating_sub(before.allocations_refused));
        metrics::counter!("heydok_turn_packets_relayed_total")
            .increment(turn.relayed_in.saturating_sub(before.relayed_in));
        metrics::counter!("heydok_turn_packets_relayed_total")
            .increment(turn.relayed_out.saturating_sub(before.relayed_out));
        metrics::counter!("heydok_turn_packets_dropped_total")
            .increment(turn.relay_dropped.saturating_sub(before.relay_dropped));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(figures: &Arc<Figures>, thread: usize, now: Instant) -> Meter {
        Meter::new(now, Arc::clone(figures), thread, thread.to_string())
    }

    #[test]
    fn the_busy_share_is_work_over_elapsed_time() {
        let start = kit::Clock::instant(&kit::SystemClock);
        let figures = Figures::new(1);
        let mut meter = meter(&figures, 0, start);
        meter.counters.packets_in = 7;
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!meter.turn(start, at(250)), "nothing before a second has passed");
        assert!(meter.turn(at(999), at(1000)));
        meter.publish(at(1000), &NodeFigures { connections: 3, ..NodeFigures::default() });
        let stats = figures.stats();
        assert!((stats.load - 0.251).abs() < 0.002, "{}", stats.load);
        assert_eq!((stats.connections, stats.packets_in), (3, 7));
    }

    /// A reading is of all threads, its load that of the busiest; each asks what the others have.
    #[test]
    fn threads_are_counted_together() {
        let start = kit::Clock::instant(&kit::SystemClock);
        let figures = Figures::new(3);
        for (thread, busy_ms) in [(0, 100), (1, 700), (2, 300)] {
            let mut meter = meter(&figures, thread, start);
            meter.turn(start, start + Duration::from_millis(busy_ms));
            let node = NodeFigures { participants: 10, rooms: thread as u64, ..NodeFigures::default() };
            meter.publish(start + Duration::from_secs(1), &node);
        }
        let stats = figures.stats();
        assert!((stats.load - 0.7).abs() < 0.002, "{}", stats.load);
        assert_eq!((stats.participants, stats.rooms), (30, 3));
        assert_eq!(figures.elsewhere(2), (1, 20));
        figures.tell(1, 5, 0);
        assert_eq!((figures.elsewhere(2), figures.elsewhere(1)), ((5, 10), (2, 20)));
    }

    /// What was said last stands until a report comes or everybody has left.
    #[test]
    fn loss_is_told_by_the_reports_of_the_interval() {
        let mut meter = meter(&Figures::new(1), 0, kit::Clock::instant(&kit::SystemClock));
        let mut since = |packets_reported, packets_lost, nobody| {
            let media = node::Counters { packets_reported, packets_lost, ..Default::default() };
            let loss = meter.loss_since(&media, nobody);
            meter.media = media;
            loss
        };
        assert_eq!(since(0, 0, true), Some((0, 0)));
        assert_eq!(since(100, 5, false), Some((100, 5)));
        assert_eq!(since(100, 5, false), None);
        assert_eq!(since(300, 5, false), Some((200, 0)));
        assert_eq!(since(300, 5, true), Some((0, 0)));
    }
}
