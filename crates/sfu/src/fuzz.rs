//! Entry points for fuzzers: plain functions of bytes that panic when something is wrong.
//!
//! A panic inside str0m is caught in production and costs one peer; here it counts as found.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::codec::{self, Vp8Fields};
use crate::forward::{Arrival, Decision, Forwarder};
use crate::red::{History, Redundant};
use crate::{
    AddedTrack, Candidate, Config, Datagram, Limits, MediaKind, OfferChange, PeerId, PeerOptions, Protocol,
    SectionPlan, SectionRole, Sfu, SfuError, TrackId,
};

/// An SFU that is used for many inputs: making its certificate is what takes long.
struct Bed {
    sfu: Sfu,
    now: Instant,
    next: u64,
}

impl Bed {
    fn new(now: Instant) -> Self {
        let address = ([10, 0, 0, 1], 7882).into();
        let candidate = Candidate { protocol: Protocol::Udp, advertised: address, bound: address };
        let config = Config { candidates: vec![candidate], limits: Limits::default() };
        Self { sfu: Sfu::new(config, now), now, next: 0 }
    }

    fn peer(&mut self, lite: bool) -> PeerId {
        self.next += 1;
        self.now += Duration::from_millis(1);
        let peer = PeerId(self.next);
        let options =
            PeerOptions { ice_lite: lite, negotiated_channels: self.next.is_multiple_of(2), ..PeerOptions::default() };
        assert_eq!(self.sfu.add_peer(self.now, peer, options), Ok(()));
        peer
    }

    fn finish(&mut self, peer: PeerId) {
        self.sfu.flush(self.now);
        self.sfu.handle_timeout(self.now + Duration::from_secs(1));
        self.sfu.remove_peer(self.now, peer);
        while self.sfu.poll_output().is_some() {}
        assert_eq!(self.sfu.counters().panics, 0, "str0m broke");
        assert_eq!(self.sfu.sizes()[..4], [0; 4], "something stayed");
    }
}

fn with_bed(now: Instant, action: impl FnOnce(&mut Bed)) {
    thread_local!(static BED: RefCell<Option<Bed>> = const { RefCell::new(None) });
    BED.with_borrow_mut(|bed| action(bed.get_or_insert_with(|| Bed::new(now))));
}

/// A datagram from the address of a peer that is not connected yet, in both ICE modes. Also all payload parsers.
pub fn datagram(now: Instant, bytes: &[u8]) {
    payload(bytes);
    with_bed(now, |bed| {
        for lite in [true, false] {
            let peer = bed.peer(lite);
            let remote = ([192, 0, 2, 1], 5000).into();
            if let Ok(index) = bed.sfu.peer_index(peer) {
                bed.sfu.learn_address(index, (Protocol::Udp, remote));
            }
            let local = ([10, 0, 0, 1], 7882).into();
            let datagram = Datagram { protocol: Protocol::Udp, remote, local, contents: bytes };
            bed.sfu.receive(bed.now, datagram);
            bed.finish(peer);
        }
    });
}

/// A packet's payload, in each codec whose pictures we look into; and a STUN message's user name.
///
/// # Panics
///
/// If our reader of VP8 descriptors and str0m's disagree.
pub fn payload(bytes: &[u8]) {
    use str0m::format::Codec;
    let _ = crate::demux::local_ufrag(bytes);
    let fields = Vp8Fields::parse(bytes);
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus] {
        let _ = codec::starts_keyframe(codec, bytes);
    }
    // Both readers of the descriptor must agree wherever str0m's accepts it.
    if let Ok(descriptor) = str0m::rtp::Vp8Descriptor::parse(bytes)
        && let Some(fields) = fields
    {
        assert_eq!(descriptor.picture_id(), fields.picture_id.map(|(id, _)| id));
        assert_eq!(descriptor.tl0_pic_idx(), fields.tl0_pic_idx);
        assert_eq!(descriptor.key_idx(), fields.key_idx);
        assert_eq!(descriptor.starts_keyframe(bytes), codec::starts_keyframe(Codec::Vp8, bytes));
    }
}

/// A client's offer, then the same again as a re-offer, with the sections used in turn to receive, to send, not at all.
pub fn offer(now: Instant, text: &str) {
    with_bed(now, |bed| {
        let peer = bed.peer(text.len().is_multiple_of(2));
        let plan: Vec<SectionPlan> = sections(text).take(32).collect();
        for round in 0..2 {
            let mut plan = plan.clone();
            let turns = round.min(plan.len());
            plan.rotate_left(turns);
            match bed.sfu.accept_offer(bed.now, peer, text, &plan) {
                Ok(facts) => assert_eq!(facts.sections.len(), plan.len()),
                Err(SfuError::Fault) => panic!("str0m broke"),
                Err(_) => break,
            }
            bed.sfu.flush(bed.now);
        }
        for section in &plan {
            if let SectionRole::Receive { track } | SectionRole::Send { track } = &section.role {
                bed.sfu.remove_track(bed.now, *track);
            }
        }
        bed.finish(peer);
    });
}

fn sections(text: &str) -> impl Iterator<Item = SectionPlan> {
    let mut kind = None;
    let mut number = 0;
    text.lines().filter_map(move |line| {
        if let Some(media) = line.strip_prefix("m=") {
            kind = match media.split(' ').next() {
                Some("audio") => Some(MediaKind::Audio),
                Some("video") => Some(MediaKind::Video),
                _ => None,
            };
        }
        let mid = line.strip_prefix("a=mid:")?;
        number += 1;
        let role = match number % 3 {
            0 => SectionRole::Receive { track: TrackId(number) },
            1 => SectionRole::Send { track: TrackId(number) },
            _ => SectionRole::Inactive,
        };
        Some(SectionPlan { mid: mid.to_owned(), kind: kind?, role })
    })
}

