//! The data folder, held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::config::Refusal;

/// The data folder. While this value lives, no other heydok can open the same folder; the operating system lets go of it
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held for its lock.
    lock: File,
}

/// Who uses a data folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Holder {
    Nobody,
    /// A server that said where it listens.
    Server(String),
    /// A heydok that did not, such as `heydok migrate`, or a server that is starting.
    Somebody,
}

/// The lock of `heydok serve` and of everything else that uses the database.
const LOCK: &str = "heydok.lock";

impl DataDir {
    /// Makes the folder if needed and locks it.
    ///
    /// # Errors
    /// R-10 where it cannot be written or another process holds it.
    pub fn open(folder: &Path) -> Result<Self, Refusal> {
        Self::open_with_lock(folder, LOCK)
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
            // What an earlier holder told is over.
            Ok(()) => lock.set_len(0).map(|()| Self { path, lock }).map_err(|error| unwritable(&error)),
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

    /// Says where the holder listens, for [`DataDir::holder`]: `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// Where it cannot be written; then the others find out nothing, and nothing else is lost.
    pub fn tell(&self, address: &str) -> std::io::Result<()> {
        (&self.lock).write_all(address.as_bytes())
    }

    /// Who uses the folder. What stands in the lock's file counts only while somebody holds the lock, who emptied it first.
    pub fn holder(folder: &Path) -> Holder {
        let Ok(mut lock) = File::open(folder.join(LOCK)) else { return Holder::Nobody };
        let mut address = String::new();
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => match lock.read_to_string(&mut address) {
                Ok(1..) => Holder::Server(address),
                _ => Holder::Somebody,
            },
            _ => Holder::Nobody,
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

    /// Only a holder that lives and has told where it listens is found by its address.
    #[test]
    fn the_holder_is_found_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(DataDir::holder(&folder.path().join("none")), Holder::Nobody);
        let held = DataDir::open(folder.path()).unwrap();
        assert_eq!(DataDir::holder(folder.path()), Holder::Somebody);
        held.tell("http://127.0.0.1:8000").unwrap();
        assert_eq!(DataDir::holder(folder.path()), Holder::Server("http://127.0.0.1:8000".into()));
        drop(held);
        assert_eq!(DataDir::holder(folder.path()), Holder::Nobody);
        let _again = DataDir::open(folder.path()).unwrap();
        assert_eq!(DataDir::holder(folder.path()), Holder::Somebody);
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
