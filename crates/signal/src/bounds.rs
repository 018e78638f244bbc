//! What of a client's words is kept and repeated to others: bounded lengths, and no enum value that we cannot write.
//!
//! Everything here ends up in `ParticipantInfo`, which goes to everybody in the room, to webhooks and to RoomService.
//! proto-JSON has no name for a value that this build does not know, so an unknown one would make a whole event or
//! answer unwritable: unknown values of lists are dropped, unknown single values become the default.

use std::collections::{HashMap, HashSet};

use livekit_protocol as proto;

/// Characters of client-chosen ids and names of tracks and streams. Longer ones are refused.
const TRACK_NAME_CHARS_MAX: usize = 256;
/// Characters of a codec's name. Longer ones are refused.
const CODEC_CHARS_MAX: usize = 64;
/// Characters of an encoding's name (RFC 8852: rid-id). Longer ones are refused.
const RID_CHARS_MAX: usize = 32;
/// Layers of a track or codec; further ones are dropped.
const LAYERS_MAX: usize = 8;
/// Codecs of a track; further ones are dropped.
const CODECS_MAX: usize = 4;
/// Features and capabilities; further ones are dropped.
const FEATURES_MAX: usize = 32;
/// Characters of each text of `ClientInfo`; the rest is cut off.
const CLIENT_INFO_CHARS_MAX: usize = 256;
/// Bytes of a track or participant sid: ours have fifteen. Longer ones name nothing.
pub(crate) const SID_BYTES_MAX: usize = 64;
/// Entries and sids of a subscription permission; what is beyond is not allowed.
const PERMISSIONS_MAX: usize = 1_000;
const PERMISSION_SIDS_MAX: usize = 4_000;

/// Whether `text` may be the sid of something.
pub(crate) fn is_sid(text: &str) -> bool {
    text.len() <= SID_BYTES_MAX
}

/// The known and different ones of `values`, in order.
pub(crate) fn known<E: TryFrom<i32>>(values: &[i32]) -> Vec<i32> {
    let mut seen = HashSet::new();
    let known = values.iter().copied().filter(|value| E::try_from(*value).is_ok());
    known.filter(|value| seen.insert(*value)).take(FEATURES_MAX).collect()
}

/// `value`, or the default where it is unknown.
fn known_one<E: TryFrom<i32>>(value: i32) -> i32 {
    if E::try_from(value).is_ok() { value } else { 0 }
}

/// Something in a request is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

fn check(text: &str, chars_max: usize) -> Result<(), TooLong> {
    // More bytes than any text of so many characters has need not be counted.
    if text.len() > chars_max * 4 || text.chars().count() > chars_max { Err(TooLong) } else { Ok(()) }
}

/// An `AddTrackRequest` that may be kept.
pub(crate) fn add_track(request: &proto::AddTrackRequest) -> Result<proto::AddTrackRequest, TooLong> {
    for text in [&request.cid, &request.name, &request.stream] {
        check(text, TRACK_NAME_CHARS_MAX)?;
    }
    if !is_sid(&request.sid) {
        return Err(TooLong);
    }
    let codecs = request.simulcast_codecs.iter().take(CODECS_MAX);
    let codecs = codecs.map(|codec| {
        check(&codec.codec, CODEC_CHARS_MAX)?;
        check(&codec.cid, TRACK_NAME_CHARS_MAX)?;
        Ok(proto::SimulcastCodec {
            codec: codec.codec.clone(),
            cid: codec.cid.clone(),
            layers: layers(&codec.layers)?,
            video_layer_mode: known_one::<proto::video_layer::Mode>(codec.video_layer_mode),
        })
    });
    #[expect(deprecated, reason = "clients still write the older fields beside the newer ones")]
    Ok(proto::AddTrackRequest {
        cid: request.cid.clone(),
        name: request.name.clone(),
        r#type: request.r#type,
        width: request.width,
        height: request.height,
        muted: request.muted,
        disable_dtx: request.disable_dtx,
        source: known_one::<proto::TrackSource>(request.source),
        layers: layers(&request.layers)?,
        simulcast_codecs: codecs.collect::<Result<_, _>>()?,
        sid: request.sid.clone(),
        stereo: request.stereo,
        disable_red: request.disable_red,
        encryption: known_one::<proto::encryption::Type>(request.encryption),
        stream: request.stream.clone(),
        backup_codec_policy: known_one::<proto::BackupCodecPolicy>(request.backup_codec_policy),
        audio_features: known::<proto::AudioTrackFeature>(&request.audio_features),
        packet_trailer_features: known::<proto::PacketTrailerFeature>(&request.packet_trailer_features),
    })
}

