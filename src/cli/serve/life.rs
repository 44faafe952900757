//! Ties a child of `demo` to the life of its parent.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::fail::{Exit, Failure};

/// Makes the kernel kill this process when its parent, which must be `parent`, ends.
///
/// The kernel ties this to the parent's thread that started us; `demo` starts nodes from its main thread,
/// which lives as long as the process.
pub(super) fn die_with(parent: i32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    // The parent may have died before the line above took effect.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) == Some(parent) {
        return Ok(());
    }
    let detail = format!("process {parent} is not the parent of this one");
    Err(Failure::new(Exit::Error, "The parent is gone", detail))
}
