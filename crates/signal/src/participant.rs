//! One participant of a room.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use kit::Bucket;
use livekit_protocol as proto;
use proto::participant_info::State;

use crate::bounds::is_sid;
use crate::pace::UpdatePace;
use crate::room::Repeat;
use crate::sdp::{AnswerSection, Direction, Offer};
use crate::seam::{Channel, ConnectionId, MediaKind, PeerId, TrackId};
use crate::token::{Claims, VideoGrant};
use crate::track::{Subscription, Track, source_name, source_number};

/// Number of a participant within the process; order is order of joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParticipantKey(pub(crate) u64);

/// What the client said about itself.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) info: proto::ClientInfo,
    pub(crate) auto_subscribe: bool,
    pub(crate) adaptive_stream: bool,
    /// Pictures may cease where its line does not carry them.
    pub(crate) may_pause: bool,
    /// The server may be an ICE-lite agent towards it (RFC 8445 section 2.5).
    pub(crate) takes_ice_lite: bool,
    /// It plays tracks of one stream in step, and takes several in one.
    pub(crate) synchronises: bool,
    /// One peer connection for both directions (the client always offers), or two.
    pub(crate) single: bool,
    /// Last frame of the client was proto-JSON, so answer in kind.
    pub(crate) text: bool,
}

/// How a media section of the client's offers is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Idle,
    Receives(TrackId),
    Sends(TrackId),
}

/// A media section of the client's last offer.
#[derive(Debug, Clone)]
pub(crate) struct SectionState {
    pub(crate) mid: String,
    pub(crate) kind: MediaKind,
    pub(crate) offered: Direction,
    pub(crate) msid_track: Option<String>,
    pub(crate) rids: Vec<String>,
    /// The first codec that was agreed on: what a client sends that asked for none.
    pub(crate) codec_mime: Option<String>,
    pub(crate) usage: Use,
}

/// An offer that the engine works on.
#[derive(Debug)]
pub(crate) struct PendingAnswer {
    pub(crate) offer: Offer,
    pub(crate) id: u32,
    pub(crate) plan: Vec<AnswerSection>,
}

/// Negotiation of the server's own offers (two peer connections).
#[derive(Debug, Default)]
pub(crate) struct ServerOffers {
    pub(crate) next_id: u32,
    pub(crate) outstanding: Option<u32>,
    /// The offer that is being answered, to be told again after a resume: nobody knows whether it arrived.
    pub(crate) told: Option<proto::SessionDescription>,
    /// The client has answered an offer with the data channels in it.
    pub(crate) channels_added: bool,
    pub(crate) ice_restart: bool,
    /// Tracks to be taken out of the next offer.
    pub(crate) remove: Vec<TrackId>,
    /// Tracks that the offer that is being answered adds, with their mids.
    pub(crate) offered: Vec<(TrackId, String)>,
}

/// Media sections that the client was asked to add and that no offer has had yet (one peer connection).
#[derive(Debug, Default)]
pub(crate) struct AskedSections {
    pub(crate) audios: u32,
    pub(crate) videos: u32,
    /// When it was asked for more of them last.
    pub(crate) at: Option<Instant>,
}

impl AskedSections {
    pub(crate) fn of(&mut self, kind: MediaKind) -> &mut u32 {
        match kind {
            MediaKind::Audio => &mut self.audios,
            MediaKind::Video => &mut self.videos,
        }
    }
}

/// When something about a participant is due.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// Never became active: removed.
    pub(crate) join: Option<Instant>,
    /// Transport or signalling lost: removed unless it resumes.
    pub(crate) resume: Option<Instant>,
    /// Ask the client for an offer, or make one.
    pub(crate) negotiate: Option<Instant>,
    /// The client was asked for an offer and has not made one.
    pub(crate) requirement: Option<Instant>,
    /// The server's offer has no answer.
    pub(crate) answer: Option<Instant>,
    /// An announced track that no media section carries is given up.
    pub(crate) pending_track: Option<Instant>,
    pub(crate) refresh_token: Option<Instant>,
    /// Changes of its own that the others are told of later, because there were too many.
    pub(crate) update: Option<Instant>,
    /// Nobody has wanted one of its encodings for a while.
    pub(crate) lower_quality: Option<Instant>,
    pub(crate) repeat_quality: Repeat,
}

