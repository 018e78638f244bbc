//! The checks by name, what each found, and how that is told.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::{Value, json};

/// What is looked at. The names are the same on the test page, in the JSON and in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    Disk,
    Database,
    Clock,
    Signalling,
    Tls,
    AdvertisedAddress,
    Udp,
    Tcp,
    TurnUdp,
    TurnTcp,
    TurnTls,
    ThreePartyMedia,
}

impl Id {
    /// As programs test it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Database => "database",
            Self::Clock => "clock",
            Self::Signalling => "signalling",
            Self::Tls => "tls",
            Self::AdvertisedAddress => "advertised_address",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::TurnUdp => "turn_udp",
            Self::TurnTcp => "turn_tcp",
            Self::TurnTls => "turn_tls",
            Self::ThreePartyMedia => "three_party_media",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Passed,
    /// Works, but not for everybody or not for ever.
    Warning,
    Failed,
    /// Could not be looked at; the sentence says why.
    Skipped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    fn word(self, language: Language) -> &'static str {
        match (self, language) {
            (_, Language::En) => self.name(),
            (Self::Passed, Language::De) => "bestanden",
            (Self::Warning, Language::De) => "Warnung",
            (Self::Failed, Language::De) => "nicht bestanden",
            (Self::Skipped, Language::De) => "ausgelassen",
        }
    }
}

/// Language of the sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    En,
    De,
}

impl Language {
    /// As the environment's locale says.
    pub fn of_environment(read: impl Fn(&str) -> Option<String>) -> Self {
        let locale =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| read(name).filter(|v| !v.is_empty()));
        if locale.is_some_and(|locale| locale.starts_with("de")) { Self::De } else { Self::En }
    }
}

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub en: String,
    pub de: String,
}

/// A [`Text`] of two format strings that may name variables in scope.
macro_rules! text {
    ($en:literal, $de:literal $(,)?) => {
        $crate::doctor::check::Text { en: format!($en), de: format!($de) }
    };
}
pub(crate) use text;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub id: Id,
    pub state: State,
    /// What is so, and for all that did not pass what to do.
    pub text: Text,
}

impl Check {
    pub fn new(id: Id, state: State, text: Text) -> Self {
        Self { id, state, text }
    }

    pub fn passed(id: Id, text: Text) -> Self {
        Self::new(id, State::Passed, text)
    }

    pub fn warning(id: Id, text: Text) -> Self {
        Self::new(id, State::Warning, text)
    }

    pub fn failed(id: Id, text: Text) -> Self {
        Self::new(id, State::Failed, text)
    }

    pub fn skipped(id: Id, text: Text) -> Self {
        Self::new(id, State::Skipped, text)
    }
}

/// Everything that was found, and where.
#[derive(Debug)]
pub struct Report {
    /// What was looked at.
    pub subject: Text,
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing failed. What is skipped or only warned about is no failure.
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(|check| check.state != State::Failed)
    }

    /// For programs: `{"version", "subject", "ok", "checks": [{"id", "state", "text": {"en", "de"}}]}`.
    pub fn json(&self) -> Value {
        let both = |text: &Text| json!({ "en": text.en, "de": text.de });
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| json!({ "id": check.id.name(), "state": check.state.name(), "text": both(&check.text) }))
            .collect();
        json!({ "version": env!("CARGO_PKG_VERSION"), "subject": both(&self.subject), "ok": self.is_ok(), "checks": checks })
    }

    /// For people.
    pub fn lines(&self, language: Language) -> String {
        let told = |text: &Text| match language {
            Language::En => text.en.clone(),
            Language::De => text.de.clone(),
        };
        let mut lines = format!("{}\n\n", told(&self.subject));
        for check in &self.checks {
            // A String takes every line.
            let _ = writeln!(lines, "{:<16}{:<20}{}", check.state.word(language), check.id.name(), told(&check.text));
        }
        let failed = self.checks.iter().filter(|check| check.state == State::Failed).count();
        let all = self.checks.len();
        let end = match failed {
            0 => text!("Nothing failed.", "Alles in Ordnung."),
            _ => text!("{failed} of {all} checks failed.", "{failed} von {all} Prüfungen nicht bestanden."),
        };
        lines + "\n" + &told(&end) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_the_language() {
        let language = |pairs: &[(&str, &str)]| {
            Language::of_environment(|name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(language(&[]), Language::En);
        assert_eq!(language(&[("LANG", "de_DE.UTF-8")]), Language::De);
        assert_eq!(language(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Language::En);
        assert_eq!(language(&[("LANG", "de_AT"), ("LC_ALL", "")]), Language::De);
    }

    /// Only what failed fails; both forms say the same.
    #[test]
    fn a_report_says_what_failed() {
        let check = |id, state| Check::new(id, state, text!("a", "b"));
        let mut report = Report {
            subject: text!("subject", "Gegenstand"),
            checks: vec![check(Id::Udp, State::Warning), check(Id::Tcp, State::Skipped), check(Id::Tls, State::Passed)],
        };
        assert!(report.is_ok());
        report.checks.push(check(Id::Clock, State::Failed));
        assert!(!report.is_ok());
        let json = report.json();
        assert_eq!((&json["ok"], &json["checks"][3]["id"]), (&json!(false), &json!("clock")));
        assert_eq!(json["checks"][0], json!({"id": "udp", "state": "warning", "text": {"en": "a", "de": "b"}}));
        let lines = report.lines(Language::De);
        assert!(
            lines.contains("nicht bestanden clock") && lines.ends_with("1 von 4 Prüfungen nicht bestanden.\n"),
            "{lines}"
        );
    }
}
