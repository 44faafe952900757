//! Removes what test processes that were killed left behind: namespaces, and nodes that still run in them.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::{NAME_PREFIX, shell};

/// Removes the namespaces of processes that are gone, and ends what runs in them.
pub(super) fn leftovers() -> anyhow::Result<()> {
    let list = shell::run("ip", &["netns", "list"], "")?;
    for name in list.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| is_left(name)) {
        let Ok(running) = shell::run("ip", &["netns", "pids", name], "") else { continue };
        for pid in running.lines().filter_map(|line| line.trim().parse().ok()).filter_map(Pid::from_raw) {
            // Gone already, if it fails.
            let _ = kill_process(pid, Signal::KILL);
        }
        // Somebody else swept at the same time, if it fails.
        let _ = shell::run("ip", &["netns", "del", name], "");
    }
    Ok(())
}

/// Whether a namespace is one of ours whose process has ended.
fn is_left(name: &str) -> bool {
    let owner = name.strip_prefix(NAME_PREFIX).and_then(|rest| rest.split('-').next());
    let owner = owner.and_then(|pid| pid.parse::<u32>().ok());
    owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_dead_processes_are_swept() {
        assert!(is_left("quorate-4999999-0-1"));
        assert!(!is_left(&format!("quorate-{}-0-1", std::process::id())));
        assert!(!is_left("other-4999999-0-1"));
        assert!(!is_left("quorate-x-1"));
    }
}
