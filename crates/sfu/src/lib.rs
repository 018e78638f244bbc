//! Sans-IO: peers on str0m, forwarding, layers.
