//! What certificates of our own are made with.

use kit::UnixMillis;
use time::OffsetDateTime;

/// The form that rcgen takes. Times that it cannot hold become 1970.
pub(crate) fn time_of(at: UnixMillis) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0 / 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
