//! The request body of a JSON endpoint.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use http::StatusCode;

use super::fields::Fields;
use super::problem::{self, Problem};

/// Most bytes of a JSON body.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// A request body that can be read out of [`Fields`].
pub trait FromFields: Sized {
    /// Reads all fields, recording what is wrong; the value is used only when nothing was.
    fn read(fields: &mut Fields) -> Self;
}

/// A validated request body, and its bytes for the idempotency fingerprint.
pub struct Body<T> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: FromFields, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        let mut fields = Fields::parse(&bytes)?;
        let value = T::read(&mut fields);
        fields.finish()?;
        Ok(Self { value, bytes })
    }
}

fn unreadable(rejection: BytesRejection) -> Problem {
    use axum::response::IntoResponse as _;
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(problem::TOO_LARGE),
        _ => Problem::new(problem::MALFORMED_JSON).detail("The request body could not be read"),
    }
}
