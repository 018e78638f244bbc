//! The real binary, as people start it and as the seeds print it.

mod doctor;
mod layouts;
mod packaging;
mod scripts;
mod seeds;
mod server;
mod shutdown;
mod signal;
