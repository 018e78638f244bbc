//! The embedded server's `/rtc`, for whoever brings a valid token: an open meeting always has a room.
//!
//! A media server ends a room that nobody is in (EMPTY_TIMEOUT, DEPARTURE_TIMEOUT) and answers the next token with 404, which is
//! final for LiveKit's clients. Our links and tokens outlive that room, so it is made again the moment somebody asks for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use signal::token::ApiKeys;

use super::Reconciling;
use crate::app::App;
use crate::features::meetings::{self, Standing};

/// What the layer needs.
#[derive(Clone)]
pub struct Door {
    pub app: App,
    /// The keys that the media server accepts.
    pub keys: Arc<ApiKeys>,
}

/// Asks the media server; where that knows no such room and the token names an active meeting's, makes it and asks again.
///
/// The first answer decides, not a look before it: so a room that ends this very moment is missed by nobody.
pub async fn layer(State(door): State<Door>, request: Request, next: Next) -> Response {
    if !request.uri().path().trim_start_matches('/').starts_with("rtc") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let again = parts.clone();
    let answer = next.clone().run(Request::from_parts(parts, body)).await;
    if answer.status() != StatusCode::NOT_FOUND {
        return answer;
    }
    match open(&door, &again).await {
        Ok(true) => next.run(Request::from_parts(again, Body::empty())).await,
        Ok(false) => answer,
        Err(error) => {
            tracing::error!(%error, "the room of an open meeting could not be made again");
            answer
        }
    }
}

/// Makes the room that the token names; `false` where there is nothing to make.
async fn open(door: &Door, parts: &Parts) -> Result<bool, Reconciling> {
    let Ok(Some(claims)) = livekit_server::claims(parts, &door.keys) else { return Ok(false) };
    let grant = claims.grant();
    if !grant.room_join {
        return Ok(false);
    }
    let meeting = meetings::store::by_room(&mut door.app.db.read().await?, &grant.room).await?;
    let Some(meeting) = meeting.filter(|meeting| meeting.standing(door.app.now()) == Standing::Active) else {
        return Ok(false);
    };
    super::create_room(&door.app, &meeting.room_name, meeting.max_participants).await?;
    tracing::info!(meeting_id = %meeting.code, room_name = %meeting.room_name, "room created again");
    Ok(true)
}
