//! Seeded bugs, for tests of the tests: a suite that does not catch them proves nothing when it passes.
//!
//! `mutant!(Name)` says whether that bug is active, `mutant!(Name => …)` does what the bug does. Without the feature
//! `mutants`, which nothing that is shipped has, the one is `false` and the other nothing. At most one is active at a
//! time: the one `with` sets for its thread, as a simulation does around a seed, or else the one that the environment
//! names to the whole process (`VARIABLE`).

#[cfg(feature = "mutants")]
mod catalogue;
#[cfg(feature = "mutants")]
mod chosen;

#[cfg(feature = "mutants")]
pub use catalogue::{Mutant, UnknownMutant};
#[cfg(feature = "mutants")]
pub use chosen::{Entered, VARIABLE, active, current, enter, with};

/// A seeded bug: see the module [`mutants`](crate::mutants).
#[cfg(feature = "mutants")]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutants::active($crate::mutants::Mutant::$name)
    };
    ($name:ident => $($bug:tt)+) => {
        if $crate::mutants::active($crate::mutants::Mutant::$name) {
            $($bug)+
        }
    };
}

/// A seeded bug, which this build does not have.
#[cfg(not(feature = "mutants"))]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
    ($name:ident => $($bug:tt)+) => {};
}
