//! The one list of exceptions.

use super::Finding;
use crate::tree::Tree;

const LIST: &str = "xtask/tidy-exceptions.txt";

/// Takes out what the list allows. A line reads `check path: reason`; one that allows nothing any more is a finding itself.
pub(super) fn apply(tree: &Tree, findings: Vec<Finding>) -> Vec<String> {
    let list = tree.file(LIST).map(|file| file.text.as_str()).unwrap_or_default();
    let mut problems = Vec::new();
    let mut allowed = Vec::new();
    for (number, line) in list.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ").and_then(|(head, reason)| Some((head.split_once(' ')?, reason))) {
            Some(((check, path), reason)) if reason.len() > 10 => allowed.push((check, path, number + 1)),
            _ => problems.push(format!("{LIST}:{}: write `check path: reason`", number + 1)),
        }
    }
    let covers = |finding: &Finding, check: &str, path: &str| finding.check == check && finding.path == path;
    for (check, path, number) in &allowed {
        if !findings.iter().any(|finding| covers(finding, check, path)) {
            problems.push(format!("{LIST}:{number}: {check} {path} needs no exception any more; remove the line"));
        }
    }
    let left = findings
        .into_iter()
        .filter(|finding| !allowed.iter().any(|(check, path, _)| covers(finding, check, path)))
        .map(|finding| format!("{}: {} [{}]", finding.path, finding.text, finding.check));
    problems.extend(left);
    problems
}
