//! Certificates, and the door of the HTTPS port.
//!
//! [`Certificates`] is what is shown at present. Something keeps it up to date: [`Files`] that somebody else writes, [`Acme`] from a
//! server as Let's Encrypt, or [`Lan`] by ourselves for the local network.
//!
//! [`Door`] takes a TCP connection, does the handshake with limits, and tells by the first bytes what it speaks: HTTP, TURN, or
//! HTTP that forgot its TLS. What is served there is none of this crate's business.

mod acme;
mod certificates;
mod door;
mod files;
mod first;
mod lan;
mod made;
mod pair;
mod private;
mod stream;
#[cfg(test)]
mod tests;

pub use acme::{Acme, AcmeConfig};
pub use certificates::{Certificates, Source, Status};
pub use door::{Closed, Door, Opened};
pub use files::Files;
pub use lan::Lan;
pub use pair::{Facts, Pair, Unusable};
pub use stream::Stream;
