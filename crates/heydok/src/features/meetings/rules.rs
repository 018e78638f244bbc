//! What a meeting is to those who come by its link. Pure.

use std::str::FromStr;
use std::time::Duration;

use kit::UnixMillis;

/// S4's `status` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Scheduled,
    InProgress,
    Completed,
    Cancelled,
}

impl FromStr for Status {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "scheduled" => Self::Scheduled,
            "in_progress" => Self::InProgress,
            "completed" => Self::Completed,
            "cancelled" => Self::Cancelled,
            _ => return Err(()),
        })
    }
}

/// Whether the door is there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessState {
    /// The row exists, the room not yet.
    Creating,
    Open,
    Closed,
    Expired,
    Deleted,
}

impl FromStr for AccessState {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "creating" => Self::Creating,
            "open" => Self::Open,
            "closed" => Self::Closed,
            "expired" => Self::Expired,
            "deleted" => Self::Deleted,
            _ => return Err(()),
        })
    }
}

/// How long before its start a scheduled meeting counts as due.
pub const EARLY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// What `info` and `exists` call a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// To be held later.
    Scheduled,
    /// Can be joined.
    Active,
    Ended,
    Expired,
    Cancelled,
    /// Never answered for: as if it had not been.
    Absent,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Ended | Self::Absent => "ended",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The times and states that decide it.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub status: Status,
    pub access_state: AccessState,
    pub expires_at: Option<UnixMillis>,
    pub scheduled_start: Option<UnixMillis>,
    /// Whether an instance is running: expiry never cuts one.
    pub live: bool,
}

/// The table of C-21.
pub fn standing(facts: Facts, now: UnixMillis) -> Standing {
    match facts.access_state {
        AccessState::Deleted => Standing::Absent,
        AccessState::Creating => Standing::Absent,
        AccessState::Closed if facts.status == Status::Cancelled => Standing::Cancelled,
        AccessState::Closed => Standing::Ended,
        AccessState::Expired => Standing::Expired,
        AccessState::Open if facts.live => Standing::Active,
        AccessState::Open if facts.expires_at.is_some_and(|at| at <= now) => Standing::Expired,
        AccessState::Open => match facts.scheduled_start {
            Some(start) if start.since(now) > EARLY_WINDOW => Standing::Scheduled,
            _ => Standing::Active,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn at(offset_ms: i64) -> Option<UnixMillis> {
        Some(UnixMillis(NOW.get() + offset_ms))
    }

    /// Each row of C-21, by the facts that lead to it.
    #[test]
    fn standings_follow_the_table() {
        use AccessState::{Closed, Creating, Deleted, Expired, Open};
        use Status::{Cancelled, Completed, InProgress, Scheduled};
        let cases = [
            (Scheduled, Open, None, at(16 * 60_000), false, Standing::Scheduled),
            (Scheduled, Open, None, at(15 * 60_000), false, Standing::Active),
            (Scheduled, Open, at(1), None, false, Standing::Active),
            (Scheduled, Open, at(0), None, false, Standing::Expired),
            (InProgress, Open, at(-1), None, true, Standing::Active),
            (Completed, Closed, at(1), None, false, Standing::Ended),
            (Cancelled, Closed, at(1), None, false, Standing::Cancelled),
            (Completed, Expired, at(-1), None, false, Standing::Expired),
            (Completed, Deleted, at(1), None, false, Standing::Absent),
            (Scheduled, Creating, at(1), None, false, Standing::Absent),
        ];
        for (status, access_state, expires_at, scheduled_start, live, expected) in cases {
            let facts = Facts { status, access_state, expires_at, scheduled_start, live };
            assert_eq!(standing(facts, NOW), expected, "{facts:?}");
        }
    }
}
