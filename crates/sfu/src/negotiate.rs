//! Offers and answers: what a session description changes in a peer and in the forwarding table.

use std::collections::HashMap;
use std::time::Instant;

use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind as StrKind, Mid};
use str0m::rtp::Ssrc;

use crate::api::{
    AddedTrack, AnswerFacts, MediaKind, OfferChange, Offered, PeerId, SectionFacts, SectionPlan, SectionRole, SfuError,
    TrackId,
};
use crate::extensions;
use crate::peer::{CHANNELS, Peer};
use crate::precheck;
use crate::sender::Ssrcs;
use crate::sfu::Sfu;

/// What a section is used for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Receive(TrackId),
    Send(TrackId),
    Nothing,
}

/// State of a peer's session descriptions.
#[derive(Default)]
pub(crate) struct Negotiation {
    pub(crate) sections: HashMap<Mid, Use>,
    /// The SSRCs of the sections that we send on, or may. str0m knows of them only while it writes a description: what is
    /// sent with them is ours.
    pub(crate) senders: HashMap<Mid, Ssrcs>,
    pub(crate) channels_made: bool,
    pending: Option<Pending>,
    /// Sections of our own offers, in the order they were made, with the names told for them.
    ours: Vec<OurSection>,
}

/// A server offer that waits for its answer.
struct Pending {
    offer: SdpPendingOffer,
    added: Vec<(Mid, TrackId)>,
}

struct OurSection {
    mid: Mid,
    kind: MediaKind,
    stream_id: String,
    track_id: String,
    /// The names str0m prints, which are those of the section's first track.
    printed: (String, String),
}

impl From<MediaKind> for StrKind {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Audio,
            MediaKind::Video => Self::Video,
        }
    }
}

impl Sfu {
    /// Accept a client's offer whose directions were rewritten already.
    pub fn accept_offer(
        &mut self,
        now: Instant,
        peer: PeerId,
        offer: &str,
        plan: &[SectionPlan],
    ) -> Result<AnswerFacts, SfuError> {
        let index = self.peer_index(peer)?;
        if offer.len() > self.config.limits.sdp_bytes {
            return Err(SfuError::Limit("session description too long"));
        }
        if plan.len() > self.config.limits.sections_per_peer {
            return Err(SfuError::Limit("too many media sections"));
        }
        precheck::check(offer).map_err(SfuError::Sdp)?;
        for section in plan {
            self.release_section(index, section, now);
        }
        let candidates = self.config.limits.remote_candidates;
        let peer = self.peers.get_mut(index).ok_or(SfuError::UnknownPeer)?;
        let video = peer.options.receives;
        let offer =
            without_idle_feedback(&without_surplus_candidates(offer, candidates), video, &|mid| sends(plan, mid));
        let mids: Vec<Mid> = plan.iter().map(|section| Mid::from(section.mid.as_str())).collect();
        let answer = peer.with(|rtc| {
            let answer = accept(rtc, &offer);
            remove_senders(rtc, &mids);
            answer
        });
        let answer = answer.ok_or(SfuError::Fault);
        self.mark_dirty(index);
        let answer = answer?.map_err(SfuError::Sdp)?;
        self.update_ufrag(index);
        for section in plan {
            self.apply_section(index, section, now);
        }
        let peer = self.peers.get_mut(index).ok_or(SfuError::UnknownPeer)?;
        let options = peer.options;
        let mut facts = peer.with(|rtc| facts(rtc, plan, &answer)).ok_or(SfuError::Fault)?;
        for (section, plan) in facts.sections.iter_mut().zip(plan) {
            if matches!(plan.role, SectionRole::Send { .. }) {
                let ssrcs = peer.ssrcs(Mid::from(plan.mid.as_str()), plan.kind == MediaKind::Video);
                (section.ssrc, section.rtx_ssrc) = (Some(ssrcs.media), ssrcs.repair);
            }
        }
        facts.ice_lite = options.ice_lite;
        facts.candidates.clone_from(&self.told(options).lines);
        Ok(facts)
    }

