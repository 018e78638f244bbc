//! Meetings: create, look up, end.

pub mod http;
pub mod rules;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;

use kit::UnixMillis;

pub use rules::Standing;

/// A row of `video_meetings`, as far as own rooms need it.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub id: String,
    pub code: String,
    pub external_id: Option<String>,
    pub room_name: String,
    pub title: String,
    pub host_key: Option<String>,
    /// Ciphertext (C-12, D-12).
    pub password: Option<String>,
    pub status: rules::Status,
    pub access_state: rules::AccessState,
    pub open_access: bool,
    pub locked: bool,
    pub max_participants: i64,
    pub scheduled_start: Option<UnixMillis>,
    pub scheduled_end: Option<UnixMillis>,
    pub expires_at: Option<UnixMillis>,
    pub created_at: UnixMillis,
    /// The running instance.
    pub instance_id: Option<String>,
}

impl Meeting {
    /// What answers call it: its `external_id` if it has one, else its code (D-04).
    pub fn public_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.code)
    }

    /// What it is now to those who come by its link.
    pub fn standing(&self, now: UnixMillis) -> Standing {
        let facts = rules::Facts {
            status: self.status,
            access_state: self.access_state,
            expires_at: self.expires_at,
            scheduled_start: self.scheduled_start,
            live: self.instance_id.is_some(),
        };
        rules::standing(facts, now)
    }
}
