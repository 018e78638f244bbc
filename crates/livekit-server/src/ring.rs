//! Datagrams from one thread to another: collected without a lock, handed over once a turn, and lost where the other does
//! not keep up, as in a socket whose buffer is full.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use node::{Datagram, Protocol};

/// Datagrams and bytes that wait for a thread at most: about what the system keeps for a socket.
const DATAGRAMS_MAX: usize = 8192;
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Datagrams in a row, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Entries that were taken out.
    taken: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    protocol: Protocol,
    remote: SocketAddr,
    local: SocketAddr,
    start: usize,
    length: usize,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.taken >= self.entries.len()
    }

    fn len(&self) -> usize {
        self.entries.len() - self.taken
    }

    /// Adds a datagram; false if there is no room.
    pub(crate) fn push(&mut self, datagram: &Datagram<'_>) -> bool {
        let Datagram { protocol, remote, local, contents } = *datagram;
        if self.entries.len() >= DATAGRAMS_MAX || self.bytes.len() + contents.len() > BYTES_MAX {
            return false;
        }
        self.entries.push(Entry { protocol, remote, local, start: self.bytes.len(), length: contents.len() });
        self.bytes.extend_from_slice(contents);
        true
    }

    /// The next datagram; after the last one the batch is as new.
    pub(crate) fn next(&mut self) -> Option<Datagram<'_>> {
        let Some(entry) = self.entries.get(self.taken).copied() else {
            self.clear();
            return None;
        };
        self.taken += 1;
        let Entry { protocol, remote, local, start, length } = entry;
        Some(Datagram { protocol, remote, local, contents: &self.bytes[start..start + length] })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.taken = 0;
    }
}

/// What waits for one thread.
#[derive(Debug, Default)]
pub(crate) struct Ring(Mutex<Batch>);

impl Ring {
    /// Hands over a batch, which is empty afterwards. Returns how many datagrams had no room and are lost. The other thread is
    /// to be woken.
    pub(crate) fn hand_over(&self, batch: &mut Batch) -> usize {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            waiting.clear();
            std::mem::swap(&mut *waiting, batch);
            return 0;
        }
        while let Some(datagram) = batch.next() {
            if !waiting.push(&datagram) {
                let lost = batch.len() + 1;
                batch.clear();
                return lost;
            }
        }
        0
    }

    /// Takes what waits; `batch` must be empty.
    pub(crate) fn take(&self, batch: &mut Batch) {
        batch.clear();
        std::mem::swap(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(number: u16, contents: &[u8]) -> Datagram<'_> {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Datagram { protocol: Protocol::Udp, remote: address(number), local: address(7882), contents }
    }

    fn numbers(batch: &mut Batch) -> Vec<u16> {
        let mut numbers = Vec::new();
        while let Some(datagram) = batch.next() {
            assert_eq!(datagram.contents, datagram.remote.port().to_be_bytes());
            numbers.push(datagram.remote.port());
        }
        numbers
    }

    #[test]
    fn everything_arrives_in_order_however_it_was_handed_over() {
        let (ring, mut filling, mut taken) = (Ring::default(), Batch::default(), Batch::default());
        for number in 0..100_u16 {
            assert!(filling.push(&datagram(number, &number.to_be_bytes())));
            if number % 7 == 0 {
                assert_eq!((ring.hand_over(&mut filling), filling.is_empty()), (0, true));
            }
            if number == 50 {
                ring.take(&mut taken);
                assert_eq!(numbers(&mut taken), (0..50).collect::<Vec<_>>());
            }
        }
        assert_eq!(ring.hand_over(&mut filling), 0);
        ring.take(&mut taken);
        assert_eq!(numbers(&mut taken), (50..100).collect::<Vec<_>>());
        ring.take(&mut taken);
        assert!(taken.is_empty());
    }

    /// A thread that stands still costs what it is sent, and no memory beyond a bound.
    #[test]
    fn what_has_no_room_is_lost_and_counted() {
        let (ring, mut filling) = (Ring::default(), Batch::default());
        let contents = [0; 1200];
        let (mut sent, mut lost) = (0, 0);
        for _ in 0..100 {
            for number in 0..100 {
                sent += 1;
                lost += usize::from(!filling.push(&datagram(number, &contents)));
            }
            lost += ring.hand_over(&mut filling);
        }
        let mut taken = Batch::default();
        ring.take(&mut taken);
        assert_eq!((taken.len() + lost, taken.len()), (sent, BYTES_MAX / contents.len()));
        for _ in 0..DATAGRAMS_MAX {
            assert!(filling.push(&datagram(1, &[])));
        }
        assert!(!filling.push(&datagram(1, &[])), "empty ones are bounded by their number");
    }
}
