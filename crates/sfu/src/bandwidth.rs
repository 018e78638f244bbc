//! What each subscriber's line carries, given to its pictures.

use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;

use crate::allocate::{Level, TEMPORAL, Wish, allocate, costs, desired};
use crate::api::{Event, Output, PeerId, TrackId};
use crate::sfu::Sfu;
use crate::track::{Down, Track};

/// More is given only if it fits with this share of the line to spare, in percent.
const SPARE: u64 = 15;
/// After a subscriber had to do with less, more has to fit for this long before it is given.
const RAISE_AFTER: Duration = Duration::from_secs(1);
/// An estimate that is too small and does not grow by half in this time is made anew from where it stands: str0m does not
/// probe as long as it remembers losses, and it remembers them while little is sent.
const STUCK: Duration = Duration::from_secs(4);
/// After padding was too much, or something else fell into the way, there is none for this long: twice as long each time.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Pictures that waited longer than this for their turn are too late: nothing is added until all are sent. Not less, because
/// what begins anew begins with a keyframe, which on a narrow line takes a second itself.
const QUEUE_MAX: Duration = Duration::from_millis(1500);
/// So few bytes are soon sent, whatever the line.
const QUEUE_BYTES: usize = 16_000;
/// In so many rounds in a row more than that waits for its turn, each time more than before: less is given at once, in percent.
const BACKLOG_ROUNDS: u32 = 2;
const SQUEEZE: u64 = 60;
/// The least that an estimate is taken to be where the lowest layers pile up, in percent of what they cost.
const FLOOR: u64 = 150;

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
    /// Bits per second that str0m was told of: at least, and in the end.
    told: (u64, u64),
    /// More comes than goes: so many bytes waited in the last round, and in so many rounds they became more.
    backlog: (usize, u32),
    /// Somebody gets less than wanted.
    limited: bool,
    /// No picture is sent or wanted: the pacer has nothing to do.
    pub(crate) idle: bool,
    /// Since when the estimate is about this, and too small.
    stuck: Option<(Instant, u64)>,
    padding: Padding,
    /// Since when more would fit.
    roomy_since: Option<Instant>,
    /// Something changed since the last allocation.
    pub(crate) stale: bool,
}

/// Whether a line is filled up to its estimate, to find out whether it carries more. What fills it is in the way of pictures and
/// sound where it carries no more: so there is none for a while after it seemed to be too much.
#[derive(Debug, Default)]
struct Padding {
    /// The estimate at the last look.
    estimate: u64,
    pause: Duration,
    pauses_until: Option<Instant>,
    /// There was padding at the last look.
    filling: bool,
}

