use db::jobs::{Backlog, Failed, Job, LEASE_MS, NewJob, backlog, claim, enqueue, fail, finish, heartbeat, replay};
use db::testing::each_engine;
use db::{Conn, Db, Error};

const JOB: NewJob<'static> = NewJob {
    id: "j1",
    kind: "test",
    payload: "{}",
    dedupe_key: None,
    order_key: None,
    run_at_ms: 0,
    max_attempts: 2,
    priority: 0,
};

macro_rules! tx {
    ($db:expr, $conn:ident => $body:expr) => {{
        let result: Result<_, Error> = db::write!($db, $conn => $body);
        result.unwrap()
    }};
}

async fn take(db: &Db, worker: &str, now_ms: i64) -> Option<Job> {
    tx!(db, conn => claim(conn, worker, 0, now_ms).await)
}

/// Each job goes to one worker; nobody gets one twice, whoever is first.
#[tokio::test]
async fn two_workers_never_get_the_same_job() {
    each_engine(async |db| {
        for id in ["a", "b", "c", "d"] {
            tx!(&**db, conn => enqueue(conn, &NewJob { id, ..JOB }, 0).await);
        }
        let tasks: Vec<_> = (0..8)
            .map(|worker| {
                let db = (**db).clone();
                tokio::spawn(async move { take(&db, &format!("w{worker}"), 1).await })
            })
            .collect();
        let mut taken = Vec::new();
        for task in tasks {
            taken.extend(task.await.unwrap().map(|job| job.id));
        }
        taken.sort();
        assert_eq!(taken, ["a", "b", "c", "d"]);
    })
    .await;
}

/// A worker that died loses its lease; a heartbeat keeps it; the old holder can no longer finish the job.
#[tokio::test]
async fn a_lost_lease_makes_a_job_claimable() {
    each_engine(async |db| {
        tx!(&**db, conn => enqueue(conn, &JOB, 0).await);
        assert_eq!(take(db, "first", 10).await.unwrap().attempts, 1);
        assert!(take(db, "second", 10 + LEASE_MS).await.is_none());
        assert!(tx!(&**db, conn => heartbeat(conn, "j1", "first", 20).await));
        assert!(take(db, "second", 11 + LEASE_MS).await.is_none());
        assert_eq!(take(db, "second", 21 + LEASE_MS).await.unwrap().attempts, 2);
        assert!(!tx!(&**db, conn => finish(conn, "j1", "first", 0).await));
        assert!(!tx!(&**db, conn => heartbeat(conn, "j1", "first", 0).await));
        assert!(tx!(&**db, conn => finish(conn, "j1", "second", 0).await));
        assert!(take(db, "third", i64::MAX - LEASE_MS).await.is_none());
    })
    .await;
}

/// Failing jobs wait longer each time and end as dead letters that can be replayed.
#[tokio::test]
async fn a_job_that_keeps_failing_is_dead_and_can_be_replayed() {
    each_engine(async |db| {
        tx!(&**db, conn => enqueue(conn, &JOB, 0).await);
        let first = take(db, "w", 0).await.unwrap();
        assert_eq!(tx!(&**db, conn => fail(conn, &first, "w", "no", 0).await), Failed::Retry { run_at_ms: 1_000 });
        assert!(take(db, "w", 999).await.is_none());
        let second = take(db, "w", 1_000).await.unwrap();
        assert_eq!(tx!(&**db, conn => fail(conn, &second, "other", "no", 0).await), Failed::LeaseLost);
        assert_eq!(tx!(&**db, conn => fail(conn, &second, "w", "no", 0).await), Failed::Dead);
        let seen = backlog(&mut db.read().await.unwrap()).await.unwrap();
        assert_eq!(seen, Backlog { dead: 1, ..Backlog::default() });
        assert!(tx!(&**db, conn => replay(conn, "j1", 5).await));
        assert_eq!(take(db, "w", 5).await.unwrap().attempts, 1);
    })
    .await;
}

/// A second job with the same key is not enqueued while the first waits or runs, and is again after it.
#[tokio::test]
async fn duplicates_are_not_enqueued() {
    async fn put(conn: &mut Conn, id: &str) -> Result<bool, Error> {
        enqueue(conn, &NewJob { id, dedupe_key: Some("k"), ..JOB }, 0).await
    }
    each_engine(async |db| {
        assert!(tx!(&**db, conn => put(conn, "a").await));
        assert!(!tx!(&**db, conn => put(conn, "b").await));
        let waiting = backlog(&mut db.read().await.unwrap()).await.unwrap();
        assert_eq!((waiting.queued, waiting.running, waiting.oldest_due_ms), (1, 0, Some(0)));
        take(db, "w", 0).await.unwrap();
        let running = backlog(&mut db.read().await.unwrap()).await.unwrap();
        assert_eq!((running.queued, running.running, running.oldest_due_ms), (0, 1, None));
        assert!(!tx!(&**db, conn => put(conn, "c").await));
        tx!(&**db, conn => finish(conn, "a", "w", 0).await);
        assert!(tx!(&**db, conn => put(conn, "d").await));
    })
    .await;
}

/// Jobs of one order key run one after the other, also past one that waits for its next attempt.
#[tokio::test]
async fn order_is_kept_within_a_key() {
    each_engine(async |db| {
        for (id, order_key) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
            tx!(&**db, conn => enqueue(conn, &NewJob { id, order_key: Some(order_key), ..JOB }, 0).await);
        }
        let first = take(db, "w", 0).await.unwrap();
        assert_eq!(first.id, "a1");
        assert_eq!(take(db, "w", 0).await.unwrap().id, "b1");
        assert!(take(db, "w", 0).await.is_none());
        tx!(&**db, conn => fail(conn, &first, "w", "no", 0).await);
        assert!(take(db, "w", 0).await.is_none(), "a2 waits for a1");
        let again = take(db, "w", 1_000).await.unwrap();
        assert_eq!(again.id, "a1");
        tx!(&**db, conn => finish(conn, "a1", "w", 0).await);
        assert_eq!(take(db, "w", 0).await.unwrap().id, "a2");
    })
    .await;
}

/// What is urgent goes first, and a worker can be kept for it.
#[tokio::test]
async fn urgent_jobs_go_first() {
    each_engine(async |db| {
        for (id, priority) in [("usual", 0), ("urgent", 10), ("usual too", 0)] {
            tx!(&**db, conn => enqueue(conn, &NewJob { id, priority, ..JOB }, 0).await);
        }
        let kept = async || tx!(&**db, conn => claim(conn, "kept", 1, 1).await).map(|job| job.id);
        assert_eq!(kept().await.as_deref(), Some("urgent"));
        assert_eq!(kept().await, None);
        assert_eq!(take(db, "any", 1).await.unwrap().id, "usual");
    })
    .await;
}
