//! Published tracks and the wishes of those who receive them.
#![expect(deprecated, reason = "clients still read and write the older fields beside the newer ones")]

use std::time::Instant;

use livekit_protocol as proto;

use crate::ids::Ids;
use crate::participant::{ParticipantKey, SectionState, Use};
use crate::room::Dynacast;
use crate::seam::{DownSettings, MediaKind, TrackId};

/// A track that a participant announced, and that is published once a media section carries it.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) kind: MediaKind,
    pub(crate) info: proto::TrackInfo,
    /// Client-side ids under which the track may appear in an offer.
    pub(crate) cids: Vec<String>,
    /// The section that carries it; `None` until an offer with it was accepted.
    pub(crate) mid: Option<String>,
    pub(crate) published: bool,
    /// Simulcast encodings, lowest first.
    pub(crate) rids: Vec<String>,
    /// Whether the publisher was told that somebody subscribed.
    pub(crate) subscribed_told: bool,
    /// What its publisher was told that others want of it.
    pub(crate) dynacast: Dynacast,
    /// When it is given up, if no media section carries it until then.
    pub(crate) expires: Option<Instant>,
}

impl Track {
    /// Builds the track of an `AddTrackRequest` (livekit-server's field rules for `TrackInfo`).
    pub(crate) fn from_request(request: &proto::AddTrackRequest, kind: MediaKind, ids: &mut Ids) -> Self {
        let source = request.source();
        let track_type = if kind == MediaKind::Audio { proto::TrackType::Audio } else { proto::TrackType::Video };
        let codecs = codecs(request, kind);
        let sid = ids.track_sid(track_type, source);
        let mut cids = vec![request.cid.clone()];
        cids.extend(codecs.iter().map(|codec| codec.cid.clone()).filter(|cid| !cid.is_empty() && *cid != request.cid));
        let layers = match codecs.first() {
            Some(codec) if request.layers.is_empty() => codec.layers.clone(),
            _ => request.layers.clone(),
        };
        let info = proto::TrackInfo {
            sid,
            r#type: request.r#type,
            name: request.name.clone(),
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast: kind == MediaKind::Video && layers.len() > 1 && !is_svc(&codecs),
            disable_dtx: request.disable_dtx,
            source: request.source,
            layers,
            mime_type: codecs.first().map(|codec| codec.mime_type.clone()).unwrap_or_default(),
            codecs,
            stereo: request.stereo,
            disable_red: request.disable_red,
            encryption: request.encryption,
            stream: stream_name(request, source),
            backup_codec_policy: request.backup_codec_policy,
            audio_features: request.audio_features.clone(),
            packet_trailer_features: request.packet_trailer_features.clone(),
            ..proto::TrackInfo::default()
        };
        let id = TrackId(ids.number());
        Self {
            id,
            kind,
            info,
            cids,
            mid: None,
            published: false,
            rids: Vec::new(),
            subscribed_told: false,
            dynacast: Dynacast::new(),
            expires: None,
        }
    }

    /// The track is carried by `section`, under the number that the section has.
    pub(crate) fn settle_in(&mut self, section: &SectionState) {
        if let Use::Receives(number) = section.usage {
            self.id = number;
        }
        self.mid = Some(section.mid.clone());
        self.rids.clone_from(&section.rids);
        self.expires = None;
        if let (Some(cid), Some(codec)) = (&section.msid_track, self.info.codecs.first_mut()) {
            codec.sdp_cid.clone_from(cid);
        }
    }

    /// Negotiated in `section`: everybody may know of it.
    pub(crate) fn publish(&mut self, section: &SectionState) {
        self.published = true;
        self.info.mid.clone_from(&section.mid);
        let Some(codec) = self.info.codecs.first_mut() else {
            return;
        };
        codec.mid.clone_from(&section.mid);
        if let Some(mime_type) = section.codec_mime.as_ref().filter(|_| codec.mime_type.is_empty()) {
            codec.mime_type.clone_from(mime_type);
            self.info.mime_type.clone_from(mime_type);
        }
    }

    pub(crate) fn stereo(&self) -> bool {
        self.info.stereo
    }

    /// Silence need not be sent (Opus DTX).
    pub(crate) fn discontinuous(&self) -> bool {
        !self.info.disable_dtx
    }

    /// Packets may repeat earlier frames (RFC 2198). What is encrypted end to end cannot be taken apart.
    pub(crate) fn redundant(&self) -> bool {
        !self.info.disable_red && self.info.encryption == proto::encryption::Type::None as i32
    }

    pub(crate) fn sid(&self) -> &str {
        &self.info.sid
    }

