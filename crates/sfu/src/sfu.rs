//! Peers, published tracks and what is sent to whom.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use str0m::config::DtlsCert;
use str0m::media::Mid;
use str0m::net::{Protocol as StrProtocol, TcpType};
use str0m::rtp::RtpPacket;

use crate::api::{
    Candidate, Channel, Config, Counters, DownSettings, Event, MediaKind, Output, PeerId, PeerOptions, Protocol, Route,
    SfuError, TrackId,
};
use crate::bandwidth::Shedding;
use crate::demux::Demux;
use crate::egress::Turn;
use crate::hop::Hop;
use crate::levels;
use crate::negotiate::Use;
use crate::peer::Peer;
use crate::slab::Slab;
use crate::timers::Timers;
use crate::track::{Down, LAYERS, Track};

/// Housekeeping (levels, stopped layers, delayed keyframe requests, silence) happens this often while there are peers.
const HOUSEKEEPING: Duration = Duration::from_millis(100);

/// Wishes for tracks that do not exist yet, per peer at most.
const WISHES: usize = 1024;

/// The media server's heart: a state machine. Bytes and `now` go in, outputs come out; it has no clock and no socket.
///
/// After every batch of calls: [`Sfu::flush`], then [`Sfu::poll_output`] until it is empty.
#[derive(Debug)]
pub struct Sfu {
    pub(crate) config: Config,
    certificate: DtlsCert,
    /// What clients on this machine are told, and what all others are.
    here: Told,
    elsewhere: Told,
    pub(crate) peers: Slab<Peer>,
    peer_ids: HashMap<PeerId, usize>,
    pub(crate) tracks: Slab<Track>,
    track_ids: HashMap<TrackId, usize>,
    /// Wishes that came before their stream.
    wishes: HashMap<PeerId, HashMap<TrackId, DownSettings>>,
    pub(crate) demux: Demux,
    pub(crate) turn: Turn,
    pub(crate) timers: Timers,
    next_housekeeping: Instant,
    next_levels: Instant,
    pub(crate) outputs: VecDeque<Output>,
    /// What is for other SFUs.
    pub(crate) hops: VecDeque<Hop>,
    pub(crate) counters: Counters,
    /// Packets of the peer that is being drained; kept to reuse its memory.
    pub(crate) received: Vec<RtpPacket>,
    /// The zero of the clock in our sender reports.
    pub(crate) started: Instant,
    pub(crate) shedding: Shedding,
    /// Rounds of housekeeping so far.
    pub(crate) rounds: usize,
}

impl Sfu {
    /// An SFU without peers. Makes the DTLS certificate that all its peers share.
    ///
    /// # Panics
    ///
    /// If the crypto library cannot make a certificate: nothing would work then.
    pub fn new(config: Config, now: Instant) -> Self {
        let provider = str0m::crypto::from_feature_flags();
        let certificate = provider
            .dtls_provider
            .generate_certificate()
            .expect("aws-lc-rs, the only provider compiled in, generates certificates");
        let candidates: Vec<_> = config.candidates.iter().filter_map(host_candidate).collect();
        Self {
            elsewhere: Told::elsewhere(&candidates),
            here: Told::new(candidates),
            config,
            certificate,
            peers: Slab::new(),
            peer_ids: HashMap::new(),
            tracks: Slab::new(),
            track_ids: HashMap::new(),
            wishes: HashMap::new(),
            demux: Demux::default(),
            turn: Turn::default(),
            timers: Timers::new(now),
            next_housekeeping: now,
            next_levels: now,
            outputs: VecDeque::new(),
            hops: VecDeque::new(),
            counters: Counters::default(),
            received: Vec::new(),
            started: now,
            shedding: Shedding::default(),
            rounds: 0,
        }
    }

    /// From now on say in [`Sfu::poll_route`] which datagrams are for this SFU. Ask before any peer is added.
    pub fn tell_routes(&mut self) {
        self.demux.tell_routes();
    }

