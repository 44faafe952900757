//! The steps tests are made of: commands, proposals, reads, waiting.

use std::sync::mpsc;
use std::time::Duration;

use raft_store::command::{Append, Command, Condition, Content, Expiry, Replies, Set};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::map::Lookup;
use tokio::time::Instant;

use super::super::{Batch, Group, Lookups, ProposeError, ReadIndexError};

/// Longer than anything here takes; reaching it is a failure.
pub(super) const LONG: Duration = Duration::from_secs(15);
/// How often a condition is looked at.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// Waits for a condition.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < ends, "it never came to this: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Waits for what must come.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, what).await.expect("it takes too long")
}

/// Lets time pass that is itself what a test is about.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Proposes one command at a replica.
pub(super) async fn propose(group: &Group, command: Command) -> Result<Replies, ProposeError> {
    group.propose(Batch::new(&[command])).await
}

/// Reads one key at a replica.
pub(super) async fn read(group: &Group, name: &str, lease: bool) -> Result<Lookups, ReadIndexError> {
    soon(group.read(&[key(name)], lease)).await
}

pub(super) fn key(name: &str) -> Key {
    Key::new(DEFAULT_NAMESPACE, name.as_bytes()).unwrap()
}

pub(super) fn set(name: &str, value: impl ToString) -> Command {
    set_for(name, value, Expiry::Never)
}

pub(super) fn set_for(name: &str, value: impl ToString, expiry: Expiry) -> Command {
    let value = value.to_string().into();
    let (content, condition) = (Content::Octets, Condition::None);
    Command::Set(Set { key: key(name), value, content, expiry, condition })
}

pub(super) fn append(name: &str, value: &str) -> Command {
    let suffix = value.to_owned().into();
    Command::Append(Append {
        key: key(name),
        suffix,
        content: Content::Octets,
        len_max: 1 << 20,
        condition: Condition::None,
    })
}

/// The value of the one key looked up.
pub(super) fn value(lookups: &Lookups) -> Option<String> {
    match &lookups.found[..] {
        [Lookup::Hit(entry)] => Some(String::from_utf8(entry.value.to_vec()).unwrap()),
        [Lookup::Miss] => None,
        other => panic!("one key was looked up, and this came: {other:?}"),
    }
}

/// Waits until a replica knows that an entry behind those it has applied is committed.
pub(super) async fn committed_unapplied(group: &Group) {
    let applied = || group.leadership.progress.index();
    until("an entry is committed and not applied", || {
        group.metrics().local_committed.map(|id| id.index) > applied()
    })
    .await;
}

/// Holds up the apply of a replica while it lives: its map can be read, but not written.
pub(super) struct Paused {
    resume: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Paused {
    pub(super) fn at(group: &Group) -> Self {
        let map = group.map().clone();
        let (resume, resumed) = mpsc::channel::<()>();
        let (holding, holds) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            // Lets readers pass and writers not.
            let _held = map.upgradable_read();
            let _ = holding.send(());
            let _ = resumed.recv();
        });
        holds.recv().unwrap();
        Self { resume: Some(resume), thread: Some(thread) }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        drop(self.resume.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}
