//! A network in memory: datagrams are delayed, lost, duplicated, reordered and held back by a narrow link, by a seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::random::Random;

/// What IPv4 and UDP add to a datagram on a link.
const HEADER_BYTES: u64 = 28;
/// What a datagram of a handshake counts for.
const HANDSHAKE_BYTES: u64 = 600;

/// A datagram on its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wire {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// What the network does to datagrams.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// How many datagrams are lost in a row, on average: 1 = each for itself, more = bursts (Gilbert's model).
    pub burst: f64,
    /// Probability that it arrives twice.
    pub duplicate: f64,
    /// Delay at least; up to `jitter` more. Jitter reorders.
    pub delay: Duration,
    pub jitter: Duration,
    /// Bits a second that pass, headers included; 0 = as many as come.
    pub rate: u64,
    /// How long a datagram waits at most until it is its turn; one that would wait longer is lost.
    pub queue: Duration,
}

impl Conditions {
    /// Nothing is lost, all arrives in order after a millisecond.
    pub const PERFECT: Self = Self {
        loss: 0.0,
        burst: 1.0,
        duplicate: 0.0,
        delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
        rate: 0,
        queue: Duration::from_millis(300),
    };

    /// 5 % loss, 2 % duplicates, 20-30 ms.
    pub const ROUGH: Self = Self {
        loss: 0.05,
        duplicate: 0.02,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(10),
        ..Self::PERFECT
    };
}

/// Which half of the way between a client and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Up,
    Down,
}

/// From where to where.
type Flow = (IpAddr, IpAddr);

/// What a flow carries from one datagram to the next.
#[derive(Debug, Default)]
struct State {
    /// The last datagram was lost.
    losing: bool,
    /// When the link has sent all that was given to it.
    free_at: Option<Instant>,
}

/// The network between all clients and the server.
#[derive(Debug)]
pub struct Link {
    random: Random,
    /// Of all clients that have none of their own.
    pub conditions: Conditions,
    own: HashMap<(Direction, IpAddr), Conditions>,
    planned: Vec<(Instant, Direction, IpAddr, Conditions)>,
    flows: HashMap<Flow, State>,
    queue: BinaryHeap<Reverse<(Instant, u64, Wire)>>,
    order: u64,
    /// All that was given to the network, if it is to be kept.
    pub trace: Option<Vec<Sent>>,
}

/// When a datagram was sent, from where, to where, and how many bytes it had on the link.
pub type Sent = (Instant, SocketAddr, SocketAddr, u64);

/// Bytes on the link. Those of a DTLS handshake (RFC 7983, RFC 5246 section 6.2.1) count as so many: signatures differ in
/// length from run to run, and a run shall follow from its seed.
fn bytes_on_link(wire: &Wire) -> u64 {
    match wire.bytes.first() {
        Some(20..=22) => HANDSHAKE_BYTES,
        _ => wire.bytes.len() as u64 + HEADER_BYTES,
    }
}

