//! One synthetic participant: joins, publishes, subscribes, counts, leaves.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kit::{Clock as _, Secret, SystemClock};
use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::error::LoadError;
use crate::peer::Peer;
use crate::publisher::{AudioPlan, AudioSource, VideoPlan, VideoSource};
use crate::stats::Stats;
use crate::target::Target;
use crate::transport::{Path, local_ip_towards};

/// Client protocol of livekit-client 2.x.
const PROTOCOL: i32 = 16;
/// How long official clients wait for the JoinResponse.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);
/// As JoinResponse.ping_interval of livekit-server.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Sections that are offered at most, whatever a server asks for.
const SECTIONS_MAX: u32 = 400;
/// cids, which are the msid track ids too.
const AUDIO_CID: &str = "load-audio";
const VIDEO_CID: &str = "load-video";

/// Where the times in payloads count from, for all participants of this process.
static EPOCH: LazyLock<Instant> = LazyLock::new(|| SystemClock.instant());

/// Who joins, and what it does there.
#[derive(Debug, Clone)]
pub struct Plan {
    pub room: String,
    pub identity: String,
    pub audio: Option<AudioPlan>,
    pub video: Option<VideoPlan>,
    /// Receive all that others publish.
    pub subscribe: bool,
    /// Sections to receive (audio, video) in the first offer; livekit-client has 3 and 3.
    pub sections: (u32, u32),
    /// Size asked for of each video (`UpdateTrackSettings`); `None` = as the server likes.
    pub size: Option<(u32, u32)>,
    /// Share of arriving datagrams that get lost, 0..=1.
    pub loss: f64,
    /// How its media travel.
    pub path: Path,
    /// Reads nothing more of its media once the first packet has come.
    pub stalls: bool,
    /// Joins with this token; `None` = one that the target's key signs.
    pub token: Option<Secret>,
}

impl Plan {
    /// A participant who only watches and listens.
    pub fn watcher(room: &str, identity: impl Into<String>) -> Self {
        Self {
            room: room.to_owned(),
            identity: identity.into(),
            audio: None,
            video: None,
            subscribe: true,
            sections: (3, 3),
            size: None,
            loss: 0.0,
            path: Path::Udp,
            stalls: false,
            token: None,
        }
    }

    /// A participant who only publishes.
    pub fn publisher(
        room: &str,
        identity: impl Into<String>,
        audio: Option<AudioPlan>,
        video: Option<VideoPlan>,
    ) -> Self {
        Self { audio, video, subscribe: false, sections: (0, 0), ..Self::watcher(room, identity) }
    }
}

