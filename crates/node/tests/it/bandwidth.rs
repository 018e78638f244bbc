//! Lines that carry less than what is sent, and lose some of it, and how it comes through all the same.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use proto::simulate_scenario::Scenario;
use str0m::media::MediaKind;
use testkit::link::{Conditions, Direction};

use crate::forget_received;
use crate::sim::{Mode, Sent, SimRoom, claims};

const SOUND: u8 = 10;
const PICTURE: u8 = 20;
const SCREEN: u8 = 30;
/// Bits a second of the three simulcast layers, and of sound.
const LAYERS: [usize; 3] = [150_000, 500_000, 1_500_000];
const SOUND_RATE: usize = 32_000;

const WIDE: Conditions = Conditions { delay: Duration::from_millis(20), ..Conditions::PERFECT };
const NARROW: Conditions = Conditions { rate: 500_000, ..WIDE };
const SECOND: Duration = Duration::from_secs(1);

/// One who sends sound and a picture in three layers, and some who watch.
fn watched(seed: u64, conditions: Conditions, watchers: &[Mode]) -> SimRoom {
    let mut sim = SimRoom::estimating(seed, conditions);
    sim.join("sender", Mode::Single);
    for (index, mode) in watchers.iter().enumerate() {
        sim.join(&format!("watcher-{index}"), *mode);
    }
    sim.announce(0, Sent::new(0, MediaKind::Audio, SOUND, &[]).rated(&[SOUND_RATE]), |_| {});
    sim.announce(0, Sent::new(0, MediaKind::Video, PICTURE, &["q", "h", "f"]).rated(&LAYERS), |_| {});
    sim
}

/// One more who watches, and who lets pictures cease or does not.
fn join_to_watch(sim: &mut SimRoom, may_pause: bool) -> usize {
    let settings = proto::ConnectionSettings {
        auto_subscribe: true,
        subscriber_allow_pause: Some(may_pause),
        ..proto::ConnectionSettings::default()
    };
    sim.join_with(claims("watcher", "room"), Mode::Single, |join| join.connection_settings = Some(settings))
        .expect("admitted")
}

/// Packets of sound and of each layer of a picture that a watcher got since it was forgotten what came.
fn got(sim: &SimRoom, watcher: usize) -> [usize; 4] {
    let count = |sent: usize, mark: u8| sim.clients[watcher].count(&sim.clients[0].sent[sent].sid, mark);
    [count(0, SOUND), count(1, PICTURE), count(1, PICTURE + 1), count(1, PICTURE + 2)]
}

/// The same of each of the next seconds.
fn seconds(sim: &mut SimRoom, watcher: usize, count: usize) -> Vec<[usize; 4]> {
    let second = |_| {
        forget_received(sim);
        sim.run(SECOND);
        got(sim, watcher)
    };
    (0..count).map(second).collect()
}

/// The line of one viewer is cut: after 3 s it gets what fits, its sound is hardly touched, and within 10 s of having a wide
/// line again the best picture. The others see nothing of it.
#[test]
fn a_cut_line_gets_a_lower_layer_and_the_best_again() {
    for (seed, mode) in [(300, Mode::Single), (301, Mode::Dual), (302, Mode::Single)] {
        let mut sim = watched(seed, WIDE, &[mode, Mode::Single]);
        sim.wait_for("all see the best", 5 * SECOND, |sim| got(sim, 1)[3] > 50 && got(sim, 2)[3] > 50);
        sim.run(2 * SECOND);
        sim.shape(1, Direction::Down, NARROW);
        let mut others = Vec::new();
        let mut cut = Vec::new();
        for _ in 0..10 {
            cut.extend(seconds(&mut sim, 1, 1));
            others.push(got(&sim, 2));
        }
        let sound: usize = cut.iter().map(|second| second[0]).sum();
        assert!(sound >= 485, "seed {seed}: {sound} of 500 packets of sound: {cut:?}");
        // To ask for more than there is, a moment long, costs a packet or two.
        for second in &cut[3..] {
            assert!(second[0] >= 47 && second[3] == 0 && second[1] + second[2] >= 20, "seed {seed}: {cut:?}");
        }
        sim.shape(1, Direction::Down, WIDE);
        let back = seconds(&mut sim, 1, 11);
        assert!(back[10][3] >= 190, "seed {seed}: {back:?}");
        assert!(back.iter().all(|second| second[0] >= 49), "seed {seed}: {back:?}");
        assert!(others.iter().all(|second| second[0] >= 49 && second[3] >= 190), "seed {seed}: {others:?}");
        assert_eq!(sim.clients[1].undecodable, 0, "seed {seed}: a picture without beginning");
    }
}

