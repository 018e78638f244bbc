//! Puts the built web client (`web/dist`) into the binary as a table of files, each also compressed. Without it the build works
//! too: the page then says how to build it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// How hard brotli works, of 11: the last two steps cost many times the time for a few percent.
const BROTLI_QUALITY: i32 = 9;
/// Smaller files are not worth it.
const COMPRESSED_BYTES_MIN: usize = 512;
/// Files that are not compressed already.
const TEXTS: [&str; 10] = ["html", "js", "mjs", "css", "json", "webmanifest", "svg", "ico", "wasm", "txt"];

fn main() -> io::Result<()> {
    let dist = Path::new("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?);
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("pub(super) static FILES: &[File] = &[\n");
    for (number, path) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.strip_prefix(dist).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let bytes = fs::read(path)?;
        let is_text = path.extension().is_some_and(|extension| TEXTS.iter().any(|text| extension == *text));
        let form = |compressed: Vec<u8>, kind: &str| {
            if !is_text || bytes.len() < COMPRESSED_BYTES_MIN || compressed.len() >= bytes.len() {
                return Ok::<_, io::Error>("None".to_owned());
            }
            let file = out.join(format!("{number}.{kind}"));
            fs::write(&file, compressed)?;
            Ok(format!("Some(include_bytes!({:?}))", file.display().to_string()))
        };
        let (brotli, gzip) = (form(brotli(&bytes)?, "br")?, form(gzip(&bytes)?, "gz")?);
        let plain = fs::canonicalize(path)?.display().to_string();
        let _ = writeln!(
            table,
            "    File {{ name: {name:?}, bytes: include_bytes!({plain:?}), brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("web_files.rs"), table)
}

fn brotli(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut parameters = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, ..Default::default() };
    parameters.size_hint = bytes.len();
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "map") {
            files.push(path);
        }
    }
    Ok(())
}
