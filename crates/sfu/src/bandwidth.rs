//! What each subscriber's line carries, given to its pictures.

use std::time::{Duration, Instant};

use crate::allocate::{Level, TEMPORAL, Wish, allocate, desired};
use crate::api::{Event, Output, PeerId, TrackId};
use crate::sender::Leaves;
use crate::sfu::Sfu;
use crate::track::{Down, Track};

/// More is given only if it fits with this share of the line to spare, in percent.
const SPARE: u64 = 15;
/// After a subscriber had to do with less, more has to fit for this long before it is given.
const RAISE_AFTER: Duration = Duration::from_secs(1);
/// Pictures that waited longer than this for their turn are too late: all that wait are dropped, and the picture begins anew.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// For so long after that everything may wait: what begins anew begins with a keyframe, which takes its time on a narrow line.
const ANEW: Duration = Duration::from_secs(3);
/// Where no picture fits, a packet of padding is sent every so many rounds of housekeeping.
const ASK_ROUNDS: usize = 4;
/// Estimates that differ by less, in percent, are the same.
const SAME: u64 = 2;

/// Rates of tracks change without a word, so every so many rounds of housekeeping a line is shared out anew.
const LOOK_ROUNDS: usize = 10;

/// Busy share of the media threads above which pictures are made smaller step by step, and below which they grow again.
const BUSY: f64 = 0.8;
const RELAXED: f64 = 0.6;
/// Steps there are: one layer less, two less, fewer pictures a second.
const SHED_MAX: u8 = 3;
/// Between two steps up; steps down follow each reading.
const SHED_PAUSE: Duration = Duration::from_secs(5);

/// What a line must be found to carry, in bits per second, before so much is given: a little more than [`SPARE`] asks, because
/// an estimate that came to rest between the two would stay there.
fn with_spare(bits: u64) -> u64 {
    bits / 100 * 120
}

/// What a peer may be sent, and how it came to that.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Bits per second that the way to the peer carries beside the sound; `None` = not known, not limited.
    pub(crate) estimate: Option<u64>,
    /// A limit set from outside.
    cap: Option<u64>,
    /// Tracks whose pictures are sent.
    pub(crate) video: Vec<usize>,
    /// Bits per second that the estimator was told of.
    told: u64,
    /// Somebody gets less than wanted.
    limited: bool,
    /// More was sent than may wait.
    pub(crate) full: bool,
    /// When pictures began anew last.
    anew: Option<Instant>,
    /// Since when more would fit.
    roomy_since: Option<Instant>,
    /// Something changed since the last allocation.
    pub(crate) stale: bool,
}

impl Line {
    /// What a new picture begins with.
    pub(crate) fn first(&self) -> Level {
        if self.limited { Level { layer: 0, ..Level::TOP } } else { Level::TOP }
    }

    /// Bits per second that may go out beside the sound.
    fn budget(&self) -> u64 {
        self.estimate.unwrap_or(u64::MAX).min(self.cap.unwrap_or(u64::MAX))
    }

    /// Whether what is sent is to be decided anew, because something changed or the line is nearly full.
    fn is_due(&self) -> bool {
        self.stale || self.limited || self.budget() < self.told + self.told / 4
    }
}

/// How far pictures are made smaller because the machine is busy.
#[derive(Debug, Default)]
pub(crate) struct Shedding {
    steps: u8,
    changed: Option<Instant>,
}

impl Shedding {
    /// Follows a reading of the load (busy share of the media threads, 0 to 1). True if that changed anything.
    fn follow(&mut self, now: Instant, load: f64) -> bool {
        let before = self.steps;
        let settled = self.changed.is_none_or(|changed| now.saturating_duration_since(changed) >= SHED_PAUSE);
        if load > BUSY {
            self.steps = (self.steps + 1).min(SHED_MAX);
        } else if load < RELAXED && settled {
            self.steps = self.steps.saturating_sub(1);
        }
        if self.steps != before {
            self.changed = Some(now);
        }
        self.steps != before
    }

