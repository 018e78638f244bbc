//! One peer connection: a str0m `Rtc` behind a wall that a panic does not pass.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::config::DtlsCert;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{KeyframeRequestKind, Mid, Pt};
use str0m::rtp::Ssrc;
use str0m::{Candidate, Input, Rtc};

use crate::api::{Channel, Limits, PeerId, PeerOptions};
use crate::bandwidth::Line;
use crate::capture::{CaptureClock, Report};
use crate::demux::Remote;
use crate::egress::{Egress, Turn};
use crate::extensions::{self, Ids};
use crate::forward::Forwarder;
use crate::keys::{self, Slot};
use crate::negotiate::Negotiation;
use crate::red::RedTypes;
use crate::sender::{Leaves, Outgoing, Sender, Ssrcs};
use crate::stats::StatsWindow;
use crate::track::Down;

/// Unreliable channels are for what is new: more than this waiting means the reader is too slow.
const LOSSY_BUFFER: usize = 64 * 1024;

/// Pre-negotiated SCTP stream ids of protocol 18.
const NEGOTIATED: [(Channel, u16); 3] = [(Channel::Reliable, 100), (Channel::Lossy, 101), (Channel::DataTrack, 102)];

pub(crate) const CHANNELS: [Channel; 3] = [Channel::Reliable, Channel::Lossy, Channel::DataTrack];

impl Channel {
    fn label(self) -> &'static str {
        match self {
            Self::Reliable => "_reliable",
            Self::Lossy => "_lossy",
            Self::DataTrack => "_data_track",
        }
    }

    pub(crate) fn from_label(label: &str) -> Option<Self> {
        CHANNELS.into_iter().find(|channel| channel.label() == label)
    }

    pub(crate) fn config(self) -> ChannelConfig {
        let (ordered, reliability) = match self {
            Self::Reliable => (true, Reliability::Reliable),
            Self::Lossy | Self::DataTrack => (false, Reliability::MaxRetransmits { retransmits: 0 }),
        };
        ChannelConfig { label: self.label().to_owned(), ordered, reliability, ..Default::default() }
    }
}

/// Codec and the parameters that make two of them incompatible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) codec: Codec,
    pub(crate) clock_rate: u32,
    /// H264 packetization mode, VP9 profile: must match exactly.
    variant: u32,
    /// H264 profile and level: the nearest is taken.
    profile: u32,
}

/// Where packets of one SSRC of a publisher go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) track: usize,
    pub(crate) layer: u8,
    pub(crate) mid: Mid,
    pub(crate) payload_type: Pt,
    pub(crate) format: Format,
    /// Packets carry several frames of the codec that has this payload type (RFC 2198).
    pub(crate) red: Option<Pt>,
}