    /// The stream of `a=msid` (RFC 8830) in which a subscriber gets this track of `publisher`: one of its own, or, in step,
    /// one for lips and voice and one for a screen and its sound. Browsers synchronise within a stream only.
    pub(crate) fn stream_id(&self, publisher: &str, in_step: bool) -> String {
        use proto::TrackSource::{Camera, Microphone, ScreenShare, ScreenShareAudio};
        let stream = match self.info.source() {
            Camera | Microphone if in_step => "camera",
            ScreenShare | ScreenShareAudio if in_step => "screen",
            _ => self.sid(),
        };
        format!("{publisher}|{stream}")
    }

    /// The codec to put first in the answer, if the client asked for one.
    pub(crate) fn preferred_mime(&self) -> Option<String> {
        self.info.codecs.first().map(|codec| codec.mime_type.clone()).filter(|mime| !mime.is_empty())
    }

    /// What the engine should send to a subscriber with this `wish`; `adaptive` = the client reports element sizes.
    pub(crate) fn down_settings(&self, wish: Option<&proto::UpdateTrackSettings>, adaptive: bool) -> DownSettings {
        let Some(wish) = wish else {
            let max_layer = (adaptive && self.kind == MediaKind::Video).then_some(0);
            return DownSettings { max_layer, ..DownSettings::default() };
        };
        if self.kind == MediaKind::Audio {
            return DownSettings { paused: wish.disabled, ..DownSettings::default() };
        }
        let paused = wish.disabled || wish.quality == proto::VideoQuality::Off as i32;
        DownSettings {
            paused,
            max_layer: self.layer_for(wish),
            max_temporal: temporal_layer(wish.fps),
            pixels: wish.width.saturating_mul(wish.height),
            priority: wish.priority,
        }
    }

    /// Its encodings, lowest first.
    fn layers(&self) -> Vec<&proto::VideoLayer> {
        let mut layers: Vec<&proto::VideoLayer> =
            self.info.layers.iter().filter(|layer| layer.quality < proto::VideoQuality::Off as i32).collect();
        layers.sort_by_key(|layer| layer.quality);
        layers
    }

    /// The quality that a layer was announced with; without that, the one that its number stands for.
    pub(crate) fn quality_of(&self, layer: u8) -> i32 {
        self.layers().get(usize::from(layer)).map_or_else(|| i32::from(layer), |layer| layer.quality)
    }

    /// Index of the smallest layer that covers the asked size, or of the asked quality.
    fn layer_for(&self, wish: &proto::UpdateTrackSettings) -> Option<u8> {
        let layers = self.layers();
        let index = if wish.width > 0 && wish.height > 0 && layers.iter().any(|layer| layer.width > 0) {
            let asked = wish.width.max(wish.height);
            layers.iter().position(|layer| layer.width.max(layer.height) >= asked)
        } else {
            layers
                .iter()
                .rposition(|layer| layer.quality <= wish.quality)
                .or_else(|| usize::try_from(wish.quality.clamp(0, 2)).ok())
        };
        index.and_then(|index| u8::try_from(index).ok())
    }
}

/// Frames per second to temporal layer of the usual three-layer pattern (7.5, 15, 30).
fn temporal_layer(fps: u32) -> Option<u8> {
    match fps {
        1..=8 => Some(0),
        9..=15 => Some(1),
        _ => None,
    }
}

fn is_svc(codecs: &[proto::SimulcastCodecInfo]) -> bool {
    let mode = proto::video_layer::Mode::MultipleSpatialLayersPerStream as i32;
    codecs.first().is_some_and(|codec| codec.video_layer_mode == mode)
}

/// One entry per requested codec; clients that name none get one entry with their cid.
fn codecs(request: &proto::AddTrackRequest, kind: MediaKind) -> Vec<proto::SimulcastCodecInfo> {
    if request.simulcast_codecs.is_empty() {
        let mime_type = if kind == MediaKind::Audio { "audio/opus".to_owned() } else { String::new() };
        return vec![proto::SimulcastCodecInfo {
            mime_type,
            cid: request.cid.clone(),
            layers: request.layers.clone(),
            ..proto::SimulcastCodecInfo::default()
        }];
    }
    request.simulcast_codecs.iter().map(|codec| codec_info(codec, request, kind)).collect()
}

fn codec_info(
    codec: &proto::SimulcastCodec,
    request: &proto::AddTrackRequest,
    kind: MediaKind,
) -> proto::SimulcastCodecInfo {
    let family = if kind == MediaKind::Audio { "audio" } else { "video" };
    // Go names the whole media type, the other SDKs the codec only.
    let name = codec.codec.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let mime_type = if name.is_empty() { String::new() } else { format!("{family}/{name}") };
    let unused = proto::video_layer::Mode::Unused as i32;
    let video_layer_mode = match name.as_str() {
        _ if codec.video_layer_mode != unused || kind == MediaKind::Audio => codec.video_layer_mode,
        "vp9" | "av1" => proto::video_layer::Mode::MultipleSpatialLayersPerStream as i32,
        _ => proto::video_layer::Mode::OneSpatialLayerPerStream as i32,
    };
    let layers = if codec.layers.is_empty() { request.layers.clone() } else { codec.layers.clone() };
    proto::SimulcastCodecInfo { mime_type, cid: codec.cid.clone(), layers, video_layer_mode, ..Default::default() }
}

