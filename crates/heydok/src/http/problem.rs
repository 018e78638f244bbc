//! Errors as callers see them: RFC 9457 problem documents with a stable code.
//!
//! Which error type belongs where: rules return an enum of their own and know no status; stores return `db::Error`; handlers
//! return [`Problem`]. A `Problem` carries three things apart: the code that programs test, the sentence that people read, and
//! the private detail that only our log gets.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// One kind of error: the row of the catalogue at `/docs/errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// What programs test; never changes.
    pub code: &'static str,
    pub status: StatusCode,
    /// The sentence in `detail` unless a handler says something more precise.
    pub detail: &'static str,
    /// For the catalogue: when it happens and what to do.
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($name:ident = $status:ident $code:literal $detail:literal, $help:literal;)*) => {
        $(pub const $name: Code = Code { code: $code, status: StatusCode::$status, detail: $detail, help: $help };)*
        /// Every code that this server can answer with, in the order of their status.
        pub const CATALOGUE: &[Code] = &[$($name),*];
    };
}

catalogue! {
    MALFORMED_JSON = BAD_REQUEST "malformed_json" "The request body is not valid JSON", "The body must be one JSON object in UTF-8.";
    UNAUTHENTICATED = UNAUTHORIZED "unauthenticated" "Unauthorized access", "A valid token is needed in the Authorization header.";
    FORBIDDEN = FORBIDDEN "forbidden" "You are not allowed to do this", "The credentials are valid, but not for this action.";
    HOST_KEY_INVALID = FORBIDDEN "host_key_invalid" "The host key is missing or wrong", "Send the host key that the meeting was created with in the X-Host-Key header.";
    PASSWORD_REQUIRED = FORBIDDEN "password_required" "Meeting password required", "Ask for the password and send it as `password`.";
    PASSWORD_WRONG = FORBIDDEN "password_wrong" "Wrong meeting password", "Ask the host for the password.";
    MEETING_LOCKED = FORBIDDEN "meeting_locked" "Meeting is locked", "The host closed the door. Ask the host.";
    PARTICIPANT_REMOVED = FORBIDDEN "participant_removed" "You were removed from this meeting", "The host removed this participant.";
    FEATURE_DISABLED = FORBIDDEN "feature_disabled" "This feature is switched off on this server", "The operator switched it off in the configuration.";
    MEETING_NOT_FOUND = NOT_FOUND "meeting_not_found" "Meeting not found", "Check the meeting code (three, four and three letters). Codes of deleted meetings are not used again. If it should exist, check that the server uses the right database.";
    NOT_FOUND = NOT_FOUND "not_found" "Not found", "There is nothing at this address.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" "This address does not answer this method", "See /docs for the methods.";
    NOT_BUILT = NOT_ACCEPTABLE "not_built" "This build has no such representation", "Another representation is available.";
    MEETING_FULL = CONFLICT "meeting_full" "Meeting is full", "Wait until somebody leaves, or raise max_participants.";
    INVALID_STATE = CONFLICT "invalid_state" "The meeting is not in a state that allows this", "Reload and look at the status.";
    IDEMPOTENCY_IN_PROGRESS = CONFLICT "idempotency_in_progress" "A request with this Idempotency-Key is still running", "Try again in a second.";
    MEETING_ENDED = GONE "meeting_ended" "Meeting has ended", "Create a new meeting.";
    MEETING_EXPIRED = GONE "meeting_expired" "Meeting has expired", "Links without an account live for MEETING_TTL (24 hours by default). Create a new meeting.";
    MEETING_CANCELLED = GONE "meeting_cancelled" "Meeting was cancelled", "Ask the organiser.";
    TOO_LARGE = PAYLOAD_TOO_LARGE "too_large" "The request body is too large", "JSON bodies have at most 256 KiB.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The request body must be application/json", "Send Content-Type: application/json.";
    VALIDATION_FAILED = UNPROCESSABLE_ENTITY "validation_failed" "The request is not valid", "`errors` names each field and what is wrong with it.";
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY "idempotency_key_reused" "This Idempotency-Key was used with another request body", "Use a new key for each new request.";
    RATE_LIMITED = TOO_MANY_REQUESTS "rate_limited" "Too many requests", "Wait as many seconds as Retry-After says.";
    TOKEN_FAILED = INTERNAL_SERVER_ERROR "token_failed" "Failed to generate access token", "Check LIVEKIT_API_KEY and LIVEKIT_API_SECRET.";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" "Internal server error", "Look for the request id in the server's log.";
    ROOM_CREATE_FAILED = BAD_GATEWAY "room_create_failed" "Failed to create meeting room", "The media server did not answer. Check LIVEKIT_URL, its keys and the network between both.";
    LIVEKIT_UNREACHABLE = BAD_GATEWAY "livekit_unreachable" "LiveKit Connection Failed", "Check that the media server runs, its keys and the firewall.";
    CAPACITY = SERVICE_UNAVAILABLE "capacity" "The server is full", "Try again later.";
    ID_SPACE = SERVICE_UNAVAILABLE "id_space" "No free meeting code was found", "Try again.";
    MAINTENANCE = SERVICE_UNAVAILABLE "maintenance" "The server is shutting down or starting", "Try again in a few seconds.";
}

