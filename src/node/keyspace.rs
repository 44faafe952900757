//! Calls about all keys of a namespace: walk through them, count them, draw one, drop them all.
//!
//! They are the sum of what groups do, each by itself: a page, a count and a flush are atomic and linearizable within
//! a group, and of slightly different moments between groups.

use futures_util::future::{join_all, try_join_all};
use raft_store::GroupId;
use raft_store::command::{Command, Flush};
use raft_store::key::{Key, NamespaceId};
use raft_store::limits::{SCAN_BYTES_MAX, SCAN_KEYS_MAX};
use raft_store::map::{Entry, Page, Position, SlotSpan, Walk};
use raft_store::slot::{SLOTS, Slot, slot_of_prefix};
use tokio::time::Instant;

use super::parts::{Parts, merged};
use super::peer::{Seek, Seen};
use super::requests::moving;
use super::route::millis_until;
use super::{Consistency, Inner};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::group::{Batch, Sight, Sought};
use crate::limits::{RANDOM_SAMPLE, ROUTE_PAUSE, SCAN_GROUPS_MAX};
use crate::random;

/// Which slots a call about many keys is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the cluster.
    All,
    /// Those of the groups this node leads when the call begins.
    LedHere,
    /// One.
    Slot(Slot),
}

/// A request for the next page of a walk through a namespace's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The namespace.
    pub namespace: NamespaceId,
    /// Which slots.
    pub scope: Scope,
    /// 0 to begin, then what the page before said: good on any node, and for as long as one likes.
    pub cursor: u64,
    /// How many keys, from 1 to `SCAN_KEYS_MAX`; more only when keys share a position.
    pub limit: usize,
    /// Whether to bring the entries too.
    pub values: bool,
    /// How fresh each page must be.
    pub consistency: Consistency,
}

/// A page of such a walk. A key that is there throughout is in exactly one of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanPage {
    /// Keys in order of slot and hash. An entry is missing when it was not asked for, or does not fit into the page and
    /// has to be read by itself.
    pub found: Vec<(Key, Option<Entry>)>,
    /// For each of them, group time of its group when it was seen, ms: its deadline counts from there.
    pub times_ms: Vec<u64>,
    /// The cursor of the next page; 0: there is none. A page may be empty and not the last.
    pub next: u64,
    /// The earliest group time of any group asked, ms.
    pub time_ms: u64,
    /// For `Local`: an upper bound on how far behind the page may be, ms.
    pub staleness_ms: Option<u64>,
}

impl Inner {
    /// The next page of keys that begin with `prefix`.
    pub(super) async fn scan(&self, scan: Scan, prefix: &[u8], deadline: Instant) -> Result<ScanPage> {
        let from = Position::from_number(scan.cursor).ok_or_else(|| {
            Error::of_read(ErrorKind::BadRequest, "the cursor is none that a page ended with")
        })?;
        let scope = match (scan.scope, slot_of_prefix(prefix)) {
            // A prefix with a hash tag in it names one slot.
            (Scope::All, Some(slot)) => Scope::Slot(slot),
            (scope, _) => scope,
        };
        let limit = scan.limit.clamp(1, SCAN_KEYS_MAX);
        let walk = |slots: &[SlotSpan], groups: usize| {
            Sought::Page(Walk {
                namespace: scan.namespace,
                slots: slots.to_vec(),
                from,
                prefix: prefix.to_vec(),
                // Keys are spread evenly: each group brings its share of the page.
                limit: limit.div_ceil(groups),
                bytes: SCAN_BYTES_MAX / groups,
                values: scan.values,
            })
        };
        let looked = Looked { scope, from: from.slot(), groups_max: SCAN_GROUPS_MAX };
        let (seen, end) = self.seek_all(looked, scan.consistency, walk, deadline).await?;
        Ok(page_of(seen, end, limit))
    }

    /// How many keys of a namespace are held, expired ones that are not removed yet included.
    pub(super) async fn count(&self, namespace: NamespaceId, scope: Scope, deadline: Instant) -> Result<u64> {
        let looked = Looked { scope, from: 0, groups_max: usize::MAX };
        let count = |slots: &[SlotSpan], _| Sought::Count(namespace, slots.to_vec());
        let (seen, _) = self.seek_all(looked, Consistency::Linearizable, count, deadline).await?;
        Ok(seen.iter().map(|seen| if let Sight::Count(count) = seen.survey.sight { count } else { 0 }).sum())
    }

    /// Drops every key of a namespace from the groups of `scope`, which has to be all slots of a group or none.
    pub(super) async fn flush(&self, namespace: NamespaceId, scope: Scope, deadline: Instant) -> Result<()> {
        if matches!(scope, Scope::Slot(_)) {
            return Err(Error::not_applied(ErrorKind::BadRequest, "a single slot cannot be flushed"));
        }
        let looked = Looked { scope, from: 0, groups_max: usize::MAX };
        let batch = Batch::new(&[Command::Flush(Flush { namespace })]);
        let parts = self.parts(looked).map_err(|error| Error::not_applied(error.kind, error.detail))?;
        let flushes = parts.groups.keys().map(|&group| self.write_group(group, batch.clone(), deadline));
        all_or_unknown(join_all(flushes).await)
    }

