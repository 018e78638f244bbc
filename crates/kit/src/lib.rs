//! The one place for small things everybody needs: time, randomness, ids, secrets, bounded text and digests.
//!
//! Nothing here knows meetings beyond the shape of their public names, and nothing here does I/O: the only doors to the
//! outside are [`SystemClock`] (the operating system's clock) and [`SystemEntropy`] (its random numbers). Everything else
//! takes a [`Clock`] or an [`Entropy`] and can be driven by a test.

mod clock;
mod entropy;
mod id;
mod network;
mod pace;
pub mod proc;
mod secret;
pub mod text;
mod time;

pub use clock::{Clock, MockClock, SharedClock, SystemClock};
pub use entropy::{Entropy, SeededEntropy, SharedEntropy, SystemEntropy};
pub use id::{MeetingCode, ParticipantKind, is_participant_id, new_id, new_participant_id};
pub use network::{Network, is_private};
pub use pace::{Bucket, Rate};
pub use secret::{Secret, equal_in_constant_time, new_token, sha256_hex, token_digest, turn_password};
pub use time::UnixMillis;
