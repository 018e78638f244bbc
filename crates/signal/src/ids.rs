//! Identifiers of rooms, participants and tracks.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use livekit_protocol as proto;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const RANDOM_CHARS: usize = 12;

/// Seeded source of identifiers: the same seed gives the same identifiers, which makes simulated runs repeatable.
#[derive(Debug)]
pub(crate) struct Ids {
    random: StdRng,
    next: u64,
}

impl Ids {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { random: StdRng::from_seed(seed), next: 1 }
    }

    /// A number never given before.
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// `prefix` and twelve random characters.
    pub(crate) fn sid(&mut self, prefix: &str) -> String {
        let mut sid = String::with_capacity(prefix.len() + RANDOM_CHARS);
        sid.push_str(prefix);
        for _ in 0..RANDOM_CHARS {
            sid.push(char::from(ALPHABET[self.random.random_range(0..ALPHABET.len())]));
        }
        sid
    }

    /// A track sid; its letters tell kind and source, as livekit-server's do.
    pub(crate) fn track_sid(&mut self, kind: proto::TrackType, source: proto::TrackSource) -> String {
        let kind = if kind == proto::TrackType::Audio { 'A' } else { 'V' };
        let prefix = match source {
            proto::TrackSource::Camera => format!("TR_{kind}C"),
            proto::TrackSource::Microphone => format!("TR_{kind}M"),
            proto::TrackSource::ScreenShare => format!("TR_{kind}S"),
            proto::TrackSource::ScreenShareAudio => format!("TR_{kind}s"),
            proto::TrackSource::Unknown => format!("TR_{kind}"),
        };
        self.sid(&prefix)
    }

    /// Bytes for the marker of server-injected frames.
    pub(crate) fn trailer(&mut self) -> Vec<u8> {
        (0..16).map(|_| ALPHABET[self.random.random_range(0..ALPHABET.len())]).collect()
    }
}
