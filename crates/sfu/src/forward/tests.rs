use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

/// What happens next in a run.
#[derive(Debug, Clone)]
enum Step {
    /// All layers send one picture of so many packets; a keyframe if someone asked.
    Picture {
        packets: u8,
        milliseconds: u16,
    },
    /// The next packet of the current picture is lost or late.
    Disturb {
        layer: u8,
        lost: bool,
    },
    Target(Option<u8>),
    Temporal(Option<u8>),
    /// The publisher's encoder of a layer starts anew with another SSRC.
    Restart(u8),
}

fn step(disturb: bool) -> impl Strategy<Value = Step> {
    let weight = if disturb { 6 } else { 0 };
    prop_oneof![
        40 => (1u8..5, 10u16..60).prop_map(|(packets, milliseconds)| Step::Picture { packets, milliseconds }),
        weight => (0u8..3, any::<bool>()).prop_map(|(layer, lost)| Step::Disturb { layer, lost }),
        3 => proptest::option::of(0u8..3).prop_map(Step::Target),
        2 => proptest::option::of(0u8..3).prop_map(Step::Temporal),
        1 => (0u8..3).prop_map(Step::Restart),
    ]
}

/// A source of VP8 pictures in three temporal layers.
#[derive(Debug, Clone)]
struct Source {
    ssrc: u32,
    layer: u8,
    sequence: u64,
    timestamp: u32,
    picture: u16,
    tl0: u8,
    index: u32,
    keyframe_asked: bool,
}

impl Source {
    fn new(layer: u8, seed: u64) -> Self {
        Self {
            ssrc: 100 + u32::from(layer),
            layer,
            sequence: seed % 100_000,
            timestamp: (seed.wrapping_mul(0x9e37_79b9) >> 3) as u32,
            picture: (seed >> 7) as u16 & 0x7fff,
            tl0: (seed >> 11) as u8,
            index: 0,
            keyframe_asked: true,
        }
    }

    fn picture(&mut self, packets: u8, milliseconds: u16, now: Instant) -> Vec<Arrival> {
        let keyframe = std::mem::take(&mut self.keyframe_asked);
        self.timestamp = self.timestamp.wrapping_add(u32::from(milliseconds) * 90);
        self.picture = (self.picture + 1) & 0x7fff;
        let temporal = if keyframe { 0 } else { [0, 2, 1, 2][self.index as usize % 4] };
        self.index = if keyframe { 0 } else { self.index + 1 };
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        (0..packets)
            .map(|index| {
                self.sequence += 1;
                Arrival {
                    ssrc: self.ssrc,
                    layer: self.layer,
                    sequence: self.sequence,
                    timestamp: self.timestamp,
                    captured: None,
                    arrived: now,
                    starts_keyframe: keyframe && index == 0,
                    empty: false,
                    vp8: Some(Vp8Fields {
                        picture_id: Some((self.picture, true)),
                        tl0_pic_idx: Some(self.tl0),
                        key_idx: None,
                        temporal,
                        layer_sync: temporal > 0 && !self.index.is_multiple_of(4),
                    }),
                }
            })
            .collect()
    }
}

/// A packet that was sent: its source picture, and the numbers it got.
type Sent = ((u32, u32), Arrival, u64, u32, Vp8Numbers);

fn run(seed: u64, steps: &[Step]) -> Vec<Sent> {
    let mut now = testkit::origin();
    let mut sources: Vec<Source> =
        (0..3).map(|layer| Source::new(layer, seed.rotate_left(u32::from(layer) * 9))).collect();
    let mut forwarder = Forwarder::new(90_000, true, (seed & 0x7fff) as u16);
    forwarder.set_target(Some(0));
    let mut disturbed: HashMap<u8, bool> = HashMap::new();
    let mut late: Vec<(usize, Arrival)> = Vec::new();
    let mut sent = Vec::new();
    for step in steps {
        match step {
            Step::Picture { packets, milliseconds } => {
                now += Duration::from_millis(u64::from(*milliseconds));
                let mut arrivals = Vec::new();
                for source in &mut sources {
                    for arrival in source.picture(*packets, *milliseconds, now) {
                        match disturbed.remove(&source.layer) {
                            Some(true) => {}
                            Some(false) => late.push((2, arrival)),
                            None => arrivals.push(arrival),
                        }
                    }
                }
                for entry in &mut late {
                    entry.0 -= 1;
                }
                arrivals.extend(late.extract_if(.., |(rounds, _)| *rounds == 0).map(|(_, arrival)| arrival));
                for arrival in arrivals {
                    match forwarder.decide(&arrival) {
                        Decision::Send { sequence, timestamp, vp8 } => {
                            let picture = (arrival.ssrc, arrival.timestamp);
                            sent.push((picture, arrival, sequence, timestamp, vp8.unwrap_or_default()));
                        }
                        Decision::NeedKeyframe => sources[usize::from(arrival.layer)].keyframe_asked = true,
                        Decision::Drop => {}
                    }
                }
            }
            Step::Disturb { layer, lost } => {
                disturbed.insert(*layer, *lost);
            }
            Step::Target(target) => forwarder.set_target(*target),
            Step::Temporal(max) => forwarder.set_max_temporal(*max),
            Step::Restart(layer) => {
                let source = &mut sources[usize::from(*layer)];
                let ssrc = source.ssrc + 10;
                *source = Source::new(*layer, seed ^ u64::from(ssrc));
                source.ssrc = ssrc;
            }
        }
    }
    sent
}

