//! A scripted publisher: Opus every 20 ms or VP8 at 30 pictures a second, payloads that say where they come from.

use std::time::{Duration, Instant};

use sfu::{MediaKind, TrackId};
use str0m::format::Codec;
use str0m::media::{Mid, Rid};
use testkit::client::{Client, Packet};
use testkit::random::Random;

/// Packets of one picture.
const PACKETS_PER_PICTURE: u64 = 3;

pub struct Publisher {
    pub member: usize,
    pub mid: Mid,
    pub track: TrackId,
    pub kind: MediaKind,
    pub rid: Option<String>,
    pub paused: bool,
    pub level: i8,
    /// Pictures alternate between temporal layers 0 and 1.
    pub temporal: bool,
    /// Pictures are H.264 in place of VP8.
    pub h264: bool,
    sequence: u64,
    timestamp: u32,
    picture: u16,
    tl0: u8,
    pub pictures: u64,
    pub keyframes: u64,
    /// So long after it was captured a frame is sent, as encoders are slow.
    pub delay: Duration,
    /// Parts in a million that the media clock runs too fast.
    pub drift: u32,
    drifted: u32,
    start: Instant,
    captured: Instant,
    counter: u64,
    due: Instant,
}

impl Publisher {
    pub fn new(
        member: usize,
        mid: Mid,
        track: TrackId,
        kind: MediaKind,
        rid: Option<&str>,
        random: u64,
        now: Instant,
    ) -> Self {
        let mut random = Random::new(random);
        Self {
            member,
            mid,
            track,
            kind,
            rid: rid.map(str::to_owned),
            paused: false,
            level: 20,
            temporal: false,
            h264: false,
            sequence: random.below(60_000),
            timestamp: random.next_u64() as u32,
            picture: random.next_u64() as u16 & 0x7fff,
            tl0: random.next_u64() as u8,
            pictures: 0,
            keyframes: 0,
            delay: Duration::ZERO,
            drift: 0,
            drifted: 0,
            start: now,
            captured: now,
            counter: 0,
            due: now,
        }
    }

    pub fn due(&self) -> Instant {
        self.due
    }

    /// Packets sent so far.
    pub fn sent(&self) -> u64 {
        self.counter
    }

    /// Send what is due. Nothing is sent, but time passes, while the client is not connected or the publisher paused.
    pub fn send(&mut self, now: Instant, client: &mut Client) {
        let (interval, ticks) = match self.kind {
            MediaKind::Audio => (Duration::from_millis(20), 960),
            MediaKind::Video => (Duration::from_micros(33_333), 3000),
        };
        self.due = now + interval;
        self.captured = now - self.delay;
        self.drifted += ticks * self.drift;
        self.timestamp = self.timestamp.wrapping_add(ticks + self.drifted / 1_000_000);
        self.drifted %= 1_000_000;
        if self.paused || !client.connected {
            return;
        }
        match self.kind {
            MediaKind::Audio => self.send_audio(client),
            MediaKind::Video => self.send_picture(client),
        }
    }

    fn send_audio(&mut self, client: &mut Client) {
        let payload = self.payload(&[]);
        let packet = Packet {
            codec: Codec::Opus,
            rid: None,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: false,
            level: Some(self.level),
            payload: &payload,
        };
        if client.send(self.captured, self.mid, &packet) {
            self.sequence += 1;
            self.counter += 1;
        }
    }

    fn send_picture(&mut self, client: &mut Client) {
        let rid = self.rid.as_deref().map(Rid::from);
        let asked = client.keyframe_requests.iter().any(|(mid, asked)| *mid == self.mid && *asked == rid);
        client.keyframe_requests.retain(|(mid, asked)| *mid != self.mid || *asked != rid);
        let key = asked || self.pictures == 0;
        self.pictures += 1;
        self.keyframes += u64::from(key);
        self.picture = (self.picture + 1) & 0x7fff;
        let layer = u8::from(self.temporal && self.pictures.is_multiple_of(2) && !key);
        if layer == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        for index in 0..PACKETS_PER_PICTURE {
            let head = self.head(index == 0, layer, key);
            let payload = self.payload(&head);
            let packet = Packet {
                codec: if self.h264 { Codec::H264 } else { Codec::Vp8 },
                rid: self.rid.as_deref(),
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: index + 1 == PACKETS_PER_PICTURE,
                level: None,
                payload: &payload,
            };
            if client.send(self.captured, self.mid, &packet) {
                self.sequence += 1;
                self.counter += 1;
            }
        }
    }

    /// What a payload begins with: a VP8 descriptor and the frame's first byte, or the type of an H.264 NAL unit.
    fn head(&self, first: bool, layer: u8, key: bool) -> Vec<u8> {
        if self.h264 {
            return vec![if key && first { 0x65 } else { 0x41 }];
        }
        let mut head = vec![0x80 | if first { 0x10 } else { 0 }, 0xe0];
        head.extend((self.picture | 0x8000).to_be_bytes());
        head.extend([self.tl0, layer << 6 | 0x20, u8::from(!key)]);
        head
    }

    fn payload(&self, head: &[u8]) -> Vec<u8> {
        let mut payload = head.to_vec();
        payload.extend(self.track.0.to_be_bytes());
        payload.extend(self.counter.to_be_bytes());
        payload.extend(self.rid.as_deref().unwrap_or("-").bytes());
        payload.resize(head.len() + 24, 0xaa);
        payload.extend(((self.captured + self.delay - self.start).as_micros() as u64).to_be_bytes());
        payload.resize(head.len() + 60, 0xaa);
        payload
    }
}

/// Which track and packet a payload says it is.
pub fn tag(payload: &[u8]) -> Option<(TrackId, u64)> {
    // Audio has no head, VP8 has 7 bytes.
    let start = payload.len().checked_sub(60)?;
    let track = u64::from_be_bytes(payload[start..start + 8].try_into().ok()?);
    let counter = u64::from_be_bytes(payload[start + 8..start + 16].try_into().ok()?);
    Some((TrackId(track), counter))
}

/// When a frame was sent, in milliseconds since its track was published.
pub fn sent_ms(payload: &[u8]) -> Option<f64> {
    let start = payload.len().checked_sub(60)? + 24;
    Some(u64::from_be_bytes(payload[start..start + 8].try_into().ok()?) as f64 / 1000.0)
}

/// The rid a video payload says it belongs to.
pub fn rid_of(payload: &[u8]) -> Option<char> {
    payload.get(payload.len().checked_sub(60)? + 16).map(|byte| *byte as char)
}
