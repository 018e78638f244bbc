//! A network in memory: datagrams are delayed, lost, duplicated and reordered by a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::random::Random;

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
    /// Probability that it arrives twice.
    pub duplicate: f64,
    /// Delay at least; up to `jitter` more. Jitter reorders.
    pub delay: Duration,
    pub jitter: Duration,
}

impl Conditions {
    /// Nothing is lost, all arrives in order after a millisecond.
    pub const PERFECT: Self =
        Self { loss: 0.0, duplicate: 0.0, delay: Duration::from_millis(1), jitter: Duration::ZERO };

    /// 5 % loss, 2 % duplicates, 20-30 ms.
    pub const ROUGH: Self =
        Self { loss: 0.05, duplicate: 0.02, delay: Duration::from_millis(20), jitter: Duration::from_millis(10) };
}

/// The network between all clients and the server.
#[derive(Debug)]
pub struct Link {
    random: Random,
    pub conditions: Conditions,
    queue: BinaryHeap<Reverse<(Instant, u64, Wire)>>,
    order: u64,
}

impl Link {
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self { random: Random::new(seed), conditions, queue: BinaryHeap::new(), order: 0 }
    }

    /// Give a datagram to the network.
    pub fn send(&mut self, now: Instant, wire: Wire) {
        if self.random.chance(self.conditions.duplicate) {
            self.enqueue(now, wire.clone());
        }
        if !self.random.chance(self.conditions.loss) {
            self.enqueue(now, wire);
        }
    }

    fn enqueue(&mut self, now: Instant, wire: Wire) {
        let jitter = self.random.below(self.conditions.jitter.as_micros() as u64 + 1);
        let at = now + self.conditions.delay + Duration::from_micros(jitter);
        self.order += 1;
        self.queue.push(Reverse((at, self.order, wire)));
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
