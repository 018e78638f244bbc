//! The participant of ours: it sends sound and a picture, and counts what comes.

use std::net::Ipv4Addr;
use std::time::Duration;

use load::{AudioPlan, LoadError, Participant, Plan, Target, Transport, VideoPlan};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::LiveKitMode;

/// Its identity in the room.
pub const IDENTITY: &str = "heydok";
/// How long UDP is tried: on the server's own machine it takes milliseconds.
const UDP_LIMIT: Duration = Duration::from_secs(2);
/// 1.06 Mbit/s: what a camera of usual size needs.
const VIDEO: VideoPlan =
    VideoPlan { frames_per_second: 15, packet_bytes: 1100, frame_packets: 8, simulcast: false, still: true };

/// Bits of its video in a second.
pub(super) fn video_bitrate() -> u32 {
    VIDEO.frames_per_second * u32::try_from(VIDEO.packet_bytes * VIDEO.frame_packets * 8).unwrap_or(u32::MAX)
}

/// What it does in `room`.
pub fn plan(room: &str, identity: &str) -> Plan {
    Plan {
        subscribe: true,
        sections: (3, 3),
        ..Plan::publisher(room, identity, Some(AudioPlan::default()), Some(VIDEO))
    }
}

/// Joins over UDP, and over TCP where no media comes through: what is looked for is found all the same.
///
/// # Errors
/// Where it cannot join.
pub async fn enter(target: &Target, room: &str) -> Result<Participant, LoadError> {
    let mut participant = Participant::join(target, plan(room, IDENTITY)).await?;
    let connected = participant.until(|stats| stats.join.connected.is_some());
    if tokio::time::timeout(UDP_LIMIT, connected).await == Ok(true) {
        return Ok(participant);
    }
    let told = participant.look(|stats| stats.told.clone());
    // Its own machine's address is the last one told, and needs nobody's firewall.
    let Some(tcp) = told.iter().rev().find(|told| told.transport == Transport::Tcp) else { return Ok(participant) };
    participant.leave().await;
    Participant::join(target, Plan { path: load::Path::TcpTo(tcp.address), ..plan(room, IDENTITY) }).await
}

/// Lets it join. The embedded server is reached through a door on loopback that is open until `stop`, so that neither HOST nor
/// a certificate is in the way.
pub(super) async fn join(app: &App, room: &str, stop: &CancellationToken) -> Result<Participant, LoadError> {
    let url = match (&app.settings.livekit.mode, &app.media) {
        (LiveKitMode::External { server_url, .. }, _) => server_url.clone(),
        (LiveKitMode::Embedded, None) => return Err(LoadError::Protocol("there is no media server".to_owned())),
        (LiveKitMode::Embedded, Some(server)) => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let url = format!("http://{}", listener.local_addr()?);
            tokio::spawn(livekit_server::serve_http(listener, server.router(), stop.clone()));
            url
        }
    };
    let secrets = &app.secrets;
    let target = Target::new(&url, &secrets.livekit_api_key, secrets.livekit_api_secret.expose())?;
    enter(&target, room).await
}
