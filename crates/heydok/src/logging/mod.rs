//! Logs: one line an event, to standard error and to a rotated file.
//!
//! Text lines read `2026-01-02T03:04:05.678Z INFO heydok::meetings: room created meeting_id=abc-defg-hij room_name=...`: the
//! sentence, then the fields of the event, then those of the spans around it. Values stand without quotes where they have
//! no blanks, so that `grep "meeting_id=abc-defg-hij" logs/app.log` finds every line of a meeting. JSON lines have the same
//! as keys. Control characters are escaped: nobody can write a line of their own by choosing a name.

mod layer;
mod rotate;

pub use rotate::RotatingFile;

use std::io::Write;
use std::sync::{Arc, Mutex};

use kit::SharedClock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::{Logging, Refusal};
use layer::LineLayer;

/// A place that lines are written to.
pub type Sink = Arc<Mutex<dyn Write + Send>>;

/// Libraries whose details are only worth reading when asked for by name.
const QUIET: &str =
    "str0m=info,dimpl=info,hyper=info,h2=info,reqwest=info,rustls=info,sqlx=warn,tower=info,tungstenite=info";

/// It warns of every codec that an answer leaves out, twice an offer, which is how calls begin.
const USUAL: &str = "str0m::format=error";

/// Understands LOG_LEVEL: a level as most programs spell it, or filter directives.
///
/// # Errors
/// What to write instead.
pub fn parse_level(text: &str) -> Result<String, String> {
    let level = match text.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        level @ ("debug" | "trace") => format!("{level},{QUIET}"),
        other => other.to_owned(),
    };
    EnvFilter::builder()
        .parse(&level)
        .map(|_| level)
        .map_err(|_| format!("`{text}` is no log level; write error, warn, info, debug or trace"))
}

/// Starts logging for this process.
///
/// # Errors
/// Where LOG_FILE cannot be written.
pub fn start(settings: &Logging, clock: SharedClock) -> Result<(), Refusal> {
    let mut sinks: Vec<Sink> = vec![Arc::new(Mutex::new(std::io::stderr()))];
    if let Some(path) = &settings.file {
        let file = RotatingFile::open(path).map_err(|error| {
            let path = path.display();
            Refusal::one(
                "R-10",
                format!("LOG_FILE {path} cannot be written ({error}); choose another file, or LOG_FILE=- for none"),
            )
        })?;
        sinks.push(Arc::new(Mutex::new(file)));
    }
    // A second start (tests in one process) keeps the first.
    let _ = tracing::subscriber::set_global_default(subscriber(settings, clock, sinks));
    Ok(())
}

/// The subscriber that writes to `sinks`; tests install it for one thread.
pub fn subscriber(settings: &Logging, clock: SharedClock, sinks: Vec<Sink>) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::registry().with(EnvFilter::new(format!("{USUAL},{}", settings.level))).with(LineLayer::new(
        settings.format,
        clock,
        sinks,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogFormat;
    use kit::{MockClock, UnixMillis};

    fn logged(format: LogFormat, level: &str, what: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::<u8>::new()));
        let settings = Logging { level: parse_level(level).unwrap(), format, file: None };
        let clock = MockClock::at(UnixMillis(1_795_225_146_007));
        let sink: Sink = written.clone();
        tracing::subscriber::with_default(subscriber(&settings, clock, vec![sink]), what);
        String::from_utf8(written.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn text_lines_can_be_found_by_meeting() {
        let text = logged(LogFormat::Text, "info", || {
            let code = "abc-defg-hij";
            let span = tracing::info_span!("join", meeting_id = %code, participant_id = tracing::field::Empty);
            let _inside = span.enter();
            span.record("participant_id", "guest-12345678");
            tracing::info!(tracks = 2, name = "Anna B", "participant joined");
            tracing::debug!("not shown");
        });
        assert_eq!(
            text,
            "2026-11-21T01:39:06.007Z INFO heydok::logging::tests: participant joined tracks=2 name=\"Anna B\" meeting_id=abc-defg-hij participant_id=guest-12345678\n"
        );
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        let text = logged(LogFormat::Text, "info", || {
            tracing::warn!(meeting_id = %"x\n2026 INFO forged", plain = "a\u{1b}[2Jb", "odd {}", "in\rput\u{2028}");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("meeting_id=\"x\\n2026 INFO forged\""), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\u{2028}'), "{text}");
    }

    #[test]
    fn json_lines_have_fields_as_keys() {
        let text = logged(LogFormat::Json, "info", || {
            let _inside = tracing::info_span!("join", meeting_id = "abc-defg-hij").entered();
            tracing::info!(tracks = 2, ok = true, "joined");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            line,
            serde_json::json!({"time": "2026-11-21T01:39:06.007Z", "level": "INFO", "target": "heydok::logging::tests",
                "message": "joined", "tracks": 2, "ok": true, "meeting_id": "abc-defg-hij"})
        );
    }

    #[test]
    fn what_every_call_begins_with_is_no_warning() {
        let warn = || tracing::warn!(target: "str0m::format::payload_params", "Ignore remote PT RED change");
        assert_eq!(logged(LogFormat::Text, "info", warn), "");
        assert!(logged(LogFormat::Text, "info,str0m::format::payload_params=warn", warn).contains("Ignore"));
    }

    #[test]
    fn levels_as_people_write_them() {
        assert_eq!(parse_level("INFO").as_deref(), Ok("info"));
        assert_eq!(parse_level("WARNING").as_deref(), Ok("warn"));
        assert_eq!(parse_level("info,sfu=debug").as_deref(), Ok("info,sfu=debug"));
        assert!(parse_level("debug").unwrap().starts_with("debug,str0m=info"));
        assert!(parse_level("x=y=z").is_err());
    }
}
