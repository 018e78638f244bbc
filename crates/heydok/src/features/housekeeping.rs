//! Forgets what is kept for a while only: kept answers, done jobs, old events, old networks.

use std::time::Duration;

use db::{Conn, Error, sql};
use kit::UnixMillis;

use crate::app::App;
use crate::features::retention;
use crate::http::idempotency;

const EVERY: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Runs until `app.stop`.
pub async fn run(app: App) {
    loop {
        // At the start too: a machine that is switched off each night would never come to it.
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "old rows could not be removed");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn sweep(app: &App) -> Result<(), Error> {
    let now = app.now();
    let result: Result<(), Error> = db::write!(&app.db, conn => forget(conn, now).await);
    result?;
    retention::sweep(app).await
}

async fn forget(conn: &mut Conn, now: UnixMillis) -> Result<(), Error> {
    idempotency::sweep(conn, now).await?;
    db::jobs::sweep(conn, now.minus(DAY * 7).get()).await?;
    // The newest one stays, because the next one is numbered after it: a number never comes back.
    let events = sql("DELETE FROM events WHERE at < $1 AND seq < (SELECT MAX(seq) FROM events)");
    conn.execute(events.bind(now.minus(DAY * 7))).await?;
    conn.execute(sql("DELETE FROM retired_codes WHERE until < $1").bind(now)).await?;
    conn.execute(
        sql("UPDATE audit_log SET network = NULL WHERE network IS NOT NULL AND at < $1").bind(now.minus(DAY * 30)),
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestApp;

    /// After a quiet week the stream goes on counting where it was.
    #[tokio::test]
    async fn numbers_of_events_never_come_back() {
        let app = TestApp::new().await;
        let newest = async || {
            let query = sql("SELECT MAX(seq) AS n, COUNT(*) AS c FROM events");
            let row = app.app.db.read().await.unwrap().one(query).await.unwrap();
            (row.int("n").unwrap(), row.int("c").unwrap())
        };
        app.create("").await;
        app.create("").await;
        app.advance(8 * 86_400);
        sweep(&app.app).await.unwrap();
        assert_eq!(newest().await, (2, 1));
        app.create("").await;
        assert_eq!(newest().await, (3, 2));
    }

    /// What was kept long enough goes with the same clean-up.
    #[tokio::test]
    async fn retention_is_part_of_the_clean_up() {
        let app = TestApp::new().await;
        app.create("").await;
        app.advance(401 * 86_400);
        app.create("").await;
        sweep(&app.app).await.unwrap();
        let query = sql("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'retention.deleted'");
        assert_eq!(app.app.db.read().await.unwrap().one(query).await.unwrap().int("n").unwrap(), 1);
    }
}
