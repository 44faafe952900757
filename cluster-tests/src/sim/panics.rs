//! Panics of the code under simulation. tokio catches those of tasks, and nobody may look at the task: here they count.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static WATCHED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// While this lives, panics of this thread are collected instead of printed.
#[derive(Debug)]
pub(super) struct Watched(());

impl Watched {
    /// Begins.
    pub(super) fn begin() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if !collect(&panic.to_string()) {
                    before(panic);
                }
            }));
        });
        WATCHED.set(Some(Vec::new()));
        Self(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.set(None);
    }
}

/// `false`: nobody watches this thread.
fn collect(panic: &str) -> bool {
    let add = |watched: &RefCell<Option<Vec<String>>>| match watched.borrow_mut().as_mut() {
        Some(panics) => {
            panics.push(panic.to_owned());
            true
        }
        None => false,
    };
    WATCHED.try_with(add).unwrap_or(false)
}

/// What panicked since this was last asked.
pub(super) fn take() -> Option<String> {
    WATCHED.with_borrow_mut(|panics| {
        let panics = panics.as_mut().filter(|panics| !panics.is_empty())?;
        Some(std::mem::take(panics).join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_a_task_hides_is_found() {
        let _watched = Watched::begin();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let joined = runtime.block_on(async { tokio::spawn(async { panic!("a panic of a task") }).await });
        assert!(joined.is_err());
        assert!(take().unwrap().contains("a panic of a task"));
        assert_eq!(take(), None);
    }
}
