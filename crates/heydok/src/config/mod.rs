//! Configuration: read once, checked whole before anything starts, one struct for each concern.
//!
//! Later wins: built-in, `heydok.toml`, `.env`, environment. An empty value is unset, `NAME_FILE` reads a value from a file.
//! Everything that is wrong is reported at once, each with the fix ([`Refusal`], exit code 78).

mod dotenv;
pub mod parse;
mod reader;
mod reference;
mod rules;
mod settings;
mod show;
mod source;
mod tls;
mod turn;
pub mod variable;

pub use reference::reference;
pub(crate) use rules::is_sample;
pub use settings::{
    Database, ErrorDetailStyle, Frontend, HealthDetails, Keys, Listening, LiveKit, LiveKitMode, LogFormat, Logging,
    MeetingUrlStyle, Meetings, Operation, RateLimits, Retention, Settings, Storage,
};
pub use show::show;
pub use source::{Origin, Sources, Values};
pub use tls::{Tls, TlsMode};

use std::fmt;

/// One thing that keeps heydok from starting: the rule and one sentence with the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Number of the start-up rule, `R-1` to `R-15`.
    pub rule: &'static str,
    /// What is wrong and what to do, for the operator. Never contains a secret.
    pub sentence: String,
}

impl Problem {
    /// A problem under `rule`.
    pub fn new(rule: &'static str, sentence: impl Into<String>) -> Self {
        Self { rule, sentence: sentence.into() }
    }
}

/// Why heydok does not start: every problem that was found. Ends the process with [`Refusal::EXIT_CODE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Vec<Problem>);

impl Refusal {
    /// `EX_CONFIG` of `sysexits.h`.
    pub const EXIT_CODE: u8 = 78;

    /// A refusal for one reason.
    pub fn one(rule: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![Problem::new(rule, sentence)])
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("heydok does not start:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.rule, problem.sentence))
    }
}

impl std::error::Error for Refusal {}

/// Settings together with what an operator should be told about them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Sentences for the log.
    pub warnings: Vec<String>,
    /// The texts and where they were found, for `heydok config`.
    pub values: Values,
}

/// Understands and checks what is written in `sources`.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(sources: &Sources) -> Result<Loaded, Refusal> {
    let (values, mut problems, mut warnings) = sources.flatten();
    let mut reader = reader::Reader::new(&values);
    let settings = Settings::read(&mut reader);
    problems.extend(reader.into_problems());
    rules::check(&settings, &values, &mut problems, &mut warnings);
    if problems.is_empty() { Ok(Loaded { settings, warnings, values }) } else { Err(Refusal(problems)) }
}
