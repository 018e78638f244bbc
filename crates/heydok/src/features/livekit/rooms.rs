//! The rooms that are known to exist.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Most rooms that are remembered; beyond this the media server is asked again.
const ROOMS_MAX: usize = 100_000;

/// Learned from our own CreateRoom and from ListRooms, forgotten at `room_finished` and DeleteRoom. Only a shortcut: a room
/// that is not here is asked for.
#[derive(Debug, Default)]
pub struct Rooms(Mutex<HashSet<String>>);

impl Rooms {
    pub fn is_known(&self, name: &str) -> bool {
        self.lock().contains(name)
    }

    pub fn learn(&self, name: &str) {
        let mut rooms = self.lock();
        if rooms.len() < ROOMS_MAX {
            rooms.insert(name.to_owned());
        }
    }

    pub fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Takes over what ListRooms said.
    pub fn replace(&self, names: impl Iterator<Item = String>) {
        *self.lock() = names.take(ROOMS_MAX).collect();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
