//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::bench::BenchArguments;
use crate::doctor::check::Language;

/// Video meetings with one command.
#[derive(Debug, Parser)]
#[command(name = "heydok", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: page, API, and the embedded media server unless LIVEKIT_URL is set.
    Serve(ServeArguments),
    /// Run the server for development: on this machine only, unsafe values warn, the caller owns every meeting.
    Dev,
    /// Run the embedded LiveKit-compatible media server alone, on port 7880.
    Media,
    /// Print each setting with its value and origin, secrets masked.
    Config(ConfigArguments),
    /// Look whether calls will work: folder, database, clock, certificate, ports, and media between three participants.
    Doctor(DoctorArguments),
    /// Print the OpenAPI document.
    Openapi,
    /// Bring the database to the newest schema. `serve` does this by itself.
    Migrate(MigrateArguments),
    /// Change the key that protects what is encrypted in the database.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Measure a LiveKit server with synthetic participants.
    Bench(Box<BenchArguments>),
}

/// Arguments of `heydok serve`.
#[derive(Args, Debug, Default)]
pub struct ServeArguments {
    /// Speak HTTPS in the local network with a certificate of our own, and print the address as a QR code for phones.
    #[arg(long)]
    pub lan: bool,
}

/// Arguments of `heydok config`.
#[derive(Args, Debug)]
pub struct ConfigArguments {
    /// Print the reference of all settings as Markdown instead.
    #[arg(long)]
    pub reference: bool,
}

/// Arguments of `heydok doctor`.
#[derive(Args, Debug)]
pub struct DoctorArguments {
    /// Server to look at from this machine, as https://meet.example.com. Without it: the installation in this folder.
    pub address: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Language of the sentences; without it that of the environment.
    #[arg(long, value_enum)]
    pub language: Option<Language>,
}

/// What `heydok keys` does.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Put the database under a new ENCRYPTION_KEY. Stop heydok first.
    Rotate(RotateArguments),
}

/// Arguments of `heydok keys rotate`.
#[derive(Args, Debug)]
pub struct RotateArguments {
    /// Encrypt all values anew too, with a new data key.
    #[arg(long)]
    pub data: bool,
}

/// Arguments of `heydok migrate`.
#[derive(Args, Debug)]
pub struct MigrateArguments {
    /// Print the SQL of the configured engine and change nothing.
    #[arg(long)]
    pub print_sql: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_as_people_type_them() {
        let parse =
            |words: &[&str]| Cli::try_parse_from(std::iter::once(&"heydok").chain(words)).map(|cli| cli.command);
        assert!(matches!(parse(&[]), Ok(None)));
        assert!(matches!(parse(&["serve"]), Ok(Some(Command::Serve(ServeArguments { lan: false })))));
        assert!(matches!(parse(&["serve", "--lan"]), Ok(Some(Command::Serve(ServeArguments { lan: true })))));
        assert!(matches!(parse(&["dev"]), Ok(Some(Command::Dev))));
        assert!(matches!(parse(&["media"]), Ok(Some(Command::Media))));
        assert!(matches!(
            parse(&["migrate", "--print-sql"]),
            Ok(Some(Command::Migrate(MigrateArguments { print_sql: true })))
        ));
        assert!(parse(&["record"]).is_err());
    }
}