    /// The most that a track may be of `layers` layers. A shared screen keeps its sharpness and loses pictures.
    fn ceiling(&self, layers: usize, screen: bool) -> Level {
        if self.steps == 0 {
            // Nor is anything held back of what may be sent in a moment, when nothing is sent now.
            return Level::TOP;
        }
        let temporal = if self.steps == SHED_MAX { 0 } else { TEMPORAL as u8 - 1 };
        let top = Level::TOP.layer.min(layers.saturating_sub(1) as u8);
        let layer = if screen { top } else { top.saturating_sub(self.steps) };
        Level { layer, temporal }
    }
}

impl Sfu {
    /// Limits what one peer is sent, beside the sound, to so many bits per second; `None` = as much as its line carries.
    pub fn set_cap(&mut self, peer: PeerId, bits_per_second: Option<u64>) {
        if let Ok(index) = self.peer_index(peer)
            && let Some(peer) = self.peers.get_mut(index)
        {
            peer.line.cap = bits_per_second;
            peer.line.stale = true;
        }
    }

    /// How busy the media thread was, 0 to 1; to be told about once a second. Above 0.8 pictures become smaller, step by
    /// step; sound is never touched, and a shared screen is never blank.
    pub fn set_load(&mut self, now: Instant, load: f64) {
        if self.shedding.follow(now, load) {
            for peer in 0..self.peers.end() {
                self.line_changed(peer);
            }
        }
    }

