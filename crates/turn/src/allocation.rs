//! One allocation: what a client may send where, and until when.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use kit::{Bucket, Network, Rate};

/// RFC 8656: what a client gets that asks for nothing, the most, and how long permissions and channels last.
const LIFETIME_DEFAULT_S: u32 = 600;
const LIFETIME_MAX_S: u32 = 3600;
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
/// A channel that is no more must not be bound to another address for this long (RFC 8656, section 12).
const CHANNEL_REST: Duration = Duration::from_secs(300);
/// Permissions and channels at most; our own addresses are fewer.
const PEERS_MAX: usize = 32;

#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) relayed: SocketAddr,
    pub(crate) user_name: String,
    /// The part of the user name that quotas count by.
    pub(crate) user: String,
    pub(crate) network: Network,
    pub(crate) expires_at: Instant,
    /// Of the request that made it, which may come again.
    pub(crate) transaction: [u8; 12],
    permissions: Vec<(IpAddr, Instant)>,
    channels: Vec<Channel>,
    /// Bytes that the client may send.
    pace: Bucket,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires_at: Instant,
}

/// Why a channel cannot be bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChannelError {
    /// The number stands for another address, or the address has another number.
    Taken,
    TooMany,
}

impl Allocation {
    pub(crate) fn new(
        relayed: SocketAddr,
        (user_name, user): (&str, &str),
        network: Network,
        transaction: [u8; 12],
        (now, rate): (Instant, Rate),
    ) -> Self {
        Self {
            relayed,
            user_name: user_name.to_owned(),
            user: user.to_owned(),
            network,
            expires_at: now,
            transaction,
            permissions: Vec::new(),
            channels: Vec::new(),
            pace: Bucket::new(now, rate),
        }
    }

    /// False: there are too many.
    pub(crate) fn permit(&mut self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.retain(|(known, until)| *until > now && *known != ip);
        let room = self.permissions.len() < PEERS_MAX;
        if room {
            self.permissions.push((ip, now + PERMISSION_LIFETIME));
        }
        room
    }

    pub(crate) fn permits(&self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.iter().any(|(known, until)| *known == ip && *until > now)
    }

    /// Binds or refreshes a channel, and with it the permission.
    pub(crate) fn bind(&mut self, now: Instant, number: u16, peer: SocketAddr) -> Result<(), ChannelError> {
        self.channels.retain(|channel| channel.expires_at + CHANNEL_REST > now);
        let same = |channel: &&mut Channel| channel.number == number && channel.peer == peer;
        if let Some(channel) = self.channels.iter_mut().find(same) {
            channel.expires_at = now + CHANNEL_LIFETIME;
        } else if self.channels.iter().any(|channel| channel.number == number || channel.peer == peer) {
            return Err(ChannelError::Taken);
        } else if self.channels.len() >= PEERS_MAX {
            return Err(ChannelError::TooMany);
        } else {
            self.channels.push(Channel { number, peer, expires_at: now + CHANNEL_LIFETIME });
        }
        if self.permit(now, peer.ip()) { Ok(()) } else { Err(ChannelError::TooMany) }
    }

    /// Where a channel leads.
    pub(crate) fn channel_peer(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        self.channels.iter().find_map(|one| (one.number == number && one.expires_at > now).then_some(one.peer))
    }

    /// The channel to an address.
    pub(crate) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        self.channels.iter().find_map(|one| (one.peer == peer && one.expires_at > now).then_some(one.number))
    }

    /// Whether the client may send `bytes` more now.
    pub(crate) fn spend(&mut self, now: Instant, rate: Rate, bytes: usize) -> bool {
        self.pace.spend(now, rate, bytes as f64)
    }
}

/// How long an allocation lives whose client asks for `wanted` seconds.
pub(crate) fn lifetime_s(wanted: Option<u32>) -> u32 {
    wanted.unwrap_or(LIFETIME_DEFAULT_S).clamp(LIFETIME_DEFAULT_S, LIFETIME_MAX_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_stay_between_the_default_and_the_most() {
        let cases = [(None, 600), (Some(1), 600), (Some(900), 900), (Some(u32::MAX), 3600)];
        for (wanted, expected) in cases {
            assert_eq!(lifetime_s(wanted), expected, "{wanted:?}");
        }
    }
}
