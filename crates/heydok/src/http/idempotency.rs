//! `Idempotency-Key` (C-08): the same key and body get the same answer for a day, and the work is done once.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use db::{Conn, Error, sql};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kit::UnixMillis;
use serde::Serialize;
use tracing::Instrument as _;

use super::problem::{IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, Problem};
use crate::app::App;
use crate::crypto::Place;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// After this a request that never ended (kill -9) no longer blocks its key.
const RUNNING: Duration = Duration::from_secs(60);
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What makes two requests the same one.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks: a client network or a participant.
    pub principal: &'a str,
    /// Method and path.
    pub action: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

enum Claim {
    /// Nobody used the key: go on.
    Mine,
    Running,
    OtherBody,
    Done {
        status: i64,
        response: String,
    },
}

/// Answers with `work`'s result, or with the kept answer of the same request. Errors are not kept.
///
/// It is a task of its own: a caller who hangs up drops the request, and what was begun is finished and kept all the same.
pub async fn answer<T: Serialize + Send>(
    app: &App,
    request: Request<'_>,
    success: StatusCode,
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let key = read_key(request.headers)?.map(|key| Key {
        key: key.to_owned(),
        scope: kit::sha256_hex(format!("{}\n{}", request.principal, request.action).as_bytes()),
        fingerprint: kit::sha256_hex(request.body),
    });
    let app = app.clone();
    let task = async move {
        match key {
            Some(key) => once(&app, &key, success, work).await,
            None => respond(success, &encode(&work.await?)?),
        }
    };
    tokio::spawn(task.in_current_span()).await.map_err(Problem::internal)?
}

/// What a request said to be known by.
struct Key {
    key: String,
    scope: String,
    fingerprint: String,
}

async fn once<T: Serialize>(
    app: &App,
    Key { key, scope, fingerprint }: &Key,
    success: StatusCode,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<Response, Problem> {
    let now = app.now();
    match db::write!(&app.db, conn => claim(conn, scope, key, fingerprint, now).await)? {
        Claim::Running => return Err(IDEMPOTENCY_IN_PROGRESS.into()),
        Claim::OtherBody => return Err(IDEMPOTENCY_KEY_REUSED.into()),
        Claim::Done { status, response } => {
            let body = app.cipher.decrypt(place(scope), &response).map_err(Problem::internal)?;
            let status =
                u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(success);
            let mut response = respond(status, &body)?;
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
        Claim::Mine => {}
    }
    match work.await {
        Ok(value) => {
            let body = encode(&value)?;
            let kept = &app.cipher.encrypt(place(scope), &body, &*app.entropy);
            db::write!(&app.db, conn => keep(conn, scope, key, success, kept).await)?;
            respond(success, &body)
        }
        Err(problem) => {
            db::write!(&app.db, conn => release(conn, scope, key).await)?;
            Err(problem)
        }
    }
}

/// The request's key, if it has one.
pub fn read_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    match key {
        Some(key) => Ok(Some(key)),
        None => {
            let sentence = "must have 1 to 128 printable ASCII characters";
            Err(Problem::wrong("header", "Idempotency-Key", "string_pattern_mismatch", sentence))
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}

fn respond(status: StatusCode, body: &str) -> Result<Response, Problem> {
    Ok((status, [(CONTENT_TYPE, "application/json")], body.to_owned()).into_response())
}

fn place(scope: &str) -> Place<'_> {
    Place { table: "idempotency_keys", column: "response", row: scope }
}

async fn claim(conn: &mut Conn, scope: &str, key: &str, fingerprint: &str, now: UnixMillis) -> Result<Claim, Error> {
    let stale = sql(
        "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND (expires_at <= $3 OR (state = 'running' AND created_at <= $4))",
    );
    conn.execute(stale.bind(scope).bind(key).bind(now).bind(now.minus(RUNNING))).await?;
    let insert = sql("INSERT INTO idempotency_keys (scope, key, fingerprint, state, created_at, expires_at) VALUES ($1, $2, $3, 'running', $4, $5)
                      ON CONFLICT DO NOTHING");
    if conn.execute(insert.bind(scope).bind(key).bind(fingerprint).bind(now).bind(now.plus(KEPT))).await? == 1 {
        return Ok(Claim::Mine);
    }
    let row = conn
        .one(
            sql("SELECT fingerprint, state, status, response FROM idempotency_keys WHERE scope = $1 AND key = $2")
                .bind(scope)
                .bind(key),
        )
        .await?;
    if row.text("fingerprint")? != fingerprint {
        return Ok(Claim::OtherBody);
    }
    Ok(match (row.int_opt("status")?, row.text_opt("response")?) {
        (Some(status), Some(response)) if row.text("state")? == "done" => Claim::Done { status, response },
        _ => Claim::Running,
    })
}

async fn keep(conn: &mut Conn, scope: &str, key: &str, status: StatusCode, response: &str) -> Result<(), Error> {
    let update =
        sql("UPDATE idempotency_keys SET state = 'done', status = $3, response = $4 WHERE scope = $1 AND key = $2");
    conn.execute(update.bind(scope).bind(key).bind(i64::from(status.as_u16())).bind(response)).await?;
    Ok(())
}

async fn release(conn: &mut Conn, scope: &str, key: &str) -> Result<(), Error> {
    conn.execute(
        sql("DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND state = 'running'").bind(scope).bind(key),
    )
    .await?;
    Ok(())
}

/// Forgets answers that are older than a day.
pub async fn sweep(conn: &mut Conn, now: UnixMillis) -> Result<u64, Error> {
    conn.execute(sql("DELETE FROM idempotency_keys WHERE expires_at <= $1").bind(now)).await
}