    pub(crate) fn line_changed(&mut self, peer: usize) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.line.stale = true;
        }
    }

    /// The same for everybody who gets a track.
    pub(crate) fn track_changed(&mut self, track: usize) {
        let Self { tracks, peers, .. } = self;
        let Some(track) = tracks.get(track) else { return };
        for down in &track.downs {
            if let Some(peer) = peers.get_mut(down.peer) {
                peer.line.stale = true;
            }
        }
    }

    /// Gives every subscriber's line to its pictures anew, where something changed or may have.
    pub(crate) fn share_lines(&mut self, now: Instant) {
        self.rounds = self.rounds.wrapping_add(1);
        for index in 0..self.peers.end() {
            let Some(peer) = self.peers.get_mut(index) else { continue };
            if !peer.line.video.is_empty() && peer.secure {
                self.drop_late(now, index);
                self.share_line(now, index);
                if self.rounds.is_multiple_of(ASK_ROUNDS) {
                    self.keep_asking(now, index);
                }
            }
        }
    }

    fn share_line(&mut self, now: Instant, index: usize) {
        let Self { tracks, peers, shedding, rounds, .. } = self;
        let Some(peer) = peers.get_mut(index) else { return };
        let line = &mut peer.line;
        let budget = line.budget();
        // Where nothing limits, rates make no difference.
        let matters = peer.options.receives || budget < u64::MAX || shedding.steps > 0;
        let looks = line.is_due() || (matters && is_turn(*rounds, index));
        if !looks {
            return;
        }
        line.stale = false;
        let (mut wishes, mut given, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for track_index in &line.video {
            let Some(track) = tracks.get_mut(*track_index) else { continue };
            let ceiling = shedding.ceiling(track.active_layers(), track.screen);
            if let Some((wish, allowed)) = track.wish_of(index, ceiling) {
                wishes.push(wish);
                given.push(allowed);
                wanted.push(*track_index);
            }
        }
        let pause = peer.options.may_pause;
        let fits = allocate(budget, pause, &wishes);
        let easily = allocate(if budget == u64::MAX { budget } else { budget / 100 * (100 - SPARE) }, pause, &wishes);
        let all = allocate(u64::MAX, pause, &wishes);
        let grows = given.iter().zip(&easily).any(|(given, easily)| easily > given);
        let since = line.roomy_since.filter(|_| grows).or_else(|| grows.then_some(now));
        let may_grow = !line.limited || since.is_some_and(|since| now.saturating_duration_since(since) >= RAISE_AFTER);
        line.roomy_since = since.filter(|_| !may_grow);
        let next: Vec<_> = given
            .iter()
            .zip(fits.iter().zip(&easily))
            .map(|(given, (fits, easily))| if may_grow { *given.max(easily).min(fits) } else { *given.min(fits) })
            .collect();
        line.limited = next.iter().zip(&all).any(|(next, all)| next < all);
        self.counters.lowered +=
            next.iter().zip(given.iter().zip(&all)).filter(|(next, (given, all))| next < given && next < all).count()
                as u64;
        let cost: u64 = wishes.iter().zip(&next).filter_map(|(wish, level)| level.map(|level| wish.rate(level))).sum();
        if let Some(flow) = &mut peer.egress.flow {
            // A screen and the lowest layers are sent whatever they are: then they wait here, and sound does not wait behind them.
            flow.pacer.set_over(cost > budget);
        }
        let most = with_spare(desired(&wishes));
        if line.told.abs_diff(most) > line.told / 20 {
            line.told = most;
            if let Some(flow) = &mut peer.egress.flow {
                flow.estimator.set_wanted(now, most);
            }
        }
        self.allow(now, index, &wanted, &next);
    }

    /// Puts what was given into effect, and tells which tracks begin or cease to be sent.
    fn allow(&mut self, now: Instant, index: usize, wanted: &[usize], given: &[Option<Level>]) {
        let full = self.peers.get(index).is_some_and(|peer| peer.line.estimate.is_some());
        let (mut told, mut dropped) = (Vec::new(), Vec::new());
        for (track_index, allowed) in wanted.iter().zip(given) {
            let Some(track) = self.tracks.get_mut(*track_index) else { continue };
            let id = track.id;
            let Some(down) = track.down_of(index) else { continue };
            if down.allowed == *allowed {
                continue;
            }
            if down.allowed.is_none() != allowed.is_none() {
                told.push((id, allowed.is_none()));
            }
            // On a full line the larger picture would be in the way of sound until the smaller one begins.
            let in_the_way = |allowed: &Level| down.forwarder.current().is_some_and(|layer| layer > allowed.layer);
            if full && allowed.as_ref().is_some_and(in_the_way) {
                down.forwarder.begin_anew();
                down.sender.forget();
                dropped.push(*track_index);
            }
            down.allowed = *allowed;
            track.retarget();
            self.request_keyframes(id, now);
        }
        let Some(peer) = self.peers.get_mut(index) else { return };
        peer.egress.drop_waiting(&dropped);
        if !dropped.is_empty() {
            peer.line.anew = Some(now);
        }
        if !told.is_empty() {
            self.counters.paused += told.iter().filter(|(_, paused)| *paused).count() as u64;
            self.outputs.push_back(Output::Event(Event::StreamState(peer.id, told)));
        }
    }

    /// The estimate may be another one. Less is given at once, more with the next round.
    pub(crate) fn line_measured(&mut self, now: Instant, index: usize) {
        let Some(peer) = self.peers.get_mut(index) else { return };
        let Some(flow) = &mut peer.egress.flow else { return };
        flow.pacer.set_rate(now, flow.estimator.estimate());
        // What is lost on the way has to be sent again.
        let arrives = f64::from(1.0 - flow.estimator.loss());
        let estimate = flow.estimator.estimate().map(|estimate| (estimate as f64 * arrives) as u64);
        let [before, after] = [peer.line.estimate, estimate].map(|estimate| estimate.unwrap_or(u64::MAX));
        if before.abs_diff(after) < before / 100 * SAME {
            return;
        }
        peer.line.estimate = estimate;
        if after < before {
            peer.line.stale = true;
            self.share_line(now, index);
        }
    }

    /// Where no picture fits, nothing would tell that the line has become wider: now and then padding is sent.
    fn keep_asking(&mut self, now: Instant, index: usize) {
        let Self { tracks, peers, turn, .. } = self;
        let Some(peer) = peers.get_mut(index) else { return };
        if !peer.line.limited || peer.line.estimate.is_none() {
            return;
        }
        let mut last = None;
        for track in &peer.line.video {
            let Some(down) = tracks.get_mut(*track).and_then(|track| track.down_of(index)) else { continue };
            if down.forwarder.target().is_some() {
                return;
            }
            last = last.or_else(|| down.sender.padding().is_some().then_some(*track));
        }
        if let Some(down) = last.and_then(|track| tracks.get_mut(track)?.down_of(index))
            && let Some(packet) = down.sender.padding().cloned()
        {
            peer.egress.leave(now, &mut down.sender, packet, (Leaves::PADDING, false), turn);
            peer.mark(index, &mut turn.dirty);
        }
    }

    /// When an estimate falls, what waits already would come late for seconds.
    fn drop_late(&mut self, now: Instant, index: usize) {
        let Self { tracks, peers, .. } = self;
        let Some(peer) = peers.get_mut(index) else { return };
        let passed = |since: Option<Instant>, time| since.is_some_and(|at| now.saturating_duration_since(at) > time);
        let full = std::mem::take(&mut peer.line.full);
        let begins = peer.line.anew.is_some() && !passed(peer.line.anew, ANEW);
        if !full && (begins || !passed(peer.egress.waits_since(), WAIT_MAX)) {
            return;
        }
        peer.line.anew = Some(now);
        let video: Vec<usize> =
            peer.line.video.iter().copied().filter(|track| full || peer.egress.is_waiting(*track)).collect();
        peer.egress.drop_waiting(&video);
        let mut resumed: Vec<TrackId> = Vec::new();
        for track_index in video {
            let Some(track) = tracks.get_mut(track_index) else { continue };
            resumed.push(track.id);
            if let Some(down) = track.down_of(index) {
                down.forwarder.begin_anew();
                down.sender.forget();
            }
        }
        self.counters.held_back += resumed.len() as u64;
        for track in resumed {
            self.request_keyframes(track, now);
        }
    }
}

