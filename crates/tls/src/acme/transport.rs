//! How the ACME server is reached: with limits, and for a server of one's own with its root certificate.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

/// How long one request may take.
const REQUEST_WAIT: Duration = Duration::from_secs(30);
/// Longest answer that is read; a certificate chain has some thousand bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Transport(reqwest::Client);

impl Transport {
    /// `roots`: PEM certificates that are believed besides those of the system.
    ///
    /// # Errors
    /// One sentence about the file.
    pub(super) fn new(roots: Option<&Path>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder().timeout(REQUEST_WAIT).https_only(true);
        if let Some(path) = roots {
            let sentence = |why: &dyn std::fmt::Display| {
                format!(
                    "TLS_ACME_CA {} cannot be used ({why}); name a PEM file with the root certificate",
                    path.display()
                )
            };
            let bytes = std::fs::read(path).map_err(|error| sentence(&error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| sentence(&error))?;
            if certificates.is_empty() {
                return Err(sentence(&"it holds no certificate"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map(Self).map_err(|error| format!("no HTTPS to the ACME server: {error}"))
    }

    async fn ask(self, request: http::Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let other = |error: reqwest::Error| Error::Other(error.without_url().into());
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let request = http::Request::from_parts(parts, reqwest::Body::from(body.to_bytes()));
        let request = reqwest::Request::try_from(request).map_err(other)?;
        let mut response = self.0.execute(request).await.map_err(other)?;
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = response.status();
        parts.headers = response.headers().clone();
        let mut answer = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(other)? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Error::Other("its answer is too long".into()));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(BytesResponse { parts, body: Box::new(answer.freeze()) })
    }
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().ask(request))
    }
}
