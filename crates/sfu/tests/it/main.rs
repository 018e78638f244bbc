//! A room's worth of clients around one SFU, in memory, in stepped time.

mod blank;
mod common;
mod dual;
mod fuzz;
mod relay;
mod resilience;
mod room;
mod simulcast;
mod sync;

testkit::replayable!();
