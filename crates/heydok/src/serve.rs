//! `heydok serve`: opens the store, puts the parts together, listens, and stops in order.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Opens one listener per port. Port 0 takes a free one.
pub async fn listen(host: std::net::IpAddr, ports: &[u16]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for port in ports {
        let address = SocketAddr::new(host, *port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("port {port} cannot be opened: set PORT to a free one"))?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Serves `router` on all listeners until `stop`, then finishes the requests in progress.
pub async fn run(listeners: Vec<TcpListener>, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let tasks = TaskTracker::new();
    for listener in listeners {
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "listener failed");
                stop.cancel();
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}
