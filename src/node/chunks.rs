//! How many commands travel together: what one message and one entry may hold, and their answers too.

use raft_store::command::Command;
use raft_store::limits::{KEY_BYTES_MAX, PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};

/// Commands in runs that travel together. A transaction is never divided: one that is too large for a proposal is
/// refused there.
pub(super) fn chunks(commands: &[Command]) -> impl Iterator<Item = &[Command]> {
    let mut rest = commands;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |command: &&Command| {
            let first = bytes == 0;
            bytes += bytes_of(command);
            first || bytes <= PACKED_BYTES_TARGET
        };
        let count = rest.iter().take(PACKED_COMMANDS_MAX).take_while(fits).count();
        let (chunk, behind) = rest.split_at(count);
        rest = behind;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// About how many bytes a command takes, keys counted as the longest ones. One that answers a value, of which nobody
/// knows how long it is, fills a run: it travels with small ones before it at most.
fn bytes_of(command: &Command) -> usize {
    let values = match command {
        Command::Set(set) => set.value.len(),
        Command::Append(append) => append.suffix.len(),
        Command::SetRange(set) => set.value.len(),
        Command::IncrFloat(incr) => incr.by.len(),
        Command::Txn(txn) => {
            return txn.watched.len() * KEY_BYTES_MAX + txn.commands.iter().map(bytes_of).sum::<usize>();
        }
        Command::Get(_) => PACKED_BYTES_TARGET,
        Command::Delete(_)
        | Command::Touch(_)
        | Command::Persist(_)
        | Command::Incr(_)
        | Command::Expire(_)
        | Command::SetBit(_)
        | Command::Rename(_)
        | Command::Copy(_)
        | Command::AssignSlots(_)
        | Command::Flush(_) => 0,
    };
    values + command.keys().count().max(1) * KEY_BYTES_MAX
}
