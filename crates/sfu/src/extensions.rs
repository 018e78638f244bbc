//! RTP header extensions: those that publishers send, and those that subscribers get.

use std::sync::Arc;

use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};

const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";

/// Numbers packets of a transport, so that the receiver can report each (transport-wide congestion control).
pub(crate) const TRANSPORT_SEQUENCE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// A dependency descriptor as it came; forwarded without being understood.
struct Descriptor(Arc<[u8]>);

#[derive(Debug)]
struct DescriptorSerializer;

impl ExtensionSerializer for DescriptorSerializer {
    fn write_to(&self, _buffer: &mut [u8], _values: &ExtensionValues) -> usize {
        // str0m only receives it.
        0
    }

    fn parse_value(&self, buffer: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(Descriptor(buffer.into()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, _values: &ExtensionValues) -> bool {
        false
    }
}

/// The extensions we know, at the ids we prefer in our own offers.
pub(crate) fn known() -> ExtensionMap {
    let mut map = ExtensionMap::standard();
    map.set(12, Extension::with_serializer(DEPENDENCY_DESCRIPTOR, DescriptorSerializer));
    map
}

/// The values of a received packet that subscribers get too. Audio levels, ids and transport numbers are not theirs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forwarded {
    /// The byte of 3GPP TS 26.114 section 7.4.5.
    pub(crate) orientation: Option<u8>,
    pub(crate) descriptor: Option<Arc<[u8]>>,
}

impl Forwarded {
    pub(crate) fn of(received: &ExtensionValues) -> Self {
        Self {
            orientation: received.video_orientation.map(|orientation| orientation as u8),
            descriptor: received.user_values.get::<Descriptor>().map(|Descriptor(bytes)| Arc::clone(bytes)),
        }
    }
}

/// The ids that a subscriber knows the extensions by that we send, on one of its sections; `None` = it does not want it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ids {
    pub(crate) mid: Option<u8>,
    pub(crate) orientation: Option<u8>,
    pub(crate) descriptor: Option<u8>,
    pub(crate) transport: Option<u8>,
}

impl Ids {
    pub(crate) fn of(negotiated: &ExtensionMap) -> Self {
        let id = |uri: &str| negotiated.iter().find(|(_, extension)| extension.as_uri() == uri).map(|(id, _)| id);
        Self {
            mid: id(MID),
            orientation: id(VIDEO_ORIENTATION),
            descriptor: id(DEPENDENCY_DESCRIPTOR),
            transport: id(TRANSPORT_SEQUENCE),
        }
    }
}
