//! Deletes what was kept long enough (RETENTION_CHAT, RETENTION_GUESTS, RETENTION_AUDIT), and writes that down.

use db::{Conn, Error, sql};
use kit::UnixMillis;
use serde_json::json;

use crate::app::App;
use crate::features::record::{Actor, Audit, Origin, append_audit, prune_audit};

/// Meetings or conferences of one transaction: writers go one at a time, and calls must not wait for the clean-up.
const BATCH: i64 = 50;
/// Batches of one sweep at most; the next one goes on.
const BATCHES_MAX: usize = 200;

/// One sweep.
pub async fn sweep(app: &App) -> Result<(), Error> {
    let now = app.now();
    let kept = &app.settings.retention;
    for _ in 0..BATCHES_MAX {
        let Some(before) = kept.chat.map(|kept| now.minus(kept)) else { break };
        let found = with_old_chat(&mut app.db.read().await?, before).await?;
        if found.is_empty() {
            break;
        }
        let done: Result<(), Error> = db::write!(&app.db, conn => delete_chat(conn, &found, before, now).await);
        done?;
    }
    for _ in 0..BATCHES_MAX {
        let Some(before) = kept.guests.map(|kept| now.minus(kept)) else { break };
        let found = with_old_guests(&mut app.db.read().await?, before).await?;
        if found.is_empty() {
            break;
        }
        let done: Result<(), Error> = db::write!(&app.db, conn => forget_guests(conn, &found, before, now).await);
        done?;
    }
    if let Some(before) = kept.audit.map(|kept| now.minus(kept)) {
        let pruned: Result<(), Error> = db::write!(&app.db, conn => prune_audit(conn, before, now).await);
        pruned?;
    }
    Ok(())
}

