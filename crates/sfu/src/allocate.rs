//! Which of a subscriber's pictures get how much of what its line carries. Pure.
//!
//! Sound is outside: it is never held back, and the estimate is what is left beside it. A shared screen comes before
//! cameras, unless the client says otherwise, and loses pictures a second before it loses sharpness; cameras that are seen
//! larger come before smaller ones. Everybody gets the lowest layer before anybody gets more.

use std::cmp::Reverse;

use crate::track::LAYERS;

/// Temporal layers that are told apart: the third and those above it are one.
pub(crate) const TEMPORAL: usize = 3;

/// A shared screen's rank among what clients give priorities to, and a camera's (livekit-server's).
const SCREEN_PRIORITY: u32 = 255;
const CAMERA_PRIORITY: u32 = 1;

/// Bits a second of each simulcast layer up to each temporal layer; 0 = that layer is not sent.
pub(crate) type Rates = [[u64; TEMPORAL]; LAYERS];

/// How much of a track: simulcast layer, and temporal layer within it. Ordered: more sharpness before more pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level {
    pub(crate) layer: u8,
    pub(crate) temporal: u8,
}

impl Level {
    pub(crate) const TOP: Self = Self { layer: LAYERS as u8 - 1, temporal: TEMPORAL as u8 - 1 };
}

/// A track that a subscriber wants to see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) screen: bool,
    /// What the client said; 0 = nothing.
    pub(crate) priority: u32,
    /// How large it is seen, in pixels; 0 = not known.
    pub(crate) pixels: u32,
    /// As much as is of use.
    pub(crate) most: Level,
    pub(crate) rates: Rates,
}

impl Wish {
    fn priority(&self) -> u32 {
        match (self.priority, self.screen) {
            (0, true) => SCREEN_PRIORITY,
            (0, false) => CAMERA_PRIORITY,
            (told, _) => told,
        }
    }

    /// Bits a second of so much of it, or of the best below that is sent.
    pub(crate) fn rate(&self, given: Level) -> u64 {
        self.levels().iter().rev().find(|(level, _)| *level <= given).map_or(0, |(_, rate)| *rate)
    }

    /// What it can be given, lowest first. Above its lowest layer a camera comes with all its pictures: few of them look
    /// worse than less sharpness. Of a screen it is the other way round.
    fn levels(&self) -> Vec<(Level, u64)> {
        let sent = |layer: &usize| self.rates[*layer][TEMPORAL - 1] > 0;
        let lowest = (0..LAYERS).find(sent);
        let mut levels = Vec::new();
        for layer in
            (0..LAYERS).filter(sent).filter(|layer| *layer <= usize::from(self.most.layer) || Some(*layer) == lowest)
        {
            for temporal in 0..TEMPORAL {
                let last = temporal == TEMPORAL - 1 || temporal >= usize::from(self.most.temporal);
                let rate = self.rates[layer][temporal];
                // A temporal layer that brings nothing is none.
                let brings = temporal == 0 || rate > self.rates[layer][temporal - 1];
                if rate > 0 && (last || ((self.screen || Some(layer) == lowest) && brings)) {
                    levels.push((Level { layer: layer as u8, temporal: temporal as u8 }, rate));
                }
                if last {
                    break;
                }
            }
        }
        levels
    }
}

/// What each gets; `None` = nothing, where `may_pause` allows that. A shared screen is never blank.
pub(crate) fn allocate(budget: u64, may_pause: bool, wishes: &[Wish]) -> Vec<Option<Level>> {
    let levels: Vec<_> = wishes.iter().map(Wish::levels).collect();
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|index| Reverse((wishes[*index].priority(), wishes[*index].pixels)));
    let mut given: Vec<Option<usize>> = vec![None; wishes.len()];
    let mut left = budget;
    for &index in &order {
        // Nothing is known of its rates yet: it is let through, and costs from the next time on.
        let cost = levels[index].first().map_or(0, |(_, rate)| *rate);
        if cost <= left || wishes[index].screen || !may_pause {
            given[index] = Some(0);
            left = left.saturating_sub(cost);
        }
    }
    for group in order.chunk_by(|one, other| wishes[*one].priority() == wishes[*other].priority()) {
        // Each of the group goes up one step before any goes up two.
        let mut round = || group.iter().filter(|index| raise(&levels[**index], &mut given[**index], &mut left)).count();
        while round() > 0 {}
    }
    // Who gets the best that is sent gets also what may be sent in a moment.
    let level = |index: usize, at: usize| match levels[index].get(at) {
        Some((level, _)) if at + 1 < levels[index].len() => *level,
        _ => wishes[index].most,
    };
    given.iter().enumerate().map(|(index, at)| at.map(|at| level(index, at))).collect()
}

