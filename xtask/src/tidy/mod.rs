//! Taste, enforced by machine. Exceptions stand in `xtask/tidy-exceptions.txt`, each with its reason.

mod dead;
mod deny;
mod edges;
mod exceptions;
mod sizes;
mod words;

use crate::tree::Tree;

/// Something that is not as it should be.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Name of the check, as the list of exceptions uses it.
    pub check: &'static str,
    /// File it is about.
    pub path: String,
    /// What is wrong, and where.
    pub text: String,
}

impl Finding {
    fn new(check: &'static str, path: &str, text: impl Into<String>) -> Self {
        Self { check, path: path.to_owned(), text: text.into() }
    }
}

/// All findings that no exception covers, and exceptions that cover nothing.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    sizes::check(tree, &mut findings);
    words::check(tree, &mut findings);
    edges::check(tree, &mut findings);
    dead::check(tree, &mut findings);
    deny::check(tree, &mut findings);
    exceptions::apply(tree, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let findings = check(&Tree::of_workspace());
        assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    }
}
