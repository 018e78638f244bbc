//! Who asks: the token of a request, and where it comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use node::token::{ApiKeys, Claims, TokenError, verify};

use crate::media::unix_ms;

/// Address of the client as an embedding product has found it (behind trusted proxies); put it into the request's
/// extensions. Without it the peer address of the TCP connection is used.
#[derive(Debug, Clone, Copy)]
pub struct ClientIp(pub IpAddr);

/// Why a request is refused before any handler sees it: status 401 and this text.
pub(crate) type Refusal = (StatusCode, String);

/// The verified claims of a request; `None` where it carries no token at all, which handlers refuse in their own form.
///
/// A header wins over the `access_token` parameter.
pub(crate) fn claims(
    headers: &HeaderMap,
    access_token: Option<&str>,
    keys: &ApiKeys,
) -> Result<Option<Claims>, Refusal> {
    let token = match headers.get(AUTHORIZATION) {
        Some(value) => {
            let value = value.to_str().unwrap_or_default();
            let bearer = value.strip_prefix("Bearer ").ok_or_else(|| {
                (StatusCode::UNAUTHORIZED, "invalid authorization header. Must start with Bearer ".to_owned())
            })?;
            Some(bearer)
        }
        None => access_token,
    };
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    verify(token, keys, unix_ms() / 1000).map(Some).map_err(|error| {
        let text = match error {
            TokenError::Malformed => "invalid authorization token".to_owned(),
            TokenError::UnknownKey => "invalid API key".to_owned(),
            other => format!("invalid authorization token: {other}"),
        };
        (StatusCode::UNAUTHORIZED, text)
    })
}

/// Where a request comes from.
pub(crate) fn client_ip(parts: &Parts) -> IpAddr {
    let told = parts.extensions.get::<ClientIp>().map(|ClientIp(ip)| *ip);
    let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    told.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
