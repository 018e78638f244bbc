//! When each peer wants to be called next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Deadlines are rounded up to this grid, so that many peers share one wake-up.
const TICK: Duration = Duration::from_millis(5);

/// Deadlines of peers. An entry that was pushed too early is put off when it comes up, not removed.
#[derive(Debug)]
pub(crate) struct Timers {
    start: Instant,
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
}

impl Timers {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, heap: BinaryHeap::new() }
    }

    /// Round up to the grid.
    pub(crate) fn round(&self, deadline: Instant) -> Instant {
        let since = deadline.saturating_duration_since(self.start).as_nanos();
        let ticks = since.div_ceil(TICK.as_nanos());
        let rounded = u64::try_from(ticks * TICK.as_nanos()).unwrap_or(u64::MAX);
        self.start.checked_add(Duration::from_nanos(rounded)).unwrap_or(deadline)
    }

    pub(crate) fn push(&mut self, deadline: Instant, peer: usize) {
        self.heap.push(Reverse((deadline, peer)));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Take one entry that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, usize)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Nobody is left.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
