//! One peer connection: str0m and a socket.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use kit::{Clock as _, SystemClock};
use str0m::change::{SdpAnswer, SdpApi, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::net::Receive;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Event, Input, Output, Rtc};

use crate::error::LoadError;
use crate::packets;
use crate::publisher::{AudioPlan, Layer, Outgoing};
use crate::stats::{Received, Stats};
use crate::transport::{Path, Socket, Told};

/// Datagrams handled in a row before anything else gets its turn.
const BATCH: usize = 64;
/// Addresses of the server that are remembered.
const TOLD_MAX: usize = 32;
/// str0m's own timers are finer than anything here needs.
const TICK: Duration = Duration::from_millis(5);
/// The channels that official clients open.
const CHANNELS: [(&str, bool); 3] = [("_reliable", true), ("_lossy", false), ("_data_track", false)];

pub(crate) struct Peer {
    rtc: Rtc,
    socket: Socket,
    path: Path,
    pending: Option<SdpPendingOffer>,
    deadline: Instant,
    audio: Option<Mid>,
    video: Option<Mid>,
    receiving: Vec<(Mid, MediaKind)>,
    /// Kind of received streams, so that a packet needs one look-up.
    kinds: HashMap<Ssrc, MediaKind>,
    /// Layers for which somebody wants a keyframe since the last look.
    wanted: Vec<Option<Rid>>,
    payload_types: (Option<Pt>, Option<Pt>),
    /// Times in payloads count from here.
    epoch: Instant,
    /// Share of arriving datagrams that are thrown away, 0..=1, as a bad link does.
    loss: f64,
}

impl Peer {
    /// A peer bound to `local_ip`, where `path` names no address. `epoch` must be the same for all participants of a process;
    /// `loss` is the share of arriving datagrams that it throws away.
    pub(crate) async fn new(path: Path, local_ip: IpAddr, epoch: Instant, loss: f64) -> Result<Self, LoadError> {
        let socket = Socket::open(path, local_ip).await?;
        let now = SystemClock.instant();
        let mut rtc =
            Rtc::builder().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        rtc.add_local_candidate(socket.candidate()?);
        let payload_type = |codec| {
            let params = rtc.codec_config().params();
            params.iter().find(|params| params.spec().codec == codec).map(|params| params.pt())
        };
        let payload_types = (payload_type(Codec::Opus), payload_type(Codec::Vp8));
        Ok(Self {
            rtc,
            socket,
            path,
            pending: None,
            deadline: now,
            audio: None,
            video: None,
            receiving: Vec::new(),
            kinds: HashMap::new(),
            wanted: Vec::new(),
            payload_types,
            epoch,
            loss,
        })
    }

    /// The first offer: data channels, what is published (with cids as msid track ids), and sections to receive.
    pub(crate) fn first_offer(
        &mut self,
        audio_cid: Option<&str>,
        video: Option<(&str, &[Layer])>,
        sections: (u32, u32),
    ) -> Result<String, LoadError> {
        let mut api = self.rtc.sdp_api();
        add_channels(&mut api);
        let stream = || Some("load".to_owned());
        self.audio = audio_cid
            .map(|cid| api.add_media(MediaKind::Audio, Direction::SendOnly, stream(), Some(cid.to_owned()), None));
        self.video = video.map(|(cid, layers)| {
            let mut simulcast = Simulcast::new();
            for rid in layers.iter().filter_map(|layer| layer.rid) {
                simulcast.add_send_layer(SimulcastLayer::new(rid));
            }
            let simulcast = (layers.len() > 1).then_some(simulcast);
            api.add_media(MediaKind::Video, Direction::SendOnly, stream(), Some(cid.to_owned()), simulcast)
        });
        add_receivers(&mut api, &mut self.receiving, sections);
        let offered = api.apply();
        self.keep(offered)
    }

