//! Packets in, decisions, packets out: the hot path.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::net::Receive;
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Event as StrEvent, IceConnectionState, Input, Output as StrOutput};

use crate::api::{Candidate, Datagram, Event, MediaKind, Output, Protocol, TrackId, Transmit};
use crate::capture::{self, Report};
use crate::codec::{Vp8Fields, starts_keyframe};
use crate::demux;
use crate::extensions::Forwarded;
use crate::forward::{Arrival, Decision};
use crate::hop::{Hop, HopPacket, Incoming};
use crate::negotiate::Use;
use crate::peer::{Format, Peer, Source};
use crate::red::{Contents, History, Redundant};
use crate::sender::Outgoing;
use crate::sfu::Sfu;
use crate::track::{Down, LAYERS, PayloadType};

/// Largest datagram taken in. str0m works with buffers of 2,000 bytes.
const MAX_DATAGRAM: usize = 2000;
/// Largest RTP payload forwarded: with header, extensions and authentication it must fit those buffers again.
const MAX_PAYLOAD: usize = 1500;
/// Rounds of draining within one flush; what is left is drained by the next one.
const FLUSH_ROUNDS: usize = 8;
/// Outputs taken from one peer in one drain. More would be an endless loop inside.
const MAX_DRAIN: usize = 20_000;
/// Errors tolerated in one drain.
const DRAIN_FAILURES: usize = 10;
/// Deadlines further away than this are not entered into the timers.
const FAR: Duration = Duration::from_secs(3600);
/// Sources remembered per peer; beyond it they are looked up anew.
const SOURCES: usize = 256;
/// Three bytes that an Opus decoder plays as 20 ms of silence.
const OPUS_SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// 20 ms at 48 kHz.
const OPUS_TICKS: u32 = 960;