/// One peer connection and what is known about it.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    rtc: Rtc,
    pub(crate) options: PeerOptions,
    pub(crate) negotiation: Negotiation,
    /// A panic or a fatal error happened inside; the peer is removed at the next flush.
    broken: bool,
    /// DTLS is up; writing before would queue without end.
    pub(crate) secure: bool,
    /// ICE has a working path.
    pub(crate) reachable: bool,
    /// ICE has given it up, until it is reachable again.
    pub(crate) given_up: bool,
    pub(crate) dirty: bool,
    /// When str0m wants to be called, and when it is entered in the timers.
    pub(crate) deadline: Instant,
    /// str0m wants to be called with the next flush.
    pub(crate) wakes: bool,
    pub(crate) egress: Egress,
    /// The tracks that are sent, by the SSRCs of their streams.
    pub(crate) streams: HashMap<u32, usize>,
    /// The way that str0m took last.
    pub(crate) usual: Option<(Remote, SocketAddr)>,
    pub(crate) scheduled: Option<Instant>,
    pub(crate) ufrag: String,
    pub(crate) addresses: Vec<Remote>,
    /// From where the client last asked for media, and at which address of ours: this is the way it goes.
    pub(crate) path: Option<(Remote, SocketAddr)>,
    pub(crate) remote_candidates: usize,
    /// Pairs that ICE has settled on, where we are in control.
    pub(crate) nominated: Vec<(Remote, SocketAddr)>,
    channels: HashMap<Channel, ChannelId>,
    /// SSRCs whose packets we know where to send.
    pub(crate) sources: HashMap<Ssrc, Source>,
    pub(crate) clock: CaptureClock,
    pub(crate) stats: StatsWindow,
    pub(crate) line: Line,
    /// Of each section, the stream that was stopped last and where its numbering stands.
    stopped: HashMap<Mid, (Forwarder, Sender)>,
    /// The remote closed; the caller has been told.
    pub(crate) closed: bool,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Peer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Peer {
    pub(crate) fn new(
        id: PeerId,
        options: PeerOptions,
        limits: &Limits,
        certificate: &DtlsCert,
        candidates: &[Candidate],
        now: Instant,
    ) -> Self {
        let mut rtc = Rtc::builder()
            .set_dtls_cert(certificate.clone())
            .set_ice_lite(options.ice_lite)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, true)
            .enable_vp8(true)
            .enable_h264(true)
            .enable_vp9(true)
            .enable_av1(true)
            .set_extension_map(extensions::known())
            .set_sctp_max_message_size(u32::try_from(limits.message_bytes).unwrap_or(u32::MAX))
            .set_sctp_max_buffered_amount(limits.data_buffer_bytes)
            .set_stats_interval(Some(crate::stats::INTERVAL))
            .set_crypto_provider(keys::provider())
            .build(now);
        for candidate in candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
        let reporter = *rtc.direct_api().new_ssrc();
        Self {
            id,
            rtc,
            options,
            negotiation: Negotiation::default(),
            broken: false,
            secure: false,
            reachable: false,
            given_up: false,
            dirty: false,
            deadline: now,
            wakes: false,
            egress: Egress::new(now, Slot::of_last(), reporter, options.receives),
            streams: HashMap::new(),
            usual: None,
            scheduled: None,
            ufrag,
            addresses: Vec::new(),
            path: None,
            remote_candidates: 0,
            nominated: Vec::new(),
            channels: HashMap::new(),
            sources: HashMap::new(),
            clock: CaptureClock::default(),
            stats: StatsWindow::default(),
            line: Line::default(),
            stopped: HashMap::new(),
            closed: false,
        }
    }

    /// Enter the peer at `index` into the list of those that the next flush looks at.
    pub(crate) fn mark(&mut self, index: usize, dirty: &mut Vec<usize>) {
        if !std::mem::replace(&mut self.dirty, true) {
            dirty.push(index);
        }
    }

    /// Use the `Rtc`. `None` if it panics now or broke before; then nothing else is ever asked of it.
    pub(crate) fn with<T>(&mut self, action: impl FnOnce(&mut Rtc) -> T) -> Option<T> {
        if self.broken {
            return None;
        }
        let rtc = &mut self.rtc;
        match catch_unwind(AssertUnwindSafe(|| action(rtc))) {
            Ok(value) => Some(value),
            Err(_) => {
                self.broken = true;
                None
            }
        }
    }

    /// As [`Peer::with`], for calls of str0m that may fail. Errors alone end nothing: anybody can send a bad packet.
    pub(crate) fn attempt<T, E>(&mut self, action: impl FnOnce(&mut Rtc) -> Result<T, E>) -> Option<T> {
        self.with(action)?.ok()
    }

    /// Broken, or ended by str0m without the remote having closed (a wrong fingerprint, for example).
    pub(crate) fn is_lost(&mut self) -> bool {
        let closed = self.closed;
        self.with(|rtc| rtc.is_alive()).is_none_or(|alive| !alive && !closed)
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn pass_time(&mut self, now: Instant) {
        self.attempt(|rtc| rtc.handle_input(Input::Timeout(now)));
    }

    /// The way that media takes: the one that the client asked for last (USE-CANDIDATE), because its NAT gave it another
    /// port, or because UDP died and it has gone over to TCP. str0m keeps to the old pair until that has been silent for
    /// 15 s, because its priority is no lower.
    pub(crate) fn way(&self) -> Option<(Remote, SocketAddr)> {
        self.path.or(self.usual)
    }

    /// Create the pre-negotiated channels, once.
    pub(crate) fn open_negotiated_channels(&mut self) {
        if !self.options.negotiated_channels || self.negotiation.channels_made {
            return;
        }
        self.negotiation.channels_made = true;
        self.with(|rtc| {
            for (channel, stream) in NEGOTIATED {
                let config = ChannelConfig { negotiated: Some(stream), ..channel.config() };
                rtc.direct_api().create_data_channel(config);
            }
        });
    }

    pub(crate) fn channel_opened(&mut self, id: ChannelId, label: &str) -> Option<Channel> {
        let channel = Channel::from_label(label)?;
        self.channels.insert(channel, id);
        Some(channel)
    }

    pub(crate) fn channel_closed(&mut self, id: ChannelId) {
        self.channels.retain(|_, open| *open != id);
    }

    pub(crate) fn channel_of(&self, id: ChannelId) -> Option<Channel> {
        self.channels.iter().find_map(|(channel, open)| (*open == id).then_some(*channel))
    }

    /// False: not open, or the reader is too slow.
    pub(crate) fn send_data(&mut self, channel: Channel, payload: &[u8]) -> bool {
        let Some(id) = self.channels.get(&channel).copied() else {
            return false;
        };
        let written = self.attempt(|rtc| {
            let Some(mut writer) = rtc.channel(id) else {
                return Ok(false);
            };
            if channel != Channel::Reliable && writer.buffered_amount() > LOSSY_BUFFER {
                return Ok(false);
            }
            writer.write(true, payload)
        });
        written.unwrap_or(false)
    }

    /// Ask the remote for a keyframe of one of its sources.
    pub(crate) fn request_keyframe(&mut self, ssrc: Ssrc) {
        self.with(|rtc| {
            if let Some(stream) = rtc.direct_api().stream_rx(&ssrc) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        });
    }

    /// Sends a packet of a stream, at once or when it is its turn.
    pub(crate) fn send(&mut self, now: Instant, track: usize, down: &mut Down, packet: Outgoing, turn: &mut Turn) {
        self.stats.packets_down += 1;
        self.stats.packets_sent += 1;
        if self.egress.send(now, track, &mut down.sender, packet, Leaves::First, turn).is_err() {
            self.line.full = true;
        }
        self.mark(down.peer, &mut turn.dirty);
    }

    /// A stream stops. Its sender may be used again, and then must go on with its numbers: a second packet of one number
    /// is a replay for the receiver, and breaks the encryption (RFC 7714 section 8.1).
    pub(crate) fn keep_numbering(&mut self, mut down: Down) {
        down.forwarder.set_target(None);
        down.sender.forget();
        self.streams.remove(&down.sender.ssrcs.media);
        self.stopped.insert(down.mid, (down.forwarder, down.sender));
    }

    /// A sender that was used before, and where its numbering stands.
    pub(crate) fn stopped(&mut self, mid: Mid, media: u32) -> Option<(Forwarder, Sender)> {
        self.stopped.remove(&mid).filter(|(_, sender)| sender.ssrcs.media == media)
    }

    /// The SSRCs that we send with on one of its sections.
    pub(crate) fn ssrcs(&mut self, mid: Mid, video: bool) -> Ssrcs {
        if let Some(ssrcs) = self.negotiation.senders.get(&mid) {
            return *ssrcs;
        }
        self.renew_ssrcs(mid, video)
    }

    /// Others, so that the receiver starts afresh.
    pub(crate) fn renew_ssrcs(&mut self, mid: Mid, video: bool) -> Ssrcs {
        let mut fresh = || self.with(|rtc| *rtc.direct_api().new_ssrc()).unwrap_or_default();
        let media = fresh();
        let repair = video.then(|| std::iter::repeat_with(fresh).take(8).find(|ssrc| *ssrc != media)).flatten();
        let ssrcs = Ssrcs { media, repair };
        self.negotiation.senders.insert(mid, ssrcs);
        ssrcs
    }

    /// The ids of header extensions on one of its sections.
    pub(crate) fn extension_ids(&mut self, mid: Mid) -> Ids {
        self.with(|rtc| rtc.media(mid).map(|media| Ids::of(media.remote_extmap()))).flatten().unwrap_or_default()
    }

    /// The payload type this peer takes a format with, on one of its sections, and that of what is sent again.
    pub(crate) fn payload_type(&mut self, mid: Mid, format: Format) -> Option<(u8, Option<u8>)> {
        self.with(|rtc| {
            let accepted = rtc.media(mid)?.remote_pts();
            let candidates = rtc.codec_config().params().iter().filter(|params| {
                let theirs = Format::of(&params.spec());
                accepted.contains(&params.pt()) && theirs.codec == format.codec && theirs.variant == format.variant
            });
            // Same profile, else same profile family (constrained baseline is decoded by all of them).
            candidates
                .min_by_key(|params| {
                    let profile = Format::of(&params.spec()).profile;
                    (profile != format.profile, profile >> 16 != format.profile >> 16)
                })
                .map(|params| (*params.pt(), params.resend().map(|resend| *resend)))
        })
        .flatten()
    }

    /// The payload types that this peer takes redundant audio with, if it does.
    pub(crate) fn red_types(&mut self, mid: Mid) -> Option<RedTypes> {
        self.with(|rtc| {
            let accepted = rtc.media(mid)?.remote_pts();
            let opus = rtc.codec_config().params().iter().find(|params| accepted.contains(&params.pt()))?;
            Some(RedTypes { red: opus.red()?, opus: opus.pt() })
        })
        .flatten()
    }

    /// The format that a payload type of this peer stands for, and the codec's own payload type if this is redundant audio.
    pub(crate) fn format(&mut self, payload_type: Pt) -> Option<(Format, Option<Pt>)> {
        self.with(|rtc| {
            let stands = |params: &&PayloadParams| params.pt() == payload_type || params.red() == Some(payload_type);
            let params = rtc.codec_config().params().iter().find(stands)?;
            Some((Format::of(&params.spec()), (params.pt() != payload_type).then_some(params.pt())))
        })
        .flatten()
    }

    /// Section and rid of a source.
    pub(crate) fn source_section(&mut self, ssrc: Ssrc) -> Option<(Mid, Option<String>)> {
        self.with(|rtc| {
            let mut api = rtc.direct_api();
            let stream = api.stream_rx(&ssrc)?;
            Some((stream.mid(), stream.rid().map(|rid| rid.to_string())))
        })
        .flatten()
    }

    /// When a packet of a source was captured, if the remote has sent a report for it.
    pub(crate) fn captured(
        &mut self,
        report: Option<Report>,
        timestamp: u32,
        rate: u32,
        now: Instant,
    ) -> Option<Instant> {
        self.clock.captured(report?, timestamp, rate, now)
    }
}

