//! The data folder, held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::config::Refusal;

/// The data folder. While this value lives, no other heydok can open the same folder; the operating system lets go of it
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if needed and locks it.
    ///
    /// # Errors
    /// R-10 where it cannot be written or another process holds it.
    pub fn open(folder: &Path) -> Result<Self, Refusal> {
        Self::open_with_lock(folder, "heydok.lock")
    }

    /// The same for `heydok media`, which uses no database and may stand beside a `heydok serve` in one folder.
    ///
    /// # Errors
    /// R-10, as [`DataDir::open`].
    pub fn open_for_media(folder: &Path) -> Result<Self, Refusal> {
        Self::open_with_lock(folder, "heydok-media.lock")
    }

    fn open_with_lock(folder: &Path, lock: &str) -> Result<Self, Refusal> {
        let unwritable = |error: &std::io::Error| {
            let folder = folder.display();
            Refusal::one(
                "R-10",
                format!("DATA_DIR {folder} cannot be written ({error}); choose another folder or change its owner"),
            )
        };
        // The database names people: what we make is for us alone. A folder that exists belongs to whoever made it.
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder).map_err(|error| unwritable(&error))?;
        let path = folder.canonicalize().map_err(|error| unwritable(&error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(lock))
            .map_err(|error| unwritable(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                Err(Refusal::one(
                    "R-10",
                    format!("DATA_DIR {path} is in use by another heydok; stop that one or set another DATA_DIR"),
                ))
            }
            Err(TryLockError::Error(error)) => Err(unwritable(&error)),
        }
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b");
        let first = DataDir::open(&inside).unwrap();
        let refusal = DataDir::open(&inside).unwrap_err();
        assert!(refusal.0[0].sentence.contains("in use by another heydok"), "{refusal}");
        let media = DataDir::open_for_media(&inside).unwrap();
        assert!(DataDir::open_for_media(&inside).is_err());
        drop((first, media));
        assert!(DataDir::open(&inside).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refusal = DataDir::open(&file.join("data")).unwrap_err();
        assert_eq!(refusal.0[0].rule, "R-10");
        assert!(refusal.0[0].sentence.contains("DATA_DIR"));
    }
}