    /// Undo what a section was used for, if the plan says something else now.
    fn release_section(&mut self, index: usize, plan: &SectionPlan, now: Instant) {
        let mid = Mid::from(plan.mid.as_str());
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let id = peer.id;
        let current = peer.negotiation.sections.get(&mid).copied().unwrap_or(Use::Nothing);
        let wanted = wanted_use(&plan.role);
        if current == wanted {
            return;
        }
        match current {
            Use::Send(track) => {
                self.unbind_down(now, id, track);
            }
            Use::Receive(track) => self.forget_publisher(index, mid, track),
            Use::Nothing => {}
        }
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        // A section that was used before gets new SSRCs, so that the receiver starts afresh.
        peer.negotiation.senders.remove(&mid);
        peer.stats.forget(mid);
        peer.negotiation.sections.insert(mid, Use::Nothing);
    }

    /// Put a negotiated section to use.
    fn apply_section(&mut self, index: usize, plan: &SectionPlan, now: Instant) {
        let mid = Mid::from(plan.mid.as_str());
        match &plan.role {
            SectionRole::Receive { track } => self.publish(index, mid, *track, plan.kind),
            SectionRole::Send { track } => self.bind_down(index, mid, *track, plan.kind, now),
            SectionRole::Inactive => {}
        }
        if let Some(peer) = self.peers.get_mut(index) {
            peer.negotiation.sections.insert(mid, wanted_use(&plan.role));
        }
    }

    /// Make a server offer. `Ok(None)` when nothing changed; `Err(OfferPending)` while one is open.
    pub fn create_offer(
        &mut self,
        now: Instant,
        peer: PeerId,
        change: OfferChange,
    ) -> Result<Option<Offered>, SfuError> {
        let index = self.peer_index(peer)?;
        let limit = self.config.limits.sections_per_peer;
        let negotiation = &self.peers.get(index).ok_or(SfuError::UnknownPeer)?.negotiation;
        if negotiation.pending.is_some() {
            return Err(SfuError::OfferPending);
        }
        let removed: Vec<Mid> = change.remove.iter().filter_map(|track| negotiation.section_of(*track)).collect();
        if negotiation.ours.len() + change.add.len() > limit + removed.len() {
            return Err(SfuError::Limit("too many media sections"));
        }
        for track in &change.remove {
            self.unbind_down(now, peer, *track);
        }
        let peer = self.peers.get_mut(index).ok_or(SfuError::UnknownPeer)?;
        let offered = peer.offer(change, &removed);
        self.mark_dirty(index);
        offered
    }

    /// Accept the answer to the open server offer.
    pub fn accept_answer(&mut self, now: Instant, peer: PeerId, answer: &str) -> Result<(), SfuError> {
        let index = self.peer_index(peer)?;
        if answer.len() > self.config.limits.sdp_bytes {
            return Err(SfuError::Limit("session description too long"));
        }
        let candidates = self.config.limits.remote_candidates;
        let peer = self.peers.get_mut(index).ok_or(SfuError::UnknownPeer)?;
        if peer.negotiation.pending.is_none() {
            return Err(SfuError::NoOfferPending);
        }
        // In an answer that only receives, the client's numbers rule.
        precheck::check(answer).map_err(SfuError::Sdp)?;
        let Pending { offer, added } = peer.negotiation.pending.take().ok_or(SfuError::NoOfferPending)?;
        let answer = without_surplus_candidates(answer, candidates);
        let mids: Vec<Mid> = peer.negotiation.sections.keys().copied().collect();
        let accepted = peer.with(|rtc| {
            let answer = SdpAnswer::from_sdp_string(&answer).map_err(|error| error.to_string());
            let accept = |answer| rtc.sdp_api().accept_answer(offer, answer).map_err(|error| error.to_string());
            let accepted = answer.and_then(accept);
            // The senders of new sections, as the offer named them.
            let made: Vec<_> = mids.iter().filter_map(|mid| Some((*mid, declared(rtc, *mid)?))).collect();
            remove_senders(rtc, &mids);
            accepted.map(|()| made)
        });
        let accepted = accepted.ok_or(SfuError::Fault).and_then(|accepted| accepted.map_err(SfuError::Sdp));
        if accepted.is_err() {
            for (mid, _) in &added {
                peer.negotiation.sections.insert(*mid, Use::Nothing);
                peer.negotiation.senders.remove(mid);
            }
        }
        for (mid, ssrcs) in accepted? {
            peer.negotiation.senders.entry(mid).or_insert(ssrcs);
        }
        self.mark_dirty(index);
        self.update_ufrag(index);
        for (mid, track) in added {
            // The track may have gone while the offer was on its way.
            let Some(kind) = self.track(track).map(|track| track.kind) else {
                if let Some(peer) = self.peers.get_mut(index) {
                    peer.negotiation.sections.insert(mid, Use::Nothing);
                }
                continue;
            };
            let wanted = self.peers.get(index).and_then(|peer| peer.negotiation.sections.get(&mid));
            if wanted == Some(&Use::Send(track)) {
                self.bind_down(index, mid, track, kind, now);
            }
        }
        Ok(())
    }
}

