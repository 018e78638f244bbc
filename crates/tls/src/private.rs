//! Files that only we may read.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes the folder if needed, writes beside the old file and moves over it, so that a crash leaves one of the two whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let beside = path.with_extension("new");
    // Left by a crash or put there by somebody else it would keep its mode, or lead elsewhere.
    remove(&beside)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// What stands in a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes a file away, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// Nor where a file that everybody reads, or a link, stands where it is written beside.
    #[test]
    fn what_was_left_lends_neither_its_mode_nor_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("key.pem"), folder.path().join("key.new"));
        let elsewhere = folder.path().join("elsewhere");
        for linked in [false, true] {
            std::fs::write(&elsewhere, "old").unwrap();
            if linked { std::os::unix::fs::symlink(&elsewhere, &beside) } else { std::fs::write(&beside, "left") }
                .unwrap();
            write(&path, b"key").unwrap();
            assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode(), 0o100_600, "linked: {linked}");
            assert_eq!(std::fs::read(&elsewhere).unwrap(), b"old");
        }
    }

    #[test]
    fn nobody_else_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.pem");
        assert_eq!(read(&path).unwrap(), None);
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some(text.as_bytes()));
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }
}
