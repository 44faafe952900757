//! Commands about all keys.

use super::plan::{Context, Keyspace};
use super::session::Session;
use super::value::Value;
use crate::node::Node;

/// Carries one out.
pub(super) async fn run(_: &Node, _: &Context, _: &Session, _: Keyspace) -> Value {
    Value::err("not supported yet")
}