/// What is lost of sound is what the line loses; a picture goes on, and is the best again when nothing is lost any more.
#[test]
fn sound_and_picture_go_on_over_lines_that_lose() {
    let lines = [(0.0, 1.0), (0.02, 1.0), (0.05, 5.0), (0.1, 1.0), (0.1, 4.0), (0.2, 1.0)];
    for (seed, (loss, burst)) in (310..).zip(lines) {
        let mut sim = watched(seed, WIDE, &[Mode::Single, Mode::Dual]);
        sim.wait_for("all see the best", 5 * SECOND, |sim| got(sim, 1)[3] > 50 && got(sim, 2)[3] > 50);
        let jitter = Duration::from_millis(15);
        let bad = Conditions { loss, burst, duplicate: 0.02, jitter, ..WIDE };
        for watcher in [1, 2] {
            sim.shape(watcher, Direction::Down, bad);
        }
        forget_received(&mut sim);
        sim.run(20 * SECOND);
        for watcher in [1, 2] {
            let [sound, pictures @ ..] = got(&sim, watcher);
            let least = (1000.0 * (1.0 - loss * 1.8 - 0.01)) as usize;
            assert!(sound >= least, "seed {seed}: {sound} of 1000 packets of sound, {least} at least");
            assert!(pictures.iter().sum::<usize>() > 500, "seed {seed}: {pictures:?}");
        }
        for watcher in [1, 2] {
            sim.shape(watcher, Direction::Down, WIDE);
        }
        sim.run(30 * SECOND);
        for watcher in [1, 2] {
            let last = seconds(&mut sim, watcher, 1)[0];
            assert!(last[0] >= 49 && last[3] >= 190, "seed {seed}: {last:?}");
        }
    }
}

/// A shared screen on a narrow line is never blank, and comes before a camera.
#[test]
fn a_screen_is_never_blank() {
    let mut sim = watched(320, WIDE, &[Mode::Single]);
    let screen = Sent::new(0, MediaKind::Video, SCREEN, &["q", "h"]).rated(&[200_000, 400_000]);
    sim.announce(0, screen, |add| add.source = proto::TrackSource::ScreenShare as i32);
    let shown = |sim: &SimRoom, layer: u8| sim.clients[1].count(&sim.clients[0].sent[2].sid, SCREEN + layer);
    sim.wait_for("both are seen at their best", 10 * SECOND, |sim| got(sim, 1)[3] > 50 && shown(sim, 1) > 50);
    sim.shape(1, Direction::Down, Conditions { rate: 650_000, ..WIDE });
    sim.run(5 * SECOND);
    for second in 0..10 {
        forget_received(&mut sim);
        sim.run(SECOND);
        let (picture, screen) = (got(&sim, 1), [shown(&sim, 0), shown(&sim, 1)]);
        assert!(screen[0] + screen[1] > 25 && picture[2] + picture[3] == 0, "{second}: {screen:?} {picture:?}");
    }
}

/// A screen is sent though it is more than the line carries: the sound beside it does not suffer, and the screen goes on.
#[test]
fn sound_comes_before_a_screen_that_is_too_large() {
    for (seed, rate) in [(370, 1_000_000), (371, 700_000), (372, 2_500_000)] {
        let mut sim = SimRoom::estimating(seed, WIDE);
        sim.join("sender", Mode::Single);
        sim.join("watcher", Mode::Single);
        sim.announce(0, Sent::new(0, MediaKind::Audio, SOUND, &[]).rated(&[SOUND_RATE]), |_| {});
        let screen = Sent::new(0, MediaKind::Video, SCREEN, &[]).rated(&[rate]);
        sim.announce(0, screen, |add| add.source = proto::TrackSource::ScreenShare as i32);
        let got = |sim: &SimRoom| {
            let [sound, screen] = [(0, SOUND), (1, SCREEN)];
            [sound, screen].map(|(sent, mark)| sim.clients[1].count(&sim.clients[0].sent[sent].sid, mark))
        };
        sim.wait_for("both are there", 10 * SECOND, |sim| got(sim).iter().all(|count| *count > 50));
        sim.shape(1, Direction::Down, NARROW);
        let seconds: Vec<_> = (0..20)
            .map(|_| {
                forget_received(&mut sim);
                sim.run(SECOND);
                got(&sim)
            })
            .collect();
        let sound: usize = seconds[3..].iter().map(|second| second[0]).sum();
        assert!(sound >= 17 * 49, "seed {seed}: {sound} of 850 packets of sound: {seconds:?}");
        let pauses = seconds[3..].chunks(4).filter(|four| four.iter().all(|second| second[1] == 0)).count();
        assert_eq!(pauses, 0, "seed {seed}: the screen stands still: {seconds:?}");
    }
}

