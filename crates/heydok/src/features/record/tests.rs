use db::sql;
use kit::UnixMillis;

use super::*;
use crate::tests::{TestDb, each_engine};

async fn append(db: &TestDb, detail: &str) {
    let origin = Origin { network: Some("192.0.2.1".into()), request_id: None };
    let audit = Audit {
        action: "meeting.created",
        actor: Actor::Host,
        origin: &origin,
        target_kind: "meeting",
        target_id: "m1",
        detail: serde_json::json!({ "note": detail }),
    };
    let audit = &audit;
    let result: Result<(), db::Error> = db::write!(db, conn => append_audit(conn, audit, UnixMillis(5)).await);
    result.unwrap();
}

/// A row that is changed, taken out or put in breaks the chain at its place.
#[tokio::test]
async fn a_changed_audit_row_is_found() {
    let forgeries = [
        ("UPDATE audit_log SET detail = 'forged' WHERE seq = 2", 2),
        ("UPDATE audit_log SET actor_kind = 'anonymous' WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 2", 2),
        ("DELETE FROM audit_log WHERE seq = 1", 1),
        (
            "INSERT INTO audit_log (seq, prev_hash, hash, at, actor_kind, action, target_kind, target_id, detail)
             SELECT 4, hash, hash, 5, 'host', 'meeting.ended', 'meeting', 'm1', '{}' FROM audit_log WHERE seq = 3",
            4,
        ),
    ];
    for (forgery, seq) in forgeries {
        each_engine(async |db| {
            for detail in ["one", "two", "three"] {
                append(db, detail).await;
            }
            assert_eq!(verify_audit(&mut db.read().await.unwrap()).await.unwrap(), Ok(()));
            let result: Result<u64, db::Error> = db::write!(db, conn => conn.execute(sql(forgery)).await);
            assert_eq!(result.unwrap(), 1);
            assert_eq!(
                verify_audit(&mut db.read().await.unwrap()).await.unwrap(),
                Err(AuditFault { seq }),
                "{forgery}"
            );
        })
        .await;
    }
}
