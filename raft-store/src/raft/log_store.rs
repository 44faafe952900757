//! openraft's log storage for one group, on the shared log.
/// placeholder
#[derive(Debug)]
pub struct GroupLog;
