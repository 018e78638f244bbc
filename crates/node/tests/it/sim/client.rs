//! One LiveKit client: it speaks as livekit-client does, and checks what it is told.
//!
//! What must never happen: an answer without offer or out of order, a description that names a track nobody was told of,
//! a track on two sections, a participant whose version goes back, a picture that does not begin with a keyframe.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use node::ConnectionId;
use node::token::Claims;
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};

use str0m::rtp::{RedDecoder, RtpPacket};
use testkit::client::{Client, Packet, add_channels};
use testkit::link::Wire;

/// The last byte of the packet of silence that opens a track.
const SILENCE: u8 = 0xfe;

/// What a VP8 keyframe of the server begins with, after its tag: the start code and 16 x 16 pixels (RFC 6386 section 9.1).
const BLACK: [u8; 7] = [0x9d, 0x01, 0x2a, 16, 0, 16, 0];

/// Bytes of a packet of those that have a size.
const PACKET_BYTES: usize = 1_100;

/// How a client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Single,
    Dual,
}

/// A track that a client sends: packets carry the mark, so that a receiver can tell whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) cid: String,
    pub(crate) sid: String,
    pub(crate) kind: MediaKind,
    pub(crate) mid: Option<Mid>,
    pub(crate) mark: u8,
    rids: Vec<&'static str>,
    /// Next number of each encoding.
    sequences: Vec<u64>,
    /// Encodings that nobody wants, as the server says.
    pub(crate) off: BTreeSet<usize>,
    /// Timestamp of the audio packet before.
    last_timestamp: Option<u32>,
    /// Bits a second of each encoding; where none are named, packets are as small as can be.
    rates: Vec<usize>,
    /// Bytes of a keyframe of each encoding; where none are named, it is four times as large as other pictures.
    keyframe_bytes: Vec<usize>,
    /// When the last keyframe was sent.
    pub(crate) began: Option<Instant>,
    /// Encodings (0 = the only or the lowest one) that begin a picture anew with their next packet.
    keyframes: BTreeSet<usize>,
    pub(crate) paused: bool,
    /// The server does not take it.
    pub(crate) refused: bool,
}