    /// Any key: first any slot that has some, then any of some keys behind a random place in it.
    pub(super) async fn random_key(
        &self,
        namespace: NamespaceId,
        scope: Scope,
        deadline: Instant,
    ) -> Result<Option<Key>> {
        let anywhere = Position::within(random::below(SLOTS.into()) as Slot, 0);
        let Some(first) = self.some_keys(namespace, scope, anywhere, 1, deadline).await?.pop() else {
            return Ok(None);
        };
        let slot = first.slot();
        let within = Position::within(slot, random::bits64() as u32);
        let mut some = self.some_keys(namespace, Scope::Slot(slot), within, RANDOM_SAMPLE, deadline).await?;
        // They may all have gone since.
        if some.is_empty() {
            return Ok(Some(first));
        }
        Ok(Some(some.swap_remove(random::below(some.len()))))
    }

    /// Up to `limit` keys behind a position, or when there are none, from the start on.
    async fn some_keys(
        &self,
        namespace: NamespaceId,
        scope: Scope,
        from: Position,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<Key>> {
        let (consistency, values) = (Consistency::Linearizable, false);
        for start in [from.to_number(), 0] {
            let mut scan = Scan { namespace, scope, cursor: start, limit, values, consistency };
            loop {
                let page = self.scan(scan.clone(), &[], deadline).await?;
                if !page.found.is_empty() {
                    return Ok(page.found.into_iter().map(|(key, _)| key).collect());
                }
                if page.next == 0 {
                    break;
                }
                scan.cursor = page.next;
            }
        }
        Ok(Vec::new())
    }

    /// Looks at all groups' parts side by side, again when one met an outdated slot table. What each saw, and where the
    /// groups begin that were left out.
    async fn seek_all(
        &self,
        looked: Looked,
        consistency: Consistency,
        sought: impl Fn(&[SlotSpan], usize) -> Sought,
        deadline: Instant,
    ) -> Result<(Vec<Seen>, Option<Position>)> {
        loop {
            let parts = self.parts(looked)?;
            let seeks = parts.groups.iter().map(|(&group, slots)| {
                let sought = sought(slots, parts.groups.len());
                let seek = Seek { group, consistency, timeout_ms: millis_until(deadline), sought };
                async move { Ok::<_, Error>((group, self.seek_group(seek, deadline).await?)) }
            });
            let seen = try_join_all(seeks).await?;
            let Some((group, _)) = seen.iter().find(|(_, seen)| seen.survey.sight == Sight::NotOwner) else {
                return Ok((seen.into_iter().map(|(_, seen)| seen).collect(), parts.end));
            };
            if let Some(error) = moving(*group, deadline) {
                return Err(error.without_outcome());
            }
            tokio::time::sleep(ROUTE_PAUSE).await;
        }
    }

    fn parts(&self, looked: Looked) -> Result<Parts> {
        let doc = self.member_doc().map_err(Error::without_outcome)?;
        let led = doc.groups.keys().copied().filter(|&group| self.leads(group)).collect();
        Ok(Parts::of(&doc, looked.scope, &led, looked.from, looked.groups_max))
    }

    /// Whether this node leads a group, as far as it knows.
    pub(super) fn leads(&self, group: GroupId) -> bool {
        self.host.get(group).is_some_and(|replica| replica.leads())
    }
}

/// What a change of several groups came to: when only some failed, what became of the whole is unknown.
fn all_or_unknown<T>(outcomes: Vec<Result<T>>) -> Result<()> {
    let all = outcomes.len();
    let failed: Vec<Error> = outcomes.into_iter().filter_map(Result::err).collect();
    let certain = failed.len() == all && failed.iter().all(|e| e.outcome == Some(Outcome::NotApplied));
    match failed.into_iter().next() {
        None => Ok(()),
        Some(error) if certain => Err(error),
        Some(error) => Err(Error { outcome: Some(Outcome::Unknown), ..error }),
    }
}

/// What a look at many groups is about.
#[derive(Debug, Clone, Copy)]
struct Looked {
    scope: Scope,
    from: Slot,
    groups_max: usize,
}

fn page_of(seen: Vec<Seen>, end: Option<Position>, limit: usize) -> ScanPage {
    let time_ms = seen.iter().map(|seen| seen.survey.time_ms).min().unwrap_or(0);
    let staleness_ms = seen.iter().filter_map(|seen| seen.staleness_ms).max();
    let pages: Vec<(Page, u64)> = seen
        .into_iter()
        .filter_map(|seen| match seen.survey.sight {
            Sight::Page(page) => Some((page, seen.survey.time_ms)),
            Sight::Count(_) | Sight::NotOwner => None,
        })
        .collect();
    let (rows, next) = merged(pages, end, limit);
    let (found, times_ms) = rows.into_iter().map(|(key, entry, time_ms)| ((key, entry), time_ms)).unzip();
    ScanPage { found, times_ms, next: next.map_or(0, Position::to_number), time_ms, staleness_ms }
}