impl Link {
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            random: Random::new(seed),
            conditions,
            own: HashMap::new(),
            planned: Vec::new(),
            flows: HashMap::new(),
            queue: BinaryHeap::new(),
            order: 0,
            trace: None,
        }
    }

    /// From now on one client's way is like this.
    pub fn set(&mut self, direction: Direction, client: IpAddr, conditions: Conditions) {
        self.own.insert((direction, client), conditions);
    }

    /// The same at a later time.
    pub fn plan(&mut self, at: Instant, direction: Direction, client: IpAddr, conditions: Conditions) {
        self.planned.push((at, direction, client, conditions));
        self.planned.sort_by_key(|(at, ..)| *at);
    }

    /// Forgets what its flows have carried: nobody uses them any longer.
    pub fn forget_flows(&mut self) {
        self.flows = HashMap::new();
    }

    /// Give a datagram to the network.
    pub fn send(&mut self, now: Instant, wire: Wire) {
        while self.planned.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, direction, client, conditions) = self.planned.remove(0);
            self.set(direction, client, conditions);
        }
        if let Some(trace) = &mut self.trace {
            trace.push((now, wire.from, wire.to, bytes_on_link(&wire)));
        }
        let (from, to) = (wire.from.ip(), wire.to.ip());
        let own = self.own.get(&(Direction::Up, from)).or_else(|| self.own.get(&(Direction::Down, to)));
        let conditions = own.copied().unwrap_or(self.conditions);
        if self.random.chance(conditions.duplicate) {
            self.enqueue(now, &conditions, wire.clone());
        }
        if !self.loses((from, to), &conditions) {
            self.enqueue(now, &conditions, wire);
        }
    }

    /// Two states: in one nothing is lost, in the other everything; the way between them makes the share and the length.
    fn loses(&mut self, flow: Flow, conditions: &Conditions) -> bool {
        let state = self.flows.entry(flow).or_default();
        let burst = conditions.burst.max(1.0);
        let chance = match (burst > 1.0, state.losing) {
            (false, _) => conditions.loss,
            (true, true) => 1.0 - 1.0 / burst,
            (true, false) => conditions.loss / (burst * (1.0 - conditions.loss).max(f64::EPSILON)),
        };
        state.losing = self.random.chance(chance) && conditions.loss > 0.0;
        state.losing
    }

    fn enqueue(&mut self, now: Instant, conditions: &Conditions, wire: Wire) {
        let jitter = self.random.below(conditions.jitter.as_micros() as u64 + 1);
        let mut sent = now;
        let bits = bytes_on_link(&wire) * 8;
        if let Some(nanos) = (bits * 1_000_000_000).checked_div(conditions.rate) {
            let state = self.flows.entry((wire.from.ip(), wire.to.ip())).or_default();
            let starts = state.free_at.map_or(now, |free| free.max(now));
            if starts - now > conditions.queue {
                return;
            }
            sent = starts + Duration::from_nanos(nanos);
            state.free_at = Some(sent);
        }
        self.order += 1;
        self.queue.push(Reverse((sent + conditions.delay + Duration::from_micros(jitter), self.order, wire)));
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, ..))| *at)
    }

    /// A datagram that has arrived.
    pub fn receive(&mut self, now: Instant) -> Option<Wire> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse((.., wire))| wire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(from: u8, to: u8) -> Wire {
        let address = |last| SocketAddr::from(([10, 0, 0, last], 5000));
        Wire { from: address(from), to: address(to), bytes: vec![0; 972] }
    }

    /// Sends a datagram every millisecond and says when each that came arrived, in milliseconds.
    fn arrivals(link: &mut Link, start: Instant, count: u64, wire: &Wire) -> Vec<u128> {
        for millisecond in 0..count {
            link.send(start + Duration::from_millis(millisecond), wire.clone());
        }
        let mut arrived = Vec::new();
        while let Some(at) = link.next() {
            link.receive(at);
            arrived.push((at - start).as_millis());
        }
        arrived
    }

    #[test]
    fn a_narrow_link_holds_back_and_then_drops() {
        let start = crate::origin();
        let mut link = Link::new(1, Conditions::PERFECT);
        let client = wire(2, 1).from.ip();
        // 8,000 bits a datagram: one each 10 ms, and thirty may wait.
        link.set(Direction::Down, client, Conditions { rate: 800_000, ..Conditions::PERFECT });
        let down = arrivals(&mut link, start, 1000, &wire(1, 2));
        assert_eq!(down[..4], [11, 21, 31, 41]);
        assert!((125..135).contains(&down.len()), "{} got through", down.len());
        assert_eq!(arrivals(&mut link, start, 1000, &wire(2, 1)).len(), 1000, "the way up is wide");
        assert_eq!(arrivals(&mut link, start, 1000, &wire(1, 3)).len(), 1000, "so is that of others");
    }

    #[test]
    fn losses_come_in_bursts_of_the_length_asked_for() {
        for (loss, burst) in [(0.05, 1.0), (0.05, 5.0), (0.2, 10.0)] {
            let mut link = Link::new(2, Conditions { loss, burst, ..Conditions::PERFECT });
            let arrived = arrivals(&mut link, crate::origin(), 100_000, &wire(1, 2));
            let bursts = arrived.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
            let lost = 100_000 - arrived.len();
            let (share, length) = (lost as f64 / 100_000.0, lost as f64 / bursts as f64);
            assert!((share / loss - 1.0).abs() < 0.15, "{loss} {burst}: {share} lost");
            let expected = if burst > 1.0 { burst } else { 1.0 / (1.0 - loss) };
            assert!((length / expected - 1.0).abs() < 0.15, "{loss} {burst}: {length} in a row");
        }
    }

    #[test]
    fn a_plan_is_followed_and_a_seed_repeats_a_run() {
        let start = crate::origin();
        let run = |seed| {
            let mut link = Link::new(seed, Conditions::ROUGH);
            let cut = Conditions { loss: 1.0, ..Conditions::PERFECT };
            link.plan(start + Duration::from_millis(500), Direction::Down, wire(1, 2).to.ip(), cut);
            arrivals(&mut link, start, 1000, &wire(1, 2))
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).iter().all(|at| *at <= 530));
        assert!(run(7).len() > 450);
    }
}
