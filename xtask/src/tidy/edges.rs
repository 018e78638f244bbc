//! Who may know whom.

use super::Finding;
use crate::rust;
use crate::tree::{File, Tree};

/// Our crates, and which of ours each may depend on. `dev` dependencies on testkit are free.
const CRATES: &[(&str, &[&str])] = &[
    ("kit", &[]),
    ("db", &["kit"]),
    ("tls", &["kit"]),
    ("rtp", &[]),
    ("estimator", &[]),
    ("sfu", &["kit", "rtp", "estimator"]),
    ("signal", &["kit"]),
    ("turn", &["kit"]),
    ("node", &["kit", "signal", "sfu", "turn"]),
    ("livekit-server", &["kit", "node", "signal", "sfu"]),
    ("testkit", &["kit", "sfu", "signal", "node", "turn"]),
    ("load", &["kit", "signal"]),
    ("heydok", &["kit", "db", "tls", "livekit-server", "load", "signal", "turn", "node", "sfu"]),
];

/// A path in code and the places that may use it; everybody else may not.
struct Wall {
    path: &'static str,
    allowed: &'static [&'static str],
    reason: &'static str,
}

const WALLS: &[Wall] = &[
    Wall { path: "sqlx::", allowed: &["crates/db/", "/store.rs"], reason: "SQL lives in store.rs and crates/db" },
    Wall {
        path: "str0m::",
        allowed: &["crates/sfu/", "crates/testkit/", "crates/load/"],
        reason: "sfu wraps str0m; only the synthetic clients (load, testkit) use it too",
    },
    Wall { path: "SystemTime::now", allowed: &["crates/kit/"], reason: "take a kit::Clock" },
    Wall {
        path: "Instant::now",
        allowed: &[
            "crates/kit/",
            "crates/livekit-server/",
            "crates/load/",
            "crates/heydok/src/bench",
            "xtask/",
            "fuzz/",
        ],
        reason: "take a kit::Clock or an Instant",
    },
    Wall { path: "getrandom::", allowed: &["crates/kit/"], reason: "take a kit::Entropy" },
    Wall {
        path: "reqwest::",
        allowed: &["crates/heydok/", "crates/livekit-server/", "crates/tls/"],
        reason: "HTTP clients are built at start-up",
    },
    Wall { path: "std::process::exit", allowed: &[], reason: "return an exit code from main" },
    Wall { path: "jsonwebtoken::", allowed: &[], reason: "signal::token is the only code for room tokens" },
];

/// Crates without I/O, and what would break that.
const SANS_IO: &[&str] =
    &["crates/kit/", "crates/rtp/", "crates/estimator/", "crates/signal/", "crates/sfu/", "crates/node/"];
const IO: &[&str] = &[
    "tokio::",
    "async fn",
    "std::fs::",
    "std::thread::",
    "std::process::",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "std::env::var",
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust().filter(|file| !file.is_test()) {
        let code = rust::without_tests(&rust::code_only(&file.text));
        walls(file, &code, findings);
        sans_io(file, &code, findings);
        rules_are_pure(file, &code, findings);
    }
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        dependencies(tree, file, findings);
        profiles(file, findings);
    }
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn walls(file: &File, code: &str, findings: &mut Vec<Finding>) {
    for wall in WALLS {
        let allowed = wall.allowed.iter().any(|place| file.path.starts_with(place) || file.path.ends_with(place));
        if let Some(at) = code.find(wall.path).filter(|_| !allowed) {
            let text = format!("line {}: `{}`: {}", line_of(code, at), wall.path, wall.reason);
            findings.push(Finding::new("edge", &file.path, text));
        }
    }
}

fn sans_io(file: &File, code: &str, findings: &mut Vec<Finding>) {
    if !SANS_IO.iter().any(|place| file.path.starts_with(place)) {
        return;
    }
    for word in IO {
        if let Some(at) = code.find(word) {
            let text = format!("line {}: `{word}` in a crate without I/O", line_of(code, at));
            findings.push(Finding::new("sans-io", &file.path, text));
        }
    }
}

/// `rules.rs` decides; it reads and writes nothing.
fn rules_are_pure(file: &File, code: &str, findings: &mut Vec<Finding>) {
    if !(file.path.starts_with("crates/heydok/src/features/") && file.name() == "rules.rs") {
        return;
    }
    for word in ["db::", "axum::", "sqlx::", "tokio::", "async fn", "store::"] {
        if let Some(at) = code.find(word) {
            let text = format!("line {}: rules know no `{word}`", line_of(code, at));
            findings.push(Finding::new("edge", &file.path, text));
        }
    }
}

/// Our crates point one way, and no dependency stands there unused.
fn dependencies(tree: &Tree, manifest: &File, findings: &mut Vec<Finding>) {
    let Some(folder) = manifest.path.strip_suffix("/Cargo.toml") else { return };
    let Some((_, known)) = folder.strip_prefix("crates/").and_then(|name| CRATES.iter().find(|(own, _)| *own == name))
    else {
        return;
    };
    let mut section = "";
    for line in manifest.text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let name: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
        if name.is_empty() || !matches!(section, "dependencies" | "dev-dependencies" | "build-dependencies") {
            continue;
        }
        let ours = CRATES.iter().any(|(own, _)| *own == name);
        if ours && section == "dependencies" && !known.contains(&name.as_str()) {
            findings.push(Finding::new("edge", &manifest.path, format!("must not depend on {name}")));
        }
        if !is_used(tree, folder, &name) {
            findings.push(Finding::new("unused-dependency", &manifest.path, format!("{name} is not used")));
        }
    }
}

fn is_used(tree: &Tree, folder: &str, name: &str) -> bool {
    let identifier = name.replace('-', "_");
    tree.rust()
        .filter(|file| file.path.starts_with(&format!("{folder}/")))
        .any(|file| names_crate(&file.text, &identifier))
}

/// Whether `text` names the crate as a path, in a `use`, or under another name; `testkit::` does not name `kit`.
fn names_crate(text: &str, identifier: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(identifier).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + identifier.len()..]);
        let whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        whole && (after.starts_with("::") || after.starts_with(" as ") || before.ends_with("use "))
    })
}

/// One profile, so that nothing is compiled twice.
fn profiles(manifest: &File, findings: &mut Vec<Finding>) {
    for line in
        manifest.text.lines().filter(|line| line.starts_with("[profile.") && !line.starts_with("[profile.release"))
    {
        findings.push(Finding::new("profile", &manifest.path, format!("{line}: there is one profile, release")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_named_by_its_whole_name() {
        for text in ["kit::Clock", "(kit::Clock)", "use kit;", "use kit as k;", "extern crate kit as k;"] {
            assert!(names_crate(text, "kit"), "{text}");
        }
        for text in ["testkit::origin()", "use kitten::Paw;", "use testkit as t;", "kit_a::b", "a kit of tools"] {
            assert!(!names_crate(text, "kit"), "{text}");
        }
    }
}
