//! Twirp errors: always JSON, `{code, msg, meta}`, whatever the request was written in.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use node::{ApiError, ApiErrorCode};
use serde::Serialize;
use std::collections::BTreeMap;

/// The body of an error and its status.
#[derive(Debug, Serialize)]
pub(super) struct TwirpError {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    msg: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: BTreeMap<&'static str, String>,
}

impl TwirpError {
    fn new(status: StatusCode, code: &'static str, msg: impl Into<String>) -> Self {
        Self { status, code, msg: msg.into(), meta: BTreeMap::new() }
    }

    /// No such method, or not asked as Twirp asks.
    pub(super) fn bad_route(msg: String, route: String) -> Self {
        let mut error = Self::new(StatusCode::NOT_FOUND, "bad_route", msg);
        error.meta.insert("twirp_invalid_route", route);
        error
    }

    pub(super) fn malformed(msg: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", msg)
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "permissions denied")
    }

    pub(super) fn unimplemented(msg: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "unimplemented", msg)
    }

    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "server is shutting down")
    }

    pub(super) fn internal(msg: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", msg)
    }
}

impl From<ApiError> for TwirpError {
    fn from(error: ApiError) -> Self {
        let (status, code) = match error.code {
            ApiErrorCode::InvalidArgument => (StatusCode::BAD_REQUEST, "invalid_argument"),
            ApiErrorCode::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ApiErrorCode::FailedPrecondition => (StatusCode::PRECONDITION_FAILED, "failed_precondition"),
            ApiErrorCode::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "resource_exhausted"),
            ApiErrorCode::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "unimplemented"),
            ApiErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self::new(status, code, error.message)
    }
}

impl IntoResponse for TwirpError {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}
