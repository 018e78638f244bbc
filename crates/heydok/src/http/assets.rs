//! Files that are part of the binary, compressed when it was built (`build.rs`) instead of for every request.

use std::collections::HashMap;

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

/// One file as the build wrote it.
#[derive(Debug, Clone, Copy)]
pub struct File {
    pub name: &'static str,
    pub bytes: &'static [u8],
    /// The same file, smaller; `None` where it would not be.
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

/// Files by name.
pub struct Assets(HashMap<&'static str, Asset>);

/// One file, and the name of its contents.
pub struct Asset {
    file: File,
    digest: String,
}

/// How a body is written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

impl Assets {
    pub fn new(files: &[File]) -> Self {
        let asset = |file: File| Asset { file, digest: kit::sha256_hex(file.bytes)[..32].to_owned() };
        Self(files.iter().map(|file| (file.name, asset(*file))).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Asset> {
        self.0.get(name)
    }
}

impl Asset {
    /// The answer to a request with these headers: the smallest body that the client understands, or 304 where it has it.
    pub fn respond(&self, request: &HeaderMap, cache: &'static str) -> Response {
        let (encoding, body) = self.body(preferred(request));
        let etag = match encoding {
            // Different bytes, so a different strong validator (RFC 9110, 8.8.3).
            Encoding::Brotli | Encoding::Gzip => format!("\"{}-{}\"", self.digest, encoding.name()),
            Encoding::Identity => format!("\"{}\"", self.digest),
        };
        let is_known = is_known(request, &etag);
        let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(ETAG, etag);
        }
        if !is_known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(self.file.name)));
            if encoding != Encoding::Identity {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            }
        }
        response
    }

    fn body(&self, preferred: Encoding) -> (Encoding, Bytes) {
        let smaller = match preferred {
            Encoding::Identity => None,
            Encoding::Brotli => self.file.brotli,
            Encoding::Gzip => self.file.gzip,
        };
        match smaller {
            Some(smaller) => (preferred, Bytes::from_static(smaller)),
            None => (Encoding::Identity, Bytes::from_static(self.file.bytes)),
        }
    }
}

/// What `Accept-Encoding` likes best (RFC 9110, 12.5.3); at equal liking brotli before gzip. Without the header nothing is
/// compressed: such a client may not know how.
fn preferred(request: &HeaderMap) -> Encoding {
    let values = request.get_all(ACCEPT_ENCODING);
    let accepted = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let (mut brotli, mut gzip, mut others) = (None, None, None);
    for one in accepted {
        let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let weight = Some(weight.unwrap_or(0.0));
        match name.trim() {
            name if name.eq_ignore_ascii_case("br") => brotli = weight,
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => gzip = weight,
            "*" => others = weight,
            _ => {}
        }
    }
    let weight = |named: Option<f32>| named.or(others).unwrap_or(0.0);
    match (weight(brotli), weight(gzip)) {
        (brotli, gzip) if brotli > 0.0 && brotli >= gzip => Encoding::Brotli,
        (_, gzip) if gzip > 0.0 => Encoding::Gzip,
        _ => Encoding::Identity,
    }
}

/// Whether `If-None-Match` names what we would send. A weak validator is as good (RFC 9110, 13.1.2).
pub(crate) fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH);
    let mut known = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    known.any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == etag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    const TEXT: &str =
        "the same words again, and again, and once more, the same words again, and again, and once more; ";

    fn file() -> File {
        let bytes = TEXT.repeat(20).leak().as_bytes();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(bytes).unwrap();
        let mut smaller = Vec::new();
        brotli::BrotliCompress(&mut &*bytes, &mut smaller, &Default::default()).unwrap();
        File { name: "assets/app-1.js", bytes, brotli: Some(smaller.leak()), gzip: Some(gzip.finish().unwrap().leak()) }
    }

    async fn read(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }

    #[test]
    fn clients_get_what_they_like_best() {
        use Encoding::{Brotli, Gzip, Identity};
        for (accepts, expected) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip", Gzip),
            ("GZIP;q=0.5, br;q=0.1", Gzip),
            ("br;q=0, gzip", Gzip),
            ("*", Brotli),
            ("br;q=0, *", Gzip),
            ("*;q=0, gzip;q=0.2", Gzip),
            ("identity", Identity),
            ("deflate", Identity),
            ("br;q=nonsense", Identity),
            ("", Identity),
        ] {
            assert_eq!(preferred(&headers(&[("accept-encoding", accepts)])), expected, "{accepts}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Identity);
    }

    /// Each form is the file again, says what it is, and has a validator of its own that gets a 304.
    #[tokio::test]
    async fn each_form_is_the_file_again() {
        let file = file();
        let assets = Assets::new(&[file]);
        let asset = assets.get("assets/app-1.js").unwrap();
        let mut validators = std::collections::BTreeSet::new();
        for encoding in ["br", "gzip", "identity"] {
            let accepts = ("accept-encoding", encoding);
            let answer = asset.respond(&headers(&[accepts]), "public");
            let said = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(said.as_deref(), (encoding != "identity").then_some(encoding));
            assert_eq!(answer.headers()["vary"], "Accept-Encoding");
            assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
            let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
            let body = read(answer).await;
            assert!(encoding == "identity" || body.len() < file.bytes.len() / 4, "{encoding}: {}", body.len());
            let mut plain = Vec::new();
            match encoding {
                "br" => _ = brotli::Decompressor::new(&*body, 4096).read_to_end(&mut plain).unwrap(),
                "gzip" => _ = flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).unwrap(),
                _ => plain = body,
            }
            assert!(plain == file.bytes, "{encoding}");
            for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
                let again = asset.respond(&headers(&[accepts, ("if-none-match", &known)]), "public");
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
                assert_eq!(again.headers()["etag"], etag.as_str());
            }
            let other = asset.respond(&headers(&[accepts, ("if-none-match", "\"x\"")]), "public");
            assert_eq!(other.status(), StatusCode::OK);
            validators.insert(etag);
        }
        assert_eq!(validators.len(), 3);
    }

    /// What has no smaller form is sent as it is.
    #[tokio::test]
    async fn what_gains_nothing_is_left() {
        let assets = Assets::new(&[File { brotli: None, gzip: None, ..file() }]);
        let answer =
            assets.get("assets/app-1.js").unwrap().respond(&headers(&[("accept-encoding", "br, gzip")]), "public");
        assert!(!answer.headers().contains_key("content-encoding"));
        assert!(assets.get("d.js").is_none());
    }
}