/// A keyframe of ordinary size has left 60 ms after it came here, though what goes to a narrow line is paced. The line is made wide
/// for the moment, so that what the keyframe takes longer than the way is what it has waited here.
#[test]
fn a_paced_keyframe_leaves_soon() {
    for (seed, (rate, layer)) in (380..).zip([(2_500_000, 2), (1_000_000, 1), (500_000, 0)]) {
        let mut sim = SimRoom::estimating(seed, WIDE);
        sim.join("sender", Mode::Single);
        sim.join("watcher", Mode::Single);
        sim.announce(0, Sent::new(0, MediaKind::Audio, SOUND, &[]).rated(&[SOUND_RATE]), |_| {});
        let picture = Sent::new(0, MediaKind::Video, PICTURE, &["q", "h", "f"]).rated(&LAYERS);
        sim.announce(0, picture.with_keyframes(&[8_000, 18_000, 40_000]), |_| {});
        sim.wait_for("it sees the best", 5 * SECOND, |sim| got(sim, 1)[3] > 50);
        // It carries less at first, so that its end is known whatever it carries then.
        let narrow = Conditions { rate, ..WIDE };
        for line in [NARROW, narrow] {
            sim.shape(1, Direction::Down, line);
            sim.run(12 * SECOND);
        }
        let mut waited = Vec::new();
        for _ in 0..5 {
            forget_received(&mut sim);
            sim.link.trace = Some(Vec::new());
            sim.shape(1, Direction::Down, WIDE);
            sim.clients[0].sent[1].begin_anew();
            sim.run(SECOND / 4);
            sim.shape(1, Direction::Down, narrow);
            let mut pictures = got(&sim, 1);
            assert!(std::mem::take(&mut pictures[layer + 1]) > 0, "seed {seed}: {pictures:?}");
            assert_eq!(pictures[1..], [0; 3], "seed {seed}: another layer");
            waited.push(waits(&mut sim).as_millis());
            sim.run(3 * SECOND);
        }
        assert!(waited.iter().all(|waited| *waited <= 60), "{rate} bit/s: {waited:?} ms");
    }
}

/// How long the last packet of the keyframe that was traced waited between both ways.
fn waits(sim: &mut SimRoom) -> Duration {
    let sender = &sim.clients[0];
    let (began, address) = (sender.sent[1].began.expect("sent"), sender.publisher.address);
    let (_, came) = sim.clients[1].keyframes[&sender.sent[1].sid];
    // All packets of a picture leave together.
    let leaves =
        |(at, from, _, bytes): &(_, _, _, u64)| (*from == address && *at >= began && *bytes > 300).then_some(*at);
    let left = sim.link.trace.take().and_then(|trace| trace.iter().find_map(leaves)).expect("traced");
    let took = came.checked_duration_since(left).expect("this one came");
    took.checked_sub(2 * WIDE.delay).expect("as long as the way is")
}

/// Where not even the lowest layers fit, pictures cease for clients that said they may, and these are told.
#[test]
fn pictures_cease_only_where_they_may() {
    for may_pause in [false, true] {
        let mut sim = watched(330, WIDE, &[]);
        let watcher = join_to_watch(&mut sim, may_pause);
        sim.wait_for("it sees the best", 5 * SECOND, |sim| got(sim, watcher)[3] > 50);
        let cap = |sim: &mut SimRoom, bits| {
            let scenario = Some(Scenario::SubscriberBandwidth(bits));
            sim.request(watcher, Request::Simulate(proto::SimulateScenario { scenario }));
        };
        let told = |sim: &SimRoom, state: proto::StreamState| {
            let is =
                |info: &proto::StreamStateInfo| info.track_sid == sim.clients[0].sent[1].sid && info.state() == state;
            sim.clients[watcher].messages.iter().any(
                |message| matches!(message, Response::StreamStateUpdate(update) if update.stream_states.iter().any(is)),
            )
        };
        cap(&mut sim, 300_000);
        sim.run(2 * SECOND);
        assert_eq!(seconds(&mut sim, watcher, 1), [[50, 50, 0, 0]]);
        cap(&mut sim, 100_000);
        sim.run(2 * SECOND);
        let pictures = if may_pause { 0 } else { 50 };
        assert_eq!(seconds(&mut sim, watcher, 1), [[50, pictures, 0, 0]]);
        assert_eq!(told(&sim, proto::StreamState::Paused), may_pause);
        assert!(!told(&sim, proto::StreamState::Active));
        cap(&mut sim, 0);
        sim.run(10 * SECOND);
        assert_eq!(seconds(&mut sim, watcher, 1), [[50, 0, 0, 200]]);
        assert_eq!(told(&sim, proto::StreamState::Active), may_pause);
    }
}

