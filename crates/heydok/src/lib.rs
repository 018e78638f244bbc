//! The heydok binary's library: configuration, HTTP and every product feature.
