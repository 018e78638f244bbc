//! What this process counts, in Prometheus' text format.
//!
//! Counting is spread over the code by the macros of `metrics`; the media thread counts for itself and publishes once a
//! second, so nothing is added per packet. Labels take few values: templates of routes, codes of errors, kinds of jobs. No
//! name, no meeting and no address is ever one.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio_util::sync::CancellationToken;

const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of the buckets of every duration, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Upper bounds for how late webhooks are; an event's own time has whole seconds.
const LAG_SECONDS: [f64; 6] = [0.5, 1.0, 5.0, 15.0, 60.0, 300.0];

/// Where counts are read from. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Counts for the whole process from now on. A second call (tests in one process) counts nothing.
    pub fn install() -> Self {
        let (metrics, recorder) = Self::apart();
        let _ = metrics::set_global_recorder(recorder);
        metrics
    }

    /// Together with what counts for it, for tests to install for their own thread.
    pub fn apart() -> (Self, PrometheusRecorder) {
        let buckets = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Full("heydok_webhook_lag_seconds".to_owned()), &LAG_SECONDS)
            });
        // Only an empty list of bounds is refused.
        let recorder = buckets.unwrap_or_default().build_recorder();
        let metrics = Self(recorder.handle());
        metrics::with_local_recorder(&recorder, describe);
        (metrics, recorder)
    }

    /// The text, with what is read from the operating system at this moment.
    pub fn render(&self) -> String {
        crate::process::publish();
        self.0.render()
    }

    /// Folds what was recorded into its histogram every now and then, so that it does not pile up where nobody looks.
    pub async fn keep(self, stop: CancellationToken) {
        while tokio::time::timeout(UPKEEP, stop.cancelled()).await.is_err() {
            self.0.run_upkeep();
        }
    }
}

macro_rules! describe {
    ($($kind:ident $name:literal $help:literal;)*) => {
        /// The help texts.
        fn describe() {
            $(metrics::$kind!($name, $help);)*
        }
        /// Everything that is described: what describes it, and its name.
        #[cfg(test)]
        pub(crate) const NAMES: &[(&str, &str)] = &[$((stringify!($kind), $name)),*];
    };
}

