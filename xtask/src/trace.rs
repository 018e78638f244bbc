//! `docs/traceability.md`: every demand names the test that proves it, or says `not yet`.
//!
//! A row reads `| S0-01 | demand | proof |`. The proof is one or more test names in backquotes, or begins with `not yet`.

use std::collections::BTreeSet;

use crate::tree::Tree;

const TABLE: &str = "docs/traceability.md";

/// Demands of the three founding documents: prefix and number of rows.
const DEMANDS: [(&str, usize); 3] = [("S0", 38), ("S1", 32), ("S2", 12)];

/// What is wrong with the table.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let Some(table) = tree.file(TABLE) else { return vec![format!("{TABLE} is missing")] };
    let tests = test_names(tree);
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in table.text.lines().enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, proof] = cells[..] else { continue };
        if !DEMANDS.iter().any(|(prefix, _)| id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'))) {
            continue;
        }
        if !seen.insert(id.to_owned()) {
            problems.push(format!("{TABLE}:{}: {id} stands here twice", index + 1));
        }
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !proof.starts_with("not yet") {
            problems.push(format!("{TABLE}:{}: {id} names no test and does not say `not yet`", index + 1));
        }
        for name in named.into_iter().filter(|name| !tests.contains(*name)) {
            problems.push(format!("{TABLE}:{}: {id} names `{name}`, and there is no such test", index + 1));
        }
    }
    for id in expected().filter(|id| !seen.contains(id)) {
        problems.push(format!("{TABLE}: {id} is missing"));
    }
    problems
}

fn expected() -> impl Iterator<Item = String> {
    DEMANDS.into_iter().flat_map(|(prefix, rows)| (1..=rows).map(move |row| format!("{prefix}-{row:02}")))
}

/// Rust functions under a test attribute, titles of `test(` and `it(`, Python functions `test_*`.
fn test_names(tree: &Tree) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in &tree.files {
        if file.has_extension("rs") {
            rust_tests(&file.text, &mut names);
        } else if file.has_extension("ts") || file.has_extension("tsx") {
            for call in ["test(", "it("] {
                file.text.split(call).skip(1).filter_map(title).for_each(|title| {
                    names.insert(title);
                });
            }
        } else if file.has_extension("py") {
            let functions = file.text.split("def ").skip(1).filter_map(|rest| rest.split('(').next());
            names.extend(functions.filter(|name| name.starts_with("test_")).map(str::to_owned));
        }
    }
    names
}

fn rust_tests(text: &str, names: &mut BTreeSet<String>) {
    let mut under_test = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") && (line.contains("test]") || line.contains("test(")) {
            under_test = true;
        } else if let Some(at) = line.find("fn ").filter(|_| under_test) {
            names.insert(line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            under_test = false;
        }
    }
}

/// The first argument, if it is a text.
fn title(rest: &str) -> Option<String> {
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    rest[1..].split(quote).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    #[test]
    fn every_demand_is_traced() {
        let problems = check(&Tree::of_workspace());
        assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    }

    /// What a founding document asks to be beside the code.
    #[test]
    fn the_documents_are_there() {
        for (name, words) in [
            ("LICENSE", "MIT License"),
            ("CONTRIBUTING.md", "make test"),
            ("CHANGELOG.md", "## "),
            ("SECURITY.md", "vulnerab"),
            ("README.md", "make run"),
        ] {
            let text = std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default();
            assert!(text.contains(words), "{name} does not contain {words:?}");
        }
    }

    #[test]
    fn a_test_that_does_not_exist_is_noticed() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let table = "| S0-01 | x | `a_test` `a title` `test_python` |\n| S0-02 | x | `gone` |\n| S0-03 | x | surely |\n| S0-04 | x | not yet |\n";
        let tree = Tree {
            files: vec![
                file(TABLE, table),
                file("a.rs", "#[tokio::test]\nasync fn a_test() {}\nfn gone() {}\n"),
                file("b.spec.ts", "test(\n  \"a title\", () => {})"),
                file("c.py", "def test_python(x):\n"),
            ],
            ..Tree::default()
        };
        let problems = check(&tree);
        assert!(problems[0].contains("`gone`"), "{problems:?}");
        assert!(problems[1].contains("S0-03 names no test"), "{problems:?}");
        assert_eq!(problems.len(), 2 + 38 + 32 + 12 - 4);
    }
}
