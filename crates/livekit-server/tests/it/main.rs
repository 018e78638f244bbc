//! The server as its clients meet it: through its router, and through real sockets.
#![allow(
    clippy::duplicate_mod,
    reason = "everything is asked of a server with one media thread, and of one with several"
)]

mod fuzz;
mod http_surface;
mod shutdown;
mod support;
mod turn;
mod twirp;
mod webhooks;
mod websocket;

/// Media threads of the servers that are started here.
const MEDIA_THREADS: usize = 1;

/// The same again where rooms are shared out among threads.
mod several {
    mod placement;
    #[path = "../shutdown.rs"]
    mod shutdown;
    #[path = "../support.rs"]
    mod support;
    #[path = "../turn.rs"]
    mod turn;
    #[path = "../twirp.rs"]
    mod twirp;
    #[path = "../webhooks.rs"]
    mod webhooks;
    #[path = "../websocket.rs"]
    mod websocket;

    const MEDIA_THREADS: usize = 3;
}
