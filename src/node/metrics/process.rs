//! The process as the system sees it, by the names Prometheus's own libraries use.
//!
//! Read from `/proc` when asked for. What cannot be read is left out.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::Exposition;

/// Place of the time spent in user mode among the fields of `/proc/self/stat` behind the program's name; the time in
/// the kernel is the next (proc_pid_stat(5): fields 14 and 15, and 3 is the first behind the name).
const USER_TICKS: usize = 11;

pub(super) fn metrics(text: &mut Exposition) {
    if let Some(seconds) = cpu_seconds() {
        text.one("process_cpu_seconds_total", "counter", "Processor time of the process.", seconds);
    }
    if let Some(bytes) = resident_bytes() {
        text.one("process_resident_memory_bytes", "gauge", "Memory the process has in use.", bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.one("process_open_fds", "gauge", "Files the process has open.", open.count());
    }
    if let Some(limit) = getrlimit(Resource::Nofile).current {
        text.one("process_max_fds", "gauge", "Files it may have open.", limit);
    }
}

fn cpu_seconds() -> Option<f64> {
    let ticks = cpu_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
    Some(ticks as f64 / clock_ticks_per_second() as f64)
}

/// The name of the program stands in parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut spent = fields.split_whitespace().skip(USER_TICKS).map(str::parse::<u64>);
    Some(spent.next()?.ok()? + spent.next()?.ok()?)
}

fn resident_bytes() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 41 17 0 0 20 0 5 0 99 1000 50";
        assert_eq!(cpu_ticks(stat), Some(58));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_is_shown() {
        let mut text = Exposition::default();
        metrics(&mut text);
        for name in ["process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds "] {
            assert!(text.0.contains(&format!("\n{name}")), "{name} is not in\n{}", text.0);
        }
    }
}
