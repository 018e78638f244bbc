//! Who asks: the host by a meeting's host key, a participant by its room token (C-12).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::context::Context;
use super::problem::{FORBIDDEN, HOST_KEY_INVALID, PARTICIPANT_REMOVED, Problem, UNAUTHENTICATED};
use crate::app::App;
use crate::features::join::store::{self, Session};
use crate::features::meetings::Meeting;

/// Header that carries the host key.
pub const X_HOST_KEY: &str = "x-host-key";

/// The host key of a request, if there is one.
pub fn host_key(headers: &HeaderMap) -> Option<&str> {
    headers.get(X_HOST_KEY).and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty())
}

/// The credential of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// Whether `key` is the host key of `meeting`.
pub fn is_host(meeting: &Meeting, key: &str) -> bool {
    meeting.host_key.as_deref().is_some_and(|digest| kit::equal_in_constant_time(digest, &kit::token_digest(key)))
}

/// The request comes from the host of `meeting`, or 403.
pub fn require_host(app: &App, context: &Context, headers: &HeaderMap, meeting: &Meeting) -> Result<(), Problem> {
    let proven = host_key(headers).is_some_and(|key| is_host(meeting, key));
    if proven || context.is_local_owner(app) { Ok(()) } else { Err(HOST_KEY_INVALID.into()) }
}

/// The request comes from a participant of `meeting` who was not removed: 401 without a valid room token, 403 with one for
/// another meeting or of somebody who was removed.
pub async fn require_participant(app: &App, headers: &HeaderMap, meeting: &Meeting) -> Result<Session, Problem> {
    let token = bearer(headers).ok_or(UNAUTHENTICATED)?;
    let claims = app.verify(token).map_err(|error| Problem::new(UNAUTHENTICATED).private(error))?;
    let grant = claims.grant();
    if !grant.room_join || grant.room != meeting.room_name {
        return Err(FORBIDDEN.into());
    }
    let session = store::by_identity(&mut app.db.read().await?, &meeting.id, claims.identity()).await?;
    match session {
        None => Err(FORBIDDEN.into()),
        Some(session) if session.removed => Err(PARTICIPANT_REMOVED.into()),
        Some(session) => Ok(session),
    }
}
