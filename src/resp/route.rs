//! The cluster personality.

use super::Shared;
use super::data::spec::Spec;
use super::parse::Frame;
use super::session::Session;
use super::value::Value;
use crate::node::Node;

/// Whether this node serves the keys of a command.
pub(super) fn check(_: &Shared, _: &Node, _: &Session, _: &Spec, _: &Frame) -> Result<(), Value> {
    Ok(())
}
