//! Whether this node takes a request at its own replica: judged where the group is led, before anything is proposed.
//!
//! The bounds are this node's. If replicas judged when they apply, they could come out differently.

use std::sync::atomic::Ordering;

use raft_store::GroupId;
use raft_store::command::{Command, decode_commands};

use super::Inner;
use super::doc::META_GROUP;
use super::peer::Declined;
use crate::error::{Error, ErrorKind};
use crate::group::{Batch, Group};

impl Inner {
    /// Refuses a write that this node cannot take: its disk failed or is full, so are those of most
    /// voters, or its memory bound is reached. The
    /// cluster's own document is written all the same, so that nodes can be added and removed.
    pub(super) fn admit_write(&self, replica: &Group, batch: &Batch) -> Result<(), Declined> {
        self.admit_leading(replica)?;
        let group = replica.id();
        if group == META_GROUP || batch.count == 0 {
            return Ok(());
        }
        self.disk.check(self.id, group)?;
        self.check_voters_room(replica)?;
        self.check_quota(group, batch)
    }

    /// Refuses what only a leader takes: where this node does not lead, another is to be asked, whatever this one's
    /// disk and memory are like.
    pub(super) fn admit_leading(&self, replica: &Group) -> Result<(), Declined> {
        if !replica.leads() {
            return Err(Declined::NotLeader(replica.leader().filter(|&leader| leader != self.id)));
        }
        self.check_trusted(replica.id())
    }

    /// Refuses everything once the log has failed: the node steps down and stops.
    pub(super) fn check_trusted(&self, group: GroupId) -> Result<(), Declined> {
        if !self.distrusted.load(Ordering::Acquire) {
            return Ok(());
        }
        let detail = format!("node {} cannot write its log any more and is stopping", self.id);
        Err(Declined::Error(Error::not_applied(ErrorKind::NotReady, detail).group(group)))
    }

    /// Refuses commands that would grow a full node. The bound is this node's: it is checked where the group is
    /// led, before anything is proposed.
    fn check_quota(&self, group: GroupId, batch: &Batch) -> Result<(), Declined> {
        if self.memory_bytes() < self.config.memory_max {
            return Ok(());
        }
        let commands = decode_commands(batch.commands.clone(), batch.count as usize);
        if commands.is_ok_and(|commands| !commands.iter().any(grows)) {
            return Ok(());
        }
        let detail = format!("node {} holds its bound of {} bytes", self.id, self.config.memory_max);
        Err(Declined::Error(Error::not_applied(ErrorKind::QuotaExceeded, detail).group(group)))
    }
}

/// Whether a command may leave more than there was.
fn grows(command: &Command) -> bool {
    match command {
        Command::Txn(txn) => txn.commands.iter().any(grows),
        Command::Branch(branch) => branch.then.iter().chain(&branch.otherwise).any(grows),
        Command::Set(_)
        | Command::Append(_)
        | Command::Incr(_)
        | Command::SetRange(_)
        | Command::SetBit(_)
        | Command::IncrFloat(_)
        | Command::Copy(_) => true,
        Command::Delete(_)
        | Command::Touch(_)
        | Command::Persist(_)
        | Command::Get(_)
        | Command::Expire(_)
        | Command::Rename(_)
        | Command::AssignSlots(_)
        | Command::Flush(_) => false,
    }
}