/// A participant in its room. Dropping it makes it leave.
#[derive(Debug)]
pub struct Participant {
    stats: watch::Receiver<Stats>,
    ice_servers: Vec<proto::IceServer>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Participant {
    /// Joins; returns once the server has let the participant in. Media follows on a task.
    pub async fn join(target: &Target, plan: Plan) -> Result<Self, LoadError> {
        LazyLock::force(&EPOCH);
        let started = SystemClock.instant();
        let mut peer = Peer::new(plan.path, local_ip(target).await?, *EPOCH, plan.loss).await?;
        let layers = plan.video.map(|video| video.layers()).unwrap_or_default();
        let audio_cid = plan.audio.is_some().then_some(AUDIO_CID);
        let video = plan.video.is_some().then_some((VIDEO_CID, layers.as_slice()));
        let offer = peer.first_offer(audio_cid, video, plan.sections)?;
        let url = target.signal_url(&join_request(&plan, offer))?;
        let token = plan.token.clone().unwrap_or_else(|| Secret::new(target.token(&plan.room, &plan.identity)));
        let mut connection = Connection::open(&url, token.expose()).await?;
        let mut stats = Stats::new(started);
        stats.join.upgraded = Some(stats.since_start(SystemClock.instant()));
        let first = tokio::time::timeout(JOIN_TIMEOUT, connection.receive())
            .await
            .map_err(|_| LoadError::Late { what: "the JoinResponse", within: JOIN_TIMEOUT })??;
        let joined = match first {
            Some(Response::Join(joined)) => joined,
            Some(Response::Leave(leave)) => return Err(left(&plan.identity, &leave)),
            other => return Err(LoadError::Protocol(format!("the first message is no JoinResponse: {other:?}"))),
        };
        stats.join.signalled = Some(stats.since_start(SystemClock.instant()));
        let (sender, receiver) = watch::channel(stats);
        let stop = CancellationToken::new();
        let session = Session::new(plan, connection, peer, sender, stop.clone());
        let task = tokio::spawn(session.run(joined.other_participants));
        Ok(Self { stats: receiver, ice_servers: joined.ice_servers, stop, task })
    }

    /// STUN and TURN servers that the server named.
    pub fn ice_servers(&self) -> &[proto::IceServer] {
        &self.ice_servers
    }

    /// What it has sent and seen until now.
    pub fn stats(&self) -> Stats {
        self.stats.borrow().clone()
    }

    /// Reads the statistics in place.
    pub fn look<T>(&self, read: impl FnOnce(&Stats) -> T) -> T {
        read(&self.stats.borrow())
    }

    /// Waits until `condition` holds; false if the participant ended before.
    pub async fn until(&mut self, condition: impl FnMut(&Stats) -> bool) -> bool {
        self.stats.wait_for(condition).await.is_ok()
    }

    /// Leaves the room and waits until it has.
    pub async fn leave(mut self) {
        self.stop.cancel();
        // A task that panicked has left as well.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The address of the interface that leads to the server.
async fn local_ip(target: &Target) -> Result<std::net::IpAddr, LoadError> {
    let (host, port) = target.authority();
    let mut failure = std::io::Error::from(std::io::ErrorKind::NotFound);
    for remote in tokio::net::lookup_host((host.as_str(), port)).await? {
        match local_ip_towards(remote) {
            Ok(local) => return Ok(local),
            Err(error) => failure = error,
        }
    }
    Err(failure.into())
}

fn join_request(plan: &Plan, offer: String) -> proto::JoinRequest {
    let mut tracks = Vec::new();
    tracks.extend(plan.audio.map(|audio| audio.request(AUDIO_CID)));
    tracks.extend(plan.video.map(|video| video.request(VIDEO_CID)));
    proto::JoinRequest {
        client_info: Some(proto::ClientInfo {
            sdk: proto::client_info::Sdk::Rust as i32,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            ..proto::ClientInfo::default()
        }),
        connection_settings: Some(proto::ConnectionSettings {
            auto_subscribe: plan.subscribe,
            // Who asks for sizes says so, as official clients do: livekit-server starts low for them, and high for others.
            adaptive_stream: plan.size.is_some(),
            ..proto::ConnectionSettings::default()
        }),
        add_track_requests: tracks,
        publisher_offer: Some(description("offer", offer, 1)),
        ..proto::JoinRequest::default()
    }
}

fn description(kind: &str, sdp: String, id: u32) -> proto::SessionDescription {
    proto::SessionDescription { r#type: kind.to_owned(), sdp, id, ..proto::SessionDescription::default() }
}

fn left(identity: &str, leave: &proto::LeaveRequest) -> LoadError {
    LoadError::Left { identity: identity.to_owned(), reason: leave.reason().as_str_name().to_owned() }
}

/// What the participant's task owns.
struct Session {
    plan: Plan,
    connection: Connection,
    peer: Peer,
    stats: watch::Sender<Stats>,
    stop: CancellationToken,
    audio: Option<AudioSource>,
    video: Vec<VideoSource>,
    offers: u32,
    sections: u32,
    /// Sections (audio, video) asked for while an answer was awaited.
    wanted: Option<(u32, u32)>,
    /// Videos whose size has been asked for.
    sized: HashSet<String>,
}

impl Session {
    fn new(
        plan: Plan,
        connection: Connection,
        peer: Peer,
        stats: watch::Sender<Stats>,
        stop: CancellationToken,
    ) -> Self {
        let sources = |video: VideoPlan| video.layers().into_iter().map(move |layer| VideoSource::new(video, layer));
        Self {
            audio: plan.audio.filter(|audio| !audio.muted).map(AudioSource::new),
            video: plan.video.into_iter().flat_map(sources).collect(),
            sections: plan.sections.0 + plan.sections.1,
            plan,
            connection,
            peer,
            stats,
            stop,
            offers: 1,
            wanted: None,
            sized: HashSet::new(),
        }
    }

    async fn run(mut self, others: Vec<proto::ParticipantInfo>) {
        let result = match self.ask_sizes(&others).await {
            Ok(()) => self.serve().await,
            Err(error) => Err(error),
        };
        let ended = match result {
            Ok(()) => self.connection.leave().await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::debug!(identity = self.plan.identity, %error, "a participant ended");
            self.stats.send_modify(|stats| stats.ended = Some(error.to_string()));
        }
    }

    /// Until told to stop.
    async fn serve(&mut self) -> Result<(), LoadError> {
        let mut audio = ticker(self.audio.as_ref().map(|source| source.plan.interval()));
        let mut video = ticker(self.plan.video.map(|video| video.interval()));
        let mut ping = ticker(Some(PING_INTERVAL));
        let stop = self.stop.clone();
        loop {
            let deadline = tokio::time::Instant::from_std(self.peer.deadline());
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                message = self.connection.receive() => match message? {
                    Some(message) => self.message(message).await?,
                    None => return Err(LoadError::Protocol("the server closed the connection".to_owned())),
                },
                readable = self.peer.readable(), if !self.stalls() => {
                    readable?;
                    self.change(Peer::read)?;
                }
                () = tokio::time::sleep_until(deadline) => self.change(Peer::advance)?,
                () = tick(&mut audio) => self.send_audio()?,
                () = tick(&mut video) => self.send_video()?,
                () = tick(&mut ping) => self.ping().await?,
            }
            let requests = self.peer.take_keyframe_requests();
            if !requests.is_empty() {
                self.stats.send_modify(|stats| stats.keyframes_asked += requests.len() as u64);
            }
            for rid in requests {
                let asked = |source: &&mut VideoSource| rid.is_none() || source.layer.rid == rid.as_deref();
                self.video.iter_mut().filter(asked).for_each(VideoSource::want_keyframe);
            }
        }
    }

    /// Lets the peer work, with the statistics at hand; who waits for them is told once.
    fn change(&mut self, work: impl FnOnce(&mut Peer, &mut Stats) -> Result<(), LoadError>) -> Result<(), LoadError> {
        let mut result = Ok(());
        let peer = &mut self.peer;
        self.stats.send_modify(|stats| result = work(peer, stats));
        result
    }

    fn stalls(&self) -> bool {
        self.plan.stalls && self.stats.borrow().join.first_packet.is_some()
    }

    fn connected(&self) -> bool {
        self.stats.borrow().join.connected.is_some()
    }

    fn send_audio(&mut self) -> Result<(), LoadError> {
        let now_us = self.peer.time_us();
        let Some(source) = self.audio.as_mut().filter(|_| self.stats.borrow().join.connected.is_some()) else {
            return Ok(());
        };
        let packet = source.tick(now_us);
        let sent = u64::from(self.peer.send_audio(source.plan, packet));
        self.change(|peer, stats| {
            stats.sent += sent;
            peer.advance(stats)
        })
    }

    fn send_video(&mut self) -> Result<(), LoadError> {
        if !self.connected() {
            return Ok(());
        }
        let now_us = self.peer.time_us();
        let (mut sent, mut keyframes) = (0, 0);
        for source in &mut self.video {
            let (packets, keyframe) = source.tick(now_us);
            keyframes += u64::from(keyframe);
            for packet in packets {
                sent += u64::from(self.peer.send_video(source.layer, packet));
            }
        }
        self.change(|peer, stats| {
            stats.sent += sent;
            stats.keyframes_sent += keyframes;
            peer.advance(stats)
        })
    }

    async fn ping(&mut self) -> Result<(), LoadError> {
        let timestamp = SystemClock.now().get();
        self.connection.send(Request::PingReq(proto::Ping { timestamp, rtt: 0 })).await
    }

    async fn message(&mut self, message: Response) -> Result<(), LoadError> {
        match message {
            Response::Answer(answer) => {
                self.change(|peer, stats| {
                    peer.accept_answer(&answer.sdp, stats)?;
                    let now = stats.since_start(SystemClock.instant());
                    stats.join.answered = stats.join.answered.or(Some(now));
                    peer.advance(stats)
                })?;
                match self.wanted.take() {
                    Some(wanted) => self.offer(wanted).await,
                    None => Ok(()),
                }
            }
            Response::Trickle(trickle) => {
                let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init).unwrap_or_default();
                self.change(|peer, stats| {
                    peer.add_candidate(init["candidate"].as_str().unwrap_or_default(), stats);
                    peer.advance(stats)
                })
            }
            Response::MediaSectionsRequirement(wanted) => self.offer((wanted.num_audios, wanted.num_videos)).await,
            Response::Update(update) => self.ask_sizes(&update.participants).await,
            Response::Leave(leave) => Err(left(&self.plan.identity, &leave)),
            _ => Ok(()),
        }
    }

    /// Offers more sections to receive; while an answer is awaited, remembers to.
    async fn offer(&mut self, (audio, video): (u32, u32)) -> Result<(), LoadError> {
        let room = SECTIONS_MAX.saturating_sub(self.sections);
        let audio = audio.min(room);
        let video = video.min(room - audio);
        match self.peer.offer_again((audio, video))? {
            Some(sdp) => {
                self.sections += audio + video;
                self.offers += 1;
                self.connection.send(Request::Offer(description("offer", sdp, self.offers))).await
            }
            None => {
                let (more_audio, more_video) = self.wanted.unwrap_or_default();
                self.wanted = Some((audio + more_audio, video + more_video));
                Ok(())
            }
        }
    }

    /// Asks for the planned size of videos not yet asked for.
    async fn ask_sizes(&mut self, participants: &[proto::ParticipantInfo]) -> Result<(), LoadError> {
        let Some((width, height)) = self.plan.size else { return Ok(()) };
        let videos = participants
            .iter()
            .filter(|participant| participant.identity != self.plan.identity)
            .flat_map(|participant| &participant.tracks)
            .filter(|track| track.r#type() == proto::TrackType::Video);
        let new: Vec<String> =
            videos.map(|track| track.sid.clone()).filter(|sid| self.sized.insert(sid.clone())).collect();
        if new.is_empty() {
            return Ok(());
        }
        let settings =
            proto::UpdateTrackSettings { track_sids: new, width, height, ..proto::UpdateTrackSettings::default() };
        self.connection.send(Request::TrackSetting(settings)).await
    }
}

fn ticker(period: Option<Duration>) -> Option<Interval> {
    period.map(|period| {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        interval
    })
}

async fn tick(ticker: &mut Option<Interval>) {
    match ticker {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
