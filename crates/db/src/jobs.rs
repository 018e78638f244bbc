//! The job queue: work that follows from a change is enqueued in the transaction of that change and survives kill -9.
//!
//! A job is claimed under a lease that its worker renews; a lost lease makes it claimable again, so handlers are idempotent. A
//! failing job is tried again with growing pauses and ends `dead`, where it stays visible and can be replayed.

use crate::{Conn, Error, Row, sql};

/// How long a claim holds without a heartbeat, in milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// Pauses between attempts, in milliseconds; the last one repeats.
const BACKOFF_MS: [i64; 7] = [1_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000];

/// A job to enqueue. `payload` is JSON, encrypted by the caller where it holds content.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// UUIDv7.
    pub id: &'a str,
    pub kind: &'static str,
    pub payload: &'a str,
    /// At most one queued or running job of this kind has this key; a second one is not enqueued.
    pub dedupe_key: Option<&'a str>,
    /// Jobs with this key run one after the other, in the order they were enqueued.
    pub order_key: Option<&'a str>,
    pub run_at_ms: i64,
    pub max_attempts: i64,
    /// More is sooner.
    pub priority: i64,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub payload: String,
    /// How often it has been claimed, this time included.
    pub attempts: i64,
    pub max_attempts: i64,
}

/// What became of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It will be tried again at this time.
    Retry { run_at_ms: i64 },
    /// It is kept as a dead letter.
    Dead,
    /// The lease had gone to another worker; nothing was changed.
    LeaseLost,
}

/// Enqueues `job`; `false` if one with the same dedupe key waits or runs already.
pub async fn enqueue(conn: &mut Conn, job: &NewJob<'_>, now_ms: i64) -> Result<bool, Error> {
    let inserted = conn
        .execute(
            sql("INSERT INTO jobs (id, seq, kind, dedupe_key, order_key, payload, state, run_at, max_attempts, priority, created_at, updated_at)
                 VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM jobs), $2, $3, $4, $5, 'queued', $6, $7, $9, $8, $8)
                 ON CONFLICT (kind, dedupe_key) WHERE state IN ('queued', 'running') DO NOTHING")
            .bind(job.id)
            .bind(job.kind)
            .bind(job.dedupe_key)
            .bind(job.order_key)
            .bind(job.payload)
            .bind(job.run_at_ms)
            .bind(job.max_attempts)
            .bind(now_ms)
            .bind(job.priority),
        )
        .await?;
    Ok(inserted == 1)
}

/// Which rows `j` are due at `$1` with a priority of at least `$2`: queued and due, or running with a lease that ran out, and
/// none before it that has the same order key.
macro_rules! due {
    () => {
        "((j.state = 'queued' AND j.run_at <= $1) OR (j.state = 'running' AND j.lease_until < $1))
           AND j.priority >= $2
           AND NOT EXISTS (
             SELECT 1 FROM jobs earlier
             WHERE earlier.order_key = j.order_key AND earlier.seq < j.seq AND earlier.state IN ('queued', 'running'))"
    };
}

/// Whether [`claim`] would find a job. For a reading connection.
pub async fn is_any_due(conn: &mut Conn, priority_min: i64, now_ms: i64) -> Result<bool, Error> {
    let query = sql(concat!("SELECT 1 AS one FROM jobs j WHERE ", due!(), " LIMIT 1"));
    Ok(conn.optional(query.bind(now_ms).bind(priority_min)).await?.is_some())
}