/// Whose turn it is in this round: not everybody's in the same one, which would keep packets waiting.
fn is_turn(round: usize, peer: usize) -> bool {
    round.wrapping_add(peer).is_multiple_of(LOOK_ROUNDS)
}

impl Track {
    /// What a subscriber would have of this track, and what it is given now; `None` if it wants nothing.
    fn wish_of(&mut self, peer: usize, ceiling: Level) -> Option<(Wish, Option<Level>)> {
        let (rates, screen, muted) = (self.rates(), self.screen, self.muted);
        let Down { settings, allowed, .. } = self.down_of(peer)?;
        let most = Level {
            layer: settings.max_layer.unwrap_or(Level::TOP.layer).min(ceiling.layer),
            temporal: settings.max_temporal.unwrap_or(Level::TOP.temporal).min(ceiling.temporal),
        };
        let wish = Wish { screen, priority: settings.priority, pixels: settings.pixels, most, rates };
        (!muted && !settings.paused).then_some((wish, *allowed))
    }
}

#[cfg(test)]
mod tests {
    use str0m::media::Mid;

    use super::*;
    use crate::egress::tests::{secure, unheard};
    use crate::forward::Arrival;
    use crate::sender::tests::packet;
    use crate::{Config, Limits, MediaKind, PeerOptions};

    /// Somebody whose line lets a packet of 1,000 bytes go each 42 ms, and is sent the best of two pictures in three layers.
    fn watched(now: Instant) -> Sfu {
        let mut sfu = Sfu::new(Config { candidates: Vec::new(), limits: Limits::default() }, now);
        sfu.add_peer(now, PeerId(1), PeerOptions { receives: true, ..PeerOptions::default() }).unwrap();
        for (track, mid) in [(1, "0"), (2, "1")] {
            sfu.bind_down(0, Mid::from(mid), TrackId(track), MediaKind::Video, now);
        }
        let peer = sfu.peers.get_mut(0).unwrap();
        secure(&mut peer.egress);
        peer.secure = true;
        peer.egress.flow.as_mut().unwrap().pacer.set_rate(now, Some(80_000));
        for track in 0..2 {
            let track = sfu.tracks.get_mut(track).unwrap();
            for layer in 0..3 {
                track.saw_packet(layer, 0, 100, u32::from(layer).into(), now);
            }
            track.retarget();
            let down = track.down_of(0).unwrap();
            down.live = true;
            down.sender.ids.transport = Some(3);
            down.forwarder.decide(&Arrival {
                ssrc: 2,
                layer: 2,
                sequence: 1,
                timestamp: 1,
                captured: None,
                arrived: now,
                starts_keyframe: true,
                empty: false,
                vp8: None,
            });
            // What may be sent again.
            down.sender.sent(now, packet(1, 1000));
            down.sender.sent(now, packet(2, 900));
        }
        sfu
    }

