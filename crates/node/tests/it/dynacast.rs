//! Publishers send what is wanted, and nobody waits for a picture because of it.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::forget_received;
use crate::sim::{Mode, SimRoom, claims};

const LAYERS: [&str; 3] = ["q", "h", "f"];
/// The packets of each encoding carry this plus its number.
const MARK: u8 = 70;

/// Somebody who sends three encodings, and so many who watch.
fn watched(seed: u64, conditions: Conditions, mode: Mode, watchers: usize) -> SimRoom {
    let mut sim = SimRoom::new(seed, conditions);
    sim.join("sender", mode);
    for watcher in 0..watchers {
        sim.join(&format!("watcher-{watcher}"), mode);
    }
    sim.publish_layers(0, MediaKind::Video, MARK, &LAYERS);
    sim.wait("all see the best", |sim| (1..=watchers).all(|watcher| sees(sim, watcher, 2)));
    sim
}

/// Whether a watcher has got the encoding since it was forgotten.
fn sees(sim: &SimRoom, watcher: usize, encoding: u8) -> bool {
    sim.clients[watcher].count(&sim.clients[0].sent[0].sid, MARK + encoding) > 0
}

fn sees_anything(sim: &SimRoom, watcher: usize) -> bool {
    (0..3).any(|encoding| sees(sim, watcher, encoding))
}

fn wish(sim: &mut SimRoom, watcher: usize, disabled: bool, quality: proto::VideoQuality) {
    let track_sids = vec![sim.clients[0].sent[0].sid.clone()];
    let settings = proto::UpdateTrackSettings { track_sids, disabled, quality: quality as i32, ..Default::default() };
    sim.request(watcher, Request::TrackSetting(settings));
}

fn off(sim: &SimRoom) -> Vec<usize> {
    sim.clients[0].sent[0].off.iter().copied().collect()
}

/// What everybody stopped wanting stops after five seconds, what somebody wants comes at once; a publisher who sends
/// nothing for that reason is no bad line.
#[test]
fn encodings_that_nobody_wants_stop() {
    use proto::VideoQuality::{High, Low, Medium};
    for mode in [Mode::Single, Mode::Dual] {
        let mut sim = watched(90, Conditions::PERFECT, mode, 2);
        wish(&mut sim, 1, false, Low);
        sim.run(Duration::from_secs(7));
        assert!(off(&sim).is_empty(), "the other one still wants all");
        wish(&mut sim, 2, false, Medium);
        sim.run(Duration::from_millis(4900));
        assert!(off(&sim).is_empty(), "it may come back");
        sim.wait_for("the best stops", Duration::from_millis(200), |sim| off(sim) == [2]);
        wish(&mut sim, 2, true, High);
        sim.wait_for("only the lowest is left", Duration::from_millis(5100), |sim| off(sim) == [1, 2]);
        forget_received(&mut sim);
        sim.run(Duration::from_secs(1));
        assert!(sees(&sim, 1, 0) && !sees_anything(&sim, 2));
        wish(&mut sim, 1, true, High);
        sim.wait_for("nothing is sent", Duration::from_millis(5100), |sim| off(sim) == [0, 1, 2]);
        sim.run(Duration::from_secs(30));
        let graded = |message: &Response| match message {
            Response::ConnectionQuality(update) => update.updates.iter().map(|info| info.quality()).collect(),
            _ => Vec::new(),
        };
        let grades = sim.clients.iter().flat_map(|client| &client.messages).flat_map(graded);
        let bad = [proto::ConnectionQuality::Poor, proto::ConnectionQuality::Lost];
        assert!(grades.into_iter().all(|grade| !bad.contains(&grade)));
        forget_received(&mut sim);
        wish(&mut sim, 2, false, High);
        assert!(off(&sim).is_empty(), "at once");
        sim.wait_for("it is back", Duration::from_secs(1), |sim| sees(sim, 2, 2));
    }
}

/// An answer enables all encodings in browsers: what is wanted is told again, for whatever reason there was one.
#[test]
fn an_answer_does_not_bring_them_back() {
    let mut sim = watched(91, Conditions::PERFECT, Mode::Single, 1);
    wish(&mut sim, 1, false, proto::VideoQuality::Low);
    sim.wait("the better ones stop", |sim| off(sim) == [1, 2]);
    for round in 0..3 {
        sim.publish(0, MediaKind::Audio, 10 + round);
        sim.wait("answered", |sim| off(sim).is_empty());
        sim.wait_for("stopped again", Duration::from_secs(3), |sim| off(sim) == [1, 2]);
    }
}

/// A recorder gets the best, whatever it says; when it goes, nobody wants anything.
#[test]
fn a_recorder_wants_the_best() {
    let mut sim = watched(92, Conditions::PERFECT, Mode::Single, 1);
    let mut recorder = claims("recorder", "room");
    let grant = recorder.video.as_mut().expect("a grant");
    (grant.recorder, grant.hidden) = (true, true);
    let recorder = sim.join_as(recorder, Mode::Single).expect("admitted");
    wish(&mut sim, 1, true, proto::VideoQuality::Low);
    sim.run(Duration::from_secs(10));
    assert!(off(&sim).is_empty());
    sim.request(recorder, Request::Leave(proto::LeaveRequest::default()));
    sim.wait_for("nothing is sent", Duration::from_secs(6), |sim| off(sim) == [0, 1, 2]);
}

/// An element is hidden and shown fifty times, for moments and for so long that the publisher stops: there is a picture
/// each time it is shown, and a whole one.
#[test]
fn hidden_and_shown_there_is_a_picture_each_time() {
    for (seed, conditions, mode) in [(93, Conditions::PERFECT, Mode::Single), (94, Conditions::ROUGH, Mode::Dual)] {
        let mut sim = watched(seed, conditions, mode, 2);
        let mut random = testkit::random::Random::new(sim.seed);
        for round in 0..50 {
            let watcher = 1 + usize::try_from(random.below(2)).expect("two");
            let quality = [proto::VideoQuality::Low, proto::VideoQuality::Medium, proto::VideoQuality::High][round % 3];
            wish(&mut sim, watcher, true, quality);
            sim.run(Duration::from_millis(random.below(9_000)));
            forget_received(&mut sim);
            wish(&mut sim, watcher, false, quality);
            sim.wait_for("a picture", Duration::from_millis(1_500), |sim| sees_anything(sim, watcher));
        }
        sim.clients[1].messages.clear();
        // The network may lose the very first packet, which is sent again after those behind it.
        let broken: usize = sim.clients.iter().map(|client| client.undecodable).sum();
        assert!(broken == 0 || conditions.loss > 0.0, "{broken} packets of pictures without beginning");
    }
}

/// The publisher comes back with less than it sent before, as on a line that got narrow: that is shown.
#[test]
fn who_comes_back_with_less_is_seen() {
    let mut sim = watched(95, Conditions::PERFECT, Mode::Single, 1);
    sim.clients[0].dynacast = false;
    sim.clients[0].sent[0].off = [0, 1, 2].into();
    sim.run(Duration::from_secs(4));
    for encoding in 0..3u8 {
        sim.clients[0].sent[0].off = (0..3).filter(|other| *other != usize::from(encoding)).collect();
        forget_received(&mut sim);
        sim.wait_for("what there is", Duration::from_secs(2), |sim| sees(sim, 1, encoding));
        sim.clients[0].sent[0].off = [0, 1, 2].into();
        sim.run(Duration::from_secs(4));
    }
}
