//! The server as its clients meet it: through its router, and through real sockets.

mod fuzz;
mod http_surface;
mod shutdown;
mod support;
mod turn;
mod twirp;
mod webhooks;
mod websocket;
