//! What is written down about every change, in the transaction of the change: the audit log, the event stream, the timeline.

mod store;
#[cfg(test)]
mod tests;

pub use store::{AuditFault, append_audit, append_event, append_timeline, prune_audit, verify_audit};

/// Who did it.
#[derive(Debug, Clone, Copy)]
pub enum Actor<'a> {
    /// Nobody we know, by the link.
    Anonymous,
    /// The holder of a meeting's host key.
    Host,
    Participant(&'a str),
    /// We ourselves: expiry, clean-up, the reconciler.
    System,
}

/// Where an act came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's network; cut off after 30 days.
    pub network: Option<String>,
    pub request_id: Option<String>,
}

impl Origin {
    /// The request that asked for it.
    pub fn of(context: &crate::http::Context) -> Self {
        Self { network: Some(context.network().to_string()), request_id: Some(context.request_id.clone()) }
    }
}

/// A row of the audit log (C-15). `detail` is JSON without secrets and names.
#[derive(Debug, Clone)]
pub struct Audit<'a> {
    pub action: &'static str,
    pub actor: Actor<'a>,
    pub origin: &'a Origin,
    pub target_kind: &'static str,
    pub target_id: &'a str,
    pub detail: serde_json::Value,
}

/// An event for the stream and for webhooks (C-16, C-17).
#[derive(Debug, Clone)]
pub struct Event<'a> {
    pub r#type: &'static str,
    pub meeting_id: &'a str,
    pub instance_id: Option<&'a str>,
    pub data: serde_json::Value,
}

/// A line of a meeting's timeline.
#[derive(Debug, Clone)]
pub struct Moment<'a> {
    pub id: &'a str,
    pub kind: &'static str,
    pub meeting_id: &'a str,
    pub instance_id: Option<&'a str>,
    pub participant_id: Option<&'a str>,
    pub detail: serde_json::Value,
}