/// A client's answer to an offer of ours with the sections that the answer has. The names of its sections become those of
/// the offer: str0m compares nothing else before these.
pub fn answer(now: Instant, text: &str) {
    with_bed(now, |bed| {
        let peer = bed.peer(false);
        let mut change = OfferChange { add_channels: text.contains("m=application"), ..OfferChange::default() };
        for media in text.lines().filter_map(|line| line.strip_prefix("m=")).take(32) {
            let kind = match media.split(' ').next() {
                Some("audio") => MediaKind::Audio,
                Some("video") => MediaKind::Video,
                _ => continue,
            };
            bed.next += 1;
            let names = (format!("PA_1|TR_{}", bed.next), format!("TR_{}", bed.next));
            change.add.push(AddedTrack { track: TrackId(bed.next), kind, stream_id: names.0, track_id: names.1 });
        }
        if let Some(offered) = bed.sfu.create_offer(bed.now, peer, change).expect("a new peer can be offered to") {
            let mut mids = offered.sdp.lines().filter(|line| line.starts_with("a=mid:"));
            let renamed = |line: &str| match line.strip_prefix("a=mid:") {
                Some(_) => mids.next().unwrap_or(line).to_owned() + "\r\n",
                None => line.to_owned() + "\r\n",
            };
            let answer: String = text.lines().map(renamed).collect();
            if bed.sfu.accept_answer(bed.now, peer, &answer) == Err(SfuError::Fault) {
                panic!("str0m broke");
            }
        }
        bed.finish(peer);
    });
}

/// A candidate as a client trickles it.
pub fn candidate(now: Instant, text: &str) {
    with_bed(now, |bed| {
        let peer = bed.peer(false);
        bed.sfu.add_remote_candidate(bed.now, peer, text);
        bed.finish(peer);
    });
}

/// Packets of redundant audio, each with 32 bits before it: how far its number and its timestamp are from the last one's,
/// and its length. What is taken out of them is inside them, and no frame goes out twice.
pub fn red(_now: Instant, bytes: &[u8]) {
    let mut history = History::new(1);
    let mut gone = std::collections::HashSet::new();
    let (mut sequence, mut timestamp) = (100u64, 0u32);
    let mut rest = bytes;
    while let [steps, ticks, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (payload, next) = after.split_at(length);
        rest = next;
        sequence = (sequence + u64::from(*steps)).saturating_sub(16);
        timestamp = timestamp.wrapping_add(u32::from(*ticks) * 240);
        let Some(red) = Redundant::parse(payload) else {
            continue;
        };
        let inside: usize = red.earlier().map(|frame| frame.payload.len()).sum();
        assert_eq!(inside + red.primary.payload.len() + 4 * red.earlier().len() + 1, payload.len());
        if history.note(1, sequence, timestamp) {
            assert!(gone.insert(sequence), "{sequence} twice");
        }
        let count = red.earlier().len() as u64;
        for (frame, back) in red.earlier().zip((1..=count).rev()) {
            let timestamp = timestamp.wrapping_sub(frame.age);
            let lost = history.missing(1, sequence, back, timestamp);
            if let Some(lost) = lost.filter(|lost| history.note(1, *lost, timestamp)) {
                assert!(lost < sequence && gone.insert(lost), "{lost} twice");
            }
        }
    }
}

/// The forwarding decision: whatever comes in, no sequence number goes out twice.
pub fn forward(now: Instant, bytes: &[u8]) {
    let mut forwarder = Forwarder::new(90_000, true, 7);
    let mut numbers = std::collections::HashSet::new();
    let mut seen = std::collections::HashSet::new();
    for (index, chunk) in bytes.chunks_exact(6).enumerate() {
        let [command, layer, sequence, timestamp, picture, temporal] = [0, 1, 2, 3, 4, 5].map(|index| chunk[index]);
        match command % 16 {
            0 => forwarder.set_target(None),
            1 => forwarder.set_target(Some(layer % 3)),
            2 => forwarder.set_max_temporal((layer < 4).then_some(layer)),
            3 => {
                let (number, _) = forwarder.insert(now, 960);
                assert!(numbers.insert(number), "{number} twice");
            }
            _ => {
                let ssrc = u32::from(layer % 6);
                let sequence = u64::from(sequence) + 1000;
                if !seen.insert((ssrc, sequence)) {
                    continue;
                }
                let arrival = Arrival {
                    ssrc,
                    layer: layer % 3,
                    sequence,
                    timestamp: u32::from(timestamp) << 24,
                    captured: (picture & 1 == 1).then_some(now),
                    arrived: now + Duration::from_millis(index as u64),
                    starts_keyframe: command & 0x10 != 0,
                    empty: command & 0x20 != 0,
                    vp8: (command & 0x40 != 0).then(|| Vp8Fields {
                        picture_id: Some((u16::from(picture) << 7, picture & 2 == 0)),
                        tl0_pic_idx: Some(picture),
                        key_idx: Some(picture & 0x1f),
                        temporal: temporal % 4,
                        layer_sync: temporal & 0x80 != 0,
                    }),
                };
                if let Decision::Send { sequence, .. } = forwarder.decide(&arrival) {
                    assert!(numbers.insert(sequence), "{sequence} twice");
                }
            }
        }
    }
}
