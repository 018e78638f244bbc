//! Offers and answers: which media section carries what.
//!
//! Invariants: each offer of a client gets exactly one answer, in order and with the offer's id; no description names a
//! track that its receiver has not been told of before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::signal_response::Message;

use super::{Context, Room};
use crate::participant::{AskedSections, Participant, ParticipantKey, PendingAnswer, SectionState, Use};
use crate::sdp::{AnswerSection, Direction, Offer, SectionKind, answer, first_codec, without_tracks};
use crate::seam::{AnswerFacts, MediaCommand, MediaKind, NewSection, Offered, SectionPlan, SectionRole, TrackId};
use crate::track::{Subscription, Track};

/// Changes within this time are negotiated at once, so that a room full of tracks costs one exchange.
const NEGOTIATION_DEBOUNCE: Duration = Duration::from_millis(20);
/// A client that was asked for an offer and made none is asked again after this time.
const REQUIREMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connected client that has not answered the server's offer after this time starts afresh, as with livekit-server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Sections a client may be asked to add at once.
const SECTIONS_ASKED_MAX: u32 = 100;
/// `SignalTarget::Subscriber` of a trickled candidate.
const TARGET_SUBSCRIBER: i32 = proto::SignalTarget::Subscriber as i32;

#[derive(serde::Deserialize)]
struct CandidateInit {
    #[serde(default)]
    candidate: String,
}

impl Room {
    /// The client offers: on its only peer connection, or on the one it publishes with.
    pub(super) fn client_offer(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        description: &proto::SessionDescription,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(peer) = participant.publisher else {
            return;
        };
        let offer = match Offer::parse(&description.sdp) {
            Ok(offer) => offer,
            Err(error) => {
                tracing::warn!(participant = %participant.sid, %error, "offer refused");
                self.negotiation_failed(ctx, key);
                return;
            }
        };
        participant.deadlines.requirement = None;
        count_asked_sections(participant, &offer, ctx.now);
        let unpublished = update_sections(ctx, participant, &offer);
        for track in unpublished {
            self.unpublish(ctx, key, track);
        }
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        match_tracks(participant);
        if participant.client.single {
            assign_subscriptions(participant);
        }
        let (plan, answer_plan, directions) = plans(participant, &offer);
        let pending = PendingAnswer { id: description.id, plan: answer_plan, offer };
        let sdp = pending.offer.with_directions(&directions);
        participant.pending_answers.push_back(pending);
        ctx.media(MediaCommand::AcceptOffer { peer, sdp, plan });
    }