describe! {
    describe_gauge "heydok_build_info" "Always 1; the labels say which program this is";
    describe_gauge "heydok_uptime_seconds" "Seconds since the start";
    describe_gauge "heydok_active_meetings" "Meetings somebody is in";
    describe_gauge "heydok_participants" "People in meetings";
    describe_gauge "heydok_database_up" "Whether the database answers";
    describe_gauge "heydok_livekit_up" "Whether the media server answers";
    describe_counter "heydok_http_requests_total" "Answered requests by method, route and status";
    describe_histogram "heydok_http_request_duration_seconds" "Time from a request's head to its answer's head, by route";
    describe_counter "heydok_http_connections_refused_total" "Connections closed at once because their address has too many";
    describe_counter "heydok_tls_closed_total" "Connections to the HTTPS port that led nowhere, by reason";
    describe_counter "heydok_rate_limited_total" "Requests refused by a rate limit";
    describe_counter "heydok_joins_total" "Attempts to join, admitted or by the code of their error";
    describe_histogram "heydok_join_seconds" "Time that a successful attempt to join took";
    describe_gauge "heydok_jobs" "Jobs that wait, run, or failed for good";
    describe_gauge "heydok_jobs_dead" "Jobs that failed for good";
    describe_gauge "heydok_jobs_overdue_seconds" "How long the most overdue job should have been done";
    describe_counter "heydok_job_attempts_total" "Attempts at jobs by kind and outcome";
    describe_gauge "heydok_database_connections" "Connections of each pool, idle and in use";
    describe_gauge "heydok_database_connections_max" "Most connections of each pool";
    describe_gauge "heydok_webhook_events_waiting" "Webhook events that wait for their receiver";
    describe_counter "heydok_webhook_events_dropped_total" "Webhook events that found a full queue";
    describe_counter "heydok_webhook_deliveries_total" "Webhook events by what became of them";
    describe_counter "heydok_webhook_retries_total" "Webhook requests made again";
    describe_histogram "heydok_webhook_lag_seconds" "From an event to the end of its delivery, in whole seconds";
    describe_gauge "heydok_media_thread_busy_ratio" "Share of the last second in which each media thread worked, and the thread that reads the ports for several";
    describe_gauge "heydok_media_participants" "Participants of the embedded media server";
    describe_gauge "heydok_media_rooms" "Rooms of the embedded media server";
    describe_gauge "heydok_media_tracks" "Published tracks";
    describe_gauge "heydok_signal_connections" "Open signalling connections";
    describe_counter "heydok_signal_slow_readers_closed_total" "Signalling connections closed because their reader was too slow";
    describe_counter "heydok_signal_crowded_total" "Signalling connections refused because their address has too many";
    describe_counter "heydok_media_packets_received_total" "Datagrams received";
    describe_counter "heydok_media_bytes_received_total" "Bytes received in datagrams";
    describe_counter "heydok_media_packets_sent_total" "Datagrams sent";
    describe_counter "heydok_media_bytes_sent_total" "Bytes sent in datagrams";
    describe_counter "heydok_media_send_calls_total" "System calls that sent datagrams";
    describe_counter "heydok_media_packets_dropped_total" "Datagrams dropped because the socket was full";
    describe_counter "heydok_media_send_errors_total" "Datagrams the system refused";
    describe_counter "heydok_media_ring_dropped_total" "Datagrams that a thread of the media server did not take from another in time";
    describe_counter "heydok_media_unknown_datagrams_total" "Datagrams that belong to no peer";
    describe_counter "heydok_media_rtp_received_total" "Media packets received from publishers";
    describe_counter "heydok_media_audio_restored_total" "Audio frames lost on the way from publishers and taken out of a later packet";
    describe_counter "heydok_media_rtp_forwarded_total" "Media packets handed to subscribers";
    describe_counter "heydok_media_rtp_reported_total" "Media packets that subscribers reported on";
    describe_counter "heydok_media_rtp_lost_total" "Media packets that subscribers reported lost";
    describe_counter "heydok_media_bandwidth_estimates_total" "Estimates of what a subscriber's line carries";
    describe_counter "heydok_media_pictures_lowered_total" "Pictures made smaller because a line, or the processor, does not carry them";
    describe_counter "heydok_media_pictures_paused_total" "Pictures that ceased because a line does not carry them";
    describe_counter "heydok_media_pictures_held_back_total" "Pictures dropped up to the next keyframe because they waited too long";
    describe_gauge "heydok_packet_loss_ratio" "Share of media packets lost on the way to subscribers, by their last reports";
    describe_counter "heydok_media_nacks_received_total" "Requests for lost packets by subscribers";
    describe_counter "heydok_media_nacks_sent_total" "Requests for lost packets to publishers";
    describe_counter "heydok_media_keyframe_requests_received_total" "Keyframe requests by subscribers";
    describe_counter "heydok_media_keyframe_requests_sent_total" "Keyframe requests to publishers";
    describe_counter "heydok_media_data_refused_total" "Data messages refused by a slow reader's full buffer";
    describe_counter "heydok_media_excessive_total" "Signalling messages and data packets dropped because their sender sends too many";
    describe_counter "heydok_media_tcp_connections_refused_total" "Connections to the TCP port of media, and streams of TURN over TLS, refused";
    describe_gauge "heydok_turn_allocations" "TURN allocations";
    describe_counter "heydok_turn_allocations_made_total" "TURN allocations made";
    describe_counter "heydok_turn_allocations_refused_total" "TURN allocations refused at a limit or for what was asked";
    describe_counter "heydok_turn_packets_relayed_total" "Datagrams relayed to and from clients";
    describe_counter "heydok_turn_packets_dropped_total" "Datagrams to relay that were not permitted, or too many";
    describe_counter "heydok_stun_answers_total" "STUN requests answered";
    describe_counter "heydok_stun_unanswered_total" "STUN and TURN requests without credentials left unanswered, because their network asks too often";
    describe_counter "heydok_media_peer_faults_total" "Peers removed after a fault";
    describe_gauge "process_cpu_seconds_total" "Processor time used";
    describe_gauge "process_resident_memory_bytes" "Memory in use";
    describe_gauge "process_threads" "Threads";
    describe_gauge "process_open_fds" "Open file descriptors";
    describe_gauge "process_max_fds" "Most file descriptors that may be open";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name is one that Prometheus takes, ends as its kind should, and stands here once.
    #[test]
    fn names_follow_the_conventions() {
        let mut seen = std::collections::BTreeSet::new();
        for (kind, name) in NAMES {
            // Of the system's own numbers a gauge holds the fractions that a counter would lose.
            let counts = *kind == "describe_counter" || *name == "process_cpu_seconds_total";
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(name.starts_with("heydok_") || name.starts_with("process_"), "{name}");
            assert!(seen.insert(name), "{name} twice");
        }
    }

    /// Whatever the program counts is described, and whatever is described is counted.
    #[test]
    fn every_metric_of_the_sources_is_described() {
        let mut counted = std::collections::BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for part in ["counter!(", "gauge!(", "histogram!("].iter().flat_map(|kind| text.split(kind).skip(1))
                    {
                        let name = part.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                        let is_name = |name: &&str| name.starts_with("heydok_") || name.starts_with("process_");
                        counted.extend(name.filter(is_name).map(str::to_owned));
                    }
                }
            }
        }
        let described = NAMES.iter().map(|(_, name)| (*name).to_owned()).collect();
        assert_eq!(counted, described);
    }

    /// What the operating system says of this process is in the text.
    #[test]
    fn the_process_is_measured() {
        let (metrics, recorder) = Metrics::apart();
        let text = metrics::with_local_recorder(&recorder, || metrics.render());
        let value = |name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{name} ")))
                .unwrap_or_else(|| panic!("no {name} in {text}"));
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }
}
