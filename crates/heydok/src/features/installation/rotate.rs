//! `heydok keys rotate`: the store under a new ENCRYPTION_KEY, and what is encrypted in it under new data keys.
//!
//! Nobody else has the store open meanwhile (the data folder is locked; with PostgreSQL stop all that use it). A run that was
//! cut off is taken up by the next one.

use db::{Conn, Db, Error, sql};
use kit::{Entropy, Secret, UnixMillis};
use serde_json::json;

use super::{CONTENT, Unusable, store, unlock};
use crate::config::Refusal;
use crate::crypto::{Cipher, Place, WrappingKey};
use crate::features::record::{Actor, Audit, Origin, append_audit};
use crate::secrets;

/// Rows of one transaction.
const BATCH: i64 = 200;

/// Where encrypted values stand, and how they are found and replaced: not under `$1`; `$1` for `$3` in the row of `$2`.
const COLUMNS: [Column; 3] = [
    Column {
        table: "chat_messages",
        column: "body",
        find: "SELECT id AS place, body AS value FROM chat_messages WHERE body NOT LIKE $1 LIMIT $2",
        replace: "UPDATE chat_messages SET body = $1 WHERE id = $2 AND body = $3",
    },
    Column {
        table: "video_meetings",
        column: "password",
        find: "SELECT id AS place, password AS value FROM video_meetings WHERE password NOT LIKE $1 LIMIT $2",
        replace: "UPDATE video_meetings SET password = $1 WHERE id = $2 AND password = $3",
    },
    Column {
        table: "idempotency_keys",
        column: "response",
        find: "SELECT scope AS place, response AS value FROM idempotency_keys WHERE response NOT LIKE $1 LIMIT $2",
        replace: "UPDATE idempotency_keys SET response = $1 WHERE scope = $2 AND response = $3",
    },
];

#[derive(Clone, Copy)]
struct Column {
    table: &'static str,
    column: &'static str,
    find: &'static str,
    replace: &'static str,
}

