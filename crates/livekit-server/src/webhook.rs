//! Signed webhooks: one bounded queue per receiver and room, so that events of a room arrive in order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use kit::{Entropy as _, SystemEntropy};
use livekit_protocol::WebhookEvent;
use node::token::{ApiKeys, Claims, sign};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::WebhookConfig;
use crate::media::unix_ms;

/// Events of one room waiting for one receiver at most: livekit-server's number.
const QUEUE_MAX: usize = 100;
/// Requests under way to one receiver at most.
const CONCURRENT_MAX: usize = 32;
/// How often an event is repeated after a failure, and the bounds of the pause before (doubling).
const RETRIES_MAX: u32 = 4;
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a receiver may take.
const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// Life of a signature, in seconds.
const TOKEN_LIFE_S: u64 = 300;
/// Where the in-memory receiver is asked.
const MEMORY_PATH: &str = "/api/v1/webhooks/livekit";

/// What reaches the sender.
#[derive(Debug)]
pub(crate) enum Notice {
    Event(Box<WebhookEvent>),
    /// Answered once every event before it is in its queue.
    Flush(oneshot::Sender<()>),
}

/// The sender.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Arc<ApiKeys>,
    /// Key that signs; `None` = the first one.
    api_key: Option<String>,
    client: reqwest::Client,
    receivers: Vec<Arc<Receiver>>,
    memory: OnceLock<Arc<Receiver>>,
    tasks: TaskTracker,
    /// The same way that events take, so that a flush comes after them.
    notices: mpsc::WeakSender<Notice>,
}

/// One receiver and what waits for it, by room.
#[derive(Debug)]
struct Receiver {
    address: Address,
    rooms: Mutex<HashMap<String, Queue>>,
    concurrent: Semaphore,
}

#[derive(Debug)]
enum Address {
    Url(String),
    Memory(Router),
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Arc<WebhookEvent>>,
    /// Events dropped since the last one that was taken.
    dropped: i32,
}

impl Receiver {
    fn new(address: Address) -> Arc<Self> {
        Arc::new(Self { address, rooms: Mutex::default(), concurrent: Semaphore::new(CONCURRENT_MAX) })
    }

    /// Queues an event; true if the room has no worker yet.
    fn queue(&self, room: &str, event: Arc<WebhookEvent>) -> bool {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !rooms.contains_key(room);
        let queue = rooms.entry(room.to_owned()).or_default();
        if queue.waiting.len() >= QUEUE_MAX {
            queue.dropped = queue.dropped.saturating_add(1);
            metrics::counter!("heydok_webhook_events_dropped_total").increment(1);
        } else {
            queue.waiting.push_back(event);
            metrics::gauge!("heydok_webhook_events_waiting").increment(1.0);
        }
        is_new
    }

    /// The room's next event and how many were dropped before it; with the last one the room is forgotten.
    fn next(&self, room: &str) -> Option<(Arc<WebhookEvent>, i32)> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = rooms.get_mut(room)?;
        match queue.waiting.pop_front() {
            Some(event) => {
                metrics::gauge!("heydok_webhook_events_waiting").decrement(1.0);
                Some((event, std::mem::take(&mut queue.dropped)))
            }
            None => {
                rooms.remove(room);
                None
            }
        }
    }
}

impl Webhooks {
    /// Starts to send what `events` brings. Must be called within a tokio runtime.
    pub(crate) fn start(
        config: &WebhookConfig,
        keys: Arc<ApiKeys>,
        (sender, mut notices): (&mpsc::Sender<Notice>, mpsc::Receiver<Notice>),
    ) -> Self {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_WAIT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("heydok")
            .build()
            .unwrap_or_default();
        let webhooks = Self(Arc::new(Inner {
            keys,
            api_key: config.api_key.clone(),
            client,
            receivers: config.urls.iter().map(|url| Receiver::new(Address::Url(url.clone()))).collect(),
            memory: OnceLock::new(),
            tasks: TaskTracker::new(),
            notices: sender.downgrade(),
        }));
        let dispatcher = webhooks.clone();
        // Ends when the media thread drops its end.
        tokio::spawn(async move {
            while let Some(notice) = notices.recv().await {
                match notice {
                    Notice::Event(event) => dispatcher.dispatch(&Arc::new(*event)),
                    // Who asked may have stopped waiting.
                    Notice::Flush(done) => _ = done.send(()),
                }
            }
        });
        webhooks
    }

    /// Adds the in-memory receiver; only the first one counts.
    pub(crate) fn attach(&self, router: Router) {
        if self.0.memory.set(Receiver::new(Address::Memory(router))).is_err() {
            tracing::warn!("a webhook receiver was attached twice; the first one stays");
        }
    }

    /// Waits until all queues are empty, at most `wait`.
    pub(crate) async fn flush(&self, wait: Duration) {
        let delivered = async {
            let (done, queued) = oneshot::channel();
            if let Some(notices) = self.0.notices.upgrade()
                && notices.send(Notice::Flush(done)).await.is_ok()
            {
                let _ = queued.await;
            }
            self.0.tasks.close();
            self.0.tasks.wait().await;
        };
        if tokio::time::timeout(wait, delivered).await.is_err() {
            tracing::warn!("some webhooks were not delivered before the shutdown");
        }
    }

    fn dispatch(&self, event: &Arc<WebhookEvent>) {
        let room = event.room.as_ref().map(|room| room.name.clone()).unwrap_or_default();
        for receiver in self.0.receivers.iter().chain(self.0.memory.get()) {
            if receiver.queue(&room, Arc::clone(event)) {
                let (webhooks, receiver, room) = (self.clone(), Arc::clone(receiver), room.clone());
                self.0.tasks.spawn(async move { webhooks.work(&receiver, &room).await });
            }
        }
    }

