//! A client that reaches us through TURN only.

use std::time::Duration;

use proto::signal_response::Message as Response;
use str0m::media::MediaKind;
use testkit::link::{Conditions, Wire};

use livekit_protocol as proto;

use crate::all_hear_all;
use crate::sim::{Mode, SimRoom};

/// Nothing of its media takes another way, and it hears and is heard like all.
#[test]
fn a_relayed_client_hears_and_is_heard() {
    for mut sim in [SimRoom::new(400, Conditions::PERFECT), SimRoom::behind(402, Conditions::PERFECT)] {
        relayed_to_and_fro(&mut sim);
    }
}

/// Three people hear and see each other, one of them through TURN.
fn three_meet(sim: &mut SimRoom, modes: [Mode; 3], relayed: usize) {
    for (index, mode) in modes.into_iter().enumerate() {
        sim.join(&format!("person-{index}"), mode);
        if index == relayed {
            sim.relay(index);
        }
        let mark = u8::try_from(index).expect("few") * 2 + 1;
        sim.publish(index, MediaKind::Audio, mark);
        sim.publish(index, MediaKind::Video, mark + 1);
    }
    sim.wait("all hear all", |sim| all_hear_all(sim, 50));
}

fn relayed_to_and_fro(sim: &mut SimRoom) {
    three_meet(sim, [Mode::Single, Mode::Single, Mode::Dual], 0);
    let (counters, allocations) = sim.turn();
    assert!(counters.relayed_in > 100 && counters.relayed_out > 200, "{counters:?}");
    assert_eq!((counters.relay_dropped, allocations), (0, 1));
    // Its own address is known to the TURN server and to nobody else.
    let own = sim.clients[0].publisher.address;
    let unknown = sim.unknown_datagrams();
    sim.inject(&Wire { from: own, to: own, bytes: vec![128; 40] });
    assert_eq!(sim.unknown_datagrams(), unknown + 1);
    // Who sends as if from a relayed address is not heard at all.
    let relayed = sim.relayed.values().find_map(|turn| turn.relayed).expect("allocated");
    sim.inject(&Wire { from: relayed, to: own, bytes: vec![128; 40] });
    assert_eq!(sim.unknown_datagrams(), unknown + 1);
    sim.release(0);
    sim.wait("the allocation is gone", |sim| sim.turn().1 == 0);
}

/// The same where everything is IPv6: one directly, one with two peer connections, one through TURN.
#[test]
fn all_hear_all_over_ipv6() {
    let mut sim = SimRoom::over_ipv6(402, Conditions::PERFECT);
    three_meet(&mut sim, [Mode::Single, Mode::Dual, Mode::Single], 2);
    let relayed = sim.relayed.values().find_map(|turn| turn.relayed).expect("allocated");
    assert!(relayed.is_ipv6(), "{relayed}");
    assert!(sim.clients.iter().all(|client| client.publisher.address.is_ipv6()));
    sim.release(2);
    sim.wait("the allocation is gone", |sim| sim.node.sizes().allocations == 0);
}

/// Each is told its own, and new ones when it comes back.
#[test]
fn credentials_are_made_for_one_participant_and_renewed() {
    let mut sim = SimRoom::new(401, Conditions::PERFECT);
    let (anna, bert) = (sim.join("anna", Mode::Single), sim.join("bert", Mode::Single));
    let user_name = |sim: &SimRoom, index: usize| {
        let server = sim.clients[index].ice_server().expect("told");
        let (expiry, sid) = server.username.split_once(':').expect("expiry:sid");
        assert_eq!(sid, sim.clients[index].sid);
        (expiry.parse::<u64>().expect("seconds"), server.credential)
    };
    let (first, password) = user_name(&sim, anna);
    assert_eq!(first, 1_700_000_060);
    assert_ne!(user_name(&sim, bert).1, password);
    sim.wait("in", |sim| sim.clients.iter().all(|client| client.publisher.connected));
    sim.run(Duration::from_secs(5));
    sim.clients[anna].messages.clear();
    sim.resume(anna);
    assert!(matches!(sim.clients[anna].messages.first(), Some(Response::Reconnect(_))));
    let (second, renewed) = user_name(&sim, anna);
    assert!(second >= first + 5 && renewed != password, "{second}");
}
