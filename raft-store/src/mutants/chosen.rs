//! Which seeded bug is active.

use std::cell::Cell;
use std::sync::OnceLock;

use super::Mutant;

/// The environment variable that names the bug of a whole process.
pub const VARIABLE: &str = "QUORATE_MUTANT";

thread_local! {
    /// `None`: the process's choice counts.
    static OF_THREAD: Cell<Option<Option<Mutant>>> = const { Cell::new(None) };
}

static OF_PROCESS: OnceLock<Option<Mutant>> = OnceLock::new();

/// Whether `mutant` is the active bug.
///
/// # Panics
/// When [`VARIABLE`] names no mutant: a run that was to have a bug must not pass for one without.
pub fn active(mutant: Mutant) -> bool {
    let of_process = || *OF_PROCESS.get_or_init(named);
    OF_THREAD.get().unwrap_or_else(of_process) == Some(mutant)
}

fn named() -> Option<Mutant> {
    let name = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
    Some(name.parse().unwrap_or_else(|error| panic!("{VARIABLE}: {error}")))
}

/// The bug that is active on this thread.
pub fn current() -> Option<Mutant> {
    Mutant::ALL.iter().copied().find(|&mutant| active(mutant))
}

/// Gives this thread this bug, or none whatever the process has, until the guard is dropped.
pub fn enter(mutant: Option<Mutant>) -> Entered {
    Entered(OF_THREAD.replace(Some(mutant)))
}

/// Runs `work` with this bug, or with none whatever the process has; on this thread only.
pub fn with<T>(mutant: Option<Mutant>, work: impl FnOnce() -> T) -> T {
    let _entered = enter(mutant);
    work()
}

/// Sets the thread's choice back, after a panic too.
#[derive(Debug)]
pub struct Entered(Option<Option<Mutant>>);

impl Drop for Entered {
    fn drop(&mut self) {
        OF_THREAD.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_active_in_its_scope_and_thread_only() {
        with(Some(Mutant::ForgetVote), || {
            assert!(active(Mutant::ForgetVote) && !active(Mutant::ApplyTwice));
            with(None, || assert!(!active(Mutant::ForgetVote)));
            let inner = std::panic::catch_unwind(|| with(Some(Mutant::ApplyTwice), || panic!("inside")));
            assert!(inner.is_err() && active(Mutant::ForgetVote));
            let elsewhere = || with(None, || active(Mutant::ForgetVote));
            assert!(!std::thread::spawn(elsewhere).join().unwrap());
        });
    }
}
