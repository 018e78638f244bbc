//! Who may come in. Pure; the same rule is applied when a token is made and when its holder arrives.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use kit::UnixMillis;

use crate::features::meetings::Standing;

/// What somebody is in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Host,
    Cohost,
    Member,
    Guest,
    Viewer,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cohost => "cohost",
            Self::Member => "member",
            Self::Guest => "guest",
            Self::Viewer => "viewer",
        }
    }

    /// Whether locks, lobbies and passwords are not for them.
    pub fn leads(self) -> bool {
        matches!(self, Self::Host | Self::Cohost)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "host" => Self::Host,
            "cohost" => Self::Cohost,
            "member" => Self::Member,
            "guest" => Self::Guest,
            "viewer" => Self::Viewer,
            _ => return Err(()),
        })
    }
}

/// What the applicant said when asked for the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Password {
    /// The meeting has none, or it was given rightly.
    Satisfied,
    Missing,
    Wrong,
}

/// The meeting as its door sees it.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    pub standing: Standing,
    pub locked: bool,
    pub seats: i64,
    /// Seats taken by others: those inside and those on their way.
    pub taken: i64,
    pub waiting_room: bool,
}

/// The one who asks.
#[derive(Debug, Clone, Copy)]
pub struct Applicant {
    pub role: Role,
    pub password: Password,
    /// Was thrown out of this meeting.
    pub removed: bool,
    /// Was admitted before and comes back: neither lock, lobby nor password keep them out.
    pub returning: bool,
}

/// What becomes of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Admit,
    Wait(Wait),
    Refuse(Refusal),
}

/// Why somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Lobby,
    TooEarly,
}

/// Why somebody stays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    Ended,
    Expired,
    Cancelled,
    Removed,
    PasswordRequired,
    PasswordWrong,
    Locked,
    Full,
}

/// The rule. Order matters: what ended says so before it asks for a password, and a full room before nobody.
pub fn admit(door: Door, applicant: Applicant) -> Decision {
    use Decision::{Admit, Refuse, Wait as Hold};
    let trusted = applicant.role.leads() || applicant.returning;
    match door.standing {
        Standing::Absent => return Refuse(Refusal::NotFound),
        Standing::Ended => return Refuse(Refusal::Ended),
        Standing::Expired => return Refuse(Refusal::Expired),
        Standing::Cancelled => return Refuse(Refusal::Cancelled),
        Standing::Scheduled | Standing::Active => {}
    }
    match applicant.password {
        _ if applicant.removed => Refuse(Refusal::Removed),
        Password::Missing if !trusted => Refuse(Refusal::PasswordRequired),
        Password::Wrong if !trusted => Refuse(Refusal::PasswordWrong),
        _ if door.locked && !trusted => Refuse(Refusal::Locked),
        _ if door.taken >= door.seats => Refuse(Refusal::Full),
        _ if door.standing == Standing::Scheduled && !trusted => Hold(Wait::TooEarly),
        _ if door.waiting_room && !trusted => Hold(Wait::Lobby),
        _ => Admit,
    }
}

/// The end of a room token (C-13): TOKEN_TTL from now, but not beyond the meeting's expiry, and never less than ten minutes.
pub fn token_expiry(now: UnixMillis, token_ttl: Duration, meeting_expires_at: Option<UnixMillis>) -> UnixMillis {
    let least = now.plus(Duration::from_secs(600));
    let end = meeting_expires_at.map_or(UnixMillis(i64::MAX), |at| at.max(least));
    now.plus(token_ttl).min(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: Door = Door { standing: Standing::Active, locked: false, seats: 2, taken: 0, waiting_room: false };
    const GUEST: Applicant =
        Applicant { role: Role::Guest, password: Password::Satisfied, removed: false, returning: false };
    const HOST: Applicant = Applicant { role: Role::Host, ..GUEST };
    const BACK: Applicant = Applicant { returning: true, ..GUEST };

    /// One line per rule, and per exception of it.
    #[test]
    fn admission_table() {
        use Decision::{Admit, Refuse, Wait as Hold};
        let locked = Door { locked: true, ..DOOR };
        let full = Door { taken: 2, ..DOOR };
        let lobby = Door { waiting_room: true, ..DOOR };
        let early = Door { standing: Standing::Scheduled, ..DOOR };
        let over = |standing| Door { standing, locked: true, taken: 2, ..DOOR };
        let password = |password| Applicant { password, ..GUEST };
        let removed = Applicant { removed: true, ..BACK };
        let cases = [
            ("plain", DOOR, GUEST, Admit),
            ("absent", over(Standing::Absent), HOST, Refuse(Refusal::NotFound)),
            ("ended, whatever else", over(Standing::Ended), HOST, Refuse(Refusal::Ended)),
            ("expired", over(Standing::Expired), HOST, Refuse(Refusal::Expired)),
            ("cancelled", over(Standing::Cancelled), HOST, Refuse(Refusal::Cancelled)),
            ("no password", DOOR, password(Password::Missing), Refuse(Refusal::PasswordRequired)),
            ("wrong password", DOOR, password(Password::Wrong), Refuse(Refusal::PasswordWrong)),
            ("host needs none", DOOR, Applicant { password: Password::Missing, ..HOST }, Admit),
            ("returning needs none", DOOR, Applicant { password: Password::Missing, ..BACK }, Admit),
            ("locked", locked, GUEST, Refuse(Refusal::Locked)),
            ("locked, host", locked, HOST, Admit),
            ("locked, returning", locked, BACK, Admit),
            ("removed stays out", DOOR, removed, Refuse(Refusal::Removed)),
            ("removed host stays out", DOOR, Applicant { removed: true, ..HOST }, Refuse(Refusal::Removed)),
            ("full", full, GUEST, Refuse(Refusal::Full)),
            ("full for the host too", full, HOST, Refuse(Refusal::Full)),
            ("one seat left", Door { taken: 1, ..DOOR }, GUEST, Admit),
            ("lobby", lobby, GUEST, Hold(Wait::Lobby)),
            ("lobby, host", lobby, HOST, Admit),
            ("lobby, returning", lobby, BACK, Admit),
            ("too early", early, GUEST, Hold(Wait::TooEarly)),
            ("too early, host", early, HOST, Admit),
        ];
        for (name, door, applicant, expected) in cases {
            assert_eq!(admit(door, applicant), expected, "{name}");
        }
    }

    #[test]
    fn tokens_end_with_the_meeting_but_live_ten_minutes() {
        let now = UnixMillis(1_000_000);
        let day = Duration::from_secs(86_400);
        assert_eq!(token_expiry(now, day, None), now.plus(day));
        assert_eq!(token_expiry(now, day, Some(now.plus(day / 2))), now.plus(day / 2));
        assert_eq!(token_expiry(now, day, Some(now)), now.plus(Duration::from_secs(600)));
        assert_eq!(token_expiry(now, Duration::from_secs(60), Some(now)), now.plus(Duration::from_secs(60)));
    }
}