    /// Another offer with more sections to receive. `None` while an answer is awaited.
    ///
    /// Sections that the server left inactive are offered again; where there is none, one more makes the offer differ
    /// from the last, without which there would be none.
    pub(crate) fn offer_again(&mut self, sections: (u32, u32)) -> Result<Option<String>, LoadError> {
        if self.pending.is_some() {
            return Ok(None);
        }
        let mut api = self.rtc.sdp_api();
        for (mid, _) in &self.receiving {
            api.set_direction(*mid, Direction::RecvOnly);
        }
        add_receivers(&mut api, &mut self.receiving, sections);
        if !api.has_changes() {
            add_receivers(&mut api, &mut self.receiving, (1, 0));
        }
        let offered = api.apply();
        self.keep(offered).map(Some)
    }

    fn keep(&mut self, offered: Option<(SdpOffer, SdpPendingOffer)>) -> Result<String, LoadError> {
        let (offer, pending) = offered.ok_or_else(|| LoadError::Protocol("nothing to offer".to_owned()))?;
        self.pending = Some(pending);
        Ok(as_browsers_write_it(&offer.to_sdp_string()))
    }

    pub(crate) fn accept_answer(&mut self, sdp: &str, stats: &mut Stats) -> Result<(), LoadError> {
        let pending =
            self.pending.take().ok_or_else(|| LoadError::Protocol("an answer without an offer".to_owned()))?;
        let (candidates, rest): (Vec<&str>, Vec<&str>) =
            sdp.split_inclusive('\n').partition(|line| line.starts_with("a=candidate:"));
        let answer = SdpAnswer::from_sdp_string(&rest.concat())
            .map_err(|error| LoadError::Protocol(format!("the answer is malformed: {error}")))?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        candidates.iter().for_each(|line| self.add_candidate(line.trim_start_matches("a=").trim_end(), stats));
        Ok(())
    }

    /// A candidate of the server, used if the path allows it.
    pub(crate) fn add_candidate(&mut self, candidate: &str, stats: &mut Stats) {
        let Some((told, candidate)) = Told::read(candidate) else { return };
        if stats.told.len() < TOLD_MAX && !stats.told.contains(&told) {
            stats.told.push(told);
        }
        if self.path.takes(told) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// Writes Opus packets.
    pub(crate) fn send_audio(&mut self, plan: AudioPlan, packet: Outgoing) -> bool {
        let extensions =
            ExtensionValues { audio_level: Some(plan.level), voice_activity: Some(true), ..ExtensionValues::default() };
        let (Some(mid), Some(payload_type)) = (self.audio, self.payload_types.0) else { return false };
        self.write(mid, None, payload_type, packet, extensions)
    }

    /// Writes VP8 packets of one layer.
    pub(crate) fn send_video(&mut self, layer: Layer, packet: Outgoing) -> bool {
        let (Some(mid), Some(payload_type)) = (self.video, self.payload_types.1) else { return false };
        self.write(mid, layer.rid.map(Rid::from), payload_type, packet, ExtensionValues::default())
    }

    fn write(&mut self, mid: Mid, rid: Option<Rid>, pt: Pt, packet: Outgoing, extensions: ExtensionValues) -> bool {
        let now = SystemClock.instant();
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, rid) else { return false };
        let write = RtpWrite::new(pt, packet.sequence.into(), packet.timestamp, now, packet.payload)
            .marker(packet.marker)
            .nackable(rid.is_some() || Some(mid) == self.video)
            .ext_vals(extensions);
        stream.write_rtp(write);
        true
    }

    /// Layers (`None` where there is only one) for which a keyframe was asked since the last call.
    pub(crate) fn take_keyframe_requests(&mut self) -> Vec<Option<Rid>> {
        std::mem::take(&mut self.wanted)
    }