impl Sfu {
    /// Take in a datagram: found by STUN user name, then by address; unknown ones are counted and dropped.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        let remote = (datagram.protocol, datagram.remote);
        if datagram.contents.len() > MAX_DATAGRAM {
            self.counters.unknown_datagrams += 1;
            return;
        }
        let stun = demux::is_stun(datagram.contents);
        let named = stun.then(|| demux::local_ufrag(datagram.contents)).flatten();
        let by_name = named.and_then(|ufrag| self.demux.by_ufrag(ufrag));
        let Some(index) = by_name.or_else(|| self.demux.by_address(&remote)) else {
            self.counters.unknown_datagrams += 1;
            return;
        };
        if rtp::rtcp::is_rtcp(datagram.contents) && self.take_reports(now, index, datagram.contents) {
            return;
        }
        let destination = advertised(&self.config.candidates, &datagram);
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let Ok(receive) = Receive::new(datagram.protocol.into(), datagram.remote, destination, datagram.contents)
        else {
            self.counters.unknown_datagrams += 1;
            return;
        };
        let input = Input::Receive(now, receive);
        // An address is learned from authenticated STUN only: otherwise anybody could take over a call.
        let learn = by_name.is_some() && peer.addresses.last() != Some(&remote);
        let path = Some((remote, datagram.local));
        let lead = by_name.is_some() && peer.path != path && demux::uses_candidate(datagram.contents);
        let authentic = !(learn || lead) || peer.with(|rtc| rtc.accepts(&input)).unwrap_or(false);
        if lead && authentic {
            peer.path = path;
        }
        peer.attempt(|rtc| rtc.handle_input(input));
        if learn && authentic {
            self.learn_address(index, remote);
        }
        self.drain(now, index);
    }

    pub(crate) fn learn_address(&mut self, index: usize, remote: demux::Remote) {
        let limit = self.config.limits.addresses_per_peer;
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        peer.addresses.retain(|known| *known != remote);
        peer.addresses.push(remote);
        let oldest = (peer.addresses.len() > limit).then(|| peer.addresses.remove(0));
        self.demux.learn(remote, index);
        if let Some(oldest) = oldest {
            self.demux.forget(&oldest, index);
        }
    }

    /// Drain each changed peer once, and send what there is for it. Call after a batch of datagrams and after other calls,
    /// before reading outputs.
    pub fn flush(&mut self, now: Instant) {
        for _ in 0..FLUSH_ROUNDS {
            if self.turn.dirty.is_empty() {
                return;
            }
            let dirty = std::mem::take(&mut self.turn.dirty);
            for &index in &dirty {
                let Some(peer) = self.peers.get_mut(index) else { continue };
                peer.dirty = false;
                if std::mem::take(&mut peer.wakes) {
                    self.pass_time(now, index);
                }
                self.emit(now, index);
            }
        }
    }

    /// Sends what has been written for a subscriber, in a row.
    fn emit(&mut self, now: Instant, index: usize) {
        let due = |peer: &Peer| peer.egress.deadline(now).is_some_and(|deadline| deadline <= now);
        if self.peers.get(index).is_some_and(due) {
            self.pass_time_of_line(now, index);
        }
        let Some(peer) = self.peers.get_mut(index) else { return };
        if peer.given_up {
            // Nothing is sent to where nobody asks for it any more (RFC 7675, section 5.1).
            peer.egress.out.drain(..).for_each(|contents| self.turn.recycle(contents));
        } else if let Some(((protocol, remote), local)) = peer.way() {
            let transmit = |contents| Output::Transmit(Transmit { protocol, local, remote, contents });
            self.outputs.extend(peer.egress.out.drain(..).map(transmit));
        }
        self.schedule(now, index);
    }

    /// Let time pass for a peer and take out what it has to say.
    fn pass_time(&mut self, now: Instant, index: usize) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.pass_time(now);
            self.drain(now, index);
        }
    }

    /// Take everything out of a peer that it has to say.
    fn drain(&mut self, now: Instant, index: usize) {
        let mut received = std::mem::take(&mut self.received);
        let mut failures = 0;
        for _ in 0..MAX_DRAIN {
            let Some(peer) = self.peers.get_mut(index) else {
                break;
            };
            match peer.attempt(str0m::Rtc::poll_output) {
                Some(StrOutput::Timeout(deadline)) => {
                    peer.deadline = deadline;
                    break;
                }
                Some(StrOutput::Transmit(transmit)) => self.transmit(index, transmit),
                Some(StrOutput::Event(StrEvent::RtpPacket(packet))) => received.push(packet),
                Some(StrOutput::Event(event)) => self.peer_event(now, index, event),
                None if peer.is_broken() => break,
                None => failures += 1,
            }
            if failures > DRAIN_FAILURES {
                break;
            }
        }
        for packet in received.drain(..) {
            self.forward(now, index, &packet);
        }
        self.received = received;
        self.report(index);
        if self.peers.get_mut(index).is_some_and(Peer::is_lost) {
            self.remove_broken(now, index);
            return;
        }
        self.schedule(now, index);
    }

    /// Tells what an interval was like, once all of it is in: str0m names the streams after the peer.
    fn report(&mut self, index: usize) {
        if let Some(peer) = self.peers.get_mut(index)
            && let Some(mut stats) = peer.stats.take()
        {
            stats.estimate = peer.line.estimate;
            peer.stats.move_totals(&mut self.counters);
            if peer.secure {
                self.outputs.push_back(Output::Event(Event::PeerStats(peer.id, stats)));
            }
        }
    }

    fn remove_broken(&mut self, now: Instant, index: usize) {
        let Some(peer) = self.peers.get(index) else {
            return;
        };
        let id = peer.id;
        self.counters.faults += 1;
        self.counters.panics += u64::from(peer.is_broken());
        self.remove_peer(now, id);
        self.outputs.push_back(Output::Event(Event::Fault(id)));
    }

    pub(crate) fn schedule(&mut self, now: Instant, index: usize) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let next = peer.egress.deadline(now).map_or(peer.deadline, |deadline| deadline.min(peer.deadline));
        let deadline = self.timers.round(next);
        if peer.scheduled.is_some_and(|scheduled| scheduled <= deadline) {
            return;
        }
        if next.saturating_duration_since(now) > FAR {
            return;
        }
        peer.scheduled = Some(deadline);
        self.timers.push(deadline, index);
    }

    fn transmit(&mut self, index: usize, transmit: str0m::net::Transmit) {
        let protocol = match transmit.proto {
            str0m::net::Protocol::Udp => Protocol::Udp,
            _ => Protocol::TcpPassive,
        };
        let contents: Vec<u8> = transmit.contents.into();
        let remote = (protocol, transmit.destination);
        let nominated = (remote, bound(&self.config.candidates, protocol, transmit.source));
        let is_stun = demux::is_stun(&contents);
        if is_stun && self.demux.by_address(&remote).is_none() {
            self.expect_address(index, remote);
        }
        let Some(peer) = self.peers.get_mut(index) else { return };
        // Where we are in control, ICE says which pair it has settled on, and goes on saying so of those before it.
        let settled = is_stun && demux::uses_candidate(&contents) && !peer.nominated.contains(&nominated);
        if settled && peer.nominated.len() < self.config.limits.addresses_per_peer {
            peer.nominated.push(nominated);
        }
        if !is_stun || settled {
            peer.usual = Some(nominated);
        }
        if peer.given_up && !is_stun {
            return;
        }
        let ((protocol, remote), local) = if is_stun { nominated } else { peer.way().unwrap_or(nominated) };
        self.outputs.push_back(Output::Transmit(Transmit { protocol, local, remote, contents }));
    }

    /// Answers to our own STUN checks come without a user name: remember whom we asked.
    fn expect_address(&mut self, index: usize, remote: demux::Remote) {
        let limit = self.config.limits.addresses_per_peer + self.config.limits.remote_candidates;
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        if peer.addresses.len() < limit && self.demux.expect(remote, index) {
            peer.addresses.insert(0, remote);
        }
    }

    fn peer_event(&mut self, now: Instant, index: usize, event: StrEvent) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let id = peer.id;
        match event {
            StrEvent::Connected => self.connected(now, index),
            StrEvent::IceConnectionStateChange(state) => self.path_changed(index, state),
            StrEvent::Closed => {
                peer.closed = true;
                self.outputs.push_back(Output::Event(Event::Disconnected(id)));
            }
            StrEvent::ChannelOpen(channel, label) => {
                if let Some(channel) = peer.channel_opened(channel, &label) {
                    self.outputs.push_back(Output::Event(Event::ChannelOpen(id, channel)));
                }
            }
            StrEvent::ChannelClose(channel) => peer.channel_closed(channel),
            StrEvent::ChannelData(data) => {
                let small = data.data.len() <= self.config.limits.message_bytes;
                if let Some(channel) = peer.channel_of(data.id).filter(|_| data.binary && small) {
                    self.outputs.push_back(Output::Event(Event::Data(id, channel, data.data)));
                }
            }
            StrEvent::PeerStats(stats) => peer.stats.peer(&stats, peer.egress.bytes),
            StrEvent::MediaIngressStats(stats) => peer.stats.ingress(&stats),
            _ => {}
        }
    }

    fn connected(&mut self, now: Instant, index: usize) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        peer.secure = true;
        peer.egress.secured();
        peer.open_negotiated_channels();
        let id = peer.id;
        self.outputs.push_back(Output::Event(Event::Connected(id)));
        let mut started = Vec::new();
        for track in 0..self.tracks.end() {
            let Some(track) = self.tracks.get_mut(track) else {
                continue;
            };
            let track_id = track.id;
            if let Some(down) = track.down_of(index) {
                down.live = true;
                down.bound_at = now;
                started.push(track_id);
            }
        }
        for track in started {
            self.request_keyframes(track, now);
        }
    }

    fn path_changed(&mut self, index: usize, state: IceConnectionState) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let reachable = state.is_connected();
        let changed = std::mem::replace(&mut peer.reachable, reachable) != reachable;
        peer.given_up = !reachable && (peer.given_up || state == IceConnectionState::Disconnected);
        let event = match state {
            IceConnectionState::Disconnected => Event::Disconnected(peer.id),
            // The first connection is told when DTLS is up.
            _ if reachable && changed && peer.secure => Event::Connected(peer.id),
            _ => return,
        };
        self.outputs.push_back(Output::Event(event));
    }

    /// A subscriber asks for a keyframe of the stream with this SSRC.
    pub(crate) fn subscriber_asks_keyframe(&mut self, now: Instant, index: usize, media: u32) {
        let Some(track_index) = self.peers.get(index).and_then(|peer| peer.streams.get(&media)).copied() else {
            return;
        };
        let Some(track) = self.tracks.get_mut(track_index) else {
            return;
        };
        let layer = track.down_of(index).and_then(|down| down.forwarder.current().or_else(|| down.forwarder.target()));
        if let Some(ssrc) = layer.and_then(|layer| track.request_keyframe(layer, now)) {
            self.ask_publisher(track_index, ssrc);
        }
    }

    /// Ask for keyframes of the layers that subscribers of a track wait for.
    pub(crate) fn request_keyframes(&mut self, track: TrackId, now: Instant) {
        let Some(index) = self.track_index(track) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        let mut wanted = 0u8;
        for down in track.downs.iter().filter(|down| down.live) {
            match down.forwarder.target() {
                Some(layer) if down.forwarder.current() != Some(layer) => wanted |= 1 << layer,
                _ => {}
            }
        }
        for layer in (0..LAYERS as u8).filter(|layer| wanted & (1 << layer) != 0) {
            if let Some(ssrc) = self.tracks.get_mut(index).and_then(|track| track.request_keyframe(layer, now)) {
                self.ask_publisher(index, ssrc);
            }
        }
    }

    pub(crate) fn send_overdue_keyframes(&mut self, index: usize, now: Instant) {
        while let Some(ssrc) = self.tracks.get_mut(index).and_then(|track| track.overdue_keyframe(now)) {
            self.ask_publisher(index, ssrc);
        }
    }

    pub(crate) fn ask_publisher(&mut self, track: usize, ssrc: Ssrc) {
        let publisher = self.tracks.get(track).and_then(|track| track.publisher);
        let Some((publisher, _)) = publisher else {
            return self.ask_elsewhere(track, ssrc);
        };
        if let Some(peer) = self.peers.get_mut(publisher) {
            self.counters.keyframes_asked += 1;
            peer.request_keyframe(ssrc);
            self.mark_dirty(publisher);
        }
    }

    /// Forget the old ICE user name after a restart, know the new one.
    pub(crate) fn update_ufrag(&mut self, index: usize) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let Some(ufrag) = peer.with(|rtc| rtc.direct_api().local_ice_credentials().ufrag) else {
            return;
        };
        if ufrag == peer.ufrag {
            return;
        }
        let old = std::mem::replace(&mut peer.ufrag, ufrag.clone());
        peer.remote_candidates = 0;
        peer.nominated.clear();
        self.demux.remove_ufrag(&old);
        self.demux.set_ufrag(ufrag, index);
    }

    /// Give one received packet to everybody who shall have it.
    fn forward(&mut self, now: Instant, publisher: usize, packet: &RtpPacket) {
        self.counters.received += 1;
        if packet.payload.len() > MAX_PAYLOAD {
            return;
        }
        let Some(source) = self.source(publisher, packet) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(publisher) else {
            return;
        };
        peer.stats.packets_up += 1;
        let arrival = arrival(peer, &source, packet, now);
        let Some(track) = self.tracks.get_mut(source.track) else {
            return;
        };
        if !track.admits(now, packet.payload.len(), self.config.limits.track_bits_per_second) {
            self.counters.excessive += 1;
            return;
        }
        if track.kind == MediaKind::Audio
            && !track.muted
            && let Some(level) = packet.header.ext_vals.audio_level
        {
            track.level.observe(now, level.unsigned_abs());
        }
        let marker = packet.header.marker;
        let extensions = Forwarded::of(&packet.header.ext_vals);
        let incoming = Incoming { arrival, marker, extensions, payload: Arc::clone(&packet.payload) };
        if track.relayed {
            self.hops.push_back(Hop::Packet(HopPacket { track: track.id, source, incoming: incoming.clone() }));
        }
        self.spread(now, &source, &incoming);
    }

    /// Give one packet of a track to everybody here who shall have it.
    pub(crate) fn spread(&mut self, now: Instant, source: &Source, packet: &Incoming) {
        let Incoming { arrival, payload, .. } = packet;
        let Some(track) = self.tracks.get_mut(source.track) else {
            return;
        };
        let temporal = arrival.vp8.map_or(0, |fields| fields.temporal);
        let changed = track.saw_packet(source.layer, temporal, payload.len(), arrival.ssrc.into(), now);
        if arrival.starts_keyframe {
            track.keyframe_came(source.layer);
        }
        let first = source.red.is_none() && track.is_first(arrival);
        if changed {
            track.retarget();
            self.track_changed(source.track);
        }
        if source.red.is_some() {
            return self.forward_redundant(now, source, packet);
        }
        if !first {
            return;
        }
        let wants_keyframe = self.fan_out(now, source, packet, &Contents::plain(payload));
        if wants_keyframe
            && let Some(ssrc) = self.tracks.get_mut(source.track).and_then(|t| t.request_keyframe(source.layer, now))
        {
            self.ask_publisher(source.track, ssrc);
        }
    }

    /// A packet of redundant audio: first the frames in it that were lost on their way to us, then what is new in it.
    fn forward_redundant(&mut self, now: Instant, source: &Source, packet: &Incoming) {
        let arrival = &packet.arrival;
        let (Some(red), Some(opus)) = (Redundant::parse(&packet.payload), source.red) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(source.track) else {
            return;
        };
        track.red.get_or_insert_with(|| Box::new(History::new(arrival.ssrc)));
        let new = track.is_first(arrival);
        let repeated = red.earlier();
        let count = repeated.len() as u64;
        for (frame, back) in repeated.zip((1..=count).rev()) {
            let timestamp = arrival.timestamp.wrapping_sub(frame.age);
            let lost = self.tracks.get(source.track).and_then(|track| track.lost(arrival, back, timestamp));
            let Some(sequence) = lost.filter(|_| frame.payload_type == *opus && !frame.payload.is_empty()) else {
                continue;
            };
            let age = Duration::from_secs(1) * frame.age / source.format.clock_rate.max(1);
            let captured = arrival.captured.and_then(|captured| captured.checked_sub(age));
            let restored = Arrival { sequence, timestamp, captured, ..*arrival };
            if self.tracks.get_mut(source.track).is_some_and(|track| track.is_first(&restored)) {
                self.counters.restored += 1;
                let payload: Arc<[u8]> = frame.payload.into();
                let restored = Incoming { arrival: restored, marker: false, ..packet.clone() };
                self.fan_out(now, source, &restored, &Contents::plain(&payload));
            }
        }
        if new && red.primary.payload_type == *opus {
            let arrival = Arrival { empty: red.primary.payload.is_empty(), ..*arrival };
            let contents = Contents::redundant(&packet.payload, red.primary.payload, opus);
            self.fan_out(now, source, &Incoming { arrival, ..packet.clone() }, &contents);
        }
    }

    /// True if a subscriber waits for a keyframe of this source.
    fn fan_out(&mut self, now: Instant, source: &Source, packet: &Incoming, contents: &Contents<'_>) -> bool {
        let Incoming { arrival, marker, extensions, .. } = packet;
        let Self { tracks, peers, turn, counters, outputs, .. } = self;
        let Some(track) = tracks.get_mut(source.track) else {
            return false;
        };
        let mut wants_keyframe = false;
        // Before the first report the same margin is assumed, so that sound and picture do not shift when it comes.
        let assumed = arrival.arrived.checked_sub(capture::MARGIN).unwrap_or(arrival.arrived);
        let captured = arrival.captured.unwrap_or(assumed);
        for down in track.downs.iter_mut().filter(|down| down.live) {
            let (sequence, timestamp, vp8) = match down.forwarder.decide(arrival) {
                Decision::Send { sequence, timestamp, vp8 } => (sequence, timestamp, vp8),
                Decision::Drop => continue,
                Decision::NeedKeyframe => {
                    wants_keyframe = true;
                    continue;
                }
            };
            let Some(peer) = peers.get_mut(down.peer) else {
                continue;
            };
            let (red, payload) = contents.towards(down.red);
            let red = red.map(|red| (*red, None));
            let Some((payload_type, repair_type)) = red.or_else(|| payload_type(down, peer, source.format)) else {
                if !std::mem::replace(&mut down.refusal_told, true) {
                    outputs.push_back(Output::Event(Event::CodecRefused(down.peer_id, track.id)));
                }
                continue;
            };
            let packet = Outgoing {
                sequence,
                timestamp,
                captured,
                marker: *marker,
                payload_type,
                repair_type,
                extensions: extensions.clone(),
                vp8,
                payload,
            };
            peer.send(now, source.track, down, packet, turn);
            counters.forwarded += 1;
        }
        wants_keyframe
    }

    /// Where packets of this SSRC go; looked up once and remembered.
    fn source(&mut self, index: usize, packet: &RtpPacket) -> Option<Source> {
        let ssrc = packet.header.ssrc;
        let peer = self.peers.get_mut(index)?;
        if let Some(source) = peer.sources.get(&ssrc)
            && source.payload_type == packet.header.payload_type
        {
            return Some(*source);
        }
        let (mid, rid) = peer.source_section(ssrc)?;
        let (format, red) = peer.format(packet.header.payload_type)?;
        let Some(Use::Receive(track)) = peer.negotiation.sections.get(&mid).copied() else {
            return None;
        };
        let track_index = self.track_index(track)?;
        let track = self.tracks.get(track_index)?;
        if track.publisher != Some((index, mid)) {
            return None;
        }
        let layer = track.layer_of(rid.as_deref());
        let source = Source { track: track_index, layer, mid, payload_type: packet.header.payload_type, format, red };
        let peer = self.peers.get_mut(index)?;
        if peer.sources.len() >= SOURCES {
            peer.sources.clear();
        }
        peer.sources.insert(ssrc, source);
        Some(source)
    }

    /// Give audio subscribers that never got anything a packet of silence.
    pub(crate) fn send_silence(&mut self, index: usize, now: Instant) {
        let Self { tracks, peers, turn, .. } = self;
        let Some(track) = tracks.get_mut(index) else {
            return;
        };
        for down in &mut track.downs {
            if !down.wants_silence(now) {
                continue;
            }
            let Some(peer) = peers.get_mut(down.peer) else {
                continue;
            };
            let opus = Format::OPUS;
            let Some((payload_type, _)) = payload_type(down, peer, opus) else {
                continue;
            };
            let (sequence, timestamp) = down.forwarder.insert(now, OPUS_TICKS);
            let packet = Outgoing {
                sequence,
                timestamp,
                // As of a source that has not reported yet.
                captured: now.checked_sub(capture::MARGIN).unwrap_or(now),
                marker: false,
                payload_type,
                repair_type: None,
                extensions: Forwarded::default(),
                vp8: None,
                payload: OPUS_SILENCE.as_slice().into(),
            };
            peer.send(now, index, down, packet, turn);
        }
    }
}