/// Wraps all data keys anew, in one transaction; returns how many. 0 = they were already under `new`.
///
/// # Errors
/// R-8 where the store is under neither key.
pub async fn rewrap(
    db: &Db,
    old: &Secret,
    new: &Secret,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<usize, Unusable> {
    let (old, wrapping) = (&WrappingKey::new(old), &WrappingKey::new(new));
    let fingerprint = &secrets::fingerprint("ENCRYPTION_KEY", new);
    let count: Result<Option<usize>, Error> =
        db::write!(db, conn => rewrap_all(conn, old, wrapping, fingerprint, entropy, now).await);
    count?.ok_or_else(|| {
        let sentence = "neither ENCRYPTION_KEY nor ENCRYPTION_KEY_PREVIOUS is the key that the database was written with; put that one into ENCRYPTION_KEY_PREVIOUS";
        Refusal::one("R-8", sentence).into()
    })
}

/// `None` where `old` does not open what `new` does not.
async fn rewrap_all(
    conn: &mut Conn,
    old: &WrappingKey,
    new: &WrappingKey,
    fingerprint: &str,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<Option<usize>, Error> {
    let canary = store::kept_canary(conn).await?;
    if canary.as_deref().is_none_or(|canary| new.opens(canary)) {
        return Ok(Some(0));
    }
    if !canary.is_some_and(|canary| old.opens(&canary)) {
        return Ok(None);
    }
    let keys = store::all_data_keys(conn).await?;
    for (id, wrapped) in &keys {
        let Ok(wrapped) = new.rewrap(old, id, wrapped, entropy) else { return Ok(None) };
        store::replace_data_key(conn, id, &wrapped).await?;
    }
    store::replace_setting(conn, "canary", &new.canary(entropy)).await?;
    store::replace_setting(conn, "fingerprint.ENCRYPTION_KEY", fingerprint).await?;
    audit(conn, json!({ "data_keys": keys.len() }), now).await?;
    Ok(Some(keys.len()))
}

/// Makes a new data key and encrypts everything with it; returns how many values were. What an earlier run left is done with
/// that run's key.
///
/// # Errors
/// R-8 where a value does not open.
pub async fn renew_data(
    db: &Db,
    encryption_key: &Secret,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<usize, Unusable> {
    unlock(db, encryption_key, entropy, now).await?;
    let id = &kit::new_id(now, entropy);
    let fresh = &WrappingKey::new(encryption_key).new_data_key(id, entropy);
    // More than one key is what a run that was cut off leaves.
    let added: Result<(), Error> =
        db::write!(db, conn => store::add_second_data_key(conn, CONTENT, id, fresh, now).await);
    added?;
    let cipher = &unlock(db, encryption_key, entropy, now).await?;
    let mut count = 0;
    for column in COLUMNS {
        loop {
            let found: Result<Option<usize>, Error> =
                db::write!(db, conn => renew_batch(conn, cipher, column, entropy).await);
            let found = found?.ok_or_else(|| {
                let Column { table, column, .. } = column;
                let sentence = format!("a value of {table}.{column} does not open with its key: it was changed by hand, or comes from another database");
                Refusal::one("R-8", sentence)
            })?;
            if found == 0 {
                break;
            }
            count += found;
        }
    }
    let done: Result<(), Error> = db::write!(db, conn => finish(conn, cipher, count, now).await);
    done?;
    Ok(count)
}

/// `None` where a value does not open.
async fn renew_batch(
    conn: &mut Conn,
    cipher: &Cipher,
    Column { table, column, find, replace }: Column,
    entropy: &dyn Entropy,
) -> Result<Option<usize>, Error> {
    let rows = conn.all(sql(find).bind(format!("v1:{}:%", cipher.active())).bind(BATCH)).await?;
    for row in &rows {
        let (id, value) = (row.text("place")?, row.text("value")?);
        let place = Place { table, column, row: &id };
        let Ok(text) = cipher.decrypt(place, &value) else { return Ok(None) };
        let renewed = cipher.encrypt(place, &text, entropy);
        conn.execute(sql(replace).bind(renewed).bind(id).bind(value)).await?;
    }
    Ok(Some(rows.len()))
}

async fn finish(conn: &mut Conn, cipher: &Cipher, count: usize, now: UnixMillis) -> Result<(), Error> {
    store::drop_other_data_keys(conn, CONTENT, cipher.active()).await?;
    audit(conn, json!({ "values": count }), now).await
}

async fn audit(conn: &mut Conn, detail: serde_json::Value, now: UnixMillis) -> Result<(), Error> {
    let audit = Audit {
        action: "key.rotated",
        actor: Actor::System,
        origin: &Origin::default(),
        target_kind: "installation",
        target_id: "ENCRYPTION_KEY",
        detail,
    };
    append_audit(conn, &audit, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{TestApp, UNLIMITED, each_engine};
    use kit::SystemEntropy;

    const OLD: &str = "encryption-key-of-more-than-32-characters";
    const NEW: &str = "another-encryption-key-of-more-than-32-characters";

    async fn texts(db: &Db, query: &'static str) -> Vec<String> {
        let rows = db.read().await.unwrap().all(sql(query)).await.unwrap();
        rows.iter().map(|row| row.text("value").unwrap()).collect()
    }

    /// Afterwards the new key opens everything and the old one nothing; a second run has nothing to do.
    #[tokio::test]
    async fn everything_moves_to_the_new_key() {
        each_engine(async |db| {
            let app = TestApp::on(db, UNLIMITED).await;
            let body = r#"{"password":"Losungswort"}"#;
            for (key, count) in [("a", 1), ("b", 1), ("b", 0)] {
                let before = texts(db, "SELECT code AS value FROM video_meetings").await.len();
                app.post_with("/api/v1/meetings/create", body, "idempotency-key", key).await;
                assert_eq!(texts(db, "SELECT code AS value FROM video_meetings").await.len(), before + count);
            }
            let (old, new, now) = (&Secret::new(OLD), &Secret::new(NEW), app.app.now());
            let wrong = &Secret::new("a-wrong-encryption-key-of-more-than-32-characters");
            let refused = rewrap(db, wrong, new, &SystemEntropy, now).await.unwrap_err();
            assert!(refused.to_string().contains("R-8"), "{refused}");
            assert_eq!(rewrap(db, old, new, &SystemEntropy, now).await.unwrap(), 1);
            assert_eq!(rewrap(db, old, new, &SystemEntropy, now).await.unwrap(), 0, "already done");
            assert!(unlock(db, old, &SystemEntropy, now).await.is_err());
            let opens = async |cipher: &Cipher| {
                let rows = texts(db, "SELECT id || '|' || password AS value FROM video_meetings").await;
                assert_eq!(rows.len(), 2);
                for row in rows {
                    let (id, text) = row.split_once('|').unwrap();
                    let place = Place { table: "video_meetings", column: "password", row: id };
                    assert_eq!(cipher.decrypt(place, text).as_deref(), Ok("Losungswort"));
                }
            };
            opens(&unlock(db, new, &SystemEntropy, now).await.unwrap()).await;
            let keys = "SELECT id AS value FROM data_keys";
            let before = texts(db, keys).await;
            // Also where the clock went back since the first key was made.
            let earlier = now.minus(std::time::Duration::from_secs(60));
            let renewed = renew_data(db, new, &SystemEntropy, earlier).await.unwrap();
            assert_eq!(renewed, 4, "two passwords and two kept answers");
            let after = texts(db, keys).await;
            assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
            opens(&unlock(db, new, &SystemEntropy, now).await.unwrap()).await;
            let audited = "SELECT action AS value FROM audit_log WHERE action = 'key.rotated'";
            assert_eq!(texts(db, audited).await.len(), 2);
        })
        .await;
    }
}