    /// Microseconds since the common start, as they are put into payloads.
    pub(crate) fn time_us(&self) -> u64 {
        let since = SystemClock.instant().saturating_duration_since(self.epoch);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// When [`Peer::advance`] wants to be called.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits until a datagram is there.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Handles the datagrams that are there.
    pub(crate) fn read(&mut self, stats: &mut Stats) -> Result<(), LoadError> {
        for _ in 0..BATCH {
            let (protocol, local) = (self.socket.protocol(), self.socket.local);
            let Some((from, datagram)) = self.socket.receive()? else { break };
            if self.loss > 0.0 && fastrand::f64() < self.loss {
                continue;
            }
            let now = SystemClock.instant();
            if let Ok(receive) = Receive::new(protocol, from, local, datagram) {
                self.rtc.handle_input(Input::Receive(now, receive))?;
                self.drain(now, stats)?;
            }
        }
        Ok(())
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, stats: &mut Stats) -> Result<(), LoadError> {
        let now = SystemClock.instant();
        self.rtc.handle_input(Input::Timeout(now))?;
        self.drain(now, stats)
    }

    fn drain(&mut self, now: Instant, stats: &mut Stats) -> Result<(), LoadError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.deadline = at.max(now + TICK);
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    self.socket.send(&transmit.contents, transmit.destination);
                }
                Output::Event(event) => self.event(now, event, stats),
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event, stats: &mut Stats) {
        match event {
            Event::RtpPacket(packet) => self.packet(now, &packet, stats),
            Event::KeyframeRequest(request) => self.wanted.push(request.rid),
            Event::Connected => stats.join.connected = stats.join.connected.or_else(|| Some(stats.since_start(now))),
            Event::IceConnectionStateChange(state) if state.is_connected() => {
                stats.join.ice = stats.join.ice.or_else(|| Some(stats.since_start(now)));
            }
            _ => {}
        }
    }

    fn packet(&mut self, now: Instant, packet: &RtpPacket, stats: &mut Stats) {
        let ssrc = packet.header.ssrc;
        let Some(kind) = self.kind(ssrc) else { return };
        let delay = packets::sent_us(&packet.payload)
            .and_then(|sent| now.checked_duration_since(self.epoch + Duration::from_micros(sent)));
        stats.receive(
            now,
            Received {
                ssrc: *ssrc,
                kind,
                sequence: *packet.seq_no,
                bytes: packet.payload.len(),
                keyframe: kind == MediaKind::Video && packets::starts_keyframe(&packet.payload),
                delay,
            },
        );
    }

    fn kind(&mut self, ssrc: Ssrc) -> Option<MediaKind> {
        if let Some(kind) = self.kinds.get(&ssrc) {
            return Some(*kind);
        }
        let mid = self.rtc.direct_api().stream_rx(&ssrc)?.mid();
        let kind = self.receiving.iter().find(|(known, _)| *known == mid)?.1;
        self.kinds.insert(ssrc, kind);
        Some(kind)
    }
}

/// The offer without what browsers leave out: the msid of sections that only receive, which livekit-server 1.11 takes for tracks
/// that are published, and the SSRCs of simulcast layers, which are told apart by their rid (RFC 8852).
fn as_browsers_write_it(offer: &str) -> String {
    let mut sections = offer.split_inclusive("\r\nm=");
    let session = sections.next().unwrap_or_default().to_owned();
    sections.fold(session, |written, section| {
        let has = |line: &str| section.lines().any(|each| each.starts_with(line));
        let (receives, layered) = (has("a=recvonly"), has("a=simulcast:"));
        let left_out = |line: &&str| {
            (receives && line.starts_with("a=msid:")) || ((receives || layered) && line.starts_with("a=ssrc"))
        };
        written + &section.split_inclusive('\n').filter(|line| !left_out(line)).collect::<String>()
    })
}

fn add_channels(api: &mut SdpApi<'_>) {
    for (label, reliable) in CHANNELS {
        let reliability = if reliable { Reliability::Reliable } else { Reliability::MaxRetransmits { retransmits: 0 } };
        api.add_channel_with_config(ChannelConfig {
            label: label.to_owned(),
            ordered: reliable,
            reliability,
            ..ChannelConfig::default()
        });
    }
}

fn add_receivers(api: &mut SdpApi<'_>, receiving: &mut Vec<(Mid, MediaKind)>, (audio, video): (u32, u32)) {
    for (kind, count) in [(MediaKind::Audio, audio), (MediaKind::Video, video)] {
        for _ in 0..count {
            receiving.push((api.add_media(kind, Direction::RecvOnly, None, None, None), kind));
        }
    }
}
