//! The filter of the process's log, which can be changed while it runs.
//!
//! A log belongs to a process and not to a node, so this is a value of the process: whoever starts the log says here
//! how to change its filter. A process whose log is not ours (a test's, a simulator's) has nothing to change.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::limits::LOG_FILTER_BYTES_MAX;

/// Puts another filter in the place of the one in use; the error is a sentence for the user.
type Change = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The filter in use, and how to change it.
struct Control {
    filter: Mutex<String>,
    change: Change,
}

static CONTROL: OnceLock<Control> = OnceLock::new();

/// Why the filter was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// The log of this process was not started by us.
    #[error("the log of this process has no filter that could be changed")]
    NoLog,
    /// It is no filter.
    #[error("{0}")]
    Invalid(String),
}

/// Notes that the log was started with `filter`, and how to change it. Only the first call counts.
pub fn started(filter: &str, change: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) {
    // A process starts its log once.
    let _ = CONTROL.set(Control { filter: Mutex::new(filter.to_owned()), change: Box::new(change) });
}

/// The filter in use.
///
/// # Errors
/// [`LevelError::NoLog`].
pub fn filter() -> Result<String, LevelError> {
    Ok(CONTROL.get().ok_or(LevelError::NoLog)?.filter.lock().clone())
}

/// Changes the filter until the process ends; the one that was in use.
///
/// # Errors
/// Then the one in use stays.
pub fn set(filter: &str) -> Result<String, LevelError> {
    CONTROL.get().ok_or(LevelError::NoLog)?.set(filter)
}

impl Control {
    fn set(&self, filter: &str) -> Result<String, LevelError> {
        let filter = filter.trim();
        if !(1..=LOG_FILTER_BYTES_MAX).contains(&filter.len()) {
            return Err(LevelError::Invalid(format!("a filter has 1 to {LOG_FILTER_BYTES_MAX} bytes")));
        }
        // Held throughout, so that what is told is what is in use.
        let mut current = self.filter.lock();
        (self.change)(filter).map_err(LevelError::Invalid)?;
        Ok(std::mem::replace(&mut current, filter.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control() -> Control {
        let change: Change = Box::new(|filter| match filter {
            "odd" => Err("it is odd".to_owned()),
            _ => Ok(()),
        });
        Control { filter: Mutex::new("info".to_owned()), change }
    }

    #[test]
    fn a_filter_is_told_once_it_is_in_use() {
        let control = control();
        assert_eq!(control.set(" debug,openraft=warn "), Ok("info".to_owned()));
        assert_eq!(*control.filter.lock(), "debug,openraft=warn");
    }

    #[test]
    fn one_that_is_refused_changes_nothing() {
        let control = control();
        assert_eq!(control.set("odd"), Err(LevelError::Invalid("it is odd".to_owned())));
        for length in [0, LOG_FILTER_BYTES_MAX + 1] {
            assert!(matches!(control.set(&"x".repeat(length)), Err(LevelError::Invalid(_))), "{length}");
        }
        assert_eq!(*control.filter.lock(), "info");
    }
}
