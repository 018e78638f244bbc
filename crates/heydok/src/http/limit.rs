//! Rate limits at the door: which bucket a request takes from, and what the answer says about it.

use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use kit::{MeetingCode, Network};

use super::context::Context;
use super::problem::{Problem, RATE_LIMITED};
use crate::app::App;
use crate::config::RateLimits;
use crate::limits::{Buckets, Decision, MissBudget};

/// Clients, meetings or persons that one bucket set remembers at most.
const KEYS_MAX: usize = 100_000;

/// All buckets.
#[derive(Debug)]
pub struct Limits {
    create: Buckets<Network>,
    create_day: Buckets<Network>,
    join: Buckets<Network>,
    join_meeting: Buckets<String>,
    chat: Buckets<String>,
    chat_hour: Buckets<String>,
    selftest: Buckets<Network>,
    webhook: Buckets<Network>,
    other: Buckets<Network>,
    misses: MissBudget,
}

impl Limits {
    pub fn new(rates: &RateLimits) -> Self {
        Self {
            create: Buckets::new("create", rates.create, KEYS_MAX),
            create_day: Buckets::new("create_day", rates.create_day, KEYS_MAX),
            join: Buckets::new("join", rates.join, KEYS_MAX),
            join_meeting: Buckets::new("join_meeting", rates.join_meeting, KEYS_MAX),
            chat: Buckets::new("chat", rates.chat, KEYS_MAX),
            chat_hour: Buckets::new("chat_hour", rates.chat_hour, KEYS_MAX),
            selftest: Buckets::new("selftest", rates.selftest, KEYS_MAX),
            webhook: Buckets::new("webhook", rates.webhook, KEYS_MAX),
            other: Buckets::new("other", rates.other, KEYS_MAX),
            misses: MissBudget::new(rates.miss, rates.miss_total),
        }
    }
}

/// What a request counts as.
#[derive(Debug, Clone, Copy)]
pub enum Limit<'a> {
    Create,
    /// Joining the meeting that a path names.
    Join(&'a str),
    /// This person writes.
    Chat(&'a str),
    Selftest,
    Webhook,
    Other,
}

/// Takes one from the buckets of `limit`: 429 if one is empty. The answer's headers tell about the tighter one.
///
/// What one bucket refuses takes nothing from the next: whoever is refused for their own haste must not use up what all who
/// come to a meeting share.
pub fn take(app: &App, context: &Context, limit: Limit<'_>) -> Result<(), Problem> {
    let (limits, network, now) = (&app.limits, context.network(), app.clock.instant());
    let pass = |decision: Option<Decision>| match decision {
        Some(decision) if !decision.allowed => Err(refuse(context, decision)),
        Some(decision) => {
            context.limited_by(decision);
            Ok(())
        }
        None => Ok(()),
    };
    match limit {
        Limit::Create => {
            pass(limits.create.take(&network, now))?;
            pass(limits.create_day.take(&network, now))
        }
        Limit::Join(given) => {
            pass(limits.join.take(&network, now))?;
            pass(limits.join_meeting.take(&meeting_key(given), now))
        }
        Limit::Chat(person) => {
            let person = person.to_owned();
            pass(limits.chat.take(&person, now))?;
            pass(limits.chat_hour.take(&person, now))
        }
        Limit::Selftest => pass(limits.selftest.take(&network, now)),
        Limit::Webhook => pass(limits.webhook.take(&network, now)),
        Limit::Other => pass(limits.other.take(&network, now)),
    }
}

/// One name for a meeting however its code is spelled, of at most 64 bytes.
fn meeting_key(given: &str) -> String {
    match MeetingCode::candidates(given).first() {
        // Codes are looked up with these letters read as each other, so they share a bucket.
        Some(code) => code.as_str().replace('0', "o").replace(['1', 'l'], "i"),
        None => kit::sha256_hex(given.as_bytes()),
    }
}

/// The decision against this network where it guessed too many codes. Asked before the database is, so that a hit and a miss
/// look alike. Who proves to know the meeting may pass all the same; the others get [`refuse`].
pub fn guessed_too_much(app: &App, context: &Context) -> Option<Decision> {
    app.limits.misses.refusal(context.network(), app.clock.instant())
}

/// Counts an unknown code or a wrong password.
pub fn record_miss(app: &App, context: &Context) {
    app.limits.misses.record(context.network(), app.clock.instant());
}

/// 429, and its headers.
pub fn refuse(context: &Context, decision: Decision) -> Problem {
    context.limited_by(decision);
    metrics::counter!("heydok_rate_limited_total", "limit" => decision.name).increment(1);
    Problem::new(RATE_LIMITED)
        .with("error", decision.error_text())
        .header(RETRY_AFTER, HeaderValue::from(decision.retry_after_seconds()))
}

/// Adds the headers of the decision that this request met.
pub fn decorate(response: &mut Response, decision: &Decision) {
    let headers = response.headers_mut();
    set(headers, "ratelimit-policy", &decision.policy_header());
    set(headers, "ratelimit", &decision.limit_header());
    set(headers, "x-ratelimit-limit", &decision.rate.quota.to_string());
    set(headers, "x-ratelimit-remaining", &decision.remaining.to_string());
    set(headers, "x-ratelimit-reset", &decision.reset_seconds().to_string());
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who spells a code in another way meets the same bucket; names that are no code cost no more memory than a digest.
    #[test]
    fn a_meeting_has_one_key() {
        for spelled in ["abc-defg-hij", "ABCDEFGHIJ", "abc.defg hij", "abc-defg-h1j", "abc-defg-hlj"] {
            assert_eq!(meeting_key(spelled), "abc-defg-hij", "{spelled}");
        }
        assert_eq!(meeting_key("0bc-defg-hij"), meeting_key("obc-defg-hij"));
        assert_ne!(meeting_key("sales-1"), meeting_key("sales-2"));
        assert_eq!(meeting_key(&"x".repeat(60_000)).len(), 64);
    }
}
