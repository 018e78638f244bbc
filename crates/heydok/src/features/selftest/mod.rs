//! E-92 for pages: a short-lived room in which a page finds out by itself what works between it and this server.
//!
//! A page connects twice, and a participant of ours is the third: so media is seen to flow between three. Nothing is stored, and
//! nothing of it is a meeting.

pub mod http;
mod rooms;
#[cfg(test)]
mod tests;
mod third;

pub use rooms::SelftestRooms;
pub use third::{IDENTITY as THIRD, enter as join_third, plan as third_plan};
