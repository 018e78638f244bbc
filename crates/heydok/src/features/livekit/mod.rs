//! The media server as the product sees it: LiveKit's published API, by network or in memory.

pub mod arrival;
mod client;
pub mod fold;
pub mod http;
mod reconciler;
mod rooms;
mod store;
#[cfg(test)]
mod tests;

pub use client::{Error, Livekit, Wire, proto};
pub use reconciler::{Reconciler, Reconciling};
pub use rooms::Rooms;

use std::time::Duration;

use crate::app::App;
use crate::config::LiveKitMode;
use crate::features::meetings::Meeting;
use crate::http::Context;

/// How long a room of a server that is not ours waits at most; then it is made once more.
const KEPT: Duration = Duration::from_secs(86_400);

/// Makes sure that the room exists before a token for it is given. Asks the media server only where we do not know it.
pub async fn ensure_room(app: &App, room_name: &str, max_participants: i64) -> Result<(), Error> {
    if app.rooms.is_known(room_name) {
        return Ok(());
    }
    create_room(app, room_name, max_participants).await
}

/// Makes the room, or finds it if it exists.
pub async fn create_room(app: &App, room_name: &str, max_participants: i64) -> Result<(), Error> {
    create(app, room_name, max_participants, app.settings.meetings.empty_timeout).await
}

/// Makes the room of an open meeting again at a server that is not ours, where nobody could make it the moment it is asked for:
/// it waits for its first participant until the meeting's time is over, when it is deleted.
pub async fn keep_room(app: &App, meeting: &Meeting) -> Result<(), Error> {
    let empty_timeout = meeting.expires_at.map_or(KEPT, |at| at.since(app.now()).min(KEPT));
    create(app, &meeting.room_name, meeting.max_participants, empty_timeout).await
}

async fn create(app: &App, room_name: &str, max_participants: i64, empty_timeout: Duration) -> Result<(), Error> {
    let meetings = &app.settings.meetings;
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).max(1);
    let request = proto::CreateRoomRequest {
        name: room_name.to_owned(),
        empty_timeout: seconds(empty_timeout),
        departure_timeout: seconds(meetings.departure_timeout),
        max_participants: u32::try_from(max_participants).unwrap_or(0),
        ..Default::default()
    };
    app.livekit.create_room(&request).await?;
    app.rooms.learn(room_name);
    Ok(())
}

/// Ends a room.
pub async fn delete_room(app: &App, room_name: &str) -> Result<(), Error> {
    app.rooms.forget(room_name);
    app.livekit.delete_room(room_name).await
}

/// Removes somebody who was refused, unless they have been let in again since.
pub async fn remove_refused(app: &App, room_name: &str, identity: &str) -> Result<(), Reconciling> {
    if reconciler::is_refused(app, room_name, identity).await? {
        app.livekit.remove_participant(room_name, identity).await?;
    }
    Ok(())
}

/// The code in the name of a room of ours, for the log.
pub fn meeting_of(room_name: &str) -> &str {
    room_name.strip_prefix("meeting-").unwrap_or(room_name)
}

/// What clients connect to: LIVEKIT_URL, else our own address.
pub fn public_url(app: &App, context: &Context) -> String {
    match &app.settings.livekit.mode {
        LiveKitMode::External { client_url, .. } => client_url.clone(),
        LiveKitMode::Embedded => context.origin(app).replacen("http", "ws", 1),
    }
}