    /// The next change of what is for this SFU. Drain it to `None` before the outputs of a call are carried out: then
    /// nobody answers to what has not been told.
    pub fn poll_route(&mut self) -> Option<Route> {
        self.demux.poll_route()
    }

    /// Add a peer connection. `Err(Limit)` when there are too many, or the id is taken.
    pub fn add_peer(&mut self, now: Instant, peer: PeerId, options: PeerOptions) -> Result<(), SfuError> {
        if self.peers.len() >= self.config.limits.peers {
            return Err(SfuError::Limit("too many peers"));
        }
        if self.peer_ids.contains_key(&peer) {
            return Err(SfuError::Limit("peer id used twice"));
        }
        if self.peers.len() == 0 {
            self.next_housekeeping = now + HOUSEKEEPING;
            self.next_levels = now + levels::INTERVAL;
        }
        let candidates = &self.told(options).candidates;
        let value = Peer::new(peer, options, &self.config.limits, &self.certificate, candidates, now);
        let ufrag = value.ufrag.clone();
        let index = self.peers.insert(value);
        self.peer_ids.insert(peer, index);
        self.demux.set_ufrag(ufrag, index);
        self.mark_dirty(index);
        Ok(())
    }

    /// Our addresses as a peer with these options is told them.
    pub(crate) fn told(&self, options: PeerOptions) -> &Told {
        if options.elsewhere { &self.elsewhere } else { &self.here }
    }

