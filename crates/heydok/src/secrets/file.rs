//! `secrets.toml`: written whole, readable by its owner only.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use kit::Secret;

use crate::config::Refusal;

const HEADER: &str = "# Keys of this heydok installation, generated at its first start. Keep this file with the database:\n\
                      # without it what is encrypted there is lost.\n";

pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Secret>, Refusal> {
    let refuse = |what: &str| Refusal::one("R-10", format!("{} {what}; restore it from a backup", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(refuse(&format!("cannot be read ({error})"))),
    };
    // The parser's message may quote the file, so it is not passed on.
    let table: toml::Table = text.parse().map_err(|_| refuse("is not TOML"))?;
    table
        .into_iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, Secret::new(text))),
            _ => Err(refuse(&format!("has no text for {name}"))),
        })
        .collect()
}

/// Writes beside the old file and moves over it, so that a crash leaves one of the two whole.
pub(super) fn write(path: &Path, secrets: &BTreeMap<String, Secret>) -> Result<(), Refusal> {
    let mut text = HEADER.to_owned();
    for (name, secret) in secrets {
        text.push_str(&format!("{name} = {}\n", toml::Value::from(secret.expose())));
    }
    let beside = path.with_extension("toml.new");
    let written = create_private(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        Refusal::one("R-10", format!("{} cannot be written ({error}); make the folder writable", path.display()))
    })
}

fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
