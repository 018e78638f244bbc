//! Starting the server: ports, threads, and who hands what to whom.

use std::io;
use std::sync::Arc;

use kit::{Clock as _, Entropy as _, SystemClock, SystemEntropy};
use mio::Poll;
use node::{Node, Relay, TurnLimits, TurnOptions};
use tokio::sync::mpsc;

use crate::address::{self, Advertised, Ports, advertise, interfaces};
use crate::command::Command;
use crate::config::{Config, RtcConfig};
use crate::handle::{Entrances, Handle};
use crate::ice_servers;
use crate::media::{Common, LISTENER, Media, unix_ms};
use crate::placement::Placement;
use crate::port::{Behind, Port};
use crate::receiver::{Desk, Receiver};
use crate::ring::{Batch, Ring};
use crate::routes::{RouteLog, Routes};
use crate::stats::Figures;
use crate::tcp::TcpPaths;
use crate::threads::Threads;
use crate::udp::MediaSocket;
use crate::ways::Ways;
use crate::webhook::Webhooks;

/// Commands waiting for a media thread at most; more wait in their callers.
const COMMANDS_MAX: usize = 1024;
/// News of TURN streams waiting for their thread at most; each stream waits with four.
const STREAM_NEWS_MAX: usize = 1024;
/// Webhook events between the media threads and their queues at most.
const WEBHOOKS_MAX: usize = 4096;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("UDP port {port} is in use by another process; set RTC_UDP_PORT to a free one")]
    PortInUse { port: u16 },
    #[error("cannot bind UDP port {port}: {source}; media needs UDP, or set LIVEKIT_URL to use another LiveKit server")]
    Bind { port: u16, source: io::Error },
    #[error("TCP port {port} is in use by another process; set RTC_TCP_PORT to a free one, or to `off`")]
    TcpPortInUse { port: u16 },
    #[error("cannot bind TCP port {port}: {source}; set RTC_TCP_PORT to another, or to `off`")]
    BindTcp { port: u16, source: io::Error },
    #[error("cannot start a media thread: {0}")]
    Thread(io::Error),
}

/// The embedded server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the UDP port and the TCP port of media, starts the media threads and the webhook sender. Must be called within a
    /// tokio runtime.
    pub fn start(config: Config) -> Result<Handle, StartError> {
        let (socket, tcp) = bind(&config.rtc)?;
        let advertised = Arc::new(told(&config.rtc, &socket, tcp.as_ref()));
        tracing::info!("{}", advertised.explain());
        let nodes = config.rtc.threads();
        let receivers = usize::from(nodes > 1);
        let polls = (0..nodes + receivers).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>();
        let mut polls = polls.map_err(StartError::Thread)?;
        let (events, event_receiver) = mpsc::channel(WEBHOOKS_MAX);
        let webhooks = Webhooks::start(&config.webhook, Arc::clone(&config.keys), (&events, event_receiver));
        let common = Common {
            threads: Threads::new(&polls).map_err(StartError::Thread)?,
            rooms: Placement::new(nodes),
            figures: Figures::new(polls.len()),
            advertised: Arc::clone(&advertised),
            webhooks: events,
        };
        let (streams, stream_news) = mpsc::channel(STREAM_NEWS_MAX);
        let ways = Ways::new(tcp, stream_news, advertised, SystemClock.instant());
        let node = node_config(&config, &common.advertised);
        let last = polls.pop();
        let started = match last {
            Some(poll) if polls.is_empty() => start_one(&node, &common, (socket, ways), poll),
            Some(poll) => start_several(&node, &common, (socket, ways), (polls, poll)),
            None => Err(io::Error::other("no thread")),
        };
        let commands = started.map_err(|error| {
            common.threads.stop();
            StartError::Thread(error)
        })?;
        let Common { threads, rooms, figures, advertised, .. } = common;
        Ok(Handle::new(config, advertised, webhooks, Entrances { threads, rooms, figures, commands, streams }))
    }
}

fn bind(rtc: &RtcConfig) -> Result<(MediaSocket, Option<TcpPaths>), StartError> {
    let port = rtc.udp_port;
    let socket = MediaSocket::bind(port).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port },
        _ => StartError::Bind { port, source },
    })?;
    let bind_tcp = |port| {
        let per_network = rtc.tcp_connections_per_network;
        let bound = TcpPaths::bind(port, LISTENER, per_network, SystemClock.instant());
        bound.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::TcpPortInUse { port },
            _ => StartError::BindTcp { port, source },
        })
    };
    Ok((socket, rtc.tcp_port.map(bind_tcp).transpose()?))
}