    /// The engine took (or refused) the oldest offer that has no answer yet.
    pub(crate) fn offer_accepted(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        facts: Result<AnswerFacts, String>,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(pending) = participant.pending_answers.pop_front() else {
            return;
        };
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) => {
                tracing::warn!(participant = %participant.sid, %error, "offer refused by the media engine");
                self.negotiation_failed(ctx, key);
                return;
            }
        };
        note_codecs(participant, &pending.offer, &facts);
        participant.deadlines.repeat_quality.answered(ctx.now);
        participant.answer_version += 1;
        let sdp = answer(&pending.offer, &facts, &pending.plan, participant.answer_version);
        let description = proto::SessionDescription {
            r#type: "answer".to_owned(),
            sdp,
            id: pending.id,
            mid_to_track_id: mid_to_track_id(participant),
        };
        ctx.send(participant, Message::Answer(description));
        self.settle_publications(ctx, key);
        self.settle_subscriptions(ctx, key);
        self.tell_qualities(ctx, key);
        self.want_negotiation(ctx, key);
    }

    fn negotiation_failed(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let reason = proto::DisconnectReason::StateMismatch;
        self.remove_participant(ctx, key, reason, Some(proto::leave_request::Action::Reconnect));
    }

    /// Notes that something changed which needs another offer, if so.
    pub(super) fn want_negotiation(&mut self, ctx: &Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let wanted = if participant.client.single {
            participant.subscriptions.values().any(|subscription| subscription.mid.is_none())
                || has_stale_section(participant)
        } else {
            let offers = &participant.server_offers;
            let unsent = participant.subscriptions.values().any(|subscription| subscription.mid.is_none());
            unsent || !offers.remove.is_empty() || offers.ice_restart || !offers.channels_added
        };
        match (wanted, participant.deadlines.negotiate) {
            (true, None) => participant.deadlines.negotiate = Some(ctx.now + NEGOTIATION_DEBOUNCE),
            (false, Some(_)) => participant.deadlines.negotiate = None,
            _ => {}
        }
    }

    /// Asks the client for an offer, or makes one.
    pub(super) fn negotiate(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if participant.connection.is_none() {
            // Nobody would read it; what is wanted is looked at again on the resume.
            participant.deadlines.negotiate = None;
            return;
        }
        if participant.client.single {
            participant.deadlines.requirement = Some(ctx.now + REQUIREMENT_TIMEOUT);
            // Without anything to add, it still asks for an offer.
            let requirement = proto::MediaSectionsRequirement {
                num_audios: ask_sections(participant, MediaKind::Audio, ctx.now),
                num_videos: ask_sections(participant, MediaKind::Video, ctx.now),
            };
            ctx.send(&self.participants[&key], Message::MediaSectionsRequirement(requirement));
            return;
        }
        participant.deadlines.negotiate = None;
        let Some(peer) = participant.subscriber else {
            return;
        };
        if participant.server_offers.outstanding.is_some() || !participant.permission.can_subscribe {
            return;
        }
        let sid_of = |subscription: &Subscription| subscription.sid.clone();
        let add = participant.subscriptions.iter().filter(|(_, subscription)| subscription.mid.is_none());
        let add = add.map(|(track, subscription)| NewSection {
            track: *track,
            kind: subscription.kind,
            stream_id: subscription.stream_id.clone(),
            track_id: sid_of(subscription),
        });
        let add = add.collect();
        let offers = &mut participant.server_offers;
        let id = offers.next_id;
        offers.next_id += 1;
        offers.outstanding = Some(id);
        let command = MediaCommand::CreateOffer {
            peer,
            add,
            remove: std::mem::take(&mut offers.remove),
            ice_restart: std::mem::take(&mut offers.ice_restart),
            add_channels: !offers.channels_added,
        };
        ctx.media(command);
    }

    /// The engine made the offer asked for; `None` = there was nothing to negotiate after all.
    pub(crate) fn offer_created(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        offered: Result<Option<Offered>, String>,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(id) = participant.server_offers.outstanding else {
            return;
        };
        let offered = match offered {
            Ok(Some(offered)) => offered,
            Ok(None) => {
                participant.server_offers.outstanding = None;
                participant.server_offers.channels_added = true;
                self.want_negotiation(ctx, key);
                return;
            }
            Err(error) => {
                tracing::warn!(participant = %participant.sid, %error, "no offer could be made");
                self.negotiation_failed(ctx, key);
                return;
            }
        };
        let sids = offered.mids.iter().filter_map(|(track, mid)| {
            participant.subscriptions.get(track).map(|subscription| (mid.clone(), subscription.sid.clone()))
        });
        let description = proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offered.sdp,
            id,
            mid_to_track_id: sids.collect(),
        };
        // A track that was bound before may be dropped and wanted again while the answer is on its way: then it needs
        // an offer of its own, and this one says nothing about it.
        let mut added = offered.mids;
        added.retain(|(track, _)| {
            participant.subscriptions.get(track).is_some_and(|subscription| subscription.mid.is_none())
        });
        participant.server_offers.offered = added;
        self.tell_offer(ctx, key, description);
    }

    fn tell_offer(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, description: proto::SessionDescription) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.server_offers.told = Some(description.clone());
        participant.deadlines.answer = Some(ctx.now + ANSWER_TIMEOUT);
        ctx.send(participant, Message::Offer(description));
    }

    /// The client has come back (two peer connections): its subscriber connection restarts ICE. An offer without answer
    /// is told again first. Whether it arrived, or its answer was lost, it is the same description for the client.
    pub(super) fn offer_after_resume(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let offers = &mut participant.server_offers;
        offers.ice_restart = offers.channels_added || offers.outstanding.is_some();
        let Some(mut description) = offers.told.take().filter(|_| offers.outstanding.is_some()) else {
            participant.deadlines.negotiate = Some(ctx.now);
            return;
        };
        // A track that has gone meanwhile may never have been announced to this client.
        let published: Vec<&str> = self
            .participants
            .values()
            .flat_map(|other| other.tracks.iter().filter(|track| track.published).map(Track::sid))
            .collect();
        let is_published = |sid: &str| published.contains(&sid);
        description.mid_to_track_id.retain(|_, sid| is_published(sid));
        description.sdp = without_tracks(&description.sdp, |sid| !is_published(sid));
        self.tell_offer(ctx, key, description);
    }

    /// A connected client has not answered the server's offer.
    pub(super) fn answer_overdue(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.deadlines.answer = None;
        // Without transport or signalling there are other deadlines.
        let reachable = participant.subscriber.is_some_and(|peer| participant.connected.contains(&peer));
        if reachable && participant.connection.is_some() && participant.server_offers.outstanding.is_some() {
            tracing::warn!(participant = %participant.sid, "an offer was not answered");
            self.negotiation_failed(ctx, key);
        }
    }

    /// The client answers the server's offer. Answers without one are ignored.
    pub(super) fn client_answer(
        &mut self,
        ctx: &mut Context<'_>,
        key: ParticipantKey,
        answer: proto::SessionDescription,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(outstanding) = participant.server_offers.outstanding else {
            return;
        };
        // Some SDKs do not echo the id and say 0.
        if answer.id != 0 && answer.id != outstanding {
            return;
        }
        if let Some(peer) = participant.subscriber {
            ctx.media(MediaCommand::AcceptAnswer { peer, sdp: answer.sdp });
        }
    }

    pub(crate) fn answer_accepted(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, result: Result<(), String>) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.server_offers.outstanding = None;
        participant.server_offers.told = None;
        participant.server_offers.channels_added = true;
        participant.deadlines.answer = None;
        if let Err(error) = result {
            tracing::warn!(participant = %participant.sid, %error, "answer refused by the media engine");
            self.negotiation_failed(ctx, key);
            return;
        }
        for (track, mid) in std::mem::take(&mut participant.server_offers.offered) {
            match participant.subscriptions.get_mut(&track) {
                Some(subscription) => subscription.mid = Some(mid),
                None => {
                    // Dropped while the offer was on its way. The next offer that frees the section may be long in coming.
                    participant.server_offers.remove.push(track);
                    if let Some(peer) = participant.subscriber {
                        ctx.media(MediaCommand::Unbind { peer, track });
                    }
                }
            }
        }
        self.settle_subscriptions(ctx, key);
        self.tell_qualities(ctx, key);
        self.want_negotiation(ctx, key);
    }

    pub(super) fn trickle(&mut self, ctx: &mut Context<'_>, key: ParticipantKey, trickle: &proto::TrickleRequest) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let to_subscriber = trickle.target == TARGET_SUBSCRIBER && !participant.client.single;
        let peer = if to_subscriber { participant.subscriber } else { participant.publisher };
        let Ok(init) = serde_json::from_str::<CandidateInit>(&trickle.candidate_init) else {
            return;
        };
        if let (Some(peer), false) = (peer, init.candidate.is_empty()) {
            ctx.media(MediaCommand::RemoteCandidate { peer, candidate: init.candidate });
        }
    }

    /// Down tracks that are bound now get their settings; publishers learn that somebody receives them.
    fn settle_subscriptions(&mut self, ctx: &mut Context<'_>, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let bound: Vec<(TrackId, ParticipantKey)> = participant
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.mid.is_some())
            .map(|(track, subscription)| (*track, subscription.publisher))
            .collect();
        for (track, publisher) in bound {
            self.send_down_settings(ctx, key, track);
            self.tell_subscribed(ctx, publisher, track);
        }
    }
}

