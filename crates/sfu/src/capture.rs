//! When a packet was captured, on our clock, by the publisher's sender reports (RFC 3550 section 6.4.1).
//!
//! All sources of one publisher share one mapping from its clock to ours. Audio and video stay aligned by it, whatever
//! their different delays on the way to us.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Captured times are placed this much before arrival, so that jitter does not put them into the future.
pub(crate) const MARGIN: Duration = Duration::from_millis(100);

/// A mapping that is further off than this is made anew: the publisher's clock was set, or drifted away. So is one by which a packet
/// came before it was captured: the packet that it began with was late, as those are that are sent again.
const TOLERANCE: Duration = Duration::from_secs(1);

/// One sender report of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) wallclock: SystemTime,
    pub(crate) timestamp: u32,
}

/// Maps a publisher's wall clock to our monotonic one.
#[derive(Debug, Default)]
pub(crate) struct CaptureClock {
    /// Our time, and the publisher's microseconds since the epoch at it.
    base: Option<(Instant, i64)>,
}

impl CaptureClock {
    /// When the packet with `timestamp` was captured. Never later than `arrived`.
    pub(crate) fn captured(
        &mut self,
        report: Report,
        timestamp: u32,
        clock_rate: u32,
        arrived: Instant,
    ) -> Option<Instant> {
        let ticks = i64::from(timestamp.wrapping_sub(report.timestamp) as i32);
        let since_report = ticks * 1_000_000 / i64::from(clock_rate.max(1));
        let theirs = micros_since_epoch(report.wallclock)?.checked_add(since_report)?;
        if let Some(ours) = self.map(theirs)
            && arrived.checked_duration_since(ours).is_some_and(|ago| ago <= TOLERANCE)
        {
            return Some(ours);
        }
        let ours = arrived.checked_sub(MARGIN)?;
        self.base = Some((ours, theirs));
        Some(ours)
    }

    fn map(&self, theirs: i64) -> Option<Instant> {
        let (ours, base) = self.base?;
        let difference = theirs.checked_sub(base)?;
        let duration = Duration::from_micros(difference.unsigned_abs());
        if difference >= 0 { ours.checked_add(duration) } else { ours.checked_sub(duration) }
    }
}

fn micros_since_epoch(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => i64::try_from(before.duration().as_micros()).ok().map(|micros| -micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_and_video_of_one_moment_map_to_one_time() {
        let start = testkit::origin();
        let mut clock = CaptureClock::default();
        let wallclock = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let audio = Report { wallclock, timestamp: 5_000 };
        let video = Report { wallclock, timestamp: 4_294_967_000 };
        // One second after the reports; video arrives 150 ms after audio.
        let a = clock.captured(audio, 5_000 + 48_000, 48_000, start).unwrap();
        let v = clock
            .captured(video, 4_294_967_000u32.wrapping_add(90_000), 90_000, start + Duration::from_millis(150))
            .unwrap();
        assert_eq!(a, v);
        assert_eq!(a, start - MARGIN);
    }

    /// The first packet was lost and sent again, and says little of the way of those that follow.
    #[test]
    fn a_late_packet_puts_nothing_apart() {
        let (start, mut clock) = (testkit::origin(), CaptureClock::default());
        let wallclock = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let report = Report { wallclock, timestamp: 0 };
        let mut at = |ms: u32, khz: u32, on_the_way_ms: u64| {
            let arrived = start + Duration::from_millis(u64::from(ms) + on_the_way_ms);
            clock.captured(report, ms * khz, khz * 1000, arrived).unwrap()
        };
        at(0, 90, 400);
        at(1000, 48, 40);
        assert_eq!(at(2000, 48, 40), at(2000, 90, 120));
        assert_eq!(at(3000, 48, 60), at(3000, 90, 90));
    }

    #[test]
    fn a_clock_that_jumps_is_followed() {
        let start = testkit::origin();
        let mut clock = CaptureClock::default();
        let report = |seconds| Report { wallclock: UNIX_EPOCH + Duration::from_secs(seconds), timestamp: 0 };
        clock.captured(report(1_000), 0, 90_000, start).unwrap();
        let after = clock.captured(report(900_000), 0, 90_000, start + Duration::from_secs(1)).unwrap();
        assert_eq!(after, start + Duration::from_secs(1) - MARGIN);
        // Never in the future, even if the publisher says so.
        let early = clock.captured(report(900_000), 45_000, 90_000, start + Duration::from_secs(1)).unwrap();
        assert!(early <= start + Duration::from_secs(1));
    }

    #[test]
    fn times_before_the_epoch_and_far_away_do_not_panic() {
        let now = testkit::origin();
        let mut clock = CaptureClock::default();
        for wallclock in
            [UNIX_EPOCH - Duration::from_secs(2_208_988_800), UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(1 << 33)]
        {
            for timestamp in [0, 1, u32::MAX, i32::MAX as u32] {
                let _ = clock.captured(Report { wallclock, timestamp: 7 }, timestamp, 0, now);
            }
        }
    }
}
