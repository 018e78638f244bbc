//! What is looked up at the moment somebody reads the metrics.

use super::probes;
use crate::app::App;

/// Publishes how things stand. While the database is away, what only it knows stays as it was, and a gauge says so.
pub(super) async fn publish(app: &App) {
    let (totals, backlog) = (probes::totals(app).await, probes::backlog(app).await);
    let livekit_up = probes::livekit_answers(app).await;
    let version = env!("CARGO_PKG_VERSION");
    metrics::gauge!("heydok_build_info", "version" => version, "schema" => db::SCHEMA_VERSION.to_string()).set(1.0);
    metrics::gauge!("heydok_uptime_seconds").set(app.now().since(app.started_at).as_secs_f64());
    if let Some((meetings, people)) = totals {
        metrics::gauge!("heydok_active_meetings").set(meetings as f64);
        metrics::gauge!("heydok_participants").set(people as f64);
    }
    metrics::gauge!("heydok_database_up").set(f64::from(totals.is_some()));
    metrics::gauge!("heydok_livekit_up").set(f64::from(livekit_up));
    for pool in app.db.pools() {
        let count = |state| metrics::gauge!("heydok_database_connections", "pool" => pool.name, "state" => state);
        count("idle").set(f64::from(pool.idle));
        count("used").set(f64::from(pool.open.saturating_sub(pool.idle)));
        metrics::gauge!("heydok_database_connections_max", "pool" => pool.name).set(f64::from(pool.max));
    }
    let Some(jobs) = backlog else { return };
    for (state, count) in [("queued", jobs.queued), ("running", jobs.running), ("dead", jobs.dead)] {
        metrics::gauge!("heydok_jobs", "state" => state).set(count as f64);
    }
    metrics::gauge!("heydok_jobs_dead").set(jobs.dead as f64);
    let overdue_ms = jobs.oldest_due_ms.map_or(0, |due| (app.now().get() - due).max(0));
    metrics::gauge!("heydok_jobs_overdue_seconds").set(overdue_ms as f64 / 1000.0);
}
