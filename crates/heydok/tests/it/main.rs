//! The real binary, as people start it and as the seeds print it.

mod capacity;
mod doctor;
mod https;
mod layouts;
mod packaging;
mod pebble;
mod scripts;
mod seeds;
mod server;
mod shutdown;
mod signal;