    /// Remove a peer with its published and down tracks. Unknown ids are ignored.
    pub fn remove_peer(&mut self, now: Instant, peer: PeerId) {
        let Some(index) = self.peer_ids.remove(&peer) else {
            return;
        };
        self.wishes.remove(&peer);
        let published: Vec<TrackId> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.publisher.is_some_and(|(publisher, _)| publisher == index))
            .map(|(_, track)| track.id)
            .collect();
        for track in published {
            self.remove_track(now, track);
        }
        for track in 0..self.tracks.end() {
            if let Some(track) = self.tracks.get_mut(track) {
                track.downs.retain(|down| down.peer != index);
            }
            self.drop_unused_track(track);
        }
        if let Some(mut gone) = self.peers.remove(index) {
            self.demux.remove_ufrag(&gone.ufrag);
            for remote in std::mem::take(&mut gone.addresses) {
                self.demux.forget(&remote, index);
            }
        }
        if self.peers.len() == 0 {
            self.timers.clear();
        }
        self.turn.dirty.retain(|dirty| *dirty != index);
    }

    /// Add a remote candidate (`candidate:…`). Malformed or unusable ones are ignored.
    pub fn add_remote_candidate(&mut self, _now: Instant, peer: PeerId, candidate: &str) {
        let limit = self.config.limits.remote_candidates;
        let Ok(index) = self.peer_index(peer) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        // An ICE-lite agent checks nothing: whoever reaches us is learned from the packets.
        if peer.options.ice_lite || peer.remote_candidates >= limit || candidate.len() > 512 {
            return;
        }
        let Ok(candidate) = str0m::Candidate::from_sdp_string(candidate) else {
            return;
        };
        peer.remote_candidates += 1;
        peer.with(|rtc| rtc.add_remote_candidate(candidate));
        self.mark_dirty(index);
    }

    /// Remove a published track with all its down tracks.
    pub fn remove_track(&mut self, _now: Instant, track: TrackId) {
        let Some(index) = self.track_ids.remove(&track) else {
            return;
        };
        let Some(gone) = self.tracks.remove(index) else {
            return;
        };
        for down in &gone.downs {
            if let Some(peer) = self.peers.get_mut(down.peer) {
                peer.line.video.retain(|video| *video != index);
                peer.line.stale = true;
                peer.streams.remove(&down.sender.ssrcs.media);
                peer.negotiation.sections.insert(down.mid, Use::Nothing);
            }
        }
        if let Some((publisher, mid)) = gone.publisher
            && let Some(peer) = self.peers.get_mut(publisher)
        {
            peer.negotiation.sections.insert(mid, Use::Nothing);
            peer.sources.retain(|_, source| source.track != index);
        }
    }

    /// Stop or resume forwarding of a track. Who has been watching it is shown black; on resume a keyframe is asked for.
    pub fn set_track_muted(&mut self, now: Instant, track: TrackId, muted: bool) {
        let Some(track) = self.track_mut(track) else {
            return;
        };
        if std::mem::replace(&mut track.muted, muted) == muted {
            return;
        }
        let spoke = track.kind == MediaKind::Audio && muted && track.level.silence();
        track.plan_blanks();
        track.retarget();
        let id = track.id;
        if let Some(index) = self.track_index(id) {
            self.send_blanks(index, now);
            self.track_changed(index);
        }
        if spoke {
            self.outputs.push_back(Output::Event(Event::AudioLevels(vec![(id, 0.0)])));
        }
        self.request_keyframes(id, now);
    }

    /// Name the simulcast layers of a track by rid, lowest quality first (at most 4), and say whether it is a shared screen.
    pub fn set_track_layers(&mut self, track: TrackId, rids: &[String], screen: bool) {
        let Some(index) = self.track_ids.get(&track).copied() else {
            return;
        };
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        track.set_rids(rids);
        track.screen = screen;
        if let Some((publisher, _)) = track.publisher
            && let Some(peer) = self.peers.get_mut(publisher)
        {
            peer.sources.retain(|_, source| source.track != index);
        }
    }

    /// The track is encrypted end to end, and stays so.
    pub fn set_track_encrypted(&mut self, track: TrackId) {
        if let Some(track) = self.track_mut(track) {
            track.encrypted = true;
        }
    }

    /// Stop sending a track to a subscriber (before renegotiation).
    pub fn unbind_down(&mut self, _now: Instant, peer: PeerId, track: TrackId) {
        let Some(index) = self.track_ids.get(&track).copied() else {
            return;
        };
        let Some(published) = self.tracks.get_mut(index) else {
            return;
        };
        let Some(position) = published.downs.iter().position(|down| down.peer_id == peer) else {
            return;
        };
        let down = published.downs.swap_remove(position);
        if let Some(peer) = self.peers.get_mut(down.peer) {
            peer.line.video.retain(|video| *video != index);
            peer.line.stale = true;
            peer.negotiation.sections.insert(down.mid, Use::Nothing);
            peer.keep_numbering(down);
        }
        self.drop_unused_track(index);
    }

    /// Set a subscriber's wish. May come before the stream exists.
    pub fn set_down(&mut self, now: Instant, peer: PeerId, track: TrackId, settings: DownSettings) {
        let Ok(index) = self.peer_index(peer) else {
            return;
        };
        let wishes = self.wishes.entry(peer).or_default();
        if wishes.len() >= WISHES {
            let tracks = &self.track_ids;
            wishes.retain(|track, _| tracks.contains_key(track));
        }
        if wishes.len() < WISHES || wishes.contains_key(&track) {
            wishes.insert(track, settings);
        }
        let Some(published) = self.track_mut(track) else {
            return;
        };
        let Some(down) = published.down_of(index) else {
            return;
        };
        if down.settings == settings {
            return;
        }
        down.settings = settings;
        published.retarget();
        self.line_changed(index);
        self.request_keyframes(track, now);
    }

    /// Send a data message. False: the channel is not open, or the reader is too slow (then lossy data is lost).
    pub fn send_data(&mut self, _now: Instant, peer: PeerId, channel: Channel, payload: &[u8]) -> bool {
        let fits = payload.len() <= self.config.limits.message_bytes;
        let sent = match self.peer_index(peer) {
            Ok(index) if fits => {
                let sent = self.peers.get_mut(index).is_some_and(|peer| peer.send_data(channel, payload));
                self.mark_dirty(index);
                sent
            }
            _ => false,
        };
        self.counters.data_refused += u64::from(!sent);
        sent
    }

    /// Next thing to do; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes back the memory of a [`Transmit`](crate::Transmit) that has been sent, for another one.
    pub fn recycle(&mut self, contents: Vec<u8>) {
        self.turn.recycle(contents);
    }

    /// Counters since start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When [`Sfu::handle_timeout`] wants to be called.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        if self.peers.len() == 0 {
            return None;
        }
        Some(self.timers.next().map_or(self.next_housekeeping, |next| next.min(self.next_housekeeping)))
    }

    /// Let time pass. Flushes.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, index)) = self.timers.pop_due(now) {
            let Some(peer) = self.peers.get_mut(index) else {
                continue;
            };
            if peer.scheduled != Some(at) {
                continue;
            }
            peer.scheduled = None;
            let wakes = peer.deadline <= now;
            peer.wakes |= wakes;
            if wakes || peer.egress.deadline(now).is_some_and(|deadline| deadline <= now) {
                self.mark_filled(index);
            } else {
                self.schedule(now, index);
            }
        }
        if now >= self.next_housekeeping {
            self.next_housekeeping = now + HOUSEKEEPING;
            self.keep_house(now);
        }
        self.flush(now);
    }

    fn keep_house(&mut self, now: Instant) {
        let measure = now >= self.next_levels;
        if measure {
            self.next_levels = now + levels::INTERVAL;
        }
        let mut levels = Vec::new();
        for index in 0..self.tracks.end() {
            let Some(track) = self.tracks.get_mut(index) else {
                continue;
            };
            match track.kind {
                MediaKind::Audio => {
                    if measure && let Some(level) = track.level.measure() {
                        levels.push((track.id, level));
                    }
                    self.send_silence(index, now);
                }
                MediaKind::Video => {
                    let id = track.id;
                    if track.sweep(now) {
                        self.request_keyframes(id, now);
                        self.track_changed(index);
                    }
                    self.send_overdue_keyframes(index, now);
                    self.send_blanks(index, now);
                }
            }
        }
        self.share_lines(now);
        self.report_streams(now);
        if !levels.is_empty() {
            self.outputs.push_back(Output::Event(Event::AudioLevels(levels)));
        }
    }

    pub(crate) fn peer_index(&self, peer: PeerId) -> Result<usize, SfuError> {
        self.peer_ids.get(&peer).copied().ok_or(SfuError::UnknownPeer)
    }

    pub(crate) fn track(&self, track: TrackId) -> Option<&Track> {
        self.tracks.get(*self.track_ids.get(&track)?)
    }

    pub(crate) fn track_mut(&mut self, track: TrackId) -> Option<&mut Track> {
        self.tracks.get_mut(*self.track_ids.get(&track)?)
    }

    pub(crate) fn track_index(&self, track: TrackId) -> Option<usize> {
        self.track_ids.get(&track).copied()
    }

    fn ensure_track(&mut self, track: TrackId, kind: MediaKind) -> usize {
        if let Some(index) = self.track_ids.get(&track) {
            return *index;
        }
        let index = self.tracks.insert(Track::new(track, kind));
        self.track_ids.insert(track, index);
        index
    }

    /// A track that nobody sends and nobody gets was only a name.
    fn drop_unused_track(&mut self, index: usize) {
        if let Some(track) = self.tracks.get(index)
            && track.publisher.is_none()
            && track.downs.is_empty()
        {
            self.track_ids.remove(&track.id);
            self.tracks.remove(index);
        }
    }

    /// A section began to carry a published track.
    pub(crate) fn publish(&mut self, index: usize, mid: Mid, track: TrackId, kind: MediaKind) {
        let track_index = self.ensure_track(track, kind);
        if let Some(track) = self.tracks.get_mut(track_index) {
            track.publisher = Some((index, mid));
        }
    }

    /// A section stopped carrying a published track; the track stays until it is removed.
    pub(crate) fn forget_publisher(&mut self, index: usize, mid: Mid, track: TrackId) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.sources.retain(|_, source| source.mid != mid);
        }
        let Some(track_index) = self.track_ids.get(&track).copied() else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(track_index)
            && track.publisher == Some((index, mid))
        {
            track.publisher = None;
            track.forget_sources();
        }
        self.drop_unused_track(track_index);
    }

    /// Send a track on a negotiated section.
    pub(crate) fn bind_down(&mut self, index: usize, mid: Mid, track: TrackId, kind: MediaKind, now: Instant) {
        let track_index = self.ensure_track(track, kind);
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let (peer_id, live) = (peer.id, peer.secure);
        let video = kind == MediaKind::Video;
        let ssrcs = peer.ssrcs(mid, video);
        let ids = peer.extension_ids(mid);
        let Some(published) = self.tracks.get_mut(track_index) else {
            return;
        };
        let same = |down: &&mut Down| down.peer == index && down.sender.ssrcs == ssrcs;
        if let Some(down) = published.downs.iter_mut().find(same) {
            down.sender.ids = ids;
            return;
        }
        if let Some(position) = published.downs.iter().position(|down| down.peer == index) {
            peer.keep_numbering(published.downs.swap_remove(position));
        }
        let mut down = Down::new(index, peer_id, mid, ssrcs, kind, now);
        down.live = live;
        down.red = (!video).then(|| peer.red_types(mid)).flatten();
        down.allowed = Some(peer.line.first());
        if let Some((forwarder, sender)) = peer.stopped(mid, ssrcs.media) {
            (down.forwarder, down.sender) = (forwarder, sender);
        }
        down.sender.ids = ids;
        peer.streams.insert(ssrcs.media, track_index);
        if let Some(settings) = self.wishes.get(&peer_id).and_then(|wishes| wishes.get(&track)) {
            down.settings = *settings;
        }
        published.downs.push(down);
        published.retarget();
        if video {
            if !peer.line.video.contains(&track_index) {
                peer.line.video.push(track_index);
            }
            peer.line.stale = true;
        }
        self.request_keyframes(track, now);
    }

    /// The next flush is to call str0m for this peer, and to send what there is for it.
    pub(crate) fn mark_dirty(&mut self, index: usize) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.wakes = true;
            peer.mark(index, &mut self.turn.dirty);
        }
    }

    /// The next flush is to send what there is for this peer.
    pub(crate) fn mark_filled(&mut self, index: usize) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.mark(index, &mut self.turn.dirty);
        }
    }

    /// Sizes of everything that grows with use: peers, tracks, user names, addresses, timers, wishes.
    #[doc(hidden)]
    pub fn sizes(&self) -> [usize; 6] {
        let (ufrags, addresses) = self.demux.sizes();
        [self.peers.len(), self.tracks.len(), ufrags, addresses, self.timers.len(), self.wishes.len()]
    }
}

