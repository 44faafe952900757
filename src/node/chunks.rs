//! How many commands travel together: what one message and one entry may hold, and their answers too.

use std::borrow::Borrow;

use raft_store::command::Command;
use raft_store::limits::{KEY_BYTES_MAX, PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};

/// Commands in runs that travel together. A transaction is never divided: one that is too large for a proposal is
/// refused there.
pub(super) fn chunks<C: Borrow<Command>>(commands: &[C]) -> impl Iterator<Item = &[C]> {
    let mut rest = commands;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |command: &&C| {
            let first = bytes == 0;
            bytes += bytes_of((*command).borrow());
            first || bytes <= PACKED_BYTES_TARGET
        };
        let count = rest.iter().take(PACKED_COMMANDS_MAX).take_while(fits).count();
        let (chunk, behind) = rest.split_at(count);
        rest = behind;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// About how many bytes a command takes, keys counted as the longest ones. One that answers a value, of which nobody
/// knows how long it is, fills a run.
fn bytes_of(command: &Command) -> usize {
    let values = match command {
        Command::Set(set) => set.value.len(),
        Command::Append(append) => append.suffix.len(),
        Command::SetRange(set) => set.value.len(),
        Command::IncrFloat(incr) => incr.by.len(),
        Command::Txn(txn) => {
            return txn.watched.len() * KEY_BYTES_MAX + txn.commands.iter().map(bytes_of).sum::<usize>();
        }
        Command::Branch(branch) => {
            let commands = branch.then.iter().chain(&branch.otherwise);
            return branch.compared.len() * KEY_BYTES_MAX + commands.map(bytes_of).sum::<usize>();
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use raft_store::command::{Condition, Content, Delete, Expiry, Flush, Get, Set, SetRange, Txn};
    use raft_store::key::Key;

    use super::*;

    fn key() -> Key {
        Key::new(0, b"k").expect("a short key")
    }

    fn set(len: usize) -> Command {
        let (value, content) = (Bytes::from(vec![b'v'; len]), Content::Octets);
        Command::Set(Set { key: key(), value, content, expiry: Expiry::Never, condition: Condition::None })
    }

    fn txn(commands: Vec<Command>) -> Command {
        Command::Txn(Txn { watched: vec![(key(), None)], commands })
    }

    fn lens(commands: &[Command]) -> Vec<usize> {
        chunks(commands).map(<[Command]>::len).collect()
    }

    #[test]
    fn small_commands_travel_together_and_large_ones_do_not() {
        let delete = || Command::Delete(Delete { key: key(), condition: Condition::None });
        assert_eq!(lens(&[]), [0; 0]);
        assert_eq!(lens(&[delete(), Command::Flush(Flush { namespace: 0 }), delete()]), [3]);
        assert_eq!(lens(&[set(PACKED_BYTES_TARGET), set(1)]), [1, 1]);
        assert_eq!(lens(&vec![delete(); 1025]), [1024, 1]);
        let value = Bytes::from(vec![b'v'; PACKED_BYTES_TARGET / 2]);
        let set = Command::SetRange(SetRange { key: key(), offset: 0, value, len_max: 1 << 30 });
        assert_eq!(lens(&[set.clone(), set]), [1, 1]);
    }

    #[test]
    fn a_transaction_is_as_long_as_its_commands_and_never_divided() {
        let half = || txn(vec![set(PACKED_BYTES_TARGET / 4), set(PACKED_BYTES_TARGET / 4)]);
        assert_eq!(lens(&[half(), half(), set(1)]), [1, 2]);
        assert_eq!(lens(&[txn(vec![set(PACKED_BYTES_TARGET); 5])]), [1]);
        assert_eq!(lens(&[txn(vec![]), txn(vec![])]), [2]);
    }

    /// Answers travel in one message too, and a value may be as long as one may carry.
    #[test]
    fn two_that_answer_values_travel_apart() {
        let get = || txn(vec![Command::Get(Get { key: key() })]);
        assert_eq!(lens(&[get(), get(), set(1), get()]), [1, 1, 1, 1]);
        assert_eq!(lens(&[set(1), set(1), get()]), [2, 1]);
    }
}
