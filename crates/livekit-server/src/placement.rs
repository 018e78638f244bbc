//! Which media thread has which room: chosen when somebody first asks for the room, by load, and kept until it has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a room counts as besides the load that is measured, in thousandths of a thread: one that was made just now has
/// nobody in it yet.
const ROOM_PERMILLE: u32 = 5;

/// The rooms of all threads. As large as there are rooms, and requests under way to make one.
#[derive(Debug)]
pub(crate) struct Placement(Mutex<Pins>);

#[derive(Debug)]
struct Pins {
    rooms: HashMap<String, Pin>,
    /// Rooms of each thread.
    counts: Vec<u32>,
}

/// A room's thread, and for how many reasons: it exists, or somebody is on the way to it.
#[derive(Debug)]
struct Pin {
    thread: usize,
    reasons: usize,
}

/// Somebody is on the way to a room, which may not exist yet: so long it stays with its thread.
#[derive(Debug)]
pub(crate) struct Hold {
    placement: Arc<Placement>,
    room: String,
    pub(crate) thread: usize,
}

impl Placement {
    /// For so many threads; at least one.
    pub(crate) fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Pins { rooms: HashMap::new(), counts: vec![0; threads.max(1)] })))
    }

    fn pins(&self) -> MutexGuard<'_, Pins> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread that has the room, if one does.
    pub(crate) fn find(&self, room: &str) -> Option<usize> {
        self.pins().rooms.get(room).map(|pin| pin.thread)
    }

    /// The thread that would get a new room. `load` is what a thread bears now, in thousandths.
    pub(crate) fn least(&self, load: impl Fn(usize) -> u32) -> usize {
        self.pins().least(load)
    }

    /// The thread of the room, chosen now if it has none.
    pub(crate) fn hold(self: &Arc<Self>, room: &str, load: impl Fn(usize) -> u32) -> Hold {
        let mut pins = self.pins();
        let known = pins.rooms.get(room).map(|pin| pin.thread);
        let thread = known.unwrap_or_else(|| pins.least(load));
        pins.add(room, thread);
        Hold { placement: Arc::clone(self), room: room.to_owned(), thread }
    }

    /// The room exists on this thread now.
    pub(crate) fn opened(&self, room: &str, thread: usize) {
        self.pins().add(room, thread);
    }

    /// It is gone.
    pub(crate) fn ended(&self, room: &str) {
        self.pins().release(room);
    }
}

impl Pins {
    fn least(&self, load: impl Fn(usize) -> u32) -> usize {
        let burden = |(thread, rooms): &(usize, &u32)| load(*thread).saturating_add(**rooms * ROOM_PERMILLE);
        self.counts.iter().enumerate().min_by_key(burden).map_or(0, |(thread, _)| thread)
    }

    fn add(&mut self, room: &str, thread: usize) {
        if let Some(pin) = self.rooms.get_mut(room) {
            pin.reasons += 1;
            return;
        }
        self.rooms.insert(room.to_owned(), Pin { thread, reasons: 1 });
        if let Some(count) = self.counts.get_mut(thread) {
            *count += 1;
        }
    }

    fn release(&mut self, room: &str) {
        let Some(pin) = self.rooms.get_mut(room) else { return };
        pin.reasons -= 1;
        if pin.reasons > 0 {
            return;
        }
        let thread = pin.thread;
        self.rooms.remove(room);
        if let Some(count) = self.counts.get_mut(thread) {
            *count -= 1;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.placement.pins().release(&self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_room_goes_where_the_least_is_to_do() {
        // Loads, rooms that are there already, and the thread of the next one.
        let cases: [(&[u32], &[u32], usize); 6] = [
            (&[0], &[7], 0),
            (&[0, 0, 0], &[0, 0, 0], 0),
            (&[0, 0, 0], &[1, 0, 0], 1),
            (&[400, 100, 300], &[1, 9, 1], 1),
            (&[400, 100, 300], &[1, 61, 1], 2),
            (&[1000, 999, 1000], &[0, 0, 0], 1),
        ];
        for (loads, rooms, expected) in cases {
            let placement = Placement::new(loads.len());
            placement.pins().counts = rooms.to_vec();
            assert_eq!(placement.least(|thread| loads[thread]), expected, "{loads:?} {rooms:?}");
        }
    }

    /// Two who come first at the same time meet, also while the room is not made, ends, or is made again.
    #[test]
    fn a_room_stays_where_it_is_until_nobody_needs_it() {
        let placement = Placement::new(3);
        let quiet = |_| 0;
        let other = placement.hold("other", quiet);
        let first = placement.hold("x", quiet);
        // By now another thread would be chosen.
        let second = placement.hold("x", |thread| u32::from(thread == first.thread) * 900);
        assert_eq!((other.thread, first.thread, second.thread), (0, 1, 1));
        placement.opened("x", first.thread);
        drop((first, second));
        assert_eq!(placement.find("x"), Some(1));
        // It ends while somebody is on the way, who makes it again.
        let third = placement.hold("x", quiet);
        placement.ended("x");
        assert_eq!(placement.find("x"), Some(1));
        placement.opened("x", third.thread);
        drop(third);
        assert_eq!(placement.find("x"), Some(1));
        placement.ended("x");
        assert_eq!(placement.find("x"), None);
        // And is made elsewhere once nothing holds it.
        assert_eq!(placement.hold("x", |thread| u32::from(thread == 1) * 900).thread, 2);
        drop(other);
        let pins = placement.pins();
        assert_eq!((pins.rooms.len(), pins.counts.as_slice()), (0, &[0, 0, 0][..]), "nothing is remembered of nobody");
    }
}
