//! Rate limits at the door: which bucket a request takes from, and what the answer says about it.

use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::context::Context;
use super::problem::{Problem, RATE_LIMITED};
use crate::app::App;
use crate::config::RateLimits;
use crate::limits::{Buckets, Decision, MissBudget, Network};

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
    /// Joining this meeting.
    Join(&'a str),
    /// This person writes.
    Chat(&'a str),
    Webhook,
    Other,
}

/// Takes one from the buckets of `limit`: 429 if one is empty. The answer's headers tell about the tighter one.
pub fn take(app: &App, context: &Context, limit: Limit<'_>) -> Result<(), Problem> {
    let (limits, network, now) = (&app.limits, context.network(), app.clock.instant());
    let (first, second) = match limit {
        Limit::Create => (limits.create.take(&network, now), limits.create_day.take(&network, now)),
        Limit::Join(meeting) => (limits.join.take(&network, now), limits.join_meeting.take(&meeting.to_owned(), now)),
        Limit::Chat(person) => {
            (limits.chat.take(&person.to_owned(), now), limits.chat_hour.take(&person.to_owned(), now))
        }
        Limit::Webhook => (limits.webhook.take(&network, now), None),
        Limit::Other => (limits.other.take(&network, now), None),
    };
    let decision = match (first, second) {
        (Some(first), Some(second)) => Some(first.tighter(second)),
        (first, second) => first.or(second),
    };
    let Some(decision) = decision else { return Ok(()) };
    context.limited_by(decision);
    if decision.allowed { Ok(()) } else { Err(refusal(decision)) }
}

/// 429 where this network guessed too many codes. Asked before the database is, so that a hit and a miss look alike.
pub fn may_look_up(app: &App, context: &Context) -> Result<(), Problem> {
    match app.limits.misses.refusal(context.network(), app.clock.instant()) {
        Some(decision) => {
            context.limited_by(decision);
            Err(refusal(decision))
        }
        None => Ok(()),
    }
}

/// Counts an unknown code or a wrong password.
pub fn record_miss(app: &App, context: &Context) {
    app.limits.misses.record(context.network(), app.clock.instant());
}

fn refusal(decision: Decision) -> Problem {
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
