//! What the way to a subscriber carries, found out from transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), and when to send how much. No I/O: time and feedback are handed in.
//!
//! A way is taken to carry everything until it is seen to be full. It is seen by what packets wait: their time beyond the least
//! that any took. Losses alone say little, because many ways lose packets however little is sent: so the share that is lost while
//! nothing waits is learnt, and only what is lost beyond it counts. Loss without waiting means a full way (a policer) only where a
//! large part of what is sent is gone, again and again.
//!
//! A full way carries what arrives from it while it is full; a bit less is the new estimate. It never grows by itself: a short
//! burst of padding (a probe) finds out whether more comes through. So it does not fall either while little is sent.

mod clocks;
mod groups;
mod history;
mod pacer;
mod probe;

use std::time::{Duration, Instant};

pub use pacer::Pacer;

use clocks::Clocks;
use groups::{Group, Groups, Span};
use history::{Fate, History};
use probe::{Finding, Probe};

/// What is taken of what a full way carried.
const RATE_SHARE: f32 = 0.92;
/// And what of it until none waits any more: the less, the longer they wait (a second and more: the least).
const DRAIN_SHARE: f32 = 0.88;
const DRAIN_SHARE_PER_SECOND: f32 = 0.14;
/// Packets that all wait so long stand in a queue; so long if more than usual is lost too. Microseconds.
const QUEUE: u64 = 50_000;
const SHORT_QUEUE: u64 = 25_000;
/// Loss beyond the way's own that tells of a full way: where packets wait; where they do not and it was full at about this rate
/// before. And all loss that does where it never was.
const LOSS_WITH_QUEUE: f32 = 0.1;
const LOSS_BEYOND: f32 = 0.12;
const LOSS_ALONE: f32 = 0.4;
/// Where so much of the loss remains after less was sent, it is the way's own. What is less than this part of another rate is
/// well below it.
const SAME_LOSS: f32 = 0.4;
const WELL_BELOW: f32 = 0.8;
/// How long a queue has to grow, losses alone have to last, and a queue has to stand, before they count. Microseconds.
const GROWING: u64 = 200_000;
/// Less time is enough where packets wait so long already, and no more than this share of what is sent arrives.
const STEEP_QUEUE: u64 = 100_000;
const STEEP: f32 = 0.7;
const STEEP_GROWING: u64 = 150_000;
const LOSING: u64 = 600_000;
const LOSING_PACKETS: u32 = 20;
const STANDING: u64 = 1_000_000;
/// A queue that has become shorter by this, or by a tenth, falls. Microseconds.
const FALLING: u64 = 25_000;
/// A queue that has become longer by this, and by a twentieth of the time, grows. Microseconds.
const LEAST_GROWTH: u64 = 8_000;
/// Loss beyond the way's own that tells that a queue overflows.
const LOSS_OVERFLOW: f32 = 0.03;
/// After so many attempts to empty a queue that stands, it is taken to be none.
const MOST_STANDS: u32 = 2;
/// Packets after which the way's own loss is known, as many as are taken to have arrived before the first, and the most that it
/// is taken to be.
const LOSS_MEMORY: f32 = 300.0;
const LOSS_DOUBT: f32 = 50.0;
const MOST_LOSS: f32 = 0.5;
/// Time between two probes that found nothing: at first, later, and at most where probes did harm. Microseconds.
const PROBE_WAIT: u64 = 1_500_000;
const PROBE_WAIT_IN_VAIN: u64 = 2_400_000;
const PROBE_WAIT_MOST: u64 = 5_000_000;
/// A limit that is met so soon after a probe has raised the estimate makes probes rarer. Microseconds.
const REGRET: u64 = 6_000_000;
/// A queue that is met again so soon was not given time to drain. Microseconds.
const AGAIN: u64 = 2_000_000;
/// A probe tries so much of the estimate; so much after one that found room.
const PROBE_FACTOR: f32 = 1.5;
const PROBE_FACTOR_AGAIN: f32 = 2.0;
/// Where a full way seems to carry so much more than was known, it has become wider.
const SURPRISE: f32 = 1.25;
/// What a probe leaves of the estimate at least.
const LEAST_LEFT: f32 = 0.9;
/// There is no probe where there is so much of what is wanted, and none tries more than this; what is lost comes on top.
const ENOUGH: f32 = 1.2;
const ROOM: f32 = 1.3;
/// After so long without feedback, though packets were sent, the estimate is halved, and again. Microseconds.
const SILENCE: u64 = 1_000_000;
const SILENCE_PACKETS: u32 = 10;
const SILENCE_LEAST: u64 = 50_000;
/// The least estimate, in bits a second.
const LEAST: u64 = 30_000;
/// After so long a pause, what was before it tells nothing. Microseconds.
const PAUSE: u64 = 1_000_000;
/// What is told of packets older than this is not believed. Microseconds.
const OLD: u64 = 10_000_000;