const _: () = assert!(LAYERS <= 8, "layers are kept in the bits of a byte");

/// Our addresses, and the `candidate:…` attribute values that name them.
#[derive(Debug)]
pub(crate) struct Told {
    candidates: Vec<str0m::Candidate>,
    pub(crate) lines: Vec<String>,
}

impl Told {
    fn new(candidates: Vec<str0m::Candidate>) -> Self {
        let lines = candidates.iter().map(str0m::Candidate::to_sdp_string).collect();
        Self { candidates, lines }
    }

    /// Without loopback: to anybody else it is their own machine, where browsers may ask before they look.
    fn elsewhere(all: &[str0m::Candidate]) -> Self {
        let is_local = |candidate: &&str0m::Candidate| candidate.addr().ip().is_loopback();
        let outside: Vec<_> = all.iter().filter(|candidate| !is_local(candidate)).cloned().collect();
        Self::new(if outside.is_empty() { all.to_vec() } else { outside })
    }
}

fn host_candidate(candidate: &Candidate) -> Option<str0m::Candidate> {
    let builder = str0m::Candidate::builder();
    match candidate.protocol {
        Protocol::Udp => builder.udp().host(candidate.advertised).build().ok(),
        Protocol::TcpPassive => builder.tcp().host(candidate.advertised).tcptype(TcpType::Passive).build().ok(),
    }
}

impl From<Protocol> for StrProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Udp => Self::Udp,
            Protocol::TcpPassive => Self::Tcp,
        }
    }
}
