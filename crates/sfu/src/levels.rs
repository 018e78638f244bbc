//! How loud a track is, from the audio levels its packets carry (RFC 6464), as livekit-server measures it.

use std::time::{Duration, Instant};

/// Between two measurements.
pub(crate) const INTERVAL: Duration = Duration::from_millis(400);

/// Quieter than this (in -dBov) is not speech.
const ACTIVE_LEVEL: u8 = 35;
/// Share of an interval that must be speech, in percent.
const MIN_PERCENTILE: u32 = 40;
/// Intervals over which levels are smoothed.
const SMOOTH_INTERVALS: f32 = 2.0;
/// Reported levels are multiples of 1 / this.
const STEPS: f32 = 8.0;
/// Audio between two packets counts at most this much: with DTX packets stop.
const LONGEST_PACKET: Duration = Duration::from_millis(60);

/// Level of one track.
#[derive(Debug)]
pub(crate) struct AudioLevel {
    loudest: u8,
    active: Duration,
    last_packet: Option<Instant>,
    smoothed: f32,
    reported: f32,
}

impl AudioLevel {
    pub(crate) fn new() -> Self {
        Self { loudest: u8::MAX, active: Duration::ZERO, last_packet: None, smoothed: 0.0, reported: 0.0 }
    }

    /// Take in a packet's level in -dBov (0 loudest, 127 silence).
    pub(crate) fn observe(&mut self, now: Instant, level: u8) {
        let lasted = self
            .last_packet
            .map_or(Duration::from_millis(20), |last| now.saturating_duration_since(last).min(LONGEST_PACKET));
        self.last_packet = Some(now);
        if level <= ACTIVE_LEVEL {
            self.active += lasted;
            self.loudest = self.loudest.min(level);
        }
    }

    /// End an interval. The level 0..=1 if it is another than the last one told.
    pub(crate) fn measure(&mut self) -> Option<f32> {
        let active = self.active.min(INTERVAL);
        if active * 100 >= INTERVAL * MIN_PERCENTILE {
            let share = active.as_secs_f32() / INTERVAL.as_secs_f32();
            let decibels = f32::from(self.loudest) - 20.0 * share.log10();
            let linear = 10f32.powf(-decibels / 20.0);
            self.smoothed += (linear - self.smoothed) * (2.0 / (SMOOTH_INTERVALS + 1.0));
        } else {
            self.smoothed = 0.0;
        }
        self.loudest = u8::MAX;
        self.active = Duration::ZERO;
        let level = ((self.smoothed * STEPS).ceil() / STEPS).min(1.0);
        if (level - self.reported).abs() < f32::EPSILON {
            return None;
        }
        self.reported = level;
        Some(level)
    }

    /// Forget what was heard; true if a level above 0 had been told.
    pub(crate) fn silence(&mut self) -> bool {
        let spoke = self.reported > 0.0;
        *self = Self::new();
        spoke
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(level: &mut AudioLevel, from: Instant, decibels: u8, packets: u32) -> Option<f32> {
        for index in 0..packets {
            level.observe(from + Duration::from_millis(20) * index, decibels);
        }
        level.measure()
    }

    #[test]
    fn speech_starts_stays_and_stops() {
        let start = testkit::origin();
        let mut level = AudioLevel::new();
        assert_eq!(interval(&mut level, start, 127, 20), None, "silence is no change");
        assert_eq!(interval(&mut level, start + INTERVAL, 20, 20), Some(0.125));
        assert_eq!(interval(&mut level, start + INTERVAL * 2, 20, 20), None, "same level is told once");
        assert!(interval(&mut level, start + INTERVAL * 3, 5, 20).unwrap() > 0.25);
        assert_eq!(interval(&mut level, start + INTERVAL * 4, 127, 20), Some(0.0));
        assert_eq!(level.measure(), None);
    }

    #[test]
    fn a_cough_is_no_speech() {
        let mut level = AudioLevel::new();
        assert_eq!(interval(&mut level, testkit::origin(), 0, 7), None);
    }
}