impl Peer {
    fn offer(&mut self, change: OfferChange, removed: &[Mid]) -> Result<Option<Offered>, SfuError> {
        let channels = change.add_channels && !self.negotiation.channels_made;
        self.negotiation.channels_made |= channels;
        let (mut free, stale) = self.free_sections();
        let removed: Vec<Mid> = removed.iter().copied().chain(stale).collect();
        let mut reused = Vec::new();
        let mut fresh = Vec::new();
        for add in change.add {
            match free.iter().position(|(_, kind)| *kind == add.kind) {
                Some(position) => reused.push((free.swap_remove(position).0, add)),
                None => fresh.push(add),
            }
        }
        for mid in &removed {
            self.negotiation.senders.remove(mid);
        }
        for (mid, add) in &reused {
            self.renew_ssrcs(*mid, add.kind == MediaKind::Video);
        }
        let senders = self.negotiation.senders.clone();
        let known: Vec<Mid> = senders.keys().copied().collect();
        let made = self.with(|rtc| {
            declare_senders(rtc, &senders);
            let made = make_offer(rtc, &reused, &fresh, &removed, channels, change.ice_restart);
            remove_senders(rtc, &known);
            made
        });
        for (mid, _) in &reused {
            self.stats.forget(*mid);
        }
        let Some((mids, offer)) = made.ok_or(SfuError::Fault)? else {
            return Ok(None);
        };
        let (sdp, pending) = offer;
        let mut added = Vec::new();
        for (mid, add) in reused {
            self.negotiation.sections.insert(mid, Use::Send(add.track));
            if let Some(ours) = self.negotiation.ours.iter_mut().find(|ours| ours.mid == mid) {
                ours.stream_id = add.stream_id;
                ours.track_id = add.track_id;
            }
            added.push((mid, add.track));
        }
        for (mid, add) in mids.into_iter().zip(fresh) {
            self.negotiation.sections.insert(mid, Use::Send(add.track));
            added.push((mid, add.track));
            self.negotiation.ours.push(OurSection {
                mid,
                kind: add.kind,
                printed: (add.stream_id.clone(), add.track_id.clone()),
                stream_id: add.stream_id,
                track_id: add.track_id,
            });
        }
        self.negotiation.pending = Some(Pending { offer: pending, added });
        let sdp = without_idle_feedback(&self.negotiation.rename(&sdp), self.options.receives, &|_| true);
        Ok(Some(Offered { sdp, mids: self.negotiation.sent() }))
    }

    /// Sections of ours that carry nothing: those that the client knows to be inactive, which can be used again, and
    /// those that it still takes for sending. str0m makes no offer for a section whose direction stays, so the latter
    /// have to be made inactive first.
    fn free_sections(&mut self) -> (Vec<(Mid, MediaKind)>, Vec<Mid>) {
        let nothing =
            |ours: &&OurSection| matches!(self.negotiation.sections.get(&ours.mid), None | Some(Use::Nothing));
        let unused: Vec<_> = self.negotiation.ours.iter().filter(nothing).map(|ours| (ours.mid, ours.kind)).collect();
        let inactive = |rtc: &Rtc, mid| rtc.media(mid).is_some_and(|media| media.direction() == Direction::Inactive);
        let (free, stale): (Vec<_>, Vec<_>) =
            self.with(|rtc| unused.into_iter().partition(|(mid, _)| inactive(rtc, *mid))).unwrap_or_default();
        (free, stale.into_iter().map(|(mid, _)| mid).collect())
    }
}

