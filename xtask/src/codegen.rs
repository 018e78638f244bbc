//! Writes the generated files again: the configuration reference, the OpenAPI document, the types of the web client.

use std::path::Path;
use std::process::Command;

use crate::tree::Tree;

/// Runs the release binary for what it prints, then the generator of the web client.
pub(crate) fn run(tree: &Tree) -> Result<(), String> {
    let root = &tree.root;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let binary = target.join("release/heydok");
    print_into(&binary, &["config", "--reference"], &root.join("docs/configuration.md"))?;
    print_into(&binary, &["openapi"], &root.join("packages/client/openapi.json"))?;
    let status = Command::new("npm").args(["run", "--silent", "codegen"]).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("npm run codegen: {status}")),
        Err(error) => Err(format!("npm run codegen: {error}")),
    }
}

fn print_into(binary: &Path, arguments: &[&str], path: &Path) -> Result<(), String> {
    let output = Command::new(binary)
        .args(arguments)
        .output()
        .map_err(|error| format!("{} cannot be run ({error}); run `make build` first", binary.display()))?;
    if !output.status.success() {
        return Err(format!(
            "{} {}: {}",
            binary.display(),
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    std::fs::write(path, output.stdout).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