    fn send(sfu: &mut Sfu, now: Instant, track: usize, number: u64) {
        let Sfu { tracks, peers, turn, .. } = sfu;
        let down = tracks.get_mut(track).unwrap().down_of(0).unwrap();
        peers.get_mut(0).unwrap().send(now, track, down, packet(number, 1000), turn);
    }

    fn line(sfu: &mut Sfu) -> &mut Line {
        &mut sfu.peers.get_mut(0).unwrap().line
    }

    fn down(sfu: &mut Sfu, track: usize) -> &mut Down {
        sfu.tracks.get_mut(track).unwrap().down_of(0).unwrap()
    }

    fn is_waiting(sfu: &Sfu, track: usize) -> bool {
        sfu.peers.get(0).unwrap().egress.is_waiting(track)
    }

    /// Whether a picture begins anew: with a keyframe, and without what was sent of it before.
    fn begins_anew(sfu: &mut Sfu, now: Instant, track: usize, layer: u8) -> bool {
        let asked = sfu.tracks.get_mut(track).unwrap().request_keyframe(layer, now).is_none();
        let again = down(sfu, track).sender.asked(now, 2, None).is_some();
        let current = down(sfu, track).forwarder.current();
        assert!(current.is_none() == asked && asked != again, "{current:?} {asked} {again}");
        asked
    }

    #[test]
    fn late_pictures_begin_anew_and_have_time_then() {
        let start = testkit::origin();
        let mut sfu = watched(start);
        send(&mut sfu, start, 0, 3);
        send(&mut sfu, start, 0, 4);
        sfu.drop_late(start + WAIT_MAX, 0);
        assert!(is_waiting(&sfu, 0));
        let anew = start + WAIT_MAX + Duration::from_millis(1);
        sfu.drop_late(anew, 0);
        assert!(!is_waiting(&sfu, 0));
        assert_eq!([0, 1].map(|track| begins_anew(&mut sfu, anew, track, 2)), [true, false]);
        for number in 5..8 {
            send(&mut sfu, anew, 0, number);
        }
        sfu.drop_late(anew + ANEW, 0);
        assert!(is_waiting(&sfu, 0));
        let late = anew + ANEW + Duration::from_millis(1);
        sfu.drop_late(late, 0);
        assert!(!is_waiting(&sfu, 0));
        // Where more was sent than may wait, nothing has time.
        line(&mut sfu).full = true;
        send(&mut sfu, late, 1, 3);
        send(&mut sfu, late, 1, 4);
        assert!(is_waiting(&sfu, 1));
        sfu.drop_late(late, 0);
        assert!(!is_waiting(&sfu, 1) && !line(&mut sfu).full);
        assert_eq!(sfu.counters.held_back, 4);
    }

    /// The larger picture ends at once where the line is full, and goes on until the smaller one begins where it is not.
    #[test]
    fn on_a_full_line_the_larger_picture_ends_at_once() {
        let now = testkit::origin();
        let less = Some(Level { layer: 0, ..Level::TOP });
        for estimate in [None, Some(200_000)] {
            let mut sfu = watched(now);
            line(&mut sfu).estimate = estimate;
            for number in [3, 4] {
                send(&mut sfu, now, 0, number);
                send(&mut sfu, now, 1, number);
            }
            sfu.allow(now, 0, &[0, 1], &[less, Some(Level::TOP)]);
            let full = estimate.is_some();
            assert_eq!([0, 1].map(|track| is_waiting(&sfu, track)), [!full, true]);
            assert_eq!(line(&mut sfu).anew.is_some(), full, "what begins has time");
            assert_eq!(down(&mut sfu, 0).forwarder.current().is_none(), full);
            assert!(!begins_anew(&mut sfu, now, 1, 2));
            if full {
                assert!(begins_anew(&mut sfu, now, 0, 0));
            } else {
                assert!(sfu.tracks.get_mut(0).unwrap().request_keyframe(0, now).is_none(), "asked for");
            }
        }
    }

    #[test]
    fn less_is_given_at_once() {
        let (estimator, now) = unheard(testkit::origin(), 0);
        let mut sfu = watched(now);
        let egress = &mut sfu.peers.get_mut(0).unwrap().egress;
        egress.flow.as_mut().unwrap().estimator = estimator;
        egress.pass_time(now);
        sfu.line_measured(now, 0);
        assert_eq!([0, 1].map(|track| down(&mut sfu, track).allowed.map(|level| level.layer)), [Some(0); 2]);
    }

