//! Decisions against a model of them, and the gate over time.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use proptest::prelude::*;
use raft_store::command::{
    Append, Branch, Command, Condition, Content, Copy, Delete, Expiry, Flush, Get, Incr, Persist, Rename,
    Set, SetBit, Touch, Txn,
};
use raft_store::key::Key;

use super::*;
use crate::limits::{AUTH_FAILURES_MAX, TOKENS_UNCONFIRMED_MAX};

fn number(name: &str) -> Option<u16> {
    ["default", "other"].iter().position(|known| *known == name).map(|at| at as u16)
}

fn token(id: u64, rules: &[String], expires_ms: Option<u64>) -> (Token, Secret) {
    let allow = rules.iter().map(|rule| Rule::parse(rule, number).unwrap()).collect();
    let name = format!("t{id}");
    NewToken { user: name.clone(), name, allow, expires_ms }.issue(id, &[id as u8; 32], 0)
}

/// What a token with these rules allows.
fn grant(rules: &[String]) -> Grant {
    Grant::of(&token(1, rules, None).0)
}

/// Short keys of two namespaces, so that rules hit and miss.
fn keys() -> impl Strategy<Value = Key> {
    (0u16..2, "[ab]{1,3}").prop_map(|(namespace, text)| Key::new(namespace, text.as_bytes()).unwrap())
}

fn rules() -> impl Strategy<Value = String> {
    let verbs = prop::sample::select(vec!["read", "write", "read,write"]);
    let on = prop::sample::select(vec!["default", "other", "*"]);
    let keys = (verbs, on, "[ab]{0,2}").prop_map(|(verbs, on, prefix)| match prefix.as_str() {
        "" => format!("{verbs} on {on}"),
        prefix => format!("{verbs} on {on} prefix {prefix}"),
    });
    prop_oneof![8 => keys, 1 => Just("admin".to_owned()), 1 => Just("metrics".to_owned())]
}

fn commands() -> impl Strategy<Value = Command> {
    let plain = plain_commands().boxed();
    let several = || prop::collection::vec(plain_commands(), 0..3);
    let named = || prop::collection::vec(keys(), 0..2);
    let branch = (named(), several(), several()).prop_map(|(compared, then, otherwise)| {
        let compared = compared.into_iter().map(|key| (key, Condition::Present)).collect();
        Command::Branch(Branch { compared, then, otherwise })
    });
    let txn = (named(), several()).prop_map(|(watched, commands)| {
        let watched = watched.into_iter().map(|key| (key, None)).collect();
        Command::Txn(Txn { watched, commands })
    });
    prop_oneof![4 => plain, 1 => branch, 1 => txn, 1 => Just(Command::Flush(Flush { namespace: 0 }))]
}

fn plain_commands() -> impl Strategy<Value = Command> {
    (keys(), keys(), 0..9).prop_map(|(key, to, kind)| plain(key, to, kind))
}

fn plain(key: Key, to: Key, kind: i32) -> Command {
    let (condition, expiry) = (Condition::None, Expiry::Never);
    let (value, content) = (Bytes::from_static(b"1"), Content::Octets);
    match kind {
        0 => Command::Get(Get { key }),
        1 => Command::Set(Set { key, value, content, expiry, condition }),
        2 => Command::Delete(Delete { key, condition }),
        3 => Command::Persist(Persist { key, condition }),
        4 => Command::Touch(Touch { key, ttl_ms: 1, condition }),
        5 => Command::Copy(Copy { from: key, to, replace: true }),
        6 => Command::Rename(Rename { from: key, to, if_absent: false }),
        7 => Command::SetBit(SetBit { key, offset: 0, bit: true, len_max: 8 }),
        _ => Command::Persist(Persist { key: to, condition }),
    }
}

/// Every right a command needs, said once more and in another way: as a list.
fn needed(command: &Command) -> Vec<(Verb, Key)> {
    let pairs = |verbs: &[Verb], key: &Key| verbs.iter().map(|verb| (*verb, key.clone())).collect::<Vec<_>>();
    const BOTH: &[Verb] = &[Verb::Read, Verb::Write];
    match command {
        Command::Get(c) => pairs(&[Verb::Read], &c.key),
        Command::SetBit(c) => pairs(BOTH, &c.key),
        Command::Incr(c) => pairs(BOTH, &c.key),
        Command::Copy(c) => [pairs(&[Verb::Read], &c.from), pairs(&[Verb::Write], &c.to)].concat(),
        Command::Rename(c) => [pairs(BOTH, &c.from), pairs(&[Verb::Write], &c.to)].concat(),
        Command::Txn(c) => c.commands.iter().flat_map(needed).collect(),
        Command::Branch(c) => {
            let compared = c.compared.iter().map(|(key, _)| (Verb::Read, key.clone()));
            compared.chain(c.then.iter().chain(&c.otherwise).flat_map(needed)).collect()
        }
        one => one.keys().map(|key| (Verb::Write, key.clone())).collect(),
    }
}

