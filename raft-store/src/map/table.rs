//! The entries of one slot, in order of (hash, key): a B⁺-tree whose parts are shared with frozen copies.
//!
//! A write after a freeze copies the branches on the way and one leaf, however many entries share the slot by
//! a hash tag. Most slots have a root and some leaves. A branch keeps the hash of each child's first entry
//! beside the child's address, so choosing the child touches one array; only for equal hashes it looks at keys.
//!
//! ```text
//! SlotTable ── root ── child ── child ── child      all leaves are equally deep; no node but the root of an
//!                        │                          empty table is empty; no branch has more children than
//!                        └─ branch or leaf          CHILDREN_MAX; two neighbours hold more than half of
//!                                                   what fits into one of them
//! ```

mod node;
#[cfg(test)]
mod tests;
mod way;

use std::sync::Arc;

use node::Node;
use way::leaves_behind;

use super::hash::{KeyHash, KeyRef};
use super::leaf::{Draft, Found, Gone, Leaf};
use super::tally::Tally;
use crate::key::NamespaceId;

/// Most children of a branch. A write after a freeze copies so many addresses at each level.
const CHILDREN_MAX: usize = if cfg!(test) { 4 } else { 64 };

/// The entries of one slot, and their sums.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlotTable {
    root: Branch,
    tally: Tally,
    /// Bytes by the map's accounting.
    bytes: u64,
}

#[derive(Debug, Clone, Default)]
struct Branch {
    children: Vec<Child>,
}

#[derive(Debug, Clone)]
struct Child {
    /// The hash of its first entry.
    hash: KeyHash,
    node: Node,
}

impl SlotTable {
    /// A table of leaves in order, which are well filled.
    pub(super) fn of(leaves: Vec<(KeyHash, Leaf)>, tally: Tally, bytes: u64) -> Self {
        let child = |(hash, leaf)| Child { hash, node: Node::Leaf(leaf) };
        let mut root = Branch { children: leaves.into_iter().map(child).collect() };
        while root.children.len() > CHILDREN_MAX {
            root = root.grouped();
        }
        Self { root, tally, bytes }
    }

    pub(crate) fn items(&self) -> u64 {
        self.tally.items()
    }

    /// The entries counted by namespace.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, hash: KeyHash, key: KeyRef<'_>) -> Option<Found<'_>> {
        self.root.get(hash, key)
    }

    /// The hashes at the root's ends and in its middle, put together: what a search reads. 0 without entries.
    pub(super) fn root_hashes(&self) -> KeyHash {
        let children = &self.root.children;
        let ends = [children.first(), children.get(children.len() / 2), children.last()];
        ends.into_iter().flatten().fold(0, |all, child| all ^ child.hash)
    }

    /// The leaf where a key with this hash is, most likely.
    pub(super) fn near(&self, hash: KeyHash) -> Option<&Leaf> {
        self.root.near(hash)
    }

    /// The first key with this hash whose entry expires just at `deadline`.
    pub(crate) fn key_due(&self, hash: KeyHash, deadline: u64) -> Option<KeyRef<'_>> {
        self.root.key_due(hash, deadline)
    }

    /// Puts an entry, which takes `bytes`, in its place; says what was there before.
    pub(crate) fn put(&mut self, draft: Draft<'_>, bytes: u64) -> Option<Gone> {
        let namespace = draft.key.namespace;
        let gone = self.root.put(draft);
        self.tally.add(namespace);
        self.bytes += bytes;
        self.forget(namespace, gone);
        if self.root.children.len() > CHILDREN_MAX {
            self.root = std::mem::take(&mut self.root).grouped();
        }
        gone
    }

    pub(crate) fn remove(&mut self, hash: KeyHash, key: KeyRef<'_>) -> Option<Gone> {
        let gone = self.root.remove(hash, key);
        self.forget(key.namespace, gone);
        while let [Child { node: Node::Branch(only), .. }] = &mut self.root.children[..] {
            let only = std::mem::take(only);
            self.root = Arc::unwrap_or_clone(only);
        }
        gone
    }

    fn forget(&mut self, namespace: NamespaceId, gone: Option<Gone>) {
        if let Some(gone) = gone {
            self.tally.remove(namespace);
            self.bytes -= gone.bytes;
        }
    }

    /// The leaves in order.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        leaves_behind(vec![self.root.children.iter()])
    }

    /// The entries in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Found<'_>> {
        self.leaves().flat_map(|leaf| (0..leaf.count()).map(|at| leaf.at(at)))
    }

    /// The entries from the first one with this hash or a larger one on, in order.
    pub(crate) fn iter_from(&self, hash: KeyHash) -> impl Iterator<Item = Found<'_>> {
        let leaves = leaves_behind(self.root.path_to(hash));
        leaves.flat_map(move |leaf| (leaf.lower_bound(hash)..leaf.count()).map(|at| leaf.at(at)))
    }

    /// Checks the drawing above.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        self.root.validate()?;
        let firsts: Vec<_> = self.leaves().map(Leaf::first).collect();
        let lasts = self.leaves().map(|leaf| leaf.at(leaf.count() - 1).record.key);
        let lasts = lasts.map(|key| (super::hash::hash_of(key), key));
        let ordered = lasts.zip(&firsts[1.min(firsts.len())..]).all(|(last, next)| last < *next);
        if ordered { Ok(()) } else { Err("leaves are out of order") }
    }
}