/// What is wrong with one field, in the shape that FastAPI clients know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FieldProblem)]
pub struct FieldError {
    /// Where: `["body", "display_name"]`.
    pub loc: Vec<String>,
    /// What, for people.
    pub msg: String,
    /// What, for programs: `string_too_short`, `missing`, …
    pub r#type: &'static str,
    /// JSON pointer (RFC 6901).
    pub pointer: String,
}

impl FieldError {
    /// What is wrong with one value in the `body`, the `query` or a `header`; without a name with all of it.
    pub fn new(place: &str, name: &str, r#type: &'static str, msg: impl Into<String>) -> Self {
        let mut loc = vec![place.to_owned()];
        loc.extend((!name.is_empty()).then(|| name.to_owned()));
        // A pointer leads into the document that was sent (RFC 6901); a query and a header are none.
        let pointer = if place == "body" && !name.is_empty() { format!("/{name}") } else { String::new() };
        Self { loc, msg: msg.into(), r#type, pointer }
    }
}

/// An error on its way to the caller. The last middleware renders it, because only that knows the path and the request id.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub errors: Vec<FieldError>,
    /// Members that one family of endpoints adds (`"exists": false`).
    pub extra: Vec<(&'static str, serde_json::Value)>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For our log only.
    pub private: Option<String>,
}

impl Problem {
    /// The plain error of the catalogue.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.detail),
            errors: Vec::new(),
            extra: Vec::new(),
            headers: Vec::new(),
            private: None,
        }
    }

    /// With another sentence for people.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With a member that only this family of endpoints has.
    pub fn with(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    /// With a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a detail for our log.
    pub fn private(mut self, detail: impl std::fmt::Display) -> Self {
        self.private = Some(detail.to_string());
        self
    }

    /// 422 with what is wrong in each field.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(VALIDATION_FAILED) }
    }

    /// 422 for one value; see [`FieldError::new`].
    pub fn wrong(place: &str, name: &str, r#type: &'static str, msg: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(place, name, r#type, msg)])
    }

    /// 500 with the cause for our log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(INTERNAL).private(cause)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        if error.overloaded() { Self::new(CAPACITY).private(error) } else { Self::internal(error) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status.into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

/// The document as it is sent; also its schema in the OpenAPI document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// Link into the catalogue.
    #[schema(example = "/docs/errors#meeting_not_found")]
    pub r#type: String,
    #[schema(example = "Not Found")]
    pub title: &'a str,
    #[schema(example = 404)]
    pub status: u16,
    /// One English sentence.
    #[schema(example = "Meeting not found")]
    pub detail: serde_json::Value,
    /// The path that was asked for.
    pub instance: &'a str,
    /// What programs test.
    #[schema(example = "meeting_not_found")]
    pub code: &'a str,
    pub request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    pub errors: &'a [FieldError],
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}
