//! The routers: what livekit-server answers, beside a product's own API or alone.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use http::{Method, StatusCode};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::handle::Handle;
use crate::{rtc, twirp};

/// Bytes of a request body at most: livekit-server's limit.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

impl Handle {
    /// `/rtc…`, `/twirp/…` and `/settings/regions`, for mounting beside an API on the same port.
    ///
    /// A doubled leading slash is accepted: users configure addresses that end in one.
    pub fn router(&self) -> Router {
        self.api_routes().layer(cors())
    }

    /// The routes of [`Handle::router`] plus `/` and `/health`, and 404 for everything else.
    pub fn standalone_router(&self) -> Router {
        self.api_routes()
            .route("/", get(|| async { "OK" }))
            .route("//", get(|| async { "OK" }))
            .route("/health", get(|| async { "OK" }))
            .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") })
            .layer(cors())
    }

    fn api_routes(&self) -> Router {
        let mut router = Router::new();
        for slash in ["", "/"] {
            router = router
                .route(&format!("{slash}/rtc"), any(rtc::v0))
                .route(&format!("{slash}/rtc/validate"), any(rtc::v0_validate))
                .route(&format!("{slash}/rtc/v1"), any(rtc::v1))
                .route(&format!("{slash}/rtc/v1/validate"), any(rtc::v1_validate))
                .route(&format!("{slash}/settings/regions"), any(|| async { StatusCode::NOT_FOUND }))
                .route(&format!("{slash}/twirp/{{*rest}}"), any(twirp::call));
        }
        router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(self.clone())
    }
}

/// Scripts of any origin may call: tokens protect, not origins.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::OPTIONS, Method::HEAD, Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(Duration::from_secs(86_400))
}
