//! Transactions: all or nothing under watched versions, and one by one behind them.

use super::*;
use crate::limits::{TXN_COMMANDS_MAX, TXN_FOUND_BYTES_MAX};
use crate::map::SlotSet;

fn txn(watched: Vec<(Key, Option<u64>)>, commands: Vec<Command>) -> Command {
    Command::Txn(Txn { watched, commands })
}

fn get() -> Command {
    Command::Get(Get { key: k() })
}

fn far() -> Key {
    Key::new(0, b"far").unwrap()
}

fn many(bench: &mut Bench, watched: Vec<(Key, Option<u64>)>, commands: Vec<Command>) -> Vec<Reply> {
    let reply = bench.run(txn(watched, commands));
    let Reply::Many(replies) = reply else { panic!("not carried out: {reply:?}") };
    replies
}

#[test]
fn commands_see_what_those_before_them_did() {
    let mut bench = Bench::new();
    bench.run(set("5"));
    let old = bench.entry();
    let replies = many(&mut bench, vec![], vec![get(), incr(1, None), get(), delete(Condition::None), get()]);
    let version = |reply: &Reply| match reply {
        Reply::Found(found) => found.as_ref().map(|entry| (entry.version, entry.value.clone())),
        other => panic!("not a read: {other:?}"),
    };
    assert_eq!(replies[0], Reply::Found(Some(old)));
    assert_eq!(version(&replies[2]), Some((2, "6".into())));
    assert_eq!(replies[3], Reply::Deleted { deleted: true, version: 3 });
    assert_eq!((replies.len(), &replies[4]), (5, &Reply::Found(None)));
    assert_eq!(bench.run(txn(vec![], vec![])), Reply::Many(vec![]));
}

#[test]
fn a_rejected_command_hinders_and_undoes_no_other() {
    let mut bench = Bench::new();
    let replies = many(&mut bench, vec![], vec![set("text"), incr(1, None), append(b"!", Content::Octets)]);
    assert!(matches!(replies[0], Reply::Written(_)));
    assert_eq!(replies[1], Reply::Rejected(Rejection::NotANumber));
    assert!(matches!(replies[2], Reply::Written(_)));
    assert_eq!((&bench.entry().value[..], bench.0.version()), (&b"text!"[..], 2));
}

#[test]
fn a_watched_key_must_have_its_version() {
    let mut bench = Bench::new();
    let on = |version| txn(vec![(far(), None), (k(), version)], vec![set("new")]);
    assert_eq!(bench.refused(on(Some(1))), mismatch(None));
    bench.run(set("old"));
    assert_eq!(bench.refused(on(None)), mismatch(Some(1)));
    assert_eq!(bench.refused(on(Some(2))), mismatch(Some(1)));
    assert!(matches!(bench.run(on(Some(1))), Reply::Many(_)));
    assert_eq!(bench.refused(on(Some(1))), mismatch(Some(2)), "its own write counts");
    bench.run(Command::Touch(Touch { key: k(), ttl_ms: 15, condition: Condition::None }));
    assert!(matches!(bench.run(txn(vec![(k(), Some(3))], vec![])), Reply::Many(_)));
    assert_eq!(bench.refused(on(Some(3))), mismatch(None), "it has expired");
    assert!(matches!(bench.run(on(None)), Reply::Many(_)));
}

#[test]
fn a_key_deleted_and_made_anew_is_not_the_watched_one() {
    let mut bench = Bench::new();
    bench.run(set("v"));
    let on = || txn(vec![(k(), Some(1))], vec![set("new")]);
    bench.run(Command::Flush(Flush { namespace: 0 }));
    assert_eq!(bench.refused(on()), mismatch(None));
    bench.run(set("v"));
    assert_eq!(bench.refused(on()), mismatch(Some(3)));
    bench.run(Command::Rename(Rename { from: k(), to: far(), if_absent: false }));
    bench.run(Command::Rename(Rename { from: far(), to: k(), if_absent: false }));
    assert_eq!(bench.refused(txn(vec![(k(), Some(3))], vec![])), mismatch(Some(6)));
}

#[test]
fn every_slot_must_be_the_groups() {
    let mut bench = Bench::new();
    let slots: SlotSet = [k().slot()].into_iter().collect();
    bench.run(Command::AssignSlots(AssignSlots { epoch: 1, slots }));
    let get_far = Command::Get(Get { key: far() });
    let rename_far = Command::Rename(Rename { from: k(), to: far(), if_absent: false });
    let copy_far = Command::Copy(Copy { from: far(), to: k(), replace: true });
    for refused in [
        txn(vec![], vec![set("v"), get_far]),
        txn(vec![], vec![set("v"), rename_far.clone()]),
        txn(vec![], vec![copy_far.clone(), set("v")]),
        txn(vec![(far(), None)], vec![set("v")]),
        // Whoever asks the wrong group is told so, not that a version differs.
        txn(vec![(k(), Some(9)), (far(), None)], vec![set("v")]),
        rename_far,
        copy_far,
    ] {
        assert_eq!(bench.refused(refused), Rejection::NotOwner);
    }
    assert!(matches!(bench.run(txn(vec![(k(), None)], vec![set("v")])), Reply::Many(_)));
}

#[test]
fn a_transaction_has_bounds() {
    let mut bench = Bench::new();
    let of = |watched, commands| txn(vec![(k(), None); watched], vec![get(); commands]);
    assert_eq!(bench.refused(of(TXN_COMMANDS_MAX + 1, 0)), Rejection::TooLarge);
    assert_eq!(bench.refused(of(0, TXN_COMMANDS_MAX + 1)), Rejection::TooLarge);
    assert_eq!(many(&mut bench, vec![], vec![get(); TXN_COMMANDS_MAX]).len(), TXN_COMMANDS_MAX);

    bench.run(set(&"x".repeat(TXN_FOUND_BYTES_MAX / 2)));
    let replies = many(&mut bench, vec![], vec![get(), get(), get(), delete(Condition::None)]);
    assert!(matches!(replies[..2], [Reply::Found(Some(_)), Reply::Found(Some(_))]));
    assert_eq!(replies[2], Reply::Rejected(Rejection::TooLarge));
    assert!(matches!(replies[3], Reply::Deleted { deleted: true, .. }));
}

/// What a transaction creates goes as fast as what single commands create.
#[test]
fn each_command_counts_for_how_many_due_keys_go() {
    let mut bench = Bench::new();
    let brief = |n: usize| {
        let key = Key::new(0, format!("key {n}").as_bytes()).unwrap();
        let (value, content, expiry) = (Bytes::new(), Content::Octets, Expiry::AfterMs(5));
        Command::Set(Set { key, value, content, expiry, condition: Condition::None })
    };
    bench.run(txn(vec![], (0..400).map(brief).collect()));
    assert_eq!(bench.0.stats().items, 400);
    bench.run(txn(vec![], vec![get(); 200]));
    assert_eq!(bench.0.stats().items, 0, "64 and 2 for each command are more than there are");
}

#[test]
fn a_transaction_names_every_key() {
    let rename = Command::Rename(Rename { from: k(), to: far(), if_absent: false });
    assert!(rename.keys().eq([&k(), &far()]));
    let all = txn(vec![(far(), None)], vec![get(), rename]);
    assert!(all.keys().eq([&far(), &k(), &k(), &far()]));
    assert_eq!(all.key(), Some(&far()));
    assert_eq!(txn(vec![], vec![]).key(), None);
    assert_eq!(Command::Flush(Flush { namespace: 0 }).keys().count(), 0);
}