/// Carries the sections over to `offer`. Returns tracks that the client stopped sending.
fn update_sections(ctx: &mut Context<'_>, participant: &mut Participant, offer: &Offer) -> Vec<TrackId> {
    let mut before: HashMap<String, SectionState> =
        std::mem::take(&mut participant.sections).into_iter().map(|section| (section.mid.clone(), section)).collect();
    let mut unpublished = Vec::new();
    for section in &offer.sections {
        let SectionKind::Media(kind) = section.kind else {
            continue;
        };
        let offered = if section.rejected { Direction::Inactive } else { section.direction };
        let old = before.remove(&section.mid);
        let mut usage = old.as_ref().map_or(Use::Idle, |old| old.usage);
        let replaced = old.as_ref().is_some_and(|old| {
            old.msid_track != section.msid_track && carries_new_track(participant, section.msid_track.as_deref())
        });
        match usage {
            Use::Receives(track) if !offered.sends() || replaced => {
                unpublished.push(track);
                usage = Use::Idle;
            }
            Use::Sends(track) => {
                let subscription = participant.subscriptions.get_mut(&track);
                if !keeps_section(subscription, &section.mid, offered) {
                    usage = Use::Idle;
                }
            }
            _ => {}
        }
        if offered.sends() && usage == Use::Idle {
            // The track may be announced later; the section gets its number now.
            usage = Use::Receives(TrackId(ctx.ids.number()));
        }
        participant.sections.push(SectionState {
            mid: section.mid.clone(),
            kind,
            offered,
            msid_track: section.msid_track.clone(),
            rids: ordered_rids(&section.send_rids),
            codec_mime: old.and_then(|old| old.codec_mime),
            usage,
        });
    }
    unpublished
}