impl Negotiation {
    fn section_of(&self, track: TrackId) -> Option<Mid> {
        self.sections.iter().find_map(|(mid, used)| (*used == Use::Send(track)).then_some(*mid))
    }

    fn sent(&self) -> Vec<(TrackId, String)> {
        let mut sent: Vec<_> = self
            .sections
            .iter()
            .filter_map(|(mid, used)| match used {
                Use::Send(track) => Some((*track, mid.to_string())),
                _ => None,
            })
            .collect();
        sent.sort();
        sent
    }

    /// str0m prints the names that a section was made with; a section used again carries others, and one that carries
    /// nothing has none: its track may be gone before the client was ever told of it, or be on another section now.
    fn rename(&self, sdp: &str) -> String {
        let mut text = String::with_capacity(sdp.len());
        for section in split_sections(sdp) {
            let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
            let ours = mid.and_then(|mid| self.ours.iter().find(|ours| ours.mid == Mid::from(mid)));
            for line in section.split_inclusive("\r\n") {
                match ours {
                    // Names the streams of the whole description; `*` is all of them.
                    None if line.starts_with("a=msid-semantic:") => text.push_str("a=msid-semantic: WMS *\r\n"),
                    Some(ours) if line.contains("msid:") => {
                        if matches!(self.sections.get(&ours.mid), Some(Use::Send(_))) {
                            text.push_str(&ours.rename(line));
                        }
                    }
                    _ => text.push_str(line),
                }
            }
        }
        text
    }
}

/// The session part and each media section of a session description.
pub(crate) fn split_sections(sdp: &str) -> Vec<&str> {
    let starts = sdp.match_indices("\nm=").map(|(position, _)| position + 1);
    let mut sections = Vec::new();
    let mut begin = 0;
    for start in starts.chain([sdp.len()]) {
        sections.push(&sdp[begin..start]);
        begin = start;
    }
    sections
}

impl OurSection {
    fn rename(&self, line: &str) -> String {
        let printed = format!("msid:{} {}", self.printed.0, self.printed.1);
        line.replace(&printed, &format!("msid:{} {}", self.stream_id, self.track_id))
    }
}

fn wanted_use(role: &SectionRole) -> Use {
    match role {
        SectionRole::Receive { track } => Use::Receive(*track),
        SectionRole::Send { track } => Use::Send(*track),
        SectionRole::Inactive => Use::Nothing,
    }
}

fn accept(rtc: &mut Rtc, offer: &str) -> Result<String, String> {
    let offer = SdpOffer::from_sdp_string(offer).map_err(|error| error.to_string())?;
    let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| error.to_string())?;
    Ok(answer.to_sdp_string())
}

/// Lets str0m know of our senders, for as long as it writes their SSRCs into a description.
fn declare_senders(rtc: &mut Rtc, senders: &HashMap<Mid, Ssrcs>) {
    for (mid, ssrcs) in senders {
        if rtc.media(*mid).is_some() {
            rtc.direct_api().declare_stream_tx(ssrcs.media.into(), ssrcs.repair.map(Ssrc::from), *mid, None);
        }
    }
}

/// The SSRCs that str0m has chosen for a new section.
fn declared(rtc: &mut Rtc, mid: Mid) -> Option<Ssrcs> {
    let mut api = rtc.direct_api();
    let stream = api.stream_tx_by_mid(mid, None)?;
    Some(Ssrcs { media: *stream.ssrc(), repair: stream.rtx().map(|rtx| *rtx) })
}

/// str0m makes senders of its own with each description, and would report on them.
fn remove_senders(rtc: &mut Rtc, mids: &[Mid]) {
    let mut api = rtc.direct_api();
    for mid in mids {
        while let Some(ssrc) = api.stream_tx_by_mid(*mid, None).map(|stream| stream.ssrc()) {
            api.remove_stream_tx(ssrc);
        }
    }
}

type MadeOffer = Option<(Vec<Mid>, (String, SdpPendingOffer))>;

