//! Branches: one of two lists of commands, chosen and carried out in one step.

use super::*;
use crate::limits::TXN_COMMANDS_MAX;
use crate::map::SlotSet;

fn branch(compared: Vec<(Key, Condition)>, then: Vec<Command>, otherwise: Vec<Command>) -> Command {
    Command::Branch(Branch { compared, then, otherwise })
}

fn run(bench: &mut Bench, compared: &[Condition]) -> bool {
    let compared = compared.iter().map(|condition| (k(), *condition)).collect();
    let (then, otherwise) = (vec![incr(1, Some(0))], vec![incr(100, Some(0)), incr(100, None)]);
    match bench.run(branch(compared, then, otherwise)) {
        Reply::Branched { succeeded, replies } => {
            assert_eq!(replies.len(), if succeeded { 1 } else { 2 });
            succeeded
        }
        other => panic!("not carried out: {other:?}"),
    }
}

#[test]
fn all_that_is_compared_must_hold_for_the_first_branch() {
    let mut bench = Bench::new();
    assert!(run(&mut bench, &[]));
    assert_eq!(bench.entry().value, "1");
    let version = bench.entry().version;
    assert!(run(&mut bench, &[Condition::Present, Condition::Version(version)]));
    assert_eq!(bench.entry().value, "2");
    assert!(!run(&mut bench, &[Condition::Present, Condition::Version(version)]));
    assert_eq!(bench.entry().value, "202", "both commands of the other branch");
    assert!(!run(&mut bench, &[Condition::Absent]));
    bench.run(delete(Condition::None));
    assert!(run(&mut bench, &[Condition::Absent]));
    assert_eq!(bench.entry().value, "1");
}

#[test]
fn a_rejected_command_hinders_no_other() {
    let mut bench = Bench::new();
    let then = vec![delete(Condition::Version(7)), set("v"), incr(1, None)];
    let Reply::Branched { succeeded: true, replies } = bench.run(branch(vec![], then, vec![])) else {
        panic!("nothing was compared")
    };
    assert_eq!(replies[0], Reply::Rejected(Rejection::VersionMismatch { current: None }));
    assert!(matches!(replies[1], Reply::Written(_)));
    assert_eq!(replies[2], Reply::Rejected(Rejection::NotANumber));
}

/// The branch that is not taken counts as well: which one it is, is known only when it is applied.
#[test]
fn every_key_must_be_the_groups() {
    let mut bench = Bench::new();
    let slots: SlotSet = [k().slot()].into_iter().collect();
    bench.run(Command::AssignSlots(AssignSlots { epoch: 1, slots }));
    let far = || Key::new(0, b"far").unwrap();
    let get_far = || vec![Command::Get(Get { key: far() })];
    for command in [
        branch(vec![(far(), Condition::Absent)], vec![set("v")], vec![]),
        branch(vec![], vec![set("v")], get_far()),
        branch(vec![], [vec![set("v")], get_far()].concat(), vec![]),
    ] {
        assert!(command.keys().any(|key| *key == far()));
        assert_eq!(bench.run(command), Reply::Rejected(Rejection::NotOwner));
    }
    let too_many = branch(vec![], vec![], vec![set("v"); TXN_COMMANDS_MAX + 1]);
    assert_eq!(bench.run(too_many), Reply::Rejected(Rejection::TooLarge));
    assert_eq!(bench.0.stats().items, 0);
}

#[test]
fn its_bytes_are_fixed_and_hold_no_transaction() {
    let command = branch(vec![(k(), Condition::Version(2))], vec![delete(Condition::None)], vec![]);
    let bytes = encode_commands(std::slice::from_ref(&command));
    assert_eq!(&bytes[..], b"\x11\x01\x03\0\0k\x03\x02\0\0\0\0\0\0\0\x01\x02\x03\0\0k\0\0");
    assert_eq!(decode_commands(bytes, 1), Ok(vec![command.clone()]));
    for nested in
        [branch(vec![], vec![command.clone()], vec![]), branch(vec![], vec![], vec![command.clone()])]
    {
        let refused = decode_commands(encode_commands(&[nested]), 1);
        assert!(matches!(refused, Err(DecodeError::Unknown { what: "command", .. })));
    }
    let txn = Command::Txn(Txn { watched: vec![], commands: vec![command] });
    assert!(decode_commands(encode_commands(&[txn]), 1).is_err());
}