impl Format {
    pub(crate) const OPUS: Self = Self { codec: Codec::Opus, clock_rate: 48_000, variant: 0, profile: 0 };

    pub(crate) fn of(spec: &str0m::format::CodecSpec) -> Self {
        let variant = match spec.codec {
            Codec::H264 => u32::from(spec.format.packetization_mode.unwrap_or(0)),
            Codec::Vp9 => spec.format.profile_id.unwrap_or(0),
            _ => 0,
        };
        let profile = if spec.codec == Codec::H264 { spec.format.profile_level_id.unwrap_or(0x42_001f) } else { 0 };
        Self { codec: spec.codec, clock_rate: spec.clock_rate.get(), variant, profile }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Event, Output, Sfu};

    #[test]
    fn a_panic_costs_one_peer() {
        let now = testkit::origin();
        let mut sfu = Sfu::new(Config { candidates: Vec::new(), limits: Limits::default() }, now);
        for id in 1..=3 {
            sfu.add_peer(now, PeerId(id), PeerOptions::default()).unwrap();
        }
        let broken = sfu.peer_index(PeerId(2)).unwrap();
        assert!(sfu.peers.get_mut(broken).unwrap().with(|_| panic!("on purpose")).is_none());
        sfu.mark_dirty(broken);
        sfu.flush(now);
        let faults: Vec<_> =
            std::iter::from_fn(|| sfu.poll_output()).filter(|output| matches!(output, Output::Event(_))).collect();
        assert!(matches!(faults[..], [Output::Event(Event::Fault(PeerId(2)))]));
        assert_eq!(sfu.sizes()[0], 2);
        assert_eq!(sfu.sizes()[2], 2, "its user name is forgotten");
        assert!(sfu.peer_index(PeerId(1)).is_ok() && sfu.peer_index(PeerId(3)).is_ok());
        assert_eq!((sfu.counters().faults, sfu.counters().panics), (1, 1));
    }