fn layers(layers: &[proto::VideoLayer]) -> Result<Vec<proto::VideoLayer>, TooLong> {
    let layers = layers.iter().take(LAYERS_MAX);
    let layers = layers.map(|layer| {
        check(&layer.rid, RID_CHARS_MAX)?;
        Ok(proto::VideoLayer { quality: known_one::<proto::VideoQuality>(layer.quality), ..layer.clone() })
    });
    layers.collect()
}

/// What a client says about itself, as it may be kept.
pub(crate) fn client_info(mut info: proto::ClientInfo) -> proto::ClientInfo {
    for text in [
        &mut info.version,
        &mut info.os,
        &mut info.os_version,
        &mut info.device_model,
        &mut info.browser,
        &mut info.browser_version,
        &mut info.address,
        &mut info.network,
        &mut info.other_sdks,
    ] {
        if let Some((end, _)) = text.char_indices().nth(CLIENT_INFO_CHARS_MAX) {
            text.truncate(end);
            text.shrink_to_fit();
        }
    }
    info.sdk = known_one::<proto::client_info::Sdk>(info.sdk);
    info.capabilities = known::<proto::client_info::Capability>(&info.capabilities);
    info
}

/// A publisher's policy, as it may be kept. Entries beyond the limits are left out, which allows less, never more.
pub(crate) fn subscription_permission(permission: proto::SubscriptionPermission) -> proto::SubscriptionPermission {
    let mut sids_left = PERMISSION_SIDS_MAX;
    let entries = permission.track_permissions.into_iter().take(PERMISSIONS_MAX);
    let entries = entries.filter(|entry| {
        is_sid(&entry.participant_sid) && check(&entry.participant_identity, TRACK_NAME_CHARS_MAX).is_ok()
    });
    let entries = entries.map(|mut entry| {
        entry.track_sids.retain(|sid| is_sid(sid));
        entry.track_sids.truncate(sids_left);
        entry.track_sids.shrink_to_fit();
        sids_left -= entry.track_sids.len();
        entry
    });
    proto::SubscriptionPermission {
        all_participants: permission.all_participants,
        track_permissions: entries.collect(),
    }
}

/// What the API grants, as it may be kept.
pub(crate) fn permission(mut permission: proto::ParticipantPermission) -> proto::ParticipantPermission {
    // An unknown source still restricts: without it the list could become empty, which allows everything.
    permission.can_publish_sources = match known::<proto::TrackSource>(&permission.can_publish_sources) {
        sources if sources.is_empty() && !permission.can_publish_sources.is_empty() => {
            vec![proto::TrackSource::Unknown as i32]
        }
        sources => sources,
    };
    permission
}

