//! The driver of the embedded LiveKit-compatible server: it moves bytes and knows nothing of rooms.
//!
//! Each media thread owns a [`node::Node`] with its rooms (`media`). The only one owns the UDP socket and the ICE-TCP port too;
//! before several stands a thread that reads the ports and shares out what comes (`receiver`). Everything asynchronous
//! (WebSockets, Twirp, webhooks) reaches them through [`Handle`]. The HTTP side is an [`axum::Router`] that an embedding product mounts
//! beside its own API, or that [`run_standalone`] serves alone.
//!
//! ```no_run
//! # async fn example(keys: std::sync::Arc<node::token::ApiKeys>) -> Result<(), livekit_server::StartError> {
//! let server = livekit_server::Server::start(livekit_server::Config::new(keys))?;
//! let router: axum::Router = server.router();
//! // ... serve it with `into_make_service_with_connect_info::<SocketAddr>()` ...
//! server.shutdown().await;
//! # Ok(()) }
//! ```

mod address;
mod auth;
mod batch;
mod command;
mod config;
mod config_file;
mod connection;
mod crowd;
mod framing;
#[doc(hidden)]
pub mod fuzz;
mod handle;
mod http_router;
mod http_server;
mod ice_servers;
mod join;
mod media;
mod placement;
mod port;
mod receiver;
mod ring;
mod routes;
mod rtc;
mod server;
mod standalone;
mod stats;
mod tcp;
mod threads;
mod turn_stream;
mod twirp;
mod udp;
mod ways;
mod webhook;
mod websocket;

/// Tests count what a connection holds.
#[cfg(test)]
#[global_allocator]
static MEMORY: testkit::memory::Counted = testkit::memory::Counted;

pub use address::{Advertised, reachable_addresses};
pub use auth::{ClientIp, Refusal, claims};
pub use config::{Config, InterfaceFilter, MEDIA_THREADS_MAX, RtcConfig, WebhookConfig};
pub use config_file::{ConfigFileError, apply_config_file, apply_config_text};
pub use crowd::{Crowd, Place};
pub use handle::{Handle, Unavailable};
pub use http_server::{serve_http, serve_http_behind, serve_http_opened};
pub use node::{IceLogin, IceServer, Protocol};
pub use server::{Server, StartError};
pub use standalone::{
    Proxies, StandaloneConfig, StandaloneError, load_or_create_keys, run_standalone, run_standalone_until,
};
pub use stats::Stats;