/// Whether the text of a rule allows a verb on a key.
fn says(rule: &str, verb: Verb, key: &Key) -> bool {
    let Some((verbs, on)) = rule.split_once(" on ") else { return false };
    let (namespace, prefix) = on.split_once(" prefix ").unwrap_or((on, ""));
    let named = namespace == "*" || number(namespace) == Some(key.namespace());
    verbs.split(',').any(|known| known == verb.name())
        && named
        && key.user_key().starts_with(prefix.as_bytes())
}

proptest! {
    #[test]
    fn a_command_is_allowed_when_every_right_it_needs_is(
        rules in prop::collection::vec(rules(), 1..4),
        command in commands(),
    ) {
        let allowed = needed(&command).iter().all(|(verb, key)| rules.iter().any(|rule| says(rule, *verb, key)));
        let watched = |key: &Key| [Verb::Read, Verb::Write].iter().any(|v| rules.iter().any(|r| says(r, *v, key)));
        let expected = match &command {
            Command::Flush(_) => rules.iter().any(|rule| rule == "admin"),
            Command::Txn(txn) => allowed && txn.watched.iter().all(|(key, _)| watched(key)),
            _ => allowed,
        };
        prop_assert_eq!(Caller::Granted(grant(&rules).into()).command(&command).is_ok(), expected);
    }

    #[test]
    fn no_key_of_an_allowed_command_is_out_of_reach(
        rules in prop::collection::vec(rules(), 1..4),
        command in commands(),
    ) {
        let grant = grant(&rules);
        let reach = |key: &Key| grant.allows_key(Verb::Read, key) || grant.allows_key(Verb::Write, key);
        let allowed = Caller::Granted(grant.clone().into()).command(&command).is_ok();
        prop_assert!(!allowed || command.keys().all(reach));
    }

    #[test]
    fn another_rule_takes_nothing_away(
        rules in prop::collection::vec(rules(), 1..4),
        more in rules(),
        command in commands(),
    ) {
        let before = Caller::Granted(grant(&rules).into()).command(&command).is_ok();
        let after = Caller::Granted(grant(&[rules, vec![more]].concat()).into()).command(&command).is_ok();
        prop_assert!(!before || after);
    }

    #[test]
    fn whoever_may_list_a_prefix_may_read_every_key_below_it(
        rules in prop::collection::vec(rules(), 1..4),
        key in keys(),
        len in 0usize..4,
    ) {
        let grant = grant(&rules);
        let prefix = &key.user_key()[..len.min(key.user_key().len())];
        prop_assert!(!grant.allows(Verb::Read, key.namespace(), prefix) || grant.allows_key(Verb::Read, &key));
    }
}

#[test]
fn sums_and_appends_need_what_they_tell() {
    let key = Key::new(0, b"a").unwrap();
    let (condition, content, suffix) = (Condition::None, Content::Octets, Bytes::new());
    let incr = Command::Incr(Incr { key: key.clone(), by: 1, init: Some(0), condition });
    let append = Command::Append(Append { key, suffix, content, len_max: 8, condition });
    let writer = Caller::Granted(grant(&["write on *".into()]).into());
    assert!(writer.command(&incr).is_err() && writer.command(&append).is_ok());
    let both = Caller::Granted(grant(&["write on *".into(), "read on *".into()]).into());
    assert!(both.command(&incr).is_ok());
}

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at(ms: u64) -> Now {
    Now { wall_ms: ms, boot_ms: ms }
}

fn book(tokens: &[Token]) -> TokenBook {
    let mut book = TokenBook::default();
    tokens.iter().for_each(|token| book.add(token.clone()).unwrap());
    book
}

fn root() -> Secret {
    Secret::new("x".repeat(32))
}

fn enter(gate: &Gate, secret: &Secret, ms: u64) -> Result<String, Denied> {
    gate.enter(secret.expose().as_bytes(), FROM, at(ms)).map(|grant| grant.id.clone())
}

