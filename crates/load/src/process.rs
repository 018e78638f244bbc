//! What a process on this machine has used, as Linux counts it.

use std::io;
use std::time::Duration;

use crate::error::LoadError;

/// Clock ticks per second in `/proc/<pid>/stat`; fixed for user space on Linux.
const TICKS_PER_SECOND: u64 = 100;

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
                cpu: cpu_time(&read("stat")?).ok_or(io::ErrorKind::InvalidData)?,
                resident: resident(&read("status")?).ok_or(io::ErrorKind::InvalidData)?,
            })
        };
        usage().map_err(|source| LoadError::Process { pid: self.0, source })
    }
}

/// `utime` and `stime` (fields 14 and 15 of proc_pid_stat(5)); the name in field 2 may hold spaces and brackets.
fn cpu_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_the_kernel_writes_them() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1000 200 18446744073709551615";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("42 (a"), None);
        assert_eq!(resident("Name:\ta\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(resident("Name:\ta\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_observed() {
        assert!(Process::own().usage().unwrap().resident > 0);
        assert!(matches!(Process(u32::MAX).usage(), Err(LoadError::Process { .. })));
    }
}
