//! A bottleneck, a receiver with libwebrtc's feedback, and a sender with simulcast layers that obeys the estimate.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use estimator::{Arrival, Estimator, Pacer};

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What the line is like. Times in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    /// Bits a second, headers included; 0 = plenty.
    pub(crate) rate: u64,
    /// Longer than this nothing waits; it is dropped.
    pub(crate) queue: u64,
    /// Bytes that a policer lets pass at once; 0 = there is a queue, and no policer.
    pub(crate) bucket: u64,
    pub(crate) loss: f64,
    /// Mean length of bursts of loss; 1 = each packet for itself.
    pub(crate) burst: f64,
    pub(crate) jitter: u64,
    /// Jitter lets packets overtake each other.
    pub(crate) reorders: bool,
    /// Other traffic in the same queue, bits a second.
    pub(crate) others: u64,
    /// How much longer the way is than the flow says.
    pub(crate) longer: u64,
    /// Once a second nothing passes for so long, and nothing is lost.
    pub(crate) stall: u64,
}

pub(crate) const PLENTY: Line = Line {
    rate: 20_000_000,
    queue: 300,
    bucket: 0,
    loss: 0.0,
    burst: 1.0,
    jitter: 0,
    reorders: false,
    others: 0,
    longer: 0,
    stall: 0,
};

const HEADERS: usize = 28;
const PACKET: usize = 1_150;
const FRAME: u64 = 33_333;
const LAYERS: [u64; 3] = [150_000, 500_000, 1_500_000];

pub(crate) struct State {
    line: Line,
    free_at: u64,
    tokens: f64,
    filled: u64,
    others_due: f64,
    losing: bool,
    random: Random,
}

impl State {
    /// When a packet leaves the bottleneck, if it does.
    fn pass(&mut self, now: u64, bytes: usize) -> Option<u64> {
        let line = self.line;
        if line.loss > 0.0 {
            let lost = if line.burst <= 1.0 {
                self.random.unit() < line.loss
            } else if self.losing {
                self.random.unit() >= 1.0 / line.burst
            } else {
                self.random.unit() < line.loss / (1.0 - line.loss) / line.burst
            };
            self.losing = lost;
            if lost {
                return None;
            }
        }
        if line.rate == 0 {
            return Some(now);
        }
        let size = (bytes + HEADERS) as f64;
        if line.bucket > 0 {
            let come = (now - self.filled) as f64 * line.rate as f64 / 8e6;
            self.tokens = (self.tokens + come).min(line.bucket as f64);
            self.filled = now;
            if self.tokens < size {
                return None;
            }
            self.tokens -= size;
            return Some(now);
        }
        if self.free_at.saturating_sub(now) > line.queue * 1_000 {
            return None;
        }
        let into = now % 1_000_000;
        if into < line.stall * 1_000 {
            self.free_at = self.free_at.max(now - into + line.stall * 1_000);
        }
        self.free_at = self.free_at.max(now) + (size * 8e6 / line.rate as f64) as u64;
        Some(self.free_at)
    }

    fn waits(&self, now: u64) -> u64 {
        self.free_at.saturating_sub(now) / 1_000
    }

    fn disturb(&mut self, now: u64) {
        self.others_due += self.line.others as f64 / 8e3;
        while self.others_due >= 1_200.0 {
            self.others_due -= 1_200.0;
            let loss = std::mem::replace(&mut self.line.loss, 0.0);
            self.pass(now, 1_200 - HEADERS);
            self.line.loss = loss;
        }
    }
}

/// What a flow looked like in one tenth of a second.
#[derive(Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) estimate: Option<u64>,
    /// Longest wait in the line's queue, ms.
    pub(crate) waits: u64,
    pub(crate) layer: usize,
    pub(crate) delivered: u64,
    pub(crate) padding: u64,
    pub(crate) loss: f32,
}

#[derive(Clone, Copy)]
struct Packet {
    bytes: usize,
    attempts: u32,
    padding: bool,
}

pub(crate) struct Flow {
    pub(crate) estimator: Estimator,
    pacer: Pacer,
    /// One way, and the way of feedback, in microseconds.
    delay: u64,
    starts: u64,
    /// Feedback is lost with this probability, in addition to the line's loss.
    pub(crate) deaf: f64,
    /// Bits a second of the layer that is wanted at most; 0 = muted.
    pub(crate) wanted: u64,
    layer: usize,
    /// All feedback comes twice.
    pub(crate) twice: bool,
    /// Nothing is sent, whatever is wanted.
    pub(crate) idle: bool,
    /// It sends as much as the estimate says, not in steps.
    pub(crate) smooth: bool,
    fits_since: Option<u64>,
    next_frame: u64,
    keyframe: bool,
    waiting: VecDeque<Packet>,
    again: BTreeMap<(u64, u64), Packet>,
    arriving: BTreeMap<(u64, u64), (u64, usize)>,
    last_arrival: u64,
    sent: u64,
    // The receiver.
    /// The receiver's clock beside ours, microseconds.
    pub(crate) clock: u64,
    arrived: BTreeMap<u64, u64>,
    begin: Option<u64>,
    next_feedback: u64,
    feedback: BTreeMap<(u64, u64), (u32, Vec<Arrival>)>,
    look: Look,
    pub(crate) looks: Vec<Look>,
    /// Calls of `sent` and of `pass_time`.
    pub(crate) passes: u64,
}

