//! Synthetic participants against the real server, in this process, over real sockets on loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use livekit_server::Protocol;
use load::{AudioPlan, LoadError, Participant, Path, Plan, Process, Scenario, Target, VideoPlan, Window};
use signal::token::ApiKeys;

/// Everything here takes well under a second; a machine that compiles beside it may need longer.
const LIMIT: Duration = Duration::from_secs(30);

async fn server() -> (livekit_server::Handle, Target) {
    server_at(IpAddr::V4(Ipv4Addr::LOCALHOST), 1).await
}

/// A server whose media is reached at this address, with so many media threads.
async fn server_at(ip: IpAddr, threads: usize) -> (livekit_server::Handle, Target) {
    let keys = Arc::new(ApiKeys::new(vec![("key".into(), "a-secret-of-some-length-for-tests".into())]));
    let mut config = livekit_server::Config::new(keys);
    config.rtc.udp_port = 0;
    config.rtc.tcp_port = Some(0);
    config.rtc.node_ips = vec![ip];
    config.rtc.media_threads = threads;
    let handle = livekit_server::Server::start(config).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = handle.standalone_router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (handle, Target::new(&url, "key", "a-secret-of-some-length-for-tests").unwrap())
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

async fn seen(participant: &mut Participant, what: &str, condition: impl Fn(&load::Stats) -> bool) {
    if !within(what, participant.until(&condition)).await {
        panic!("{what}: the participant ended: {:?}", participant.stats().ended);
    }
}

/// One over UDP, one over ICE-TCP, and nothing over IPv4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_flows_over_ipv6() {
    let (handle, target) = server_at(IpAddr::V6(Ipv6Addr::LOCALHOST), 2).await;
    let told = handle.addresses().candidates.iter().map(|one| one.advertised).filter(SocketAddr::is_ipv6);
    let [udp, tcp] = told.collect::<Vec<_>>()[..] else { panic!("one address for UDP and one for TCP") };
    let mut participants = Vec::new();
    for (identity, path) in [("over UDP", Path::UdpTo(udp)), ("over TCP", Path::TcpTo(tcp))] {
        let (audio, video) = (Some(AudioPlan::default()), Some(VideoPlan::default()));
        let plan = Plan { path, audio, video, ..Plan::watcher("ipv6", identity) };
        participants.push(Participant::join(&target, plan).await.unwrap());
    }
    for participant in &mut participants {
        seen(participant, "a second of media", |stats| stats.totals().audio > 50 && stats.totals().video > 50).await;
    }
    for participant in participants {
        participant.leave().await;
    }
    handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_participants_exchange_sound_and_picture() {
    let (handle, target) = server().await;
    let plan = |identity: &str, video: VideoPlan| Plan {
        audio: Some(AudioPlan::default()),
        video: Some(video),
        ..Plan::watcher("two", identity)
    };
    let mut first = Participant::join(&target, plan("first", VideoPlan::default())).await.unwrap();
    seen(&mut first, "connection", |stats| stats.join.connected.is_some()).await;
    let layered = VideoPlan { simulcast: true, ..VideoPlan::default() };
    let mut second = Participant::join(&target, plan("second", layered)).await.unwrap();
    for participant in [&mut first, &mut second] {
        seen(participant, "both streams", |stats| stats.audio_streams() == 1 && stats.video_streams() == 1).await;
        seen(participant, "a keyframe", |stats| stats.keyframes_received > 0).await;
        seen(participant, "a second of media", |stats| stats.totals().audio > 50 && stats.totals().video > 50).await;
        let stats = participant.stats();
        // A busy machine loses some where a socket's buffer fills up; so much is lost only where something is broken.
        assert!(stats.totals().loss() < 0.2, "{:?}", stats.totals());
        assert!(stats.delay.quantile(0.5).unwrap() < Duration::from_secs(1));
        let join = stats.join;
        assert!(join.upgraded < join.signalled && join.signalled < join.answered, "{join:?}");
        assert!(join.answered <= join.ice && join.ice <= join.connected, "{join:?}");
        assert!(join.connected < join.first_packet && join.first_packet <= join.first_keyframe, "{join:?}");
    }
    within("leaving", first.leave()).await;
    within("leaving", second.leave()).await;
    within("shutdown", handle.shutdown()).await;
}

/// Two rooms on two threads, people who come over UDP and over TCP: all get what is theirs through the one port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_on_several_threads_share_the_ports() {
    let (handle, target) = server_at(IpAddr::V4(Ipv4Addr::LOCALHOST), 3).await;
    let tcp = handle.addresses().candidates.iter().find(|one| one.protocol == Protocol::TcpPassive).unwrap().advertised;
    let mut people = Vec::new();
    for room in ["one", "two"] {
        for (identity, path) in [("over-udp", Path::Udp), ("over-tcp", Path::TcpTo(tcp))] {
            let (audio, video) = (Some(AudioPlan::default()), Some(VideoPlan::default()));
            let plan = Plan { path, audio, video, ..Plan::watcher(room, identity) };
            people.push(Participant::join(&target, plan).await.unwrap());
        }
    }
    for person in &mut people {
        seen(person, "the other's streams", |stats| stats.audio_streams() == 1 && stats.video_streams() == 1).await;
        seen(person, "a keyframe", |stats| stats.keyframes_received > 0).await;
        seen(person, "a second of media", |stats| stats.totals().audio > 50 && stats.totals().video > 50).await;
        assert!(person.stats().totals().loss() < 0.2, "{:?}", person.stats().totals());
    }
    let published = async {
        while handle.stats_each().iter().filter(|one| one.rooms == 1 && one.packets_out > 100).count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    within("two threads that send", published).await;
    let each = handle.stats_each();
    assert!(each[3].packets_in > 100 && each[..3].iter().all(|one| one.packets_in == 0), "one thread reads: {each:?}");
    for person in people {
        within("leaving", person.leave()).await;
    }
    within("shutdown", handle.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_gets_more_sections_than_it_offered_at_first() {
    let (handle, target) = server().await;
    let mut watcher =
        Participant::join(&target, Plan { sections: (1, 1), ..Plan::watcher("many", "w") }).await.unwrap();
    let mut publishers = Vec::new();
    for index in 0..4 {
        let (audio, video) = (Some(AudioPlan::default()), Some(VideoPlan { frame_packets: 1, ..VideoPlan::default() }));
        let plan = Plan::publisher("many", format!("p{index}"), audio, video);
        publishers.push(Participant::join(&target, plan).await.unwrap());
    }
    seen(&mut watcher, "all streams", |stats| stats.audio_streams() >= 4 && stats.video_streams() >= 4).await;
    for publisher in publishers {
        assert_eq!(publisher.stats().totals().packets(), 0, "it did not subscribe");
        within("leaving", publisher.leave()).await;
    }
    within("leaving", watcher.leave()).await;
    within("shutdown", handle.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_key_is_refused() {
    let (handle, target) = server().await;
    let foreign = Target::new(target.url(), "key", "another-secret").unwrap();
    let refused = Participant::join(&foreign, Plan::watcher("room", "x")).await;
    assert!(matches!(refused, Err(LoadError::WebSocket(_))), "{refused:?}");
    within("shutdown", handle.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_measures_what_flows() {
    for threads in [1, 3] {
        every_scenario(threads).await;
    }
}

async fn every_scenario(threads: usize) {
    let (handle, target) = server_at(IpAddr::V4(Ipv4Addr::LOCALHOST), threads).await;
    let window = Window { settle: Duration::ZERO, measure: Duration::from_millis(500) };
    let own = Some(Process::own());
    let cases = [
        (Scenario::Forward { watchers: 2, loss_percent: 20 }, (false, true)),
        (Scenario::Audio { speakers: 2, listeners: 3 }, (true, false)),
        (Scenario::Meeting { rooms: 2, participants: 3 }, (true, true)),
    ];
    for (scenario, (audio, video)) in cases {
        let outcome = within("a scenario", load::measure(&target, own, scenario, window)).await.unwrap();
        let totals = outcome.totals;
        assert_eq!((totals.audio > 0, totals.video > 0), (audio, video), "{scenario:?}: {totals:?}");
        assert!(outcome.measured >= window.measure && outcome.server_cpu.is_some(), "{scenario:?}");
    }
    let memory = within("memory", load::measure(&target, own, Scenario::Memory { subscribers: 2 }, window)).await;
    assert_eq!(memory.unwrap().resident_each.len(), 2);
    let joins = within("joins", load::measure(&target, own, Scenario::Join { joins: 2 }, window)).await.unwrap().joins;
    assert_eq!(joins.iter().filter(|join| join.first_keyframe.is_some()).count(), 2);
    for (scenario, joins) in
        [(Scenario::Entrances { watchers: 2 }, 25), (Scenario::SlowReaders { watchers: 2, readers: 1 }, 0)]
    {
        let outcome = within("something beside", load::measure(&target, own, scenario, window)).await.unwrap();
        let beside = outcome.beside.expect("measured");
        assert!(!beside.before.delay_p99.is_zero() && !beside.meanwhile.delay_p99.is_zero(), "{beside:?}");
        assert_eq!(outcome.joins.len(), joins, "{scenario:?}");
        assert!(outcome.joins.iter().all(|join| join.signalled.is_some() && join.connected.is_none()));
    }
    let storm = within("a storm", load::measure(&target, own, Scenario::Storm { joins: 4 }, window)).await.unwrap();
    assert_eq!(storm.joins.len(), 4);
    assert!(storm.storm.unwrap().all_in >= Duration::from_millis(150), "{:?}", storm.storm);
    let churn = within("churn", load::measure(&target, own, Scenario::Churn { joins: 20 }, window)).await.unwrap();
    assert!(churn.churn.unwrap().descriptors.0 > 0);
    within("shutdown", handle.shutdown()).await;
}

/// Figures are worth nothing where somebody got nothing: a room that never fills is an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_ends_the_measurement() {
    let (handle, target) = server().await;
    // Long enough for a busy machine to stop the server within it.
    let window = Window { settle: Duration::ZERO, measure: Duration::from_secs(10) };
    let measuring = tokio::spawn(async move {
        load::measure(&target, None, Scenario::Forward { watchers: 1, loss_percent: 0 }, window).await
    });
    let flows = async {
        while handle.stats().packets_out == 0 {
            tokio::task::yield_now().await;
        }
    };
    within("media flows", flows).await;
    within("shutdown", handle.shutdown()).await;
    assert!(within("the end", measuring).await.unwrap().is_err());
}