/// Tracks that belong together share a stream name.
fn stream_name(request: &proto::AddTrackRequest, source: proto::TrackSource) -> String {
    if !request.stream.is_empty() {
        return request.stream.clone();
    }
    match source {
        proto::TrackSource::Camera | proto::TrackSource::Microphone => "camera".to_owned(),
        proto::TrackSource::ScreenShare | proto::TrackSource::ScreenShareAudio => "screen_share".to_owned(),
        proto::TrackSource::Unknown => String::new(),
    }
}

/// The name of a source as it stands in token grants.
pub(crate) fn source_name(source: i32) -> &'static str {
    match proto::TrackSource::try_from(source) {
        Ok(proto::TrackSource::Camera) => "camera",
        Ok(proto::TrackSource::Microphone) => "microphone",
        Ok(proto::TrackSource::ScreenShare) => "screen_share",
        Ok(proto::TrackSource::ScreenShareAudio) => "screen_share_audio",
        _ => "unknown",
    }
}

/// The source that a token grant names.
pub(crate) fn source_number(name: &str) -> Option<i32> {
    (1..=4).find(|number| source_name(*number) == name)
}

/// A track that one participant receives, or is about to.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) publisher: ParticipantKey,
    pub(crate) kind: MediaKind,
    pub(crate) sid: String,
    /// Stream and track id of the section, as `a=msid` has them.
    pub(crate) stream_id: String,
    /// The section that carries it, once negotiated.
    pub(crate) mid: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lips_and_voice_share_a_stream() {
        use proto::TrackSource::{Camera, Microphone, ScreenShare, ScreenShareAudio, Unknown};
        let stream = |source: proto::TrackSource, in_step| {
            let mut track = camera();
            track.info.source = source as i32;
            track.info.sid = "TR_1".into();
            track.stream_id("PA_1", in_step)
        };
        for (source, expected) in [
            (Camera, "PA_1|camera"),
            (Microphone, "PA_1|camera"),
            (ScreenShare, "PA_1|screen"),
            (ScreenShareAudio, "PA_1|screen"),
            (Unknown, "PA_1|TR_1"),
        ] {
            assert_eq!((stream(source, true).as_str(), stream(source, false).as_str()), (expected, "PA_1|TR_1"));
        }
    }

    fn camera() -> Track {
        let layer = |quality, width, height| proto::VideoLayer { quality, width, height, ..Default::default() };
        let request = proto::AddTrackRequest {
            cid: "cid".into(),
            r#type: proto::TrackType::Video as i32,
            source: proto::TrackSource::Camera as i32,
            width: 1280,
            height: 720,
            layers: vec![layer(2, 1280, 720), layer(0, 320, 180), layer(1, 640, 360)],
            simulcast_codecs: vec![proto::SimulcastCodec {
                codec: "video/VP8".into(),
                cid: "cid".into(),
                ..Default::default()
            }],
            ..proto::AddTrackRequest::default()
        };
        Track::from_request(&request, MediaKind::Video, &mut Ids::new([1; 32]))
    }

    /// The requested size picks the smallest layer that covers it; without a size the requested quality counts.
    #[test]
    fn layer_follows_size_then_quality() {
        let track = camera();
        assert!(track.sid().starts_with("TR_VC"), "{}", track.sid());
        assert_eq!((track.info.mime_type.as_str(), track.info.simulcast), ("video/vp8", true));
        let wish = |width, height, quality| proto::UpdateTrackSettings { width, height, quality, ..Default::default() };
        for (wish, layer) in [
            (wish(100, 60, 2), Some(0)),
            (wish(320, 180, 2), Some(0)),
            (wish(321, 180, 0), Some(1)),
            (wish(1280, 720, 0), Some(2)),
            (wish(4000, 3000, 0), None),
            (wish(0, 0, 0), Some(0)),
            (wish(0, 0, 1), Some(1)),
            (wish(0, 0, 2), Some(2)),
        ] {
            let settings = track.down_settings(Some(&wish), true);
            assert_eq!((settings.max_layer, settings.paused), (layer, false), "{wish:?}");
        }
        assert!(track.down_settings(Some(&wish(0, 0, 3)), true).paused);
        assert_eq!(track.down_settings(None, true).max_layer, Some(0));
        assert_eq!(track.down_settings(None, false).max_layer, None);
    }
}
