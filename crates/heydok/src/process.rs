//! What the operating system says about this process (`proc(5)`); elsewhere than on Linux it says nothing.

use std::fs;

use kit::proc;

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
    if let Some(time) = proc::cpu_time(&read("stat")) {
        // Whole seconds are what a counter holds; a gauge holds the rest too, and is named as everybody expects.
        metrics::gauge!("process_cpu_seconds_total").set(time.as_secs_f64());
    }
    let status = read("status");
    if let Some(bytes) = proc::resident_bytes(&status) {
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    if let Some(threads) = proc::number(&status, "Threads:") {
        metrics::gauge!("process_threads").set(threads as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
    if let Some(max) = proc::number(&read("limits"), "Max open files") {
        metrics::gauge!("process_max_fds").set(max as f64);
    }
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
}
