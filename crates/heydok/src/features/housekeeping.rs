//! Forgets what is kept for a while only: kept answers, done jobs, old events, old networks.

use std::time::Duration;

use db::{Conn, Error, sql};
use kit::UnixMillis;

use crate::app::App;
use crate::http::idempotency;

const EVERY: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Runs until `app.stop`.
pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = app.now();
        let result: Result<(), Error> = db::write!(&app.db, conn => sweep(conn, now).await);
        if let Err(error) = result {
            tracing::warn!(%error, "old rows could not be removed");
        }
    }
}

async fn sweep(conn: &mut Conn, now: UnixMillis) -> Result<(), Error> {
    idempotency::sweep(conn, now).await?;
    db::jobs::sweep(conn, now.minus(DAY * 7).get()).await?;
    conn.execute(sql("DELETE FROM events WHERE at < $1").bind(now.minus(DAY * 7))).await?;
    conn.execute(sql("DELETE FROM retired_codes WHERE until < $1").bind(now)).await?;
    conn.execute(
        sql("UPDATE audit_log SET network = NULL WHERE network IS NOT NULL AND at < $1").bind(now.minus(DAY * 30)),
    )
    .await?;
    Ok(())
}
