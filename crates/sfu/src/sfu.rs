use std::collections::VecDeque;
use std::time::Instant;

use crate::api::{
    AnswerFacts, Channel, Config, Counters, Datagram, DownSettings, OfferChange, Offered, Output,
    PeerId, PeerOptions, SectionPlan, SfuError, TrackId,
};

/// Peers, published tracks and what is sent to whom.
#[derive(Debug)]
pub struct Sfu {
    config: Config,
    outputs: VecDeque<Output>,
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_value)]
impl Sfu {
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            outputs: VecDeque::new(),
        }
    }
    /// Add a peer connection. `Err(Limit)` when there are too many.
    pub fn add_peer(
        &mut self,
        now: Instant,
        peer: PeerId,
        options: PeerOptions,
    ) -> Result<(), SfuError> {
        Err(SfuError::Limit("peers"))
    }
    /// Remove a peer with its published and down tracks. Unknown ids are ignored.
    pub fn remove_peer(&mut self, now: Instant, peer: PeerId) {}
    /// Accept a client's offer whose directions were rewritten already.
    pub fn accept_offer(
        &mut self,
        now: Instant,
        peer: PeerId,
        offer: &str,
        plan: &[SectionPlan],
    ) -> Result<AnswerFacts, SfuError> {
        Err(SfuError::UnknownPeer)
    }
    /// Make a server offer. `Ok(None)` when nothing changed; `Err(OfferPending)` while one is open.
    pub fn create_offer(
        &mut self,
        now: Instant,
        peer: PeerId,
        change: OfferChange,
    ) -> Result<Option<Offered>, SfuError> {
        Err(SfuError::UnknownPeer)
    }
    /// Accept the answer to the open server offer.
    pub fn accept_answer(
        &mut self,
        now: Instant,
        peer: PeerId,
        answer: &str,
    ) -> Result<(), SfuError> {
        Err(SfuError::UnknownPeer)
    }
    /// Add a remote candidate (`candidate:…`). Malformed or unusable ones are ignored.
    pub fn add_remote_candidate(&mut self, now: Instant, peer: PeerId, candidate: &str) {}
    /// Remove a published track with all its down tracks.
    pub fn remove_track(&mut self, now: Instant, track: TrackId) {}
    /// Stop or resume forwarding of a track; on resume a keyframe is asked for.
    pub fn set_track_muted(&mut self, now: Instant, track: TrackId, muted: bool) {}
    /// Name the simulcast layers of a track by rid, lowest quality first.
    pub fn set_track_layers(&mut self, track: TrackId, rids: &[String]) {}
    /// Stop sending a track to a subscriber (before renegotiation).
    pub fn unbind_down(&mut self, now: Instant, peer: PeerId, track: TrackId) {}
    /// Set a subscriber's wish. May come before the down track exists.
    pub fn set_down(&mut self, now: Instant, peer: PeerId, track: TrackId, settings: DownSettings) {
    }
    /// Send a data message. False: the channel is not open or the reader is too slow.
    pub fn send_data(
        &mut self,
        now: Instant,
        peer: PeerId,
        channel: Channel,
        payload: &[u8],
    ) -> bool {
        false
    }
    /// Take in a datagram: found by STUN user name, then by address; unknown ones are counted and dropped.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {}
    /// Drain each changed peer once. Call after a batch of datagrams and after other calls, before reading outputs.
    pub fn flush(&mut self, now: Instant) {}
    /// When [`Sfu::handle_timeout`] wants to be called.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
    /// Let time pass.
    pub fn handle_timeout(&mut self, now: Instant) {}
    /// Next thing to do; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
    /// Counters since start.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
