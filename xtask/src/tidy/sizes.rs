//! How long files and functions may be.

use super::Finding;
use crate::rust;
use crate::tree::{File, Tree};

const RUST_FILE_LINES_MAX: usize = 800;
const RUST_MEDIAN_MAX: usize = 200;
const FUNCTION_LINES_MAX: usize = 70;
const TYPESCRIPT_FILE_LINES_MAX: usize = 300;

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut sizes = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        sizes.push(rust_file(file, findings));
    }
    sizes.sort_unstable();
    if let Some(median) = sizes.get(sizes.len() / 2).filter(|median| **median > RUST_MEDIAN_MAX) {
        let text = format!("the median Rust file has {median} lines, more than {RUST_MEDIAN_MAX}");
        findings.push(Finding::new("median", "crates", text));
    }
    for file in tree.typescript() {
        let lines = file.text.lines().count();
        if lines > TYPESCRIPT_FILE_LINES_MAX {
            let text = format!("{lines} lines, more than {TYPESCRIPT_FILE_LINES_MAX}: split it");
            findings.push(Finding::new("file-size", &file.path, text));
        }
    }
}

/// Checks one file and returns its lines without tests.
fn rust_file(file: &File, findings: &mut Vec<Finding>) -> usize {
    let code = rust::without_tests(&rust::code_only(&file.text));
    let tests = file.text.find("#[cfg(test)]\nmod ").unwrap_or(file.text.len());
    let lines = file.text[..tests].lines().count();
    if lines > RUST_FILE_LINES_MAX {
        let text = format!("{lines} lines without tests, more than {RUST_FILE_LINES_MAX}: split it");
        findings.push(Finding::new("file-size", &file.path, text));
    }
    for function in rust::functions(&code).iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
        let text = format!(
            "line {}: fn {} has {} lines, more than {FUNCTION_LINES_MAX}: take parts out",
            function.line, function.name, function.lines
        );
        findings.push(Finding::new("function-size", &file.path, text));
    }
    lines
}
