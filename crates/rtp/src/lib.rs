//! What our own senders need of RTP: headers, RTCP, SRTP and SRTCP.
//!
//! Sans-IO: bytes in, bytes out. Keys are expanded once, buffers are the caller's, and nothing is allocated for a packet.

#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod rtcp;
pub mod srtp;

pub use header::{Header, write_header};
pub use srtp::{Profile, Protector, Unprotector};

/// The four bytes at `at` as a number; `None` where they are not all there.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
