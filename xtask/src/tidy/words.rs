//! Words that do not belong into what is committed.

use super::Finding;
use crate::rust;
use crate::tree::{File, Tree};

/// A word and what to do instead. Written in parts, so that this file does not contain it.
struct Word {
    word: &'static str,
    instead: &'static str,
    /// Where it is looked for.
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Every text file.
    Anywhere,
    /// Rust code, tests too; not comments and strings.
    RustCode,
    /// Rust code outside tests.
    RustProduct,
    /// TypeScript, tests too.
    Typescript,
    /// TypeScript outside tests.
    TypescriptProduct,
    /// Rust and TypeScript tests, and Python.
    Tests,
}

macro_rules! words {
    ($($place:ident: $($part:literal)+ => $instead:literal,)*) => {
        &[$(Word { word: concat!($($part),+), instead: $instead, place: Place::$place }),*]
    };
}

const WORDS: &[Word] = words! {
    Anywhere: "FIX" "ME" => "fix it, or write what is missing into the documentation",
    Anywhere: "X" "XX" => "say what you mean",
    Anywhere: "/wo" "rk/" => "no paths of one machine",
    Anywhere: "/ro" "ot/" => "no paths of one machine",
    Anywhere: "/ho" "me/" => "no paths of one machine",
    RustCode: "to" "do!(" => "build it or leave it out",
    RustCode: "unimple" "mented!(" => "build it or leave it out",
    RustCode: "db" "g!(" => "use tracing",
    RustCode: "#[ig" "nore" => "a test that does not run proves nothing",
    RustCode: "#[should_" "panic" => "return the error and compare it",
    RustProduct: ".unw" "rap()" => "return the error, or say the invariant in an expect",
    RustProduct: "println" "!(" => "use tracing; only the command line prints",
    RustProduct: "thread::sl" "eep" => "wait for the thing itself",
    Typescript: ".sk" "ip(" => "a test that does not run proves nothing",
    Typescript: ".on" "ly(" => "all tests run",
    Typescript: ".fix" "me(" => "a test that does not run proves nothing",
    Typescript: "@ts-ig" "nore" => "give it a type",
    Typescript: "biome-ig" "nore-all" => "name the one rule and the reason",
    TypescriptProduct: "console" ".log" => "remove it",
    TypescriptProduct: "dangerously" "SetInnerHTML" => "render text",
    TypescriptProduct: "https" "://fonts." => "nothing is loaded from others",
    Tests: "waitFor" "Timeout" => "wait for the thing itself",
    Tests: "thread::sl" "eep" => "wait for the thing itself",
    Tests: "time.sl" "eep(" => "wait for the thing itself",
    Tests: "pytest.mark.sk" "ip" => "a test that does not run proves nothing",
};

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        if is_data(file) {
            continue;
        }
        let code = file.has_extension("rs").then(|| rust::code_only(&file.text));
        let product = code.as_deref().map(rust::without_tests);
        for word in WORDS {
            if let Some(text) = text_for(word.place, file, code.as_deref(), product.as_deref()) {
                find(word, file, text, findings);
            }
        }
    }
}

/// Files that people do not write.
fn is_data(file: &File) -> bool {
    matches!(file.name(), "Cargo.lock" | "package-lock.json" | "openapi.json" | "schema.d.ts")
        || file.path.contains("/corpus/")
        || file.has_extension("svg")
}

fn text_for<'a>(place: Place, file: &'a File, code: Option<&'a str>, product: Option<&'a str>) -> Option<&'a str> {
    let typescript = file.has_extension("ts") || file.has_extension("tsx");
    match place {
        Place::Anywhere => Some(&file.text),
        Place::RustCode => code,
        Place::RustProduct => product.filter(|_| !file.is_test() && !may_print(file)),
        Place::Typescript => typescript.then_some(&*file.text),
        Place::TypescriptProduct => (typescript && !file.is_test()).then_some(&*file.text),
        Place::Tests => (file.is_test() || file.has_extension("py")).then_some(&*file.text),
    }
}

/// Programs for the terminal, and build scripts, which talk to cargo.
fn may_print(file: &File) -> bool {
    file.path.starts_with("xtask/") || matches!(file.name(), "main.rs" | "build.rs")
}

fn find(word: &Word, file: &File, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate().filter(|(_, line)| line.contains(word.word)) {
        // Such a folder is fine inside an address.
        if word.place == Place::Anywhere && word.word.starts_with('/') && line.contains("://") {
            continue;
        }
        let text = format!("line {}: `{}`: {}", index + 1, word.word, word.instead);
        findings.push(Finding::new("word", &file.path, text));
    }
}
