//! What a machine offers a node: its folder, its disk, its limits.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::cli::table::human;
use crate::limits::{DISK_RESERVE_SEGMENTS, RESP_CONNECTIONS_DEFAULT};

/// Syncs that are timed.
const SYNCS: usize = 20;
/// Bytes written before each of them.
const SYNC_BYTES: usize = 4 << 10;
/// What the median of them may take: every write waits for one.
const SYNC_MAX: Duration = Duration::from_millis(20);
/// Open files a node needs: both addresses of the Redis protocol full of connections, and room for peers, HTTP and the log.
const FILES_MIN: u64 = 2 * RESP_CONNECTIONS_DEFAULT as u64 + 4_096;
/// Free space below which a node with the default segments refuses writes, in bytes.
const FREE_MIN: u64 = DISK_RESERVE_SEGMENTS * (64 << 20);

/// Every check of this machine.
pub(super) fn examine(dir: &Path) -> Vec<Finding> {
    let mut findings = folder(dir);
    findings.push(files(getrlimit(Resource::Nofile).current));
    findings
}

fn folder(dir: &Path) -> Vec<Finding> {
    let shown = dir.display();
    match tempfile::NamedTempFile::new_in(dir) {
        Ok(mut file) => {
            let writable = Finding::well("folder", format!("{shown} is writable"));
            vec![writable, sync(time_syncs(file.as_file_mut())), space(free(dir))]
        }
        Err(error) => {
            let todo = "create it, and give it to the user the node runs as: install -d -o USER -m 0750 DIR";
            vec![Finding::wrong("folder", format!("{shown} is not writable: {error}"), todo)]
        }
    }
}

/// How long each sync took, in order of size.
fn time_syncs(file: &mut File) -> io::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0x5a; SYNC_BYTES])?;
        let began = Instant::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took)
}

fn sync(took: io::Result<Vec<Duration>>) -> Finding {
    let failed = |why: String| {
        Finding::wrong("fsync", why, "look at the system's log (dmesg): the disk may be failing")
    };
    let took = match took {
        Ok(took) => took,
        Err(error) => return failed(format!("a sync failed: {error}")),
    };
    let (Some(median), Some(longest)) = (took.get(took.len() / 2), took.last()) else {
        return failed("no sync was timed".to_owned());
    };
    let detail = format!("a sync takes {median:.1?}, the longest of {} took {longest:.1?}", took.len());
    if *median > SYNC_MAX {
        return Finding::wrong(
            "fsync",
            detail,
            "every write waits for a sync: use a local SSD of its own, with power-loss protection",
        );
    }
    Finding::well("fsync", detail)
}

/// Bytes free for a process without privileges.
fn free(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn space(free: io::Result<u64>) -> Finding {
    match free {
        Ok(free) if free < FREE_MIN => {
            let detail = format!("{} are free; below {} writes are refused", human(free), human(FREE_MIN));
            Finding::wrong("disk", detail, "free space, or give the node a larger disk")
        }
        Ok(free) => Finding::well("disk", format!("{} are free", human(free))),
        Err(error) => {
            Finding::wrong("disk", format!("the free space is not known: {error}"), "check the mount")
        }
    }
}

/// `None`: there is no limit.
fn files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < FILES_MIN => {
            let detail =
                format!("a process started from here may open {limit} files; {FILES_MIN} are wanted");
            Finding::wrong(
                "files",
                detail,
                format!("ulimit -n {FILES_MIN}, or LimitNOFILE={FILES_MIN} in the service's unit"),
            )
        }
        Some(limit) => Finding::well("files", format!("a process started from here may open {limit} files")),
        None => Finding::well("files", "any number of files may be open"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let checks: Vec<&str> = examine(dir.path()).iter().map(|finding| finding.check).collect();
        assert_eq!(checks, ["folder", "fsync", "disk", "files"]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let found = examine(&dir.path().join("none"));
        assert!(!found[0].ok && found[0].check == "folder", "{found:?}");
    }

    #[test]
    fn each_bound_is_judged() {
        let ms = |ms| Ok(vec![Duration::from_millis(1), Duration::from_millis(ms), Duration::from_secs(9)]);
        assert!(sync(ms(20)).ok && !sync(ms(21)).ok);
        assert!(!sync(Err(io::Error::other("bad"))).ok);
        assert!(space(Ok(FREE_MIN)).ok && !space(Ok(FREE_MIN - 1)).ok);
        assert!(files(None).ok && files(Some(FILES_MIN)).ok && !files(Some(1_024)).ok);
    }
}
