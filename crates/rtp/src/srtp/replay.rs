//! Which SRTCP packets came already (RFC 3711, section 3.3.2).

/// Senders that are remembered; of more, the one heard of longest ago is forgotten.
const SENDERS_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Replay {
    /// In the order in which they were heard of last.
    senders: Vec<Sender>,
}

struct Sender {
    ssrc: u32,
    newest: u32,
    /// Bit n: `newest - n` came.
    seen: u64,
}

impl Replay {
    /// Whether `index` of `ssrc` has not come yet. What is older than the window counts as having come.
    pub(super) fn is_new(&self, ssrc: u32, index: u32) -> bool {
        self.senders.iter().find(|sender| sender.ssrc == ssrc).is_none_or(|sender| {
            let Some(age) = sender.newest.checked_sub(index) else { return true };
            age < u64::BITS && sender.seen & 1 << age == 0
        })
    }

    /// Only what was authentic is remembered.
    pub(super) fn remember(&mut self, ssrc: u32, index: u32) {
        let mut sender = match self.senders.iter().position(|sender| sender.ssrc == ssrc) {
            Some(at) => self.senders.remove(at),
            None => Sender { ssrc, newest: index, seen: 0 },
        };
        if self.senders.len() == SENDERS_MAX {
            self.senders.remove(0);
        }
        if let Some(newer) = index.checked_sub(sender.newest) {
            sender.seen = sender.seen.checked_shl(newer).unwrap_or(0) | 1;
            sender.newest = index;
        } else {
            sender.seen |= 1_u64.checked_shl(sender.newest - index).unwrap_or(0);
        }
        self.senders.push(sender);
    }
}