impl Deadlines {
    pub(crate) fn next(&self) -> Option<Instant> {
        let others = [self.join, self.resume, self.answer, self.pending_track, self.refresh_token, self.update];
        let qualities = [self.lower_quality, self.repeat_quality.due()];
        others.into_iter().chain(qualities).chain([self.negotiate_due()]).flatten().min()
    }

    /// When to ask for an offer or make one. A client that was asked gets the time to do it.
    pub(crate) fn negotiate_due(&self) -> Option<Instant> {
        self.negotiate.map(|negotiate| self.requirement.unwrap_or(negotiate))
    }
}

/// Wishes and settings kept per participant, also for tracks not seen yet; further ones are ignored.
pub(crate) const WISHES_MAX: usize = 4_000;

/// Reliable data that waits for the receiver's channel, in bytes at most; more is dropped, oldest first.
pub(crate) const DATA_WAITING_BYTES_MAX: usize = 100 * 1024;

/// Data packets to and from a participant.
#[derive(Debug, Default)]
pub(crate) struct DataState {
    /// Last sequence received from it on the reliable channel.
    pub(crate) last_sequence: u32,
    pub(crate) reliable_open: bool,
    pub(crate) lossy_open: bool,
    pub(crate) waiting: VecDeque<Arc<[u8]>>,
    pub(crate) waiting_bytes: usize,
    /// What it may send still: packets and bytes; `None` before its first packet.
    pub(crate) pace: Option<(Bucket, Bucket)>,
    /// It sent more than it may, which was logged.
    pub(crate) warned: bool,
}

impl DataState {
    pub(crate) fn is_open(&self, channel: Channel) -> bool {
        match channel {
            Channel::Reliable => self.reliable_open,
            Channel::Lossy => self.lossy_open,
            Channel::DataTrack => false,
        }
    }

    /// Keeps a reliable packet until the channel opens.
    pub(crate) fn wait(&mut self, payload: Arc<[u8]>) {
        self.waiting_bytes += payload.len();
        self.waiting.push_back(payload);
        while self.waiting_bytes > DATA_WAITING_BYTES_MAX {
            let Some(dropped) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_bytes -= dropped.len();
        }
    }
}

/// Client-side ids of refused tracks: so many are remembered, of at most so many bytes. What is forgotten may be taken
/// for another track of its kind, if only one was announced.
const REFUSED_CIDS_MAX: usize = 64;
const REFUSED_CID_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(crate) struct Participant {
    pub(crate) key: ParticipantKey,
    pub(crate) sid: String,
    pub(crate) identity: String,
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) kind: i32,
    pub(crate) permission: proto::ParticipantPermission,
    pub(crate) state: State,
    pub(crate) joined_at_ms: u64,
    pub(crate) version: u32,
    pub(crate) client: Client,
    /// Claims of the token it came with; refreshed tokens are made of them.
    pub(crate) claims: Claims,
    pub(crate) connection: Option<ConnectionId>,
    /// What the client sends on; the only one with a single peer connection.
    pub(crate) publisher: Option<PeerId>,
    /// What the client receives on.
    pub(crate) subscriber: Option<PeerId>,
    pub(crate) connected: BTreeSet<PeerId>,
    pub(crate) tracks: Vec<Track>,
    /// The media sections of its last offer, in order.
    pub(crate) sections: Vec<SectionState>,
    pub(crate) pending_answers: VecDeque<PendingAnswer>,
    pub(crate) answer_version: u32,
    pub(crate) server_offers: ServerOffers,
    pub(crate) asked_sections: AskedSections,
    /// Client-side ids of tracks that were refused or given up, newest last: their sections carry no other track.
    pub(crate) refused_cids: VecDeque<String>,
    pub(crate) subscriptions: BTreeMap<TrackId, Subscription>,
    /// Explicit wishes by track sid: subscribe or not.
    pub(crate) wishes: HashMap<String, bool>,
    pub(crate) settings: HashMap<String, proto::UpdateTrackSettings>,
    /// Who may receive its tracks; `None` = everybody.
    pub(crate) subscription_permission: Option<proto::SubscriptionPermission>,
    pub(crate) deadlines: Deadlines,
    pub(crate) data: DataState,
    /// Loudness of its audio tracks as last told, 0 = silent.
    pub(crate) levels: HashMap<TrackId, f32>,
    /// Grade and score of each of its peer connections; the worst counts.
    pub(crate) qualities: BTreeMap<PeerId, (proto::ConnectionQuality, f32)>,
    /// The grade that it was told last of itself and of those it receives.
    pub(crate) qualities_told: HashMap<ParticipantKey, proto::ConnectionQuality>,
    /// Tracks that it wants and was told it may not have.
    pub(crate) denied_told: BTreeSet<TrackId>,
    /// How much it may still make the others be told.
    pub(crate) updates: UpdatePace,
    /// `participant_joined` was sent to the webhooks.
    pub(crate) joined_told: bool,
    /// Resumes whose signal connection is to be dropped at once (`SimulateScenario`).
    pub(crate) drop_resumes: u8,
}