impl Branch {
    fn get(&self, hash: KeyHash, key: KeyRef<'_>) -> Option<Found<'_>> {
        match &self.children.get(self.child_of(hash, key))?.node {
            Node::Leaf(leaf) => leaf.get(hash, key),
            Node::Branch(branch) => branch.get(hash, key),
        }
    }

    fn near(&self, hash: KeyHash) -> Option<&Leaf> {
        let at = self.children.partition_point(|child| child.hash <= hash).saturating_sub(1);
        match &self.children.get(at)?.node {
            Node::Leaf(leaf) => Some(leaf),
            Node::Branch(branch) => branch.near(hash),
        }
    }

    fn key_due(&self, hash: KeyHash, deadline: u64) -> Option<KeyRef<'_>> {
        let first = self.child_of(hash, KeyRef::FIRST);
        let children = self.children.iter().enumerate().skip(first);
        let mut children = children.take_while(|(at, child)| *at == first || child.hash <= hash);
        children.find_map(|(_, child)| match &child.node {
            Node::Leaf(leaf) => leaf.key_due(hash, deadline),
            Node::Branch(branch) => branch.key_due(hash, deadline),
        })
    }

    fn put(&mut self, draft: Draft<'_>) -> Option<Gone> {
        let (hash, at) = (draft.hash, self.child_of(draft.hash, draft.key));
        let Some(child) = self.children.get_mut(at) else {
            self.children.push(Child { hash, node: Node::Leaf(Leaf::of(draft)) });
            return None;
        };
        let size = child.node.size();
        let gone = match &mut child.node {
            Node::Leaf(leaf) => leaf.put(draft),
            Node::Branch(branch) => Arc::make_mut(branch).put(draft),
        };
        child.hash = child.hash.min(hash);
        if child.node.size() != size {
            self.mend(at);
        }
        gone
    }

    fn remove(&mut self, hash: KeyHash, key: KeyRef<'_>) -> Option<Gone> {
        let at = self.child_of(hash, key);
        let child = self.children.get_mut(at)?;
        let gone = match &mut child.node {
            Node::Leaf(leaf) => leaf.remove(hash, key),
            Node::Branch(branch) => Arc::make_mut(branch).remove(hash, key),
        };
        if child.node.len() == 0 {
            self.children.remove(at);
        } else if child.hash == hash {
            child.hash = child.node.first().0;
        }
        self.mend(at);
        gone
    }

    /// The last child that starts at or before (`hash`, `key`); the first if none does.
    fn child_of(&self, hash: KeyHash, key: KeyRef<'_>) -> usize {
        let before = |child: &Child| child.hash < hash || child.hash == hash && child.node.first().1 <= key;
        self.children.partition_point(before).saturating_sub(1)
    }

    /// Makes up for a change of the child at `at`, if there is one: splits it, or joins it with a neighbour.
    fn mend(&mut self, at: usize) {
        if let Some(child) = self.children.get_mut(at)
            && child.node.is_too_long()
        {
            let node = child.node.split();
            let upper = Child { hash: node.first().0, node };
            self.children.insert(at + 1, upper);
            self.mend(at + 1);
            return self.mend(at);
        }
        self.join(at);
        if at > 0 {
            self.join(at - 1);
        }
    }

    /// Joins the child at `at` with the next one when both together would be half of one.
    fn join(&mut self, at: usize) {
        if let Some([left, right, ..]) = self.children.get_mut(at..)
            && left.node.fits_with(&right.node)
        {
            left.node.join(&right.node);
            self.children.remove(at + 1);
        }
    }

    /// The same entries under a new level of branches, each with room to grow.
    fn grouped(self) -> Self {
        let groups = self.children.len().div_ceil(CHILDREN_MAX * 3 / 4);
        let size = self.children.len().div_ceil(groups);
        let group = |children: &[Child]| {
            let node = Node::Branch(Arc::new(Self { children: children.to_vec() }));
            Child { hash: children[0].hash, node }
        };
        Self { children: self.children.chunks(size).map(group).collect() }
    }

    fn validate(&self) -> Result<(), &'static str> {
        for child in &self.children {
            if child.hash != child.node.first().0 {
                return Err("a child does not start with its hash");
            }
            match &child.node {
                Node::Leaf(leaf) => leaf.validate()?,
                Node::Branch(branch) => branch.validate()?,
            }
        }
        let kinds =
            |pair: &[Child]| std::mem::discriminant(&pair[0].node) == std::mem::discriminant(&pair[1].node);
        let rules = [
            (self.children.len() <= CHILDREN_MAX, "a branch is too long"),
            (self.children.windows(2).all(kinds), "leaves are not equally deep"),
            (
                !self.children.windows(2).any(|pair| pair[0].node.fits_with(&pair[1].node)),
                "two neighbours would fit into half of one",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }
}