fn make_offer(
    rtc: &mut Rtc,
    reused: &[(Mid, AddedTrack)],
    fresh: &[AddedTrack],
    removed: &[Mid],
    channels: bool,
    ice_restart: bool,
) -> MadeOffer {
    let mut api = rtc.sdp_api();
    if channels {
        for channel in CHANNELS {
            api.add_channel_with_config(channel.config());
        }
    }
    for mid in removed {
        if !reused.iter().any(|(again, _)| again == mid) {
            api.set_direction(*mid, Direction::Inactive);
        }
    }
    for (mid, _) in reused {
        api.set_direction(*mid, Direction::SendOnly);
    }
    let mids = fresh
        .iter()
        .map(|add| {
            let names = (Some(add.stream_id.clone()), Some(add.track_id.clone()));
            api.add_media(add.kind.into(), Direction::SendOnly, names.0, names.1, None)
        })
        .collect();
    if ice_restart {
        api.ice_restart(true);
    }
    let (offer, pending) = api.apply()?;
    Some((mids, (offer.to_sdp_string(), pending)))
}

fn facts(rtc: &mut Rtc, plan: &[SectionPlan], answer: &str) -> AnswerFacts {
    let sections = plan.iter().map(|section| section_facts(rtc, section)).collect();
    let api = rtc.direct_api();
    let credentials = api.local_ice_credentials();
    AnswerFacts {
        ice_ufrag: credentials.ufrag,
        ice_pwd: credentials.pass,
        ice_lite: false,
        fingerprint: api.local_dtls_fingerprint().to_string(),
        candidates: Vec::new(),
        sections,
        application: application_section(answer),
    }
}

fn section_facts(rtc: &mut Rtc, plan: &SectionPlan) -> SectionFacts {
    let mid = Mid::from(plan.mid.as_str());
    let mut facts = SectionFacts {
        mid: plan.mid.clone(),
        payload_types: Vec::new(),
        extensions: Vec::new(),
        ssrc: None,
        rtx_ssrc: None,
    };
    let Some(media) = rtc.media(mid) else {
        return facts;
    };
    for accepted in media.remote_pts() {
        facts.payload_types.push(**accepted);
        let params = rtc.codec_config().params().iter().find(|params| params.pt() == *accepted);
        let beside = params.into_iter().flat_map(|params| [params.resend(), params.red()]);
        facts.payload_types.extend(beside.flatten().map(|beside| *beside));
    }
    facts.extensions = media.remote_extmap().iter().map(|(id, ext)| (id, ext.as_uri().to_owned())).collect();
    facts
}

fn application_section(answer: &str) -> Option<String> {
    split_sections(answer).into_iter().find(|section| section.starts_with("m=application")).map(str::to_owned)
}

/// A client names as many candidates as it likes; only the first few are worth checking.
fn without_surplus_candidates(sdp: &str, limit: usize) -> String {
    let mut seen = 0;
    sdp.split_inclusive('\n')
        .filter(|line| {
            let candidate = line.starts_with("a=candidate:");
            seen += usize::from(candidate);
            !candidate || seen <= limit
        })
        .collect()
}

/// Transport-wide feedback is for video only, of what we send, and where something is estimated from it: what it measures is
/// then the room that is left beside the sound, which is never held back, and who gets sound alone costs no feedback. So its
/// header extension is left out of the other sections that `sends` names. (Not the `rtcp-fb` lines: str0m takes them from the first section of a payload type for
/// all others, and publishers need the feedback.)
fn without_idle_feedback(sdp: &str, video: bool, sends: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::with_capacity(sdp.len());
    for section in split_sections(sdp) {
        let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
        let estimates = video && section.starts_with("m=video");
        let idle = !estimates && mid.is_some_and(sends);
        let kept = section.split_inclusive('\n').filter(|line| {
            !(idle && line.starts_with("a=extmap:") && line.trim_end().ends_with(extensions::TRANSPORT_SEQUENCE))
        });
        text.extend(kept);
    }
    text
}

fn sends(plan: &[SectionPlan], mid: &str) -> bool {
    plan.iter().any(|section| section.mid == mid && matches!(section.role, SectionRole::Send { .. }))
}
