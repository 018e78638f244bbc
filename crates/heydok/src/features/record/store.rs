//! The three append-only tables.

use db::{Conn, Error, sql};
use kit::UnixMillis;
use serde_json::{Value, json};

use super::{Actor, Audit, Event, Moment, Origin};

/// Hash before the first row.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Rows that the chain is checked by at a time.
const PAGE: i64 = 500;
/// How a cut is written down.
const PRUNED: &str = "retention.deleted";
const AUDIT_LOG: &str = "audit_log";

fn actor_columns(actor: Actor<'_>) -> (&'static str, Option<&str>) {
    match actor {
        Actor::Anonymous => ("anonymous", None),
        Actor::Host => ("host", None),
        Actor::Participant(id) => ("participant", Some(id)),
        Actor::System => ("system", None),
    }
}

/// Appends a row whose hash covers the row and the hash before it.
pub async fn append_audit(conn: &mut Conn, audit: &Audit<'_>, now: UnixMillis) -> Result<(), Error> {
    let last = conn.optional(sql("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")).await?;
    let (seq, prev_hash) = match last {
        Some(row) => (row.int("seq")? + 1, row.text("hash")?),
        None => (1, FIRST.to_owned()),
    };
    let (actor_kind, actor_id) = actor_columns(audit.actor);
    let detail = audit.detail.to_string();
    let request_id = audit.origin.request_id.as_deref();
    let hash = chain(
        &prev_hash,
        seq,
        now,
        &[
            actor_kind,
            actor_id.unwrap_or(""),
            audit.action,
            audit.target_kind,
            audit.target_id,
            &detail,
            request_id.unwrap_or(""),
        ],
    );
    conn.execute(
        sql("INSERT INTO audit_log (seq, prev_hash, hash, at, actor_kind, actor_id, network, action, target_kind, target_id, detail, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(seq)
        .bind(prev_hash)
        .bind(hash)
        .bind(now)
        .bind(actor_kind)
        .bind(actor_id)
        .bind(audit.origin.network.as_deref())
        .bind(audit.action)
        .bind(audit.target_kind)
        .bind(audit.target_id)
        .bind(detail)
        .bind(request_id),
    )
    .await?;
    Ok(())
}

/// The network is not in the hash, because it is cut off after 30 days.
fn chain(prev_hash: &str, seq: i64, at: UnixMillis, fields: &[&str]) -> String {
    let mut text = format!("{prev_hash}\n{seq}\n{}", at.get());
    for field in fields {
        // Lengths keep `a|b` and `ab|` apart.
        text.push_str(&format!("\n{}:{field}", field.len()));
    }
    kit::sha256_hex(text.as_bytes())
}

/// The first row that does not follow from those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFault {
    pub seq: i64,
}

/// Cuts off the rows before `before`, and writes down where: the rest of the chain proves itself by that row. The newest row
/// stays, because the next one is numbered after it.
pub async fn prune_audit(conn: &mut Conn, before: UnixMillis, now: UnixMillis) -> Result<(), Error> {
    let last = sql("SELECT seq, hash FROM audit_log WHERE at < $1 AND seq < (SELECT MAX(seq) FROM audit_log)
                    ORDER BY seq DESC LIMIT 1");
    let Some(last) = conn.optional(last.bind(before)).await? else { return Ok(()) };
    let (seq, hash) = (last.int("seq")?, last.text("hash")?);
    conn.execute(sql("DELETE FROM audit_log WHERE seq <= $1").bind(seq)).await?;
    let audit = Audit {
        action: PRUNED,
        actor: Actor::System,
        origin: &Origin::default(),
        target_kind: AUDIT_LOG,
        target_id: &seq.to_string(),
        detail: json!({ "hash": hash }),
    };
    append_audit(conn, &audit, now).await
}

/// Number and hash of the row before the oldest one: none, or what the newest cut left.
async fn cut_at(conn: &mut Conn) -> Result<(i64, String), Error> {
    let query =
        sql("SELECT target_id, detail FROM audit_log WHERE action = $1 AND target_kind = $2 ORDER BY seq DESC LIMIT 1");
    let Some(row) = conn.optional(query.bind(PRUNED).bind(AUDIT_LOG)).await? else { return Ok((0, FIRST.to_owned())) };
    let unreadable = |column| Error::Stored { column, reason: "no cut of the audit log".into() };
    let seq = row.text("target_id")?.parse().map_err(|_| unreadable("audit_log.target_id"))?;
    let detail: Value = serde_json::from_str(&row.text("detail")?).map_err(|_| unreadable("audit_log.detail"))?;
    let hash = detail["hash"].as_str().ok_or_else(|| unreadable("audit_log.detail"))?;
    Ok((seq, hash.to_owned()))
}

/// Checks the whole chain.
pub async fn verify_audit(conn: &mut Conn) -> Result<Result<(), AuditFault>, Error> {
    let (mut seq, mut prev_hash) = cut_at(conn).await?;
    loop {
        let query = sql(
            "SELECT seq, prev_hash, hash, at, actor_kind, actor_id, action, target_kind, target_id, detail, request_id
                         FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2",
        );
        let rows = conn.all(query.bind(seq).bind(PAGE)).await?;
        if rows.is_empty() {
            return Ok(Ok(()));
        }
        for row in rows {
            seq += 1;
            let text = |column| row.text_opt(column).map(Option::unwrap_or_default);
            let fields = [
                text("actor_kind")?,
                text("actor_id")?,
                text("action")?,
                text("target_kind")?,
                text("target_id")?,
                text("detail")?,
                text("request_id")?,
            ];
            let hash = chain(&prev_hash, seq, row.at("at")?, &fields.each_ref().map(String::as_str));
            if row.int("seq")? != seq || row.text("prev_hash")? != prev_hash || row.text("hash")? != hash {
                return Ok(Err(AuditFault { seq }));
            }
            prev_hash = hash;
        }
    }
}

/// Appends an event; its number is in commit order, because writers go one at a time.
pub async fn append_event(conn: &mut Conn, event: &Event<'_>, now: UnixMillis) -> Result<(), Error> {
    conn.execute(
        sql("INSERT INTO events (seq, type, meeting_id, instance_id, data, at)
             VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM events), $1, $2, $3, $4, $5)")
        .bind(event.r#type)
        .bind(event.meeting_id)
        .bind(event.instance_id)
        .bind(event.data.to_string())
        .bind(now),
    )
    .await?;
    Ok(())
}

/// Appends a line to a meeting's timeline.
pub async fn append_timeline(conn: &mut Conn, moment: &Moment<'_>, now: UnixMillis) -> Result<(), Error> {
    conn.execute(
        sql("INSERT INTO timeline (id, meeting_id, instance_id, participant_id, kind, detail, at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(moment.id)
            .bind(moment.meeting_id)
            .bind(moment.instance_id)
            .bind(moment.participant_id)
            .bind(moment.kind)
            .bind(moment.detail.to_string())
            .bind(now),
    )
    .await?;
    Ok(())
}
