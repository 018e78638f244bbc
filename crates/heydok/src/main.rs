//! Entry point of the `heydok` binary.
fn main() {}