/// Above 80 % load pictures become smaller, above 90 % nobody new comes in, but who was there comes back.
#[test]
fn a_busy_machine_sheds_pictures_and_then_newcomers() {
    let mut sim = watched(340, WIDE, &[Mode::Single]);
    sim.wait_for("it sees the best", 5 * SECOND, |sim| got(sim, 1)[3] > 50);
    sim.node.set_load(sim.now, 0.85);
    sim.run(2 * SECOND);
    assert_eq!(seconds(&mut sim, 1, 1), [[50, 0, 100, 0]]);
    sim.join("one more", Mode::Single);
    for reading in 0..5 {
        sim.join(&format!("in reading {reading}"), Mode::Single);
        sim.node.set_load(sim.now, 0.95);
    }
    let refused = sim.join_as(claims("too many", "room"), Mode::Single).expect_err("no room");
    assert_eq!(refused.status, 503);
    sim.resume(1);
    sim.run(2 * SECOND);
    assert_eq!(seconds(&mut sim, 1, 1), [[50, 50, 0, 0]]);
    // As livekit-client does where a resume does not help: a new session under the old name.
    sim.vanish(1);
    sim.join("watcher-0", Mode::Single);
    let elsewhere = sim.join_as(claims("watcher-0", "another room"), Mode::Single).expect_err("nobody there knows it");
    assert_eq!(elsewhere.status, 503);
    sim.node.set_load(sim.now, 0.5);
    sim.join("again one more", Mode::Single);
}

/// A line carries not even the lowest layer, or nothing at all, for a while; the client lets pictures cease. They come back, although
/// nothing was sent that could tell that there is room again.
#[test]
fn pictures_that_ceased_come_back() {
    let tunnel = Conditions { loss: 1.0, ..WIDE };
    let trickle = Conditions { rate: 100_000, ..WIDE };
    for (seed, conditions) in [(360, trickle), (361, tunnel)] {
        let mut sim = watched(seed, WIDE, &[]);
        let watcher = join_to_watch(&mut sim, true);
        sim.wait_for("it sees the best", 5 * SECOND, |sim| got(sim, watcher)[3] > 50);
        sim.shape(watcher, Direction::Down, conditions);
        sim.run(6 * SECOND);
        sim.shape(watcher, Direction::Down, WIDE);
        sim.run(20 * SECOND);
        let back = seconds(&mut sim, watcher, 1);
        assert!(back[0][0] >= 49 && back[0][3] >= 190, "seed {seed}: {back:?}");
    }
}

/// Somebody's address changes in the middle of a narrow line: sound and picture are back.
#[test]
fn a_new_address_in_a_bad_moment() {
    let mut sim = watched(350, WIDE, &[Mode::Single]);
    sim.wait_for("it sees the best", 5 * SECOND, |sim| got(sim, 1)[3] > 50);
    sim.shape(1, Direction::Down, Conditions { loss: 0.05, ..NARROW });
    sim.run(SECOND);
    sim.clients[1].publisher.move_to("10.99.0.1:7000".parse().expect("an address"));
    sim.shape(1, Direction::Down, Conditions { loss: 0.05, ..NARROW });
    sim.resume(1);
    sim.run(3 * SECOND);
    let back = seconds(&mut sim, 1, 3);
    let [sound, pictures] = [0, 1]
        .map(|kind| back.iter().map(|second| if kind == 0 { second[0] } else { second[1] + second[2] }).sum::<usize>());
    assert!(sound >= 135 && pictures >= 45, "{back:?}");
}
