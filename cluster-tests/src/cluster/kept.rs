//! What is shown and kept of a cluster whose test failed.

use std::io::Write;

use super::Cluster;
use crate::process::tail;

impl Cluster {
    /// Prints the end of every log and keeps the folder, with what faulty disks hold.
    pub(super) fn show(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        let folder = folder.keep();
        let mut err = std::io::stderr().lock();
        for (id, member) in &mut self.members {
            member.process = None;
            if let Some(disk) = member.disk.take()
                && let Err(error) = disk.export(&folder.join(format!("node-{id}")))
            {
                let _ = writeln!(err, "=== the disk of node {id} cannot be kept: {error}");
            }
            let log = folder.join(format!("node-{id}.log"));
            // Nothing can be done about a broken stderr.
            let _ = writeln!(err, "=== end of {}\n{}", log.display(), tail(&log));
        }
        let _ = writeln!(err, "=== logs, data and history are kept in {}", folder.display());
    }
}
