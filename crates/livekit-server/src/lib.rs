//! The driver of the embedded LiveKit-compatible server: sockets, media thread, /rtc, /twirp, webhooks.
