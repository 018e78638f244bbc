//! A log file that keeps its name while older parts are set aside.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Size at which a new file is begun.
const FILE_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// Older files that are kept, `app.log.1` being the youngest.
const FILES_KEPT: u32 = 5;

/// Appends to a file; at its largest size it becomes `<name>.1`, what was `.1` becomes `.2`, and the oldest is deleted.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl RotatingFile {
    /// Opens `path` for appending and makes its folder.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, FILE_BYTES_MAX)
    }

    fn with_limit(path: &Path, bytes_max: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, bytes_max })
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        // Files that do not exist yet cannot be moved, and need not be.
        for age in (1..FILES_KEPT).rev() {
            let _ = std::fs::rename(self.aged(age), self.aged(age + 1));
        }
        std::fs::rename(&self.path, self.aged(1))?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.bytes_max {
            // If the file cannot be moved, a long log is better than none.
            let _ = self.rotate();
        }
        let written = self.file.write(line)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stand_in_the_named_file_and_five_old_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/app.log");
        let mut file = RotatingFile::with_limit(&path, 20).unwrap();
        for number in 10..30 {
            file.write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join("logs").join(name)).unwrap();
        assert_eq!(read("app.log"), "line 28\nline 29\n");
        assert_eq!(read("app.log.1"), "line 26\nline 27\n");
        assert_eq!(read("app.log.5"), "line 18\nline 19\n");
        assert_eq!(std::fs::read_dir(folder.path().join("logs")).unwrap().count(), 6);
    }

    #[test]
    fn an_existing_file_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        std::fs::write(&path, "before\n").unwrap();
        RotatingFile::open(&path).unwrap().write_all(b"after\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nafter\n");
    }
}
