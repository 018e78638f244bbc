//! A scripted WebRTC client: str0m in RTP mode behind an address in memory.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpApi, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use crate::link::Wire;

/// The labels of LiveKit's data channels.
pub const CHANNELS: [&str; 3] = ["_reliable", "_lossy", "_data_track"];

/// One packet to send.
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    pub codec: Codec,
    pub rid: Option<&'a str>,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// -dBov, for audio.
    pub level: Option<i8>,
    pub payload: &'a [u8],
}

/// A client and all that it has received.
pub struct Client {
    pub rtc: Rtc,
    /// As others see it. Changed alone, it is a NAT that maps the client to another address.
    pub address: SocketAddr,
    /// As the client sees itself.
    host: SocketAddr,
    pending: Option<SdpPendingOffer>,
    timeout: Instant,
    /// Media packets in order of arrival.
    pub packets: Vec<(Mid, RtpPacket)>,
    /// Data messages: label, binary, bytes.
    pub messages: Vec<(String, Vec<u8>)>,
    pub channels: Vec<(String, ChannelId)>,
    /// Sections (and rids) for which a keyframe was asked.
    pub keyframe_requests: Vec<(Mid, Option<Rid>)>,
    pub connected: bool,
    pub ice: IceConnectionState,
    /// Datagrams that the next poll hands out.
    unsent: Vec<Wire>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Client {
    /// A client at an address, without any section yet.
    ///
    /// # Panics
    ///
    /// If the address cannot be a host candidate.
    #[must_use]
    pub fn new(now: Instant, address: SocketAddr) -> Self {
        Self::with_red(now, address, false)
    }

    /// The same, with redundant audio (RFC 2198) or without.
    ///
    /// # Panics
    ///
    /// If the address cannot be a host candidate.
    #[must_use]
    pub fn with_red(now: Instant, address: SocketAddr, red: bool) -> Self {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, red)
            .enable_vp8(true)
            .enable_h264(true)
            .enable_vp9(true)
            .set_extension(9, Extension::VideoContentType)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a host address"));
        Self {
            rtc,
            address,
            host: address,
            pending: None,
            timeout: now,
            packets: Vec::new(),
            messages: Vec::new(),
            channels: Vec::new(),
            keyframe_requests: Vec::new(),
            connected: false,
            ice: IceConnectionState::New,
            unsent: Vec::new(),
        }
    }

    /// Make an offer. The answer must be given to [`Client::accept_answer`] before the next one.
    ///
    /// # Panics
    ///
    /// If nothing was changed.
    pub fn offer<T>(&mut self, change: impl FnOnce(&mut SdpApi<'_>) -> T) -> (T, String) {
        let mut api = self.rtc.sdp_api();
        let value = change(&mut api);
        let (offer, pending) = api.apply().expect("a change that needs an offer");
        self.pending = Some(pending);
        (value, offer.to_sdp_string())
    }

    /// # Panics
    ///
    /// If there is no offer, or the answer does not fit it.
    pub fn accept_answer(&mut self, answer: &str) {
        let pending = self.pending.take().expect("an offer was made");
        let answer = SdpAnswer::from_sdp_string(answer).unwrap_or_else(|error| panic!("{error}\n{answer}"));
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits the offer");
    }

    /// # Panics
    ///
    /// If the offer cannot be answered.
    pub fn accept_offer(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).unwrap_or_else(|error| panic!("{error}\n{offer}"));
        self.rtc.sdp_api().accept_offer(offer).expect("an offer that can be answered").to_sdp_string()
    }

    /// Move to another address, as a phone does that changes networks.
    ///
    /// # Panics
    ///
    /// If the address cannot be a host candidate.
    pub fn move_to(&mut self, address: SocketAddr) {
        (self.address, self.host) = (address, address);
        self.rtc.add_local_candidate(Candidate::host(address, "udp").expect("a host address"));
    }

    /// Payload type of a codec.
    #[must_use]
    pub fn payload_type(&self, codec: Codec) -> Option<Pt> {
        self.rtc.codec_config().params().iter().find(|params| params.spec().codec == codec).map(|params| params.pt())
    }

    /// Send one RTP packet. False if the section has no sender (yet).
    pub fn send(&mut self, now: Instant, mid: Mid, packet: &Packet<'_>) -> bool {
        let Some(payload_type) = self.payload_type(packet.codec) else {
            return false;
        };
        self.write(now, mid, packet, payload_type, packet.payload)
    }

    /// Payload type of redundant audio, if it was negotiated.
    #[must_use]
    pub fn red_type(&self) -> Option<Pt> {
        self.rtc.codec_config().params().iter().find_map(|params| params.red())
    }