/// Claims the most urgent due job of at least `priority_min` for `worker`. Call it in a writing transaction; writers go one at a time, so two workers never claim one job.
pub async fn claim(conn: &mut Conn, worker: &str, priority_min: i64, now_ms: i64) -> Result<Option<Job>, Error> {
    let row = conn
        .optional(
            sql(concat!(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = $1, lease_by = $3, lease_until = $4
                 WHERE id = (SELECT j.id FROM jobs j WHERE ",
                due!(),
                " ORDER BY j.priority DESC, j.run_at, j.seq LIMIT 1)
                 RETURNING id, kind, payload, attempts, max_attempts"
            ))
            .bind(now_ms)
            .bind(priority_min)
            .bind(worker)
            .bind(now_ms + LEASE_MS),
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Job, Error> {
    Ok(Job {
        id: row.text("id")?,
        kind: row.text("kind")?,
        payload: row.text("payload")?,
        attempts: row.int("attempts")?,
        max_attempts: row.int("max_attempts")?,
    })
}

/// Renews the lease; `false` means another worker has the job and this one must stop.
pub async fn heartbeat(conn: &mut Conn, id: &str, worker: &str, now_ms: i64) -> Result<bool, Error> {
    let renewed = conn
        .execute(
            sql("UPDATE jobs SET lease_until = $3, updated_at = $4 WHERE id = $1 AND lease_by = $2 AND state = 'running'")
                .bind(id)
                .bind(worker)
                .bind(now_ms + LEASE_MS)
                .bind(now_ms),
        )
        .await?;
    Ok(renewed == 1)
}

/// Marks the job done; `false` if the lease was lost meanwhile.
pub async fn finish(conn: &mut Conn, id: &str, worker: &str, now_ms: i64) -> Result<bool, Error> {
    let done = conn
        .execute(
            sql("UPDATE jobs SET state = 'done', lease_by = NULL, lease_until = NULL, error = NULL, updated_at = $3
                 WHERE id = $1 AND lease_by = $2 AND state = 'running'")
            .bind(id)
            .bind(worker)
            .bind(now_ms),
        )
        .await?;
    Ok(done == 1)
}

/// Records a failed attempt: tried again after a pause, or dead after the last one. `error` is for operators and holds no content.
pub async fn fail(conn: &mut Conn, job: &Job, worker: &str, error: &str, now_ms: i64) -> Result<Failed, Error> {
    let dead = job.attempts >= job.max_attempts;
    let run_at_ms = now_ms + backoff_ms(job.attempts);
    let changed = conn
        .execute(
            sql("UPDATE jobs SET state = $3, run_at = $4, error = $5, lease_by = NULL, lease_until = NULL, updated_at = $6
                 WHERE id = $1 AND lease_by = $2 AND state = 'running'")
            .bind(&job.id)
            .bind(worker)
            .bind(if dead { "dead" } else { "queued" })
            .bind(run_at_ms)
            .bind(error)
            .bind(now_ms),
        )
        .await?;
    Ok(match (changed, dead) {
        (0, _) => Failed::LeaseLost,
        (_, true) => Failed::Dead,
        (_, false) => Failed::Retry { run_at_ms },
    })
}

/// Puts a dead job back into the queue; `false` if it is not dead.
pub async fn replay(conn: &mut Conn, id: &str, now_ms: i64) -> Result<bool, Error> {
    let replayed = conn
        .execute(
            sql("UPDATE jobs SET state = 'queued', attempts = 0, run_at = $2, updated_at = $2 WHERE id = $1 AND state = 'dead'")
                .bind(id)
                .bind(now_ms),
        )
        .await?;
    Ok(replayed == 1)
}

/// How many jobs are in a state that somebody may have to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub queued: i64,
    pub running: i64,
    pub dead: i64,
    /// When the most overdue of the queued ones should have run.
    pub oldest_due_ms: Option<i64>,
}

/// What waits, runs and is dead.
pub async fn backlog(conn: &mut Conn) -> Result<Backlog, Error> {
    let row = conn
        .one(sql("SELECT COUNT(*) FILTER (WHERE state = 'queued') AS queued, COUNT(*) FILTER (WHERE state = 'running') AS running,
                    COUNT(*) FILTER (WHERE state = 'dead') AS dead, MIN(run_at) FILTER (WHERE state = 'queued') AS oldest
                  FROM jobs WHERE state IN ('queued', 'running', 'dead')"))
        .await?;
    Ok(Backlog {
        queued: row.int("queued")?,
        running: row.int("running")?,
        dead: row.int("dead")?,
        oldest_due_ms: row.int_opt("oldest")?,
    })
}

/// Forgets jobs that were done before `before_ms`.
pub async fn sweep(conn: &mut Conn, before_ms: i64) -> Result<u64, Error> {
    conn.execute(sql("DELETE FROM jobs WHERE state IN ('done', 'cancelled') AND updated_at < $1").bind(before_ms)).await
}

fn backoff_ms(attempts: i64) -> i64 {
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    BACKOFF_MS[index.min(BACKOFF_MS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses grow with the attempts and stay at the last one.
    #[test]
    fn pauses_grow_and_then_stay() {
        assert_eq!(backoff_ms(0), 1_000);
        assert_eq!(backoff_ms(1), 1_000);
        assert_eq!(backoff_ms(4), 60_000);
        assert_eq!(backoff_ms(500), 7_200_000);
    }
}
