//! Somebody leaves: the session, the person's row, the event and the timeline together.

use db::{Conn, Error};
use kit::UnixMillis;
use serde_json::json;

use super::store;
use crate::app::App;
use crate::features::meetings::Meeting;
use crate::features::record::{Event, Moment, append_event, append_timeline};

/// Why somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveReason {
    /// They went, or their connection did.
    Client,
    /// They were lost with the media server's rooms and did not come back.
    Timeout,
    /// The conference ended around them.
    RoomEnded,
}

impl LeaveReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Timeout => "timeout",
            Self::RoomEnded => "room_ended",
        }
    }
}

/// Notes that `identity` left at `at`, or when it was lost, if that is known to be earlier.
pub async fn leave(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    instance_id: Option<&str>,
    (identity, reason): (&str, LeaveReason),
    at: UnixMillis,
) -> Result<(), Error> {
    let lost_at = store::lost_at(conn, &meeting.id, identity).await?;
    let at = lost_at.map_or(at, |lost_at| lost_at.min(at));
    store::leave(conn, &meeting.id, identity, reason.as_str(), at, app.now()).await?;
    tell(app, conn, meeting, instance_id, ("participant.left", identity), at).await
}

/// Tells the event stream and the timeline of what happened to `identity` at `at`.
pub async fn tell(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    instance_id: Option<&str>,
    (kind, identity): (&'static str, &str),
    at: UnixMillis,
) -> Result<(), Error> {
    let data = json!({ "meeting_id": meeting.public_id(), "id": meeting.id, "instance_id": instance_id, "participant_id": identity });
    append_event(conn, &Event { r#type: kind, meeting_id: &meeting.id, instance_id, data }, app.now()).await?;
    let moment = Moment {
        id: &app.new_id(),
        kind,
        meeting_id: &meeting.id,
        instance_id,
        participant_id: Some(identity),
        detail: json!({}),
    };
    append_timeline(conn, &moment, at).await
}