/// Bytes of all names and values.
pub(crate) fn attributes_bytes<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a String)>) -> usize {
    attributes.into_iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// Bytes of all attributes once `changes` are merged into `current`.
pub(crate) fn merged_attributes_bytes(
    current: &std::collections::BTreeMap<String, String>,
    changes: &HashMap<String, String>,
) -> usize {
    attributes_bytes(current.iter().filter(|(name, _)| !changes.contains_key(*name))) + attributes_bytes(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(chars: usize) -> String {
        "ä".repeat(chars)
    }

    fn codec(codec: String, cid: String) -> proto::SimulcastCodec {
        proto::SimulcastCodec { codec, cid, ..proto::SimulcastCodec::default() }
    }

    /// Each text has its limit; one character more is refused.
    #[test]
    fn long_texts_of_tracks_are_refused() {
        let request = |chars| {
            let layer = |chars| proto::VideoLayer { rid: long(chars), ..proto::VideoLayer::default() };
            [
                (TRACK_NAME_CHARS_MAX, proto::AddTrackRequest { cid: long(chars), ..Default::default() }),
                (TRACK_NAME_CHARS_MAX, proto::AddTrackRequest { name: long(chars), ..Default::default() }),
                (TRACK_NAME_CHARS_MAX, proto::AddTrackRequest { stream: long(chars), ..Default::default() }),
                (
                    CODEC_CHARS_MAX,
                    proto::AddTrackRequest {
                        simulcast_codecs: vec![codec(long(chars), String::new())],
                        ..Default::default()
                    },
                ),
                (
                    TRACK_NAME_CHARS_MAX,
                    proto::AddTrackRequest {
                        simulcast_codecs: vec![codec(String::new(), long(chars))],
                        ..Default::default()
                    },
                ),
                (RID_CHARS_MAX, proto::AddTrackRequest { layers: vec![layer(chars)], ..Default::default() }),
            ]
        };
        for index in 0..request(0).len() {
            let max = request(0)[index].0;
            assert!(add_track(&request(max)[index].1).is_ok(), "{index}");
            assert_eq!(add_track(&request(max + 1)[index].1), Err(TooLong), "{index}");
        }
    }

    /// Lists are cut, repeated and unknown values disappear.
    #[test]
    fn lists_are_cut_and_unknown_values_dropped() {
        let layer = proto::VideoLayer { quality: 99, ..proto::VideoLayer::default() };
        let request = proto::AddTrackRequest {
            source: 99,
            encryption: 99,
            backup_codec_policy: 99,
            layers: vec![layer.clone(); 500],
            simulcast_codecs: vec![
                proto::SimulcastCodec {
                    video_layer_mode: 99,
                    layers: vec![layer; 500],
                    ..codec("vp8".into(), "cid".into())
                };
                500
            ],
            audio_features: [99, 1, 1, 2].repeat(1_000),
            packet_trailer_features: vec![99; 1_000],
            ..proto::AddTrackRequest::default()
        };
        let bounded = add_track(&request).unwrap();
        assert_eq!((bounded.source, bounded.encryption, bounded.backup_codec_policy), (0, 0, 0));
        assert_eq!((bounded.layers.len(), bounded.layers[0].quality), (LAYERS_MAX, 0));
        assert_eq!(bounded.simulcast_codecs.len(), CODECS_MAX);
        assert_eq!(bounded.simulcast_codecs[0].layers.len(), LAYERS_MAX);
        assert_eq!(bounded.simulcast_codecs[0].video_layer_mode, 0);
        assert_eq!((bounded.audio_features, bounded.packet_trailer_features), (vec![1, 2], vec![]));
        let info = proto::ClientInfo { capabilities: vec![99; 1_000_000], os: long(1_000), ..Default::default() };
        let info = client_info(info);
        assert_eq!((info.capabilities.len(), info.os.chars().count()), (0, CLIENT_INFO_CHARS_MAX));
    }

    /// A policy beyond the limits allows less, never more.
    #[test]
    fn policies_are_cut() {
        let entry = |sid: String, tracks: usize| proto::TrackPermission {
            participant_sid: sid,
            track_sids: vec!["TR_1".into(); tracks],
            ..proto::TrackPermission::default()
        };
        let mut entries = vec![entry(long(1_000), 1), entry("PA_1".into(), 3_000), entry("PA_2".into(), 3_000)];
        entries.extend((0..2_000).map(|_| entry("PA_3".into(), 0)));
        let kept = subscription_permission(proto::SubscriptionPermission {
            all_participants: false,
            track_permissions: entries,
        });
        let sids: usize = kept.track_permissions.iter().map(|entry| entry.track_sids.len()).sum();
        assert_eq!((kept.track_permissions.len(), sids), (PERMISSIONS_MAX - 1, PERMISSION_SIDS_MAX));
        assert!(kept.track_permissions.iter().all(|entry| is_sid(&entry.participant_sid)));
        let granted = permission(proto::ParticipantPermission { can_publish_sources: vec![99], ..Default::default() });
        assert_eq!(granted.can_publish_sources, [0], "an unknown source still restricts");
    }
}
