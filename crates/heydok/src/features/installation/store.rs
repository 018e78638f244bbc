//! Fingerprints, canary and data keys in the database.

use db::{Conn, Error, sql};
use kit::UnixMillis;

use crate::secrets::Fingerprints;

const PREFIX: &str = "fingerprint.";

pub(super) async fn fingerprints(conn: &mut Conn) -> Result<Fingerprints, Error> {
    let rows = conn.all(sql("SELECT key, value FROM settings WHERE key LIKE 'fingerprint.%' LIMIT 100")).await?;
    rows.iter().map(|row| Ok((row.text("key")?.trim_start_matches(PREFIX).to_owned(), row.text("value")?))).collect()
}

pub(super) async fn keep_fingerprints(
    conn: &mut Conn,
    fingerprints: &Fingerprints,
    now: UnixMillis,
) -> Result<(), Error> {
    for (name, fingerprint) in fingerprints {
        keep(conn, &format!("{PREFIX}{name}"), fingerprint, now).await?;
    }
    Ok(())
}

async fn keep(conn: &mut Conn, key: &str, value: &str, now: UnixMillis) -> Result<(), Error> {
    let insert = sql("INSERT INTO settings (key, value, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    conn.execute(insert.bind(key).bind(value).bind(now)).await?;
    Ok(())
}

/// The canary of the store; `fresh` becomes it where there is none.
pub(super) async fn canary(conn: &mut Conn, fresh: &str, now: UnixMillis) -> Result<String, Error> {
    keep(conn, "canary", fresh, now).await?;
    Ok(kept_canary(conn).await?.unwrap_or_else(|| fresh.to_owned()))
}

/// The data keys of a purpose, the one that encrypts last; `fresh` becomes the first where there is none.
pub(super) async fn data_keys(
    conn: &mut Conn,
    purpose: &str,
    id: &str,
    fresh: &str,
    now: UnixMillis,
) -> Result<Vec<(String, String)>, Error> {
    let select = sql("SELECT id, wrapped FROM data_keys WHERE purpose = $1
                       ORDER BY CASE WHEN retired_at IS NULL THEN 1 ELSE 0 END, id LIMIT 1000")
    .bind(purpose);
    let mut rows = conn.all(select.clone()).await?;
    if rows.is_empty() {
        // The key's name tells apart what another key wrapped; it stands for the derived key, not for ENCRYPTION_KEY itself.
        let insert =
            sql("INSERT INTO data_keys (id, purpose, wrapped, kek_id, created_at) VALUES ($1, $2, $3, 'current', $4)");
        conn.execute(insert.bind(id).bind(purpose).bind(fresh).bind(now)).await?;
        rows = conn.all(select).await?;
    }
    rows.iter().map(|row| Ok((row.text("id")?, row.text("wrapped")?))).collect()
}

/// The canary of the store, if it has one.
pub(super) async fn kept_canary(conn: &mut Conn) -> Result<Option<String>, Error> {
    let row = conn.optional(sql("SELECT value FROM settings WHERE key = 'canary'")).await?;
    row.map(|row| row.text("value")).transpose()
}

/// The data keys of every purpose.
pub(super) async fn all_data_keys(conn: &mut Conn) -> Result<Vec<(String, String)>, Error> {
    let rows = conn.all(sql("SELECT id, wrapped FROM data_keys ORDER BY id LIMIT 1000")).await?;
    rows.iter().map(|row| Ok((row.text("id")?, row.text("wrapped")?))).collect()
}

pub(super) async fn replace_data_key(conn: &mut Conn, id: &str, wrapped: &str) -> Result<(), Error> {
    conn.execute(sql("UPDATE data_keys SET wrapped = $1 WHERE id = $2").bind(wrapped).bind(id)).await?;
    Ok(())
}

pub(super) async fn replace_setting(conn: &mut Conn, key: &str, value: &str) -> Result<(), Error> {
    conn.execute(sql("UPDATE settings SET value = $1 WHERE key = $2").bind(value).bind(key)).await?;
    Ok(())
}

/// A second data key of a purpose that has one; the first only decrypts from then on. (Its age would not tell: clocks go back.)
pub(super) async fn add_second_data_key(
    conn: &mut Conn,
    purpose: &str,
    id: &str,
    wrapped: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    let insert = sql("INSERT INTO data_keys (id, purpose, wrapped, kek_id, created_at)
                      SELECT $1, $2, $3, 'current', $4 WHERE (SELECT COUNT(*) FROM data_keys WHERE purpose = $2) = 1");
    if conn.execute(insert.bind(id).bind(purpose).bind(wrapped).bind(now)).await? == 1 {
        let retire = sql("UPDATE data_keys SET retired_at = $1 WHERE purpose = $2 AND id <> $3");
        conn.execute(retire.bind(now).bind(purpose).bind(id)).await?;
    }
    Ok(())
}

pub(super) async fn drop_other_data_keys(conn: &mut Conn, purpose: &str, kept: &str) -> Result<(), Error> {
    conn.execute(sql("DELETE FROM data_keys WHERE purpose = $1 AND id <> $2").bind(purpose).bind(kept)).await?;
    Ok(())
}
