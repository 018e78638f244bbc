//! The rooms that are open: few, short-lived, and each known by a secret id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use kit::{Network, UnixMillis};
use load::Participant;
use tokio_util::sync::CancellationToken;

use super::third;
use crate::app::App;
use crate::features::livekit::{self, proto};

/// How long a room is open.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);
/// Rooms at once, in all and of one client network: each costs about a megabit a second and connection.
const ROOMS_MAX: usize = 20;
const ROOMS_OF_NETWORK_MAX: usize = 5;
/// Share of its time in which the busiest media thread works, above which there is no room: calls come first, long before pictures
/// become smaller.
const LOAD_MAX: f64 = 0.6;

/// The open rooms by their id.
#[derive(Debug, Default)]
pub struct SelftestRooms(Mutex<HashMap<String, Open>>);

#[derive(Debug, Clone)]
struct Open {
    network: Network,
    expires_at: UnixMillis,
    stop: CancellationToken,
    third: Arc<OnceLock<Participant>>,
}

/// A room that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) room: String,
    pub(super) expires_at: UnixMillis,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Unopened {
    /// As many as there may be are open, or the media server has enough to do with calls.
    Full,
    Livekit(livekit::Error),
}

/// What our participant has sent and seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connected: bool,
    pub(super) audio_streams: usize,
    pub(super) video_streams: usize,
    pub(super) totals: load::Totals,
}

impl SelftestRooms {
    /// Opens a room for `network` and lets our participant into it.
    pub(super) async fn open(app: &App, network: Network) -> Result<Opened, Unopened> {
        let opened = Opened {
            id: kit::new_token(&*app.entropy).expose().to_owned(),
            room: format!("selftest-{}", app.new_id()),
            expires_at: app.now().plus(LIFETIME),
        };
        let open = Open { network, expires_at: opened.expires_at, stop: app.stop.child_token(), third: Arc::default() };
        let load = app.media.as_ref().map_or(0.0, |media| media.stats().load);
        if !app.selftests.take_place(&opened.id, &open, load) {
            return Err(Unopened::Full);
        }
        let request = proto::CreateRoomRequest {
            name: opened.room.clone(),
            empty_timeout: u32::try_from(LIFETIME.as_secs()).unwrap_or(u32::MAX),
            departure_timeout: 5,
            max_participants: 3,
            ..Default::default()
        };
        if let Err(error) = app.livekit.create_room(&request).await {
            app.selftests.close(&opened.id);
            return Err(Unopened::Livekit(error));
        }
        tokio::spawn(host(app.clone(), opened.id.clone(), opened.room.clone(), open));
        Ok(opened)
    }

    /// What our participant has seen, and until when; `None` where no such room is open.
    pub(super) fn look(&self, id: &str) -> Option<(UnixMillis, Seen)> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id)?.clone();
        let seen = open.third.get().map(|third| {
            third.look(|stats| Seen {
                connected: stats.join.connected.is_some() && stats.ended.is_none(),
                audio_streams: stats.audio_streams(),
                video_streams: stats.video_streams(),
                totals: stats.totals(),
            })
        });
        Some((open.expires_at, seen.unwrap_or_default()))
    }

    /// Closes the room, if it is open.
    pub(super) fn close(&self, id: &str) {
        if let Some(open) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            open.stop.cancel();
        }
    }

    /// `load`: how busy the media server is, from 0 to 1.
    fn take_place(&self, id: &str, open: &Open, load: f64) -> bool {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = rooms.values().filter(|other| other.network == open.network).count();
        let free = load <= LOAD_MAX && rooms.len() < ROOMS_MAX && of_network < ROOMS_OF_NETWORK_MAX;
        if free {
            rooms.insert(id.to_owned(), open.clone());
        }
        free
    }
}

/// Our participant's visit: until the page is done, or the time is over.
async fn host(app: App, id: String, room: String, open: Open) {
    let visit = async {
        match third::join(&app, &room, &open.stop).await {
            // Nobody else sets it.
            Ok(participant) => drop(open.third.set(participant)),
            Err(error) => tracing::warn!(%error, "our participant of a self-test could not join"),
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = visit => {}
        () = open.stop.cancelled() => {}
        () = tokio::time::sleep(LIFETIME) => {}
    }
    app.selftests.close(&id);
    if let Err(error) = app.livekit.delete_room(&room).await {
        tracing::debug!(%error, "the room of a self-test could not be deleted; it closes by itself");
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// One network cannot take all places, a place that is given back is free again, and above a load there is none.
    #[test]
    fn places_are_few() {
        let rooms = SelftestRooms::default();
        let of = |last: u8| Open {
            network: Network::of(IpAddr::from([192, 0, 2, last])),
            expires_at: UnixMillis(0),
            stop: CancellationToken::new(),
            third: Arc::default(),
        };
        let taken = |last: u8| {
            let ids = (0..10).map(|number| format!("{last}-{number}"));
            ids.filter(|id| rooms.take_place(id, &of(last), LOAD_MAX)).count()
        };
        assert!(!rooms.take_place("busy", &of(1), LOAD_MAX + 0.001));
        assert_eq!((taken(1), taken(1)), (ROOMS_OF_NETWORK_MAX, 0));
        rooms.close("1-0");
        assert_eq!(taken(1), 1);
        assert_eq!((2..10).map(taken).sum::<usize>(), ROOMS_MAX - ROOMS_OF_NETWORK_MAX);
        assert!(rooms.look("1-3").is_some() && rooms.look("unknown").is_none());
    }
}