    /// Delivers a room's events one after the other, until none is left.
    async fn work(&self, receiver: &Receiver, room: &str) {
        while let Some((event, dropped)) = receiver.next(room) {
            #[expect(deprecated, reason = "receivers still read it, and nothing else tells of a gap")]
            let body = serde_json::to_vec(&WebhookEvent { num_dropped: dropped, ..event.as_ref().clone() });
            match body {
                Ok(body) => {
                    let outcome = self.deliver(receiver, &event.event, body).await;
                    metrics::counter!("heydok_webhook_deliveries_total", "outcome" => outcome).increment(1);
                    // The event's own time has seconds only.
                    let age_s = (unix_ms() / 1000).saturating_sub(u64::try_from(event.created_at).unwrap_or_default());
                    metrics::histogram!("heydok_webhook_lag_seconds").record(age_s as f64);
                }
                Err(error) => tracing::error!(%error, "a webhook event cannot be written"),
            }
        }
    }

    /// Delivers one event, again where that may help; what became of it comes back, for the metrics.
    async fn deliver(&self, receiver: &Receiver, event: &str, body: Vec<u8>) -> &'static str {
        let mut pause = PAUSE_MIN;
        for attempt in 0..=RETRIES_MAX {
            let outcome = match receiver.concurrent.acquire().await {
                Ok(_permit) => self.post(&receiver.address, body.clone()).await,
                Err(_) => return "failed",
            };
            match outcome {
                Ok(status) if !status.is_server_error() => {
                    if status.is_success() {
                        return "delivered";
                    }
                    tracing::warn!(event, status = status.as_u16(), "a webhook was refused; it is not repeated");
                    return "refused";
                }
                Ok(status) => {
                    tracing::debug!(event, attempt, status = status.as_u16(), "a webhook failed");
                }
                Err(error) => tracing::debug!(event, attempt, error, "a webhook failed"),
            }
            if attempt < RETRIES_MAX {
                metrics::counter!("heydok_webhook_retries_total").increment(1);
                tokio::time::sleep(jittered(pause)).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        tracing::warn!(event, "a webhook could not be delivered; the receiver fails or cannot be reached");
        "failed"
    }

    async fn post(&self, address: &Address, body: Vec<u8>) -> Result<StatusCode, String> {
        let signature = self.signature(&body).ok_or("no key to sign with")?;
        match address {
            Address::Url(url) => {
                let request = self.0.client.post(url).header(CONTENT_TYPE, "application/webhook+json");
                let answer = request.header(AUTHORIZATION, signature).body(body).send().await;
                // The address may hold a secret, so it is not part of what is logged.
                answer.map(|answer| answer.status()).map_err(|error| error.without_url().to_string())
            }
            Address::Memory(router) => {
                let request = Request::post(MEMORY_PATH)
                    .header(CONTENT_TYPE, "application/webhook+json")
                    .header(AUTHORIZATION, signature)
                    .body(axum::body::Body::from(body))
                    .map_err(|error| error.to_string())?;
                let answer = tokio::time::timeout(REQUEST_WAIT, router.clone().oneshot(request)).await;
                answer
                    .map_err(|_| "no answer in time".to_owned())?
                    .map(|answer| answer.status())
                    .map_err(|never| match never {})
            }
        }
    }

    /// The token that goes into `Authorization`, without "Bearer": it signs the body by its SHA-256.
    fn signature(&self, body: &[u8]) -> Option<String> {
        let (key, secret) = match &self.0.api_key {
            Some(key) => (key.as_str(), self.0.keys.secret(key)?),
            None => self.0.keys.signer()?,
        };
        let now_s = unix_ms() / 1000;
        let claims = Claims {
            iss: key.to_owned(),
            nbf: Some(now_s),
            exp: Some(now_s + TOKEN_LIFE_S),
            sha256: STANDARD.encode(Sha256::digest(body)),
            ..Claims::default()
        };
        Some(sign(&claims, secret))
    }
}

/// Between half and all of `pause`, so that receivers that come back are not met by everybody at once.
fn jittered(pause: Duration) -> Duration {
    let half_ms = u32::try_from(pause.as_millis() / 2).unwrap_or(u32::MAX).max(1);
    Duration::from_millis(u64::from(half_ms) + u64::from(SystemEntropy.below(half_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Arc<WebhookEvent> {
        Arc::new(WebhookEvent { id: number.to_string(), ..WebhookEvent::default() })
    }

    /// What finds a full queue is dropped, and the next event says how many: a gap is never silent. Other rooms lose nothing.
    #[test]
    fn a_full_queue_drops_and_says_so() {
        let receiver = Receiver::new(Address::Memory(Router::new()));
        assert!(receiver.queue("x", event(0)), "the first one needs a worker");
        for number in 1..QUEUE_MAX + 7 {
            assert!(!receiver.queue("x", event(number)));
        }
        assert!(receiver.queue("y", event(0)));
        let taken: Vec<_> =
            std::iter::from_fn(|| receiver.next("x")).map(|(event, gap)| (event.id.clone(), gap)).collect();
        assert_eq!(taken.len(), QUEUE_MAX);
        assert_eq!((taken[0].clone(), taken[1].1), (("0".to_owned(), 7), 0));
        assert_eq!(taken[QUEUE_MAX - 1].0, (QUEUE_MAX - 1).to_string(), "the oldest stay, in order");
        assert_eq!(receiver.next("y").map(|(_, gap)| gap), Some(0));
        assert!(receiver.queue("x", event(1)), "with its last event a room is forgotten");
    }
}
