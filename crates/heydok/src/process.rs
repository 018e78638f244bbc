//! What the operating system says about this process (`proc(5)`); elsewhere than on Linux it says nothing.

use std::fs;

/// Unit of processor times in `/proc`: Linux shows every program 100 ticks a second, whatever the kernel counts by.
const TICKS_PER_SECOND: f64 = 100.0;

/// File descriptors that more would be of no use to us: each connection takes one.
const FILES_MAX: u64 = 1 << 20;

/// Lets this process open as many files and connections as it is allowed to: what it is given at first (often 1,024) is for
/// programs that cannot deal with more.
pub fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let given = getrlimit(Resource::Nofile);
    let most = given.maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    if given.current.is_some_and(|current| current < most) {
        // Without it we serve fewer.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: given.maximum });
    }
}

/// Publishes processor time, memory, threads and file descriptors.
pub fn publish() {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    if let Some(seconds) = cpu_seconds(&read("stat")) {
        // Whole seconds are what a counter holds; a gauge holds the rest too, and is named as everybody expects.
        metrics::gauge!("process_cpu_seconds_total").set(seconds);
    }
    let status = read("status");
    if let Some(kib) = field(&status, "VmRSS:") {
        metrics::gauge!("process_resident_memory_bytes").set(kib * 1024.0);
    }
    if let Some(threads) = field(&status, "Threads:") {
        metrics::gauge!("process_threads").set(threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
    if let Some(max) = field(&read("limits"), "Max open files") {
        metrics::gauge!("process_max_fds").set(max);
    }
}

/// Time in user and in system mode. The program's name, in brackets, may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut after_name = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || after_name.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The first number after `name` at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_as_allowed() {
        allow_many_files();
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let words: Vec<u64> = line.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
        assert!(words[0] == words[1].min(FILES_MAX) || words[0] > FILES_MAX, "{line}");
    }

    #[test]
    fn what_the_kernel_writes_is_understood() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 3 0 250 50 0 0 20 0 9 0 1000 5000000 800";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (short) S"), None);
        let status = "Name:\theydok\nVmRSS:\t   20480 kB\nThreads:\t9\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(20480.0), Some(9.0)));
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n";
        assert_eq!(field(limits, "Max open files"), Some(1024.0));
        assert_eq!(field("Max open files  unlimited", "Max open files"), None);
    }
}