/// `HEYDOK_CASES` of them, for a long look.
fn cases() -> u32 {
    std::env::var("HEYDOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

fn start_of(sent: &[Sent], index: usize) -> bool {
    index == 0 || sent[index - 1].1.ssrc != sent[index].1.ssrc
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Without loss the subscriber sees one perfect stream.
    #[test]
    fn one_stream_without_gaps(seed in any::<u64>(), steps in prop::collection::vec(step(false), 1..150)) {
        let sent = run(seed, &steps);
        for (index, (picture, arrival, sequence, timestamp, numbers)) in sent.iter().enumerate() {
            if start_of(&sent, index) {
                prop_assert!(arrival.starts_keyframe);
            }
            let Some((picture_before, _, sequence_before, timestamp_before, before)) = index.checked_sub(1).map(|i| &sent[i])
            else {
                prop_assert!(*sequence < 65_536);
                continue;
            };
            prop_assert_eq!(*sequence, sequence_before + 1);
            if picture == picture_before {
                prop_assert_eq!(timestamp, timestamp_before);
                prop_assert_eq!(numbers, before);
            } else {
                prop_assert!(is_before(*timestamp_before, *timestamp));
                prop_assert_eq!(numbers.picture_id.unwrap(), (before.picture_id.unwrap() + 1) & 0x7fff);
                prop_assert!(numbers.tl0_pic_idx.unwrap().wrapping_sub(before.tl0_pic_idx.unwrap()) <= 1);
            }
        }
    }

    /// With losses and late packets no number is given twice, order and time agree, pictures keep their numbers.
    #[test]
    fn no_number_twice_under_loss(seed in any::<u64>(), steps in prop::collection::vec(step(true), 1..200)) {
        let sent = run(seed, &steps);
        let mut by_sequence = BTreeMap::new();
        for entry in &sent {
            prop_assert!(by_sequence.insert(entry.2, entry).is_none(), "sequence number {} twice", entry.2);
        }
        let mut of_picture: HashMap<(u32, u32), (u32, Vp8Numbers)> = HashMap::new();
        for (picture, _, _, timestamp, numbers) in &sent {
            let first = *of_picture.entry(*picture).or_insert((*timestamp, *numbers));
            prop_assert_eq!(first, (*timestamp, *numbers), "a picture has one set of numbers");
        }
        let ordered: Vec<_> = by_sequence.values().collect();
        for pair in ordered.windows(2) {
            prop_assert!(!is_before(pair[1].3, pair[0].3), "time runs with the numbers");
            let (before, after) = (pair[0].4.picture_id.unwrap(), pair[1].4.picture_id.unwrap());
            let pictures = after.wrapping_sub(before) & 0x7fff;
            prop_assert!(pictures < 0x4000, "pictures count up");
            prop_assert_eq!(pictures == 0, pair[0].0 == pair[1].0, "another picture, another id");
        }
    }
}

#[test]
fn a_pause_keeps_the_distance_to_real_time() {
    let mut now = testkit::origin();
    let mut source = Source::new(0, 77);
    let mut forwarder = Forwarder::new(90_000, true, 5);
    forwarder.set_target(Some(0));
    let mut first = None;
    let mut last = 0;
    for round in 0..300u32 {
        now += Duration::from_millis(33);
        if round == 100 {
            forwarder.set_target(None);
        }
        if round == 200 {
            forwarder.set_target(Some(0));
            source.keyframe_asked = true;
        }
        for arrival in source.picture(2, 33, now) {
            if let Decision::Send { timestamp, .. } = forwarder.decide(&arrival) {
                first.get_or_insert(timestamp);
                last = timestamp;
            }
        }
    }
    assert_eq!(last.wrapping_sub(first.unwrap()), 299 * 33 * 90);
}

#[test]
fn padding_leaves_no_gap() {
    let now = testkit::origin();
    let mut source = Source::new(0, 3);
    let mut forwarder = Forwarder::new(90_000, true, 5);
    forwarder.set_target(Some(0));
    let mut expected = 5;
    for _ in 0..10 {
        for arrival in source.picture(2, 33, now) {
            let Decision::Send { sequence, .. } = forwarder.decide(&arrival) else {
                panic!("sent");
            };
            assert_eq!(sequence, expected);
            expected += 1;
        }
        let mut padding = source.picture(1, 0, now).remove(0);
        padding.empty = true;
        source.picture -= 1;
        assert_eq!(forwarder.decide(&padding), Decision::Drop);
    }
}

/// A packet of a picture of its own, `milliseconds` after the beginning.
fn picture(ssrc: u32, sequence: u64, milliseconds: u64, fields: Vp8Fields) -> Arrival {
    Arrival {
        ssrc,
        layer: 0,
        sequence,
        timestamp: sequence as u32 * 3000,
        captured: None,
        arrived: testkit::origin() + Duration::from_millis(milliseconds),
        starts_keyframe: fields.temporal == 0,
        empty: false,
        vp8: Some(fields),
    }
}

fn sent(forwarder: &mut Forwarder, arrival: &Arrival) -> Option<(u32, Vp8Numbers)> {
    match forwarder.decide(arrival) {
        Decision::Send { timestamp, vp8, .. } => Some((timestamp, vp8.unwrap_or_default())),
        _ => None,
    }
}

fn began() -> Forwarder {
    let mut forwarder = Forwarder::new(90_000, true, 5);
    forwarder.set_target(Some(0));
    forwarder
}

/// More pictures begin with one that depends on the base layer only, and with the whole of it.
#[test]
fn a_temporal_layer_begins_where_it_can() {
    let mut forwarder = began();
    let of = |temporal, layer_sync| Vp8Fields { temporal, layer_sync, ..Vp8Fields::default() };
    forwarder.set_max_temporal(Some(0));
    assert!(sent(&mut forwarder, &picture(1, 1, 0, of(0, false))).is_some());
    let first = picture(1, 2, 33, of(1, true));
    assert!(sent(&mut forwarder, &first).is_none());
    forwarder.set_max_temporal(None);
    let rest = Arrival { sequence: 3, ..first };
    assert!(sent(&mut forwarder, &rest).is_none(), "half a picture");
    assert!(sent(&mut forwarder, &picture(1, 4, 66, of(1, false))).is_none(), "depends on what was dropped");
    assert!(sent(&mut forwarder, &picture(1, 5, 99, of(1, true))).is_some());
    assert!(sent(&mut forwarder, &picture(1, 6, 132, of(1, false))).is_some());
}

/// Picture ids of seven bits stay so, and key indexes count up, when another source goes on.
#[test]
fn another_source_goes_on_with_the_numbers() {
    let mut forwarder = began();
    let fields = |id, key| Vp8Fields { picture_id: Some((id, false)), key_idx: Some(key), ..Vp8Fields::default() };
    let mut numbers = |ssrc, sequence, id, key| {
        let (_, numbers) = sent(&mut forwarder, &picture(ssrc, sequence, sequence * 33, fields(id, key))).unwrap();
        (numbers.picture_id, numbers.key_idx)
    };
    assert_eq!(numbers(1, 1, 0x7f, 0x1f), (Some(0x7f), Some(0x1f)));
    assert_eq!(numbers(2, 2, 0x30, 7), (Some(0), Some(0)));
    assert_eq!(numbers(2, 3, 0x31, 7), (Some(1), Some(0)));
}

/// A clock that disagrees with the arrivals by seconds is wrong; one that comes back after a pause is what it was.
#[test]
fn time_goes_on_with_another_source() {
    let captured = |milliseconds| Some(testkit::origin() + Duration::from_millis(milliseconds));
    for (at, elapsed) in [(1_200, 200), (4_000, 400)] {
        let mut forwarder = began();
        let one = Arrival { captured: captured(1_000), ..picture(1, 1, 1_000, Vp8Fields::default()) };
        let other = Arrival { captured: captured(at), ..picture(2, 9, 1_400, Vp8Fields::default()) };
        let [one, other] = [one, other].map(|arrival| sent(&mut forwarder, &arrival).unwrap().0);
        assert_eq!(other.wrapping_sub(one), elapsed * 90);
    }
    let mut forwarder = began();
    let one = sent(&mut forwarder, &picture(1, 1, 0, Vp8Fields::default())).unwrap().0;
    forwarder.set_target(None);
    forwarder.set_target(Some(0));
    // It came late.
    let other = sent(&mut forwarder, &picture(1, 31, 1_300, Vp8Fields::default())).unwrap().0;
    assert_eq!(other.wrapping_sub(one), 30 * 3000);
}