impl Participant {
    pub(crate) fn hidden(&self) -> bool {
        self.permission.hidden
    }

    /// Counted in `num_participants` and against `max_participants`.
    pub(crate) fn counts(&self) -> bool {
        !self.hidden() && !self.depends()
    }

    /// Serves the others and has no business in a room without them: agents, egress, recorders.
    pub(crate) fn depends(&self) -> bool {
        depends(&self.claims)
    }

    /// A recorder receives everything, whatever publishers allow.
    pub(crate) fn records(&self) -> bool {
        records(&self.claims)
    }

    /// The peer whose connection makes the participant active, and on which data packets for it go.
    pub(crate) fn primary_peer(&self) -> Option<PeerId> {
        if self.client.single || !self.permission.can_subscribe { self.publisher } else { self.subscriber }
    }

    pub(crate) fn owns_peer(&self, peer: PeerId) -> bool {
        self.publisher == Some(peer) || self.subscriber == Some(peer)
    }

    pub(crate) fn track_by_sid(&self, sid: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.sid() == sid)
    }

    pub(crate) fn track(&self, id: TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }

    pub(crate) fn track_mut(&mut self, id: TrackId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.id == id)
    }

    /// What it wants of the track `sid`, made if there was nothing; `None` if there is no room for it.
    pub(crate) fn settings_of(&mut self, sid: &str) -> Option<&mut proto::UpdateTrackSettings> {
        if !is_sid(sid) || (self.settings.len() >= WISHES_MAX && !self.settings.contains_key(sid)) {
            return None;
        }
        Some(self.settings.entry(sid.to_owned()).or_default())
    }

    /// Sections of `kind` that carry something which was not announced (yet).
    pub(crate) fn unannounced_sections(&self, kind: MediaKind) -> impl Iterator<Item = &SectionState> {
        self.sections.iter().filter(move |section| {
            section.kind == kind && matches!(section.usage, Use::Receives(number) if self.track(number).is_none())
        })
    }

    /// Those of them that could carry any track: not one that was refused or given up, nor a further codec of one that
    /// has its section.
    pub(crate) fn unclaimed_sections(&self, kind: MediaKind) -> impl Iterator<Item = &SectionState> {
        self.unannounced_sections(kind).filter(|section| {
            !section.msid_track.as_ref().is_some_and(|cid| {
                self.refused_cids.contains(cid) || self.tracks.iter().any(|track| track.cids.contains(cid))
            })
        })
    }

    /// Remembers that the track `cid` is not carried, whatever section comes with it.
    pub(crate) fn refuse_cid(&mut self, cid: &str) {
        if cid.len() > REFUSED_CID_BYTES_MAX || self.refused_cids.iter().any(|known| known == cid) {
            return;
        }
        self.refused_cids.push_back(cid.to_owned());
        if self.refused_cids.len() > REFUSED_CIDS_MAX {
            self.refused_cids.pop_front();
        }
    }

    pub(crate) fn may_publish(&self, source: i32) -> bool {
        let sources = &self.permission.can_publish_sources;
        self.permission.can_publish && (sources.is_empty() || sources.contains(&source))
    }

    /// Whether this publisher lets `subscriber` receive the track `sid`.
    pub(crate) fn lets_subscribe(&self, subscriber: &Self, sid: &str) -> bool {
        let Some(policy) = &self.subscription_permission else {
            return true;
        };
        policy.all_participants
            || policy.track_permissions.iter().any(|permission| {
                (permission.participant_sid == subscriber.sid
                    || (!permission.participant_identity.is_empty()
                        && permission.participant_identity == subscriber.identity))
                    && (permission.all_tracks || permission.track_sids.iter().any(|allowed| allowed == sid))
            })
    }

    /// The worse of its peer connections: what the participant as a whole is like.
    pub(crate) fn worst_quality(&self) -> Option<(proto::ConnectionQuality, f32)> {
        self.qualities.values().copied().min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// The section that carries `track`, if it is not published yet.
    pub(crate) fn settled_in(&self, track: &Track) -> Option<&SectionState> {
        let carries = |section: &&SectionState| section.usage == Use::Receives(track.id);
        self.sections.iter().find(carries).filter(|_| track.mid.is_some() && !track.published)
    }

    /// A client-visible change was made.
    pub(crate) fn touch(&mut self) {
        self.version += 1;
    }

    pub(crate) fn info(&self) -> proto::ParticipantInfo {
        proto::ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.identity.clone(),
            state: self.state as i32,
            tracks: self.tracks.iter().filter(|track| track.published).map(|track| track.info.clone()).collect(),
            metadata: self.metadata.clone(),
            joined_at: i64::try_from(self.joined_at_ms / 1000).unwrap_or_default(),
            joined_at_ms: i64::try_from(self.joined_at_ms).unwrap_or_default(),
            name: self.name.clone(),
            version: self.version,
            permission: Some(self.permission.clone()),
            is_publisher: self.tracks.iter().any(|track| track.published),
            kind: self.kind,
            attributes: self.attributes.clone().into_iter().collect(),
            client_protocol: self.client.info.client_protocol,
            capabilities: self.client.info.capabilities.clone(),
            ..proto::ParticipantInfo::default()
        }
    }

    /// The grants of a refreshed token, after what the API changed.
    pub(crate) fn grant(&self, room: &str) -> VideoGrant {
        let sources = self.permission.can_publish_sources.iter().map(|source| source_name(*source).to_owned());
        VideoGrant {
            room_join: true,
            room: room.to_owned(),
            can_publish: Some(self.permission.can_publish),
            can_subscribe: Some(self.permission.can_subscribe),
            can_publish_data: Some(self.permission.can_publish_data),
            can_publish_sources: sources.collect(),
            can_update_own_metadata: Some(self.permission.can_update_metadata),
            hidden: self.permission.hidden,
            ..self.claims.grant()
        }
    }
}

