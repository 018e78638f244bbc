//! What Linux writes about a process, read: `proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_limits(5)`.

use std::time::Duration;

/// Unit of processor times: Linux shows every program 100 ticks a second, whatever the kernel counts by.
const TICKS_PER_SECOND: u64 = 100;

/// Fields of `stat` between the program's name (2) and the processor times (14 and 15).
const FIELDS_BEFORE_TIMES: usize = 14 - 3;

/// Time in user and in system mode of all threads.
pub fn cpu_time(stat: &str) -> Option<Duration> {
    // The program's name (field 2, in brackets) may hold anything, so what follows is counted from its end: field 3 comes first.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(FIELDS_BEFORE_TIMES);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS_PER_SECOND))
}

/// Resident memory in bytes (`VmRSS` of `status`).
pub fn resident_bytes(status: &str) -> Option<u64> {
    number(status, "VmRSS:").map(|kib| kib * 1024)
}

/// The first number after `name` at the beginning of a line.
pub fn number(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_understood() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 3 0 250 50 0 0 20 0 9 0 1000 5000000 800";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("7 (short) S"), None);
        assert_eq!(cpu_time("42 (a"), None);
        let status = "Name:\theydok\nVmRSS:\t   20480 kB\nThreads:\t9\n";
        assert_eq!((resident_bytes(status), number(status, "Threads:")), (Some(20480 * 1024), Some(9)));
        assert_eq!(resident_bytes("Name:\ta\n"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n";
        assert_eq!(number(limits, "Max open files"), Some(1024));
        assert_eq!(number("Max open files  unlimited", "Max open files"), None);
    }
}