impl Flow {
    pub(crate) fn new(origin: Instant, rtt: u64, starts: u64) -> Self {
        Self {
            estimator: Estimator::new(origin),
            pacer: Pacer::new(origin),
            delay: rtt * 500,
            starts: starts * 1_000,
            deaf: 0.0,
            wanted: LAYERS[2],
            layer: 2,
            twice: false,
            idle: false,
            smooth: false,
            fits_since: None,
            next_frame: starts * 1_000,
            keyframe: true,
            waiting: VecDeque::new(),
            again: BTreeMap::new(),
            arriving: BTreeMap::new(),
            last_arrival: 0,
            sent: 0,
            // Its reference time wraps soon.
            clock: ((1 << 24) - 100) * 64_000,
            arrived: BTreeMap::new(),
            begin: None,
            next_feedback: 0,
            feedback: BTreeMap::new(),
            look: Look::default(),
            looks: Vec::new(),
            passes: 0,
        }
    }

    fn choose(&mut self, now: u64) {
        // What is lost is sent again.
        let estimate =
            self.estimator.estimate().map_or(u64::MAX, |it| (it as f32 * (1.0 - self.estimator.loss())) as u64);
        let most = LAYERS.iter().rposition(|rate| *rate <= self.wanted).unwrap_or(0);
        let now_fits = (0..=most).rev().find(|layer| LAYERS[*layer] <= estimate).unwrap_or(0);
        let more_fits = (0..=most).rev().find(|layer| LAYERS[*layer] / 100 * 115 <= estimate).unwrap_or(0);
        if now_fits < self.layer {
            self.layer = now_fits;
            // After the next keyframe nobody needs them.
            self.waiting.clear();
            self.again.clear();
            self.keyframe = true;
        } else if more_fits > self.layer {
            if now - *self.fits_since.get_or_insert(now) >= 1_000_000 {
                self.layer = more_fits;
                self.keyframe = true;
            }
            return;
        }
        self.fits_since = None;
    }

    fn frame(&mut self, now: u64, random: &mut Random) {
        while now >= self.next_frame {
            self.next_frame += FRAME;
            if self.wanted == 0 || self.idle {
                continue;
            }
            let estimate = self.estimator.estimate().unwrap_or(u64::MAX);
            let smooth = (estimate as f32 * (1.0 - self.estimator.loss())) as u64;
            let rate = if self.smooth { smooth.clamp(LAYERS[0], LAYERS[2]) } else { LAYERS[self.layer] };
            let mean = rate as f64 / 8.0 * FRAME as f64 / 1e6;
            let keyframe = std::mem::take(&mut self.keyframe);
            let size = mean * (0.7 + 0.6 * random.unit()) * if keyframe { 5.0 } else { 1.0 };
            let count = (size as usize).div_ceil(PACKET);
            for _ in 0..count {
                self.waiting.push_back(Packet { bytes: size as usize / count, attempts: 0, padding: false });
            }
        }
        while let Some(entry) = self.again.first_entry().filter(|entry| entry.key().0 <= now) {
            self.waiting.push_back(entry.remove());
        }
    }

    fn send(&mut self, origin: Instant, now: u64, line: &mut State) {
        let at = origin + Duration::from_micros(now);
        if self.estimator.deadline().is_some_and(|due| due <= at) {
            self.estimator.pass_time(at);
            self.passes += 1;
        }
        self.pacer.set_rate(at, self.estimator.estimate());
        while let Some(packet) = self.waiting.front() {
            if !self.pacer.may_send(at, packet.bytes) {
                break;
            }
            let packet = self.waiting.pop_front().unwrap();
            self.launch(origin, now, line, packet);
        }
        if self.waiting.is_empty() {
            let mut due = self.estimator.padding_due(at);
            while due > 0 {
                let bytes = due.clamp(200, 1_100);
                self.look.padding += bytes as u64;
                self.launch(origin, now, line, Packet { bytes, attempts: 9, padding: true });
                due = due.saturating_sub(bytes);
            }
        }
    }

