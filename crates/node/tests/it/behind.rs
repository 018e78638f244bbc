//! A node that is one of several behind a port: it gets nothing but what it has named.

use std::time::Duration;

use livekit_protocol as proto;
use proto::signal_request::Message as Request;
use testkit::link::Conditions;

use crate::sim::{Mode, SimRoom};
use crate::{all_hear_all, fill, forget_received};

/// What it tells is enough: also after ICE restarts, from new addresses, and for those who ask us and those whom we ask. When
/// all have gone, all of it has been taken back (that is checked at the end of the run).
#[test]
fn whoever_belongs_to_it_reaches_it() {
    for (seed, conditions) in [(500, Conditions::PERFECT), (501, Conditions::ROUGH)] {
        let mut sim = SimRoom::behind(seed, conditions);
        fill(&mut sim, &[Mode::Single, Mode::Dual, Mode::Single, Mode::Dual]);
        sim.wait("all hear all", |sim| all_hear_all(sim, 10));
        sim.clients[0].publisher.move_to("10.99.0.1:7000".parse().expect("an address"));
        sim.resume(0);
        sim.resume(1);
        forget_received(&mut sim);
        sim.wait("all hear all after the resume", |sim| all_hear_all(sim, 10));
        sim.request(2, Request::Leave(proto::LeaveRequest::default()));
        sim.run(Duration::from_millis(30));
        sim.clients[2].closed = true;
        forget_received(&mut sim);
        sim.wait("those who stayed hear each other", |sim| all_hear_all(sim, 10));
    }
}
