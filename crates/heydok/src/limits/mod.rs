//! Rate limits: who counts as one client, token buckets in bounded memory, the miss budget, and the headers as data.

mod bucket;
mod miss;
mod proxies;

pub use bucket::{Buckets, Decision, Rate};
pub use miss::MissBudget;
pub use proxies::TrustedProxies;
