//! Packets that were told of, a tenth of a second at a time.

/// A group is whole when it spans this long and has so many packets, or when it spans long. Microseconds.
const SHORTEST: u64 = 60_000;
const FEWEST: u32 = 3;
const LONG: u64 = 150_000;
/// Less time is no time to measure a rate in. Microseconds.
const BRIEF: u64 = 10_000;
/// How many are kept: two seconds at least.
const KEPT: usize = 32;

/// Packets sent one after the other. Times in microseconds: of sending by our clock, of arrival by theirs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Group {
    /// Its lowest number.
    pub(crate) first: u64,
    sent_first: u64,
    pub(crate) sent_last: u64,
    arrival_last: i64,
    /// Of packets whose fate is known.
    bytes: u64,
    bytes_received: u64,
    /// Of packets whose fate no feedback told.
    bytes_skipped: u64,
    received: u32,
    /// Below 0 where packets came late that an earlier group had counted as lost.
    lost: i32,
    /// The least that any of them waited, and the sum of all.
    pub(crate) waited: u64,
    waited_sum: u64,
}

impl Group {
    fn new(first: u64, sent: u64) -> Self {
        Self { first, sent_first: sent, sent_last: sent, arrival_last: i64::MIN, waited: u64::MAX, ..Self::default() }
    }

    /// The part that was lost; below 0 where earlier ones came late.
    pub(crate) fn loss(&self) -> f32 {
        self.lost as f32 / self.packets().max(1) as f32
    }

    pub(crate) fn packets(&self) -> u32 {
        self.received.saturating_add_signed(self.lost)
    }

    /// What they waited on average.
    pub(crate) fn waited_mean(&self) -> u64 {
        self.waited_sum / u64::from(self.received.max(1))
    }

    /// What arrived, with its share of what was not told of.
    fn carried(&self) -> f32 {
        self.bytes_received as f32 * (1.0 + self.bytes_skipped as f32 / self.bytes.max(1) as f32)
    }
}

/// Some groups in a row. What arrived in the first one is not counted: when it began to arrive is not known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) groups: u32,
    /// Microseconds.
    pub(crate) time: u64,
    /// Bits a second.
    pub(crate) sent: f32,
    pub(crate) carried: f32,
    pub(crate) packets: u32,
    pub(crate) loss: f32,
    /// What the packets waited in its first group, its last group, and at least. Microseconds.
    pub(crate) waited_first: u64,
    pub(crate) waited_last: u64,
    pub(crate) waited_least: u64,
}

#[derive(Debug)]
pub(crate) struct Groups {
    ring: [Group; KEPT],
    /// How many were completed.
    count: usize,
    open: Option<Group>,
}

impl Groups {
    pub(crate) fn new() -> Self {
        Self { ring: [Group::default(); KEPT], count: 0, open: None }
    }

    pub(crate) fn clear(&mut self) {
        (self.count, self.open) = (0, None);
    }

    fn open(&mut self, number: u64, sent: u64) -> &mut Group {
        self.open.get_or_insert_with(|| Group::new(number, sent))
    }

    pub(crate) fn skipped(&mut self, number: u64, sent: u64, bytes: u32) {
        self.open(number, sent).bytes_skipped += u64::from(bytes);
    }

    pub(crate) fn lost(&mut self, number: u64, sent: u64, bytes: u32) {
        let group = self.open(number, sent);
        group.sent_last = group.sent_last.max(sent);
        group.bytes += u64::from(bytes);
        // Whoever never says that anything arrived leaves it open for as long as it likes.
        group.lost = group.lost.saturating_add(1);
    }

    /// `was_lost`: so it was told before, and it came late only.
    pub(crate) fn received(&mut self, number: u64, sent: u64, bytes: u32, was_lost: bool, arrival: i64, waited: u64) {
        let group = self.open(number, sent);
        group.sent_last = group.sent_last.max(sent);
        group.arrival_last = group.arrival_last.max(arrival);
        group.bytes_received += u64::from(bytes);
        group.received = group.received.saturating_add(1);
        group.waited = group.waited.min(waited);
        group.waited_sum += waited;
        if was_lost {
            group.lost = group.lost.saturating_sub(1);
        } else {
            group.bytes += u64::from(bytes);
        }
    }

    /// The open group, if it is whole: then another one begins.
    pub(crate) fn complete(&mut self) -> Option<Group> {
        let group = self.open?;
        if group.received == 0 {
            return None;
        }
        let since = self.last().map_or(0, |last| group.arrival_last.saturating_sub(last.arrival_last));
        let spans = (group.sent_last - group.sent_first).max(since.max(0).cast_unsigned());
        if spans < SHORTEST || (group.packets() < FEWEST && spans < LONG) {
            return None;
        }
        self.ring[self.count % KEPT] = group;
        self.count += 1;
        self.open.take()
    }

