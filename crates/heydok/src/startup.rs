//! From the command line to an opened installation: configuration, log, data folder, database.
//!
//! What is wrong is told as a [`Refusal`] (exit code 78), one sentence with the fix each.

use std::path::Path;
use std::sync::Arc;

use kit::{SharedClock, SharedEntropy, SystemClock, SystemEntropy};
use livekit_server::StartError;

use crate::config::{self, Loaded, Refusal, Settings, Sources, Values};
use crate::logging;
use crate::secrets::DataDir;

/// An installation whose log, folder and database are open.
pub struct Opened {
    /// What was configured.
    pub settings: Settings,
    /// The texts that somebody set.
    pub values: Values,
    /// Held until the process ends: nobody else uses the folder meanwhile.
    pub data_dir: DataDir,
    /// The database, with the newest schema.
    pub db: db::Db,
    /// The clock.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: SharedEntropy,
}

/// How heydok was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As configured.
    Usual,
    /// `heydok dev`: only what is not configured is different.
    Development,
    /// `heydok serve --lan`: whoever types that means it, whatever is configured.
    Lan,
}

/// Reads the configuration of the working directory, and what the command line says.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn configuration(way: Way) -> Result<Loaded, Refusal> {
    let mut sources = Sources::of_process(Path::new(".")).map_err(|problem| Refusal(vec![problem]))?;
    match way {
        Way::Usual => {}
        Way::Development => {
            sources.command.insert("HEYDOK_ENV".to_owned(), "development".to_owned());
        }
        Way::Lan => {
            sources.environment.insert("TLS_MODE".to_owned(), "lan".to_owned());
        }
    }
    config::load(&sources)
}

/// What keeps the embedded media server from starting: ports that are taken are R-13.
pub fn ports(error: StartError) -> anyhow::Error {
    match error {
        StartError::Thread(_) => error.into(),
        taken => Refusal::one("R-13", taken.to_string()).into(),
    }
}

/// Starts the log, and says there what an operator should know about the configuration.
///
/// # Errors
/// Where LOG_FILE cannot be written.
pub fn start_log(loaded: &Loaded) -> Result<SharedClock, Refusal> {
    let clock: SharedClock = Arc::new(SystemClock);
    logging::start(&loaded.settings.logging, Arc::clone(&clock))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(clock)
}

/// Starts the log and opens folder and database.
///
/// # Errors
///
pub async fn open(loaded: Loaded) -> Result<Opened, Refusal> {
    let clock = start_log(&loaded)?;
    let Loaded { settings, values, .. } = loaded;
    let data_dir = DataDir::open(&settings.storage.data_dir)?;
    let db = open_database(&settings).await?;
    Ok(Opened { settings, values, data_dir, db, clock, entropy: Arc::new(SystemEntropy) })
}

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// R-9 where the schema is newer or a migration was left unfinished; R-10 where the database cannot be opened.
pub async fn open_database(settings: &Settings) -> Result<db::Db, Refusal> {
    let url = settings.database.url.expose().to_owned();
    let options = db::Options { url, connections_max: settings.database.connections_max };
    db::Db::open(&options).await.map_err(|error| match error {
        db::Error::Migration(error) => Refusal::one(
            "R-9",
            format!("the database schema does not fit this program ({error}); install the newest heydok, or restore the backup made before"),
        ),
        error => Refusal::one(
            "R-10",
            format!("the database cannot be opened ({error}); check DATABASE_URL and that the database is running"),
        ),
    })
}
