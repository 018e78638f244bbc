//! What a look into a room means for what we believe. Pure; the same look folded twice changes nothing the second time.

use std::time::Duration;

use kit::UnixMillis;

use crate::features::join::rules::{Applicant, Decision, Door, Password, Refusal, Role, admit};
use crate::features::join::store::SessionState;
use crate::features::meetings::Standing;
use crate::features::participants::service::LeaveReason;

/// How long a participant may be missing after the media server lost its rooms.
pub const RECONNECT: Duration = Duration::from_secs(30);

/// Somebody seen in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub identity: String,
    pub name: String,
    /// LiveKit's name of the connection.
    pub sid: String,
    pub joined_at: UnixMillis,
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
}

/// What we believe of somebody: the newest session of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    pub identity: String,
    pub role: Role,
    pub state: SessionState,
    pub sid: Option<String>,
    /// Was inside before.
    pub been_inside: bool,
    pub removed: bool,
    pub updated_at: UnixMillis,
}

/// What has to be done about one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Arrived, or arrived again by a new connection.
    Join { seen: Seen, external: bool },
    /// Still inside; only what is published may have changed.
    Stay { seen: Seen },
    /// Came with a valid token and may not stay.
    Refuse { identity: String, refusal: Refusal },
    /// Is gone.
    Leave { identity: String, reason: LeaveReason },
    /// Was lost with the media server's rooms and may come back.
    Reconnect { identity: String },
}

/// The door, apart from how many are inside.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub standing: Standing,
    pub locked: bool,
    pub seats: i64,
    /// The room did not exist: the media server started anew, or closed it.
    pub missing: bool,
}

/// Compares a look with what we believe. Who came first keeps the seat.
pub fn fold(room: Room, mut seen: Vec<Seen>, believed: &[Believed], now: UnixMillis) -> Vec<Change> {
    let mut changes = Vec::new();
    seen.sort_by(|a, b| (a.joined_at, &a.identity).cmp(&(b.joined_at, &b.identity)));
    let mut taken = 0;
    for one in &seen {
        let known = believed.iter().find(|known| known.identity == one.identity);
        let change = meet(room, one, known, taken);
        if !matches!(change, Change::Refuse { .. }) {
            taken += 1;
        }
        changes.push(change);
    }
    let inside = |known: &&Believed| known.state.is_inside();
    let gone = believed.iter().filter(inside).filter(|known| !seen.iter().any(|one| one.identity == known.identity));
    for known in gone {
        let identity = known.identity.clone();
        match known.state {
            SessionState::Connected if room.missing => changes.push(Change::Reconnect { identity }),
            SessionState::Reconnecting if now.since(known.updated_at) < RECONNECT => {}
            SessionState::Reconnecting => changes.push(Change::Leave { identity, reason: LeaveReason::Timeout }),
            _ => changes.push(Change::Leave { identity, reason: LeaveReason::Client }),
        }
    }
    changes
}