/// Ended conferences with messages that are old enough. The searches go over everything, so they are made beside the writers.
async fn with_old_chat(conn: &mut Conn, before: UnixMillis) -> Result<Vec<String>, Error> {
    let old = sql("SELECT DISTINCT c.instance_id FROM chat_messages c JOIN meeting_instances i ON i.id = c.instance_id
                   WHERE c.created_at < $1 AND i.ended_at IS NOT NULL ORDER BY c.instance_id LIMIT $2");
    let found = conn.all(old.bind(before).bind(BATCH)).await?;
    found.iter().map(|row| row.text("instance_id")).collect()
}

async fn delete_chat(conn: &mut Conn, instances: &[String], before: UnixMillis, now: UnixMillis) -> Result<(), Error> {
    for instance_id in instances {
        let delete = sql("DELETE FROM chat_messages WHERE instance_id = $1 AND created_at < $2");
        let messages = conn.execute(delete.bind(instance_id).bind(before)).await?;
        deleted(conn, "meeting_instance", instance_id, json!({ "messages": messages }), now).await?;
    }
    Ok(())
}

/// Meetings with names, admissions or a timeline of people without an account that are old enough.
async fn with_old_guests(conn: &mut Conn, before: UnixMillis) -> Result<Vec<String>, Error> {
    let old = sql("SELECT m.id FROM video_meetings m WHERE NOT EXISTS (
                     SELECT 1 FROM meeting_instances i WHERE i.meeting_id = m.id AND i.ended_at IS NULL)
                   AND (EXISTS (SELECT 1 FROM meeting_participants p WHERE p.meeting_id = m.id AND p.name <> '' AND p.updated_at < $1
                                  AND p.kind IN ('guest', 'external'))
                     OR EXISTS (SELECT 1 FROM participant_sessions s WHERE s.meeting_id = m.id AND s.updated_at < $1 AND s.token_expires_at < $1)
                     OR EXISTS (SELECT 1 FROM timeline t WHERE t.meeting_id = m.id AND t.at < $1))
                   ORDER BY m.id LIMIT $2");
    let found = conn.all(old.bind(before).bind(BATCH)).await?;
    found.iter().map(|row| row.text("id")).collect()
}

async fn forget_guests(conn: &mut Conn, meetings: &[String], before: UnixMillis, now: UnixMillis) -> Result<(), Error> {
    for meeting_id in meetings {
        let sessions =
            sql("DELETE FROM participant_sessions WHERE meeting_id = $1 AND updated_at < $2 AND token_expires_at < $2");
        conn.execute(sessions.bind(meeting_id).bind(before)).await?;
        let timeline = sql("DELETE FROM timeline WHERE meeting_id = $1 AND at < $2");
        conn.execute(timeline.bind(meeting_id).bind(before)).await?;
        let names = sql("UPDATE meeting_participants SET name = '', updated_at = $3
                         WHERE meeting_id = $1 AND name <> '' AND updated_at < $2 AND kind IN ('guest', 'external')");
        let names = conn.execute(names.bind(meeting_id).bind(before).bind(now)).await?;
        deleted(conn, "meeting", meeting_id, json!({ "names": names }), now).await?;
    }
    Ok(())
}

async fn deleted(
    conn: &mut Conn,
    target_kind: &'static str,
    target_id: &str,
    detail: serde_json::Value,
    now: UnixMillis,
) -> Result<(), Error> {
    let audit = Audit {
        action: "retention.deleted",
        actor: Actor::System,
        origin: &Origin::default(),
        target_kind,
        target_id,
        detail,
    };
    append_audit(conn, &audit, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::record::verify_audit;
    use crate::tests::{TestApp, UNLIMITED, each_engine};

    const DAY_S: u64 = 86_400;

    async fn count(app: &TestApp, query: &'static str) -> i64 {
        app.app.db.read().await.unwrap().one(sql(query)).await.unwrap().int("n").unwrap()
    }

    async fn held(app: &TestApp) -> String {
        let meeting = app.create("").await.id;
        let anna = app.enter(&meeting, "Anna").await;
        let path = format!("/api/v1/meetings/{meeting}/chat");
        let bearer = format!("Bearer {}", anna.token);
        assert_eq!(app.post_with(&path, r#"{"text":"Hallo"}"#, "authorization", &bearer).await.status, 201);
        app.livekit.disconnect(&format!("meeting-{meeting}"), &anna.participant_id);
        app.sweep().await;
        app.advance(30);
        app.sweep().await;
        meeting
    }

    /// Chat goes after 30 days, names, admissions and the timeline after 90, the audit log after 400; what is younger stays, and
    /// what went is written down.
    #[tokio::test]
    async fn what_was_kept_long_enough_is_deleted() {
        each_engine(async |db| {
            let app = TestApp::on(db, UNLIMITED).await;
            held(&app).await;
            let chat = async || count(&app, "SELECT COUNT(*) AS n FROM chat_messages").await;
            let names = async || count(&app, "SELECT COUNT(*) AS n FROM meeting_participants WHERE name <> ''").await;
            let moments = async || count(&app, "SELECT COUNT(*) AS n FROM timeline").await;
            let sessions = async || count(&app, "SELECT COUNT(*) AS n FROM participant_sessions").await;
            app.advance(29 * DAY_S);
            sweep(&app.app).await.unwrap();
            assert_eq!(chat().await, 1);
            app.advance(DAY_S);
            held(&app).await;
            sweep(&app.app).await.unwrap();
            assert_eq!((chat().await, names().await, sessions().await), (1, 2, 2));
            app.advance(61 * DAY_S);
            sweep(&app.app).await.unwrap();
            assert_eq!((chat().await, names().await, sessions().await), (0, 1, 1));
            assert!(moments().await > 0);
            app.advance(60 * DAY_S);
            sweep(&app.app).await.unwrap();
            assert_eq!((names().await, moments().await, sessions().await), (0, 0, 0));
            let deleted = "SELECT COUNT(DISTINCT target_id) AS n FROM audit_log WHERE action = 'retention.deleted'";
            assert_eq!(count(&app, deleted).await, 4);
        })
        .await;
    }

    /// The log's old end is cut off so that the rest still proves itself; cutting it off by hand is found.
    #[tokio::test]
    async fn a_pruned_audit_log_still_proves_itself() {
        let app = TestApp::with(
            &[UNLIMITED, &[("RETENTION_AUDIT", "10d"), ("RETENTION_CHAT", "0"), ("RETENTION_GUESTS", "keep")]].concat(),
        )
        .await;
        let first = "SELECT MIN(seq) AS n FROM audit_log";
        for _ in 0..3 {
            held(&app).await;
            app.advance(6 * DAY_S);
            sweep(&app.app).await.unwrap();
            assert_eq!(verify_audit(&mut app.app.db.read().await.unwrap()).await.unwrap(), Ok(()));
        }
        assert!(count(&app, first).await > 1);
        assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM chat_messages").await, 3);
        let cut = sql("DELETE FROM audit_log WHERE seq = (SELECT MIN(seq) FROM audit_log)");
        let result: Result<u64, Error> = db::write!(&app.app.db, conn => conn.execute(cut.clone()).await);
        assert_eq!(result.unwrap(), 1);
        let verified = verify_audit(&mut app.app.db.read().await.unwrap()).await.unwrap();
        assert!(verified.is_err(), "{verified:?}");
    }
}
