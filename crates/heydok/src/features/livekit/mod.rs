//! The media server as the product sees it: LiveKit's published API, by network or in memory.

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

use crate::app::App;
use crate::config::LiveKitMode;
use crate::http::Context;

/// Makes sure that the room exists before a token for it is given. Asks the media server only where we do not know it.
pub async fn ensure_room(app: &App, room_name: &str, max_participants: i64) -> Result<(), Error> {
    if app.rooms.is_known(room_name) {
        return Ok(());
    }
    create_room(app, room_name, max_participants).await
}

/// Makes the room, or finds it if it exists.
pub async fn create_room(app: &App, room_name: &str, max_participants: i64) -> Result<(), Error> {
    let meetings = &app.settings.meetings;
    let seconds = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let request = proto::CreateRoomRequest {
        name: room_name.to_owned(),
        empty_timeout: seconds(meetings.empty_timeout),
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

/// What clients connect to: LIVEKIT_URL, else our own address.
pub fn public_url(app: &App, context: &Context) -> String {
    match &app.settings.livekit.mode {
        LiveKitMode::External { client_url, .. } => client_url.clone(),
        LiveKitMode::Embedded => context.origin(app).replacen("http", "ws", 1),
    }
}