    /// What is looked for is enough to be given.
    #[test]
    fn more_is_looked_for_than_has_to_fit() {
        for bits in [100_000, 1_500_000, 20_000_000] {
            assert!(with_spare(bits) / 100 * (100 - SPARE) > bits);
        }
    }

    #[test]
    fn padding_asks_only_where_no_picture_fits() {
        let now = testkit::origin();
        let mut sfu = watched(now);
        line(&mut sfu).estimate = Some(50_000);
        let mut asked = |allowed, limited| {
            line(&mut sfu).limited = limited;
            for track in 0..2 {
                down(&mut sfu, track).allowed = allowed;
                sfu.tracks.get_mut(track).unwrap().retarget();
                // Of these it would be.
                down(&mut sfu, track).sender.sent(now, packet(9, 100));
            }
            sfu.keep_asking(now, 0);
            std::mem::take(&mut sfu.peers.get_mut(0).unwrap().egress.out).len()
        };
        assert_eq!([asked(Some(Level::TOP), true), asked(None, false), asked(None, true)], [0, 0, 1]);
    }

    /// Each time that more is given, it has to fit for a while before.
    #[test]
    fn more_is_given_after_a_while_each_time() {
        let mut now = testkit::origin();
        let mut sfu = watched(now);
        let mut after = |milliseconds, estimate| {
            now += Duration::from_millis(milliseconds);
            line(&mut sfu).estimate = Some(estimate);
            sfu.share_line(now, 0);
            [0, 1].map(|track| down(&mut sfu, track).allowed.unwrap().layer)
        };
        let steps = [(0, 400_000), (0, 1_000_000), (999, 1_000_000), (1, 1_000_000), (0, 2_000_000), (1000, 2_000_000)];
        let given = steps.map(|(milliseconds, estimate)| after(milliseconds, estimate));
        assert_eq!(given, [[0, 0], [0, 0], [0, 0], [1, 0], [1, 0], [1, 1]]);
    }

    #[test]
    fn a_new_picture_on_a_narrow_line_begins_small() {
        let first = |limited| Line { limited, ..Line::default() }.first().layer;
        assert_eq!([true, false].map(first), [0, Level::TOP.layer]);
    }

    /// Each line is looked at once in ten rounds, and a tenth of all in each.
    #[test]
    fn lines_are_looked_at_in_turns() {
        for round in 100..110 {
            assert_eq!((0..200).filter(|peer| is_turn(round, *peer)).count(), 20);
        }
        assert!((0..200).all(|peer| (100..110).filter(|round| is_turn(*round, peer)).count() == 1));
    }

    /// Down with each reading, up again slowly, and never further than the lowest layer.
    #[test]
    fn pictures_are_shed_step_by_step() {
        let start = testkit::origin();
        let mut shedding = Shedding::default();
        let readings = [
            (0, 0.79, 0),
            (1, 0.85, 1),
            (2, 0.95, 2),
            (3, 0.95, 3),
            (4, 0.95, 3),
            (5, 0.7, 3),
            (6, 0.5, 3),
            (8, 0.5, 2),
            (9, 0.5, 2),
            (13, 0.5, 1),
            (18, 0.5, 0),
        ];
        for (second, load, steps) in readings {
            let before = shedding.steps;
            let changed = shedding.follow(start + Duration::from_secs(second), load);
            assert_eq!((shedding.steps, changed), (steps, before != steps), "{second} s");
        }
        let ceiling = |steps, layers, screen| {
            let Level { layer, temporal } = Shedding { steps, changed: None }.ceiling(layers, screen);
            (layer, temporal)
        };
        assert_eq!([0, 1, 2, 3].map(|steps| ceiling(steps, 3, false)), [(3, 2), (1, 2), (0, 2), (0, 0)]);
        assert_eq!([0, 1, 2, 3].map(|steps| ceiling(steps, 2, true)), [(3, 2), (1, 2), (1, 2), (1, 0)]);
    }
}