impl Sent {
    pub(crate) fn new(index: usize, kind: MediaKind, mark: u8, rids: &[&'static str]) -> Self {
        Self {
            cid: format!("cid-{index}-{mark}"),
            sid: String::new(),
            kind,
            mid: None,
            mark,
            rids: rids.to_vec(),
            sequences: vec![1; rids.len().max(1)],
            off: BTreeSet::new(),
            last_timestamp: None,
            rates: Vec::new(),
            keyframe_bytes: Vec::new(),
            began: None,
            keyframes: (0..rids.len().max(1)).collect(),
            paused: false,
            refused: false,
        }
    }

    pub(crate) fn announcement(&self) -> proto::AddTrackRequest {
        let (track_type, source) = match self.kind {
            MediaKind::Audio => (proto::TrackType::Audio, proto::TrackSource::Microphone),
            MediaKind::Video => (proto::TrackType::Video, proto::TrackSource::Camera),
        };
        let layer = |(quality, scale): (usize, &u32)| proto::VideoLayer {
            quality: i32::try_from(quality).expect("three at most"),
            width: 320 * scale,
            height: 180 * scale,
            ..proto::VideoLayer::default()
        };
        proto::AddTrackRequest {
            cid: self.cid.clone(),
            name: format!("track {}", self.mark),
            r#type: track_type as i32,
            source: source as i32,
            layers: [1, 2, 4][..self.rids.len()].iter().enumerate().map(layer).collect(),
            ..proto::AddTrackRequest::default()
        }
    }

    /// The same with so many bits a second of each encoding.
    pub(crate) fn rated(mut self, rates: &[usize]) -> Self {
        self.rates = rates.to_vec();
        self
    }

    /// The same with keyframes of so many bytes.
    pub(crate) fn with_keyframes(mut self, bytes: &[usize]) -> Self {
        self.keyframe_bytes = bytes.to_vec();
        self
    }

    /// The encoder begins the picture anew.
    pub(crate) fn begin_anew(&mut self) {
        self.keyframes = (0..self.rids.len().max(1)).collect();
    }

    fn simulcast(&self) -> Option<Simulcast> {
        let mut simulcast = Simulcast::new();
        for rid in &self.rids {
            simulcast.add_send_layer(SimulcastLayer::new(rid));
        }
        (!self.rids.is_empty()).then_some(simulcast)
    }

    /// VP8: a payload descriptor that starts a partition and has a picture id, then a frame (RFC 7741 sections 4.2, 4.3).
    fn payload(&self, encoding: usize, keyframe: bool) -> Vec<u8> {
        let mark = self.mark + u8::try_from(encoding).expect("three at most");
        if self.kind == MediaKind::Audio {
            return vec![0xf8, 0x00, mark];
        }
        let picture = u16::try_from(self.sequences[encoding] & 0x7fff).expect("15 bits") | 0x8000;
        let [high, low] = picture.to_be_bytes();
        let mut payload = vec![0x90, 0x80, high, low, u8::from(!keyframe), 0x00, 0x00];
        if keyframe {
            payload.extend([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
        }
        payload.push(mark);
        payload
    }

    /// As livekit-client: the qualities of the codec that is sent, by the names of the encodings; the only one is the lowest.
    fn set_wanted(&mut self, update: &proto::SubscribedQualityUpdate) {
        let codec = update.subscribed_codecs.first().expect("a codec");
        assert_eq!(codec.qualities.len(), 3, "{update:?}");
        for quality in &codec.qualities {
            let encoding = usize::try_from(quality.quality).expect("no more than high");
            if quality.enabled {
                self.off.remove(&encoding);
            } else {
                self.off.insert(encoding);
            }
        }
    }

    /// The packets of a picture, or the one of 20 ms of sound.
    fn packets(&self, encoding: usize, keyframe: bool) -> Vec<Vec<u8>> {
        let first = self.payload(encoding, keyframe);
        let Some(rate) = self.rates.get(encoding) else { return vec![first] };
        let bytes = match self.keyframe_bytes.get(encoding) {
            Some(bytes) if keyframe => *bytes,
            _ => rate / 8 / 50 * if keyframe && self.kind == MediaKind::Video { 4 } else { 1 },
        };
        let mut packets = vec![first];
        packets.resize_with(bytes.div_ceil(PACKET_BYTES).max(1), || {
            let mut next = self.payload(encoding, false);
            next[0] = 0x80;
            next
        });
        let each = bytes / packets.len();
        for packet in &mut packets {
            let mark = packet.pop().expect("the mark");
            packet.resize(each.max(packet.len() + 1) - 1, 0);
            packet.push(mark);
        }
        packets
    }

    fn send(&mut self, publisher: &mut Client, now: Instant, elapsed: Duration) {
        let Some(mid) = self.mid.filter(|_| !self.paused) else { return };
        let audio = self.kind == MediaKind::Audio;
        let clock = if audio { 48 } else { 90 };
        let timestamp = u32::try_from(elapsed.as_millis() * clock % u128::from(u32::MAX)).expect("in range");
        for encoding in (0..self.rids.len().max(1)).filter(|encoding| !self.off.contains(encoding)).collect::<Vec<_>>()
        {
            let packets = self.packets(encoding, self.keyframes.contains(&encoding));
            for (index, payload) in packets.iter().enumerate() {
                let packet = Packet {
                    codec: if audio { Codec::Opus } else { Codec::Vp8 },
                    rid: self.rids.get(encoding).copied(),
                    sequence: self.sequences[encoding],
                    timestamp,
                    marker: index + 1 == packets.len(),
                    level: audio.then_some(20),
                    payload,
                };
                // As a browser: each packet repeats the frame before it.
                let age = self.last_timestamp.filter(|_| audio).map(|last| u16::try_from(timestamp.wrapping_sub(last)));
                let repeated = age.is_some_and(|age| {
                    age.is_ok_and(|age| age < 1 << 14 && publisher.send_red(now, mid, &packet, age, payload))
                });
                if repeated || publisher.send(now, mid, &packet) {
                    self.sequences[encoding] += 1;
                    self.last_timestamp = Some(timestamp);
                    if self.keyframes.remove(&encoding) {
                        self.began = Some(now);
                    }
                }
            }
        }
    }
}

/// One LiveKit client.
pub(crate) struct Participant {
    pub(crate) identity: String,
    pub(crate) mode: Mode,
    pub(crate) connection: Option<ConnectionId>,
    /// Sends; with one peer connection receives too.
    pub(crate) publisher: Client,
    pub(crate) subscriber: Option<Client>,
    pub(crate) sid: String,
    pub(crate) room: String,
    pub(crate) hidden: bool,
    pub(crate) closed: bool,
    /// Was not let in.
    pub(crate) refused: bool,
    pub(crate) left: Option<proto::LeaveRequest>,
    offers: u32,
    pub(crate) awaits_answer: Option<u32>,
    last_offer: String,
    pub(crate) wants_offer: bool,
    /// The next offer restarts ICE.
    restarts: bool,
    /// Sections that stop sending with the next offer.
    pub(crate) stops: Vec<Mid>,
    extra: [u32; 2],
    pub(crate) receivers: Vec<(Mid, MediaKind)>,
    pub(crate) sent: Vec<Sent>,
    /// After a resume it tells what it has and restarts ICE.
    pub(crate) tells_its_state: bool,
    /// Offers of the server are left without answer.
    pub(crate) ignores_offers: bool,
    /// Requests for more sections are left without offer.
    pub(crate) adds_no_sections: bool,
    /// It sends no encoding that nobody wants.
    pub(crate) dynacast: bool,
    /// Its offers do not have this codec.
    pub(crate) lacks_codec: Option<&'static str>,
    /// Tracks that were explicitly wanted or not.
    pub(crate) wishes: BTreeMap<String, bool>,
    /// Everybody this client was told of, and the tracks it was told of.
    pub(crate) others: BTreeMap<String, proto::ParticipantInfo>,
    announced: HashSet<String>,
    mids: HashMap<String, String>,
    /// Video streams that began with a keyframe.
    decodable: HashSet<(Mid, u32)>,
    raw: BTreeMap<(Mid, u32), usize>,
    /// The track that each stream belongs to.
    owners: HashMap<(Mid, u32), String>,
    /// Packets of pictures that did not begin.
    pub(crate) undecodable: usize,
    /// Audio frames received by track sid, each packet's own and those it repeats: their extended timestamps.
    pub(crate) frames: BTreeMap<String, BTreeSet<u64>>,
    /// Black pictures by track sid.
    pub(crate) blanks: BTreeMap<String, usize>,
    /// Packets received by track sid that can be played: mark to count.
    pub(crate) received: BTreeMap<String, BTreeMap<u8, usize>>,
    /// The last keyframe by track sid: its timestamp, and when the last of its packets came.
    pub(crate) keyframes: BTreeMap<String, (u64, Instant)>,
    pub(crate) data: Vec<proto::DataPacket>,
    pub(crate) messages: Vec<Response>,
    pub(crate) refresh_token: Option<String>,
    requests: Vec<Request>,
}

impl Participant {
    pub(crate) fn new(now: Instant, index: usize, claims: &Claims, mode: Mode, (red, ipv6): (bool, bool)) -> Self {
        let host = u8::try_from(index % 200).expect("small") + 1;
        let net = u8::try_from(index / 200).expect("small") + 1;
        let v6 = || IpAddr::from([0xfd00, 0, 0, 0, 0, 1, net.into(), host.into()]);
        let ip = if ipv6 { v6() } else { IpAddr::from([10, 1, net, host]) };
        let address = |port| SocketAddr::new(ip, port);
        let grant = claims.grant();
        Self {
            identity: claims.identity().to_owned(),
            mode,
            connection: None,
            publisher: Client::with_red(now, address(5000), red),
            subscriber: (mode == Mode::Dual).then(|| Client::with_red(now, address(6000), red)),
            sid: String::new(),
            room: grant.room,
            hidden: grant.hidden,
            closed: false,
            refused: false,
            left: None,
            offers: 0,
            awaits_answer: None,
            last_offer: String::new(),
            wants_offer: false,
            restarts: false,
            stops: Vec::new(),
            extra: [0, 0],
            receivers: Vec::new(),
            sent: Vec::new(),
            tells_its_state: true,
            ignores_offers: false,
            adds_no_sections: false,
            dynacast: true,
            lacks_codec: None,
            wishes: BTreeMap::new(),
            others: BTreeMap::new(),
            announced: HashSet::new(),
            mids: HashMap::new(),
            decodable: HashSet::new(),
            undecodable: 0,
            raw: BTreeMap::new(),
            owners: HashMap::new(),
            frames: BTreeMap::new(),
            blanks: BTreeMap::new(),
            received: BTreeMap::new(),
            keyframes: BTreeMap::new(),
            data: Vec::new(),
            messages: Vec::new(),
            refresh_token: None,
            requests: Vec::new(),
        }
    }

    /// Still in the room as far as it knows, perhaps without signalling.
    pub(crate) fn is_in(&self) -> bool {
        !self.closed && !self.refused && self.left.is_none()
    }

    /// The others with the tracks they publish, by sid.
    pub(crate) fn knows(&self) -> BTreeSet<(String, BTreeSet<String>)> {
        let others = self.others.values().filter(|other| other.sid != self.sid);
        let tracks = |other: &proto::ParticipantInfo| other.tracks.iter().map(|track| track.sid.clone()).collect();
        others.map(|other| (other.sid.clone(), tracks(other))).collect()
    }

    pub(crate) fn report(&self) -> String {
        let sent: Vec<_> = self.sent.iter().map(|sent| (&sent.sid, sent.mark, sent.mid, &sent.sequences)).collect();
        let connected: Vec<bool> =
            [Some(&self.publisher), self.subscriber.as_ref()].into_iter().flatten().map(|pc| pc.connected).collect();
        let last: Vec<String> = self
            .messages
            .iter()
            .rev()
            .take(12)
            .map(|message| format!("{message:.0?}").chars().take(60).collect())
            .collect();
        format!(
            "{} connected {connected:?} left {:?} mids {:?}\n  sends {sent:?}\n  received {:?}, not to be played {}\n  \
             awaits answer {:?}, wants offer {}, last told {last:?}\n  raw {:?}\n",
            self.identity,
            self.left,
            self.mids,
            self.received,
            self.undecodable,
            self.awaits_answer,
            self.wants_offer,
            self.raw,
        )
    }

    /// As livekit-client: three data channels, three audio and three video sections that receive.
    pub(crate) fn first_offer(&mut self) -> proto::SessionDescription {
        self.extra = [3, 3];
        self.offer(true)
    }

    fn offer(&mut self, with_channels: bool) -> proto::SessionDescription {
        self.wants_offer = false;
        let (receivers, sent) = (&mut self.receivers, &mut self.sent);
        let extra = std::mem::take(&mut self.extra);
        let stops = std::mem::take(&mut self.stops);
        let restarts = std::mem::take(&mut self.restarts);
        // A section that was answered inactive goes on offering to receive, as a browser's transceiver does.
        let idle: Vec<Mid> = receivers
            .iter()
            .filter(|(mid, _)| {
                self.publisher.rtc.media(*mid).is_some_and(|media| media.direction() == Direction::Inactive)
            })
            .map(|(mid, _)| *mid)
            .collect();
        let fresh = sent.iter().any(|track| track.mid.is_none());
        let nothing = !with_channels && extra == [0, 0] && stops.is_empty() && !restarts && idle.is_empty() && !fresh;
        let ((), sdp) = self.publisher.offer(|api| {
            if with_channels {
                add_channels(api);
            }
            if restarts {
                api.ice_restart(true);
            }
            for (kind, count) in [(MediaKind::Audio, extra[0]), (MediaKind::Video, extra[1])] {
                for _ in 0..count {
                    receivers.push((api.add_media(kind, Direction::RecvOnly, None, None, None), kind));
                }
            }
            for mid in stops {
                api.set_direction(mid, Direction::Inactive);
            }
            if let (true, Some((mid, _))) = (nothing, receivers.first()) {
                // str0m makes no offer that says the same again.
                api.set_direction(*mid, Direction::Inactive);
                api.set_direction(*mid, Direction::RecvOnly);
            }
            for mid in idle {
                api.set_direction(mid, Direction::RecvOnly);
            }
            for track in sent.iter_mut().filter(|track| track.mid.is_none()) {
                let (stream, cid) = (Some("stream".to_owned()), Some(track.cid.clone()));
                track.mid = Some(api.add_media(track.kind, Direction::SendOnly, stream, cid, track.simulcast()));
            }
        });
        let sdp = self.lacks_codec.map_or_else(|| sdp.clone(), |codec| without_codec(&sdp, codec));
        self.last_offer.clone_from(&sdp);
        self.tell_offer(sdp)
    }

    fn tell_offer(&mut self, sdp: String) -> proto::SessionDescription {
        self.offers += 1;
        self.awaits_answer = Some(self.offers);
        proto::SessionDescription { r#type: "offer".into(), sdp, id: self.offers, ..Default::default() }
    }

    /// Requests that the client wants to make now.
    pub(crate) fn pending_requests(&mut self) -> Vec<Request> {
        if self.wants_offer && self.awaits_answer.is_none() && self.connection.is_some() {
            let first = self.mode == Mode::Dual && self.offers == 0;
            let offer = self.offer(first);
            self.requests.push(Request::Offer(offer));
        }
        std::mem::take(&mut self.requests)
    }

    fn answer(&mut self, offer: &proto::SessionDescription) {
        let Some(subscriber) = self.subscriber.as_mut().filter(|_| !self.ignores_offers) else {
            return;
        };
        let sdp = subscriber.accept_offer(&offer.sdp);
        let answer = proto::SessionDescription { r#type: "answer".into(), sdp, id: offer.id, ..Default::default() };
        self.requests.push(Request::Answer(answer));
    }

    /// What livekit-client does when its signalling is back: it tells what it has, then offers again and restarts ICE.
    fn resumed(&mut self) {
        let unwanted = self.wishes.iter().filter(|(_, wanted)| !**wanted).map(|(sid, _)| sid.clone());
        let published = self.sent.iter().filter(|sent| !sent.sid.is_empty() && !sent.refused);
        let publish_tracks = published.map(|sent| proto::TrackPublishedResponse {
            cid: sent.cid.clone(),
            track: Some(proto::TrackInfo { sid: sent.sid.clone(), ..proto::TrackInfo::default() }),
        });
        let state = proto::SyncState {
            subscription: Some(proto::UpdateSubscription { track_sids: unwanted.collect(), ..Default::default() }),
            publish_tracks: publish_tracks.collect(),
            ..proto::SyncState::default()
        };
        self.requests.push(Request::SyncState(state));
        if self.offers == 0 {
            return;
        }
        self.restarts = true;
        self.wants_offer = true;
        if self.awaits_answer.is_some() {
            // The answer is lost. A browser keeps the sections of that offer in the next one.
            let again = self.tell_offer(self.last_offer.clone());
            self.requests.push(Request::Offer(again));
        }
    }

    pub(crate) fn signal(&mut self, message: Response, seed: u64) {
        match &message {
            Response::Join(join) => {
                assert!(self.messages.is_empty(), "seed {seed}: something came before the join response");
                self.sid = join.participant.as_ref().expect("own info").sid.clone();
                assert!(self.sid.starts_with("PA_"));
                for info in &join.other_participants {
                    self.learn(info.clone(), seed);
                }
            }
            Response::Reconnect(_) if self.tells_its_state => self.resumed(),
            Response::Update(update) => {
                for info in &update.participants {
                    self.learn(info.clone(), seed);
                }
            }
            Response::Answer(answer) => {
                let expected = self.awaits_answer.take();
                assert_eq!(expected, Some(answer.id), "seed {seed}: answer without offer, or out of order");
                self.check_description(answer, seed);
                if self.mode == Mode::Single {
                    self.mids = answer.mid_to_track_id.clone();
                }
                self.publisher.accept_answer(&answer.sdp);
                // In browsers an answer enables all encodings again.
                self.sent.iter_mut().for_each(|sent| sent.off.clear());
            }
            Response::Offer(offer) => {
                assert_eq!(self.mode, Mode::Dual, "seed {seed}: server offer to a client with one peer connection");
                self.check_description(offer, seed);
                if !self.ignores_offers {
                    self.mids = offer.mid_to_track_id.clone();
                }
                self.answer(offer);
            }
            Response::MediaSectionsRequirement(requirement) if !self.adds_no_sections => {
                self.extra[0] += requirement.num_audios;
                self.extra[1] += requirement.num_videos;
                self.wants_offer = true;
            }
            Response::TrackPublished(published) => {
                let track = published.track.as_ref().expect("track info");
                if let Some(sent) = self.sent.iter_mut().find(|sent| sent.cid == published.cid) {
                    sent.sid.clone_from(&track.sid);
                }
            }
            Response::RequestResponse(response) => {
                if let Some(proto::request_response::Request::AddTrack(add)) = &response.request {
                    let refused = self.sent.iter_mut().filter(|sent| sent.cid == add.cid);
                    refused.for_each(|sent| sent.refused = true);
                }
            }
            Response::TrackUnpublished(unpublished) => {
                let gone = self.sent.iter_mut().filter(|sent| sent.sid == unpublished.track_sid);
                gone.for_each(|sent| sent.refused = true);
            }
            Response::SubscribedQualityUpdate(update) if self.dynacast => {
                self.sent
                    .iter_mut()
                    .filter(|sent| sent.sid == update.track_sid)
                    .for_each(|sent| sent.set_wanted(update));
            }
            Response::RefreshToken(token) => {
                assert!(!token.is_empty());
                self.refresh_token = Some(token.clone());
            }
            Response::Leave(leave) => self.left = Some(leave.clone()),
            _ => {}
        }
        self.messages.push(message);
    }

    fn learn(&mut self, info: proto::ParticipantInfo, seed: u64) {
        if info.sid == self.sid {
            self.hidden = info.permission.as_ref().is_some_and(|permission| permission.hidden);
        }
        self.announced.extend(info.tracks.iter().map(|track| track.sid.clone()));
        if let Some(known) = self.others.get(&info.sid) {
            assert!(known.version <= info.version, "seed {seed}: version of {} goes back", info.identity);
        }
        if info.state == proto::participant_info::State::Disconnected as i32 {
            self.others.remove(&info.sid);
        } else {
            self.others.retain(|_, known| known.identity != info.identity || known.sid == info.sid);
            self.others.insert(info.sid.clone(), info);
        }
    }

    /// The invariant: no description names a track that the client has not been told of, nor one track twice.
    fn check_description(&mut self, description: &proto::SessionDescription, seed: u64) {
        self.owners.extend(streams(&description.sdp));
        let name = &self.identity;
        let mut mapped = HashSet::new();
        for sid in description.mid_to_track_id.values() {
            assert!(self.announced.contains(sid), "seed {seed}: {name} was never told of {sid}");
            assert!(mapped.insert(sid.as_str()), "seed {seed}: {sid} is on two sections of {name}");
        }
        let mut named = HashSet::new();
        for line in description.sdp.lines().filter(|line| line.starts_with("a=msid:PA_")) {
            let sid = line.split(' ').nth(1).expect("track id");
            assert!(self.announced.contains(sid), "seed {seed}: {name} was never told of {sid}");
            assert!(named.insert(sid), "seed {seed}: {sid} is named by two sections of {name}");
        }
    }

    /// The TURN server that it was told last.
    pub(crate) fn ice_server(&self) -> Option<proto::IceServer> {
        self.messages.iter().rev().find_map(|message| match message {
            Response::Join(join) => join.ice_servers.first().cloned(),
            Response::Reconnect(reconnect) => reconnect.ice_servers.first().cloned(),
            _ => None,
        })
    }

    pub(crate) fn owns(&self, address: SocketAddr) -> bool {
        self.publisher.address == address || self.subscriber.as_ref().is_some_and(|client| client.address == address)
    }

    pub(crate) fn transport(&mut self, address: SocketAddr) -> &mut Client {
        match &mut self.subscriber {
            Some(subscriber) if subscriber.address == address => subscriber,
            _ => &mut self.publisher,
        }
    }

    pub(crate) fn due(&self) -> Instant {
        let subscriber = self.subscriber.as_ref().map(Client::timeout);
        subscriber.into_iter().chain([self.publisher.timeout()]).min().expect("one at least")
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Wire> {
        let mut wires = Vec::new();
        let mut packets = Vec::new();
        for client in [Some(&mut self.publisher), self.subscriber.as_mut()].into_iter().flatten() {
            if client.timeout() <= now {
                wires.extend(client.poll(now));
            }
            packets.append(&mut client.packets);
            for (_, bytes) in client.messages.drain(..) {
                self.data.push(proto::DataPacket::decode(bytes.as_slice()).expect("a data packet"));
            }
        }
        for (mid, packet) in packets {
            self.play(mid, &packet);
        }
        self.hear_keyframe_requests();
        wires
    }

    /// Counts a packet, unless it is of a picture that did not begin yet: then it asks for a keyframe, as a decoder does.
    fn play(&mut self, mid: Mid, packet: &RtpPacket) {
        *self.raw.entry((mid, *packet.header.ssrc)).or_default() += 1;
        let Some(sid) = self.mids.get(&mid.to_string()).cloned() else { return };
        // The server's own offers do not name the SSRC of a section that they add; nothing comes on it before the answer.
        let stream = (mid, *packet.header.ssrc);
        if self.mode == Mode::Dual {
            self.owners.entry(stream).or_insert_with(|| sid.clone());
        }
        if self.owners.get(&stream) != Some(&sid) {
            // Of the track that the section carried before, or of the one that the answer on its way will name.
            return;
        }
        let receiver = self.subscriber.as_ref().unwrap_or(&self.publisher);
        let video = receiver.payload_type(Codec::Vp8) == Some(packet.header.payload_type);
        if !video {
            let repeats = receiver.red_type() == Some(packet.header.payload_type);
            let repeats = repeats.then(|| RedDecoder::decode(&packet.payload).expect("redundant audio"));
            let ages =
                repeats.map_or_else(|| vec![0], |blocks| blocks.iter().map(|block| block.timestamp_offset).collect());
            let newest = packet.time.numer();
            self.frames.entry(sid.clone()).or_default().extend(ages.iter().map(|age| newest - u64::from(*age)));
        }
        if video && packet.payload.get(7..14) == Some(&BLACK) {
            *self.blanks.entry(sid).or_default() += 1;
            return;
        }
        if video && packet.payload[4] & 1 == 0 {
            self.decodable.insert(stream);
        } else if video && !self.decodable.contains(&stream) {
            self.undecodable += 1;
            let receiver = self.subscriber.as_mut().unwrap_or(&mut self.publisher);
            return receiver.ask_keyframe_of(packet.header.ssrc);
        }
        let (timestamp, at) = (packet.time.numer(), packet.timestamp);
        if video && packet.payload[4] & 1 == 0 {
            self.keyframes.insert(sid.clone(), (timestamp, at));
        } else if let Some((_, last)) = self.keyframes.get_mut(&sid).filter(|(began, _)| *began == timestamp) {
            *last = at;
        }
        let mark = packet.payload.last().copied().unwrap_or(0);
        *self.received.entry(sid).or_default().entry(mark).or_default() += 1;
    }

    /// Encoders begin anew where they were asked to.
    fn hear_keyframe_requests(&mut self) {
        for (mid, rid) in self.publisher.keyframe_requests.drain(..) {
            let Some(sent) = self.sent.iter_mut().find(|sent| sent.mid == Some(mid)) else { continue };
            let encoding = rid.and_then(|rid| sent.rids.iter().position(|known| Rid::from(*known) == rid));
            sent.keyframes.insert(encoding.unwrap_or(0));
        }
    }

    pub(crate) fn send_media(&mut self, now: Instant, elapsed: Duration) {
        if !self.publisher.connected {
            return;
        }
        for sent in &mut self.sent {
            sent.send(&mut self.publisher, now, elapsed);
        }
    }

    pub(crate) fn send_data(&mut self, label: &str, packet: &proto::DataPacket) -> bool {
        self.publisher.send_data(label, &packet.encode_to_vec())
    }

    /// Whether at least `count` packets of the track `sid` came that can be played, all of them with `mark`.
    pub(crate) fn hears(&self, sid: &str, mark: u8, count: usize) -> bool {
        let Some(marks) = self.received.get(sid) else { return false };
        let crossed: Vec<&u8> = marks.keys().filter(|found| **found != mark && **found != SILENCE).collect();
        assert!(crossed.is_empty(), "{} got packets of {crossed:?} on {sid}, not {mark}", self.identity);
        marks.get(&mark).is_some_and(|have| *have >= count)
    }

    /// Number of packets with `mark` that came on the track.
    pub(crate) fn count(&self, sid: &str, mark: u8) -> usize {
        self.received.get(sid).and_then(|marks| marks.get(&mark)).copied().unwrap_or(0)
    }
}

/// The streams that a description names, with the sids of their tracks.
fn streams(sdp: &str) -> Vec<((Mid, u32), String)> {
    let mut mid = None;
    let mut found = Vec::new();
    for line in sdp.lines() {
        mid = line.strip_prefix("a=mid:").map(Mid::from).or(mid);
        let named = line.strip_prefix("a=ssrc:").and_then(|rest| rest.split_once(" msid:"));
        let (Some(mid), Some((ssrc, names))) = (mid, named) else { continue };
        if let (Ok(ssrc), Some(sid)) = (ssrc.parse(), names.split(' ').nth(1)) {
            found.push(((mid, ssrc), sid.to_owned()));
        }
    }
    found
}

/// A description without the payload types of `codec` and their retransmissions.
pub(crate) fn without_codec(sdp: &str, codec: &str) -> String {
    let format = |line: &str, attribute: &str| {
        let (payload_type, rest) = line.strip_prefix(attribute)?.split_once(' ')?;
        Some((payload_type.to_owned(), rest.to_owned()))
    };
    let maps = sdp.lines().filter_map(|line| format(line, "a=rtpmap:"));
    let mut gone: HashSet<String> =
        maps.filter(|(_, name)| name.starts_with(codec)).map(|(number, _)| number).collect();
    let repairs = sdp.lines().filter_map(|line| format(line, "a=fmtp:"));
    let repairs: Vec<String> = repairs
        .filter(|(_, rest)| rest.strip_prefix("apt=").is_some_and(|of| gone.contains(of.trim_end())))
        .map(|(number, _)| number)
        .collect();
    gone.extend(repairs);
    let mut kept = String::new();
    for line in sdp.lines() {
        let of = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|attribute| format(line, attribute));
        if of.is_some_and(|(number, _)| gone.contains(&number)) {
            continue;
        }
        let words = line
            .split(' ')
            .enumerate()
            .filter(|(at, word)| !line.starts_with("m=") || *at < 3 || !gone.contains(*word));
        kept += &words.map(|(_, word)| word).collect::<Vec<_>>().join(" ");
        kept += "\r\n";
    }
    kept
}
