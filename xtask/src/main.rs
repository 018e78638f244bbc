//! Project automation: `cargo xtask tidy | trace | codegen | test`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for the terminal: it prints, and it measures time"
)]

mod codegen;
mod rust;
mod suite;
mod tidy;
mod trace;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <command>

  tidy      what the compiler cannot check: sizes, words, import edges, dead files
  trace     every row of docs/traceability.md names a test that exists, or says `not yet`
  codegen   write the generated files again
  test      run all tests and print the minutes of each part (make test)";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let tree = tree::Tree::of_workspace();
    let result = match command.as_str() {
        "tidy" => report("tidy", &tidy::check(&tree)),
        "trace" => report("trace", &trace::check(&tree)),
        "codegen" => codegen::run(&tree),
        "test" => suite::run(&tree, std::env::args().skip(2)),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn report(name: &str, findings: &[String]) -> Result<(), String> {
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{name}: {} findings", findings.join("\n"), findings.len()))
}