/// Notes the first codec agreed on for each section that the client sends in.
fn note_codecs(participant: &mut Participant, offer: &Offer, facts: &AnswerFacts) {
    for section in &mut participant.sections {
        let offered = offer.sections.iter().find(|offered| offered.mid == section.mid);
        let known = facts.sections.iter().find(|known| known.mid == section.mid);
        if let (Use::Receives(_), Some(offered), Some(known)) = (section.usage, offered, known) {
            section.codec_mime = first_codec(offered, known);
        }
    }
}

/// Whether a section goes on carrying the track of `subscription`, which may have been dropped and made again since the
/// last offer: then it has no section and keeps this one. Never two sections for one track.
fn keeps_section(subscription: Option<&mut Subscription>, mid: &str, offered: Direction) -> bool {
    let Some(subscription) =
        subscription.filter(|subscription| subscription.mid.as_deref().is_none_or(|own| own == mid))
    else {
        return false;
    };
    let keeps = offered == Direction::RecvOnly;
    subscription.mid = keeps.then(|| mid.to_owned());
    keeps
}

/// Whether a changed msid means another track: only if that one was announced and is not carried yet.
fn carries_new_track(participant: &Participant, msid_track: Option<&str>) -> bool {
    msid_track.is_some_and(|cid| {
        participant.tracks.iter().any(|track| track.mid.is_none() && track.cids.iter().any(|known| known == cid))
    })
}

/// Finds the announced track of each section that carries one: by client id, else by kind.
fn match_tracks(participant: &mut Participant) {
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let sections: Vec<SectionState> = participant.unannounced_sections(kind).cloned().collect();
        for section in &sections {
            let named = participant.tracks.iter_mut().find(|track| {
                track.mid.is_none()
                    && track.kind == kind
                    && section.msid_track.as_ref().is_some_and(|cid| track.cids.contains(cid))
            });
            if let Some(track) = named {
                track.settle_in(section);
            }
        }
        // Some clients offer a track under another id than they announced it with. The kind says which one is meant as
        // long as there is one on each side; a guess among several could show the wrong picture.
        let sections: Vec<SectionState> = participant.unclaimed_sections(kind).cloned().collect();
        let mut pending = participant.tracks.iter_mut().filter(|track| track.mid.is_none() && track.kind == kind);
        if let ([section], Some(track), None) = (&sections[..], pending.next(), pending.next()) {
            track.settle_in(section);
        }
    }
}

/// Gives free sections to subscriptions that have none.
fn assign_subscriptions(participant: &mut Participant) {
    for section in &mut participant.sections {
        if section.usage != Use::Idle || section.offered != Direction::RecvOnly {
            continue;
        }
        let waiting = participant
            .subscriptions
            .iter_mut()
            .find(|(_, subscription)| subscription.mid.is_none() && subscription.kind == section.kind);
        if let Some((track, subscription)) = waiting {
            subscription.mid = Some(section.mid.clone());
            section.usage = Use::Sends(*track);
        }
    }
}