    /// The last ones, newest first.
    fn newest(&self) -> impl Iterator<Item = &Group> {
        (1..=self.count.min(KEPT)).map(|back| &self.ring[(self.count - back) % KEPT])
    }

    pub(crate) fn last(&self) -> Option<&Group> {
        self.newest().next()
    }

    /// The groups that arrived in the last `time` microseconds, and the one before them.
    pub(crate) fn recent(&self, time: u64) -> Span {
        let Some(last) = self.last() else { return Span::default() };
        let mut before = 0;
        self.span(|group| {
            let within = before < time;
            before = last.arrival_last.saturating_sub(group.arrival_last).max(0).cast_unsigned();
            within
        })
    }

    /// The newest groups, as far back as they are all as `wanted`.
    pub(crate) fn span(&self, mut wanted: impl FnMut(&Group) -> bool) -> Span {
        let Some(last) = self.last() else { return Span::default() };
        let mut span = Span { waited_last: last.waited, waited_least: u64::MAX, ..Span::default() };
        let (mut bytes, mut carried, mut lost) = (0.0, 0.0, 0.0);
        // What the group looked at last has is counted only once another one stands before it.
        let mut first: Option<&Group> = None;
        for group in self.newest().take_while(|group| wanted(group)) {
            if let Some(later) = first {
                bytes += (later.bytes + later.bytes_skipped) as f32;
                carried += later.carried();
                lost += later.lost as f32;
                span.packets = span.packets.saturating_add(later.packets());
            }
            span.groups += 1;
            span.waited_first = group.waited;
            span.waited_least = span.waited_least.min(group.waited);
            first = Some(group);
        }
        let Some(first) = first else { return span };
        let time = last.arrival_last.saturating_sub(first.arrival_last).max(0).cast_unsigned();
        let sent_time = last.sent_last.saturating_sub(first.sent_last);
        span.time = time;
        span.sent = bytes * 8e6 / sent_time.max(BRIEF) as f32;
        span.carried = carried * 8e6 / time.max(BRIEF) as f32;
        span.loss = lost / span.packets.max(1) as f32;
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody tells of nothing but losses, for hours: the sums are right, or as large as can be, and nothing overflows.
    #[test]
    fn sums_of_a_group_that_stays_open_do_not_overflow() {
        const PACKETS: u64 = 100_000;
        const BYTES: u32 = u16::MAX as u32;
        let mut groups = Groups::new();
        for number in 0..u64::from(FEWEST) {
            groups.received(number, number * SHORTEST, 100, false, 0, 0);
        }
        assert!(groups.complete().is_some());
        let first = 1_000_000;
        for number in 0..PACKETS {
            groups.lost(number, first, BYTES);
            groups.skipped(number, first, BYTES);
        }
        groups.received(PACKETS, first + SHORTEST, BYTES, false, SHORTEST.cast_signed(), 0);
        let group = groups.complete().unwrap();
        assert_eq!(group.bytes, (PACKETS + 1) * u64::from(BYTES));
        assert!(group.bytes > u64::from(u32::MAX) && group.bytes_skipped > u64::from(u32::MAX));
        let span = groups.span(|_| true);
        let time = (first + SHORTEST - (u64::from(FEWEST) - 1) * SHORTEST) as f32;
        let sent = (group.bytes + group.bytes_skipped) as f32 * 8e6 / time;
        assert!((span.sent / sent - 1.0).abs() < 0.01 && span.loss > 0.99, "{span:?}");
        // More packets than can be counted, in many groups.
        let full = Group { received: u32::MAX, lost: i32::MAX, arrival_last: 0, ..Group::new(0, 0) };
        for (was_lost, lost) in [(false, i32::MAX), (true, i32::MAX - 1)] {
            groups.open = Some(full);
            groups.lost(0, 0, BYTES);
            groups.received(0, SHORTEST, BYTES, was_lost, SHORTEST.cast_signed(), 0);
            let group = groups.complete().unwrap();
            assert_eq!((group.received, group.lost, group.packets()), (u32::MAX, lost, u32::MAX));
        }
        assert_eq!(groups.span(|_| true).packets, u32::MAX);
        groups.open = Some(Group { lost: i32::MIN, ..full });
        groups.received(0, SHORTEST, BYTES, true, SHORTEST.cast_signed(), 0);
        assert_eq!(groups.complete().unwrap().lost, i32::MIN);
    }
}