    /// Only who is on this machine is told its loopback address, unless it has no other.
    #[test]
    fn loopback_is_told_on_this_machine_only() {
        let told = |addresses: &[&str], elsewhere: bool| {
            let candidate = |address: &&str| {
                let address = address.parse().unwrap();
                crate::Candidate { protocol: crate::Protocol::Udp, advertised: address, bound: address }
            };
            let candidates = addresses.iter().map(candidate).collect();
            let sfu = Sfu::new(Config { candidates, limits: Limits::default() }, testkit::origin());
            let options = PeerOptions { elsewhere, ..PeerOptions::default() };
            let lines = &sfu.told(options).lines;
            lines.iter().map(|line| line.split(' ').nth(4).unwrap().to_owned()).collect::<Vec<_>>()
        };
        let both = ["203.0.113.9:7882", "127.0.0.1:7882"];
        assert_eq!(told(&both, false), ["203.0.113.9", "127.0.0.1"]);
        assert_eq!(told(&both, true), ["203.0.113.9"]);
        assert_eq!(told(&both[1..], true), ["127.0.0.1"]);
    }

    #[test]
    fn limits_are_limits() {
        let now = testkit::origin();
        let limits = Limits { peers: 2, ..Default::default() };
        let mut sfu = Sfu::new(Config { candidates: Vec::new(), limits }, now);
        assert!(sfu.add_peer(now, PeerId(1), PeerOptions::default()).is_ok());
        assert!(sfu.add_peer(now, PeerId(1), PeerOptions::default()).is_err(), "the same id");
        assert!(sfu.add_peer(now, PeerId(2), PeerOptions::default()).is_ok());
        assert!(sfu.add_peer(now, PeerId(3), PeerOptions::default()).is_err(), "one too many");
        sfu.remove_peer(now, PeerId(1));
        assert!(sfu.add_peer(now, PeerId(3), PeerOptions::default()).is_ok());
    }
}
