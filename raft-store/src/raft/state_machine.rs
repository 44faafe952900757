//! openraft's state machine for one group: the TTL map in memory, snapshots in the snapshot store.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::map::TtlMap;

/// The map, shared by the task that applies and the tasks that read.
pub type SharedMap = Arc<RwLock<TtlMap>>;

/// The state machine openraft drives.
#[derive(Debug)]
pub struct GroupStateMachine;