    fn launch(&mut self, origin: Instant, now: u64, line: &mut State, packet: Packet) {
        let number = self.estimator.sent(origin + Duration::from_micros(now), packet.bytes, packet.padding);
        assert_eq!(number, self.sent as u16);
        let number = self.sent;
        self.sent += 1;
        self.look.waits = self.look.waits.max(line.waits(now));
        if let Some(through) = line.pass(now, packet.bytes) {
            let jitter = (line.random.unit() * line.line.jitter as f64 * 1e3) as u64;
            let mut arrival = through + self.delay + line.line.longer * 1_000 + jitter;
            if !line.line.reorders {
                arrival = arrival.max(self.last_arrival);
            }
            self.last_arrival = arrival;
            self.arriving.insert((arrival, number), (number, packet.bytes));
        } else if packet.attempts < 4 {
            let key = (now + self.delay * 2 + 20_000, number);
            self.again.insert(key, Packet { attempts: packet.attempts + 1, ..packet });
        }
    }

    fn receive(&mut self, now: u64, line: &mut State) {
        while let Some(entry) = self.arriving.first_entry().filter(|entry| entry.key().0 <= now) {
            let arrival = entry.key().0;
            let (number, bytes) = entry.remove();
            self.look.delivered += bytes as u64;
            self.arrived.insert(number, arrival + self.clock);
            self.begin = Some(self.begin.map_or(number, |begin| begin.min(number)));
        }
        if now < self.next_feedback {
            return;
        }
        self.next_feedback = now + 50_000 + line.random.next() % 50_000;
        let (Some(begin), Some((&newest, _))) = (self.begin, self.arrived.last_key_value()) else { return };
        if newest < begin {
            return;
        }
        let first = self.arrived.range(begin..).next().unwrap().1 / 64_000;
        let tell = |number: u64| Arrival {
            sequence: number as u16,
            ticks: self.arrived.get(&number).map(|at| (at / 250).cast_signed() - (first * 256).cast_signed()),
        };
        let told = (begin..=newest).map(tell).collect();
        self.begin = Some(newest + 1);
        self.arrived = self.arrived.split_off(&newest.saturating_sub(100));
        if line.random.unit() >= line.line.loss.max(self.deaf) {
            let feedback: (u32, Vec<Arrival>) = ((first & 0xff_ffff) as u32, told);
            if self.twice {
                self.feedback.insert((now + self.delay + 10_000, newest), feedback.clone());
            }
            self.feedback.insert((now + self.delay, newest), feedback);
        }
    }

    fn hear(&mut self, origin: Instant, now: u64) {
        while let Some(entry) = self.feedback.first_entry().filter(|entry| entry.key().0 <= now) {
            let (reference, arrivals) = entry.remove();
            self.estimator.feedback(origin + Duration::from_micros(now), reference, arrivals.into_iter());
        }
    }

    /// The looks of these seconds.
    pub(crate) fn between(&self, from: f64, to: f64) -> &[Look] {
        &self.looks[(from * 10.0) as usize..((to * 10.0) as usize).min(self.looks.len())]
    }
}

/// Flows over one line that changes. `steps`: from this second on it is so; `change` sees the flows each millisecond.
pub(crate) fn run(
    seed: u64,
    seconds: u64,
    steps: &[(f64, Line)],
    flows: Vec<(u64, u64)>,
    mut change: impl FnMut(f64, &mut Vec<Flow>),
) -> Vec<Flow> {
    // The one clock of the simulation.
    #[allow(clippy::disallowed_methods)]
    let origin = Instant::now();
    let mut line = State {
        line: steps[0].1,
        free_at: 0,
        tokens: steps[0].1.bucket as f64,
        filled: 0,
        others_due: 0.0,
        losing: false,
        random: Random(seed),
    };
    let mut flows: Vec<Flow> = flows.into_iter().map(|(rtt, starts)| Flow::new(origin, rtt, starts)).collect();
    let mut random = Random(seed ^ 0xabcd);
    for now in (0..seconds * 1_000_000).step_by(1_000) {
        let second = now as f64 / 1e6;
        if let Some((_, wanted)) = steps.iter().rev().find(|(from, _)| second >= *from) {
            line.line = *wanted;
        }
        change(second, &mut flows);
        line.disturb(now);
        for flow in &mut flows {
            if now >= flow.starts {
                flow.estimator.set_wanted(origin + Duration::from_micros(now), flow.wanted);
                flow.hear(origin, now);
                flow.choose(now);
                flow.frame(now, &mut random);
                flow.send(origin, now, &mut line);
                flow.receive(now, &mut line);
            }
            if now % 100_000 == 99_000 {
                flow.look.estimate = flow.estimator.estimate();
                flow.look.layer = flow.layer;
                flow.look.loss = flow.estimator.loss();
                let look = std::mem::take(&mut flow.look);
                flow.looks.push(look);
            }
        }
    }
    flows
}
