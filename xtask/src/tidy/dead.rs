//! Files that nothing reaches.

use super::Finding;
use crate::tree::{File, Tree};

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust().filter(|file| file.path.contains("/src/")) {
        if !is_module(tree, file) {
            findings.push(Finding::new("dead", &file.path, "no module declares this file"));
        }
    }
    let sources: Vec<&File> = tree
        .files
        .iter()
        .filter(|file| ["ts", "tsx", "css", "mjs", "html", "json"].iter().any(|kind| file.has_extension(kind)))
        .collect();
    for file in &sources {
        let watched = (file.path.starts_with("web/src/") || file.path.starts_with("packages/"))
            && file.path.contains("/src/")
            && !file.is_test()
            && !file.has_extension("json")
            && !file.path.ends_with(".d.ts");
        if watched && !is_imported(file, &sources) {
            findings.push(Finding::new("dead", &file.path, "nothing imports this file"));
        }
    }
}

fn is_module(tree: &Tree, file: &File) -> bool {
    let Some((folder, name)) = file.path.rsplit_once('/') else { return true };
    let stem = name.trim_end_matches(".rs");
    if folder.ends_with("/src") && matches!(stem, "lib" | "main") || folder.ends_with("/src/bin") {
        return true;
    }
    let (folder, stem) = if stem == "mod" { folder.rsplit_once('/').unwrap_or(("", folder)) } else { (folder, stem) };
    let parents = ["lib.rs", "main.rs", "mod.rs"].map(|parent| format!("{folder}/{parent}"));
    let beside = format!("{folder}.rs");
    parents.iter().chain([&beside]).filter_map(|parent| tree.file(parent)).any(|parent| {
        parent.text.lines().any(|line| {
            let line = line.trim_start();
            line.ends_with(&format!("mod {stem};")) || line.ends_with(&format!("mod {stem} {{"))
        })
    })
}

/// Whether another file names this one at the end of an import path.
fn is_imported(file: &File, sources: &[&File]) -> bool {
    let name = file.name();
    let stem = name.trim_end_matches(".tsx").trim_end_matches(".ts");
    if matches!(stem, "index" | "main") {
        return true;
    }
    let endings =
        [format!("/{stem}\""), format!("/{name}\""), format!("/{stem}.js\""), format!("/{stem}'"), format!("/{name}'")];
    sources
        .iter()
        .filter(|other| other.path != file.path)
        .any(|other| endings.iter().any(|ending| other.text.contains(ending.as_str())))
}
