//! Entry point of the `heydok` binary.

use std::process::ExitCode;

use clap::Parser as _;
use heydok::cli::{Cli, Command, KeysCommand, ServeArguments};
use heydok::config::Refusal;
use heydok::startup::Way;
use heydok::{bench, commands, doctor, serve};

fn main() -> ExitCode {
    // rustls finds two providers among our dependencies; this one is ours. It is refused only where one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(Cli::parse().command.unwrap_or_else(|| Command::Serve(ServeArguments::default()))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(error.downcast_ref::<Refusal>().map_or(1, |_| Refusal::EXIT_CODE))
        }
    }
}

/// `false` where the command did its work and what it found is bad.
fn run(command: Command) -> anyhow::Result<bool> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    if matches!(command, Command::Serve(_) | Command::Dev | Command::Media | Command::Bench(_)) {
        heydok::process::allow_many_files();
    }
    match command {
        Command::Doctor(arguments) => return runtime()?.block_on(doctor::run(&arguments)),
        Command::Serve(arguments) => {
            let way = if arguments.lan { Way::Lan } else { Way::Usual };
            runtime()?.block_on(serve::serve(way))
        }
        Command::Dev => runtime()?.block_on(serve::serve(Way::Development)),
        Command::Media => runtime()?.block_on(commands::media()),
        Command::Config(arguments) => commands::config(&arguments),
        Command::Openapi => commands::openapi(),
        Command::Bench(arguments) => {
            // One thread: the generator shares the machine with the server it measures.
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench::run(&arguments))
        }
        Command::Keys(KeysCommand::Rotate(arguments)) => runtime()?.block_on(commands::rotate_keys(&arguments)),
        Command::Migrate(arguments) => runtime()?.block_on(commands::migrate(&arguments)),
    }?;
    Ok(true)
}