/// What clients are told.
fn told(rtc: &RtcConfig, socket: &MediaSocket, tcp: Option<&TcpPaths>) -> Advertised {
    let port = |bound, advertised: Option<u16>| address::Port { bound, advertised: advertised.unwrap_or(bound) };
    let ports = Ports {
        udp: port(socket.port(), rtc.advertised_udp_port),
        tcp: tcp.map(|tcp| port(tcp.port(), rtc.advertised_tcp_port)),
    };
    advertise(&interfaces(&rtc.interfaces), &rtc.node_ips, rtc.loopback, socket.ipv6(), ports)
}

type Started = io::Result<Vec<mpsc::Sender<Command>>>;

/// The only media thread has the ports itself: nothing stands between the socket and the node.
fn start_one(config: &node::Config, common: &Common, (socket, ways): (MediaSocket, Ways), poll: Poll) -> Started {
    let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
    let node = Node::new(config.clone(), seed(), SystemClock.instant(), unix_ms());
    let media = Media::new(node, (Port::Own(Box::new(socket)), ways), poll, receiver, common.clone(), 0)?;
    common.threads.spawn("media", media, Media::run)?;
    Ok(vec![sender])
}

/// A receiver reads the ports for several media threads.
fn start_several(
    config: &node::Config,
    common: &Common,
    (socket, ways): (MediaSocket, Ways),
    (polls, last): (Vec<Poll>, Poll),
) -> Started {
    let (log, back) = (Arc::new(RouteLog::default()), Arc::new(Ring::default()));
    let (mut commands, mut rings, mut media) = (Vec::new(), Vec::new(), Vec::new());
    let now = SystemClock.instant();
    let number = polls.len();
    for (thread, poll) in polls.into_iter().enumerate() {
        let inbox = Arc::new(Ring::default());
        rings.push((Arc::clone(&inbox), Batch::default()));
        let behind = Behind {
            thread,
            receiver: number,
            threads: Arc::clone(&common.threads),
            sender: socket.sender.again()?,
            inbox,
            taken: Batch::default(),
            back: Arc::clone(&back),
            returned: Batch::default(),
            routes: Arc::clone(&log),
        };
        let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
        let node = Node::behind_relay(config.clone(), seed(), now, unix_ms());
        // Nobody tells it of streams: they are the receiver's.
        let none = Ways::new(None, mpsc::channel(1).1, Arc::clone(&common.advertised), now);
        media.push(Media::new(node, (Port::Behind(Box::new(behind)), none), poll, receiver, common.clone(), thread)?);
        commands.push(sender);
    }
    let relay = Relay::new(&config.candidates, config.turn.as_ref(), now, unix_ms());
    let desk = Desk { relay, routes: Routes::new(log), rings, unknown: 0, dropped: 0 };
    let receiver = Receiver::new((socket, ways), last, common, number, (desk, back))?;
    common.threads.spawn("media-receiver", receiver, Receiver::run)?;
    for (thread, media) in media.into_iter().enumerate() {
        common.threads.spawn(&format!("media-{thread}"), media, Media::run)?;
    }
    Ok(commands)
}

/// What all nodes of a server are made of: to clients they are one.
fn node_config(config: &Config, advertised: &Advertised) -> node::Config {
    let secret = kit::new_token(&SystemEntropy);
    let mut id = [0; 6];
    SystemEntropy.fill(&mut id);
    let node_id = id.iter().fold(String::from("ND_"), |text, byte| text + &format!("{byte:02x}"));
    node::Config {
        node_id,
        candidates: advertised.candidates.clone(),
        ice_lite: config.rtc.ice_lite,
        send_side_bwe: config.rtc.send_side_bwe,
        ice_servers: ice_servers::all(&config.rtc, &advertised.candidates, &secret),
        turn: config.rtc.turn.then(|| TurnOptions { secret, limits: TurnLimits::default() }),
        keys: Arc::clone(&config.keys),
        room: config.room.clone(),
        limits: config.limits.clone(),
        simulate_scenarios: config.simulate_scenarios,
    }
}

/// Identifiers of one node are not those of another.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    SystemEntropy.fill(&mut seed);
    seed
}