/// What a feedback tells of one packet.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Its transport-wide number.
    pub sequence: u16,
    /// When it arrived, in 250 microseconds after the feedback's reference time; `None`: it did not.
    pub ticks: Option<i64>,
}

/// Less is sent because much was lost: it will be seen whether less is lost then.
#[derive(Debug)]
struct Trial {
    /// What was lost and sent, and the limit, before.
    loss: f32,
    sent: f32,
    limit: Option<u64>,
}

/// What one way carries: of our packets that have transport-wide numbers, in bits a second of UDP payload.
#[derive(Debug)]
pub struct Estimator {
    /// All times below are microseconds since then.
    origin: Instant,
    latest: u64,
    history: History,
    clocks: Clocks,
    groups: Groups,
    limit: Option<u64>,
    wanted: u64,
    loss: f32,
    /// Packets that `loss` was learnt from, up to [`LOSS_MEMORY`].
    learnt: f32,
    /// All packets before this number were told of, or never will be.
    told: u64,
    /// Only what was sent from this number on tells of the present estimate.
    settled: u64,
    /// The packets before this number had a probe among them.
    probed: u64,
    trial: Option<Trial>,
    /// What the full way carries, in bits a second; 0: not known.
    carries: f32,
    /// How often in a row less was sent because a queue stood.
    stood: u32,
    /// Less is sent than the way carries until its queue is empty.
    drains: bool,
    /// The limit was met without a queue.
    policed: bool,
    probe: Option<Probe>,
    next_probe: u64,
    probe_wait: u64,
    probe_factor: f32,
    /// When a probe has raised the estimate, and when the way was full, last.
    raised: Option<u64>,
    met: Option<u64>,
    last_sent: u64,
    last_feedback: Option<u64>,
    /// Since the last feedback: packets, bytes without padding, and when the first of them was sent.
    unheard: (u32, u64, u64),
    /// How often the estimate was halved because no feedback came.
    halved: u32,
}