/// One step up, if there is one that is paid for.
fn raise(levels: &[(Level, u64)], given: &mut Option<usize>, left: &mut u64) -> bool {
    let Some(at) = *given else { return false };
    let now = levels.get(at).map_or(0, |(_, rate)| *rate);
    // A step may cost less than the one below it (a sharp layer with few pictures): then it is the better one.
    let next = levels.iter().enumerate().skip(at + 1).find(|(_, (_, rate))| rate.saturating_sub(now) <= *left);
    let Some((next, (_, rate))) = next else { return false };
    *left = (*left + now).saturating_sub(*rate);
    *given = Some(next);
    true
}

/// Bits a second if everybody got all that is of use.
pub(crate) fn desired(wishes: &[Wish]) -> u64 {
    wishes.iter().filter_map(|wish| wish.levels().last().map(|(_, rate)| *rate)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three layers of three temporal layers each: 100/150/200, 300/400/500 and 900/1200/1500 kbit/s.
    const RATES: Rates = [[100, 150, 200], [300, 400, 500], [900, 1200, 1500], [0; 3]];

    fn camera(pixels: u32) -> Wish {
        Wish { screen: false, priority: 0, pixels, most: Level::TOP, rates: RATES }
    }

    fn check(budget: u64, may_pause: bool, wishes: &[Wish], expected: &str) {
        let given = allocate(budget, may_pause, wishes);
        let name =
            |level: &Option<Level>| level.map_or("-".to_owned(), |level| format!("{}.{}", level.layer, level.temporal));
        let given: Vec<String> = given.iter().map(name).collect();
        assert_eq!(given.join(" "), expected, "{budget}");
    }

    #[test]
    fn one_camera_gets_what_fits_and_never_less_than_its_lowest_layer() {
        for (budget, expected) in [
            (0, "0.0"),
            (149, "0.0"),
            (150, "0.1"),
            (200, "0.2"),
            (499, "0.2"),
            (500, "1.2"),
            (1499, "1.2"),
            (9999, "3.2"),
        ] {
            check(budget, false, &[camera(0)], expected);
        }
        check(99, true, &[camera(0)], "-");
        check(100, true, &[camera(0)], "0.0");
    }

    #[test]
    fn a_screen_loses_pictures_before_sharpness_and_is_never_blank() {
        let screen = Wish { screen: true, ..camera(0) };
        for (budget, expected) in
            [(0, "0.0"), (299, "0.2"), (300, "1.0"), (500, "1.2"), (900, "2.0"), (1200, "2.1"), (1500, "3.2")]
        {
            check(budget, true, &[screen], expected);
        }
        check(900, true, &[camera(900), screen], "0.2 1.2");
        check(1000, true, &[camera(900), screen], "0.0 2.0");
        check(1700, true, &[camera(900), screen], "0.2 3.2");
        let wanted = Wish { priority: 300, ..camera(0) };
        check(1000, true, &[wanted, screen], "1.2 1.2");
    }

    #[test]
    fn cameras_share_by_size() {
        let (small, large) = (camera(100), camera(200));
        for (budget, expected) in [
            (100, "- 0.0"),
            (200, "0.0 0.0"),
            (250, "0.0 0.1"),
            (700, "0.2 1.2"),
            (1000, "1.2 1.2"),
            (2000, "1.2 3.2"),
            (3000, "3.2 3.2"),
        ] {
            check(budget, true, &[small, large], expected);
        }
        // Who asks for less leaves the rest to others.
        let modest = Wish { most: Level { layer: 0, temporal: 2 }, ..large };
        check(1700, true, &[small, modest], "3.2 0.2");
    }

    #[test]
    fn layers_that_are_not_sent_are_not_given() {
        let top_only = Wish { rates: [[0; 3], [0; 3], [900, 1200, 1500], [0; 3]], ..camera(0) };
        check(100, false, &[top_only], "2.0");
        check(1300, false, &[top_only], "2.1");
        let modest = Wish { most: Level { layer: 0, temporal: 2 }, ..top_only };
        check(9999, false, &[modest], "0.2");
        let slow = Wish { most: Level { layer: 2, temporal: 0 }, ..camera(0) };
        check(9999, false, &[slow], "2.0");
        let unknown = Wish { rates: Rates::default(), ..camera(0) };
        check(0, true, &[unknown], "3.2");
        // Without temporal layers there is one way to send a layer.
        let plain = Wish { screen: true, rates: [[200; 3], [500; 3], [1500; 3], [0; 3]], ..camera(0) };
        check(600, true, &[plain], "1.2");
        assert_eq!(desired(&[plain, camera(0)]), 3000);
    }
}