#[test]
fn tokens_count_from_the_first_confirmation_on_and_for_a_while_after_the_last() {
    let (gate, (token, secret)) = (Gate::new(Some(&root())), token(1, &["admin".into()], None));
    gate.learn(5, &book(std::slice::from_ref(&token)));
    assert_eq!(enter(&gate, &secret, 10), Err(Denied::Unsure), "what the disk says may be old");
    assert_eq!(enter(&gate, &root(), 10), Ok("root".into()), "the root token needs no cluster");
    gate.confirm(10);
    let entered = gate.enter(secret.expose().as_bytes(), FROM, at(10)).unwrap();
    let last = 10 + TOKENS_UNCONFIRMED_MAX.as_millis() as u64 - 1;
    assert_eq!((enter(&gate, &secret, last), gate.recheck(&entered, at(last))), (Ok(token.id), Ok(())));
    assert_eq!(enter(&gate, &secret, last + 1), Err(Denied::Unsure));
    assert_eq!(gate.recheck(&entered, at(last + 1)), Err(Denied::Unsure));
    gate.confirm(last);
    assert_eq!(gate.recheck(&entered, at(last + 1)), Ok(()));
}

/// The alert on a lost quorum needs the figures of a node that has none.
#[test]
fn figures_are_shown_without_a_quorum_to_whom_one_confirmed_once() {
    let (gate, (token, secret)) = (Gate::new(Some(&root())), token(1, &["metrics".into()], None));
    let enter = |secret: &Secret, ms| {
        gate.enter_for_metrics(secret.expose().as_bytes(), FROM, at(ms)).map(|grant| grant.id.clone())
    };
    gate.learn(5, &book(std::slice::from_ref(&token)));
    assert_eq!(enter(&secret, 10), Err(Denied::Unsure), "what the disk says may be old");
    gate.confirm(10);
    let late = 10 + 2 * TOKENS_UNCONFIRMED_MAX.as_millis() as u64;
    assert_eq!(enter(&secret, late), Ok(token.id));
    assert_eq!(enter(&root(), late), Ok("root".into()));
    gate.learn(6, &book(&[]));
    assert_eq!(enter(&secret, late), Err(Denied::Wrong), "a deletion that is known counts");
}

#[test]
fn a_replica_that_is_behind_brings_no_deleted_token_back() {
    let (gate, (token, secret)) = (Gate::new(Some(&root())), token(1, &["admin".into()], None));
    gate.confirm(0);
    gate.learn(5, &book(std::slice::from_ref(&token)));
    let entered = gate.enter(secret.expose().as_bytes(), FROM, at(1)).unwrap();
    gate.learn(6, &book(&[]));
    gate.learn(5, &book(&[token]));
    assert_eq!(enter(&gate, &secret, 1), Err(Denied::Wrong));
    assert_eq!(gate.recheck(&entered, at(1)), Err(Denied::Wrong), "nor on an open connection");
}

#[test]
fn a_token_is_its_id_and_its_secret_and_ends_in_time() {
    let (gate, (one, secret)) = (Gate::new(Some(&root())), token(1, &["admin".into()], Some(1_000)));
    let (two, _) = token(2, &["admin".into()], None);
    gate.confirm(0);
    gate.learn(5, &book(&[one.clone(), two]));
    let swapped = Secret::new(secret.expose().replacen("0001_", "0002_", 1));
    assert_eq!(enter(&gate, &swapped, 1), Err(Denied::Wrong), "another token's secret");
    let entered = gate.enter(secret.expose().as_bytes(), FROM, at(999)).unwrap();
    assert_eq!(gate.recheck(&entered, at(999)), Ok(()));
    assert_eq!(gate.recheck(&entered, at(1_000)), Err(Denied::Expired));
    assert_eq!(enter(&gate, &secret, 1_000), Err(Denied::Expired));
    for bad in ["", "root", &"x".repeat(31), &"x".repeat(33), &"x".repeat(100_000)] {
        assert_eq!(enter(&gate, &Secret::new(bad), 1), Err(Denied::Wrong));
    }
}

#[test]
fn failures_are_limited_and_right_tokens_are_not() {
    let gate = Gate::new(Some(&root()));
    for _ in 0..AUTH_FAILURES_MAX {
        assert_eq!(enter(&gate, &Secret::new("guess"), 0), Err(Denied::Wrong));
    }
    assert!(matches!(enter(&gate, &Secret::new("guess"), 0), Err(Denied::Limited { retry_after_ms: 1_000 })));
    assert_eq!(enter(&gate, &root(), 0), Ok("root".into()));
}

#[test]
fn rights_about_the_cluster_are_not_rights_about_keys() {
    let (admin, everything) = (grant(&["admin".into()]), grant(&["read,write on *".into()]));
    assert!(admin.allows_cluster(Verb::Admin) && !admin.allows_cluster(Verb::Metrics));
    assert!(!admin.allows_some_keys() && !admin.allows(Verb::Read, 0, b"a"));
    assert!(!everything.allows_cluster(Verb::Admin) && everything.allows_some_keys());
    assert!(!everything.allows_cluster(Verb::Read), "it is no right about the cluster");
}