/// The payload type for a format, remembered as long as the format stays.
fn payload_type(down: &mut Down, peer: &mut Peer, format: Format) -> Option<PayloadType> {
    match down.payload_type {
        Some((known, payload_type)) if known == format => payload_type,
        _ => {
            let payload_type = peer.payload_type(down.mid, format);
            down.payload_type = Some((format, payload_type));
            payload_type
        }
    }
}

fn arrival(peer: &mut Peer, source: &Source, packet: &RtpPacket, now: Instant) -> Arrival {
    let vp8 = (source.format.codec == Codec::Vp8).then(|| Vp8Fields::parse(&packet.payload)).flatten();
    let report = packet
        .last_sender_info
        .as_ref()
        .map(|info| Report { wallclock: info.ntp_time, timestamp: info.rtp_time.numer() as u32 });
    Arrival {
        ssrc: *packet.header.ssrc,
        layer: source.layer,
        sequence: *packet.seq_no,
        timestamp: packet.header.timestamp,
        captured: peer.captured(report, packet.header.timestamp, source.format.clock_rate, now),
        arrived: now,
        starts_keyframe: starts_keyframe(source.format.codec, &packet.payload),
        empty: packet.payload.is_empty(),
        vp8,
    }
}

/// The address that ICE knows for the socket a datagram arrived at; of the remote's family, if a socket has several.
fn advertised(candidates: &[Candidate], datagram: &Datagram<'_>) -> std::net::SocketAddr {
    let here = candidates
        .iter()
        .filter(|candidate| candidate.protocol == datagram.protocol && candidate.bound == datagram.local);
    let same_family = here.clone().find(|candidate| candidate.advertised.is_ipv4() == datagram.remote.is_ipv4());
    same_family.or_else(|| here.clone().next()).map_or(datagram.local, |candidate| candidate.advertised)
}

/// The socket behind an address that ICE knows.
fn bound(candidates: &[Candidate], protocol: Protocol, address: std::net::SocketAddr) -> std::net::SocketAddr {
    candidates
        .iter()
        .find(|candidate| candidate.protocol == protocol && candidate.advertised == address)
        .map_or(address, |candidate| candidate.bound)
}
