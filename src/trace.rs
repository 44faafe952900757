//! What a node tells of its work to whoever operates it, beside figures: which lines its log shows, what became of one
//! request on its way, which ones were slow.
//!
//! A leaf: the command line, the adapters, the node and its groups use it, and it names none of them. With nothing
//! asked for a request costs no allocation here: its times are noted in place, and its spans are not made.

pub mod level;
mod noted;
#[cfg(feature = "otlp")]
mod otlp;
mod slow;
mod span;

pub use noted::{Kind, Noted, Protocol, Request, Times, carry_out, note, note_key, noting, protocol};
pub use slow::{Slow, SlowLog};
pub use span::{TARGET, Traced, enabled, is_sane_id, traced};
