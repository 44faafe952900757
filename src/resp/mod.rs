//! The Redis protocol: parse, call the node, answer.

pub mod data;
pub mod plan;
pub mod value;
