//! What a node tells of its work to whoever operates it, beside figures: which lines its log shows.
//!
//! A leaf: the command line, the adapters, the node and its groups use it, and it names none of them.

pub mod level;