impl Padding {
    /// Whether there may be padding now, at an `estimate`, and `queued` where more waits for its turn than before.
    fn allowed(&mut self, now: Instant, estimate: u64, queued: bool) -> bool {
        let fell = estimate < self.estimate - self.estimate / 20;
        self.estimate = estimate;
        if fell || queued {
            if self.filling || self.pause.is_zero() {
                self.pause = (self.pause * 2).clamp(PAUSE, PAUSE_MAX);
            }
            self.pauses_until = Some(now + self.pause);
        }
        self.filling = self.pauses_until.is_none_or(|until| now >= until);
        self.filling
    }
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
        self.stale || self.limited || self.budget() < self.told.1 + self.told.1 / 4
    }

    /// The estimate, if it is to be made anew.
    fn begin_anew(&mut self, now: Instant, most: u64) -> Option<u64> {
        let estimate = self.estimate.filter(|estimate| self.limited && *estimate < most);
        let stays = |(_, before): &(Instant, u64)| {
            estimate.is_some_and(|now| (before - before / 10..=before + before / 2).contains(&now))
        };
        let since = self.stuck.filter(stays).or_else(|| estimate.map(|estimate| (now, estimate)));
        let stuck = since.is_some_and(|(since, _)| now.saturating_duration_since(since) >= STUCK);
        self.stuck = since.filter(|_| !stuck);
        estimate.filter(|_| stuck)
    }

    /// What str0m is to be told, if anything: how much is to go out at least, padding included, and how much shall in the end.
    ///
    /// Who has to do with less gets padding up to the next step, as far as the estimate allows: only what goes out is measured,
    /// and str0m probes for more once that has come through.
    fn tell(&mut self, (least, most): (u64, u64)) -> Option<(u64, u64)> {
        let far = |one: u64, other: u64| one.abs_diff(other) > other / 20;
        let changed = far(least, self.told.0) || far(most, self.told.1);
        changed.then(|| {
            self.told = (least, most);
            self.told
        })
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
            peer.line.idle |= peer.line.video.is_empty();
            if !peer.line.video.is_empty() && peer.secure {
                self.hold_back_late(now, index);
                self.share_line(now, index);
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
        line.idle = wishes.is_empty();
        let pause = peer.options.may_pause;
        // The pacer follows an estimate at once that is told to us smoothed over seconds.
        let now_costs = costs(&wishes, &given).0;
        let squeezed = line.backlog.1 >= BACKLOG_ROUNDS;
        let budget = if squeezed { budget.min(now_costs / 100 * SQUEEZE) } else { budget };
        if squeezed {
            line.backlog.1 = 0;
        }
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
        if !line.limited {
            line.padding = Padding::default();
        }
        let pads = line.limited && line.padding.allowed(now, budget, squeezed || line.backlog.1 > 0);
        let least = if pads { costs(&wishes, &next).1 } else { 0 };
        let most = with_spare(desired(&wishes));
        // Less than the lowest layers is not sent: where even these pile up, an estimate below them only makes them late.
        let piled_up = || {
            let floor = costs(&wishes, &allocate(0, pause, &wishes)).0;
            (costs(&wishes, &next).0 <= floor).then_some(floor / 100 * FLOOR)
        };
        let anew = if pads { line.begin_anew(now, most) } else { None };
        if let Some(estimate) = anew.or_else(|| if squeezed { piled_up() } else { None }) {
            peer.with(|rtc| rtc.bwe().reset(Bitrate::from(estimate)));
        }
        let line = &mut peer.line;
        if let Some((least, most)) = line.tell((least, most)) {
            peer.with(|rtc| rtc.bwe().set_bitrate(Bitrate::from(least), Bitrate::from(most)));
        }
        self.allow(now, index, &wanted, &next);
    }

    /// Puts what was given into effect, and tells which tracks begin or cease to be sent.
    fn allow(&mut self, now: Instant, index: usize, wanted: &[usize], given: &[Option<Level>]) {
        let mut told = Vec::new();
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
            down.allowed = *allowed;
            track.retarget();
            self.request_keyframes(id, now);
        }
        if let Some(peer) = self.peers.get(index)
            && !told.is_empty()
        {
            self.counters.paused += told.iter().filter(|(_, paused)| *paused).count() as u64;
            self.outputs.push_back(Output::Event(Event::StreamState(peer.id, told)));
        }
    }

    /// When an estimate falls, what is queued already would come late for seconds: what would be added to it is dropped until
    /// the queue is empty, and the picture begins anew with a keyframe.
    fn hold_back_late(&mut self, now: Instant, index: usize) {
        let Self { tracks, peers, .. } = self;
        let Some(peer) = peers.get_mut(index).filter(|peer| peer.line.estimate.is_some()) else { return };
        let mut resumed: Vec<TrackId> = Vec::new();
        let mut waiting = 0;
        for track_index in peer.line.video.clone() {
            let Some(track) = tracks.get_mut(track_index) else { continue };
            let id = track.id;
            let Some(down) = track.down_of(index) else { continue };
            let (bytes, oldest) = peer.unsent(down.ssrc);
            waiting += bytes;
            let late = oldest.is_some_and(|queued| now.saturating_duration_since(queued) > QUEUE_MAX);
            if late && bytes >= QUEUE_BYTES && !down.held_back {
                down.held_back = true;
                self.counters.held_back += 1;
                track.retarget();
            } else if down.held_back && oldest.is_none() {
                down.held_back = false;
                track.retarget();
                resumed.push(id);
            }
        }
        let (before, rounds) = peer.line.backlog;
        let grows = waiting > before && waiting >= QUEUE_BYTES;
        peer.line.backlog = (waiting, if grows { rounds + 1 } else { 0 });
        peer.line.stale |= grows;
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
    use super::*;

    /// As long as nothing speaks against it; after that ever more seldom.
    #[test]
    fn padding_pauses_where_it_was_too_much() {
        let start = testkit::origin();
        let mut padding = Padding::default();
        // Tenths of a second, estimate, more waits, padding.
        let looks = [
            (0, 300, false, true),
            (1, 290, false, true),
            (2, 250, false, false),
            (11, 250, false, false),
            (12, 250, false, true),
            (13, 250, true, false),
            (32, 260, false, false),
            (33, 260, false, true),
            (34, 200, false, false),
            (40, 150, false, false),
            (59, 150, false, false),
            (60, 150, false, true),
            (61, 900, false, true),
        ];
        for (tenths, estimate, queued, expected) in looks {
            let now = start + Duration::from_millis(100) * tenths;
            assert_eq!(padding.allowed(now, estimate, queued), expected, "{tenths}");
        }
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
