//! Which program this is: version and commit, fixed when it is built (`build.rs`).

/// The version of this program, as its package states it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first digits of the commit it was built from; empty when that was not known.
pub const COMMIT: &str = env!("QUORATE_BUILD_COMMIT");

/// Both for people: `0.1.0 (11b0583c8a2e)`, or the version alone.
pub const BOTH: &str = env!("QUORATE_BUILD_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_shown_when_it_is_known() {
        let both = if COMMIT.is_empty() { VERSION.to_owned() } else { format!("{VERSION} ({COMMIT})") };
        assert_eq!(BOTH, both);
    }
}
