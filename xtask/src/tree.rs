//! The files of the project: what git has or would add.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl File {
    /// Whether the path ends in `.extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.strip_suffix(extension).is_some_and(|rest| rest.ends_with('.'))
    }

    /// File name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether the file holds only tests or what only tests use.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.name();
        ["/tests/", "/testing/", "/examples/", "/benches/"].iter().any(|folder| self.path.contains(folder))
            || self.path.starts_with("e2e/")
            || self.path.starts_with("fuzz/")
            || self.path.starts_with("crates/testkit/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
            || name.contains(".test.")
            || name.contains(".spec.")
    }
}

/// All text files of the project.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Folder of the workspace.
    pub root: PathBuf,
    /// Files in the order of their paths.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads the workspace that this program was built in.
    pub(crate) fn of_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default();
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&root)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let files = paths
            .into_iter()
            .filter_map(|path| {
                let text = std::fs::read_to_string(root.join(path)).ok()?;
                Some(File { path: path.to_owned(), text })
            })
            .collect();
        Self { root, files }
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.has_extension("rs"))
    }

    /// TypeScript files that people write.
    pub(crate) fn typescript(&self) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(|file| file.has_extension("ts") || file.has_extension("tsx"))
            .filter(|file| !file.path.ends_with(".d.ts"))
    }
}
