//! What a participant publishes: how much, when, and the packets of each tick.

use std::time::Duration;

use livekit_protocol as proto;

use crate::packets::{self, Vp8Frame};

/// Duration of one Opus packet.
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const AUDIO_CLOCK: u32 = 48_000;
const VIDEO_CLOCK: u32 = 90_000;
/// A keyframe has this many times the packets of another frame.
const KEYFRAME_FACTOR: usize = 3;

/// Synthetic Opus: one packet each 20 ms, spoken all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioPlan {
    /// Bytes of a payload; 80 is 32 kbit/s.
    pub packet_bytes: usize,
    /// Level told in the RFC 6464 extension, in dBov (0 is loudest, -127 silent).
    pub level: i8,
    /// Announced, and never heard.
    pub muted: bool,
}

impl Default for AudioPlan {
    fn default() -> Self {
        Self { packet_bytes: 80, level: -30, muted: false }
    }
}

/// Synthetic VP8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoPlan {
    pub frames_per_second: u32,
    /// Bytes of a payload.
    pub packet_bytes: usize,
    /// Packets of a frame of the highest layer; a lower layer has a quarter, at least one.
    pub frame_packets: usize,
    /// Three layers `q`, `h`, `f` in place of one.
    pub simulcast: bool,
    /// A picture that decoders show, small and grey, in place of contents that only count; each frame is a keyframe then.
    pub still: bool,
}

impl Default for VideoPlan {
    /// 1.76 Mbit/s in packets of 1,100 bytes.
    fn default() -> Self {
        Self { frames_per_second: 25, packet_bytes: 1100, frame_packets: 8, simulcast: false, still: false }
    }
}

/// One spatial layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) rid: Option<&'static str>,
    pub(crate) width: u16,
    pub(crate) height: u16,
    packets: usize,
}

impl VideoPlan {
    /// Layers, lowest first.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let layer = |rid, width, height, share: usize| Layer {
            rid,
            width,
            height,
            packets: (self.frame_packets / share).max(1),
        };
        if self.simulcast {
            vec![layer(Some("q"), 320, 180, 16), layer(Some("h"), 640, 360, 4), layer(Some("f"), 1280, 720, 1)]
        } else {
            vec![layer(None, 1280, 720, 1)]
        }
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.frames_per_second.max(1)
    }

    /// The request that announces the track (`AddTrackRequest`).
    pub(crate) fn request(&self, cid: &str) -> proto::AddTrackRequest {
        let layers: Vec<_> = self.layers().iter().enumerate().map(|(index, layer)| self.layer(index, *layer)).collect();
        proto::AddTrackRequest {
            cid: cid.to_owned(),
            name: "camera".to_owned(),
            r#type: proto::TrackType::Video as i32,
            source: proto::TrackSource::Camera as i32,
            width: 1280,
            height: 720,
            layers: layers.clone(),
            simulcast_codecs: vec![proto::SimulcastCodec {
                codec: "vp8".to_owned(),
                cid: cid.to_owned(),
                layers,
                // Without it livekit-server 1.11 takes every stream for the lowest layer.
                video_layer_mode: proto::video_layer::Mode::OneSpatialLayerPerStream as i32,
            }],
            ..proto::AddTrackRequest::default()
        }
    }

    fn layer(&self, index: usize, layer: Layer) -> proto::VideoLayer {
        use proto::VideoQuality::{High, Low, Medium};
        let quality = if self.simulcast { [Low, Medium, High][index.min(2)] } else { High };
        let bits = layer.packets * self.packet_bytes * 8 * self.frames_per_second as usize;
        proto::VideoLayer {
            quality: quality as i32,
            width: layer.width.into(),
            height: layer.height.into(),
            bitrate: u32::try_from(bits).unwrap_or(u32::MAX),
            rid: layer.rid.unwrap_or_default().to_owned(),
            spatial_layer: i32::try_from(index).unwrap_or_default(),
            ..proto::VideoLayer::default()
        }
    }
}

impl AudioPlan {
    pub(crate) fn interval(self) -> Duration {
        AUDIO_INTERVAL
    }

    /// The request that announces the track (`AddTrackRequest`).
    pub(crate) fn request(self, cid: &str) -> proto::AddTrackRequest {
        proto::AddTrackRequest {
            cid: cid.to_owned(),
            name: "microphone".to_owned(),
            r#type: proto::TrackType::Audio as i32,
            source: proto::TrackSource::Microphone as i32,
            muted: self.muted,
            disable_red: true,
            ..proto::AddTrackRequest::default()
        }
    }
}

