//! What one participant has sent and seen.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use str0m::media::MediaKind;

use crate::histogram::Histogram;
use crate::transport::Told;

/// How long each step of a join took, counted from its start.
#[derive(Debug, Clone, Copy, Default)]
pub struct JoinPhases {
    /// TCP (and TLS), and the answer to the HTTP upgrade.
    pub upgraded: Option<Duration>,
    /// The JoinResponse as the first message.
    pub signalled: Option<Duration>,
    /// The answer to the first offer.
    pub answered: Option<Duration>,
    /// ICE found a pair.
    pub ice: Option<Duration>,
    /// DTLS is up too.
    pub connected: Option<Duration>,
    /// The first media packet.
    pub first_packet: Option<Duration>,
    /// The first packet of a video keyframe.
    pub first_keyframe: Option<Duration>,
}

/// One received stream (SSRC).
#[derive(Debug, Clone, Copy)]
struct Stream {
    kind: MediaKind,
    first: u64,
    last: u64,
    packets: u64,
    last_at: Instant,
    longest_gap: Duration,
}

/// Everything one participant counts, since its start.
#[derive(Debug, Clone)]
pub struct Stats {
    started: Instant,
    /// Steps of the join.
    pub join: JoinPhases,
    streams: HashMap<u32, Stream>,
    /// Media packets sent, all layers.
    pub sent: u64,
    /// Keyframes sent, all layers.
    pub keyframes_sent: u64,
    /// Requests for a keyframe that came, all layers.
    pub keyframes_asked: u64,
    /// Keyframes received.
    pub keyframes_received: u64,
    bytes: u64,
    /// From the making of a packet to its receipt. Needs a sender in the same process.
    pub delay: Histogram,
    /// Addresses for media that the server told, in its order.
    pub told: Vec<Told>,
    /// Why the participant ended, if it did not end by itself.
    pub ended: Option<String>,
}

/// Sums that can be subtracted: what happened between two moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub audio: u64,
    pub video: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// Packets that the sequence numbers say there were.
    pub expected: u64,
    pub sent: u64,
}

impl Totals {
    /// Media packets received.
    pub fn packets(&self) -> u64 {
        self.audio + self.video
    }

    /// Share of packets that did not arrive, 0..=1.
    pub fn loss(&self) -> f64 {
        if self.expected == 0 {
            return 0.0;
        }
        self.expected.saturating_sub(self.packets()) as f64 / self.expected as f64
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.audio += other.audio;
        self.video += other.video;
        self.bytes += other.bytes;
        self.expected += other.expected;
        self.sent += other.sent;
    }
}

impl std::ops::Sub for Totals {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            audio: self.audio.saturating_sub(earlier.audio),
            video: self.video.saturating_sub(earlier.video),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            expected: self.expected.saturating_sub(earlier.expected),
            sent: self.sent.saturating_sub(earlier.sent),
        }
    }
}

/// A received media packet, as the statistics see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) ssrc: u32,
    pub(crate) kind: MediaKind,
    pub(crate) sequence: u64,
    pub(crate) bytes: usize,
    pub(crate) keyframe: bool,
    pub(crate) delay: Option<Duration>,
}

impl Stats {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            started,
            join: JoinPhases::default(),
            streams: HashMap::new(),
            sent: 0,
            keyframes_sent: 0,
            keyframes_asked: 0,
            keyframes_received: 0,
            bytes: 0,
            delay: Histogram::default(),
            told: Vec::new(),
            ended: None,
        }
    }

    /// Time since the join began.
    pub(crate) fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    pub(crate) fn receive(&mut self, now: Instant, packet: Received) {
        let since = Some(self.since_start(now));
        self.join.first_packet = self.join.first_packet.or(since);
        if packet.keyframe {
            self.join.first_keyframe = self.join.first_keyframe.or(since);
            self.keyframes_received += 1;
        }
        let sequence = packet.sequence;
        let stream = self.streams.entry(packet.ssrc).or_insert(Stream {
            kind: packet.kind,
            first: sequence,
            last: sequence,
            packets: 0,
            last_at: now,
            longest_gap: Duration::ZERO,
        });
        stream.longest_gap = stream.longest_gap.max(now.saturating_duration_since(stream.last_at));
        stream.last_at = now;
        stream.first = stream.first.min(sequence);
        stream.last = stream.last.max(sequence);
        stream.packets += 1;
        self.bytes += packet.bytes as u64;
        if let Some(delay) = packet.delay {
            self.delay.add(delay);
        }
    }

    /// How many streams of a kind have brought packets.
    pub fn streams(&self, kind: MediaKind) -> usize {
        self.streams.values().filter(|stream| stream.kind == kind).count()
    }

    /// Audio streams that have brought packets.
    pub fn audio_streams(&self) -> usize {
        self.streams(MediaKind::Audio)
    }

    /// Video streams that have brought packets.
    pub fn video_streams(&self) -> usize {
        self.streams(MediaKind::Video)
    }

    /// The longest time that any video stream brought nothing between two packets.
    pub fn longest_freeze(&self) -> Duration {
        let videos = self.streams.values().filter(|stream| stream.kind == MediaKind::Video);
        videos.map(|stream| stream.longest_gap).max().unwrap_or_default()
    }

    /// Sums until now.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { bytes: self.bytes, sent: self.sent, ..Totals::default() };
        for stream in self.streams.values() {
            totals.expected += stream.last - stream.first + 1;
            match stream.kind {
                MediaKind::Audio => totals.audio += stream.packets,
                MediaKind::Video => totals.video += stream.packets,
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use kit::Clock as _;

    use super::*;

    #[test]
    fn gaps_are_loss_and_order_does_not_matter() {
        let now = kit::SystemClock.instant();
        let mut stats = Stats::new(now);
        let packet = |ssrc, kind, sequence| Received { ssrc, kind, sequence, bytes: 10, keyframe: false, delay: None };
        for sequence in [100, 102, 101, 105] {
            stats.receive(now, packet(1, MediaKind::Video, sequence));
        }
        let before = stats.totals();
        assert_eq!((before.video, before.expected, before.bytes), (4, 6, 40));
        assert!((before.loss() - 1.0 / 3.0).abs() < 1e-9);
        stats.receive(now, packet(2, MediaKind::Audio, 65_536));
        stats.receive(now, packet(1, MediaKind::Video, 106));
        let window = stats.totals() - before;
        assert_eq!((window.audio, window.video, window.expected), (1, 1, 2));
        assert!(window.loss().abs() < f64::EPSILON);
        assert_eq!((stats.audio_streams(), stats.video_streams()), (1, 1));
        assert!(Totals::default().loss().abs() < f64::EPSILON);
    }
}
