//! RTP header extensions that are negotiated with every peer.

use std::sync::Arc;

use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};

const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Numbers packets of a transport, so that the receiver can report each (transport-wide congestion control).
pub(crate) const TRANSPORT_SEQUENCE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// A dependency descriptor as it came; forwarded without being understood.
struct Descriptor(Arc<[u8]>);

#[derive(Debug)]
struct DescriptorSerializer;

impl ExtensionSerializer for DescriptorSerializer {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(Descriptor(bytes)) = values.user_values.get::<Descriptor>() else {
            return 0;
        };
        match buffer.get_mut(..bytes.len()) {
            Some(target) => {
                target.copy_from_slice(bytes);
                bytes.len()
            }
            None => 0,
        }
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

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        values.user_values.get::<Descriptor>().is_some_and(|Descriptor(bytes)| bytes.is_empty() || bytes.len() > 16)
    }
}

/// The extensions we know, at the ids we prefer in our own offers.
pub(crate) fn known() -> ExtensionMap {
    let mut map = ExtensionMap::standard();
    map.set(12, Extension::with_serializer(DEPENDENCY_DESCRIPTOR, DescriptorSerializer));
    map
}

/// The values of a received packet that subscribers get too. Audio levels, ids and transport numbers are not theirs.
pub(crate) fn forwarded(received: &ExtensionValues) -> ExtensionValues {
    let mut values = ExtensionValues { video_orientation: received.video_orientation, ..Default::default() };
    if let Some(descriptor) = received.user_values.get_arc::<Descriptor>() {
        values.user_values.set_arc(descriptor);
    }
    values
}