impl Estimator {
    /// Knows of no limit.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            latest: 0,
            history: History::new(),
            clocks: Clocks::new(),
            groups: Groups::new(),
            limit: None,
            wanted: 0,
            loss: 0.0,
            learnt: LOSS_DOUBT,
            told: 0,
            settled: 0,
            probed: 0,
            trial: None,
            carries: 0.0,
            stood: 0,
            drains: false,
            policed: false,
            probe: None,
            next_probe: 0,
            probe_wait: PROBE_WAIT,
            probe_factor: PROBE_FACTOR,
            raised: None,
            met: None,
            last_sent: 0,
            last_feedback: None,
            unheard: (0, 0, 0),
            halved: 0,
        }
    }

    /// Microseconds; they never go back.
    fn micros(&mut self, now: Instant) -> u64 {
        self.latest = self.latest.max(now.saturating_duration_since(self.origin).as_micros() as u64);
        self.latest
    }

    fn instant(&self, micros: u64) -> Instant {
        self.origin + Duration::from_micros(micros)
    }

    /// A packet leaves now, with `bytes` of UDP payload; `padding`: it is part of a probe. Gives its transport-wide number.
    pub fn sent(&mut self, now: Instant, bytes: usize, padding: bool) -> u16 {
        let now = self.micros(now);
        if now - self.last_sent > PAUSE {
            self.resume(now);
        }
        self.last_sent = now;
        if self.unheard.0 == 0 {
            self.unheard = (0, 0, now);
        }
        self.unheard.0 = self.unheard.0.saturating_add(1);
        if !padding {
            self.unheard.1 += bytes as u64;
        }
        if let Some(probe) = &mut self.probe {
            probe.sent(bytes);
        }
        self.history.push(now, bytes)
    }

    /// After a pause: what is still in the air is of no interest.
    fn resume(&mut self, now: u64) {
        self.groups.clear();
        (self.unheard, self.halved) = ((0, 0, now), 0);
        if now - self.last_sent > OLD {
            self.history.forget();
            self.told = self.history.next();
        }
    }

    /// What a transport-wide feedback told. `reference`: its 24 bits, in units of 64 ms.
    pub fn feedback(&mut self, now: Instant, reference: u32, arrivals: impl Iterator<Item = Arrival>) {
        let now = self.micros(now);
        let reference = self.clocks.reference(reference);
        let mut newest = None;
        // A feedback has 16 bits for their number.
        for arrival in arrivals.take(1 << 16) {
            let Some(number) = self.history.find(arrival.sequence) else { continue };
            self.skip(number, now);
            if self.tell(now, number, arrival.ticks.map(|ticks| Clocks::arrival(reference, ticks))) {
                newest = newest.max(Some(number));
            }
        }
        let Some(sent) = newest.and_then(|number| self.history.get(number, now)) else { return };
        self.clocks.saw_round_trip(now - sent.at);
        self.hear(now);
        if self.groups.complete().is_some() {
            self.learn_loss();
            self.judge(now);
        }
        self.look_at_probe(now);
    }

    /// Packets before `number` that no feedback told of: one was lost.
    fn skip(&mut self, number: u64, now: u64) {
        for missing in self.told.max(self.history.oldest())..number {
            let Some(sent) = self.history.get(missing, now) else { continue };
            self.groups.skipped(missing, sent.at, sent.bytes);
            self.history.set_fate(missing, Fate::Skipped);
        }
        self.told = self.told.max(number + 1);
    }

    /// Whether it is news that this packet arrived.
    fn tell(&mut self, now: u64, number: u64, arrival: Option<i64>) -> bool {
        let Some(sent) = self.history.get(number, now).filter(|sent| now - sent.at < OLD) else { return false };
        let Some(arrival) = arrival else {
            if sent.fate == Fate::Unknown {
                self.history.set_fate(number, Fate::Lost);
                self.groups.lost(number, sent.at, sent.bytes);
                if let Some(probe) = &mut self.probe {
                    probe.told(number, sent, None);
                }
            }
            return false;
        };
        if matches!(sent.fate, Fate::Received | Fate::Skipped) {
            return false;
        }
        self.history.set_fate(number, Fate::Received);
        let waited = self.clocks.waited(now, sent.at, arrival);
        self.groups.received(number, sent.at, sent.bytes, sent.fate == Fate::Lost, arrival, waited);
        if let Some(probe) = &mut self.probe {
            probe.told(number, sent, Some(waited));
        }
        true
    }

    fn hear(&mut self, now: u64) {
        self.last_feedback = Some(now);
        (self.unheard, self.halved) = ((0, 0, now), 0);
    }

    /// What is lost while nothing waits, and while less is sent than fills the way, is the way's own loss.
    fn learn_loss(&mut self) {
        let recent = self.groups.recent(GROWING);
        let undisturbed = |group: &&Group| group.waited_mean() < SHORT_QUEUE && self.undisturbed(group);
        let Some(group) = self.groups.last().filter(undisturbed) else { return };
        if self.carries > 0.0 && recent.sent > self.carries * WELL_BELOW {
            return;
        }
        let packets = group.packets() as f32;
        self.learnt = (self.learnt + packets).min(LOSS_MEMORY);
        let loss = self.loss + (group.loss() - self.loss) * packets / self.learnt;
        self.loss = loss.clamp(0.0, MOST_LOSS);
    }

    /// Whether it was sent after the estimate changed last, and no probe was among it.
    fn undisturbed(&self, group: &Group) -> bool {
        self.probe.is_none() && group.first >= self.settled.max(self.probed)
    }

    /// Whether the way is full.
    fn judge(&mut self, now: u64) {
        if self.groups.last().is_some_and(|group| group.first >= self.settled && group.waited < SHORT_QUEUE) {
            self.stood = 0;
            if std::mem::take(&mut self.drains) {
                self.limit = self.limit.map(|limit| limit.max((self.carries * DRAIN_SHARE) as u64));
            }
        }
        let excess = self.groups.recent(GROWING).loss - self.loss;
        let queue = if excess > LOSS_WITH_QUEUE { SHORT_QUEUE } else { QUEUE };
        let settled = self.settled;
        let full = self.groups.span(|group| group.waited >= queue && group.first >= settled);
        let falls = full.waited_last + (full.waited_first / 10).min(FALLING) < full.waited_first;
        let steep = full.waited_last >= STEEP_QUEUE && full.carried < STEEP * full.sent;
        if full.time < if steep { STEEP_GROWING } else { GROWING } || falls {
            self.judge_losses(now);
            return;
        }
        let grows = full.waited_last > full.waited_first + (full.time / 20).max(LEAST_GROWTH);
        if grows || full.loss - self.loss > LOSS_OVERFLOW {
            let share = DRAIN_SHARE - DRAIN_SHARE_PER_SECOND * (full.waited_last as f32 / 1e6).min(1.0);
            self.meet(now, full.sent, full.carried / (1.0 - self.loss), share);
        } else if full.time >= STANDING {
            self.stand(now, &full);
        }
    }

    /// Whether what is lost is lost because the way is full, though nothing waits.
    fn judge_losses(&mut self, now: u64) {
        let all = self.groups.span(|group| group.waited < QUEUE && self.undisturbed(group));
        if all.time < LOSING || all.packets < LOSING_PACKETS {
            return;
        }
        if let Some(trial) = self.trial.take_if(|trial| all.sent < self.carries && all.sent < trial.sent * WELL_BELOW)
            && all.loss > trial.loss * SAME_LOSS
        {
            // Less was sent and as much of it lost: it is the way's own.
            (self.loss, self.learnt) = (all.loss.clamp(0.0, MOST_LOSS), LOSS_MEMORY);
            (self.limit, self.carries, self.policed) = (trial.limit, 0.0, false);
            return;
        }
        // What comes through while nothing waits can be sent.
        self.limit = self.limit.map(|limit| limit.max((all.carried.min(all.sent) * RATE_SHARE) as u64));
        let beyond = self.loss + LOSS_BEYOND;
        let was_full = self.policed && self.carries > 0.0 && all.sent > self.carries * WELL_BELOW;
        let most = if was_full { beyond } else { beyond.max(LOSS_ALONE) };
        let gone = self.groups.span(|group| group.loss() > most && self.undisturbed(group));
        if gone.time >= LOSING && gone.packets >= LOSING_PACKETS {
            let limit = self.limit;
            self.meet(now, gone.sent, gone.carried, RATE_SHARE);
            self.policed = true;
            self.trial = Some(Trial { loss: gone.loss, sent: gone.sent, limit });
            // What was learnt meanwhile was not the way's own loss.
            (self.loss, self.learnt) = (0.0, LOSS_DOUBT);
        }
    }

    /// The way is full: it carries `carries` while `sent` is sent. `share` of it is used from now on.
    fn meet(&mut self, now: u64, sent: f32, carries: f32, share: f32) {
        let again = self.met.is_some_and(|at| now - at < AGAIN);
        let mut rate = carries * share;
        if let Some(before) = self.limit.map(|limit| limit as f32) {
            // Little was sent, and nearly all of it came through: what fills the way may be others'.
            let by_others = sent < before * WELL_BELOW && carries > sent * WELL_BELOW;
            rate = if by_others { rate.max(before * WELL_BELOW) } else { rate.min(before) };
        }
        let rate = (rate as u64).max(LEAST);
        self.met = Some(now);
        let regret = self.raised.take().is_some_and(|at| now - at < REGRET);
        self.probe_wait = if regret { (self.probe_wait * 2).min(PROBE_WAIT_MOST) } else { PROBE_WAIT };
        self.limit = Some(rate);
        (self.policed, self.trial, self.drains) = (false, None, !again);
        self.carries = carries.max(rate as f32);
        self.settled = self.history.next();
        self.end_probe();
        self.probe_factor = PROBE_FACTOR;
        self.next_probe = now + self.probe_wait;
    }

    /// A queue stands that neither grows nor falls.
    fn stand(&mut self, now: u64, full: &Span) {
        let little = self.limit.is_some_and(|limit| full.sent < limit as f32 * WELL_BELOW);
        if little || self.stood == MOST_STANDS {
            // Less was sent, and it stands as before: it does not come from us, or the way became longer.
            self.stood = 0;
            self.clocks.longer(full.waited_least);
            self.settled = self.history.next();
            return;
        }
        let stood = self.stood + 1;
        self.meet(now, full.sent, full.carried, DRAIN_SHARE);
        self.stood = stood;
    }

    fn end_probe(&mut self) {
        if self.probe.take().is_some() {
            self.probed = self.history.next();
        }
    }

    fn look_at_probe(&mut self, now: u64) {
        let Some(finding) = self.probe.as_ref().and_then(|probe| probe.finding(now, self.told, self.loss)) else {
            return;
        };
        self.end_probe();
        let (Finding::Carries { rate, full }, Some(limit)) = (finding, self.limit) else {
            self.next_probe = now + PROBE_WAIT / 2;
            return;
        };
        let rate = if full { self.correct(limit, rate) } else { self.widen(limit, rate) };
        let raises = rate > limit + limit / 20;
        if raises {
            self.raised = Some(now);
        }
        self.limit = Some(rate);
        self.probe_factor = if full { PROBE_FACTOR } else { PROBE_FACTOR_AGAIN };
        self.next_probe = match (full, raises) {
            (false, _) => now,
            (true, true) => now + PROBE_WAIT / 2,
            (true, false) => {
                self.probe_wait = self.probe_wait.max((self.probe_wait * 4 / 3).min(PROBE_WAIT_IN_VAIN));
                now + self.probe_wait
            }
        };
        self.begin_probe(now);
    }

    /// What to take for the limit after all of a probe came through.
    fn widen(&mut self, limit: u64, rate: f32) -> u64 {
        if rate > self.carries {
            self.carries = 0.0;
        }
        limit.max(rate as u64)
    }

    /// What to take for the limit after a probe filled the way, which carried `rate` then. A probe is short, and measures badly:
    /// near to what is known already it only moves that, and it takes little away.
    fn correct(&mut self, limit: u64, rate: f32) -> u64 {
        let rate = rate.max(limit as f32 * LEAST_LEFT);
        if rate > self.carries * SURPRISE {
            self.carries = rate;
        } else {
            self.carries += (rate - self.carries) / 5.0;
        }
        ((self.carries * RATE_SHARE) as u64).max(LEAST)
    }

    /// A probe, if more is wanted than is known to come through and nothing speaks against it.
    fn begin_probe(&mut self, now: u64) {
        let Some(limit) = self.limit.filter(|_| self.wants_probe() && now >= self.next_probe) else { return };
        let sends = now - self.last_sent < PAUSE / 2 && self.last_feedback.is_some_and(|at| now - at < PAUSE / 2);
        let waits = self.groups.last().is_none_or(|group| group.waited >= QUEUE);
        if !sends || waits {
            self.next_probe = now + PROBE_WAIT / 10;
            return;
        }
        let rate = (limit as f32 * self.probe_factor).min(self.wanted as f32 * ROOM / (1.0 - self.loss));
        self.probe = Some(Probe::new(now, self.history.next(), rate as u64, self.loss, self.policed));
    }

    fn wants_probe(&self) -> bool {
        self.probe.is_none()
            && self.halved == 0
            && self.limit.is_some_and(|limit| (limit as f32) < self.wanted as f32 * ENOUGH / (1.0 - self.loss))
    }

    /// Bits a second that the sender would like to arrive in the end; 0: nothing. Probes look for a third more, and for what is
    /// lost on the way.
    pub fn set_wanted(&mut self, now: Instant, bits_per_second: u64) {
        self.wanted = bits_per_second;
        self.pass_time(now);
    }

    /// What the way carries in bits a second; `None`: no limit is known. Of this the share that is [lost](Self::loss) is taken
    /// by what is sent again.
    #[must_use]
    pub fn estimate(&self) -> Option<u64> {
        if self.halved == 0 {
            return self.limit;
        }
        // While nothing is heard, half of what was sent or allowed, whichever is less; and again.
        let time = self.last_sent.saturating_sub(self.unheard.2).max(SILENCE);
        let sent = self.unheard.1 * 8_000_000 / time;
        let rate = self.limit.map_or(sent, |limit| limit.min(sent));
        Some((rate >> self.halved.min(20)).max(SILENCE_LEAST))
    }

    /// The part of packets that the way loses by itself, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// Round-trip time, feedback's own waiting included; `None` before the first feedback.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.clocks.round_trip()
    }

    /// Time passes; call it at [`deadline`](Self::deadline).
    pub fn pass_time(&mut self, now: Instant) {
        let now = self.micros(now);
        if self.silence().is_some_and(|at| now >= at) {
            self.halved += 1;
        }
        if let Some(probe) = &mut self.probe {
            probe.pass_time(now, self.history.next());
        }
        self.look_at_probe(now);
        self.begin_probe(now);
    }

    /// When the estimate is halved if no feedback comes.
    fn silence(&self) -> Option<u64> {
        let awaited = self.last_feedback.is_some() && self.unheard.0 >= SILENCE_PACKETS;
        let due = self.unheard.2 + SILENCE * u64::from(self.halved + 1);
        (awaited && due <= self.last_sent + SILENCE && self.halved < 20).then_some(due)
    }

    /// When [`pass_time`](Self::pass_time) and [`padding_due`](Self::padding_due) want to be called; `None`: not until something
    /// is sent or heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let probe = self.probe.as_ref().map(Probe::deadline);
        let sends = self.latest - self.last_sent < PAUSE / 2;
        let next = (sends && self.wants_probe()).then_some(self.next_probe);
        let due = [probe, next, self.silence()].into_iter().flatten().min()?;
        Some(self.instant(due))
    }

    /// Bytes of padding that may leave now; 0 = none.
    pub fn padding_due(&mut self, now: Instant) -> usize {
        let now = self.micros(now);
        self.probe.as_ref().map_or(0, |probe| probe.due(now))
    }
}
