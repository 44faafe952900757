//! Work that takes long or waits for the disk, kept away from the tasks.
//!
//! It goes to tokio's threads for such work. In a simulated world there are none: there it is done on
//! the thread that asks for it, so that what happens depends on no other, and who waits for it gives way once behind it.

use tokio::task::{JoinError, spawn_blocking, yield_now};

/// How many pieces of work that keep a core busy may go on at once in a simulated world, whatever the machine has.
#[cfg(any(test, feature = "simulation"))]
const SIMULATED_CORES: usize = 2;

/// Whether such work is done in place here.
#[cfg(any(test, feature = "simulation"))]
pub(crate) fn in_place() -> bool {
    crate::simulation::world().is_some()
}

/// Whether such work is done in place here: never.
#[cfg(not(any(test, feature = "simulation")))]
pub(crate) const fn in_place() -> bool {
    false
}

/// Does `work` and waits for it. Once this was polled, the work goes on to its end even if the caller goes away.
///
/// # Errors
/// The work panicked, or the runtime shut down before it began.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    if in_place() {
        let done = work();
        yield_now().await;
        return Ok(done);
    }
    spawn_blocking(work).await
}

/// Has `work` done, for which nobody waits. In a simulated world it is a task of its own.
pub fn begin(work: impl FnOnce() + Send + 'static) {
    if in_place() {
        drop(tokio::spawn(async move { work() }));
    } else {
        drop(spawn_blocking(work));
    }
}

/// Frees `value`, which may take long; nobody waits for it.
pub fn free(value: impl Send + 'static) {
    begin(move || drop(value));
}

/// How many pieces of work that keep a core busy should go on at once.
pub fn cores() -> usize {
    #[cfg(any(test, feature = "simulation"))]
    if in_place() {
        return SIMULATED_CORES;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::thread;

    use super::*;
    use crate::simulation::{Fixed, enter};

    #[tokio::test]
    async fn work_leaves_this_thread_but_in_a_world() {
        let here = thread::current().id();
        assert_ne!(run(move || thread::current().id()).await.unwrap(), here);
        let _world = enter(Rc::new(Fixed(0)));
        assert_eq!(run(move || thread::current().id()).await.unwrap(), here);
        assert_eq!(cores(), SIMULATED_CORES);
    }

    #[tokio::test]
    async fn a_panic_of_the_work_is_an_error() {
        assert!(run(|| panic!("a panic that a test asked for")).await.unwrap_err().is_panic());
    }
}
