//! Who asks: the token of a request, and where it comes from.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use node::token::{ApiKeys, Claims, TokenError, verify};
use url::form_urlencoded;

use crate::media::unix_ms;

/// Address of the client as an embedding product has found it (behind trusted proxies); put it into the request's
/// extensions. Without it the peer address of the TCP connection is used.
#[derive(Debug, Clone, Copy)]
pub struct ClientIp(pub IpAddr);

/// Why a request is refused before any handler sees it: status 401 and this text.
pub type Refusal = (StatusCode, String);

/// The verified claims of a request; `None` where it carries no token at all, which handlers refuse in their own form.
///
/// # Errors
/// What to answer to a token that is not good.
pub fn claims(parts: &Parts, keys: &ApiKeys) -> Result<Option<Claims>, Refusal> {
    let token = token(parts).map_err(|text| (StatusCode::UNAUTHORIZED, text))?;
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    verify(&token, keys, unix_ms() / 1000).map(Some).map_err(|error| {
        let text = match error {
            TokenError::Malformed => "invalid authorization token".to_owned(),
            TokenError::UnknownKey => "invalid API key".to_owned(),
            other => format!("invalid authorization token: {other}"),
        };
        (StatusCode::UNAUTHORIZED, text)
    })
}

/// The token as LiveKit's clients send it: a header wins over the parameter `access_token`, and the first of those over others.
fn token(parts: &Parts) -> Result<Option<Cow<'_, str>>, String> {
    if let Some(value) = parts.headers.get(AUTHORIZATION) {
        let bearer = value.to_str().unwrap_or_default().strip_prefix("Bearer ");
        let wrong = || "invalid authorization header. Must start with Bearer ".to_owned();
        return bearer.map(|token| Some(Cow::Borrowed(token))).ok_or_else(wrong);
    }
    let query = parts.uri.query().unwrap_or_default();
    Ok(form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "access_token").map(|(_, token)| token))
}

/// Where a request comes from.
pub(crate) fn client_ip(parts: &Parts) -> IpAddr {
    let told = parts.extensions.get::<ClientIp>().map(|ClientIp(ip)| *ip);
    let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    told.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_where_clients_put_them() {
        let check = |header: Option<&str>, query: &str, expected: Result<Option<&str>, ()>| {
            let mut request = http::Request::builder().uri(format!("/rtc?{query}"));
            if let Some(header) = header {
                request = request.header(AUTHORIZATION, header);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let found = token(&parts);
            assert_eq!(found.as_ref().map(Option::as_deref).map_err(drop), expected, "{header:?} {query}");
        };
        check(None, "access_token=a.b.c&sdk=js", Ok(Some("a.b.c")));
        check(None, "sdk=js&access_token=a%2Eb.c&access_token=x", Ok(Some("a.b.c")));
        check(None, "sdk=js", Ok(None));
        check(Some("Bearer d.e.f"), "access_token=a.b.c", Ok(Some("d.e.f")));
        check(Some("Basic x"), "access_token=a.b.c", Err(()));
    }
}
