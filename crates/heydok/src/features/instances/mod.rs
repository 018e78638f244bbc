//! One conference held in a meeting: from the first person inside to the last one out.

pub mod store;

/// Why an instance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The host ended the meeting.
    Host,
    /// Everybody left.
    Empty,
    /// It reached MAX_MEETING_DURATION.
    TooLong,
}

impl EndReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Empty => "empty",
            Self::TooLong => "max_duration",
        }
    }
}