/// Whether the holder of a token serves the others ([`Participant::depends`]).
pub(crate) fn depends(claims: &Claims) -> bool {
    let agent = claims.video.as_ref().is_some_and(|grant| grant.agent);
    agent || records(claims) || kind_of(&claims.kind) == proto::participant_info::Kind::Agent as i32
}

fn records(claims: &Claims) -> bool {
    let recorder = claims.video.as_ref().is_some_and(|grant| grant.recorder);
    recorder || kind_of(&claims.kind) == proto::participant_info::Kind::Egress as i32
}

/// The permission that a token's grant stands for. The `can_*` options default to yes, own metadata to no.
pub(crate) fn permission_of(grant: &VideoGrant) -> proto::ParticipantPermission {
    proto::ParticipantPermission {
        can_subscribe: grant.can_subscribe.unwrap_or(true),
        can_publish: grant.can_publish.unwrap_or(true),
        can_publish_data: grant.can_publish_data.unwrap_or(true),
        can_publish_sources: grant.can_publish_sources.iter().filter_map(|name| source_number(name)).collect(),
        hidden: grant.hidden,
        can_update_metadata: grant.can_update_own_metadata.unwrap_or(false),
        can_subscribe_metrics: grant.can_subscribe_metrics.unwrap_or(false),
        ..proto::ParticipantPermission::default()
    }
}

/// `kind` claim of a token.
pub(crate) fn kind_of(name: &str) -> i32 {
    use proto::participant_info::Kind;
    let kind = match name {
        "ingress" => Kind::Ingress,
        "egress" => Kind::Egress,
        "sip" => Kind::Sip,
        "agent" => Kind::Agent,
        _ => Kind::Standard,
    };
    kind as i32
}
