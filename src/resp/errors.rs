//! What went wrong in the cluster, in the words Redis's clients act upon.
//!
//! The code in front decides what a client does: `CLUSTERDOWN`, `TRYAGAIN`, `LOADING` and `MASTERDOWN` make it try
//! again, so they are said only when nothing was changed. After `UNKNOWN`, which no client knows, the write may have
//! happened, or may still happen, once.

use super::value::Value;
use crate::error::{Error, ErrorKind, Outcome};

/// The keys of a command are not in one slot, or not in one group.
pub(super) const CROSS_SLOT: &str = "CROSSSLOT Keys in request don't hash to the same slot";
/// Nobody leads the group of a slot.
pub(super) const NOT_SERVED: &str = "CLUSTERDOWN Hash slot not served";
/// The node does not serve yet.
pub(super) const LOADING: &str = "LOADING Quorate is loading the dataset in memory";

/// The answer that stands for a failed call.
pub(super) fn answer(error: &Error) -> Value {
    Value::Error(text(error))
}

fn text(error: &Error) -> String {
    let detail = &error.detail;
    if error.outcome == Some(Outcome::Unknown) {
        return format!("UNKNOWN The write may have happened: {detail}");
    }
    match error.kind {
        ErrorKind::NoLeader => format!("{NOT_SERVED}: {detail}"),
        ErrorKind::CrossGroup => CROSS_SLOT.to_owned(),
        ErrorKind::Moving => format!("TRYAGAIN {detail}"),
        ErrorKind::NotReady => format!("{LOADING}: {detail}"),
        ErrorKind::QuotaExceeded => {
            format!("OOM command not allowed when used memory > 'maxmemory'. ({detail})")
        }
        ErrorKind::DiskFull => format!("OOM command not allowed while the disk is full: {detail}"),
        ErrorKind::QueueFull => format!("BUSY {detail}; try again"),
        ErrorKind::TooStale => format!("MASTERDOWN {detail}"),
        _ => format!("ERR {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_code(error: Error, code: &str) {
        let said = text(&error);
        assert_eq!(said.split(' ').next(), Some(code), "{said}");
    }

    #[test]
    fn the_code_says_what_a_client_may_do() {
        assert_code(Error::not_applied(ErrorKind::NoLeader, "d"), "CLUSTERDOWN");
        assert_code(Error::not_applied(ErrorKind::CrossGroup, "d"), "CROSSSLOT");
        assert_code(Error::of_read(ErrorKind::Moving, "d"), "TRYAGAIN");
        assert_code(Error::not_applied(ErrorKind::NotReady, "d"), "LOADING");
        assert_code(Error::not_applied(ErrorKind::DiskFull, "d"), "OOM");
        assert_code(Error::not_applied(ErrorKind::QuotaExceeded, "d"), "OOM");
        assert_code(Error::not_applied(ErrorKind::QueueFull, "d"), "BUSY");
        assert_code(Error::of_read(ErrorKind::TooStale, "d"), "MASTERDOWN");
        assert_code(Error::of_read(ErrorKind::Timeout, "d"), "ERR");
    }

    #[test]
    fn a_write_that_may_have_happened_is_never_said_to_be_safe_to_repeat() {
        for kind in [ErrorKind::NoLeader, ErrorKind::Moving, ErrorKind::Timeout, ErrorKind::NotReady] {
            assert_code(Error::unknown(kind, "d"), "UNKNOWN");
        }
    }
}
