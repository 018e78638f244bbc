//! Ten thousand come and leave: nothing of them is kept.

use std::time::Duration;

use livekit_protocol as proto;
use node::Sizes;
use proto::signal_request::Message as Request;
use str0m::media::MediaKind;
use testkit::link::Conditions;

use crate::sim::{Mode, SimRoom, claims};

/// Two join in each round.
const ROUNDS: usize = 5_000;
/// After so many of them, what is needed once has been allocated.
const WARM_UP: usize = 1_000;
/// Rooms that are used in turn, so that some end and begin anew.
const ROOMS: usize = 20;
/// All transports are given up and all rooms closed after this long.
const CLEAN: Duration = Duration::from_secs(120);

/// A speaker and a listener come into a room and leave, often before their media is connected; in one of ten rounds the
/// speaker is heard first. Most leave in order, some without a word, some because the API removes them.
fn round(sim: &mut SimRoom, number: usize) {
    let room = format!("room-{}", number % ROOMS);
    let modes = if number.is_multiple_of(2) { [Mode::Single, Mode::Dual] } else { [Mode::Dual, Mode::Single] };
    for (index, mode) in modes.into_iter().enumerate() {
        sim.join_as(claims(&format!("guest-{number}-{index}"), &room), mode).expect("admitted");
    }
    sim.publish(0, MediaKind::Audio, 1);
    sim.run(Duration::from_millis(20));
    if number.is_multiple_of(10) {
        sim.wait("the speaker is heard", |sim| sim.clients[1].hears(&sim.clients[0].sent[0].sid, 1, 1));
    }
    match number / 10 % 10 {
        2.. => [0, 1].map(|index| sim.request(index, Request::Leave(proto::LeaveRequest::default()))),
        1 => [0, 1].map(|index| sim.vanish(index)),
        0 => {
            sim.vanish(1);
            let identity = sim.clients[0].identity.clone();
            let gone = proto::RoomParticipantIdentity { room, identity, ..Default::default() };
            [(); 2].map(|()| drop(sim.api(node::ApiCall::RemoveParticipant(gone.clone()))))
        }
    };
    sim.clients.clear();
    sim.webhooks.clear();
}

#[test]
fn ten_thousand_come_and_go_and_leave_nothing() {
    let mut sim = SimRoom::new(600, Conditions::PERFECT);
    let [warm, last] = [0..WARM_UP, WARM_UP..ROUNDS].map(|rounds| {
        rounds.for_each(|number| round(&mut sim, number));
        sim.run(CLEAN);
        sim.link.forget_flows();
        assert_eq!(sim.node.sizes(), Sizes::default(), "something is kept");
        testkit::memory::live()
    });
    assert!(last <= warm + warm / 20, "{warm} bytes after {WARM_UP} rounds grew to {last}");
}
