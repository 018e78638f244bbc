//! What a process on this machine has used, as Linux counts it.

use std::io;
use std::time::Duration;

use kit::proc;

use crate::error::LoadError;

/// A process that is observed from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

/// What a process had used at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident: u64,
}

impl Process {
    /// This process.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// What it has used until now.
    pub fn usage(self) -> Result<Usage, LoadError> {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", self.0));
        let usage = || -> io::Result<Usage> {
            Ok(Usage {
                cpu: proc::cpu_time(&read("stat")?).ok_or(io::ErrorKind::InvalidData)?,
                resident: proc::resident_bytes(&read("status")?).ok_or(io::ErrorKind::InvalidData)?,
            })
        };
        usage().map_err(|source| LoadError::Process { pid: self.0, source })
    }

    /// How many files and sockets it has open.
    pub fn descriptors(self) -> Result<u64, LoadError> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.0));
        Ok(entries.map_err(|source| LoadError::Process { pid: self.0, source })?.count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_observed() {
        assert!(Process::own().usage().unwrap().resident > 0);
        assert!(Process::own().descriptors().unwrap() > 2);
        assert!(matches!(Process(u32::MAX).usage(), Err(LoadError::Process { .. })));
    }
}