/// For the engine, for the answer text, and the directions of the offer as the engine shall see it.
fn plans(participant: &Participant, offer: &Offer) -> (Vec<SectionPlan>, Vec<AnswerSection>, Vec<Option<Direction>>) {
    let mut engine = Vec::new();
    let mut text = Vec::new();
    let mut directions = Vec::new();
    let mut sections = participant.sections.iter();
    for section in &offer.sections {
        let SectionKind::Media(kind) = section.kind else {
            directions.push(None);
            continue;
        };
        let usage = sections.next().map_or(Use::Idle, |state| state.usage);
        let (role, answer, direction) = match usage {
            Use::Idle => (SectionRole::Inactive, AnswerSection::default(), Direction::Inactive),
            Use::Receives(id) => {
                let track = participant.track(id);
                let answer = AnswerSection {
                    receives: true,
                    preferred_mime: track.and_then(Track::preferred_mime),
                    stereo: track.is_some_and(Track::stereo),
                    discontinuous: track.is_none_or(Track::discontinuous),
                    redundant: track.is_some_and(Track::redundant),
                    msid: None,
                };
                (SectionRole::Receive { track: id }, answer, Direction::SendOnly)
            }
            Use::Sends(id) => {
                let msid = participant
                    .subscriptions
                    .get(&id)
                    .map(|subscription| (subscription.stream_id.clone(), subscription.sid.clone()));
                (
                    SectionRole::Send { track: id },
                    AnswerSection { msid, ..AnswerSection::default() },
                    Direction::RecvOnly,
                )
            }
        };
        engine.push(SectionPlan { mid: section.mid.clone(), kind, role });
        text.push(answer);
        directions.push(Some(direction));
    }
    (engine, text, directions)
}

/// All sections that carry a track of ours.
fn mid_to_track_id(participant: &Participant) -> HashMap<String, String> {
    let bound = participant.subscriptions.values();
    bound.filter_map(|subscription| Some((subscription.mid.clone()?, subscription.sid.clone()))).collect()
}

/// A section still carries something that is no longer subscribed.
fn has_stale_section(participant: &Participant) -> bool {
    participant.sections.iter().any(|section| is_stale(participant, section))
}

/// The client takes the section for one that carries a track which is not sent there any longer.
fn is_stale(participant: &Participant, section: &SectionState) -> bool {
    let Use::Sends(track) = section.usage else {
        return false;
    };
    let carries = |subscription: &Subscription| subscription.mid.as_deref() == Some(section.mid.as_str());
    !participant.subscriptions.get(&track).is_some_and(carries)
}

/// Sections of `kind` that the client has to add.
fn missing_sections(participant: &Participant, kind: MediaKind) -> u32 {
    let waiting =
        participant.subscriptions.values().filter(|wanted| wanted.kind == kind && wanted.mid.is_none()).count();
    let free = participant.sections.iter().filter(|section| {
        section.kind == kind
            && section.offered == Direction::RecvOnly
            && (section.usage == Use::Idle || is_stale(participant, section))
    });
    u32::try_from(waiting.saturating_sub(free.count())).unwrap_or(u32::MAX).min(SECTIONS_ASKED_MAX)
}

/// Sections of `kind` to ask the client for now: those that it has to add and was not asked for yet. An offer that was
/// on its way when the client was asked does not have them, and must not make it add them twice.
fn ask_sections(participant: &mut Participant, kind: MediaKind, now: Instant) -> u32 {
    let missing = missing_sections(participant, kind);
    let asked = participant.asked_sections.of(kind);
    let more = missing.saturating_sub(*asked);
    *asked += more;
    if more > 0 {
        participant.asked_sections.at = Some(now);
    }
    more
}

/// Takes the sections that `offer` adds from those that the client was asked for. One that had the time to add the rest
/// and has not done so did not understand, and is asked again.
fn count_asked_sections(participant: &mut Participant, offer: &Offer, now: Instant) {
    for section in &offer.sections {
        let SectionKind::Media(kind) = section.kind else {
            continue;
        };
        let known = participant.sections.iter().any(|known| known.mid == section.mid);
        if !known && section.direction == Direction::RecvOnly {
            let asked = participant.asked_sections.of(kind);
            *asked = asked.saturating_sub(1);
        }
    }
    if participant.asked_sections.at.is_some_and(|at| at + REQUIREMENT_TIMEOUT <= now) {
        participant.asked_sections = AskedSections::default();
    }
}

/// Encodings from the lowest to the highest quality: `q`, `h`, `f` or `2`, `1`, `0`; others as listed.
fn ordered_rids(listed: &[String]) -> Vec<String> {
    let rank = |rid: &str| match rid {
        "q" | "2" => 0,
        "h" | "1" => 1,
        "f" | "0" => 2,
        _ => 3,
    };
    let mut rids = listed.to_vec();
    rids.sort_by_key(|rid| rank(rid));
    rids
}
