//! Who may do what: tokens, what they allow, and the gate both protocols ask.
//!
//! Pure but for [`root`], which reads one file: time comes in as an argument, random numbers too. Relies on the node to
//! bring the tokens the cluster agreed on. Guarantees: a decision costs no round trip; a secret is kept as its hash only,
//! is compared in constant time and shows in no `Debug`; what is not allowed by a rule is refused.
//!
//! A token's secret is 256 random bits, so its plain SHA-256 cannot be turned round by guessing: the slow hashes that
//! passwords need would only make every request slow.
//!
//! | Part | File |
//! |---|---|
//! | What a rule allows | `rule` |
//! | What a command of the store needs | `needs` |
//! | A token as it is stored; all of them | `token`, `book` |
//! | What a caller may do | `caller` |
//! | Whether a shown token is one, and who shows too many wrong ones | `gate`, `limiter` |
//! | Secrets and their hashes | `secret` |
//! | The root token's file | `root` |
//! | Figures | `metrics` |

mod book;
mod caller;
mod denied;
mod gate;
mod limiter;
mod metrics;
mod needs;
pub mod root;
mod rule;
mod secret;
#[cfg(test)]
mod tests;
mod token;

pub use book::{BookError, TokenBook};
pub use caller::{Caller, Grant};
pub use denied::Denied;
pub use gate::{Gate, Now};
pub use metrics::Protocol;
pub use rule::{Rule, RuleError, Verb};
pub use secret::{Digest, Secret};
pub use token::{NewToken, Token};
