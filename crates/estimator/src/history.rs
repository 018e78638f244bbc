//! What was sent, until feedback tells what became of it.

/// Packets that are remembered at first, and at most: two seconds at 1,000 packets a second.
const FEWEST: usize = 64;
const MOST: usize = 2048;
/// A packet that was not told of for so long will not be. Microseconds.
const FORGOTTEN: u64 = 2_000_000;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fate {
    #[default]
    Unknown,
    /// The feedback that should have told of it was lost; it was counted like its neighbours.
    Skipped,
    Lost,
    Received,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Microseconds; it wraps after 71 minutes.
    sent: u32,
    bytes: u16,
    fate: Fate,
}

/// A packet as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Microseconds.
    pub(crate) at: u64,
    pub(crate) bytes: u32,
    pub(crate) fate: Fate,
}

/// A ring of packets by number. Numbers here do not wrap; those on the wire are their lowest 16 bits.
#[derive(Debug)]
pub(crate) struct History {
    slots: Vec<Slot>,
    oldest: u64,
    next: u64,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), oldest: 0, next: 0 }
    }

    /// The number that the next packet gets.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    fn index(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }

    pub(crate) fn push(&mut self, now: u64, bytes: usize) -> u16 {
        if self.next - self.oldest == self.slots.len() as u64 {
            self.make_room(now);
        }
        let number = self.next;
        let index = self.index(number);
        self.slots[index] = Slot { sent: now as u32, bytes: bytes.min(0xffff) as u16, fate: Fate::Unknown };
        self.next += 1;
        number as u16
    }

    /// Forgets the oldest packet, or gets larger if that one is still on its way.
    fn make_room(&mut self, now: u64) {
        if self.slots.is_empty() {
            self.slots = vec![Slot::default(); FEWEST];
            return;
        }
        let awaited = self.get(self.oldest, now).is_some_and(|it| it.fate == Fate::Unknown && now - it.at < FORGOTTEN);
        if !awaited || self.slots.len() == MOST {
            self.oldest += 1;
            return;
        }
        let mut slots = vec![Slot::default(); self.slots.len() * 2];
        for number in self.oldest..self.next {
            slots[number as usize & (self.slots.len() * 2 - 1)] = self.slots[self.index(number)];
        }
        self.slots = slots;
    }

    /// What was sent before now is too old to be told of.
    pub(crate) fn forget(&mut self) {
        self.oldest = self.next;
    }

    /// The number that the wire's `sequence` stands for, if it was sent and is remembered.
    pub(crate) fn find(&self, sequence: u16) -> Option<u64> {
        let back = u64::from((self.next as u16).wrapping_sub(sequence));
        (1..=self.next - self.oldest).contains(&back).then(|| self.next - back)
    }

    pub(crate) fn get(&self, number: u64, now: u64) -> Option<Sent> {
        if !(self.oldest..self.next).contains(&number) {
            return None;
        }
        let slot = self.slots[self.index(number)];
        let age = (now as u32).wrapping_sub(slot.sent);
        Some(Sent { at: now.saturating_sub(u64::from(age)), bytes: u32::from(slot.bytes), fate: slot.fate })
    }

    /// `number` must be one that [`get`](Self::get) knows.
    pub(crate) fn set_fate(&mut self, number: u64, fate: Fate) {
        let index = self.index(number);
        self.slots[index].fate = fate;
    }
}
