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
    conn.one(sql("SELECT value FROM settings WHERE key = 'canary'")).await?.text("value")
}

/// The data keys of a purpose, oldest first; `fresh` becomes the first where there is none.
pub(super) async fn data_keys(
    conn: &mut Conn,
    purpose: &str,
    id: &str,
    fresh: &str,
    now: UnixMillis,
) -> Result<Vec<(String, String)>, Error> {
    let select = sql("SELECT id, wrapped FROM data_keys WHERE purpose = $1 ORDER BY id LIMIT 1000").bind(purpose);
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
