//! What `deny.toml` allows of foreign crates: licences, sources, and crates that must not be there.
//!
//! `cargo deny check` says the same and more, where it is installed; this needs nothing that cargo does not have.

use std::process::Command;

use super::Finding;
use crate::tree::Tree;

const FILE: &str = "deny.toml";

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(rules) = tree.file(FILE) else { return };
    let allowed = strings_between(&rules.text, "\nallow = [", "]");
    let banned = strings_between(&rules.text, "\ndeny = [", "\n]");
    let listed = Command::new("cargo")
        .args(["tree", "--workspace", "--locked", "--prefix=none", "--edges=normal,build", "--format={p}|{l}"])
        .current_dir(&tree.root)
        .output();
    let listed = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return findings.push(Finding::new("deny", FILE, "`cargo tree` does not tell what we depend on")),
    };
    let mut seen = std::collections::BTreeSet::new();
    for line in listed.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| seen.insert(*line)) {
        let Some((package, licence)) = line.split_once('|') else { continue };
        let name = package.split(' ').next().unwrap_or(package);
        let root = tree.root.display().to_string();
        // A crate of the registry has no place behind its version; ours have their folder.
        let source = package.split_once('(').map(|(_, source)| source.trim_end_matches(')'));
        let source = source.filter(|source| *source != "proc-macro" && !source.starts_with(&root));
        if let Some(source) = source.filter(|_| !package.contains(&root)) {
            findings.push(Finding::new("deny", FILE, format!("{name} comes from {source}, and not from crates.io")));
        }
        if banned.contains(&name) {
            findings.push(Finding::new("deny", FILE, format!("{name} is banned")));
        }
        if !package.contains(&root) && !is_allowed(licence, &allowed) {
            findings.push(Finding::new("deny", FILE, format!("the licence of {name} is `{licence}`")));
        }
    }
}

/// The quoted words from `start` to `end` that stand first on their line or behind `crate =`.
fn strings_between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let inside = text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map_or("", |(inside, _)| inside);
    inside.lines().filter_map(|line| line.split('"').nth(1)).collect()
}

/// Whether an SPDX expression can be met by `allowed`; `/` is how old crates write OR.
fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    let spaced = licence.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut is_met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        is_met |= all(words, allowed);
    }
    is_met
}

fn all(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut is_met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        is_met &= one(words, allowed);
    }
    is_met
}

fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let is_met = any(words, allowed);
        return words.next_if_eq(&")").is_some() && is_met;
    }
    let Some(name) = words.next() else { return false };
    match words.next_if_eq(&"WITH").and_then(|_| words.next()) {
        Some(exception) => allowed.contains(&format!("{name} WITH {exception}").as_str()),
        None => allowed.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read_as_expressions() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
        for fine in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR X) AND ISC", "Apache-2.0 WITH LLVM-exception"] {
            assert!(is_allowed(fine, &allowed), "{fine}");
        }
        for wrong in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND Y", "Apache-2.0", "MIT ISC", "(MIT"] {
            assert!(!is_allowed(wrong, &allowed), "{wrong}");
        }
    }

    #[test]
    fn rules_are_found() {
        let rules = "[licenses]\nallow = [\n  \"MIT\",\n  \"ISC\", # why\n]\n[bans]\ndeny = [\n  { crate = \"openssl\", reason = \"no\" },\n]\n";
        assert_eq!(strings_between(rules, "\nallow = [", "]"), ["MIT", "ISC"]);
        assert_eq!(strings_between(rules, "\ndeny = [", "\n]"), ["openssl"]);
    }
}