fn meet(room: Room, seen: &Seen, known: Option<&Believed>, taken: i64) -> Change {
    let inside = known.is_some_and(|known| known.state.is_inside());
    let door = Door { standing: room.standing, locked: room.locked, seats: room.seats, taken, waiting_room: false };
    let applicant = Applicant {
        role: known.map_or(Role::Guest, |known| known.role),
        // It was asked when the token was made.
        password: Password::Satisfied,
        removed: known.is_some_and(|known| known.removed),
        returning: known.is_some_and(|known| known.been_inside),
    };
    // Locking a room does not throw out who is in it; ending it and removing somebody do.
    match admit(door, applicant) {
        Decision::Refuse(Refusal::Full | Refusal::Locked) if inside => {}
        Decision::Refuse(refusal) => return Change::Refuse { identity: seen.identity.clone(), refusal },
        Decision::Admit | Decision::Wait(_) => {}
    }
    let same =
        known.is_some_and(|known| known.state == SessionState::Connected && known.sid.as_deref() == Some(&seen.sid));
    if same {
        Change::Stay { seen: seen.clone() }
    } else {
        Change::Join { seen: seen.clone(), external: known.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const ROOM: Room = Room { standing: Standing::Active, locked: false, seats: 3, missing: false };

    fn seen(identity: &str, joined_at: i64) -> Seen {
        Seen {
            identity: identity.into(),
            name: identity.into(),
            sid: format!("PA_{identity}"),
            joined_at: UnixMillis(joined_at),
            audio: false,
            video: false,
            screen: false,
        }
    }

    fn believed(identity: &str, state: SessionState) -> Believed {
        Believed {
            identity: identity.into(),
            role: Role::Guest,
            state,
            sid: matches!(state, SessionState::Connected).then(|| format!("PA_{identity}")),
            been_inside: state != SessionState::Admitted,
            removed: state == SessionState::Removed,
            updated_at: NOW,
        }
    }

    fn words(changes: &[Change]) -> Vec<String> {
        let word = |change: &Change| match change {
            Change::Join { seen, external } => {
                format!("join {}{}", seen.identity, if *external { " external" } else { "" })
            }
            Change::Stay { seen } => format!("stay {}", seen.identity),
            Change::Refuse { identity, refusal } => format!("refuse {identity} {refusal:?}"),
            Change::Leave { identity, reason } => format!("leave {identity} {}", reason.as_str()),
            Change::Reconnect { identity } => format!("reconnect {identity}"),
        };
        changes.iter().map(word).collect()
    }

    /// One line per thing that a look can show.
    #[test]
    fn a_look_becomes_changes() {
        use SessionState::{Admitted, Connected, Left, Reconnecting, Removed};
        let locked = Room { locked: true, ..ROOM };
        let missing = Room { missing: true, ..ROOM };
        let ended = Room { standing: Standing::Ended, ..ROOM };
        let check = |name: &str, room: Room, look: &[&str], beliefs: &[(&str, SessionState)], expected: &[&str]| {
            let look = look.iter().enumerate().map(|(index, identity)| seen(identity, index as i64)).collect();
            let beliefs: Vec<_> = beliefs.iter().map(|(identity, state)| believed(identity, *state)).collect();
            assert_eq!(words(&fold(room, look, &beliefs, NOW)), expected, "{name}");
        };
        check("nobody", ROOM, &[], &[], &[]);
        check("arrival", ROOM, &["a"], &[("a", Admitted)], &["join a"]);
        check("still there", ROOM, &["a"], &[("a", Connected)], &["stay a"]);
        check("gone", ROOM, &[], &[("a", Connected)], &["leave a client"]);
        check("back", ROOM, &["a"], &[("a", Left)], &["join a"]);
        check("token of a server SDK", ROOM, &["agent"], &[], &["join agent external"]);
        check("removed stays out", ROOM, &["a"], &[("a", Removed)], &["refuse a Removed"]);
        check("locked: new ones out", locked, &["a", "x"], &[("a", Admitted)], &["refuse a Locked", "refuse x Locked"]);
        check("locked: those inside stay", locked, &["a"], &[("a", Connected)], &["stay a"]);
        check("locked: who was inside may come back", locked, &["a"], &[("a", Left)], &["join a"]);
        check(
            "full: the last one out",
            ROOM,
            &["a", "b", "c", "d"],
            &[("a", Connected)],
            &["stay a", "join b external", "join c external", "refuse d Full"],
        );
        check("ended: everybody out", ended, &["a"], &[("a", Connected)], &["refuse a Ended"]);
        check("media server restarted", missing, &[], &[("a", Connected)], &["reconnect a"]);
        check("still coming back", ROOM, &[], &[("a", Reconnecting)], &[]);
        check("came back", ROOM, &["a"], &[("a", Reconnecting)], &["join a"]);
        check("was never inside", ROOM, &[], &[("a", Admitted), ("b", Left)], &[]);
    }

    #[test]
    fn who_does_not_come_back_in_time_has_left() {
        let late = Believed { updated_at: NOW.minus(RECONNECT), ..believed("a", SessionState::Reconnecting) };
        assert_eq!(words(&fold(ROOM, Vec::new(), &[late], NOW)), ["leave a timeout"]);
    }

    #[test]
    fn a_new_connection_of_the_same_identity_joins_again() {
        let other = Believed { sid: Some("PA_old".into()), ..believed("a", SessionState::Connected) };
        assert_eq!(words(&fold(ROOM, vec![seen("a", 1)], &[other], NOW)), ["join a"]);
    }

    #[test]
    fn the_host_may_enter_a_locked_room() {
        let host = Believed { role: Role::Host, ..believed("h", SessionState::Admitted) };
        assert_eq!(words(&fold(Room { locked: true, ..ROOM }, vec![seen("h", 1)], &[host], NOW)), ["join h"]);
    }
}
