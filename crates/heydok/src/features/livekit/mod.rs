//! The media server as the product sees it: LiveKit's published API, by network or in memory.

mod client;

pub use client::{Error, Livekit, Wire, proto};

use crate::app::App;

/// Makes sure that the room exists before a token for it is given.
pub async fn ensure_room(app: &App, room_name: &str, max_participants: i64) -> Result<(), Error> {
    let seconds = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let request = proto::CreateRoomRequest {
        name: room_name.to_owned(),
        empty_timeout: seconds(app.settings().empty_timeout),
        departure_timeout: seconds(app.settings().departure_timeout),
        max_participants: u32::try_from(max_participants).unwrap_or(0),
        ..Default::default()
    };
    app.livekit().create_room(&request).await.map(|_| ())
}

/// What clients connect to: LIVEKIT_URL, else our own address.
pub fn public_url(app: &App, context: &crate::http::Context) -> String {
    match &app.settings().livekit_url {
        Some(url) => url.clone(),
        None => context.origin(app).replacen("http", "ws", 1),
    }
}
