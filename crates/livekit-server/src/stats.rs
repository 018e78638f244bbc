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
        metrics::counter!("heydok_signal_slow_readers_closed_total").increment(counted.slow_readers);
        metrics::counter!("heydok_webhook_events_dropped_total").increment(counted.webhooks_dropped);
    }
}

/// What the media thread tells the rest of the process, readable at any time.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    busy_permille: AtomicU32,
    connections: AtomicU64,
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
            packets_in: self.packets_in.load(Ordering::Relaxed),
            packets_out: self.packets_out.load(Ordering::Relaxed),
            packets_dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// Measures the busy share and publishes once a second.
#[derive(Debug)]
pub(crate) struct Meter {
    since: Instant,
    busy: Duration,
    pub(crate) counters: Counters,
}

/// How often figures are published.
const PERIOD: Duration = Duration::from_secs(1);

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, busy: Duration::ZERO, counters: Counters::default() }
    }

    /// Accounts one turn of the loop that worked from `woke` to `done`.
    pub(crate) fn turn(&mut self, woke: Instant, done: Instant, connections: usize, shared: &Shared) {
        self.busy += done.saturating_duration_since(woke);
        let elapsed = done.saturating_duration_since(self.since);
        if elapsed < PERIOD {
            return;
        }
        let permille = (self.busy.as_secs_f64() / elapsed.as_secs_f64() * 1000.0).min(1000.0) as u32;
        shared.busy_permille.store(permille, Ordering::Relaxed);
        shared.connections.store(connections as u64, Ordering::Relaxed);
        shared.packets_in.fetch_add(self.counters.packets_in, Ordering::Relaxed);
        shared.packets_out.fetch_add(self.counters.packets_out, Ordering::Relaxed);
        shared.dropped.fetch_add(self.counters.send_dropped, Ordering::Relaxed);
        metrics::gauge!("heydok_media_thread_busy_ratio").set(f64::from(permille) / 1000.0);
        metrics::gauge!("heydok_signal_connections").set(connections as f64);
        self.counters.publish();
        self.busy = Duration::ZERO;
        self.since = done;
    }
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
        meter.turn(start, start + Duration::from_millis(250), 3, &shared);
        assert_eq!(shared.stats().load, 0.0, "nothing before a second has passed");
        meter.turn(start + Duration::from_millis(999), start + Duration::from_millis(1000), 3, &shared);
        let stats = shared.stats();
        assert!((stats.load - 0.251).abs() < 0.002, "{}", stats.load);
        assert_eq!((stats.connections, stats.packets_in), (3, 7));
    }
}