    /// Send an audio packet that repeats one frame, so many ticks older. False if there is no sender or no redundancy.
    pub fn send_red(&mut self, now: Instant, mid: Mid, packet: &Packet<'_>, ticks: u16, earlier: &[u8]) -> bool {
        let (Some(opus), Some(red)) = (self.payload_type(packet.codec), self.red_type()) else {
            return false;
        };
        let (age, length) = (ticks << 2, u16::try_from(earlier.len()).unwrap_or(0));
        let [high, low] = (age | length >> 8).to_be_bytes();
        let header = [0x80 | *opus, high, low, (length & 0xff) as u8, *opus];
        let payload = [&header, earlier, packet.payload].concat();
        self.write(now, mid, packet, red, &payload)
    }

    fn write(&mut self, now: Instant, mid: Mid, packet: &Packet<'_>, payload_type: Pt, payload: &[u8]) -> bool {
        let extensions = ExtensionValues {
            audio_level: packet.level.map(|level| -level),
            voice_activity: packet.level.map(|level| level < 40),
            ..Default::default()
        };
        let write = RtpWrite::new(payload_type, packet.sequence.into(), packet.timestamp, now, payload)
            .marker(packet.marker)
            .nackable(packet.codec.is_video())
            .ext_vals(extensions);
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, packet.rid.map(Rid::from)) else {
            return false;
        };
        stream.write_rtp(write);
        true
    }

    /// Ask for a keyframe of everything received on a section.
    pub fn ask_keyframe(&mut self, mid: Mid) {
        if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, None) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// Ask for a keyframe of one source, as a decoder does that cannot begin. (A section may have had others before.)
    pub fn ask_keyframe_of(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// Send a binary message on a channel. False: not open, or its buffer is full.
    pub fn send_data(&mut self, label: &str, bytes: &[u8]) -> bool {
        let Some((_, id)) = self.channels.iter().find(|(known, _)| known == label) else {
            return false;
        };
        let id = *id;
        self.rtc.channel(id).is_some_and(|mut channel| channel.write(true, bytes).unwrap_or(false))
    }

    /// A datagram arrived.
    pub fn receive(&mut self, now: Instant, wire: &Wire) {
        if let Ok(receive) = Receive::new(Protocol::Udp, wire.from, self.host, &wire.bytes) {
            // What cannot be handled is dropped, as a socket would.
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
        }
        // str0m keeps one packet at a time: whatever came must be taken out before the next datagram goes in.
        let mut out = std::mem::take(&mut self.unsent);
        self.drain(&mut out);
        self.unsent = out;
        // The caller polls; until then time has not passed.
        self.timeout = self.timeout.min(now);
    }

    /// When [`Client::poll`] wants to be called.
    #[must_use]
    pub fn timeout(&self) -> Instant {
        self.timeout
    }

    /// Let time pass, and take the datagrams to send.
    pub fn poll(&mut self, now: Instant) -> Vec<Wire> {
        let mut out = std::mem::take(&mut self.unsent);
        self.drain(&mut out);
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain(&mut out);
        out
    }

    fn drain(&mut self, out: &mut Vec<Wire>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(timeout)) => {
                    self.timeout = timeout;
                    return;
                }
                Ok(Output::Transmit(transmit)) => out.push(Wire {
                    // A moved client sends from where it is, whatever ICE believes.
                    from: self.address,
                    to: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                }),
                Ok(Output::Event(event)) => self.event(event),
                Err(_) => {}
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::IceConnectionStateChange(state) => self.ice = state,
            Event::RtpPacket(packet) => {
                let ssrc = packet.header.ssrc;
                if let Some(mid) = self.rtc.direct_api().stream_rx(&ssrc).map(|stream| stream.mid()) {
                    self.packets.push((mid, packet));
                }
            }
            Event::ChannelOpen(id, label) => self.channels.push((label, id)),
            Event::ChannelData(data) => {
                let label = self.channels.iter().find(|(_, id)| *id == data.id).map(|(label, _)| label.clone());
                self.messages.push((label.unwrap_or_default(), data.data));
            }
            Event::KeyframeRequest(request) => {
                self.keyframe_requests.push((request.mid, request.rid));
            }
            _ => {}
        }
    }
}

/// Add LiveKit's three data channels to an offer.
pub fn add_channels(api: &mut SdpApi<'_>) {
    for label in CHANNELS {
        let lossy = label != CHANNELS[0];
        api.add_channel_with_config(ChannelConfig {
            label: label.to_owned(),
            ordered: !lossy,
            reliability: if lossy { Reliability::MaxRetransmits { retransmits: 0 } } else { Reliability::Reliable },
            ..Default::default()
        });
    }
}

/// Add a section that sends, with simulcast layers if there are any.
pub fn add_sender(api: &mut SdpApi<'_>, kind: MediaKind, rids: &[&str]) -> Mid {
    let mut simulcast = Simulcast::new();
    for rid in rids {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    let simulcast = (!rids.is_empty()).then_some(simulcast);
    api.add_media(kind, Direction::SendOnly, None, None, simulcast)
}

/// Add a section that receives.
pub fn add_receiver(api: &mut SdpApi<'_>, kind: MediaKind) -> Mid {
    api.add_media(kind, Direction::RecvOnly, None, None, None)
}
