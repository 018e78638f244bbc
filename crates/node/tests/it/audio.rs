//! Speech over networks that lose packets.

use std::time::Duration;

use livekit_protocol::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::all_hear_all;
use crate::sim::{Mode, SimRoom};

/// Ticks of one audio packet of the simulated clients.
const TICKS: u64 = 960;

/// People with redundant audio, but those named.
fn room(seed: u64, modes: &[Mode], without: &[usize], publish: impl Fn(&mut SimRoom, usize)) -> SimRoom {
    let mut sim = SimRoom::new(seed, Conditions::PERFECT);
    for (index, mode) in modes.iter().enumerate() {
        sim.red = !without.contains(&index);
        sim.join(&format!("person-{index}"), *mode);
        publish(&mut sim, index);
    }
    sim.wait("all hear all", |sim| all_hear_all(sim, 5));
    sim
}

fn speak(sim: &mut SimRoom, index: usize) {
    sim.publish(index, MediaKind::Audio, u8::try_from(index).expect("few") + 1);
}

/// Frames that one client heard of another's only track since they were forgotten, and those it missed in between.
fn heard(sim: &SimRoom, listener: usize, speaker: usize) -> (u64, u64) {
    let sid = &sim.clients[speaker].sent[0].sid;
    let Some(frames) = sim.clients[listener].frames.get(sid) else { return (0, 0) };
    let (first, last) = (frames.first().expect("one at least"), frames.last().expect("one at least"));
    let heard = frames.len() as u64;
    (heard, (last - first) / TICKS + 1 - heard)
}

fn forget_frames(sim: &mut SimRoom) {
    sim.clients.iter_mut().for_each(|client| client.frames.clear());
}

/// Share of frames that never came, over all who listen.
fn missed(sim: &SimRoom, listeners: &[usize], speakers: &[usize]) -> f64 {
    let (mut came, mut missed) = (0, 0);
    for listener in listeners {
        for speaker in speakers.iter().filter(|speaker| *speaker != listener) {
            let (frames, gaps) = heard(sim, *listener, *speaker);
            came += frames;
            missed += gaps;
        }
    }
    missed as f64 / (came + missed).max(1) as f64
}

/// Who has redundant audio gets it as it was sent, the others its newest frames.
#[test]
fn redundant_audio_is_for_those_who_take_it() {
    let mut sim = room(80, &[Mode::Single, Mode::Dual, Mode::Single, Mode::Dual], &[2, 3], speak);
    forget_frames(&mut sim);
    let takes = |sim: &SimRoom, client: usize| {
        let client = &sim.clients[client];
        client.subscriber.as_ref().unwrap_or(&client.publisher).red_type().is_some()
    };
    assert_eq!([0, 1, 2, 3].map(|client| takes(&sim, client)), [true, true, false, false]);
    sim.run(Duration::from_secs(10));
    for listener in 0..4 {
        for speaker in (0..4).filter(|speaker| *speaker != listener) {
            let (frames, missed) = heard(&sim, listener, speaker);
            assert!(frames > 490 && missed == 0, "{listener} heard {frames} of {speaker} and missed {missed}");
        }
    }
    assert_eq!(sim.node.counters().restored, 0, "nothing was lost");
}

/// A track that is announced without redundancy is answered without.
#[test]
fn a_track_may_do_without_redundancy() {
    let mut sim = room(81, &[Mode::Single, Mode::Single], &[], |sim, index| {
        let mark = u8::try_from(index).expect("few") + 1;
        sim.publish_with(index, MediaKind::Audio, mark, |add| add.disable_red = index == 0);
    });
    sim.run(Duration::from_secs(1));
    let receives_red = |sdp: &str| {
        sdp.split("m=audio").any(|section| section.contains("a=recvonly") && section.contains(" red/48000"))
    };
    let answered = |client: usize| {
        sim.clients[client].messages.iter().any(|message| match message {
            Response::Answer(answer) => receives_red(&answer.sdp),
            _ => false,
        })
    };
    assert_eq!((answered(0), answered(1)), (false, true));
}

/// One packet in ten is lost on each way, or one in twenty in bursts. What is lost on its way to us is restored for
/// everybody; on both ways together, who has redundant audio misses about one frame in twenty.
#[test]
fn speech_is_whole_at_ten_percent_loss() {
    let rough =
        Conditions { delay: Duration::from_millis(100), jitter: Duration::from_millis(8), ..Conditions::PERFECT };
    for (name, loss, burst, with, without) in [
        ("random", 0.1, 1.0, 0.06, 0.13),
        ("bursts of two", 0.05, 2.0, 0.06, 0.09),
        ("bursts of three", 0.05, 3.0, 0.08, 0.1),
    ] {
        let mut sim = room(82, &[Mode::Single, Mode::Dual, Mode::Single], &[2], speak);
        sim.link.conditions = Conditions { loss, burst, ..rough };
        sim.run(Duration::from_secs(1));
        forget_frames(&mut sim);
        sim.run(Duration::from_secs(60));
        let redundant = missed(&sim, &[0, 1], &[0, 1]);
        let plain = missed(&sim, &[2], &[0, 1]);
        assert!(sim.node.counters().restored > 100, "{name}");
        assert!(redundant < with, "{name}: missed {redundant}");
        assert!(plain < without, "{name}: missed {plain}");
    }
}
