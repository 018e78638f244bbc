//! The query of a request.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The query of a request; one that cannot be read is answered like a wrong body (C-05).
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let wrong = |error: axum::extract::rejection::QueryRejection| {
            // The library's text ends in what is wrong, and begins with the name of the parameter, where it knows one.
            let text = error.body_text();
            let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
            let (name, reason) = reason.split_once(": ").unwrap_or(("", reason));
            Problem::wrong("query", name, "query_type", reason)
        };
        read.map(|axum::extract::Query(value)| Self(value)).map_err(wrong)
    }
}