/// One RTP packet to be written.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
}

/// The Opus stream of one participant.
#[derive(Debug)]
pub(crate) struct AudioSource {
    pub(crate) plan: AudioPlan,
    count: u64,
}

impl AudioSource {
    pub(crate) fn new(plan: AudioPlan) -> Self {
        Self { plan, count: 0 }
    }

    pub(crate) fn tick(&mut self, sent_us: u64) -> Outgoing {
        let step = AUDIO_CLOCK / 1000 * AUDIO_INTERVAL.as_millis() as u32;
        let packet = Outgoing {
            sequence: 1 + self.count,
            timestamp: (self.count as u32).wrapping_mul(step),
            marker: self.count == 0,
            payload: packets::opus(self.plan.packet_bytes, sent_us),
        };
        self.count += 1;
        packet
    }
}

/// The VP8 stream of one layer of one participant.
#[derive(Debug)]
pub(crate) struct VideoSource {
    plan: VideoPlan,
    pub(crate) layer: Layer,
    frames: u64,
    sequence: u64,
    keyframe_wanted: bool,
}

impl VideoSource {
    pub(crate) fn new(plan: VideoPlan, layer: Layer) -> Self {
        Self { plan, layer, frames: 0, sequence: 0, keyframe_wanted: true }
    }

    /// The next frame begins a new picture.
    pub(crate) fn want_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    /// The packets of the next frame, and whether it is a keyframe.
    pub(crate) fn tick(&mut self, sent_us: u64) -> (Vec<Outgoing>, bool) {
        let still = self.plan.still;
        let keyframe = std::mem::take(&mut self.keyframe_wanted) || still;
        let frame =
            Vp8Frame { picture_id: self.frames as u16, keyframe, width: self.layer.width, height: self.layer.height };
        let count = self.layer.packets * if keyframe && !still { KEYFRAME_FACTOR } else { 1 };
        let timestamp = (self.frames as u32).wrapping_mul(VIDEO_CLOCK / self.plan.frames_per_second.max(1));
        self.frames += 1;
        let packets = (0..count).map(|index| {
            self.sequence += 1;
            Outgoing {
                sequence: self.sequence,
                timestamp,
                marker: index + 1 == count,
                payload: if still {
                    packets::still(frame.picture_id, index == 0, self.plan.packet_bytes, sent_us)
                } else {
                    frame.packet(index == 0, self.plan.packet_bytes, sent_us)
                },
            }
        });
        (packets.collect(), keyframe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_is_sent_first_and_when_asked_for() {
        let plan = VideoPlan::default();
        let mut source = VideoSource::new(plan, plan.layers()[0]);
        let keyframes: Vec<_> = (0..4)
            .map(|frame| {
                if frame == 2 {
                    source.want_keyframe();
                }
                let (packets, keyframe) = source.tick(0);
                assert_eq!(packets.len(), if keyframe { 24 } else { 8 });
                assert_eq!(packets.iter().filter(|packet| packet.marker).count(), 1);
                assert_eq!(packets::starts_keyframe(&packets[0].payload), keyframe);
                keyframe
            })
            .collect();
        assert_eq!(keyframes, [true, false, true, false]);
        assert_eq!(source.sequence, 64);
    }

    #[test]
    fn layers_are_announced_as_clients_announce_them() {
        let plan = VideoPlan { simulcast: true, frame_packets: 16, ..VideoPlan::default() };
        let request = plan.request("c");
        let told: Vec<_> =
            request.layers.iter().map(|layer| (layer.rid.as_str(), layer.quality, layer.width)).collect();
        assert_eq!(told, [("q", 0, 320), ("h", 1, 640), ("f", 2, 1280)]);
        assert_eq!(VideoPlan::default().request("c").layers.len(), 1);
        assert_eq!(AudioPlan::default().request("a").cid, "a");
    }

    #[test]
    fn audio_advances_by_its_duration() {
        let mut source = AudioSource::new(AudioPlan::default());
        let packets: Vec<_> = (0..3).map(|_| source.tick(9)).collect();
        assert_eq!(packets.iter().map(|packet| packet.timestamp).collect::<Vec<_>>(), [0, 960, 1920]);
        assert_eq!(packets.iter().map(|packet| packet.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
